//! One page of a scan: fetched, taken apart, stored as a document with its vectors; its links become rows.

use crate::documents::{Text, Vectors, cut, missing_vectors, store};
use crate::extract::{Extraction, RawPage, extract};
use crate::fetch::{Body, Fetched, Get, Want};
use crate::frontier::Scope;
use crate::library::{ScanMemory, locked};
use crate::reason::Reason;
use crate::scan::{add_pages, keep_profile, parse_start, skip_page};
use crate::{Error, Library, Result};
use domain::job::Job;
use domain::page::{Page, PageState, Scan, ScanState};
use domain::{OrganizationId, PageId};
use storage::documents::{NewDocument, PutOutcome};
use storage::pages::{NewPage, PageOutcome, Validators};
use url::Url;

/// The site's profile is stored each time so many pages were learned.
const PROFILE_KEPT_EVERY: u32 = 25;

/// Runs the job of a page. `true`: the job was completed with what it wrote.
pub async fn scan_page(library: &Library, organization_id: OrganizationId, id: PageId, job: &Job) -> Result<bool> {
    let tenant = library.database.of(organization_id);
    let page = tenant.load_page(id).await?;
    let scan = tenant.load_scan(page.scan_id).await?;
    // A held scan's pages stay pending: going on enqueues them again.
    if page.state != PageState::Pending || !matches!(scan.state, ScanState::Running | ScanState::Discovering) {
        return Ok(false);
    }
    load_profile(library, organization_id, &scan).await?;
    let known = tenant.find_validators(scan.source_id, &page.url).await?;
    let read = read(library, &scan, &page, known.as_ref()).await;
    // Later it may work: the job is tried again, with growing pauses, until its attempts are used up.
    if let Err(reason) = &read
        && reason.is_temporary()
        && job.attempt < job.attempts_max
    {
        return Err(Error::Later(reason.clone()));
    }
    let written = Written::of(library, organization_id, &scan, &page, read, known).await?;
    write(library, organization_id, &scan, &page, written, job).await?;
    library.database.complete_drained_scans().await?;
    Ok(true)
}

/// What a page said.
enum Read {
    NotModified,
    Text { body: Box<Body>, extraction: Box<Extraction> },
}

async fn read(library: &Library, scan: &Scan, page: &Page, known: Option<&Validators>) -> Result<Read, Reason> {
    let url = Url::parse(&page.url).map_err(|_| Reason::NotAnAddress)?;
    let rules = library.rules(&url).await;
    rules.check(&url)?;
    let get = Get {
        url: url.clone(),
        want: Want::Page,
        etag: known.and_then(|known| known.etag.clone()),
        last_modified: known.and_then(|known| known.last_modified.clone()),
        crawl_delay: rules.crawl_delay(),
    };
    let body = match library.fetcher.get_within(&get, &rules).await.map_err(|refused| refused.reason)? {
        Fetched::NotModified => return Ok(Read::NotModified),
        Fetched::Body(body) => body,
    };
    let memory = library.scan_memory(scan.id);
    let room = library.fetcher.room_to_parse(body.bytes.len()).await;
    let taken = tokio::task::spawn_blocking(move || {
        let _room = room;
        let profile = locked(&memory).known_profile();
        let raw = RawPage {
            url: &body.url,
            content_type: body.content_type.as_deref(),
            robots_tag: body.robots_tag.as_deref(),
            bytes: &body.bytes,
        };
        let extraction = extract(&raw, Some(&*profile).filter(|profile| profile.is_ready()))?;
        locked(&memory).profile.learn(&extraction.block_hashes);
        Ok::<_, Reason>((body, extraction))
    });
    let (body, extraction) = taken.await.map_err(|_| Reason::TooComplex)??;
    if extraction.seems_gone {
        return Err(Reason::SoftGone);
    }
    if extraction.seems_walled {
        return Err(Reason::Wall);
    }
    Ok(Read::Text { body: Box::new(body), extraction: Box::new(extraction) })
}

