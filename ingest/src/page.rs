//! One page of a scan: fetched, taken apart, stored as a document with its vectors; its links become rows.

mod links;

use crate::documents::{Text, Vectors, cut, missing_vectors, store};
use crate::extract::{Extraction, RawPage, extract};
use crate::fetch::{Body, Fetched, Get, Want};
use crate::frontier::Scope;
use crate::known::Known;
use crate::library::locked;
use crate::reason::Reason;
use crate::scan::{keep_profile, parse_start, skip_page};
use crate::{Error, Library, Result};
use domain::job::Job;
use domain::page::{Page, PageDecision, PageState, Scan, ScanState};
use domain::{OrganizationId, PageId};
use links::{add_links, unknown_links};
use sha2::{Digest, Sha256};
use storage::documents::{NewDocument, PutOutcome, content_hash};
use storage::page_changes::StagedText;
use storage::pages::{NewPage, PageOutcome};
use url::Url;

/// The site's profile is stored each time so many pages were learned.
const PROFILE_KEPT_EVERY: u32 = 25;
/// The status of a page that will not come back.
const GONE_FOR_GOOD: u16 = 410;

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
    let known = Known::of(library, organization_id, &scan, &page).await?;
    let read = read(library, &scan, &page, &known).await;
    // Later it may work: the job is tried again, with growing pauses, until its attempts are used up.
    if let Err(reason) = &read
        && reason.is_temporary()
        && job.attempt < job.attempts_max
    {
        return Err(Error::Later(reason.clone()));
    }
    let reading = Reading { library, organization_id, scan: &scan, page: &page, known: &known };
    let written = reading.written(read).await?;
    let was_written = write(&reading, written, job).await?;
    library.database.conclude_drained_scans().await?;
    Ok(was_written)
}

/// What a page said.
enum Read {
    /// The site or the bytes say that nothing changed since the last reading.
    Unchanged(Option<Box<Body>>),
    Text {
        body: Box<Body>,
        extraction: Box<Extraction>,
    },
}

