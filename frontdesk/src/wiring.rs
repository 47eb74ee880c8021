//! Puts the parts together as the settings say.

mod models;

pub(crate) use models::{chat_models, models};

use crate::failure::Failure;
use crate::output::{Exit, Output};
use crate::settings::{Environment, Settings, Synchronous};
use answering::Desk;
use domain::job::{FailEval, Job, RunEval};
use domain::{ErrorKind, Kinded};
use ingest::Library;
use ingest::fetch::{FetchSettings, Fetcher};
use ingest::guard::{Guard, HostPort};
use ingest::sources::Isolation;
use llm::providers::local_embedding::{self, LocalEmbedding};
use llm::providers::openai_compatible::OpenAiEmbeddings;
use llm::{CachedQueries, EmbedderSlot, Price, PriceTable, TokenCounter, weights};
use models::{endpoint, http_client, model_failure};
use retrieval::{DenseEngine, Retrieval};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use storage::{Database, SqliteSettings};

/// Vectors of queries that are kept.
const QUERIES_CACHED: usize = 4_096;
/// The name of the organization that a fresh database begins with.
pub(crate) const FIRST_ORGANIZATION: &str = "My desk";
/// The first day of prices that are set without a date.
const PRICE_SINCE: &str = "2020-01-01";

/// Everything a command works with.
#[derive(Clone)]
pub struct Wired {
    /// The settings in force.
    pub settings: Arc<Settings>,
    /// What answering stands on.
    pub desk: Desk,
    /// What ingest stands on.
    pub library: Library,
    /// The organization that commands work for, with its assistant and channels.
    pub home: storage::organizations::Desk,
    /// Migrations the schema stands at.
    pub migrations: usize,
    /// Where model files are looked for.
    pub weights: weights::Settings,
    /// When opening began.
    pub started: Instant,
}

/// Opens everything. Model files that are on this machine are used; nothing is fetched.
pub async fn open(settings: Settings, environment: &Environment) -> Result<Wired, Failure> {
    let started = Instant::now();
    install_tls();
    make_data_folder(&settings)?;
    let database = open_database(&settings).await?;
    let migrations = database.migrate().await.map_err(|error| database_failure(&settings, &error))?;
    let home = database.found_desk(FIRST_ORGANIZATION).await.map_err(|error| database_failure(&settings, &error))?;
    let retrieval = open_retrieval(&settings).await?;
    let embedder = EmbedderSlot::default();
    let weights = weights_settings(&settings, environment);
    fill_embedder(&settings, &weights, &embedder)?;
    let guard = guard("scan.allow_private_hosts", &settings.scan.allow_private_hosts)?;
    let fetcher = Fetcher::new(&guard, fetch_settings(&settings))
        .map_err(|error| Failure::new(Exit::Problem, "no HTTP client").because(error))?;
    let desk = Desk {
        database: database.clone(),
        retrieval: retrieval.clone(),
        models: models(&settings)?,
        embedder: embedder.clone(),
        prices: Arc::new(prices(&settings)?),
        tokens: TokenCounter::for_model(settings.llm.endpoint().map(|_| settings.llm.model.as_str())),
        settings: answering::Settings {
            debounce: Duration::from_millis(settings.answering.debounce_ms),
            learn_after: Duration::from_secs(settings.answering.learn_after_s),
            deadline: Duration::from_secs(settings.answering.deadline_s),
            ..answering::Settings::default()
        },
    };
    let mut library = Library::new(database, retrieval, embedder, fetcher, guard);
    library.isolation = std::env::current_exe().map_or(Isolation::None, Isolation::Program);
    Ok(Wired { settings: Arc::new(settings), desk, library, home, migrations, weights, started })
}

/// Makes encrypted connections possible.
pub(crate) fn install_tls() {
    // Another provider may be installed already, by a test in this process.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn make_data_folder(settings: &Settings) -> Result<(), Failure> {
    let folder = &settings.data.dir;
    std::fs::create_dir_all(folder).map_err(|error| {
        Failure::new(Exit::NotAllowed, format!("cannot create the data folder {}", folder.display()))
            .because(error)
            .fix("choose another with --data DIR, or make its parent writable")
    })
}

/// Opens the database that the settings name.
pub async fn open_database(settings: &Settings) -> Result<Database, Failure> {
    let url = settings.database.url.expose();
    let opened = if url.is_empty() {
        let sqlite = SqliteSettings { flush_every_commit: settings.database.synchronous == Synchronous::Full };
        Database::open_sqlite(&sqlite_path(settings), sqlite).await
    } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        Database::open_postgres(url).await
    } else {
        return Err(Failure::configuration("`database.url` is no PostgreSQL address")
            .fix("write postgres://user:password@host:5432/name, or leave it empty for SQLite"));
    };
    opened.map_err(|error| database_failure(settings, &error))
}