/// Everything a page's transaction writes.
struct Written {
    outcome: PageOutcome,
    document: Option<(NewDocument, Vectors)>,
    links: Vec<NewPage>,
    traps: Vec<(Url, Reason)>,
}

impl Written {
    fn ended(state: PageState, reason: Option<String>) -> Self {
        let outcome = PageOutcome { state, reason, document_id: None, etag: None, last_modified: None };
        Self { outcome, document: None, links: Vec::new(), traps: Vec::new() }
    }

    async fn of(
        library: &Library,
        organization_id: OrganizationId,
        scan: &Scan,
        page: &Page,
        read: Result<Read, Reason>,
        known: Option<Validators>,
    ) -> Result<Self> {
        let (body, extraction) = match read {
            Ok(Read::Text { body, extraction }) => (body, extraction),
            Ok(Read::NotModified) => {
                let mut written = Self::ended(PageState::Same, None);
                let known = known.unwrap_or_default();
                written.outcome.document_id = known.document_id;
                written.outcome.etag = known.etag;
                written.outcome.last_modified = known.last_modified;
                return Ok(written);
            }
            Err(reason) => return Ok(Self::ended(state_of(&reason), Some(reason.to_string()))),
        };
        let start = parse_start(library, &scan.url)?;
        let scope = Scope::new(&start, &scan.settings.include, &scan.settings.exclude, scan.settings.depth_max)?;
        let (links, traps) = unknown_links(library, scan, page, &scope, (&body.url, &extraction));
        let mut written = match skipped_because(&scope, page, &body, &extraction) {
            Some(reason) => Self::ended(PageState::Skipped, Some(reason)),
            None => Self::ended(PageState::New, None),
        };
        written.links = links;
        written.traps = traps;
        written.outcome.etag.clone_from(&body.etag);
        written.outcome.last_modified.clone_from(&body.last_modified);
        if written.outcome.state == PageState::New {
            let text = Text {
                external_id: page.url.clone(),
                url: Some(page.url.clone()),
                title: extraction.title,
                text: extraction.text,
                language: extraction.language,
            };
            let document = cut(library, text);
            let vectors = missing_vectors(library, organization_id, std::slice::from_ref(&document)).await?;
            written.document = Some((document, vectors));
        }
        Ok(written)
    }
}

fn state_of(reason: &Reason) -> PageState {
    if reason.is_unwanted() { PageState::Skipped } else { PageState::Failed }
}

/// Why a page that was read becomes no document.
fn skipped_because(scope: &Scope, page: &Page, body: &Body, extraction: &Extraction) -> Option<String> {
    if extraction.noindex {
        return Some(Reason::NoIndex.to_string());
    }
    if extraction.text.trim().is_empty() {
        return Some(Reason::Empty.to_string());
    }
    let here = crate::frontier::normalize(&body.url);
    if here.as_str() != page.url {
        return Some(format!("duplicate: it leads on to {here}"));
    }
    // Only an address that this scan reads as well may stand in for the page: a page that names another
    // site, or a place outside the scan, stays what it is.
    let canonical = extraction.canonical.as_ref().and_then(|canonical| scope.admit(canonical, 0).ok());
    let elsewhere = canonical.filter(|canonical| canonical.as_str() != page.url)?;
    Some(format!("duplicate: the page says that it is {elsewhere}"))
}

