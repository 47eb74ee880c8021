//! Around every job: writes down how it ended, behind the fence, before its slot is free again.
//!
//! It is the outermost layer, so that a panic or a timeout below it counts as a failure like any other.

use crate::backend::Slot;
use crate::error::{Error, Verdict, verdict};
use crate::registry::{Running, enqueue_follow_up};
use apalis::prelude::{BoxDynError, Task};
use domain::ErrorKind;
use domain::job::Job;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use storage::Database;

#[derive(Clone)]
pub(crate) struct AcknowledgeLayer {
    pub(crate) database: Database,
}

#[derive(Clone)]
pub(crate) struct Acknowledge<S> {
    database: Database,
    inner: S,
}

impl<S> tower::Layer<S> for AcknowledgeLayer {
    type Service = Acknowledge<S>;

    fn layer(&self, inner: S) -> Acknowledge<S> {
        Acknowledge { database: self.database.clone(), inner }
    }
}

impl<S> tower::Service<Task<Arc<Job>>> for Acknowledge<S>
where
    S: tower::Service<Task<Arc<Job>>, Response = Running> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxDynError>,
{
    type Response = ();
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<(), BoxDynError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, task: Task<Arc<Job>>) -> Self::Future {
        let database = self.database.clone();
        let job = Arc::clone(&task.args);
        let slot = task.data().get::<Slot>().cloned();
        let run = self.inner.call(task);
        Box::pin(async move {
            let started = Instant::now();
            let ended = run.await.map_err(|error| failure(error.into()));
            let outcome = write_down(&database, &job, ended).await;
            metrics::counter!("frontdesk_jobs_processed_total", "kind" => job.kind.clone(), "outcome" => outcome)
                .increment(1);
            tracing::debug!(job.id = %job.id, job.kind, outcome, duration_ms = started.elapsed().as_millis(), "job ended");
            drop(slot);
            Ok(())
        })
    }
}

/// The worker's own error, or what a panic or a timeout left.
fn failure(error: BoxDynError) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => *error,
        Err(other) => Error::new(ErrorKind::Internal, other.to_string()),
    }
}

async fn write_down(database: &Database, job: &Job, ended: Result<Running, Error>) -> &'static str {
    let written = match &ended {
        Ok(Running::Completed) => return "completed",
        Ok(Running::Done) => complete(database, job).await.map(|()| "completed"),
        Err(error) => fail(database, job, error).await,
    };
    match written {
        Ok(outcome) => outcome,
        Err(storage::Error::LeaseLost(_)) => fenced(job),
        Err(error) => {
            // The lease ends by itself, and the job is taken up again.
            tracing::error!(job.id = %job.id, job.kind, %error, "how the job ended could not be written down");
            "unknown"
        }
    }
}

async fn complete(database: &Database, job: &Job) -> storage::Result<()> {
    let mut transaction = database.begin().await?;
    transaction.complete_job(job).await?;
    transaction.commit().await
}

async fn fail(database: &Database, job: &Job, error: &Error) -> storage::Result<&'static str> {
    match verdict(job, error, fastrand::f64()) {
        Verdict::Leave => Ok(fenced(job)),
        Verdict::Retry(pause) => {
            tracing::warn!(job.id = %job.id, job.kind, job.attempt, %error, pause_ms = pause.as_millis(), "job failed, it is tried again");
            let mut transaction = database.begin().await?;
            let run_at = transaction.now() + pause;
            transaction.retry_job(job, &error.to_string(), run_at).await?;
            transaction.commit().await?;
            Ok("retried")
        }
        Verdict::Discard => {
            tracing::error!(job.id = %job.id, job.kind, job.attempt, %error, "job failed for good");
            let mut transaction = database.begin().await?;
            transaction.discard_job(job, &error.to_string()).await?;
            enqueue_follow_up(&mut transaction, job).await?;
            transaction.commit().await?;
            Ok("discarded")
        }
    }
}

fn fenced(job: &Job) -> &'static str {
    tracing::info!(job.id = %job.id, job.kind, "the lease was lost, nothing was written");
    metrics::counter!("frontdesk_turns_fenced_total").increment(1);
    "fenced"
}
