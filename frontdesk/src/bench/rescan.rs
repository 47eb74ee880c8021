//! `frontdesk bench rescan`: scans a website again and again while half of its pages change, some vanish,
//! and the worker is killed with SIGKILL; then reads what the desk knows and holds it against the site.

mod check;
mod report;

use crate::bench::bed::{Bed, WorkerProcess, broken, until};
use crate::bench::stub_model::RunningStub;
use crate::bench::stub_site::{Content, StubSite, page_word};
use crate::failure::Failure;
use crate::output::{Exit, Output};
use domain::knowledge::{Article, ArticleState};
use domain::page::{Scan, ScanSettings, ScanState};
use domain::suggestion::SuggestionState;
use domain::{ArticleId, SourceId};
use ingest::progress::{Progress, progress};
use ingest::review::{Edit, approve};
use ingest::scan;
use report::{Shown, in_words};
use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;
use storage::Keyset;
use storage::articles::ArticleText;
use storage::suggestions::SuggestionFilter;
use tokio::time::Instant;

/// Articles that people write before the kills.
const ARTICLES: usize = 10;
/// Generated articles that they approve with words of their own.
const EDITED: i64 = 10;
/// What they say in each of them.
const ADVICE: &str = "ask Ann, she knows it by heart.";
/// Who writes them.
const AUTHOR: &str = "ann";
/// Pages that end between two kills, so that there is always work to cut off.
const PAGES_BEFORE_KILL: usize = 15;
/// How long after that a kill comes at most.
const KILL_DELAY_MS_MAX: u64 = 150;
/// The longest a scan may take, kills included.
const SCAN_MAX: Duration = Duration::from_mins(5);
/// The longest the indexes may take to hold what the rows hold.
const LEVEL_MAX: Duration = Duration::from_mins(1);
/// Scans without kills at the end: a page must be found gone twice.
const LAST_SCANS: usize = 2;
/// Hits of a search that are looked at.
const HITS: usize = 10;
/// Floats of a vector of the stand-in model.
const DIMENSIONS: i64 = 384;
/// Documents that are listed at once.
const DOCUMENTS_MAX: i64 = 100_000;

/// Flags of `bench rescan`.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Pages of the website
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(10..=5000))]
    pages: u32,
    /// Pages that vanish
    #[arg(long, value_name = "N", default_value_t = 50)]
    vanish: u32,
    /// Times the worker is killed
    #[arg(long, value_name = "N", default_value_t = 20)]
    kills: u32,
    /// The same number draws the same changes and pauses
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// A PostgreSQL database that may be filled [default: SQLite in a temporary folder]
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
}

/// Runs the test and says whether the promises held.
pub(super) async fn run(options: &Options, output: Output) -> Result<Exit, Failure> {
    let started = Instant::now();
    let mut run = Run::start(options).await?;
    let mut shown = Shown {
        engine: run.bed.wired.engines(),
        seed: options.seed,
        pages: options.pages as usize,
        vanished: options.vanish as usize,
        ..Shown::default()
    };
    let first = run.scan_whole().await?;
    (shown.first_scan_pages, shown.first_scan_chunks_embedded) = (first.count("new"), first.progress.chunks_embedded);
    let second = run.scan_whole().await?;
    (shown.second_scan_same, shown.second_scan_chunks_embedded) =
        (second.count("same"), second.progress.chunks_embedded);
    let mut articles = run.write_articles().await?;
    articles.extend(run.edit_generated(first.scan.source_id).await?);
    run.let_changes_through(first.scan.source_id).await?;
    run.vanish(options.vanish as usize);
    let bar = output.progress("kills", u64::from(options.kills));
    let mut hit = HashSet::new();
    for _ in 0..options.kills {
        hit.insert(run.kill_within_a_scan().await?);
        shown.kills += 1;
        bar.inc(1);
    }
    bar.finish_and_clear();
    shown.scans_hit = hit.len();
    output.say("the kills are over, the last scans go on undisturbed");
    run.ended().await?;
    for _ in 0..LAST_SCANS {
        run.scan_whole().await?;
    }
    run.bed.drained(SCAN_MAX).await?;
    run.read_state(&mut shown).await?;
    run.read_knowledge(&mut shown, first.scan.source_id).await?;
    shown.articles = articles.len();
    shown.articles_changed = run.changed_articles(&articles).await?;
    shown.suggested_twice = run.suggested_twice(first.scan.source_id).await?;
    shown.seconds = started.elapsed().as_secs();
    shown.kept = shown.promises().iter().all(|(_, kept)| *kept);
    output.result(&shown, in_words)?;
    Ok(if shown.kept { Exit::Ok } else { Exit::Problem })
}

