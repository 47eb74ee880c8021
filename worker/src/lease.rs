//! Keeps the leases of this process alive and takes up jobs whose process vanished.

use crate::held::Held;
use crate::registry::enqueue_follow_up;
use domain::WorkerId;
use std::time::Duration;
use storage::Database;

/// How often expired leases are looked for: with the lease, the longest an orphan waits.
const RESCUE_EVERY: Duration = Duration::from_millis(250);

/// Renews the leases on the jobs that `worker` holds for ever, at a third of the lease.
pub(crate) async fn renew(database: Database, worker: WorkerId, held: Held, lease: Duration) {
    let mut tick = tokio::time::interval(lease / 3);
    loop {
        tick.tick().await;
        if let Err(error) = database.renew_leases(worker, &held.ids(), lease).await {
            tracing::warn!(%error, "leases could not be renewed");
        }
    }
}

/// Takes up, for ever, jobs whose lease has ended. Every process does; each job is taken up once.
pub(crate) async fn rescue(database: Database) {
    let mut tick = tokio::time::interval(RESCUE_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = rescue_once(&database).await {
            tracing::warn!(%error, "expired leases could not be taken up");
        }
    }
}

async fn rescue_once(database: &Database) -> storage::Result<()> {
    if !database.has_expired_leases().await? {
        return Ok(());
    }
    let mut transaction = database.begin().await?;
    let rescue = transaction.rescue_jobs().await?;
    for job in &rescue.exhausted {
        tracing::error!(job.id = %job.id, job.kind = job.kind, "a job is given up: its process vanished too often");
        transaction.discard_job(job, "its process vanished while it ran, too often").await?;
        enqueue_follow_up(&mut transaction, job).await?;
    }
    transaction.commit().await?;
    for job in &rescue.exhausted {
        metrics::counter!("frontdesk_jobs_processed_total", "kind" => job.kind.clone(), "outcome" => "discarded")
            .increment(1);
    }
    if rescue.returned > 0 {
        tracing::warn!(jobs = rescue.returned, "took up jobs whose process vanished");
    }
    Ok(())
}
