//! The thread between a customer and the desk: what state it is in and who must act next.

use crate::{AgentId, AssistantId, ChannelId, ConversationId, CustomerId, OrganizationId, Time};
use serde::{Deserialize, Serialize};

/// A thread of messages with one customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// Who asks.
    pub customer_id: CustomerId,
    /// Where they ask.
    pub channel_id: ChannelId,
    /// The AI persona that answers here.
    pub assistant_id: AssistantId,
    /// Open, snoozed or resolved.
    pub status: ConversationStatus,
    /// Who must act next.
    pub holder: Holder,
    /// The agent it is assigned to.
    pub assignee_id: Option<AgentId>,
    /// A short title, as far as there is one.
    pub title: Option<String>,
    /// Free words of the agents.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub tags: Vec<String>,
    /// Fields of integrations: a JSON object.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// The seq of its newest message.
    pub last_seq: i64,
    /// Customer messages up to this seq are answered, handed off or taken over.
    pub answered_seq: i64,
    /// Clarifying questions the AI has asked in a row.
    pub clarifications: i64,
    /// What was cut from the window, in short; empty while nothing was.
    pub summary: String,
    /// When the oldest customer message that no person or AI reacted to came.
    pub waiting_since: Option<Time>,
    /// Until when it is snoozed.
    pub snoozed_until: Option<Time>,
    /// When it began.
    pub created_at: Time,
    /// When it was changed last: the order of lists.
    pub updated_at: Time,
}

/// Where a conversation is in its life.
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
pub enum ConversationStatus {
    /// Work is going on or awaited.
    Open,
    /// Put aside until a time or the next message.
    Snoozed,
    /// Done; a new message opens it again.
    Resolved,
}

/// Who must act next.
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
pub enum Holder {
    /// The assistant answers the next message.
    Ai,
    /// It waits for an agent to take it.
    Queue,
    /// An agent has it; the assistant is silent.
    Agent,
}

/// An entry point for messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Channel {
    /// Its id.
    pub id: ChannelId,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// Which kind it is, a word of the channel registry (`api`, `widget`).
    pub kind: String,
    /// What people call it.
    pub name: String,
    /// The assistant that answers here; `None` takes the organization's default.
    pub assistant_id: Option<AssistantId>,
    /// Settings of its kind: a JSON object.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// When it was created.
    pub created_at: Time,
}