/// The file of the embedded database.
pub fn sqlite_path(settings: &Settings) -> PathBuf {
    settings.data.dir.join("desk.sqlite")
}

fn database_failure(settings: &Settings, error: &storage::Error) -> Failure {
    if settings.database.url.is_empty() {
        let path = sqlite_path(settings);
        Failure::new(Exit::NotAllowed, format!("cannot open the database {}", path.display()))
            .because(error)
            .fix("check that the folder is writable and the disk has room; `frontdesk doctor` looks closer")
    } else {
        Failure::unreachable("cannot open the PostgreSQL database")
            .because(error)
            .fix("check `database.url` (DATABASE_URL) and that the server runs; without it SQLite is used")
    }
}

pub(crate) async fn open_retrieval(settings: &Settings) -> Result<Retrieval, Failure> {
    let mut engine = retrieval::Settings::embedded(settings.data.dir.join("indexes"));
    if !settings.qdrant.url.is_empty() {
        engine.dense = DenseEngine::Qdrant {
            url: settings.qdrant.url.clone(),
            api_key: Some(settings.qdrant.api_key.expose().to_owned()).filter(|key| !key.is_empty()),
        };
        engine.vector_timeout = Duration::from_millis(settings.qdrant.timeout_ms);
    }
    Retrieval::open(engine).await.map_err(|error| {
        Failure::new(Exit::NotAllowed, "cannot open the search indexes")
            .because(error)
            .fix("check that the data folder is writable; `frontdesk reindex` builds them anew")
    })
}

pub(crate) fn weights_settings(settings: &Settings, environment: &Environment) -> weights::Settings {
    let cache = match environment.get("XDG_CACHE_HOME") {
        Some(cache) => Some(PathBuf::from(cache)),
        None => environment.get("HOME").map(|home| PathBuf::from(home).join(".cache")),
    };
    let path = &settings.embedding.path;
    weights::Settings {
        model_dir: (!path.as_os_str().is_empty()).then(|| path.clone()),
        data_dir: Some(settings.data.dir.clone()),
        shared_cache: cache.map(|cache| cache.join("frontdesk").join("models")),
        ..weights::Settings::default()
    }
}

/// Puts an embedding model in: the endpoint's where one is named, else the local one where its files are.
pub(crate) fn fill_embedder(
    settings: &Settings,
    weights: &weights::Settings,
    slot: &EmbedderSlot,
) -> Result<(), Failure> {
    if !settings.embedding.enabled {
        return Ok(());
    }
    if !settings.llm.embedding_model.is_empty() && settings.llm.endpoint().is_some() {
        let endpoint = endpoint(settings, &settings.llm.model);
        let http = http_client(&endpoint)?;
        let embeddings = OpenAiEmbeddings::new(&endpoint, http).map_err(|error| model_failure(&error))?;
        slot.fill(CachedQueries::new(Arc::new(embeddings), QUERIES_CACHED));
        return Ok(());
    }
    if let Some(files) = weights::find(weights).files {
        fill_local(settings, files, slot)?;
    }
    Ok(())
}

/// Puts the local embedding model in.
pub fn fill_local(settings: &Settings, files: weights::WeightFiles, slot: &EmbedderSlot) -> Result<(), Failure> {
    let local = local_embedding::Settings { threads: settings.embedding.threads, ..Default::default() };
    let model = LocalEmbedding::new(files, local).map_err(|error| model_failure(&error))?;
    slot.fill(CachedQueries::new(Arc::new(model), QUERIES_CACHED));
    Ok(())
}

fn prices(settings: &Settings) -> Result<PriceTable, Failure> {
    let own: Vec<Price> = settings
        .llm
        .prices
        .iter()
        .flat_map(|(model, price)| std::iter::once(price).chain(&price.changes).map(move |price| (model, price)))
        .map(|(model, price)| Price {
            model: model.clone(),
            valid_from: price.valid_from.clone().unwrap_or_else(|| PRICE_SINCE.to_owned()),
            valid_until: price.valid_until.clone(),
            input_usd_per_million: usd(price.input),
            output_usd_per_million: usd(price.output),
        })
        .collect();
    PriceTable::new(&own)
        .map_err(|error| Failure::configuration("the prices cannot be used").because(error).fix("correct [llm.prices]"))
}

#[expect(clippy::cast_precision_loss, reason = "prices are far below 2^52 micro-USD")]
fn usd(micro_usd: u64) -> f64 {
    micro_usd as f64 / 1_000_000.0
}