/// Links of the page that are no rows yet, and where it leads on to.
fn unknown_links(
    library: &Library,
    scan: &Scan,
    page: &Page,
    scope: &Scope,
    (found_at, extraction): (&Url, &Extraction),
) -> (Vec<NewPage>, Vec<(Url, Reason)>) {
    let depth = usize::try_from(page.depth).unwrap_or(0) + 1;
    let memory = library.scan_memory(scan.id);
    let mut memory = locked(&memory);
    let memory: &mut ScanMemory = &mut memory;
    let (mut links, mut traps) = (Vec::new(), Vec::new());
    for link in extraction.links.iter().chain(&extraction.canonical).chain([found_at]) {
        if memory.known.len() >= scan.settings.pages_max {
            break;
        }
        let admitted = scope.admit(link, depth).and_then(|url| {
            let is_known = memory.known.contains(url.as_str());
            if is_known { Ok(None) } else { memory.variants.admit(&url).map(|()| Some(url)) }
        });
        let url = match admitted {
            Ok(Some(url)) => url,
            // The first addresses of a trap tell people what was not followed.
            Err(reason) if reason.is_trap() && memory.is_trap_to_keep(link) => {
                traps.push((link.clone(), reason));
                continue;
            }
            // What lies outside is no row: most of the web does.
            Ok(None) | Err(_) => continue,
        };
        memory.known.insert(url.to_string());
        links.push(NewPage { url: url.to_string(), depth: i64::try_from(depth).unwrap_or(i64::MAX) });
    }
    (links, traps)
}

async fn write(
    library: &Library,
    organization_id: OrganizationId,
    scan: &Scan,
    page: &Page,
    written: Written,
    job: &Job,
) -> Result<()> {
    let mut transaction = library.database.of(organization_id).begin().await?;
    transaction.complete_job(job).await?;
    let mut outcome = written.outcome;
    if let Some((document, vectors)) = &written.document {
        let puts = store(library, &mut transaction, scan.source_id, std::slice::from_ref(document), vectors).await?;
        if let Some(put) = puts.first() {
            outcome.document_id = Some(put.document_id);
            outcome.state = match put.outcome {
                PutOutcome::New => PageState::New,
                PutOutcome::Same => PageState::Same,
                PutOutcome::Changed => PageState::Changed,
            };
        }
    }
    let state = outcome.state;
    transaction.finish_page(page.id, outcome).await?;
    add_pages(&mut transaction, scan.id, &written.links).await?;
    for (url, reason) in &written.traps {
        skip_page(&mut transaction, scan.id, url, reason).await?;
    }
    transaction.tell("scan.page", None, serde_json::json!({ "scan_id": scan.id, "page_id": page.id, "state": state }));
    transaction.commit().await?;
    let word: &'static str = state.into();
    metrics::counter!("frontdesk_scan_pages_total", "outcome" => word).increment(1);
    let pages = locked(&library.scan_memory(scan.id)).profile.pages();
    if pages.is_multiple_of(PROFILE_KEPT_EVERY) {
        keep_profile(library, organization_id, scan).await?;
    }
    Ok(())
}

/// Reads what earlier scans learned of the site, once per process and scan.
async fn load_profile(library: &Library, organization_id: OrganizationId, scan: &Scan) -> Result<()> {
    let memory = library.scan_memory(scan.id);
    if locked(&memory).loaded {
        return Ok(());
    }
    let tenant = library.database.of(organization_id);
    let stored = tenant.load_source_profile(scan.source_id).await?;
    let mut memory = locked(&memory);
    if !memory.loaded {
        memory.profile = serde_json::from_value(serde_json::Value::Object(stored)).unwrap_or_default();
        memory.loaded = true;
    }
    Ok(())
}

/// Marks a page as failed whose job gave up.
pub async fn fail_page(library: &Library, organization_id: OrganizationId, id: PageId) -> Result<()> {
    let tenant = library.database.of(organization_id);
    if tenant.load_page(id).await?.state == PageState::Pending {
        let mut transaction = tenant.begin().await?;
        let outcome = PageOutcome {
            state: PageState::Failed,
            reason: Some("reading the page failed again and again".to_owned()),
            document_id: None,
            etag: None,
            last_modified: None,
        };
        transaction.finish_page(id, outcome).await?;
        transaction.commit().await?;
    }
    library.database.complete_drained_scans().await?;
    Ok(())
}
