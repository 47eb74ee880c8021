//! What can go wrong with a model, and whether asking again may help.

use domain::{ErrorKind, Kinded};
use std::time::Duration;

/// A failure of a model call, of an embedding or of the search for model files.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The settings cannot work; the text names the setting and the fix.
    #[error("{0}")]
    Settings(String),
    /// The endpoint refused the request itself.
    #[error("model `{model}` refused the request ({status}): {message}")]
    Rejected {
        /// The model that was asked.
        model: String,
        /// The HTTP status.
        status: u16,
        /// The endpoint's own words, shortened.
        message: String,
    },
    /// The endpoint does not know the key.
    #[error("the endpoint of model `{model}` did not accept the API key: {message}")]
    Unauthenticated {
        /// The model that was asked.
        model: String,
        /// The endpoint's own words, shortened.
        message: String,
    },
    /// The key has no right to this model, or its quota is spent. Waiting does not help.
    #[error("the API key may not use model `{model}`: {message}")]
    Forbidden {
        /// The model that was asked.
        model: String,
        /// The endpoint's own words, shortened.
        message: String,
    },
    /// The endpoint has no such model or address.
    #[error("model `{model}` not found at its endpoint: {message}")]
    NotFound {
        /// The model that was asked.
        model: String,
        /// The endpoint's own words, shortened.
        message: String,
    },
    /// Too many requests at the moment.
    #[error("model `{model}` is rate limited: {message}")]
    RateLimited {
        /// The model that was asked.
        model: String,
        /// How long the endpoint asks to wait.
        retry_after: Option<Duration>,
        /// The endpoint's own words, shortened.
        message: String,
    },
    /// The endpoint cannot be reached or failed.
    #[error("model `{model}` is unavailable: {message}")]
    Unavailable {
        /// The model that was asked.
        model: String,
        /// How long the endpoint asks to wait.
        retry_after: Option<Duration>,
        /// What happened.
        message: String,
    },
    /// A time limit passed.
    #[error("model `{model}` took longer than {limit_ms} ms ({phase})")]
    Timeout {
        /// The model that was asked.
        model: String,
        /// `first byte`, `idle`, `total` or `deadline`.
        phase: &'static str,
        /// The limit.
        limit_ms: u64,
    },
    /// The stream ended before the model said that it was done.
    #[error("the answer of model `{model}` was cut off after {size_bytes} bytes")]
    CutStream {
        /// The model that was asked.
        model: String,
        /// Bytes of text that had come.
        size_bytes: usize,
    },
    /// The endpoint's reply makes no sense.
    #[error("model `{model}` sent a reply that cannot be used: {message}")]
    Malformed {
        /// The model that was asked.
        model: String,
        /// What was wrong with it.
        message: String,
    },
    /// All calls allowed for this message were made.
    #[error("all {calls} model calls allowed for this message are used up")]
    BudgetSpent {
        /// The calls that were allowed.
        calls: u32,
    },
    /// The local model failed: its files are damaged, or a defect.
    #[error("local model `{model}` failed: {message}")]
    Local {
        /// The model.
        model: String,
        /// What happened.
        message: String,
    },
}

impl Error {
    /// How long the endpoint asked to wait before the next call.
    pub fn retry_after(&self) -> Option<Duration> {
        if let Self::RateLimited { retry_after, .. } | Self::Unavailable { retry_after, .. } = self {
            *retry_after
        } else {
            None
        }
    }

    /// Whether the same call may work later.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind(), ErrorKind::RateLimited | ErrorKind::Unavailable)
            && !matches!(self, Self::BudgetSpent { .. })
    }

    /// A word for metrics and traces, from a closed list.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Settings(_) => "settings",
            Self::Rejected { .. } => "rejected",
            Self::Unauthenticated { .. } => "unauthenticated",
            Self::Forbidden { .. } => "forbidden",
            Self::NotFound { .. } => "not_found",
            Self::RateLimited { .. } => "rate_limited",
            Self::Unavailable { .. } => "unavailable",
            Self::Timeout { .. } => "timeout",
            Self::CutStream { .. } => "cut_stream",
            Self::Malformed { .. } => "malformed",
            Self::BudgetSpent { .. } => "budget_spent",
            Self::Local { .. } => "local",
        }
    }
}

impl Kinded for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Settings(_) | Self::Rejected { .. } => ErrorKind::Invalid,
            Self::Unauthenticated { .. } => ErrorKind::Unauthenticated,
            Self::Forbidden { .. } => ErrorKind::Forbidden,
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::RateLimited { .. } => ErrorKind::RateLimited,
            Self::Unavailable { .. }
            | Self::Timeout { .. }
            | Self::CutStream { .. }
            | Self::Malformed { .. }
            | Self::BudgetSpent { .. } => ErrorKind::Unavailable,
            Self::Local { .. } => ErrorKind::Internal,
        }
    }
}