/// A guard with the exceptions that stand in a setting.
fn guard(setting: &'static str, allowed: &[String]) -> Result<Guard, Failure> {
    let hosts: Result<Vec<HostPort>, _> = allowed.iter().map(|text| text.parse()).collect();
    let hosts = hosts.map_err(|error: ingest::guard::InvalidHostPort| {
        Failure::configuration(format!("`{setting}` cannot be used"))
            .because(error)
            .fix("write exact pairs such as [\"127.0.0.1:8000\"]")
    })?;
    Ok(Guard::new(hosts).with_setting(setting))
}

fn fetch_settings(settings: &Settings) -> FetchSettings {
    let scan = &settings.scan;
    let mut fetch = FetchSettings { user_agent: scan.user_agent.clone(), ..FetchSettings::default() };
    fetch.total_timeout = Duration::from_millis(scan.timeout_ms);
    fetch.bounds.unpacked_bytes_max = scan.page_size_bytes_max;
    fetch.polite.delay = Duration::from_millis(scan.delay_ms);
    fetch.polite.requests_at_once = scan.concurrency_per_host;
    fetch
}

/// The jobs of evals: they stand beside the worker, so only here are both known.
fn with_evals(registry: worker::Registry, desk: &Desk) -> worker::Registry {
    let (runs, failures) = (desk.clone(), desk.clone());
    registry
        .on::<RunEval, _, _>(move |work, job| go_on(runs.clone(), work, job))
        .on::<FailEval, _, _>(move |work, job| give_up(failures.clone(), work, job))
}

async fn go_on(desk: Desk, work: RunEval, job: Arc<Job>) -> worker::Result<worker::Running> {
    evals::job::go_on(&desk, worker::jobs::organization(&job)?, work.run_id).await?;
    Ok(worker::Running::Done)
}

async fn give_up(desk: Desk, work: FailEval, job: Arc<Job>) -> worker::Result<worker::Running> {
    evals::job::give_up(&desk, worker::jobs::organization(&job)?, work.run_id).await?;
    Ok(worker::Running::Done)
}

impl Wired {
    /// The organization that commands work for.
    pub fn organization_id(&self) -> domain::OrganizationId {
        self.home.organization.id
    }

    /// The jobs this process can run, and how.
    pub fn worker(&self) -> worker::Worker {
        self.worker_with(|registry| registry)
    }

    /// The same with some of the jobs' code replaced, for measurements.
    pub fn worker_with(&self, change: impl FnOnce(worker::Registry) -> worker::Registry) -> worker::Worker {
        let settings = &self.settings;
        let retention = worker::jobs::delete_expired::Retention {
            jobs_days: settings.retention.jobs_days,
            events_days: settings.retention.events_days,
            traces_days: settings.retention.traces_days,
            conversations_days: settings.retention.conversations_days,
        };
        let registry = with_evals(worker::jobs::registry(&self.desk, &self.library, retention), &self.desk);
        worker::Worker::new(
            self.desk.database.clone(),
            change(registry),
            worker::Settings {
                concurrency: settings.worker.concurrency,
                lease: Duration::from_secs(settings.worker.lease_s),
                turn_timeout: Duration::from_secs(settings.answering.deadline_s + 30),
                knowledge_timeout: Duration::from_mins(15),
            },
        )
        .with_scans(self.library.clone())
    }

    /// In a few words: which engines are at work.
    pub fn engines(&self) -> String {
        let database = if self.desk.database.is_postgres() { "PostgreSQL" } else { "SQLite" };
        let vectors = if self.settings.qdrant.url.is_empty() { "embedded vectors" } else { "Qdrant" };
        format!("{database} + {vectors} + BM25")
    }

    /// Brings the indexes up to the database before a command searches. With a vector server that is
    /// down the command goes on with what there is, and says so.
    pub async fn catch_up(&self) -> Result<i64, Failure> {
        match ingest::index::catch_up(&self.library, self.organization_id()).await {
            Ok(seq) => Ok(seq),
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                tracing::warn!(%error, "the search indexes are not up to date");
                Ok(0)
            }
            Err(error) => Err(Failure::new(Exit::Problem, "the search indexes cannot be brought up to date")
                .because(error)
                .fix("run `frontdesk reindex`")),
        }
    }

    /// Says on stderr, once, that only words are compared, where that is so and nobody asked for it.
    pub fn say_if_lexical(&self, output: Output) {
        if self.library.embedder().is_none() && self.settings.embedding.enabled {
            output.say(
                "! lexical only: no embedding model is loaded, so short questions are matched by their words alone\n  → `frontdesk models pull` fetches the local model",
            );
        }
    }
}
