//! Calls every method of re-scans once.

use domain::job::Queue;
use domain::page::{PageDecision, PageState, Risk, RiskKind, Scan, ScanSettings, ScanState};
use domain::{OrganizationId, PageId, SourceId};
use serde_json::Map;
use std::time::Duration;
use storage::Database;
use storage::documents::{NewChunk, NewDocument, content_hash};
use storage::jobs::Claim;
use storage::page_changes::StagedText;
use storage::pages::{NewPage, PageFilter, PageOutcome};
use storage::sources::NewSource;

stories! {
    a_scan_is_held_goes_on_and_concludes_once
    a_change_waits_is_decided_once_and_ends_once
    a_newer_scan_overtakes_what_waits
    a_due_rescan_is_taken_once
    what_is_archived_leaves_its_passages
    one_organization_never_decides_about_another
}

struct Desk<'d> {
    database: &'d Database,
    id: OrganizationId,
    source: SourceId,
}

impl<'d> Desk<'d> {
    async fn open(database: &'d Database) -> Self {
        let id = database.insert_organization("Acme").await.unwrap().id;
        let desk = Self { database, id, source: SourceId::from_uuid(uuid::Uuid::nil()) };
        let new = NewSource {
            kind: "website".to_owned(),
            name: "example.org".to_owned(),
            url: Some("https://example.org/".to_owned()),
            settings: Map::new(),
        };
        let source = within!(desk, transaction => transaction.insert_source(new).await.unwrap()).id;
        Self { source, ..desk }
    }

    /// A running scan with these pages.
    async fn scan(&self, pages: &[&str]) -> (Scan, Vec<PageId>) {
        let pages: Vec<NewPage> = pages.iter().map(|page| NewPage { url: url(page), depth: 0 }).collect();
        within!(self, transaction => {
            let settings = ScanSettings::default();
            let scan = transaction.insert_scan(self.source, "https://example.org/", settings).await.unwrap();
            let ids = transaction.insert_pages(scan.id, &pages).await.unwrap();
            assert!(transaction.move_scan(scan.id, ScanState::Discovering, ScanState::Running).await.unwrap());
            (scan, ids)
        })
    }

    async fn finish(&self, id: PageId, outcome: PageOutcome) -> bool {
        within!(self, transaction => transaction.finish_page(id, outcome).await.unwrap())
    }

    async fn decide(&self, scan: &Scan, ids: Option<&[PageId]>, decision: PageDecision) -> u64 {
        within!(self, transaction => transaction.decide_pages(scan.id, ids, decision).await.unwrap())
    }
}

fn url(page: &str) -> String {
    format!("https://example.org/{page}")
}

fn waiting(state: PageState) -> PageOutcome {
    PageOutcome { decision: Some(PageDecision::Waiting), ..PageOutcome::ended(state, None) }
}

fn staged(page_id: PageId, organization_id: OrganizationId, text: &str) -> StagedText {
    StagedText {
        page_id,
        organization_id,
        title: "Title".to_owned(),
        text: text.to_owned(),
        language: None,
        content_hash: content_hash("Title", text),
    }
}

