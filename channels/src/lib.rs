//! Where messages come from and go to.
//!
//! A channel checks that a delivery is genuine, reads it into messages and sends replies. This crate
//! stores nothing. Read [`Channel`] first; `conformance.rs` says what every channel must hold.

mod api;
pub mod conformance;
mod error;
mod incoming;
mod widget;

pub use api::Api;
pub use error::Error;
pub use incoming::{Delivered, Incoming, IncomingMessage, Outgoing};
pub use widget::{PreChatField, PreChatKind, Widget, WidgetPosition, WidgetSettings, WidgetTheme};

use futures::future::BoxFuture;
use serde_json::{Map, Value};

/// One kind of entry point for messages.
pub trait Channel: Send + Sync {
    /// The word that rows of this kind are stored with.
    fn kind(&self) -> &'static str;

    /// Whether clients read replies themselves, so that storing one is sending it.
    fn is_pulled(&self) -> bool;

    /// Whether the settings are whole and hold nothing unknown.
    fn check(&self, settings: &Map<String, Value>) -> Result<(), Error>;

    /// Whether a delivery is genuine under the channel's settings.
    fn verify(&self, settings: &Map<String, Value>, incoming: &Incoming) -> Result<(), Error>;

    /// Reads a delivery into messages, in order.
    fn parse(&self, incoming: &Incoming) -> Result<Vec<IncomingMessage>, Error>;

    /// Sends a reply; sending the same message id again changes nothing for the customer.
    fn send<'a>(
        &'a self,
        settings: &'a Map<String, Value>,
        outgoing: &'a Outgoing,
    ) -> BoxFuture<'a, Result<Delivered, Error>>;
}

/// Every kind there is; a new one is one line here.
static REGISTRY: &[&dyn Channel] = &[&Api, &Widget];

/// Every channel kind.
pub fn all() -> impl Iterator<Item = &'static dyn Channel> {
    REGISTRY.iter().copied()
}

/// The channel of a kind.
pub fn channel(kind: &str) -> Result<&'static dyn Channel, Error> {
    all().find(|channel| channel.kind() == kind).ok_or_else(|| Error::UnknownKind(kind.to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn every_registered_channel_conforms() {
        for channel in all() {
            futures::executor::block_on(conformance::exercise(channel));
        }
    }

    #[test]
    fn kinds_are_unique_and_found() {
        let mut kinds: Vec<&str> = all().map(Channel::kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds, ["api", "widget"]);
        assert_eq!(channel("widget").unwrap().kind(), "widget");
        assert_eq!(channel("fax").err().unwrap().to_string(), "channel kind `fax` not known; there are: api, widget");
    }
}
