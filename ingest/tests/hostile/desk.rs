//! A desk in a throw-away folder that runs the jobs of scans as the worker does, without its pauses.

use domain::job::{ConcludeScan, DiscoverPages, Job, Queue, ScanPage, Work};
use domain::page::{Page, PageState, Scan, ScanSettings};
use domain::{OrganizationId, WorkerId};
use futures::future::join_all;
use ingest::fetch::{FetchSettings, Fetcher};
use ingest::guard::Guard;
use ingest::politeness::PoliteSettings;
use ingest::{Library, conclude, page, scan};
use std::time::Duration;
use storage::jobs::Claim;
use storage::pages::PageFilter;
use storage::{Database, SqliteSettings};
use url::Url;

/// Jobs that run at a time, as in the worker.
const JOBS_AT_ONCE: usize = 8;
/// A scan that has not ended by then never does.
const SCAN_TIMEOUT: Duration = Duration::from_secs(150);

pub(crate) struct TestDesk {
    pub(crate) library: Library,
    pub(crate) organization_id: OrganizationId,
    worker: WorkerId,
    _folder: tempfile::TempDir,
}

/// A scan that ended, with all its pages.
pub(crate) struct Scanned {
    pub(crate) scan: Scan,
    pub(crate) pages: Vec<Page>,
    pub(crate) seconds: f64,
}

impl Scanned {
    /// The page of a path.
    pub(crate) fn page(&self, path: &str) -> Option<&Page> {
        self.pages.iter().find(|page| {
            let url = Url::parse(&page.url).unwrap();
            &url[url::Position::BeforePath..] == path
        })
    }
}

impl TestDesk {
    /// A desk that may reach these private sites and no other.
    pub(crate) async fn new(sites: &[&Url]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = SqliteSettings { flush_every_commit: false };
        let database = Database::open_sqlite(&folder.path().join("desk.sqlite"), sqlite).await.unwrap();
        database.migrate().await.unwrap();
        let home = database.found_desk("Lumen Bikes").await.unwrap();
        let indexes = retrieval::Settings::embedded(folder.path().join("indexes"));
        let retrieval = retrieval::Retrieval::open(indexes).await.unwrap();
        let allowed = sites.iter().map(|site| format!("127.0.0.1:{}", site.port().unwrap()).parse().unwrap());
        let guard = Guard::new(allowed.collect());
        let settings = FetchSettings {
            first_byte_timeout: Duration::from_secs(1),
            total_timeout: Duration::from_secs(2),
            polite: PoliteSettings {
                requests_at_once: JOBS_AT_ONCE,
                delay: Duration::ZERO,
                pause_max: Duration::from_millis(300),
            },
            ..FetchSettings::default()
        };
        let fetcher = Fetcher::new(&guard, settings).unwrap();
        let worker = database.clock().id();
        let organization_id = home.organization.id;
        let library = Library::new(database, retrieval, llm::EmbedderSlot::default(), fetcher, guard);
        Self { library, organization_id, worker, _folder: folder }
    }

    /// Scans a site to its end.
    pub(crate) async fn scan(&self, start: &Url, settings: ScanSettings) -> Scanned {
        let begin = std::time::Instant::now();
        let scan = scan::start(&self.library, self.organization_id, start.as_str(), settings).await.unwrap();
        let ended = tokio::time::timeout(SCAN_TIMEOUT, self.run_jobs()).await;
        assert!(ended.is_ok(), "the scan of {start} does not end");
        let tenant = self.library.database.of(self.organization_id);
        let mut pages: Vec<Page> = Vec::new();
        loop {
            let after = pages.last().map(|page| page.id);
            let batch = tenant.list_pages(scan.id, PageFilter::default(), after, 500).await.unwrap();
            if batch.is_empty() {
                break;
            }
            pages.extend(batch);
        }
        assert!(pages.iter().all(|page| page.state != PageState::Pending), "a page has no outcome");
        Scanned { scan: tenant.load_scan(scan.id).await.unwrap(), pages, seconds: begin.elapsed().as_secs_f64() }
    }

    async fn run_jobs(&self) {
        loop {
            let claim = Claim {
                queue: Queue::Knowledge,
                worker: self.worker,
                lease: Duration::from_mins(5),
                limit: JOBS_AT_ONCE,
                suspects: false,
            };
            let jobs = self.library.database.claim_jobs(claim).await.unwrap();
            if jobs.is_empty() {
                return;
            }
            join_all(jobs.iter().map(|job| self.run(job))).await;
        }
    }

    async fn run(&self, job: &Job) {
        let result = match job.kind.as_str() {
            DiscoverPages::KIND => {
                let work: DiscoverPages = serde_json::from_value(job.payload.clone()).unwrap();
                scan::discover(&self.library, self.organization_id, work.scan_id, job).await
            }
            ScanPage::KIND => {
                let work: ScanPage = serde_json::from_value(job.payload.clone()).unwrap();
                page::scan_page(&self.library, self.organization_id, work.page_id, job).await
            }
            ConcludeScan::KIND => {
                let work: ConcludeScan = serde_json::from_value(job.payload.clone()).unwrap();
                conclude::conclude(&self.library, self.organization_id, work.scan_id, job).await
            }
            // What follows from documents is another story.
            _ => Ok(false),
        };
        let mut transaction = self.library.database.begin().await.unwrap();
        match result {
            Ok(true) => return,
            Ok(false) => transaction.complete_job(job).await.unwrap(),
            Err(ingest::Error::Later(_)) => {
                let now = transaction.now();
                transaction.retry_job(job, "later", now).await.unwrap();
            }
            Err(error) => panic!("{} failed: {error}", job.kind),
        }
        transaction.commit().await.unwrap();
    }
}
