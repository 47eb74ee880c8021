//! One file per resource; each handler stands beside its documentation.

pub(crate) mod answers;
pub(crate) mod article_versions;
pub(crate) mod articles;
pub(crate) mod assignment;
pub(crate) mod assistants;
pub(crate) mod conversations;
pub(crate) mod customers;
pub(crate) mod documents;
pub(crate) mod events;
pub(crate) mod facts;
pub(crate) mod feedback;
pub(crate) mod handoff;
pub(crate) mod health;
pub(crate) mod keys;
pub(crate) mod messages;
pub(crate) mod playground;
pub(crate) mod resolution;
pub(crate) mod review;
pub(crate) mod scan_changes;
pub(crate) mod scans;
pub(crate) mod search;
pub(crate) mod snooze;
pub(crate) mod sources;
pub(crate) mod traces;
pub(crate) mod usage;
