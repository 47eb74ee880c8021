//! The HTTP API as a channel: clients post messages with a key and read replies themselves.

use crate::incoming::parse_json;
use crate::{Channel, Delivered, Error, Incoming, IncomingMessage, Outgoing};
use domain::message::DeliveryState;
use futures::future::{BoxFuture, ready};
use serde_json::{Map, Value};

/// Messages of integrations; the API key proved who they are before they came here.
pub struct Api;

impl Channel for Api {
    fn kind(&self) -> &'static str {
        "api"
    }

    fn is_pulled(&self) -> bool {
        true
    }

    fn check(&self, settings: &Map<String, Value>) -> Result<(), Error> {
        match settings.keys().next() {
            None => Ok(()),
            Some(key) => Err(Error::Settings { kind: "api", message: format!("unknown field `{key}`") }),
        }
    }

    fn verify(&self, settings: &Map<String, Value>, _incoming: &Incoming) -> Result<(), Error> {
        self.check(settings)
    }

    fn parse(&self, incoming: &Incoming) -> Result<Vec<IncomingMessage>, Error> {
        parse_json(&incoming.body)
    }

    fn send<'a>(
        &'a self,
        _settings: &'a Map<String, Value>,
        _outgoing: &'a Outgoing,
    ) -> BoxFuture<'a, Result<Delivered, Error>> {
        // Storing a reply is sending it: clients read it by request or event stream.
        Box::pin(ready(Ok(Delivered { state: DeliveryState::Sent, external_id: None })))
    }
}
