//! A website changes, loses pages and comes back; processes are killed and scans are held; what the desk
//! knows is what was approved, and nothing else.

use crate::{FRONTDESK, postgres};
use domain::knowledge::{Article, ArticleState};
use domain::page::{PageDecision, PageState, Scan, ScanSettings, ScanState};
use domain::suggestion::{Suggestion, SuggestionState};
use domain::{PageId, SourceId};
use frontdesk::bench::bed::{Bed, until};
use frontdesk::bench::stub_site::{Content, StubSite, edition_word, page_word};
use ingest::conclude::{Review, review, texts};
use ingest::progress::{Progress, progress};
use ingest::review::{Edit, approve};
use ingest::{scan, schedule};
use retrieval::Search;
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use storage::pages::PageFilter;
use storage::suggestions::SuggestionFilter;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Longer than any of these stories takes on a busy machine.
const LONGEST: Duration = Duration::from_mins(2);

/// Kills within re-scans; the command checks what is known afterwards.
async fn kills_within_rescans(more: &[&str]) {
    let run = tokio::process::Command::new(FRONTDESK)
        .args(["--json", "bench", "rescan", "--pages", "40", "--vanish", "10", "--kills", "4"])
        .args(more)
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
    let shown: serde_json::Value = serde_json::from_str(&said).unwrap();
    let figure = |name: &str| shown[name].as_u64().unwrap();
    assert_eq!((figure("first_scan_pages"), figure("kills")), (41, 4), "{shown}");
    assert_eq!((figure("second_scan_same"), figure("second_scan_chunks_embedded")), (41, 0), "{shown}");
    assert!(
        figure("rows") > 30 && figure("rows") == figure("keywords") && figure("rows") == figure("vectors"),
        "{shown}"
    );
    assert_eq!((figure("unequal"), figure("doubled")), (0, 0), "{shown}");
    assert_eq!((figure("ghosts"), figure("stale"), figure("suggested_twice")), (0, 0, 0), "{shown}");
    assert_eq!((figure("articles"), figure("articles_changed")), (20, 0), "{shown}");
}

#[tokio::test]
async fn kills_within_rescans_leave_what_the_site_says_on_sqlite() {
    kills_within_rescans(&[]).await;
}

#[tokio::test]
async fn kills_within_rescans_leave_what_the_site_says_on_postgresql() {
    let Some(server) = postgres::server() else { return };
    let database = server.create_database().await;
    kills_within_rescans(&["--database-url", &database.url]).await;
}

/// A desk with a website and a worker in this process.
#[expect(clippy::struct_field_names, reason = "a site with its server is what it is called")]
struct Site {
    bed: Bed,
    site: StubSite,
    stop: CancellationToken,
    worker: JoinSet<()>,
}

impl Site {
    async fn open(pages: usize) -> Self {
        let mut site = Self::without_worker(pages, 0).await;
        site.work();
        site
    }

    async fn without_worker(pages: usize, delay_ms: u64) -> Self {
        let site = StubSite::start(pages).await.unwrap();
        let settings = format!("[scan]\ndelay_ms = {delay_ms}\nallow_private_hosts = ['{}']", site.host());
        let bed = Bed::open(None, settings.parse().unwrap()).await.unwrap();
        Self { bed, site, stop: CancellationToken::new(), worker: JoinSet::new() }
    }

    fn work(&mut self) {
        self.worker.spawn(self.bed.wired.worker().run(self.stop.clone()));
        self.worker.spawn(ingest::index::follow(self.bed.wired.library.clone(), self.stop.clone()));
    }

