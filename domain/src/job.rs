//! Work that outlives a process: a row with a state, a lease and a fence.

use crate::{JobId, OrganizationId, Time, WorkerId};
use serde::{Deserialize, Serialize};

/// One piece of work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Job {
    /// Its id; ids of one lane grow in the order of enqueueing.
    pub id: JobId,
    /// The tenant it is for; `None` for the desk's own chores.
    pub organization_id: Option<OrganizationId>,
    /// Which work it is, a word of the job registry (`answer_turn`).
    pub kind: String,
    /// Its arguments: a JSON object of ids, never of texts.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub payload: serde_json::Value,
    /// Jobs of one lane run one at a time, in order.
    pub lane: Option<String>,
    /// Unique among waiting jobs.
    pub dedupe: Option<String>,
    /// Higher goes first.
    pub priority: i64,
    /// Where it is in its life.
    pub state: JobState,
    /// Not before this time.
    pub run_at: Time,
    /// Times it was claimed; with the worker, its fencing token.
    pub attempt: i64,
    /// Claims at most.
    pub attempts_max: i64,
    /// Times its process vanished while it ran.
    pub crashes: i64,
    /// The process that runs it.
    pub worker: Option<WorkerId>,
    /// Until when that process owns it.
    pub lease_until: Option<Time>,
    /// What went wrong last.
    pub error: Option<String>,
    /// When it was enqueued.
    pub created_at: Time,
    /// When it ended.
    pub finished_at: Option<Time>,
}

/// Where a job is in its life.
///
/// ```text
/// available ──claim──▶ running ──▶ completed
///     ▲                  │ ├─────▶ cancelled
///     └── retryable ◀────┘ └─────▶ discarded
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::Display, strum::EnumString, strum::IntoStaticStr, strum::VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(type_name = "text", rename_all = "snake_case"))]
pub enum JobState {
    /// Waits for its time and a worker.
    Available,
    /// A worker holds its lease.
    Running,
    /// Failed, waits for the next attempt.
    Retryable,
    /// Done.
    Completed,
    /// Gave up; visible, and a person may retry it.
    Discarded,
    /// Called off.
    Cancelled,
}
