//! The widget on a website: visitors post messages from its pages and read replies by event stream.

use crate::incoming::parse_json;
use crate::{Channel, Delivered, Error, Incoming, IncomingMessage, Outgoing};
use domain::message::DeliveryState;
use futures::future::{BoxFuture, ready};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Messages of visitors, taken from the pages the settings allow.
pub struct Widget;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// Origins that may embed the widget (`https://example.com`); empty allows all.
    allowed_origins: Vec<String>,
    /// The widget's colour.
    #[serde(rename = "accent_color")]
    _accent_color: Option<String>,
    /// What the widget says first.
    #[serde(rename = "greeting")]
    _greeting: Option<String>,
}

fn read(settings: &Map<String, Value>) -> Result<Settings, Error> {
    serde_json::from_value(Value::Object(settings.clone()))
        .map_err(|error| Error::Settings { kind: "widget", message: error.to_string() })
}

impl Channel for Widget {
    fn kind(&self) -> &'static str {
        "widget"
    }

    fn is_pulled(&self) -> bool {
        true
    }

    fn check(&self, settings: &Map<String, Value>) -> Result<(), Error> {
        read(settings).map(|_| ())
    }

    fn verify(&self, settings: &Map<String, Value>, incoming: &Incoming) -> Result<(), Error> {
        let settings = read(settings)?;
        let origin = incoming.headers.get("origin").map(String::as_str).unwrap_or_default();
        let allowed = settings.allowed_origins.is_empty()
            || settings.allowed_origins.iter().any(|known| known.trim_end_matches('/').eq_ignore_ascii_case(origin));
        if allowed { Ok(()) } else { Err(Error::NotGenuine(format!("origin `{origin}` is not in `allowed_origins`"))) }
    }

    fn parse(&self, incoming: &Incoming) -> Result<Vec<IncomingMessage>, Error> {
        parse_json(&incoming.body)
    }

    fn send<'a>(
        &'a self,
        _settings: &'a Map<String, Value>,
        _outgoing: &'a Outgoing,
    ) -> BoxFuture<'a, Result<Delivered, Error>> {
        // Storing a reply is sending it: the open widget reads it by event stream.
        Box::pin(ready(Ok(Delivered { state: DeliveryState::Sent, external_id: None })))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn only_allowed_origins_may_post() {
        let settings = serde_json::json!({ "allowed_origins": ["https://example.com/"] });
        for (origin, allowed) in [
            (Some("https://example.com"), true),
            (Some("https://evil.test"), false),
            (Some("https://example.com.evil.test"), false),
            (None, false),
        ] {
            let headers = origin.map(|origin| ("origin".to_owned(), origin.to_owned())).into_iter().collect();
            let incoming = Incoming { headers, body: Vec::new() };
            assert_eq!(Widget.verify(settings.as_object().unwrap(), &incoming).is_ok(), allowed, "{origin:?}");
        }
    }
}