async fn a_scan_is_held_goes_on_and_concludes_once(database: &Database) {
    let desk = &Desk::open(database).await;
    let tenant = desk.database.of(desk.id);
    let (scan, pages) = desk.scan(&["a", "b", "c"]).await;
    assert_eq!(tenant.find_open_scan(desk.source).await.unwrap().unwrap().id, scan.id);
    assert_eq!(tenant.find_newest_scan(desk.source).await.unwrap().unwrap().id, scan.id);
    assert_eq!(desk.database.list_open_scans().await.unwrap()[0].deadline_at, scan.deadline_at);
    within!(desk, transaction => {
        assert!(transaction.move_scan(scan.id, ScanState::Running, ScanState::Paused).await.unwrap());
        assert!(!transaction.move_scan(scan.id, ScanState::Running, ScanState::Paused).await.unwrap());
        let now = transaction.now();
        transaction.set_scan_pause(scan.id, Some(now), scan.deadline_at).await.unwrap();
        assert_eq!(transaction.count_read_pages(scan.id).await.unwrap(), 3);
    });
    assert!(tenant.load_scan(scan.id).await.unwrap().paused_at.is_some());
    assert!(desk.database.list_open_scans().await.unwrap().is_empty(), "a held scan's time stands still");
    assert!(!desk.finish(pages[0], PageOutcome::ended(PageState::New, None)).await, "it is held");
    within!(desk, transaction => {
        transaction.set_scan_pause(scan.id, None, scan.deadline_at).await.unwrap();
        assert!(transaction.move_scan(scan.id, ScanState::Paused, ScanState::Running).await.unwrap());
    });
    let read = PageOutcome { chunks_embedded: 7, ..PageOutcome::ended(PageState::New, None) };
    assert!(desk.finish(pages[0], read).await);
    assert_eq!(desk.database.conclude_drained_scans().await.unwrap(), 0, "pages are pending");
    within!(desk, transaction => {
        assert_eq!(transaction.skip_pending_pages(scan.id, "too late").await.unwrap(), 2);
        assert_eq!(transaction.count_read_pages(scan.id).await.unwrap(), 1);
    });
    assert_eq!(desk.database.conclude_drained_scans().await.unwrap(), 1);
    assert_eq!(desk.database.conclude_drained_scans().await.unwrap(), 0);
    let claim = Claim {
        queue: Queue::Knowledge,
        worker: desk.database.clock().id(),
        lease: Duration::from_secs(5),
        limit: 5,
        suspects: false,
    };
    let jobs = desk.database.claim_jobs(claim).await.unwrap();
    assert_eq!(jobs.iter().map(|job| job.kind.as_str()).collect::<Vec<_>>(), ["conclude_scan"]);
    let totals = tenant.total_pages(scan.id, scan.created_at - Duration::from_secs(1)).await.unwrap();
    assert_eq!((totals.ended_lately, totals.chunks_embedded), (3, 7));
    within!(desk, transaction => {
        transaction.mark_scan_decided(scan.id, 10, Some("many".to_owned())).await.unwrap();
        assert!(transaction.move_scan(scan.id, ScanState::Concluding, ScanState::Completed).await.unwrap());
    });
    let ended = tenant.find_last_scan(desk.source, ScanState::Completed).await.unwrap().unwrap();
    assert_eq!((ended.known_pages, ended.held_because.as_deref()), (Some(10), Some("many")));
    assert!(ended.decided_at.is_some() && ended.finished_at.is_some());
    assert!(tenant.find_open_scan(desk.source).await.unwrap().is_none());
    let (newer, _) = desk.scan(&[]).await;
    within!(desk, transaction => {
        transaction.set_scan_held(scan.id, None).await.unwrap();
        assert_eq!(transaction.delete_old_scans(desk.source, 1).await.unwrap(), 1);
    });
    assert!(tenant.load_scan(scan.id).await.is_err());
    assert_eq!(tenant.load_scan(newer.id).await.unwrap().state, ScanState::Running);
}

