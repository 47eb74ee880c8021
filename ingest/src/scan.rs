//! Scans of websites: started, held, called off; their first pages come from robots.txt and sitemaps.

use crate::discover::{SITEMAPS_TIME_MAX, discover_pages};
use crate::frontier::Scope;
use crate::library::locked;
use crate::reason::Reason;
use crate::{Error, Library, Result};
use domain::job::{DiscoverPages, Job, ScanPage};
use domain::page::{PageState, Scan, ScanSettings, ScanState};
use domain::{OrganizationId, ScanId};
use std::collections::HashMap;
use storage::Transaction;
use storage::pages::{NewPage, PageOutcome};
use storage::sources::NewSource;
use url::Url;

/// Pages of one scan at most, whatever its settings say.
pub const PAGES_MAX: usize = 50_000;
/// Addresses that are written in one statement.
const PAGES_PER_INSERT: usize = 500;
/// Skipped addresses of a sitemap that are kept with their reason.
const SKIPPED_KEPT_MAX: usize = 2_000;

/// Reads the address that a person typed: without a scheme it is `https`.
pub fn parse_start(library: &Library, text: &str) -> Result<Url> {
    let typed = text.trim();
    let fail = |reason| Error::Address { url: typed.to_owned(), reason };
    let with_scheme = if typed.contains("://") { typed.to_owned() } else { format!("https://{typed}") };
    let url = Url::parse(&with_scheme).map_err(|_| fail(Reason::NotAnAddress))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(fail(Reason::NotAnAddress));
    }
    library.guard.check(&url).map_err(|refusal| fail(Reason::Refused(refusal)))?;
    Ok(url)
}

/// Starts a scan: a source for the site where there is none, the scan, and the job that lists its pages.
pub async fn start(
    library: &Library,
    organization_id: OrganizationId,
    url: &str,
    settings: ScanSettings,
) -> Result<Scan> {
    let start = parse_start(library, url)?;
    Scope::new(&start, &settings.include, &settings.exclude, settings.depth_max)?;
    if settings.pages_max == 0 || settings.pages_max > PAGES_MAX {
        return Err(Error::Invalid(format!("`pages_max` is {}: choose 1 to {PAGES_MAX}", settings.pages_max)));
    }
    let tenant = library.database.of(organization_id);
    let known = tenant.find_source_by_url(start.as_str()).await?;
    let mut transaction = tenant.begin().await?;
    let source_id = if let Some(source) = known {
        source.id
    } else {
        let new = NewSource {
            kind: "website".to_owned(),
            name: start.host_str().unwrap_or_default().to_owned(),
            url: Some(start.to_string()),
            settings: serde_json::Map::new(),
        };
        transaction.insert_source(new).await?.id
    };
    let scan = transaction.insert_scan(source_id, start.as_str(), settings).await?;
    let now = transaction.now();
    transaction.enqueue(&DiscoverPages { scan_id: scan.id }, now).await?;
    transaction.tell("scan.started", None, serde_json::json!({ "scan_id": scan.id }));
    transaction.commit().await?;
    Ok(scan)
}

