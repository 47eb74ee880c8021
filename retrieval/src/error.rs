//! What can go wrong while searching or indexing.

use domain::{ErrorKind, Kinded, OrganizationId};
use std::path::PathBuf;

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong while searching or indexing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A vector has another length than its space.
    #[error(
        "a vector of {found} values does not fit the index of `{model_id}` with {expected}: \
         set the embedding model back, or run `frontdesk reindex` to build an index for the new one"
    )]
    Dimensions {
        /// The space's model.
        model_id: String,
        /// The space's dimensions.
        expected: usize,
        /// The vector's length.
        found: usize,
    },
    /// A vector holds NaN, an infinity, or only zeros.
    #[error("a vector of `{model_id}` {problem}: the embedding endpoint returned an unusable value")]
    UnusableVector {
        /// The space's model.
        model_id: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A batch was built on a seq that the index has not reached.
    #[error(
        "the index of `{organization_id}` is at seq {applied}, the batch follows {after}: apply the changes from {applied} on"
    )]
    Gap {
        /// Whose index it is.
        organization_id: OrganizationId,
        /// The seq the index is at.
        applied: i64,
        /// The seq the batch was built on.
        after: i64,
    },
    /// An index file is not what was written.
    #[error("{} is damaged ({reason}): run `frontdesk reindex` to rebuild it from storage", path.display())]
    Damaged {
        /// The file or folder.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The disk refused.
    #[error("{}: {source}", path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The BM25 index failed.
    #[error("the bm25 index in {} failed: {source}: check the disk, then run `frontdesk reindex`", path.display())]
    Keyword {
        /// The index's folder.
        path: PathBuf,
        /// Why.
        source: tantivy::TantivyError,
    },
    /// The vector server refused or could not be reached.
    #[error("qdrant at {url}: {reason}")]
    Qdrant {
        /// Its address.
        url: String,
        /// Why.
        reason: String,
    },
    /// The vector server's address or key is no usable setting.
    #[error("the qdrant settings are not usable: {0}")]
    QdrantSettings(String),
    /// A task stopped before it was done: the process is shutting down, or a defect.
    #[error("an index task stopped before it was done: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
}

impl Error {
    pub(crate) fn disk(path: &std::path::Path, source: std::io::Error) -> Self {
        Self::Disk { path: path.to_owned(), source }
    }

    pub(crate) fn damaged(path: &std::path::Path, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.into() }
    }
}

impl Kinded for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Dimensions { .. } | Self::UnusableVector { .. } | Self::QdrantSettings(_) => ErrorKind::Invalid,
            Self::Gap { .. } => ErrorKind::Conflict,
            Self::Qdrant { .. } | Self::Disk { .. } => ErrorKind::Unavailable,
            Self::Damaged { .. } | Self::Keyword { .. } | Self::Interrupted(_) => ErrorKind::Internal,
        }
    }
}
