//! One worker process: a runner for each queue, the leases, the chores.

use crate::backend::{Claims, JobsBackend};
use crate::error::{Error, Result};
use crate::held::Held;
use crate::registry::{Registry, Running};
use crate::{jobs, lease};
use apalis::layers::WorkerBuilderExt;
use apalis::prelude::{Data, WorkerBuilder};
use domain::job::{Job, Queue};
use domain::{ErrorKind, WorkerId};
use ingest::Library;
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;
use storage::Database;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// Jobs of scans that run at a time.
const KNOWLEDGE_CONCURRENCY: usize = 8;
/// Chores that run at a time.
const CHORES_CONCURRENCY: usize = 1;
/// How long running jobs may take to end when the process stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// How a worker process works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Turns in flight at a time.
    pub concurrency: usize,
    /// How long a silent process keeps its jobs.
    pub lease: Duration,
    /// Longest a turn may take, all included.
    pub turn_timeout: Duration,
    /// Longest a job of a scan may take.
    pub knowledge_timeout: Duration,
}

/// A worker process.
pub struct Worker {
    database: Database,
    registry: Registry,
    settings: Settings,
    library: Option<Library>,
}

impl Worker {
    /// A worker that runs the jobs in `registry`.
    pub fn new(database: Database, registry: Registry, settings: Settings) -> Self {
        Self { database, registry, settings, library: None }
    }

    /// The same, which also looks after what scans of this library are due.
    #[must_use]
    pub fn with_scans(self, library: Library) -> Self {
        Self { library: Some(library), ..self }
    }

    /// Works until `stop`; then lets running jobs end and gives back the others.
    pub async fn run(self, stop: CancellationToken) {
        let worker: WorkerId = self.database.clock().id();
        tracing::info!(worker.id = %worker, concurrency = self.settings.concurrency, "worker started");
        let held = Held::default();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(lease::renew(self.database.clone(), worker, held.clone(), self.settings.lease));
        tasks.spawn(lease::rescue(self.database.clone()));
        tasks.spawn(jobs::delete_expired::schedule(self.database.clone()));
        tasks.spawn(jobs::people_clock::run(self.database.clone()));
        if let Some(library) = self.library.clone() {
            tasks.spawn(jobs::scan_clock::run(library));
        }
        let Settings { concurrency, turn_timeout, knowledge_timeout, .. } = self.settings;
        let mut runners = tokio::task::JoinSet::new();
        for (queue, concurrency, timeout) in [
            (Queue::Answering, concurrency, turn_timeout),
            (Queue::Knowledge, KNOWLEDGE_CONCURRENCY, knowledge_timeout),
            (Queue::Chores, CHORES_CONCURRENCY, knowledge_timeout),
        ] {
            let claims = Claims { queue, worker, lease: self.settings.lease, concurrency, held: held.clone() };
            let runner = Runner { database: self.database.clone(), registry: self.registry.clone(), claims, timeout };
            runners.spawn(runner.run(stop.clone()));
        }
        let overdue = async {
            stop.clone().cancelled_owned().await;
            tokio::time::sleep(STOP_TIMEOUT).await;
        };
        tokio::select! {
            () = async { while runners.join_next().await.is_some() {} } => {}
            () = overdue => tracing::warn!("running jobs did not end in time, another process takes them up"),
        }
        if let Err(error) = self.database.release_jobs(worker).await {
            tracing::warn!(%error, "jobs could not be given back, their leases end by themselves");
        }
    }
}

/// The jobs of one queue.
struct Runner {
    database: Database,
    registry: Registry,
    claims: Claims,
    timeout: Duration,
}

impl Runner {
    async fn run(self, stop: CancellationToken) {
        let queue = self.claims.queue;
        let backend = JobsBackend::start(self.database, self.claims);
        let runner = WorkerBuilder::new(queue.to_string())
            .backend(backend)
            .data(self.registry)
            .timeout(self.timeout)
            .build(run_job);
        let stopped = async move {
            stop.cancelled_owned().await;
            Ok::<(), std::io::Error>(())
        };
        if let Err(error) = runner.run_until(stopped).await {
            tracing::error!(%error, %queue, "the runner stopped");
        }
    }
}

/// Runs the job in a task of its own: apalis polls all jobs of a worker in one task, so that they would share
/// one core. Dropping the future ends the task. A panic is a failure like any other.
async fn run_job(job: Arc<Job>, registry: Data<Registry>) -> Result<Running> {
    #[expect(clippy::disallowed_methods, reason = "aborted when this future is dropped")]
    let task = AbortOnDropHandle::new(tokio::spawn(registry.run(job)));
    match task.await {
        Ok(ended) => ended,
        Err(error) => Err(Error::new(ErrorKind::Internal, why_ended(error))),
    }
}

fn why_ended(error: JoinError) -> String {
    match error.try_into_panic() {
        Ok(payload) => message_of(payload.as_ref()),
        Err(cancelled) => format!("the job ended early: {cancelled}"),
    }
}

/// What a panic said.
fn message_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    text.map_or_else(|| "the job panicked".to_owned(), |text| format!("the job panicked: {text}"))
}
