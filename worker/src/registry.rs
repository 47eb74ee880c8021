//! Which code runs which kind of job, and what follows when one is discarded.

use crate::error::{Error, Result};
use domain::ErrorKind;
use domain::job::{
    AnswerTurn, ConcludeScan, DiscoverPages, FailEval, FailPage, FailScan, HandOffTurn, Job, RunEval, ScanPage, Work,
};
use futures::future::BoxFuture;
use std::collections::HashMap;
use std::sync::Arc;
use storage::Transaction;

/// How a job's own code ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Running {
    /// The job is still to be completed: it wrote nothing, or what it wrote may be written twice.
    Done,
    /// It was completed in the transaction that wrote its effects.
    Completed,
}

type Handler = Arc<dyn Fn(Arc<Job>) -> BoxFuture<'static, Result<Running>> + Send + Sync>;

/// The code by job kind.
#[derive(Clone, Default)]
pub struct Registry {
    handlers: HashMap<&'static str, Handler>,
}

impl Registry {
    /// An empty registry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs jobs of the kind `W` with `run`.
    #[must_use]
    pub fn on<W, F, Fut>(mut self, run: F) -> Self
    where
        W: Work + 'static,
        F: Fn(W, Arc<Job>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Running>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |job: Arc<Job>| match serde_json::from_value::<W>(job.payload.clone()) {
            Ok(work) => Box::pin(run(work, job)),
            Err(error) => {
                let message = format!("the arguments of this {} job cannot be read: {error}", W::KIND);
                Box::pin(std::future::ready(Err(Error::new(ErrorKind::Invalid, message))))
            }
        });
        self.handlers.insert(W::KIND, handler);
        self
    }

    pub(crate) fn run(&self, job: Arc<Job>) -> BoxFuture<'static, Result<Running>> {
        if let Some(handler) = self.handlers.get(job.kind.as_str()) {
            return handler(job);
        }
        // A newer process may know it: not a reason to give up at once.
        let message = format!("this process does not know jobs of the kind `{}`", job.kind);
        Box::pin(std::future::ready(Err(Error::new(ErrorKind::Internal, message))))
    }
}

/// Enqueues, with the discard itself, what makes good for a job that gave up: nothing that was accepted
/// ends in silence.
pub(crate) async fn enqueue_follow_up(transaction: &mut Transaction, job: &Job) -> storage::Result<()> {
    let now = transaction.now();
    let organization = job.organization_id;
    let payload = || job.payload.clone();
    match job.kind.as_str() {
        AnswerTurn::KIND => {
            if let Ok(AnswerTurn { conversation_id }) = serde_json::from_value(payload()) {
                transaction.enqueue_for(organization, &HandOffTurn { conversation_id }, now).await?;
            }
        }
        ScanPage::KIND => {
            if let Ok(ScanPage { page_id, scan_id }) = serde_json::from_value(payload()) {
                transaction.enqueue_for(organization, &FailPage { page_id, scan_id }, now).await?;
            }
        }
        DiscoverPages::KIND => {
            if let Ok(DiscoverPages { scan_id }) = serde_json::from_value(payload()) {
                transaction.enqueue_for(organization, &FailScan { scan_id }, now).await?;
            }
        }
        ConcludeScan::KIND => {
            if let Ok(ConcludeScan { scan_id }) = serde_json::from_value(payload()) {
                transaction.enqueue_for(organization, &FailScan { scan_id }, now).await?;
            }
        }
        RunEval::KIND => {
            if let Ok(RunEval { run_id }) = serde_json::from_value(payload()) {
                transaction.enqueue_for(organization, &FailEval { run_id }, now).await?;
            }
        }
        _ => {}
    }
    Ok(())
}
