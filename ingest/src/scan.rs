//! Scans of websites: started, held, called off; their first pages come from robots.txt and sitemaps.

use crate::conclude::Ending;
use crate::discover::{SITEMAPS_TIME_MAX, discover_pages};
use crate::frontier::Scope;
use crate::library::locked;
use crate::reason::Reason;
use crate::{Error, Library, Result, known};
use domain::job::{DiscoverPages, Job, ResumeScan, ScanPage};
use domain::page::{PageState, Scan, ScanSettings, ScanState};
use domain::{OrganizationId, ScanId};
use storage::Transaction;
use storage::pages::{NewPage, PageFilter, PageOutcome};
use storage::sources::NewSource;
use url::Url;

/// Pages of one scan at most, whatever its settings say.
pub const PAGES_MAX: usize = 50_000;
/// Addresses that are written in one statement.
const PAGES_PER_INSERT: usize = 500;
/// Skipped addresses of a sitemap that are kept with their reason.
pub(crate) const SKIPPED_KEPT_MAX: usize = 2_000;
/// Minutes a scan may take at most, whatever its settings say: a week.
const DEADLINE_MINUTES_MAX: u32 = 7 * 24 * 60;

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
    if settings.deadline_minutes == 0 || settings.deadline_minutes > DEADLINE_MINUTES_MAX {
        let minutes = settings.deadline_minutes;
        return Err(Error::Invalid(format!("`deadline_minutes` is {minutes}: choose 1 to {DEADLINE_MINUTES_MAX}")));
    }
    let tenant = library.database.of(organization_id);
    let known = tenant.find_source_by_url(start.as_str()).await?;
    if let Some(source) = &known
        && let Some(open) = tenant.find_open_scan(source.id).await?
    {
        let why =
            format!("{start} is being scanned already (`{}`, {}): wait for it, or cancel it", open.id, open.state);
        return Err(storage::Error::Conflict(why).into());
    }
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
    transaction.tell("scan.started", None, serde_json::json!({ "scan_id": scan.id, "source_id": source_id }));
    transaction.commit().await?;
    Ok(scan)
}

/// The scan of a website that has not ended, if there is one.
pub async fn find_open(library: &Library, organization_id: OrganizationId, url: &str) -> Result<Option<Scan>> {
    let tenant = library.database.of(organization_id);
    match tenant.find_source_by_url(parse_start(library, url)?.as_str()).await? {
        Some(source) => Ok(tenant.find_open_scan(source.id).await?),
        None => Ok(None),
    }
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
        let ending = Ending::of(tenant, &scan, Some((ScanState::Failed, Some(reason.to_string())))).await?;
        let mut transaction = tenant.begin().await?;
        transaction.complete_job(job).await?;
        ending.write(&mut transaction, &scan).await?;
        transaction.commit().await?;
        return Ok(true);
    }
    let discovered = discover_pages(library, &start, &scope, (scan.settings.pages_max, SITEMAPS_TIME_MAX)).await;
    let mut pages: Vec<NewPage> =
        discovered.pages.iter().map(|url| NewPage { url: url.to_string(), depth: 0 }).collect();
    pages.extend(known::addresses(library, organization_id, &scan, &scope).await?);
    let mut transaction = tenant.begin().await?;
    transaction.complete_job(job).await?;
    add_pages(&mut transaction, id, &pages).await?;
    for (url, reason) in discovered.skipped.iter().take(SKIPPED_KEPT_MAX) {
        skip_page(&mut transaction, id, url, reason).await?;
    }
    // Somebody may have called it off meanwhile.
    if !transaction.move_scan(id, ScanState::Discovering, ScanState::Running).await? {
        transaction.rollback().await?;
        return Ok(false);
    }
    transaction.commit().await?;
    library.database.conclude_drained_scans().await?;
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
        transaction.finish_page(page_id, PageOutcome::ended(PageState::Skipped, Some(reason.to_string()))).await?;
    }
    Ok(())
}

