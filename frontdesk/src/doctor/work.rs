//! Jobs that do not get done, and keys that open nothing any more.

use super::{Finding, counted};
use domain::job::JobState;
use std::time::Duration;
use storage::{Database, Keyset, Result};

/// A job that waits longer than this waits for a worker that is not there.
const OVERDUE_AFTER: Duration = Duration::from_mins(2);
/// Keys that are looked at in an organization.
const KEYS_MAX: i64 = 1_000;

pub(super) async fn check(database: &Database) -> Vec<Finding> {
    let checks = async {
        let mut findings = vec![discarded(database).await?];
        findings.extend(waiting(database).await?);
        findings.extend(keys(database).await?);
        Ok::<_, storage::Error>(findings)
    };
    match checks.await {
        Ok(findings) => findings,
        Err(error) => vec![Finding::problem("jobs", "the jobs and keys cannot be read").because(error)],
    }
}

async fn discarded(database: &Database) -> Result<Finding> {
    const CHECK: &str = "discarded_jobs";
    let counts = database.count_jobs().await?;
    let count = counts.iter().find(|count| count.state == JobState::Discarded).map_or(0, |count| count.count);
    if count == 0 {
        return Ok(Finding::ok(CHECK, "no job was given up"));
    }
    let newest = database.list_jobs(Some(JobState::Discarded), 1).await?;
    let why = newest.first().map_or_else(String::new, |job| {
        format!("the newest, a `{}`: {}", job.kind, job.error.as_deref().unwrap_or("no reason is known"))
    });
    Ok(Finding::warning(CHECK, format!("{} given up", counted(count, "job")))
        .because(why)
        .fix("`frontdesk jobs list --state discarded` shows them, `frontdesk jobs retry --all` runs them again"))
}

async fn waiting(database: &Database) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let start = "start one: `frontdesk up`, or `frontdesk worker`";
    let expired = database.count_expired_leases().await?;
    if expired > 0 {
        findings.push(
            Finding::warning("expired_leases", format!("the lease of {} has expired", counted(expired, "running job")))
                .because("the process that ran it vanished or stands still, and no other took over yet")
                .fix(format!("if no worker runs, {start}; it takes such jobs over within seconds")),
        );
    }
    let now = database.clock().now();
    let overdue = database.count_overdue_jobs(now - OVERDUE_AFTER).await?;
    let leased = database.count_leased_jobs().await?;
    let what = format!("{} overdue by more than {} minutes", counted(overdue, "job"), OVERDUE_AFTER.as_secs() / 60);
    findings.push(match (overdue, leased) {
        (0, _) => Finding::ok("overdue_jobs", "no job waits for a worker"),
        (_, 0) => Finding::problem("overdue_jobs", what).because("no worker is running anything").fix(start),
        (_, running) => Finding::warning("overdue_jobs", what)
            .because(format!("workers are busy with {}", counted(running, "job")))
            .fix("start more workers, or raise `worker.concurrency`"),
    });
    Ok(findings)
}

async fn keys(database: &Database) -> Result<Vec<Finding>> {
    let now = database.clock().now();
    let mut findings = Vec::new();
    for organization in database.list_organizations().await? {
        for key in database.of(organization.id).list_keys(Keyset::start(), KEYS_MAX).await? {
            let Some(expires_at) = key.expires_at.filter(|time| *time <= now && key.revoked_at.is_none()) else {
                continue;
            };
            findings.push(
                Finding::warning("keys", format!("key \"{}\" ({}…) has expired", key.name, key.prefix))
                    .because(format!("it is refused since {expires_at}"))
                    .fix(format!(
                        "make another with `frontdesk key create --name N`, then `frontdesk key revoke {}`",
                        key.id
                    )),
            );
        }
    }
    Ok(findings)
}
