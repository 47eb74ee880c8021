//! How far a scan is: counts, pace, and what became of what it found.

use crate::{Library, Result, conclude};
use domain::page::{PageState, Scan, ScanState};
use domain::{OrganizationId, Time};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// The stretch over which the pace is measured.
const PACE_OVER: Duration = Duration::from_secs(15);

/// How far a scan is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Progress {
    /// How many pages are in each state; states without a page are absent.
    pub pages: BTreeMap<String, i64>,
    /// How many changes have each decision; decisions without a change are absent.
    pub changes: BTreeMap<String, i64>,
    /// Pages found so far.
    pub pages_found: i64,
    /// Pages that have their outcome.
    pub pages_done: i64,
    /// Pages that ended in a second, lately; of an ended scan over its whole time.
    pub pages_per_second: f64,
    /// Seconds until the pages found so far are done, as far as the pace says; absent when nothing moves.
    pub seconds_left: Option<u64>,
    /// Passages that had to be embedded; those whose text was known were not.
    pub chunks_embedded: i64,
}

/// Reads how far a scan is.
pub async fn progress(library: &Library, organization_id: OrganizationId, scan: &Scan) -> Result<Progress> {
    let tenant = library.database.of(organization_id);
    let counts = tenant.count_pages(scan.id).await?;
    let decisions = tenant.count_decisions(scan.id).await?;
    let now = tenant.now();
    let since = match scan.finished_at {
        Some(_) => scan.created_at,
        None => latest(scan.created_at, now - PACE_OVER),
    };
    let totals = tenant.total_pages(scan.id, since).await?;
    let pages_found: i64 = counts.values().sum();
    let pending = counts.get(&PageState::Pending).copied().unwrap_or(0);
    let seconds = scan.finished_at.unwrap_or(now).since(since).as_secs_f64().max(0.001);
    #[expect(clippy::cast_precision_loss, reason = "page counts are small")]
    let pages_per_second = totals.ended_lately as f64 / seconds;
    let moves = scan.state == ScanState::Running && pages_per_second > 0.0;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "page counts are small and not negative"
    )]
    let seconds_left = moves.then(|| (pending as f64 / pages_per_second).ceil() as u64);
    Ok(Progress {
        pages: conclude::words(&counts),
        changes: conclude::words(&decisions),
        pages_found,
        pages_done: pages_found - pending,
        pages_per_second: (pages_per_second * 10.0).round() / 10.0,
        seconds_left,
        chunks_embedded: totals.chunks_embedded,
    })
}

fn latest(one: Time, other: Time) -> Time {
    if one.micros() > other.micros() { one } else { other }
}
