//! The jobs of website scans.

use crate::error::Result;
use crate::jobs::organization;
use crate::registry::Running;
use domain::job::{ConcludeScan, DiscoverPages, FailPage, FailScan, Job, ResumeScan, ScanPage};
use ingest::{Library, conclude, page, scan};
use std::sync::Arc;

pub(crate) async fn discover(library: Library, work: DiscoverPages, job: Arc<Job>) -> Result<Running> {
    Ok(ended(scan::discover(&library, organization(&job)?, work.scan_id, &job).await?))
}

pub(crate) async fn read_page(library: Library, work: ScanPage, job: Arc<Job>) -> Result<Running> {
    Ok(ended(page::scan_page(&library, organization(&job)?, work.page_id, &job).await?))
}

pub(crate) async fn fail_page(library: Library, work: FailPage, job: Arc<Job>) -> Result<Running> {
    page::fail_page(&library, organization(&job)?, work.page_id).await?;
    Ok(Running::Done)
}

pub(crate) async fn fail_scan(library: Library, work: FailScan, job: Arc<Job>) -> Result<Running> {
    scan::fail(&library, organization(&job)?, work.scan_id).await?;
    Ok(Running::Done)
}

pub(crate) async fn resume(library: Library, work: ResumeScan, job: Arc<Job>) -> Result<Running> {
    scan::enqueue_pending(&library, organization(&job)?, work.scan_id).await?;
    Ok(Running::Done)
}

pub(crate) async fn conclude(library: Library, work: ConcludeScan, job: Arc<Job>) -> Result<Running> {
    Ok(ended(conclude::conclude(&library, organization(&job)?, work.scan_id, &job).await?))
}

fn ended(completed: bool) -> Running {
    if completed { Running::Completed } else { Running::Done }
}
