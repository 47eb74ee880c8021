//! What happened, for those who watch: each event is written with the change it tells of.

use crate::{ConversationId, OrganizationId, Time};
use serde::{Deserialize, Serialize};

/// One thing that happened in an organization.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Event {
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// Its place in the organization's events, from 1, in commit order.
    pub seq: i64,
    /// The conversation it is about, where it is about one.
    pub conversation_id: Option<ConversationId>,
    /// What happened: `message.created`, `conversation.updated`, `scan.progress`.
    pub kind: String,
    /// What is needed to show it: a JSON object.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub payload: serde_json::Value,
    /// When it was committed.
    pub created_at: Time,
}
