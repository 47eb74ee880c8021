//! What can go wrong while knowledge is taken in.

use crate::frontier::InvalidPattern;
use crate::reason::Reason;
use crate::sources::Refusal;
use domain::{ErrorKind, Kinded};

/// The result of ingest.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of ingest.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request breaks a rule.
    #[error("{0}")]
    Invalid(String),
    /// An address that cannot be read.
    #[error("`{url}` cannot be scanned: {reason}")]
    Address {
        /// The address as it was given.
        url: String,
        /// Why.
        reason: Reason,
    },
    /// A pattern that cannot be used.
    #[error(transparent)]
    Pattern(#[from] InvalidPattern),
    /// A line of a file that cannot be imported.
    #[error("line {line}: {message}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// A file that is not taken.
    #[error("`{name}` cannot be taken: {refusal}")]
    File {
        /// Its name.
        name: String,
        /// Why, and what to do.
        refusal: Refusal,
    },
    /// Reading a file failed.
    #[error("the file cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// Storage failed.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// The indexes failed.
    #[error(transparent)]
    Retrieval(#[from] retrieval::Error),
    /// The embedding model failed.
    #[error(transparent)]
    Model(#[from] llm::Error),
    /// A prompt cannot be rendered.
    #[error(transparent)]
    Prompt(#[from] prompts::Error),
    /// A page asks to come back later.
    #[error("{0}")]
    Later(Reason),
    /// Work on another thread was lost.
    #[error("a task was lost: {0}")]
    Lost(#[from] tokio::task::JoinError),
}

impl Kinded for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_)
            | Self::Address { .. }
            | Self::Pattern(_)
            | Self::Line { .. }
            | Self::File { .. }
            | Self::Read(_) => ErrorKind::Invalid,
            Self::Storage(error) => error.kind(),
            Self::Retrieval(error) => error.kind(),
            Self::Model(error) => error.kind(),
            Self::Prompt(error) => error.kind(),
            Self::Later(_) => ErrorKind::Unavailable,
            Self::Lost(_) => ErrorKind::Internal,
        }
    }
}
