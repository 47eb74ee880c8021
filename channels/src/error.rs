//! What can go wrong at the edge.

use domain::{ErrorKind, Kinded};

/// What can go wrong with a channel.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No channel of that kind is registered.
    #[error("channel kind `{0}` not known; there are: {known}", known = kinds())]
    UnknownKind(String),
    /// The channel's settings are wrong.
    #[error("settings of channel kind `{kind}`: {message}")]
    Settings {
        /// The channel's kind.
        kind: &'static str,
        /// What is wrong.
        message: String,
    },
    /// The delivery cannot be read.
    #[error("message not readable: {0}")]
    Unreadable(String),
    /// The delivery is not genuine.
    #[error("delivery not allowed: {0}")]
    NotGenuine(String),
}

fn kinds() -> String {
    crate::all().map(crate::Channel::kind).collect::<Vec<_>>().join(", ")
}

impl Kinded for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownKind(_) | Self::Settings { .. } | Self::Unreadable(_) => ErrorKind::Invalid,
            Self::NotGenuine(_) => ErrorKind::Forbidden,
        }
    }
}
