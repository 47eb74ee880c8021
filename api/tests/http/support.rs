//! A desk in a throw-away folder, with a loop that answers turns as the worker does.

use answering::conclude::Concluded;
use answering::models::Opener;
use answering::{Desk, Models, turn};
use api::{Settings, State};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::response::Response;
use domain::OrganizationId;
use domain::job::{Job, Queue, Work};
use domain::key::Scope;
use ingest::Library;
use ingest::fetch::{FetchSettings, Fetcher};
use ingest::guard::Guard;
use llm::providers::openai_compatible::{self, OpenAiChat};
use metrics_exporter_prometheus::PrometheusBuilder;
use retrieval::Retrieval;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use storage::jobs::Claim;
use storage::{Database, Signal, SqliteSettings, Vault};
use tokio::task::JoinSet;
use tower::ServiceExt;

/// Bytes of a response that are read at most.
const RESPONSE_BYTES_MAX: usize = 16 * 1024 * 1024;

pub(crate) struct TestDesk {
    pub(crate) router: Router,
    pub(crate) state: State,
    pub(crate) organization_id: OrganizationId,
    pub(crate) key: String,
    _worker: JoinSet<()>,
    folder: tempfile::TempDir,
}

/// A response that was read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    /// The body, if the status is the one that is expected.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{:#}", self.body);
        self.body
    }

    /// The problem's code, if the status is the one that is expected.
    #[track_caller]
    pub(crate) fn problem(self, status: u16) -> String {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json");
        let body = self.expect(status);
        assert_eq!(body["status"], status);
        assert!(body["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{body:#}");
        body["code"].as_str().unwrap().to_owned()
    }
}

