//! The jobs of website scans.

use crate::error::Result;
use crate::jobs::organization;
use crate::registry::Running;
use domain::job::{DiscoverPages, FailPage, FailScan, Job, ScanPage};
use ingest::{Library, page, scan};
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

fn ended(completed: bool) -> Running {
    if completed { Running::Completed } else { Running::Done }
}
