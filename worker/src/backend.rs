//! apalis' view of our `jobs` table: a task that claims and a channel that the worker polls.
//!
//! Claiming does not depend on the worker being polled, and a job is claimed only when a slot is free,
//! so nothing waits in a buffer while its lease runs.

use crate::acknowledge::AcknowledgeLayer;
use crate::held::{Held, Holding};
use apalis::prelude::{Backend, Task, TaskBuilder};
use apalis_core::backend::BackendConfig;
use apalis_core::backend::finalize::Ephemeral;
use apalis_core::task::task_id::TaskId;
use apalis_core::worker::context::WorkerContext;
use domain::WorkerId;
use domain::job::{Job, Queue};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use storage::jobs::Claim;
use storage::{Database, Signal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// How long a claimer sleeps when no signal comes: only the fallback.
const POLL_EVERY: Duration = Duration::from_millis(500);
/// A job is looked for so long after it became due, so that clocks that tick roughly do not miss it.
const DUE_MARGIN: Duration = Duration::from_millis(1);
/// Jobs that one claim takes at most.
const CLAIM_MAX: usize = 64;
/// While more work waits than there are slots, a claim waits so long for further slots to become free:
/// a claim costs the same for one job and for many.
const GATHER: Duration = Duration::from_millis(10);

/// Jobs of one queue, for one worker.
pub(crate) struct JobsBackend {
    database: Database,
    claimed: mpsc::UnboundedReceiver<(Job, Slot)>,
    slots: Arc<Semaphore>,
    claimer: tokio::task::JoinHandle<()>,
}

/// A place that runs a job; when the last clone is dropped it is free again and the job no longer held.
#[derive(Clone)]
pub(crate) struct Slot {
    _permits: Arc<(OwnedSemaphorePermit, Option<OwnedSemaphorePermit>, Holding)>,
}

/// Which jobs a process claims, and how.
pub(crate) struct Claims {
    pub(crate) queue: Queue,
    pub(crate) worker: WorkerId,
    pub(crate) lease: Duration,
    /// Jobs at a time.
    pub(crate) concurrency: usize,
    /// Where those are noted whose leases must be renewed.
    pub(crate) held: Held,
}

struct Claimer {
    database: Database,
    claims: Claims,
    slots: Arc<Semaphore>,
    /// Jobs of vanished processes run one at a time: one of them may be what took its process down.
    suspects: Arc<Semaphore>,
    claimed: mpsc::UnboundedSender<(Job, Slot)>,
}

impl JobsBackend {
    /// Starts to claim.
    pub(crate) fn start(database: Database, claims: Claims) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        let slots = Arc::new(Semaphore::new(claims.concurrency));
        let claimer = Claimer {
            database: database.clone(),
            claims,
            slots: Arc::clone(&slots),
            suspects: Arc::new(Semaphore::new(1)),
            claimed: sender,
        };
        #[expect(clippy::disallowed_methods, reason = "aborted when the backend is dropped")]
        let task = tokio::spawn(claimer.run());
        Self { database, claimed: receiver, slots, claimer: task }
    }
}

impl Drop for JobsBackend {
    fn drop(&mut self) {
        self.claimer.abort();
    }
}

impl Claimer {
    async fn run(self) {
        let mut signal = self.database.signals().listen(Signal::Jobs);
        let mut saturated = false;
        while let Ok(first) = Arc::clone(&self.slots).acquire_owned().await {
            if saturated && self.slots.available_permits() + 1 < CLAIM_MAX {
                tokio::time::sleep(GATHER).await;
            }
            let claimed = self.claim_due(first, saturated).await;
            saturated = matches!(claimed, Ok(true));
            match claimed {
                Ok(true) => {}
                Ok(false) => signal.wait(self.pause().await).await,
                Err(error) => {
                    tracing::warn!(%error, queue = %self.claims.queue, "jobs could not be claimed");
                    tokio::time::sleep(POLL_EVERY).await;
                }
            }
            if self.claimed.is_closed() {
                return;
            }
        }
    }

    /// How long to sleep when no signal comes: until the next job is due, or until the next poll.
    async fn pause(&self) -> Duration {
        match self.database.time_to_next_job(self.claims.queue).await {
            Ok(Some(due)) => (due + DUE_MARGIN).min(POLL_EVERY),
            Ok(None) | Err(_) => POLL_EVERY,
        }
    }

    /// Claims if there is something to claim: whoever is woken looks before the one writer is asked.
    async fn claim_due(&self, first: OwnedSemaphorePermit, saturated: bool) -> storage::Result<bool> {
        if saturated || self.database.has_due_jobs(self.claims.queue).await? {
            self.claim(first).await
        } else {
            Ok(false)
        }
    }

    /// Claims as many jobs as there are free slots. `false`: there was not work for all of them.
    async fn claim(&self, first: OwnedSemaphorePermit) -> storage::Result<bool> {
        let mut free = vec![first];
        while free.len() < CLAIM_MAX
            && let Ok(permit) = Arc::clone(&self.slots).try_acquire_owned()
        {
            free.push(permit);
        }
        let wanted = free.len();
        let Claims { queue, worker, lease, .. } = self.claims;
        let claim = Claim { queue, worker, lease, limit: wanted, suspects: false };
        let jobs = self.database.claim_jobs(claim).await?;
        let busy = jobs.len() == wanted;
        for job in jobs {
            self.hand_over(job, free.pop(), None);
        }
        if let Some(slot) = free.pop()
            && let Ok(alone) = Arc::clone(&self.suspects).try_acquire_owned()
            && let Some(job) = self.database.claim_jobs(Claim { limit: 1, suspects: true, ..claim }).await?.pop()
        {
            self.hand_over(job, Some(slot), Some(alone));
        }
        Ok(busy)
    }

    /// A job for which there is no slot is not held: its lease ends, and it is taken up again.
    fn hand_over(&self, job: Job, slot: Option<OwnedSemaphorePermit>, alone: Option<OwnedSemaphorePermit>) {
        let Some(slot) = slot else { return };
        let holding = self.claims.held.hold(job.id, job.attempt);
        // The receiver is gone only when the worker stops; the job is then released with the others.
        let _ = self.claimed.send((job, Slot { _permits: Arc::new((slot, alone, holding)) }));
    }
}

impl Backend for JobsBackend {
    type Task = Task<Arc<Job>>;
    type Error = std::convert::Infallible;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        context: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Option<Result<Self::Task, Self::Error>>> {
        self.claimed.poll_recv(context).map(|claimed| {
            claimed.map(|(job, slot)| {
                let id = TaskId::from_string(job.id.to_string());
                let attempt = usize::try_from(job.attempt.saturating_sub(1)).unwrap_or(0);
                Ok(TaskBuilder::new(Arc::new(job)).task_id(id).attempt(attempt).data(slot).build())
            })
        })
    }

    fn poll_close(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Self::Error>> {
        self.slots.close();
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for JobsBackend {
    type Args = Arc<Job>;
    type Id = uuid::Uuid;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = AcknowledgeLayer;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> AcknowledgeLayer {
        AcknowledgeLayer { database: self.database.clone() }
    }
}
