//! The end of a scan: what it found changed is judged, what may be applied is applied, the rest waits.

use crate::diff::{Replaced, replaced};
use crate::judge::{Frame, held_because};
use crate::{Error, Library, Result, apply, risk};
use domain::job::{ConcludeScan, Job};
use domain::page::{Page, PageDecision, PageState, RescanSettings, Risk, Scan, ScanState};
use domain::{OrganizationId, PageId, ScanId, SourceId};
use std::collections::HashMap;
use std::time::Duration;
use storage::pages::PageFilter;
use storage::{Tenant, Transaction};

/// Changes that one job applies; the next job takes up the others.
const APPLIED_PER_JOB: i64 = 50;
/// Changes whose texts are in memory at once.
const JUDGED_AT_ONCE: i64 = 50;
/// Scans of a source that are kept, with their pages.
const SCANS_KEPT: i64 = 20;
/// What is said where single pages wait.
const RISKY: &str = "prices, dates, amounts or negations changed on a page";

/// Runs the job that ends a scan, or that applies what a person approved afterwards. `true`: the job was
/// completed with what it wrote.
pub async fn conclude(library: &Library, organization_id: OrganizationId, id: ScanId, job: &Job) -> Result<bool> {
    let tenant = library.database.of(organization_id);
    let scan = tenant.load_scan(id).await?;
    if !matches!(scan.state, ScanState::Concluding | ScanState::Completed | ScanState::Cancelled | ScanState::Failed) {
        return Ok(false);
    }
    if scan.state == ScanState::Concluding && scan.decided_at.is_none() {
        decide(library, organization_id, &scan).await?;
    }
    let filter = PageFilter { decision: Some(PageDecision::Approved), ..PageFilter::default() };
    let approved = tenant.list_pages(id, filter, None, APPLIED_PER_JOB).await?;
    for page in &approved {
        apply::apply(library, organization_id, &scan, page).await?;
    }
    let ending = Ending::of(tenant, &scan, None).await?;
    let mut transaction = tenant.begin().await?;
    transaction.complete_job(job).await?;
    if !approved.is_empty() {
        // There may be more: the next job looks.
        let now = transaction.now();
        transaction.enqueue(&ConcludeScan { scan_id: id }, now).await?;
    } else if scan.state == ScanState::Concluding {
        ending.write(&mut transaction, &scan).await?;
    } else {
        let waiting = ending.has_changes();
        if !waiting {
            transaction.set_scan_held(id, None).await?;
        }
        transaction.enqueue_drafting(scan.source_id, &scan.settings).await?;
        transaction.tell("scan.changes_applied", None, serde_json::json!({ "scan_id": id, "waiting": waiting }));
    }
    transaction.commit().await?;
    library.forget_scan(id);
    Ok(true)
}

/// Judges the changes of a scan once, in one transaction.
async fn decide(library: &Library, organization_id: OrganizationId, scan: &Scan) -> Result<()> {
    let tenant = library.database.of(organization_id);
    let rules = rules(tenant, scan.source_id).await?;
    let counts = tenant.count_pages(scan.id).await?;
    let added = counts.get(&PageState::New).copied().unwrap_or(0);
    let published = tenant.count_documents(Some(scan.source_id)).await?;
    let known = usize::try_from(published - added).unwrap_or(0);
    let judged = judge(tenant, scan.id, known, &rules).await?;
    let held = held_because(&rules, known, judged.removed.len(), judged.changed.len() + judged.risky.len());
    let mut transaction = tenant.begin().await?;
    transaction.supersede_changes(scan.source_id, scan.id).await?;
    for id in &judged.same {
        transaction.mark_page_same(*id, "only what repeats on the whole website changed").await?;
    }
    for (id, risks) in &judged.risky {
        transaction.set_page_risks(*id, risks).await?;
    }
    if held.is_none() {
        let ids: Vec<PageId> = judged.removed.iter().chain(&judged.changed).copied().collect();
        transaction.decide_pages(scan.id, Some(&ids), PageDecision::Approved).await?;
    }
    let held = held.or_else(|| (!judged.risky.is_empty()).then(|| RISKY.to_owned()));
    transaction.mark_scan_decided(scan.id, i64::try_from(known).unwrap_or(i64::MAX), held).await?;
    Ok(transaction.commit().await?)
}