/// A scan that has ended.
struct Ended {
    scan: Scan,
    progress: Progress,
}

impl Ended {
    fn count(&self, state: &str) -> i64 {
        self.progress.pages.get(state).copied().unwrap_or(0)
    }
}

struct Run {
    bed: Bed,
    _model: RunningStub,
    site: StubSite,
    worker: WorkerProcess,
    executable: PathBuf,
    random: fastrand::Rng,
    present: Vec<usize>,
    gone: Vec<usize>,
    scan: Option<Scan>,
}

impl Run {
    async fn start(options: &Options) -> Result<Self, Failure> {
        let site = StubSite::start(options.pages as usize).await?;
        let model = RunningStub::start("0").await?;
        let mut settings = model.settings();
        if let Some(llm) = settings.get_mut("llm").and_then(toml::Value::as_table_mut) {
            llm.insert("embedding_model".to_owned(), "stub-embedding".into());
            llm.insert("embedding_dimensions".to_owned(), DIMENSIONS.into());
        }
        settings.insert("embedding".to_owned(), toml::toml! { enabled = true }.into());
        let mut scan = toml::toml! { delay_ms = 0 };
        scan.insert("allow_private_hosts".to_owned(), vec![site.host()].into());
        settings.insert("scan".to_owned(), scan.into());
        let bed = Bed::open(options.database_url.as_deref(), settings).await?;
        let executable = std::env::current_exe()?;
        let worker = bed.worker(&executable)?;
        worker.ready().await?;
        Ok(Self {
            bed,
            _model: model,
            site,
            worker,
            executable,
            random: fastrand::Rng::with_seed(options.seed),
            present: (0..options.pages as usize).collect(),
            gone: Vec::new(),
            scan: None,
        })
    }

    /// Starts a scan and waits for its end.
    async fn scan_whole(&mut self) -> Result<Ended, Failure> {
        self.start_scan().await?;
        self.ended().await
    }

    async fn start_scan(&mut self) -> Result<(), Failure> {
        let wired = &self.bed.wired;
        let started =
            scan::start(&wired.library, wired.organization_id(), &self.site.url(), ScanSettings::default()).await;
        self.scan = Some(started.map_err(|error| broken("the scan cannot be started", &error))?);
        Ok(())
    }

    /// Waits for the end of the present scan.
    async fn ended(&mut self) -> Result<Ended, Failure> {
        let Some(scan) = self.scan.take() else { return Err(broken("there is no scan", &"none was started")) };
        let wired = &self.bed.wired;
        let tenant = wired.desk.database.of(wired.organization_id());
        let ended = until("the end of a scan", SCAN_MAX, async || {
            let present = tenant.load_scan(scan.id).await.map_err(|error| broken("the scan cannot be read", &error))?;
            Ok(present.finished_at.is_some().then_some(present))
        })
        .await?;
        if ended.state != ScanState::Completed {
            let why = ended.error.clone().unwrap_or_default();
            let said = self.worker.said();
            return Err(broken("a scan did not complete", &format!("{}: {why}\n{said}", ended.state)));
        }
        let progress = progress(&wired.library, wired.organization_id(), &ended).await;
        Ok(Ended { scan: ended, progress: progress.map_err(|error| broken("the scan cannot be read", &error))? })
    }

    /// People write articles, change them and publish them.
    async fn write_articles(&self) -> Result<Vec<(ArticleId, String)>, Failure> {
        let wired = &self.bed.wired;
        let tenant = wired.desk.database.of(wired.organization_id());
        let mut written = Vec::new();
        for nth in 0..ARTICLES {
            let (title, word) = (format!("Our own words on {}", page_word(nth)), page_word(nth));
            let draft = format!("What we tell people about the {word}.");
            let edited = format!("{draft} About the {word}, {ADVICE}");
            let article = async {
                let mut transaction = tenant.begin().await?;
                let article = insert_article(&mut transaction, &title, &draft).await?;
                update_article(&mut transaction, article.id, &title, &edited).await?;
                transaction.commit().await?;
                Ok::<_, storage::Error>(article)
            };
            let article = article.await.map_err(|error| broken("an article cannot be written", &error))?;
            ingest::articles::publish(&wired.library, wired.organization_id(), article.id, AUTHOR)
                .await
                .map_err(|error| broken("an article cannot be published", &error))?;
            written.push((article.id, edited));
        }
        Ok(written)
    }