async fn read(library: &Library, scan: &Scan, page: &Page, known: &Known) -> Result<Read, Reason> {
    let url = Url::parse(&page.url).map_err(|_| Reason::NotAnAddress)?;
    let rules = library.rules(&url).await;
    rules.check(&url)?;
    let last = known.reading();
    let get = Get {
        url: url.clone(),
        want: Want::Page,
        etag: last.and_then(|last| last.etag.clone()),
        last_modified: last.and_then(|last| last.last_modified.clone()),
        crawl_delay: rules.crawl_delay(),
    };
    let body = match library.fetcher.get_within(&get, &rules).await.map_err(|refused| refused.reason)? {
        Fetched::NotModified => return Ok(Read::Unchanged(None)),
        Fetched::Body(body) => body,
    };
    // An unchanged page was learned and followed before.
    if last.is_some_and(|last| last.body_hash.as_deref() == Some(body_hash(&body).as_str())) {
        return Ok(Read::Unchanged(Some(Box::new(body))));
    }
    let memory = library.scan_memory(scan.id);
    let taken = library.fetcher.take_apart(move || {
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
    let (body, extraction) = taken.await.ok_or(Reason::TooComplex)??;
    if extraction.seems_gone {
        return Err(Reason::SoftGone);
    }
    if extraction.seems_walled {
        return Err(Reason::Wall);
    }
    Ok(Read::Text { body: Box::new(body), extraction: Box::new(extraction) })
}

fn body_hash(body: &Body) -> String {
    // Two addresses of one text lead on to different places.
    hex::encode(Sha256::new().chain_update(body.url.as_str()).chain_update("\n").chain_update(&body.bytes).finalize())
}

/// Everything a page's transaction writes.
struct Written {
    outcome: PageOutcome,
    document: Option<(NewDocument, Vectors)>,
    staged: Option<StagedText>,
    links: Vec<NewPage>,
    traps: Vec<(Url, Reason)>,
}

impl Written {
    fn ended(state: PageState, reason: Option<String>) -> Self {
        Self {
            outcome: PageOutcome::ended(state, reason),
            document: None,
            staged: None,
            links: Vec::new(),
            traps: Vec::new(),
        }
    }
}

/// A page that is being read, with all around it.
struct Reading<'r> {
    library: &'r Library,
    organization_id: OrganizationId,
    scan: &'r Scan,
    page: &'r Page,
    known: &'r Known,
}

impl Reading<'_> {
    async fn written(&self, read: Result<Read, Reason>) -> Result<Written> {
        match read {
            Ok(Read::Unchanged(body)) => Ok(self.unchanged(body.as_deref())),
            Ok(Read::Text { body, extraction }) => self.text(&body, *extraction).await,
            Err(reason) => Ok(self.unread(&reason)),
        }
    }

    fn unchanged(&self, body: Option<&Body>) -> Written {
        let mut written = Written::ended(PageState::Same, None);
        let outcome = &mut written.outcome;
        if let Some(last) = self.known.reading() {
            outcome.etag.clone_from(&last.etag);
            outcome.last_modified.clone_from(&last.last_modified);
            outcome.body_hash.clone_from(&last.body_hash);
            outcome.decision = last.decision.filter(|decision| *decision == PageDecision::Rejected);
        }
        if let Some(body) = body {
            outcome.etag.clone_from(&body.etag);
            outcome.last_modified.clone_from(&body.last_modified);
        }
        self.with_document(written)
    }

    /// A page that cannot be read. Its document stays unless the page is gone for good: it says so
    /// itself, or two scans in a row found it gone.
    fn unread(&self, reason: &Reason) -> Written {
        let said = reason.to_string();
        if self.known.document.is_none() {
            return Written::ended(state_of(reason), Some(said));
        }
        if !(reason.is_gone() || matches!(reason, Reason::RobotsForbid(_) | Reason::NoIndex)) {
            let kept = format!("{said}; the text of before stays");
            return self.with_document(Written::ended(PageState::Failed, Some(kept)));
        }
        let is_certain = matches!(reason, Reason::Gone(GONE_FOR_GOOD) | Reason::NoIndex) || self.known.was_gone();
        self.removed(said, is_certain)
    }

    fn removed(&self, reason: String, is_certain: bool) -> Written {
        if self.known.was_kept() {
            let mut written = Written::ended(PageState::Same, Some(format!("{reason}; a person decided to keep it")));
            written.outcome.decision = Some(PageDecision::Rejected);
            return self.with_document(written);
        }
        let mut written = Written::ended(PageState::Removed, Some(reason));
        written.outcome.decision = Some(if is_certain { PageDecision::Waiting } else { PageDecision::Unconfirmed });
        self.with_document(written)
    }

    fn with_document(&self, mut written: Written) -> Written {
        if let Some(document) = &self.known.document {
            written.outcome.document_id = Some(document.id);
            written.outcome.version_before = Some(document.version);
        }
        written
    }

    async fn text(&self, body: &Body, extraction: Extraction) -> Result<Written> {
        let (scan, page) = (self.scan, self.page);
        let start = parse_start(self.library, &scan.url)?;
        let scope = Scope::new(&start, &scan.settings.include, &scan.settings.exclude, scan.settings.depth_max)?;
        let (links, traps) = unknown_links(self.library, scan, page, &scope, (&body.url, &extraction));
        let mut written = match skipped_because(&scope, page, body, &extraction) {
            // It says itself that it is a page no more.
            Some((why, true)) if self.known.document.is_some() => self.removed(why, true),
            Some((why, false)) if self.known.document.is_some() => {
                self.with_document(Written::ended(PageState::Failed, Some(format!("{why}; the text of before stays"))))
            }
            Some((why, _)) => Written::ended(PageState::Skipped, Some(why)),
            None => self.document(extraction).await?,
        };
        written.links = links;
        written.traps = traps;
        if !matches!(written.outcome.state, PageState::Removed | PageState::Failed) {
            written.outcome.etag.clone_from(&body.etag);
            written.outcome.last_modified.clone_from(&body.last_modified);
            written.outcome.body_hash = Some(body_hash(body));
        }
        Ok(written)
    }

    /// A page with a text. A new one answers at once; a changed one waits until the whole scan is judged.
    async fn document(&self, extraction: Extraction) -> Result<Written> {
        let (library, organization_id) = (self.library, self.organization_id);
        let hash = content_hash(&extraction.title, &extraction.text);
        let Some(document) = &self.known.document else {
            let text = Text {
                external_id: self.page.url.clone(),
                url: Some(self.page.url.clone()),
                title: extraction.title,
                text: extraction.text,
                language: extraction.language,
            };
            let document = cut(library, text);
            let vectors = missing_vectors(library, organization_id, std::slice::from_ref(&document)).await?;
            let mut written = Written::ended(PageState::New, None);
            written.outcome.chunks_embedded = i64::try_from(vectors.len()).unwrap_or(i64::MAX);
            written.document = Some((document, vectors));
            return Ok(written);
        };
        if document.content_hash == hash {
            return Ok(self.with_document(Written::ended(PageState::Same, None)));
        }
        let tenant = library.database.of(organization_id);
        if tenant.was_refused(self.scan.source_id, &self.page.url, &hash).await? {
            let why = "a person refused this text before, so the earlier one stays".to_owned();
            let mut written = Written::ended(PageState::Same, Some(why));
            written.outcome.decision = Some(PageDecision::Rejected);
            return Ok(self.with_document(written));
        }
        let mut written = self.with_document(Written::ended(PageState::Changed, None));
        written.outcome.decision = Some(PageDecision::Waiting);
        written.staged = Some(StagedText {
            page_id: self.page.id,
            organization_id,
            title: extraction.title,
            text: extraction.text,
            language: extraction.language,
            content_hash: hash,
        });
        Ok(written)
    }
}

