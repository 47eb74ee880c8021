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
            Self::Dataset { .. } | Self::File { .. } => ErrorKind::Invalid,
            Self::Storage(error) => error.kind(),
            Self::Retrieval(error) => error.kind(),
        }
    }
}
