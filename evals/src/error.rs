//! What can go wrong with an evaluation.

use domain::{ErrorKind, Kinded};

/// The result of evals.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of an evaluation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A line of a data set that cannot be used.
    #[error("{file} line {line}: {message}")]
    Dataset {
        /// The file.
        file: String,
        /// From 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A file cannot be read.
    #[error("{file}: {source}")]
    File {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// The request breaks a rule.
    #[error("{0}")]
    Invalid(String),
    /// A case could not be asked at all.
    #[error("case `{case}`: {message}")]
    Case {
        /// The case.
        case: String,
        /// Why.
        message: String,
    },
    /// The prompt cannot be rendered.
    #[error(transparent)]
    Prompt(#[from] prompts::Error),
    /// A case could not be put.
    #[error(transparent)]
    Answering(#[from] answering::Error),
    /// Storage failed.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// The search failed.
    #[error(transparent)]
    Retrieval(#[from] ::retrieval::Error),
}

impl Kinded for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Dataset { .. } | Self::File { .. } | Self::Invalid(_) => ErrorKind::Invalid,
            Self::Case { .. } | Self::Prompt(_) => ErrorKind::Internal,
            Self::Answering(error) => error.kind(),
            Self::Storage(error) => error.kind(),
            Self::Retrieval(error) => error.kind(),
        }
    }
}