/// Runs the job of a scan that lists its first pages. `true`: the job was completed with what it wrote.
pub async fn discover(library: &Library, organization_id: OrganizationId, id: ScanId, job: &Job) -> Result<bool> {
    let tenant = library.database.of(organization_id);
    let scan = tenant.load_scan(id).await?;
    if scan.state != ScanState::Discovering {
        return Ok(false);
    }
    let start = parse_start(library, &scan.url)?;
    let scope = Scope::new(&start, &scan.settings.include, &scan.settings.exclude, scan.settings.depth_max)?;
    let rules = library.rules(&start).await;
    if let Err(reason) = rules.check(&start) {
        let mut transaction = tenant.begin().await?;
        end(&mut transaction, &scan, ScanState::Failed, Some(reason.to_string())).await?;
        transaction.complete_job(job).await?;
        transaction.commit().await?;
        return Ok(true);
    }
    let discovered = discover_pages(library, &start, &scope, (scan.settings.pages_max, SITEMAPS_TIME_MAX)).await;
    let mut transaction = tenant.begin().await?;
    let pages: Vec<NewPage> = discovered.pages.iter().map(|url| NewPage { url: url.to_string(), depth: 0 }).collect();
    add_pages(&mut transaction, id, &pages).await?;
    for (url, reason) in discovered.skipped.iter().take(SKIPPED_KEPT_MAX) {
        skip_page(&mut transaction, id, url, reason).await?;
    }
    transaction.set_scan_state(id, ScanState::Running, None).await?;
    transaction.complete_job(job).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Adds pages that are not rows yet, each with its job.
pub(crate) async fn add_pages(transaction: &mut Transaction, id: ScanId, pages: &[NewPage]) -> Result<usize> {
    let now = transaction.now();
    let mut added = 0;
    for batch in pages.chunks(PAGES_PER_INSERT) {
        for page_id in transaction.insert_pages(id, batch).await? {
            transaction.enqueue(&ScanPage { page_id, scan_id: id }, now).await?;
            added += 1;
        }
    }
    Ok(added)
}

/// Keeps an address that is not read, with its reason.
pub(crate) async fn skip_page(transaction: &mut Transaction, id: ScanId, url: &Url, reason: &Reason) -> Result<()> {
    let page = NewPage { url: url.to_string(), depth: 0 };
    for page_id in transaction.insert_pages(id, std::slice::from_ref(&page)).await? {
        let outcome = PageOutcome {
            state: PageState::Skipped,
            reason: Some(reason.to_string()),
            document_id: None,
            etag: None,
            last_modified: None,
        };
        transaction.finish_page(page_id, outcome).await?;
    }
    Ok(())
}

async fn end(transaction: &mut Transaction, scan: &Scan, state: ScanState, error: Option<String>) -> Result<()> {
    transaction.set_scan_state(scan.id, state, error).await?;
    transaction.tell("scan.ended", None, serde_json::json!({ "scan_id": scan.id, "state": state }));
    Ok(())
}

/// Marks a scan as failed whose pages could not be listed at all.
pub async fn fail(library: &Library, organization_id: OrganizationId, id: ScanId) -> Result<()> {
    let tenant = library.database.of(organization_id);
    let scan = tenant.load_scan(id).await?;
    let mut transaction = tenant.begin().await?;
    end(&mut transaction, &scan, ScanState::Failed, Some("its pages could not be listed, again and again".to_owned()))
        .await?;
    Ok(transaction.commit().await?)
}

/// Holds a scan: pages that are not read yet stay as they are.
pub async fn pause(library: &Library, organization_id: OrganizationId, id: ScanId) -> Result<Scan> {
    change_state(library, organization_id, id, ScanState::Paused, &[ScanState::Running]).await
}

/// Calls a scan off: what was read stays.
pub async fn cancel(library: &Library, organization_id: OrganizationId, id: ScanId) -> Result<Scan> {
    let from = [ScanState::Discovering, ScanState::Running, ScanState::Paused];
    change_state(library, organization_id, id, ScanState::Cancelled, &from).await
}

/// Goes on with a held scan.
pub async fn resume(library: &Library, organization_id: OrganizationId, id: ScanId) -> Result<Scan> {
    let scan = change_state(library, organization_id, id, ScanState::Running, &[ScanState::Paused]).await?;
    let tenant = library.database.of(organization_id);
    let mut after = None;
    loop {
        let limit = i64::try_from(PAGES_PER_INSERT).unwrap_or(i64::MAX);
        let pending = tenant.list_pages(id, Some(PageState::Pending), after, limit).await?;
        let Some(last) = pending.last() else { return Ok(scan) };
        after = Some(last.id);
        let mut transaction = tenant.begin().await?;
        let now = transaction.now();
        for page in pending {
            transaction.enqueue(&ScanPage { page_id: page.id, scan_id: id }, now).await?;
        }
        transaction.commit().await?;
    }
}

async fn change_state(
    library: &Library,
    organization_id: OrganizationId,
    id: ScanId,
    to: ScanState,
    from: &[ScanState],
) -> Result<Scan> {
    let tenant = library.database.of(organization_id);
    let scan = tenant.load_scan(id).await?;
    if !from.contains(&scan.state) {
        return Err(storage::Error::Conflict(format!("scan `{id}` is {}: it cannot become {to}", scan.state)).into());
    }
    let mut transaction = tenant.begin().await?;
    end(&mut transaction, &scan, to, None).await?;
    transaction.commit().await?;
    if to == ScanState::Cancelled {
        library.forget_scan(id);
    }
    Ok(tenant.load_scan(id).await?)
}

/// Pages of a scan by what became of them.
pub async fn progress(
    library: &Library,
    organization_id: OrganizationId,
    id: ScanId,
) -> Result<HashMap<PageState, i64>> {
    Ok(library.database.of(organization_id).count_pages(id).await?)
}

/// Stores what a scan learned of its site, for the next one.
pub(crate) async fn keep_profile(library: &Library, organization_id: OrganizationId, scan: &Scan) -> Result<()> {
    let memory = library.scan_memory(scan.id);
    let profile = serde_json::to_value(&locked(&memory).profile);
    if let Ok(serde_json::Value::Object(profile)) = profile {
        let mut transaction = library.database.of(organization_id).begin().await?;
        transaction.update_source_profile(scan.source_id, &profile).await?;
        transaction.commit().await?;
    }
    Ok(())
}
