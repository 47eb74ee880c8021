//! What can go wrong while a message is received or answered.

use domain::{ErrorKind, Kinded};

/// The result of answering.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of receiving or answering.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request breaks a rule.
    #[error("{0}")]
    Invalid(String),
    /// Storage failed.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// The indexes failed.
    #[error(transparent)]
    Retrieval(#[from] retrieval::Error),
    /// A prompt could not be rendered.
    #[error(transparent)]
    Prompt(#[from] prompts::Error),
    /// A channel refused.
    #[error(transparent)]
    Channel(#[from] channels::Error),
}

impl Kinded for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::Storage(error) => error.kind(),
            Self::Retrieval(error) => error.kind(),
            Self::Prompt(_) => ErrorKind::Internal,
            Self::Channel(error) => error.kind(),
        }
    }
}