    /// People approve generated articles, each with a sentence of their own.
    async fn edit_generated(&self, source_id: SourceId) -> Result<Vec<(ArticleId, String)>, Failure> {
        self.bed.drained(SCAN_MAX).await?;
        let wired = &self.bed.wired;
        let tenant = wired.desk.database.of(wired.organization_id());
        let filter = SuggestionFilter {
            state: Some(SuggestionState::Waiting),
            source_id: Some(source_id),
            ..SuggestionFilter::default()
        };
        let waiting = tenant.list_suggestions(filter, Keyset::start(), EDITED).await;
        let mut edited = Vec::new();
        for suggestion in waiting.map_err(|error| broken("suggestions cannot be listed", &error))? {
            let body = format!("{}\n\nAbout {}, {ADVICE}", suggestion.body, suggestion.title);
            let edit = Edit { title: None, body: Some(body.clone()) };
            approve(&wired.library, wired.organization_id(), suggestion.id, edit, AUTHOR)
                .await
                .map_err(|error| broken("a generated article cannot be approved", &error))?;
            edited.push((suggestion.article_id, body));
        }
        Ok(edited)
    }

    /// Half of the pages change here, and a quarter vanishes: by default all that would wait for a person.
    async fn let_changes_through(&self, source_id: SourceId) -> Result<(), Failure> {
        let tenant = self.bed.wired.desk.database.of(self.bed.wired.organization_id());
        let changed = async {
            let mut source = tenant.load_source(source_id).await?;
            for limit in ["removed_percent_max", "changed_percent_max"] {
                source.settings.insert(limit.to_owned(), 100.into());
            }
            let mut transaction = tenant.begin().await?;
            transaction.update_source(source_id, &source.name, &source.settings).await?;
            transaction.commit().await
        };
        changed.await.map_err(|error| broken("the source cannot be set", &error))
    }

    fn vanish(&mut self, count: usize) {
        self.random.shuffle(&mut self.present);
        self.gone = self.present.split_off(self.present.len().saturating_sub(count));
        for page in &self.gone {
            self.site.put(*page, Content::Gone(404));
        }
    }

    /// Half of the pages get another wording.
    fn change_half(&mut self) {
        self.random.shuffle(&mut self.present);
        for page in self.present.iter().take(self.present.len() / 2) {
            let edition = match self.site.content(*page) {
                Some(Content::Edition(edition)) => edition + 1,
                _ => 0,
            };
            self.site.put(*page, Content::Edition(edition));
        }
    }

    /// Kills the worker in the midst of a scan, which is begun where none goes on, and starts another worker.
    async fn kill_within_a_scan(&mut self) -> Result<domain::ScanId, Failure> {
        let wired = self.bed.wired.clone();
        let tenant = wired.desk.database.of(wired.organization_id());
        let failed = |error: storage::Error| broken("the scan cannot be read", &error);
        let scan = match &self.scan {
            Some(scan) if tenant.load_scan(scan.id).await.map_err(failed)?.finished_at.is_none() => scan.id,
            _ => {
                self.change_half();
                self.start_scan().await?;
                self.scan.as_ref().map(|scan| scan.id).ok_or_else(|| broken("there is no scan", &"it ended"))?
            }
        };
        self.worker.ready().await?;
        let requests = self.site.requests();
        until("the scan to move", SCAN_MAX, async || {
            let ended = tenant.load_scan(scan).await.map_err(failed)?.finished_at.is_some();
            Ok((ended || self.site.requests() >= requests + PAGES_BEFORE_KILL).then_some(()))
        })
        .await
        .map_err(|failure| failure.because(self.worker.said()))?;
        tokio::time::sleep(Duration::from_millis(self.random.u64(0..=KILL_DELAY_MS_MAX))).await;
        self.worker.kill().await?;
        self.worker = self.bed.worker(&self.executable)?;
        Ok(scan)
    }
}

async fn insert_article(transaction: &mut storage::Transaction, title: &str, body: &str) -> storage::Result<Article> {
    transaction.insert_article(written(title, body), ArticleState::Draft).await
}

async fn update_article(
    transaction: &mut storage::Transaction,
    id: ArticleId,
    title: &str,
    body: &str,
) -> storage::Result<Article> {
    transaction.update_article(id, written(title, body)).await
}

fn written<'t>(title: &'t str, body: &'t str) -> ArticleText<'t> {
    ArticleText::written(title, body, AUTHOR)
}