    fn tenant(&self) -> storage::Tenant<'_> {
        self.bed.wired.desk.database.of(self.bed.wired.organization_id())
    }

    async fn start(&self, settings: ScanSettings) -> Scan {
        let wired = &self.bed.wired;
        scan::start(&wired.library, wired.organization_id(), &self.site.url(), settings).await.unwrap()
    }

    async fn scan(&self) -> (Scan, Progress) {
        let started = self.start(ScanSettings::default()).await;
        self.ended(&started).await
    }

    async fn ended(&self, started: &Scan) -> (Scan, Progress) {
        let ended = until("the end of the scan", LONGEST, async || {
            let scan = self.tenant().load_scan(started.id).await.unwrap();
            Ok(scan.finished_at.is_some().then_some(scan))
        })
        .await
        .unwrap();
        let wired = &self.bed.wired;
        let progress = progress(&wired.library, wired.organization_id(), &ended).await.unwrap();
        (ended, progress)
    }

    /// Approves or refuses what waits, and waits until it is done.
    async fn decide(&self, scan: &Scan, pages: Option<&[PageId]>, decision: Review) {
        let wired = &self.bed.wired;
        review(&wired.library, wired.organization_id(), scan.id, pages, decision).await.unwrap();
        self.bed.drained(LONGEST).await.unwrap();
    }

    async fn decided(&self, scan: &Scan, page: usize) -> (PageState, Option<PageDecision>, Option<String>) {
        let page = self.page(scan, page).await;
        (page.state, page.decision, page.reason)
    }

    async fn page(&self, scan: &Scan, page: usize) -> domain::page::Page {
        let pages = self.tenant().list_pages(scan.id, PageFilter::default(), None, 1_000).await.unwrap();
        pages.into_iter().find(|found| found.url == self.site.page_url(page)).unwrap()
    }

    /// Whether a search for a word finds it on that page.
    async fn finds(&self, page: usize, word: &str) -> bool {
        self.bed.wired.catch_up().await.unwrap();
        let mut search = Search::new(self.bed.wired.organization_id(), word);
        search.mode = retrieval::Mode::Bm25;
        let found = self.bed.wired.library.retrieval.search(&search).await.unwrap();
        let ids: Vec<_> = found.hits.iter().map(|hit| hit.chunk_id).collect();
        let chunks = self.tenant().load_chunks(&ids).await.unwrap();
        let url = self.site.page_url(page);
        chunks.iter().any(|found| found.url.as_ref() == Some(&url) && found.chunk.text.contains(word))
    }

    async fn set(&self, source: SourceId, settings: serde_json::Value) {
        let present = self.tenant().load_source(source).await.unwrap();
        let mut transaction = self.tenant().begin().await.unwrap();
        transaction.update_source(source, &present.name, settings.as_object().unwrap()).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn close(mut self) {
        self.stop.cancel();
        while self.worker.join_next().await.is_some() {}
    }
}

fn text(words: &str) -> Content {
    let more = "This guide is for everybody on the team who looks after the account and its settings at work.";
    Content::Text(format!("<p>{words} {more}</p><p>Open the settings, choose what you need, and save it.</p>"))
}

#[tokio::test]
async fn few_harmless_changes_apply_and_many_wait_for_a_person_while_the_old_texts_answer() {
    let site = Site::open(20).await;
    let (first, progress) = site.scan().await;
    assert_eq!((first.state, progress.pages["new"]), (ScanState::Completed, 21));
    for page in 0..3 {
        site.site.put(page, Content::Edition(1));
    }
    let (second, progress) = site.scan().await;
    assert_eq!((progress.pages["changed"], progress.changes["applied"]), (3, 3), "{second:?}");
    assert!(site.finds(0, &edition_word(0, 1)).await && !site.finds(0, &edition_word(0, 0)).await);

    for page in 0..8 {
        site.site.put(page, Content::Edition(2));
    }
    let (third, progress) = site.scan().await;
    assert_eq!((progress.changes.get("waiting"), progress.changes.get("applied")), (Some(&8), None));
    assert!(third.held_because.as_deref().unwrap().starts_with("8 of 21 pages changed (38 %)"), "{third:?}");
    assert!(site.finds(0, &edition_word(0, 1)).await && !site.finds(0, &edition_word(0, 2)).await);
    let page = site.page(&third, 0).await;
    let (before, after) = texts(site.tenant(), &page).await.unwrap();
    assert!(before.unwrap().contains(&edition_word(0, 1)) && after.unwrap().contains(&edition_word(0, 2)));

    site.decide(&third, Some(&[page.id]), Review::Apply).await;
    assert!(site.finds(0, &edition_word(0, 2)).await && !site.finds(1, &edition_word(1, 2)).await);
    site.decide(&third, None, Review::Reject).await;
    assert_eq!(site.tenant().load_scan(third.id).await.unwrap().held_because, None);
    assert!(site.finds(1, &edition_word(1, 1)).await);
    let (fourth, progress) = site.scan().await;
    assert_eq!(
        (progress.pages.get("changed"), fourth.held_because),
        (None, None),
        "what was refused is not proposed again"
    );
    let fifth = site.scan().await.1;
    assert_eq!((fifth.pages.get("changed"), fifth.chunks_embedded), (None, 0));
    site.close().await;
}

