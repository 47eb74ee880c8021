//! A desk with a website that changes on demand, and what the stories ask of it.

use domain::page::{PageDecision, PageState, Scan, ScanSettings};
use domain::{PageId, SourceId};
use frontdesk::bench::bed::{Bed, until};
use frontdesk::bench::stub_site::{Content, StubSite};
use ingest::conclude::{Review, review};
use ingest::progress::{Progress, progress};
use ingest::scan;
use retrieval::Search;
use std::time::Duration;
use storage::pages::PageFilter;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Longer than any of these stories takes on a busy machine.
pub(crate) const LONGEST: Duration = Duration::from_mins(2);

/// A desk with a website and a worker in this process.
#[expect(clippy::struct_field_names, reason = "a site with its server is what it is called")]
pub(crate) struct Site {
    pub(crate) bed: Bed,
    pub(crate) site: StubSite,
    pub(crate) stop: CancellationToken,
    pub(crate) worker: JoinSet<()>,
}

impl Site {
    pub(crate) async fn open(pages: usize) -> Self {
        let mut site = Self::without_worker(pages, 0).await;
        site.work();
        site
    }

    pub(crate) async fn without_worker(pages: usize, delay_ms: u64) -> Self {
        let site = StubSite::start(pages).await.unwrap();
        let settings = format!("[scan]\ndelay_ms = {delay_ms}\nallow_private_hosts = ['{}']", site.host());
        let bed = Bed::open(None, settings.parse().unwrap()).await.unwrap();
        Self { bed, site, stop: CancellationToken::new(), worker: JoinSet::new() }
    }

    pub(crate) fn work(&mut self) {
        self.worker.spawn(self.bed.wired.worker().run(self.stop.clone()));
        self.worker.spawn(ingest::index::follow(self.bed.wired.library.clone(), self.stop.clone()));
    }

    pub(crate) fn tenant(&self) -> storage::Tenant<'_> {
        self.bed.wired.desk.database.of(self.bed.wired.organization_id())
    }

    pub(crate) async fn start(&self, settings: ScanSettings) -> Scan {
        let wired = &self.bed.wired;
        scan::start(&wired.library, wired.organization_id(), &self.site.url(), settings).await.unwrap()
    }

    pub(crate) async fn scan(&self) -> (Scan, Progress) {
        let started = self.start(ScanSettings::default()).await;
        self.ended(&started).await
    }

    pub(crate) async fn ended(&self, started: &Scan) -> (Scan, Progress) {
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
    pub(crate) async fn decide(&self, scan: &Scan, pages: Option<&[PageId]>, decision: Review) {
        let wired = &self.bed.wired;
        review(&wired.library, wired.organization_id(), scan.id, pages, decision).await.unwrap();
        self.bed.drained(LONGEST).await.unwrap();
    }

    pub(crate) async fn decided(&self, scan: &Scan, page: usize) -> (PageState, Option<PageDecision>, Option<String>) {
        let page = self.page(scan, page).await;
        (page.state, page.decision, page.reason)
    }

    pub(crate) async fn page(&self, scan: &Scan, page: usize) -> domain::page::Page {
        let pages = self.tenant().list_pages(scan.id, PageFilter::default(), None, 1_000).await.unwrap();
        pages.into_iter().find(|found| found.url == self.site.page_url(page)).unwrap()
    }

    /// Whether a search for a word finds it on that page.
    pub(crate) async fn finds(&self, page: usize, word: &str) -> bool {
        self.bed.wired.catch_up().await.unwrap();
        let mut search = Search::new(self.bed.wired.organization_id(), word);
        search.mode = retrieval::Mode::Bm25;
        let found = self.bed.wired.library.retrieval.search(&search).await.unwrap();
        let ids: Vec<_> = found.hits.iter().map(|hit| hit.chunk_id).collect();
        let chunks = self.tenant().load_chunks(&ids).await.unwrap();
        let url = self.site.page_url(page);
        chunks.iter().any(|found| found.url.as_ref() == Some(&url) && found.chunk.text.contains(word))
    }

    pub(crate) async fn set(&self, source: SourceId, settings: serde_json::Value) {
        let present = self.tenant().load_source(source).await.unwrap();
        let mut transaction = self.tenant().begin().await.unwrap();
        transaction.update_source(source, &present.name, settings.as_object().unwrap()).await.unwrap();
        transaction.commit().await.unwrap();
    }

    pub(crate) async fn close(mut self) {
        self.stop.cancel();
        while self.worker.join_next().await.is_some() {}
    }
}

pub(crate) fn text(words: &str) -> Content {
    let more = "This guide is for everybody on the team who looks after the account and its settings at work.";
    Content::Text(format!("<p>{words} {more}</p><p>Open the settings, choose what you need, and save it.</p>"))
}