/// Ends a scan as failed whose own jobs gave up; what it read stays, and what it found changed waits.
pub async fn fail(library: &Library, organization_id: OrganizationId, id: ScanId) -> Result<()> {
    let tenant = library.database.of(organization_id);
    let scan = tenant.load_scan(id).await?;
    let error = if scan.state == ScanState::Concluding {
        "what it found changed could not be applied, again and again"
    } else {
        "its pages could not be listed, again and again"
    };
    let ending = Ending::of(tenant, &scan, Some((ScanState::Failed, Some(error.to_owned())))).await?;
    let mut transaction = tenant.begin().await?;
    transaction.skip_pending_pages(id, "the scan failed before this page was read").await?;
    ending.write(&mut transaction, &scan).await?;
    Ok(transaction.commit().await?)
}

/// Holds a scan: pages that are not read yet stay as they are, and its time stands still.
pub async fn pause(library: &Library, organization_id: OrganizationId, id: ScanId) -> Result<Scan> {
    let tenant = library.database.of(organization_id);
    let scan = tenant.load_scan(id).await?;
    let mut transaction = tenant.begin().await?;
    if !transaction.move_scan(id, ScanState::Running, ScanState::Paused).await? {
        return Err(cannot(&scan, "paused"));
    }
    let now = transaction.now();
    transaction.set_scan_pause(id, Some(now), scan.deadline_at).await?;
    transaction.tell("scan.paused", None, serde_json::json!({ "scan_id": id }));
    transaction.commit().await?;
    Ok(tenant.load_scan(id).await?)
}

/// Calls a scan off: what was read stays, and what was found changed waits for a person.
pub async fn cancel(library: &Library, organization_id: OrganizationId, id: ScanId) -> Result<Scan> {
    let tenant = library.database.of(organization_id);
    let scan = tenant.load_scan(id).await?;
    if !matches!(scan.state, ScanState::Discovering | ScanState::Running | ScanState::Paused) {
        return Err(cannot(&scan, "cancelled"));
    }
    let ending = Ending::of(tenant, &scan, Some((ScanState::Cancelled, None))).await?;
    let mut transaction = tenant.begin().await?;
    transaction.skip_pending_pages(id, "the scan was called off before this page was read").await?;
    if ending.has_changes() {
        let why = "the scan was called off before its end, so nothing it found changed was applied";
        transaction.set_scan_held(id, Some(why.to_owned())).await?;
    }
    ending.write(&mut transaction, &scan).await?;
    transaction.commit().await?;
    library.forget_scan(id);
    Ok(tenant.load_scan(id).await?)
}

/// Goes on with a held scan; a job enqueues its pages anew.
pub async fn resume(library: &Library, organization_id: OrganizationId, id: ScanId) -> Result<Scan> {
    let tenant = library.database.of(organization_id);
    let scan = tenant.load_scan(id).await?;
    let mut transaction = tenant.begin().await?;
    if !transaction.move_scan(id, ScanState::Paused, ScanState::Running).await? {
        return Err(cannot(&scan, "running"));
    }
    let now = transaction.now();
    let held = scan.paused_at.map_or(std::time::Duration::ZERO, |paused_at| now.since(paused_at));
    transaction.set_scan_pause(id, None, scan.deadline_at.map(|deadline| deadline + held)).await?;
    transaction.enqueue(&ResumeScan { scan_id: id }, now).await?;
    transaction.tell("scan.resumed", None, serde_json::json!({ "scan_id": id }));
    transaction.commit().await?;
    Ok(tenant.load_scan(id).await?)
}

/// Runs the job that enqueues the pages of a scan that goes on; a page that waits already is not doubled.
pub async fn enqueue_pending(library: &Library, organization_id: OrganizationId, id: ScanId) -> Result<()> {
    let tenant = library.database.of(organization_id);
    let filter = PageFilter { state: Some(PageState::Pending), ..PageFilter::default() };
    let limit = i64::try_from(PAGES_PER_INSERT).unwrap_or(i64::MAX);
    let mut after = None;
    loop {
        let pending = tenant.list_pages(id, filter, after, limit).await?;
        let Some(last) = pending.last() else { break };
        after = Some(last.id);
        let mut transaction = tenant.begin().await?;
        let now = transaction.now();
        for page in pending {
            transaction.enqueue(&ScanPage { page_id: page.id, scan_id: id }, now).await?;
        }
        transaction.commit().await?;
    }
    library.database.conclude_drained_scans().await?;
    Ok(())
}

fn cannot(scan: &Scan, to: &str) -> Error {
    storage::Error::Conflict(format!("scan `{}` is {}: it cannot become {to}", scan.id, scan.state)).into()
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
