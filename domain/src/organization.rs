//! The tenant: everything else belongs to exactly one organization.

use crate::staffing::PeopleSettings;
use crate::usage::Budget;
use crate::{AssistantId, OrganizationId, Time};
use serde::{Deserialize, Serialize};

/// A tenant with its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// The name people know it by.
    pub name: String,
    /// What admins set for the whole desk.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub settings: OrganizationSettings,
    /// The newest entry of its knowledge change log: the knowledge version.
    pub change_seq: i64,
    /// The newest of its events.
    pub event_seq: i64,
    /// When it was created.
    pub created_at: Time,
}

/// Settings of an organization, stored as JSON; absent fields take their defaults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrganizationSettings {
    /// The assistant that answers where a channel names none.
    pub default_assistant: Option<AssistantId>,
    /// Hosts that delivered text may link to, besides the hosts of the cited documents.
    pub allowed_link_hosts: Vec<String>,
    /// When and how people of the desk take over.
    pub people: PeopleSettings,
    /// What the model calls of all its assistants may cost.
    pub budget: Budget,
    /// How long what it keeps of answers may become old.
    pub retention: Retention,
}

/// How long a desk keeps things, where that is shorter than what the installation keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Retention {
    /// Days until traces and batches of the playground are erased; 0 leaves it to the installation.
    pub traces_days: u32,
    /// Days after the last message until a resolved conversation is erased; 0 leaves it to the installation.
    pub conversations_days: u32,
}
