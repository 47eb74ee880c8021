//! The people who answer: what they may do, what they can do, and whether they are there.

use crate::{AgentId, OrganizationId, Time};
use serde::{Deserialize, Serialize};

/// A person who answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Agent {
    /// Their id.
    pub id: AgentId,
    /// The tenant they belong to.
    pub organization_id: OrganizationId,
    /// Their name.
    pub name: String,
    /// Their e-mail address.
    pub email: Option<String>,
    /// What they are on the desk.
    pub role: AgentRole,
    /// What they said last; see [`Agent::availability_at`] for whether it still holds.
    pub availability: Availability,
    /// Until when their last heartbeat holds; `None` where there was none.
    pub present_until: Option<Time>,
    /// Conversations that are offered to them at a time, at most.
    pub capacity: i64,
    /// What they can do: words of the desk, or language codes.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub skills: Vec<String>,
    /// When a conversation was offered to them last.
    pub last_assigned_at: Option<Time>,
    /// When they were added.
    pub created_at: Time,
}

impl Agent {
    /// Whether they are there: without a fresh heartbeat they are away, whatever they said.
    pub fn availability_at(&self, now: Time) -> Availability {
        if self.present_until.is_some_and(|until| until > now) { self.availability } else { Availability::Away }
    }
}

/// What a person is on the desk.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
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
pub enum AgentRole {
    /// Answers customers.
    #[default]
    Agent,
    /// Answers customers and looks after the queue.
    Lead,
}

/// Whether a person is there.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
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
pub enum Availability {
    /// There, and new conversations are offered to them.
    #[default]
    Online,
    /// There, but nothing new is offered to them.
    Busy,
    /// Not there.
    Away,
}