async fn a_change_waits_is_decided_once_and_ends_once(database: &Database) {
    let desk = &Desk::open(database).await;
    let tenant = desk.database.of(desk.id);
    let (scan, pages) = desk.scan(&["a", "b", "c"]).await;
    for page in &pages {
        assert!(desk.finish(*page, waiting(PageState::Changed)).await);
    }
    let risk = Risk { kind: RiskKind::Price, before: vec!["€ 9".to_owned()], after: vec!["€ 12".to_owned()] };
    within!(desk, transaction => {
        for page in &pages {
            transaction.insert_staged_text(&staged(*page, desk.id, "new text")).await.unwrap();
        }
        transaction.set_page_risks(pages[0], std::slice::from_ref(&risk)).await.unwrap();
        transaction.mark_page_same(pages[2], "only a footer").await.unwrap();
    });
    assert_eq!(tenant.load_page(pages[0]).await.unwrap().risks, [risk]);
    let same = tenant.load_page(pages[2]).await.unwrap();
    assert_eq!((same.state, same.decision), (PageState::Same, None));
    assert!(tenant.find_staged_text(pages[2]).await.unwrap().is_none());
    assert_eq!(tenant.find_staged_text(pages[0]).await.unwrap().unwrap().text, "new text");

    assert_eq!(desk.decide(&scan, Some(&pages[..1]), PageDecision::Rejected).await, 1);
    assert_eq!(desk.decide(&scan, Some(&pages[..1]), PageDecision::Approved).await, 0, "it was decided");
    let hash = content_hash("Title", "new text");
    assert!(tenant.was_refused(desk.source, &url("a"), &hash).await.unwrap());
    assert!(!tenant.was_refused(desk.source, &url("b"), &hash).await.unwrap());
    assert_eq!(desk.decide(&scan, None, PageDecision::Approved).await, 1);
    let approved = PageFilter { decision: Some(PageDecision::Approved), ..PageFilter::default() };
    assert_eq!(tenant.list_pages(scan.id, approved, None, 10).await.unwrap()[0].id, pages[1]);
    let differs = PageFilter { differs: true, ..PageFilter::default() };
    assert_eq!(tenant.list_pages(scan.id, differs, None, 10).await.unwrap().len(), 2);
    within!(desk, transaction => {
        assert!(transaction.end_page_change(pages[1], PageDecision::Applied, Some(2), 3).await.unwrap());
        assert!(!transaction.end_page_change(pages[1], PageDecision::Applied, Some(3), 3).await.unwrap());
    });
    let applied = tenant.load_page(pages[1]).await.unwrap();
    assert_eq!((applied.version_after, applied.chunks_embedded), (Some(2), 3));
    assert!(tenant.find_staged_text(pages[1]).await.unwrap().is_none());
    let counts = tenant.count_decisions(scan.id).await.unwrap();
    assert_eq!((counts[&PageDecision::Applied], counts[&PageDecision::Rejected], counts.len()), (1, 1, 2));
}

async fn a_newer_scan_overtakes_what_waits(database: &Database) {
    let desk = &Desk::open(database).await;
    let tenant = desk.database.of(desk.id);
    let (older, pages) = desk.scan(&["a"]).await;
    assert!(desk.finish(pages[0], waiting(PageState::Changed)).await);
    within!(desk, transaction => {
        transaction.insert_staged_text(&staged(pages[0], desk.id, "old news")).await.unwrap();
        transaction.set_scan_held(older.id, Some("risky".to_owned())).await.unwrap();
        transaction.set_scan_state(older.id, ScanState::Completed, None).await.unwrap();
    });
    let (newer, news) = desk.scan(&["a"]).await;
    let last = tenant.find_last_reading(desk.source, newer.id, &url("a")).await.unwrap().unwrap();
    assert_eq!((last.state, last.decision), (PageState::Changed, Some(PageDecision::Waiting)));
    assert!(desk.finish(news[0], waiting(PageState::Changed)).await);
    within!(desk, transaction => {
        assert_eq!(transaction.supersede_changes(desk.source, newer.id).await.unwrap(), 1);
    });
    let overtaken = tenant.load_page(pages[0]).await.unwrap();
    assert_eq!(overtaken.decision, Some(PageDecision::Superseded));
    assert!(tenant.find_staged_text(pages[0]).await.unwrap().is_none());
    assert_eq!(tenant.load_scan(older.id).await.unwrap().held_because, None);
    assert_eq!(tenant.load_page(news[0]).await.unwrap().decision, Some(PageDecision::Waiting));
}

