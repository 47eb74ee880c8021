//! One worker process: a runner for each queue, the leases, the chores.

use crate::backend::JobsBackend;
use crate::error::Result;
use crate::registry::{Registry, Running};
use crate::{jobs, lease};
use apalis::layers::WorkerBuilderExt;
use apalis::prelude::{Data, WorkerBuilder};
use domain::WorkerId;
use domain::job::{Job, Queue};
use std::sync::Arc;
use std::time::Duration;
use storage::Database;
use tokio_util::sync::CancellationToken;

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
}

impl Worker {
    /// A worker that runs the jobs in `registry`.
    pub fn new(database: Database, registry: Registry, settings: Settings) -> Self {
        Self { database, registry, settings }
    }

    /// Works until `stop`; then lets running jobs end and gives back the others.
    pub async fn run(self, stop: CancellationToken) {
        let worker: WorkerId = self.database.clock().id();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(lease::renew(self.database.clone(), worker, self.settings.lease));
        tasks.spawn(lease::rescue(self.database.clone()));
        tasks.spawn(jobs::delete_expired::schedule(self.database.clone()));
        let runners = futures::future::join3(
            self.runner(Queue::Answering, worker, self.settings.concurrency, self.settings.turn_timeout, stop.clone()),
            self.runner(Queue::Knowledge, worker, KNOWLEDGE_CONCURRENCY, self.settings.knowledge_timeout, stop.clone()),
            self.runner(Queue::Chores, worker, CHORES_CONCURRENCY, self.settings.knowledge_timeout, stop.clone()),
        );
        let overdue = async {
            stop.cancelled().await;
            tokio::time::sleep(STOP_TIMEOUT).await;
        };
        tokio::select! {
            _ = runners => {}
            () = overdue => tracing::warn!("running jobs did not end in time, another process takes them up"),
        }
        if let Err(error) = self.database.release_jobs(worker).await {
            tracing::warn!(%error, "jobs could not be given back, their leases end by themselves");
        }
    }

    async fn runner(&self, queue: Queue, worker: WorkerId, concurrency: usize, timeout: Duration, stop: CancellationToken) {
        let backend = JobsBackend::start(self.database.clone(), queue, worker, self.settings.lease, concurrency);
        let runner = WorkerBuilder::new(queue.to_string())
            .backend(backend)
            .data(self.registry.clone())
            .timeout(timeout)
            .catch_panic()
            .build(run_job);
        let stopped = async move {
            stop.cancelled().await;
            Ok::<(), std::io::Error>(())
        };
        if let Err(error) = runner.run_until(stopped).await {
            tracing::error!(%error, %queue, "the runner stopped");
        }
    }
}

async fn run_job(job: Arc<Job>, registry: Data<Registry>) -> Result<Running> {
    registry.run(job).await
}
