//! Passing a conversation to a person: why, and what the person finds.

use crate::message::Citation;
use crate::{AgentId, ConversationId, HandoffId, MessageId, OrganizationId, Time};
use serde::{Deserialize, Serialize};

/// Why a conversation went to a person: a closed list.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(type_name = "text", rename_all = "snake_case"))]
pub enum HandoffReason {
    /// The customer asked for a person.
    CustomerRequest,
    /// The knowledge holds nothing on it.
    MissingKnowledge,
    /// An answer was found, but not surely enough.
    LowConfidence,
    /// The draft said something that no passage proves.
    UnsupportedClaim,
    /// A rule of the desk keeps the AI from it.
    PolicyRestriction,
    /// An action the answer needed failed.
    ToolFailure,
    /// The bounded number of questions back was used up.
    PendingClarification,
    /// The same problem came back again and again.
    RepeatedFailure,
    /// A budget or limit is used up.
    UsageLimit,
    /// Nobody is there at this time.
    OutOfHours,
    /// The model could not be reached in time.
    ModelUnavailable,
    /// Our own defect kept the turn from ending.
    Error,
}

/// What an agent finds when a conversation comes to them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Handoff {
    /// Its id.
    pub id: HandoffId,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// The conversation that was passed on.
    pub conversation_id: ConversationId,
    /// The reply that told the customer, where the AI passed it on.
    pub message_id: Option<MessageId>,
    /// Why.
    pub reason: HandoffReason,
    /// What the customer wants, in short.
    pub summary: String,
    /// What was tried, one line each.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub tried: Vec<String>,
    /// The nearest passages that were found.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub sources: Vec<Citation>,
    /// A reply the agent may use.
    pub suggested_reply: Option<String>,
    /// What the customer asked and nobody answered yet, as they wrote it.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub open_questions: Vec<String>,
    /// What an agent should be able to do to take it: words of the desk, or a language code.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub skills: Vec<String>,
    /// Where it is in its life.
    pub state: HandoffState,
    /// The agent who took it.
    pub accepted_by: Option<AgentId>,
    /// When it began.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
}

/// Where a handoff is in its life.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(type_name = "text", rename_all = "snake_case"))]
pub enum HandoffState {
    /// Waits for an agent.
    Waiting,
    /// An agent took it.
    Accepted,
    /// Given back to the AI.
    Returned,
    /// Closed with its conversation.
    Closed,
}
