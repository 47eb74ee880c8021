//! Deletes what has outlived its retention, once an hour however many workers there are.

use crate::error::Result;
use crate::registry::Running;
use domain::Time;
use domain::job::{DeleteExpired, ScrubPages};
use std::time::Duration;
use storage::Database;

/// How often it runs.
const INTERVAL: Duration = Duration::from_hours(1);
/// How often each process asks whether it is time.
const ASK_EVERY: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);
/// Conversations that one transaction erases, and such transactions for a desk in one run at most.
const CONVERSATIONS_AT_ONCE: i64 = 200;
const STRETCHES_MAX: usize = 100;

/// How old things may become, in days; 0 keeps for ever.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Jobs that ended well.
    pub jobs_days: u32,
    /// Events for those who watch.
    pub events_days: u32,
    /// Traces of answers.
    pub traces_days: u32,
    /// Resolved conversations, from the last message on.
    pub conversations_days: u32,
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
    let mut deleted = [0; 3];
    if let Some(before) = expired(now, retention.jobs_days) {
        deleted[0] = database.delete_finished_jobs(before).await?;
    }
    if let Some(before) = expired(now, retention.events_days) {
        deleted[1] = database.delete_events(before).await?;
    }
    if let Some(before) = expired(now, retention.traces_days) {
        deleted[2] = database.delete_traces(before).await?;
    }
    deleted[2] += delete_what_desks_keep_shorter(&database, now).await?;
    let conversations = delete_conversations(&database, retention.conversations_days, now).await?;
    let [jobs, events, traces] = deleted;
    tracing::info!(jobs, events, traces, conversations, "deleted what has outlived its retention");
    Ok(Running::Done)
}

/// Traces of desks that keep them for less time than the installation does.
async fn delete_what_desks_keep_shorter(database: &Database, now: Time) -> Result<u64> {
    let mut deleted = 0;
    for organization in database.list_organizations().await? {
        let Some(before) = expired(now, organization.settings.retention.traces_days) else { continue };
        let mut transaction = database.of(organization.id).begin().await?;
        deleted += transaction.delete_traces(before).await?;
        transaction.commit().await?;
    }
    Ok(deleted)
}

/// Resolved conversations that are older than their desk, or else the installation, keeps them.
async fn delete_conversations(database: &Database, installation_days: u32, now: Time) -> Result<u64> {
    let mut deleted = 0;
    for organization in database.list_organizations().await? {
        let days = shorter(organization.settings.retention.conversations_days, installation_days);
        let Some(before) = expired(now, days) else { continue };
        let tenant = database.of(organization.id);
        for _ in 0..STRETCHES_MAX {
            // The one writer is asked for what a reader found only.
            let ids = tenant.list_old_conversations(before, CONVERSATIONS_AT_ONCE).await?;
            if ids.is_empty() {
                break;
            }
            let mut transaction = tenant.begin().await?;
            let count = transaction.delete_old_conversations(&ids, before).await?;
            if count == 0 {
                transaction.rollback().await?;
                break;
            }
            let subject = format!("{count} without a message for {days} days");
            transaction.insert_audit("system", "conversations.expired", &subject).await?;
            let now = transaction.now();
            transaction.enqueue_for(None, &ScrubPages {}, now).await?;
            transaction.commit().await?;
            deleted += count;
        }
    }
    Ok(deleted)
}

/// The shorter of two retentions; 0 is none.
fn shorter(desk_days: u32, installation_days: u32) -> u32 {
    match (desk_days, installation_days) {
        (0, days) | (days, 0) => days,
        (desk, installation) => desk.min(installation),
    }
}

/// What is older than this has outlived so many days; 0 days keep for ever.
fn expired(now: Time, days: u32) -> Option<Time> {
    (days > 0).then(|| now - DAY * days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_retention_counts() {
        for (desk, installation, expected) in [(0, 0, 0), (30, 0, 30), (0, 365, 365), (30, 365, 30), (90, 60, 60)] {
            assert_eq!(shorter(desk, installation), expected, "{desk}, {installation}");
        }
    }

    #[test]
    fn no_days_keep_for_ever() {
        let now = Time::from_micros(1_800_000_000_000_000);
        assert_eq!(expired(now, 0), None);
        assert_eq!(expired(now, 2).map(|before| now.since(before)), Some(DAY * 2));
    }
}