#[tokio::test]
async fn a_changed_price_waits_and_the_harmless_change_beside_it_does_not() {
    let site = Site::open(20).await;
    site.site.put(0, text("The yearly plan costs € 90 and can be ended at any time."));
    site.site.put(1, text("The menu is on the left."));
    site.scan().await;
    site.site.put(0, text("The yearly plan costs € 120 and can be ended at any time."));
    site.site.put(1, text("The menu is on the right."));
    let (scan, progress) = site.scan().await;
    assert_eq!((progress.changes["waiting"], progress.changes["applied"]), (1, 1), "{scan:?}");
    let page = site.page(&scan, 0).await;
    assert_eq!((&page.risks[0].before, &page.risks[0].after), (&vec!["€ 90".to_owned()], &vec!["€ 120".to_owned()]));
    assert!(site.finds(0, "€ 90").await && site.finds(1, "right").await);

    site.site.put(0, text("The yearly plan costs € 130 and can be ended at any time."));
    let (newer, _) = site.scan().await;
    assert_eq!(site.decided(&scan, 0).await.1, Some(PageDecision::Superseded));
    site.decide(&newer, None, Review::Apply).await;
    assert!(site.finds(0, "€ 130").await && !site.finds(0, "€ 90").await);
    site.close().await;
}

#[tokio::test]
async fn a_page_leaves_when_it_says_so_or_is_gone_twice_and_comes_back_when_it_is_there() {
    let site = Site::open(20).await;
    site.scan().await;
    site.site.put(0, Content::Gone(404));
    site.site.put(1, Content::Gone(410));
    site.site.put(2, Content::Gone(500));
    let (first, progress) = site.scan().await;
    assert_eq!(
        site.decided(&first, 0).await.1,
        Some(PageDecision::Unconfirmed),
        "nothing links to it: it was asked for"
    );
    assert_eq!(site.decided(&first, 1).await.1, Some(PageDecision::Applied));
    assert_eq!(progress.pages["failed"], 1, "an error of the site is no news of the page");
    assert!(site.finds(0, &page_word(0)).await && site.finds(2, &page_word(2)).await);
    assert!(!site.finds(1, &page_word(1)).await);
    let (second, _) = site.scan().await;
    let (state, decision, reason) = site.decided(&second, 0).await;
    assert_eq!((state, decision), (PageState::Removed, Some(PageDecision::Applied)), "{reason:?}");
    assert!(!site.finds(0, &page_word(0)).await && site.finds(2, &page_word(2)).await);
    for page in 0..3 {
        site.site.put(page, Content::Edition(0));
    }
    let (third, _) = site.scan().await;
    assert_eq!(site.decided(&third, 0).await.0, PageState::New);
    assert!(site.finds(0, &page_word(0)).await && site.finds(1, &page_word(1)).await);
    site.close().await;
}

#[tokio::test]
async fn a_site_that_loses_many_pages_keeps_them_until_a_person_agrees() {
    let site = Site::open(20).await;
    site.scan().await;
    for page in 0..6 {
        site.site.put(page, Content::Gone(410));
    }
    let (scan, _) = site.scan().await;
    assert!(scan.held_because.as_deref().unwrap().starts_with("6 of 21 pages are gone (28 %)"), "{scan:?}");
    assert!(site.finds(0, &page_word(0)).await);
    let kept = site.page(&scan, 0).await.id;
    site.decide(&scan, Some(&[kept]), Review::Reject).await;
    site.decide(&scan, None, Review::Apply).await;
    assert!(site.finds(0, &page_word(0)).await && !site.finds(1, &page_word(1)).await);
    let (next, _) = site.scan().await;
    assert_eq!(site.decided(&next, 0).await.0, PageState::Same, "a person decided to keep it");
    site.close().await;
}

#[tokio::test]
async fn a_held_scan_waits_over_a_crash_without_using_up_attempts() {
    let mut site = Site::without_worker(60, 40).await;
    let started = site.start(ScanSettings::default()).await;
    let mut worker = site.bed.worker(Path::new(FRONTDESK)).unwrap();
    until("some pages", LONGEST, async || Ok((site.site.requests() > 5).then_some(()))).await.unwrap();
    let wired = site.bed.wired.clone();
    scan::pause(&wired.library, wired.organization_id(), started.id).await.unwrap();
    site.bed.drained(LONGEST).await.unwrap();
    worker.kill().await.unwrap();
    let asked = site.site.requests();
    let counts = site.tenant().count_pages(started.id).await.unwrap();
    let pending = counts[&PageState::Pending];
    assert!(pending > 0, "{counts:?}");
    site.work();
    site.bed.drained(LONGEST).await.unwrap();
    assert_eq!(site.site.requests(), asked, "a held scan asks for nothing");
    assert_eq!(site.tenant().count_pages(started.id).await.unwrap()[&PageState::Pending], pending);

    scan::resume(&wired.library, wired.organization_id(), started.id).await.unwrap();
    let (ended, progress) = site.ended(&started).await;
    assert_eq!((ended.state, progress.pages["new"], progress.pages.len()), (ScanState::Completed, 61, 1));
    site.close().await;
}