async fn a_due_rescan_is_taken_once(database: &Database) {
    let desk = &Desk::open(database).await;
    assert!(desk.database.list_due_sources().await.unwrap().is_empty());
    let now = desk.database.clock().now();
    within!(desk, transaction => {
        transaction.schedule_rescan(desk.source, Some(now + Duration::from_hours(1))).await.unwrap();
        assert!(!transaction.take_rescan(desk.source).await.unwrap(), "it is not due");
        transaction.schedule_rescan(desk.source, Some(now - Duration::from_hours(1))).await.unwrap();
    });
    let due = desk.database.list_due_sources().await.unwrap();
    assert_eq!(
        (due[0].id, due[0].organization_id, due[0].url.as_deref()),
        (desk.source, desk.id, Some("https://example.org/"))
    );
    within!(desk, transaction => {
        assert!(transaction.take_rescan(desk.source).await.unwrap());
        assert!(!transaction.take_rescan(desk.source).await.unwrap());
    });
    assert!(desk.database.list_due_sources().await.unwrap().is_empty());
}

async fn what_is_archived_leaves_its_passages(database: &Database) {
    let desk = &Desk::open(database).await;
    let tenant = desk.database.of(desk.id);
    let document = |page: &str| NewDocument {
        external_id: url(page),
        url: Some(url(page)),
        title: "Title".to_owned(),
        text: "text".to_owned(),
        language: None,
        pieces: vec![NewChunk { start: 0, end: 4, heading_path: String::new(), embedding_hash: [1; 32] }],
    };
    let documents = ["b", "a"].map(document);
    let put = within!(desk, transaction => transaction.put_documents(desk.source, &documents).await.unwrap());
    let first = tenant.list_published_addresses(desk.source, "", 1).await.unwrap();
    assert_eq!(first, [url("a")]);
    assert_eq!(tenant.list_published_addresses(desk.source, &first[0], 9).await.unwrap(), [url("b")]);
    within!(desk, transaction => {
        assert_eq!(transaction.archive_documents(&[put[0].document_id]).await.unwrap(), 1);
    });
    assert_eq!(tenant.list_published_addresses(desk.source, "", 9).await.unwrap(), [url("a")]);
    assert_eq!(tenant.count_chunks().await.unwrap(), 1);
    assert_eq!(tenant.load_document_version(put[0].document_id, 1).await.unwrap().text, "text", "citations still open");
    let back = within!(desk, transaction => transaction.put_documents(desk.source, &documents[..1]).await.unwrap());
    assert_eq!((back[0].document_id, back[0].version), (put[0].document_id, 2));
    assert_eq!(tenant.count_chunks().await.unwrap(), 2);
}

async fn one_organization_never_decides_about_another(database: &Database) {
    let desk = &Desk::open(database).await;
    let (scan, pages) = desk.scan(&["a"]).await;
    assert!(desk.finish(pages[0], waiting(PageState::Removed)).await);
    let stranger = desk.database.insert_organization("Somebody else").await.unwrap().id;
    let mut transaction = desk.database.of(stranger).begin().await.unwrap();
    assert_eq!(transaction.decide_pages(scan.id, None, PageDecision::Approved).await.unwrap(), 0);
    assert_eq!(transaction.decide_pages(scan.id, Some(&pages), PageDecision::Approved).await.unwrap(), 0);
    assert_eq!(transaction.skip_pending_pages(scan.id, "x").await.unwrap(), 0);
    assert!(!transaction.move_scan(scan.id, ScanState::Running, ScanState::Cancelled).await.unwrap());
    assert!(!transaction.take_rescan(desk.source).await.unwrap());
    assert!(!transaction.end_page_change(pages[0], PageDecision::Applied, None, 0).await.unwrap());
    transaction.commit().await.unwrap();
    let theirs = desk.database.of(stranger);
    assert!(theirs.find_staged_text(pages[0]).await.unwrap().is_none());
    assert!(theirs.count_decisions(scan.id).await.unwrap().is_empty());
    assert_eq!(desk.database.of(desk.id).load_page(pages[0]).await.unwrap().decision, Some(PageDecision::Waiting));
}