/// The rules of a source; settings that cannot be read are the defaults, which let the least through.
pub(crate) async fn rules(tenant: Tenant<'_>, source_id: SourceId) -> Result<RescanSettings> {
    let source = tenant.load_source(source_id).await?;
    Ok(RescanSettings::of(&source.settings).unwrap_or_else(|reason| {
        tracing::warn!(source.id = %source_id, reason, "the defaults are used");
        RescanSettings::default()
    }))
}

#[derive(Default)]
struct Judged {
    removed: Vec<PageId>,
    changed: Vec<PageId>,
    risky: Vec<(PageId, Vec<Risk>)>,
    same: Vec<PageId>,
}

/// Looks at every change twice: first for what repeats on the whole site, then for what is left without it.
async fn judge(tenant: Tenant<'_>, id: ScanId, known: usize, rules: &RescanSettings) -> Result<Judged> {
    let (mut frame, mut judged) = (Frame::default(), Judged::default());
    let mut after = None;
    while let Some((pages, last)) = waiting(tenant, id, after).await? {
        after = Some(last);
        for page in pages.iter().filter(|page| page.state == PageState::Changed) {
            frame.add(&places(tenant, page).await?);
        }
    }
    let mut after = None;
    while let Some((pages, last)) = waiting(tenant, id, after).await? {
        after = Some(last);
        for page in pages {
            if page.state == PageState::Removed {
                judged.removed.push(page.id);
                continue;
            }
            let places = frame.without(places(tenant, &page).await?, known);
            let risks = risk::risks(&places);
            if places.is_empty() {
                judged.same.push(page.id);
            } else if rules.hold_risky && !risks.is_empty() {
                judged.risky.push((page.id, risks));
            } else {
                judged.changed.push(page.id);
            }
        }
    }
    Ok(judged)
}

async fn waiting(tenant: Tenant<'_>, id: ScanId, after: Option<PageId>) -> Result<Option<(Vec<Page>, PageId)>> {
    let filter = PageFilter { decision: Some(PageDecision::Waiting), ..PageFilter::default() };
    let pages = tenant.list_pages(id, filter, after, JUDGED_AT_ONCE).await?;
    let last = pages.last().map(|page| page.id);
    Ok(last.map(|last| (pages, last)))
}

/// What differs between the text that answers and the one that waits.
async fn places(tenant: Tenant<'_>, page: &Page) -> Result<Vec<Replaced>> {
    let (before, after) = texts(tenant, page).await?;
    let lost = |_| Error::Invalid("a difference took too much to find".to_owned());
    tokio::task::spawn_blocking(move || replaced(&before.unwrap_or_default(), &after.unwrap_or_default()))
        .await
        .map_err(lost)
}

/// The texts of a page before and after its scan, titles included; absent where there was or is none.
pub async fn texts(tenant: Tenant<'_>, page: &Page) -> Result<(Option<String>, Option<String>)> {
    let version = async |version: Option<i64>| -> Result<Option<String>> {
        let (Some(id), Some(version)) = (page.document_id, version) else { return Ok(None) };
        let version = tenant.load_document_version(id, version).await?;
        Ok(Some(titled(&version.title, &version.text)))
    };
    let before = version(page.version_before).await?;
    let after = match tenant.find_staged_text(page.id).await? {
        Some(staged) => Some(titled(&staged.title, &staged.text)),
        None => version(page.version_after).await?,
    };
    Ok((before, after))
}

fn titled(title: &str, text: &str) -> String {
    format!("{title}\n\n{text}")
}

/// What the end of a scan writes, read beforehand.
pub(crate) struct Ending {
    state: ScanState,
    error: Option<String>,
    pages: HashMap<PageState, i64>,
    changes: HashMap<PageDecision, i64>,
    next_after: Option<Duration>,
}