#[tokio::test]
async fn a_scan_without_room_or_time_says_so_for_every_page_it_leaves_out() {
    let mut site = Site::without_worker(30, 0).await;
    let started = site.start(ScanSettings { pages_max: 10, ..ScanSettings::default() }).await;
    site.work();
    let (ended, progress) = site.ended(&started).await;
    assert_eq!((ended.state, progress.pages["new"], progress.pages["skipped"]), (ScanState::Completed, 10, 21));
    let skipped = PageFilter { state: Some(PageState::Skipped), ..PageFilter::default() };
    let pages = site.tenant().list_pages(started.id, skipped, None, 100).await.unwrap();
    assert!(pages.iter().all(|page| page.reason.as_deref() == Some("the scan already has its 10 pages")), "{pages:?}");
    site.close().await;

    let site = Site::without_worker(3, 0).await;
    let started = site.start(ScanSettings { deadline_minutes: 1, ..ScanSettings::default() }).await;
    let mut transaction = site.tenant().begin().await.unwrap();
    let pages = [0, 1].map(|page| storage::pages::NewPage { url: site.site.page_url(page), depth: 0 });
    transaction.insert_pages(started.id, &pages).await.unwrap();
    transaction.set_scan_pause(started.id, None, Some(started.created_at)).await.unwrap();
    transaction.commit().await.unwrap();
    schedule::tick(&site.bed.wired.library).await.unwrap();
    let (state, _, reason) = site.decided(&started, 1).await;
    assert_eq!(state, PageState::Skipped);
    assert_eq!(reason.as_deref(), Some("the scan's time of 1 minutes was over before this page"));
    assert_eq!(site.tenant().load_scan(started.id).await.unwrap().state, ScanState::Concluding);
}

#[tokio::test]
async fn a_due_rescan_starts_once_however_many_processes_look() {
    let site = Site::open(5).await;
    let (first, _) = site.scan().await;
    site.set(first.source_id, json!({ "rescan_every_hours": 24 })).await;
    site.scan().await;
    let tenant = site.tenant();
    let mut transaction = tenant.begin().await.unwrap();
    let long_ago = first.created_at - Duration::from_hours(1);
    assert!(!transaction.take_rescan(first.source_id).await.unwrap(), "the next one is due tomorrow");
    transaction.schedule_rescan(first.source_id, Some(long_ago)).await.unwrap();
    transaction.commit().await.unwrap();
    let library = &site.bed.wired.library;
    let (one, two, three) = tokio::join!(schedule::tick(library), schedule::tick(library), schedule::tick(library));
    one.unwrap();
    two.unwrap();
    three.unwrap();
    let scans = tenant.list_scans(storage::Keyset::start(), 10).await.unwrap();
    assert_eq!(scans.len(), 3, "two by hand, one by the clock");
    let (ended, progress) = site.ended(&scans[0]).await;
    assert_eq!((ended.state, progress.pages["same"]), (ScanState::Completed, 6));
    site.close().await;
}

#[tokio::test]
async fn a_site_that_cannot_be_read_changes_nothing() {
    let site = Site::open(5).await;
    site.scan().await;
    for page in 0..5 {
        site.site.put(page, Content::Gone(403));
    }
    let (ended, progress) = site.scan().await;
    assert_eq!((ended.state, progress.pages["failed"]), (ScanState::Completed, 5));
    for page in 0..5 {
        assert!(site.finds(page, &page_word(page)).await);
    }
    site.close().await;
}

