//! When people take over, and what is known of whether they are there: settings and the state they meet.

use crate::hours::OpeningHours;
use serde::{Deserialize, Serialize};

/// When and how people of a desk take over; absent fields take their defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PeopleSettings {
    /// When the desk is open; `None` is always.
    pub opening_hours: Option<OpeningHours>,
    /// How it is known whether people are there.
    pub presence: PresenceRule,
    /// Seconds after which a silent agent is away.
    pub heartbeat_timeout_s: u64,
    /// Seconds an agent has to take a conversation that is offered to them.
    pub accept_within_s: u64,
    /// Whether the AI goes on answering what it can while a conversation waits and nobody is there.
    pub ai_while_waiting: bool,
}

impl Default for PeopleSettings {
    fn default() -> Self {
        Self {
            opening_hours: None,
            presence: PresenceRule::Heartbeat,
            heartbeat_timeout_s: 60,
            accept_within_s: 90,
            ai_while_waiting: false,
        }
    }
}

/// How it is known whether people are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PresenceRule {
    /// Agents who are online or busy and whose heartbeat is fresh are there.
    Heartbeat,
    /// During opening hours somebody is there: for desks whose people work in another system.
    Assumed,
}

/// When a person takes over, whatever the AI could answer; the first rule that fits counts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HandoffRules {
    /// Words that only people may talk about.
    pub topics: Vec<TopicRule>,
    /// Languages that only people answer, ISO 639-1.
    pub languages: Vec<String>,
    /// Whether customers who are angry go to a person.
    pub angry: bool,
    /// After so many answers in a row that did not help; `None` is never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_turns: Option<u32>,
    /// At which hours the AI answers.
    pub ai_hours: AiHours,
    /// Whether the AI asks first where it cannot help; wishes and rules are never asked about.
    pub offer_first: bool,
}

/// Words that only people may talk about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicRule {
    /// Words or phrases; upper and lower case are the same, parts of words do not count.
    pub words: Vec<String>,
    /// What an agent needs to take it.
    #[serde(default)]
    pub skill: Option<String>,
}

/// At which hours the AI answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AiHours {
    /// Always.
    #[default]
    Always,
    /// While the desk is open only.
    Open,
    /// While the desk is closed only: by day people answer everything.
    Closed,
}

/// What is known of the people of a desk at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Staffing {
    /// Whether somebody is there to take over.
    pub people: People,
    /// Whether the desk is open by its hours.
    pub hours: Hours,
    /// Whether the customer can be reached another way, so that nobody has to ask for their address.
    pub contact_known: bool,
}

impl Default for Staffing {
    fn default() -> Self {
        Self { people: People::There, hours: Hours::Open, contact_known: true }
    }
}

/// Whether somebody is there to take over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum People {
    /// Somebody is.
    There,
    /// Nobody is.
    Away,
}

/// Whether a desk is open by its hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hours {
    /// It is.
    Open,
    /// It is not.
    Closed,
}
