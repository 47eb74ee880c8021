//! Deletes what has outlived its retention, once an hour however many workers there are.

use crate::error::Result;
use crate::registry::Running;
use domain::job::DeleteExpired;
use std::time::Duration;
use storage::Database;

/// How often it runs.
const INTERVAL: Duration = Duration::from_hours(1);
/// How often each process asks whether it is time.
const ASK_EVERY: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

/// How old things may become, in days.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Jobs that ended well.
    pub jobs_days: u32,
    /// Events for those who watch.
    pub events_days: u32,
    /// Traces of answers.
    pub traces_days: u32,
}

/// Enqueues the chore when its time has come.
pub(crate) async fn schedule(database: Database) {
    let mut tick = tokio::time::interval(ASK_EVERY);
    loop {
        tick.tick().await;
        if let Err(error) = schedule_once(&database).await {
            tracing::warn!(%error, "chores could not be scheduled");
        }
    }
}

async fn schedule_once(database: &Database) -> storage::Result<()> {
    let mut transaction = database.begin().await?;
    if transaction.take_schedule("delete_expired", INTERVAL).await? {
        let now = transaction.now();
        transaction.enqueue(&DeleteExpired {}, now).await?;
        transaction.commit().await
    } else {
        transaction.rollback().await
    }
}

/// Runs the chore.
pub async fn run(database: Database, retention: Retention) -> Result<Running> {
    let now = database.clock().now();
    let jobs = database.delete_finished_jobs(now - DAY * retention.jobs_days).await?;
    let events = database.delete_events(now - DAY * retention.events_days).await?;
    let traces = database.delete_traces(now - DAY * retention.traces_days).await?;
    tracing::info!(jobs, events, traces, "deleted what has outlived its retention");
    Ok(Running::Done)
}
