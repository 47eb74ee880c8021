//! What can go wrong while a message is received or answered.

use domain::{AgentId, ErrorKind, Kinded};

/// The result of answering.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of receiving or answering.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request breaks a rule.
    #[error("{0}")]
    Invalid(String),
    /// The conversation is not in a state for it.
    #[error(transparent)]
    Refused(#[from] Refused),
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

/// Why a conversation is not in a state for what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is resolved.
    #[error("the conversation is resolved")]
    Resolved,
    /// Another agent has it.
    #[error("agent `{0}` has the conversation already")]
    Taken(AgentId),
    /// Nobody of the desk has it or waits for it: the AI has.
    #[error("the AI has the conversation: nothing can be transferred")]
    HeldByAi,
    /// The agent who is to take it is not there.
    #[error("agent `{0}` is away")]
    Away(AgentId),
}

impl Kinded for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::Refused(_) => ErrorKind::Conflict,
            Self::Storage(error) => error.kind(),
            Self::Retrieval(error) => error.kind(),
            Self::Prompt(_) => ErrorKind::Internal,
            Self::Channel(error) => error.kind(),
        }
    }
}
