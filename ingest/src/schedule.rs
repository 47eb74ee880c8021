//! What scans need from the clock: re-scans that are due, deadlines, and a word on how far they are. Every
//! process may call it as often as it likes; what happens, happens once.

use crate::{Library, Result};
use domain::job::DiscoverPages;
use domain::page::{ScanSettings, ScanState};
use std::time::Duration;
use storage::rescans::DueSource;
use storage::scans::OpenScan;

/// How often those who watch are told how far scans are.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// Does what is due.
pub async fn tick(library: &Library) -> Result<()> {
    for source in library.database.list_due_sources().await? {
        start_rescan(library, &source).await?;
    }
    let open = library.database.list_open_scans().await?;
    if open.is_empty() {
        return Ok(());
    }
    let now = library.database.clock().now();
    for scan in &open {
        let is_late = scan.deadline_at.is_some_and(|deadline| deadline.micros() <= now.micros());
        if is_late && scan.state != ScanState::Concluding {
            end_at_deadline(library, scan).await?;
        }
    }
    library.database.conclude_drained_scans().await?;
    tell_progress(library, &open).await
}

/// Starts the next scan of a source, with the settings of its last one.
async fn start_rescan(library: &Library, source: &DueSource) -> Result<()> {
    let tenant = library.database.of(source.organization_id);
    let last = tenant.find_last_scan(source.id, ScanState::Completed).await?;
    let is_open = tenant.find_open_scan(source.id).await?.is_some();
    let mut transaction = tenant.begin().await?;
    if !transaction.take_rescan(source.id).await? {
        return Ok(transaction.rollback().await?);
    }
    // A scan that still goes on schedules the next one when it ends.
    if let (Some(url), false) = (&source.url, is_open) {
        let settings = last.map_or_else(ScanSettings::default, |last| last.settings);
        let scan = transaction.insert_scan(source.id, url, settings).await?;
        let now = transaction.now();
        transaction.enqueue(&DiscoverPages { scan_id: scan.id }, now).await?;
        transaction.tell("scan.started", None, serde_json::json!({ "scan_id": scan.id, "source_id": source.id }));
    }
    Ok(transaction.commit().await?)
}

/// Skips what a scan has not read in its time; what it has read is concluded as usual.
async fn end_at_deadline(library: &Library, open: &OpenScan) -> Result<()> {
    let tenant = library.database.of(open.organization_id);
    let scan = tenant.load_scan(open.id).await?;
    let mut transaction = tenant.begin().await?;
    let reason = format!("the scan's time of {} minutes was over before this page", scan.settings.deadline_minutes);
    transaction.skip_pending_pages(scan.id, &reason).await?;
    transaction.move_scan(scan.id, ScanState::Discovering, ScanState::Running).await?;
    Ok(transaction.commit().await?)
}

async fn tell_progress(library: &Library, open: &[OpenScan]) -> Result<()> {
    let mut turn = library.database.begin().await?;
    if !turn.take_schedule("scan_progress", TELL_EVERY).await? {
        return Ok(turn.rollback().await?);
    }
    turn.commit().await?;
    for scan in open {
        let tenant = library.database.of(scan.organization_id);
        let scan = tenant.load_scan(scan.id).await?;
        let progress = crate::progress::progress(library, scan.organization_id, &scan).await?;
        let mut transaction = tenant.begin().await?;
        let told = serde_json::json!({ "scan_id": scan.id, "state": scan.state, "progress": progress });
        transaction.tell("scan.progress", None, told);
        transaction.commit().await?;
    }
    Ok(())
}
