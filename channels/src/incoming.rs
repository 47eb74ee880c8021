//! What comes in and goes out, the same for every channel.

use crate::Error;
use domain::MessageId;
use domain::message::DeliveryState;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Characters of a message at most.
pub(crate) const CONTENT_CHARACTERS_MAX: usize = 32_000;
/// Characters of an external id at most.
const EXTERNAL_ID_CHARACTERS_MAX: usize = 256;

/// A delivery as it arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incoming {
    /// Header fields, names in lowercase.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

/// One message that a customer sent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncomingMessage {
    /// What was said.
    pub content: String,
    /// The id the channel knows it by; the same id is the same message.
    #[serde(default)]
    pub external_id: Option<String>,
}

/// A reply to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The message; its idempotency key at the channel.
    pub message_id: MessageId,
    /// What is said, sanitized.
    pub content: String,
}

/// How far sending came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Sent, delivered, or unknown.
    pub state: DeliveryState,
    /// The id the channel knows the reply by.
    pub external_id: Option<String>,
}

/// Reads the body `{"content", "external_id"?}` and holds it to the limits.
pub(crate) fn parse_json(body: &[u8]) -> Result<Vec<IncomingMessage>, Error> {
    let message: IncomingMessage =
        serde_json::from_slice(body).map_err(|error| Error::Unreadable(error.to_string()))?;
    if message.content.trim().is_empty() {
        return Err(Error::Unreadable("`content` is empty".to_owned()));
    }
    limited("content", &message.content, CONTENT_CHARACTERS_MAX)?;
    if let Some(id) = &message.external_id {
        limited("external_id", id, EXTERNAL_ID_CHARACTERS_MAX)?;
    }
    Ok(vec![message])
}

fn limited(field: &str, text: &str, max: usize) -> Result<(), Error> {
    let characters = text.chars().count();
    if characters > max {
        return Err(Error::Unreadable(format!("`{field}` has {characters} characters, {max} are allowed")));
    }
    Ok(())
}
