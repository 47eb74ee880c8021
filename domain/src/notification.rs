//! What an agent is told: it names what happened and where, never what was said.

use crate::{AgentId, ConversationId, NotificationId, OrganizationId, Time};
use serde::{Deserialize, Serialize};

/// One thing an agent is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Notification {
    /// Its id.
    pub id: NotificationId,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// Who is told.
    pub agent_id: AgentId,
    /// What happened.
    pub kind: NotificationKind,
    /// Where.
    pub conversation_id: ConversationId,
    /// The agent who caused it, where one did.
    pub actor_id: Option<AgentId>,
    /// When they saw it.
    pub read_at: Option<Time>,
    /// When it happened.
    pub created_at: Time,
}

/// What happened.
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
pub enum NotificationKind {
    /// A conversation is offered to them.
    Offered,
    /// What was offered to them, or was theirs, went to somebody else.
    Withdrawn,
    /// A colleague gave them a conversation.
    Transferred,
    /// A note names them.
    Mentioned,
    /// A customer waits in the queue and nobody could be chosen.
    QueueWaiting,
    /// A customer wrote in a conversation that is theirs.
    CustomerReplied,
}