impl Ending {
    /// Reads how a scan ends: as `forced`, or by what its pages came to.
    pub(crate) async fn of(
        tenant: Tenant<'_>,
        scan: &Scan,
        forced: Option<(ScanState, Option<String>)>,
    ) -> Result<Self> {
        let pages = tenant.count_pages(scan.id).await?;
        let read = [PageState::New, PageState::Same, PageState::Changed, PageState::Removed];
        let (state, error) = match forced {
            Some(forced) => forced,
            None if read.iter().any(|state| pages.contains_key(state)) => (ScanState::Completed, None),
            None => (ScanState::Failed, Some(nothing_read(tenant, scan.id).await?)),
        };
        let changes = tenant.count_decisions(scan.id).await?;
        let every = rules(tenant, scan.source_id).await?.rescan_every_hours;
        let next_after = every.map(|hours| Duration::from_hours(u64::from(hours)));
        Ok(Self { state, error, pages, changes, next_after })
    }

    /// Whether it found something changed that nobody has decided about.
    pub(crate) fn has_changes(&self) -> bool {
        self.changes.contains_key(&PageDecision::Waiting)
    }

    /// Ends the scan: the next one is scheduled, old ones go, watchers are told.
    pub(crate) async fn write(self, transaction: &mut Transaction, scan: &Scan) -> Result<()> {
        let told = serde_json::json!({
            "scan_id": scan.id, "source_id": scan.source_id, "state": self.state, "error": self.error,
            "pages": words(&self.pages), "changes": words(&self.changes),
        });
        if !transaction.set_scan_state(scan.id, self.state, self.error).await? {
            return Ok(());
        }
        let next = self.next_after.map(|pause| transaction.now() + pause);
        transaction.schedule_rescan(scan.source_id, next).await?;
        transaction.delete_old_scans(scan.source_id, SCANS_KEPT).await?;
        if self.changes.contains_key(&PageDecision::Applied) {
            transaction.delete_orphan_embeddings().await?;
        }
        if self.state == ScanState::Completed {
            transaction.enqueue_drafting(scan.source_id, &scan.settings).await?;
        }
        transaction.tell("scan.ended", None, told);
        Ok(())
    }
}

/// Counts by their words.
pub(crate) fn words<K: ToString>(counts: &HashMap<K, i64>) -> std::collections::BTreeMap<String, i64> {
    counts.iter().map(|(word, count)| (word.to_string(), *count)).collect()
}

async fn nothing_read(tenant: Tenant<'_>, id: ScanId) -> Result<String> {
    let first = tenant.list_pages(id, PageFilter::default(), None, 1).await?;
    let reason = first.into_iter().next().and_then(|page| page.reason);
    Ok(match reason {
        Some(reason) => format!("no page could be read: {reason}"),
        None => "no page of the website is to be read".to_owned(),
    })
}

/// Approves changes of a scan that wait, or refuses them: those of these pages, or all.
pub async fn review(
    library: &Library,
    organization_id: OrganizationId,
    id: ScanId,
    pages: Option<&[PageId]>,
    decision: Review,
) -> Result<Scan> {
    let tenant = library.database.of(organization_id);
    let scan = tenant.load_scan(id).await?;
    if scan.finished_at.is_none() {
        let why = format!("scan `{id}` is {}: its changes can be decided when it has ended", scan.state);
        return Err(storage::Error::Conflict(why).into());
    }
    let mut transaction = tenant.begin().await?;
    let to = match decision {
        Review::Apply => PageDecision::Approved,
        Review::Reject => PageDecision::Rejected,
    };
    let decided = transaction.decide_pages(id, pages, to).await?;
    if decided == 0 {
        let why = format!("no such change of scan `{id}` waits: it was decided already, or a later scan overtook it");
        return Err(storage::Error::Conflict(why).into());
    }
    // What follows is the same for both: apply what is approved, and look whether anything still waits.
    let now = transaction.now();
    transaction.enqueue(&ConcludeScan { scan_id: id }, now).await?;
    transaction.tell(
        "scan.changes_decided",
        None,
        serde_json::json!({ "scan_id": id, "decision": to, "pages": decided }),
    );
    transaction.commit().await?;
    Ok(tenant.load_scan(id).await?)
}

/// What a person decides about changes that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Review {
    /// Customers are told the new text, or no longer told the old one.
    Apply,
    /// The earlier text stays.
    Reject,
}