fn state_of(reason: &Reason) -> PageState {
    if reason.is_unwanted() { PageState::Skipped } else { PageState::Failed }
}

/// Why a page that was read becomes no document, and whether the page itself says so.
fn skipped_because(scope: &Scope, page: &Page, body: &Body, extraction: &Extraction) -> Option<(String, bool)> {
    if extraction.noindex {
        return Some((Reason::NoIndex.to_string(), true));
    }
    if extraction.text.trim().is_empty() {
        return Some((Reason::Empty.to_string(), false));
    }
    let here = crate::frontier::normalize(&body.url);
    if here.as_str() != page.url {
        return Some((format!("duplicate: it leads on to {here}"), true));
    }
    // Only an address that this scan reads as well may stand in for the page: a page that names another
    // site, or a place outside the scan, stays what it is.
    let canonical = extraction.canonical.as_ref().and_then(|canonical| scope.admit(canonical, 0).ok());
    let elsewhere = canonical.filter(|canonical| canonical.as_str() != page.url)?;
    Some((format!("duplicate: the page says that it is {elsewhere}"), true))
}

/// Writes what a page came to. `false`: the scan was held or called off meanwhile, and nothing was written.
async fn write(reading: &Reading<'_>, written: Written, job: &Job) -> Result<bool> {
    let Reading { library, organization_id, scan, page, .. } = *reading;
    let mut transaction = library.database.of(organization_id).begin().await?;
    transaction.complete_job(job).await?;
    let mut outcome = written.outcome;
    if let Some((document, vectors)) = &written.document {
        let puts = store(library, &mut transaction, scan.source_id, std::slice::from_ref(document), vectors).await?;
        if let Some(put) = puts.first() {
            outcome.document_id = Some(put.document_id);
            outcome.version_after = Some(put.version);
            // What was archived and is there again is new to those who ask.
            outcome.state = if put.outcome == PutOutcome::Same { PageState::Same } else { PageState::New };
        }
    }
    let (state, reason) = (outcome.state, outcome.reason.clone());
    if !transaction.finish_page(page.id, outcome).await? {
        transaction.rollback().await?;
        return Ok(false);
    }
    if let Some(staged) = &written.staged {
        transaction.insert_staged_text(staged).await?;
    }
    add_links(&mut transaction, scan, written.links).await?;
    for (url, reason) in &written.traps {
        skip_page(&mut transaction, scan.id, url, reason).await?;
    }
    let told = serde_json::json!({
        "scan_id": scan.id, "page_id": page.id, "url": page.url, "state": state, "reason": reason,
    });
    transaction.tell("scan.page", None, told);
    transaction.commit().await?;
    let word: &'static str = state.into();
    metrics::counter!("frontdesk_scan_pages_total", "outcome" => word).increment(1);
    let pages = locked(&library.scan_memory(scan.id)).profile.pages();
    if pages.is_multiple_of(PROFILE_KEPT_EVERY) {
        keep_profile(library, organization_id, scan).await?;
    }
    Ok(true)
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
        let why = "reading the page failed again and again".to_owned();
        let outcome = PageOutcome::ended(PageState::Failed, Some(why));
        transaction.finish_page(id, outcome).await?;
        transaction.commit().await?;
    }
    library.database.conclude_drained_scans().await?;
    Ok(())
}