impl Site {
    /// What waits for review about a text, once all drafting is done.
    async fn suggestion(&self, words: &str) -> Suggestion {
        self.bed.drained(LONGEST).await.unwrap();
        let filter = SuggestionFilter { state: Some(SuggestionState::Waiting), ..SuggestionFilter::default() };
        let waiting = self.tenant().list_suggestions(filter, storage::Keyset::start(), 1_000).await.unwrap();
        let found = waiting.iter().find(|suggestion| {
            suggestion.body.contains(words)
                || suggestion.generated_body.as_ref().is_some_and(|body| body.contains(words))
        });
        found.unwrap_or_else(|| panic!("nothing that waits says `{words}`: {waiting:#?}")).clone()
    }

    async fn approve(&self, suggestion: &Suggestion, body: Option<String>) {
        let wired = &self.bed.wired;
        let edit = Edit { title: None, body };
        approve(&wired.library, wired.organization_id(), suggestion.id, edit, "ann").await.unwrap();
    }

    async fn article(&self, suggestion: &Suggestion) -> Article {
        self.tenant().load_article(suggestion.article_id).await.unwrap()
    }
}

#[tokio::test]
async fn what_people_changed_in_a_generated_article_survives_its_page() {
    let says = |first: &str, last: &str| {
        let middle = "This guide is for everybody on the team who looks after the account. Save what you chose.";
        Content::Text(format!("<p>{first} {middle} {last}</p>"))
    };
    let site = Site::open(20).await;
    site.site.put(0, says("The menu is on the left.", "Ask the owner of the account for help."));
    site.scan().await;
    let first = site.suggestion("menu is on the left").await;
    let edited = first.body.replace("Ask the owner of the account for help.", "Ask Ann for help, she is at desk B.");
    assert_ne!(edited, first.body);
    site.approve(&first, Some(edited.clone())).await;

    site.site.put(0, says("The menu is on the right.", "Ask the owner of the account for help."));
    site.scan().await;
    let merged = site.suggestion("menu is on the right").await;
    assert_eq!(merged.body, edited.replace("on the left", "on the right"), "both changes are in it");
    assert!(merged.reason.as_deref().unwrap().starts_with("merged with what people changed"), "{merged:?}");
    assert_eq!(site.article(&first).await.body, edited, "nothing is published before a person agrees");
    site.approve(&merged, None).await;

    site.site.put(0, says("The menu is on the right.", "Ask the people at the front desk for help."));
    site.scan().await;
    let conflict = site.suggestion("people at the front desk").await;
    assert!(conflict.reason.as_deref().unwrap().starts_with("conflict"), "{conflict:?}");
    assert!(conflict.body.contains("Ask Ann") && !conflict.body.contains("<<<"), "{}", conflict.body);
    assert!(conflict.generated_body.as_deref().unwrap().contains("people at the front desk"));
    let article = site.article(&first).await;
    assert!(article.body.contains("Ask Ann") && article.body.contains("on the right"), "{}", article.body);
    site.close().await;
}

#[tokio::test]
async fn what_was_drafted_from_a_page_leaves_with_it_and_what_people_wrote_stays() {
    let site = Site::open(20).await;
    site.site.put(0, text("The blue lamp blinks twice after an update."));
    site.site.put(1, text("The red lamp blinks once at the start."));
    site.scan().await;
    let (blue, red) = (site.suggestion("blue lamp").await, site.suggestion("red lamp").await);
    let edited = format!("{}\n\nAsk Ann about the red lamp.", red.body);
    site.approve(&blue, None).await;
    site.approve(&red, Some(edited.clone())).await;
    assert!(site.finds(0, "blue lamp").await && site.finds(1, "Ask Ann").await);

    site.site.put(0, Content::Gone(410));
    site.site.put(1, Content::Gone(410));
    site.scan().await;
    assert!(
        !site.finds(0, "blue lamp").await && !site.finds(1, "red lamp").await,
        "nothing leads to a page that is gone"
    );
    assert_eq!(site.article(&blue).await.state, ArticleState::Archived);
    let kept = site.article(&red).await;
    assert_eq!((kept.state, &kept.body), (ArticleState::Published, &edited));
    let asked = site.suggestion("Ask Ann").await;
    assert!(asked.reason.as_deref().unwrap().starts_with("the page it was drafted from is gone"), "{asked:?}");
    site.approve(&asked, None).await;
    assert!(!site.finds(1, "red lamp").await, "a gone address does not come back by approval");

    site.site.put(0, text("The blue lamp blinks twice after an update."));
    site.scan().await;
    let again = site.suggestion("blue lamp").await;
    assert_eq!(again.article_id, blue.article_id, "a page that is back is suggested again");
    site.close().await;
}