impl TestDesk {
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default(), Guard::default()).await
    }

    pub(crate) async fn with(settings: Settings, guard: Guard) -> Self {
        // Another test of this process may have done it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let sqlite = SqliteSettings { flush_every_commit: false };
        let database = Database::open_sqlite(&folder.path().join("desk.sqlite"), sqlite).await.unwrap();
        database.migrate().await.unwrap();
        let home = database.found_desk("Lumen Bikes").await.unwrap();
        let indexes = retrieval::Settings::embedded(folder.path().join("indexes"));
        let retrieval = Retrieval::open(indexes).await.unwrap();
        let embedder = llm::EmbedderSlot::default();
        let fetcher = Fetcher::new(&guard, FetchSettings::default()).unwrap();
        let desk = Desk {
            database: database.clone(),
            retrieval: retrieval.clone(),
            models: own_models(&guard, 1),
            embedder: embedder.clone(),
            prices: Arc::new(llm::PriceTable::new(&[]).unwrap()),
            tokens: llm::TokenCounter::for_model(None),
            settings: answering::Settings { debounce: Duration::ZERO, ..answering::Settings::default() },
        };
        let mut worker = JoinSet::new();
        worker.spawn(answer_turns(desk.clone()));
        let state = State {
            desk,
            library: Library::new(database.clone(), retrieval, embedder, fetcher, guard),
            metrics: PrometheusBuilder::new().build_recorder().handle(),
            settings,
        };
        let organization_id = home.organization.id;
        let created = api::keys::create(&database, organization_id, "test", vec![Scope::Admin]).await;
        let (_, key) = created.unwrap();
        let router = api::router(state.clone());
        Self { router, state, organization_id, key, _worker: worker, folder }
    }

    /// Files of the data folder that hold these bytes.
    pub(crate) fn bytes_with(&self, needle: &str) -> usize {
        let mut folders = vec![self.folder.path().to_path_buf()];
        let mut found = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let bytes = std::fs::read(&path).unwrap();
                    found += usize::from(bytes.windows(needle.len()).any(|window| window == needle.as_bytes()));
                }
            }
        }
        found
    }

    pub(crate) fn database(&self) -> &Database {
        &self.state.desk.database
    }

    /// A key of this desk's organization.
    pub(crate) async fn key_for(&self, scope: Scope) -> String {
        let created = api::keys::create(self.database(), self.organization_id, "scoped", vec![scope]).await;
        created.unwrap().1
    }

    /// A key of another organization.
    pub(crate) async fn stranger(&self) -> String {
        let other = self.database().insert_organization("Somebody else").await.unwrap();
        let created = api::keys::create(self.database(), other.id, "stranger", vec![Scope::Admin]).await;
        created.unwrap().1
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn read(&self, request: Request<Body>) -> Reply {
        let (parts, body) = self.send(request).await.into_parts();
        let bytes = to_bytes(body, RESPONSE_BYTES_MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Reply { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn call(&self, key: &str, method: &str, path: &str, body: Value) -> Reply {
        self.read(request(key, method, path, body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call(&self.key, "GET", path, Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.call(&self.key, "POST", path, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Reply {
        self.call(&self.key, "PATCH", path, body).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Reply {
        self.call(&self.key, "PUT", path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.call(&self.key, "DELETE", path, Value::Null).await
    }

    /// Publishes an article that answers may cite.
    pub(crate) async fn publish(&self, title: &str, body: &str) -> Value {
        let new = serde_json::json!({ "title": title, "body": body });
        let article = self.post("/v1/articles", new).await.expect(201);
        let path = format!("/v1/articles/{}/publish", id(&article));
        self.post(&path, Value::Null).await.expect(200)
    }

    /// Begins a conversation without a message.
    pub(crate) async fn conversation(&self, customer: &str) -> String {
        let new = serde_json::json!({ "customer": customer });
        id(&self.post("/v1/conversations", new).await.expect(201)).to_owned()
    }
}

pub(crate) fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap()
}

#[expect(clippy::needless_pass_by_value, reason = "callers write the body in place")]
pub(crate) fn request(key: &str, method: &str, path: &str, body: Value) -> Request<Body> {
    let builder = Request::builder()
        .method(method.parse::<Method>().unwrap())
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {key}"));
    if body.is_null() {
        return builder.body(Body::empty()).unwrap();
    }
    let builder = builder.header(header::CONTENT_TYPE, "application/json");
    builder.body(Body::from(body.to_string())).unwrap()
}

/// Models that organizations connect, behind a guard, their keys sealed with that key.
pub(crate) fn own_models(guard: &Guard, key: u8) -> Models {
    let clients = guard.client(|builder| builder).unwrap();
    let opener: Opener = Arc::new(move |base_url, model, api_key| {
        let url = base_url.parse().unwrap();
        let refused = |refusal| llm::Error::Settings(format!("{refusal}; see `llm.allow_private_hosts`"));
        let http = clients.for_url(&url).map_err(refused)?.clone();
        let (base_url, model) = (base_url.to_owned(), model.to_owned());
        let settings = openai_compatible::Settings { base_url, model, api_key, ..Default::default() };
        Ok(Arc::new(OpenAiChat::new(settings, http)?))
    });
    Models::new(None, Vault::with_key([key; 32]), opener)
}

async fn answer_turns(desk: Desk) {
    let worker = desk.database.clock().id();
    let mut signal = desk.database.signals().listen(Signal::Jobs);
    loop {
        let claim =
            Claim { queue: Queue::Answering, worker, lease: Duration::from_secs(30), limit: 1, suspects: false };
        let jobs = desk.database.claim_jobs(claim).await.unwrap();
        if jobs.is_empty() {
            signal.wait(Duration::from_millis(20)).await;
        }
        for job in jobs {
            answer_turn(&desk, &job).await;
        }
    }
}

async fn answer_turn(desk: &Desk, job: &Job) {
    let organization_id = job.organization_id.unwrap();
    if job.kind == domain::job::AssignConversation::KIND {
        let work: domain::job::AssignConversation = serde_json::from_value(job.payload.clone()).unwrap();
        answering::assign::assign_next(desk, organization_id, work.conversation_id).await.unwrap();
        return complete(desk, organization_id, job).await;
    }
    let work: domain::job::AnswerTurn = serde_json::from_value(job.payload.clone()).unwrap();
    if let Some(turn) = turn::load(desk, organization_id, work.conversation_id).await.unwrap() {
        let answer = answering::answer(desk, &turn.question).await.unwrap();
        if let Concluded::Replied(_) = answering::conclude::conclude(desk, &turn, answer, job).await.unwrap() {
            return;
        }
    }
    complete(desk, organization_id, job).await;
}

async fn complete(desk: &Desk, organization_id: OrganizationId, job: &Job) {
    let mut transaction = desk.database.of(organization_id).begin().await.unwrap();
    transaction.complete_job(job).await.unwrap();
    transaction.commit().await.unwrap();
}
