//! The queue: enqueue with the change it belongs to, claim under a lease, finish behind a fence.
//!
//! A job exists if and only if the transaction that enqueued it committed. A job whose process dies
//! is taken up again when its lease ends. A job that is finished in a transaction counts at most once:
//! (id, attempt, worker, running) is the fence, and whoever lost the lease must roll back.

use crate::list::{self, List};
use crate::signals::Signal;
use crate::sql::{Run, Sql, Statement};
use crate::{Database, Error, Result, Transaction};
use domain::job::{Job, JobState, Queue, Work};
use domain::{JobId, OrganizationId, Time, WorkerId};
use sqlx::types::Json;
use std::time::Duration;

/// Distance between two jobs of one organization in the queue.
const FAIR_SPACING: Duration = Duration::from_millis(10);
/// How far behind others an organization's own burst can put its next job.
const FAIR_HORIZON: Duration = Duration::from_mins(2);
/// A job that took its process down so often is discarded.
pub const CRASHES_MAX: i64 = 3;
/// Jobs one rescue looks at.
const RESCUE_MAX: i64 = 1_000;
/// Characters of an error that are kept.
const ERROR_CHARS_MAX: usize = 2_000;

/// Jobs that can be claimed now: their time has come, nobody runs their lane, nobody is before them there. They
/// are chosen apart from the update: as a subquery of it PostgreSQL may choose once a row, and claim more than
/// `limit`.
macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "with chosen as materialized (
                select j.id from jobs j
                where j.queue = $1 and j.state in ('available', 'retryable') and j.run_at <= $2 and (j.crashes > 0) = $6
                  and (j.lane is null or (
                    not exists (select 1 from jobs r where r.lane = j.lane and r.state = 'running')
                    and not exists (select 1 from jobs e where e.lane = j.lane and e.state in ('available', 'retryable') and e.id < j.id)))
                order by j.priority desc, j.fair_at, j.id limit $5",
            $lock,
            ") update jobs set state = 'running', attempt = attempt + 1, dedupe = null, worker = $3, lease_until = $4
             where state in ('available', 'retryable') and id in (select id from chosen)
             returning id, organization_id, queue, kind, payload, lane, dedupe, priority, state, run_at, attempt,
                attempts_max, crashes, worker, lease_until, error, created_at, finished_at"
        )
    };
}

/// Who claims how much.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// From which slots.
    pub queue: Queue,
    /// The claiming process.
    pub worker: WorkerId,
    /// How long it owns the jobs without renewing.
    pub lease: Duration,
    /// Jobs at most.
    pub limit: usize,
    /// Whether to claim jobs that a vanished process ran, or only others. One of them may be what took
    /// the process down, so whoever runs them runs one at a time.
    pub suspects: bool,
}

impl Transaction {
    /// Enqueues work that may run from `run_at` on, unless a waiting job makes it superfluous.
    pub async fn enqueue<W: Work>(&mut self, work: &W, run_at: Time) -> Result<()> {
        let organization = self.organization_id().ok();
        self.enqueue_for(organization, work, run_at).await
    }

    /// Enqueues work of an organization from a transaction of the desk itself.
    pub async fn enqueue_for<W: Work>(
        &mut self,
        organization: Option<OrganizationId>,
        work: &W,
        run_at: Time,
    ) -> Result<()> {
        let id: JobId = self.id();
        let now = self.now();
        let payload = serde_json::to_value(work)
            .map_err(|error| Error::Damaged { what: "job payload", detail: error.to_string() })?;
        let spacing = i64::try_from(FAIR_SPACING.as_micros()).unwrap_or(0);
        self.raise(Signal::Jobs);
        self.defer(
            // differs because: SQLite adds to a time as to an integer of microseconds
            Sql::per(
                "insert into jobs (id, organization_id, queue, kind, payload, lane, dedupe, priority, state, run_at, attempts_max, created_at, fair_at)
                 select $1, $2, $3, $4, $5, $6, $7, $8, 'available', $9, $10, $11,
                    max($9, coalesce((select max(fair_at) from jobs where organization_id = $2 and queue = $3
                        and state in ('available', 'retryable') and fair_at < $12), 0) + $13)
                 where true on conflict do nothing",
                "insert into jobs (id, organization_id, queue, kind, payload, lane, dedupe, priority, state, run_at, attempts_max, created_at, fair_at)
                 select $1, $2, $3, $4, $5, $6, $7, $8, 'available', $9, $10, $11,
                    greatest($9, (select max(fair_at) from jobs where organization_id = $2 and queue = $3
                        and state in ('available', 'retryable') and fair_at < $12) + $13 * interval '1 microsecond')
                 on conflict do nothing",
            ),
            (
                id,
                organization,
                W::QUEUE,
                W::KIND,
                Json(payload),
                work.lane(),
                work.dedupe(),
                W::PRIORITY,
                run_at,
                W::ATTEMPTS_MAX,
                now,
                now + FAIR_HORIZON,
                spacing,
            ),
        )
        .await
    }

    /// Enqueues work as [`Transaction::enqueue`] does. A waiting job that makes it superfluous is moved back to
    /// `run_at`, but not further than `held_max` after it was enqueued.
    pub async fn enqueue_or_postpone<W: Work>(&mut self, work: &W, run_at: Time, held_max: Duration) -> Result<()> {
        self.enqueue(work, run_at).await?;
        let earliest = self.now() - held_max;
        self.defer(
            // The states of the index are named as it names them, or SQLite reads the whole table.
            "update jobs set run_at = $2 where dedupe = $1 and state in ('available', 'retryable')
                and state = 'available' and created_at > $3 and run_at < $2",
            (work.dedupe(), run_at, earliest),
        )
        .await
    }

    /// Completes the job together with what this transaction writes.
    ///
    /// # Errors
    /// `Conflict` ([`Error::LeaseLost`]) when another worker has it by now: roll back.
    pub async fn complete_job(&mut self, job: &Job) -> Result<()> {
        self.end_job(job, JobState::Completed, None).await
    }

    /// Gives the job up, visibly.
    ///
    /// # Errors
    /// `Conflict` ([`Error::LeaseLost`]) as above.
    pub async fn discard_job(&mut self, job: &Job, error: &str) -> Result<()> {
        self.end_job(job, JobState::Discarded, Some(shortened(error))).await
    }

    async fn end_job(&mut self, job: &Job, state: JobState, error: Option<String>) -> Result<()> {
        let now = self.now();
        let touched = (&mut *self)
            .run(
                "update jobs set state = $4, finished_at = $5, lease_until = null, error = coalesce($6, error)
                 where id = $1 and attempt = $2 and worker = $3 and state = 'running'",
                (job.id, job.attempt, job.worker, state, now, error),
            )
            .await?;
        // The next job of its lane may be claimed now.
        self.raise(Signal::Jobs);
        if touched == 1 { Ok(()) } else { Err(Error::LeaseLost(job.id)) }
    }

    /// Puts a failed job back for another attempt, or off without counting the attempt (`snooze`).
    ///
    /// # Errors
    /// `Conflict` ([`Error::LeaseLost`]) as above.
    pub async fn retry_job(&mut self, job: &Job, error: &str, run_at: Time) -> Result<()> {
        let touched = (&mut *self)
            .run(
                "update jobs set state = 'retryable', run_at = $4, fair_at = $4, error = $5, worker = null, lease_until = null
                 where id = $1 and attempt = $2 and worker = $3 and state = 'running'",
                (job.id, job.attempt, job.worker, run_at, shortened(error)),
            )
            .await?;
        self.raise(Signal::Jobs);
        if touched == 1 { Ok(()) } else { Err(Error::LeaseLost(job.id)) }
    }

    /// Takes jobs up whose process vanished. Those that vanished too often stay with the caller, which
    /// must end them in this transaction (`discard_job`) with whatever follows from that.
    pub async fn rescue_jobs(&mut self) -> Result<Rescue> {
        let now = self.now();
        let returned = (&mut *self)
            .run(
                "update jobs set state = 'retryable', crashes = crashes + 1, worker = null, lease_until = null,
                    run_at = $1, fair_at = $1, error = 'its process vanished'
                 where state = 'running' and lease_until < $1 and crashes + 1 < $2 and attempt < attempts_max",
                (now, CRASHES_MAX),
            )
            .await?;
        let exhausted: Vec<Job> = (&mut *self)
            .all(
                "select id, organization_id, queue, kind, payload, lane, dedupe, priority, state, run_at, attempt,
                    attempts_max, crashes, worker, lease_until, error, created_at, finished_at
                 from jobs where state = 'running' and lease_until < $1 order by id limit $2",
                (now, RESCUE_MAX),
            )
            .await?;
        if returned > 0 {
            self.raise(Signal::Jobs);
        }
        Ok(Rescue { returned, exhausted })
    }
}

/// What a rescue found.
#[derive(Debug)]
pub struct Rescue {
    /// Jobs put back for another attempt.
    pub returned: u64,
    /// Jobs that must be given up.
    pub exhausted: Vec<Job>,
}

/// Jobs of a state, counted.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct JobCount {
    /// The state.
    pub state: JobState,
    /// How many.
    pub count: i64,
    /// When the oldest of them was due.
    pub oldest_run_at: Time,
}

impl Database {
    /// Claims jobs that may run now, in the order of priority and fairness.
    pub async fn claim_jobs(&self, claim: Claim) -> Result<Vec<Job>> {
        let now = self.clock().now();
        let limit = i64::try_from(claim.limit).unwrap_or(i64::MAX);
        let statement = Statement::new(
            self.is_postgres(),
            // differs because: PostgreSQL's writers run side by side and must step around each other
            Sql::per(claim!(""), claim!(" for update of j skip locked")),
            (claim.queue, now, claim.worker, now + claim.lease, limit, claim.suspects),
        )?;
        match self.write_returning(statement).await.and_then(|rows| rows.read()) {
            // Two workers took two jobs of one lane in the same instant; the index let one through.
            Err(error) if error.is_unique_violation() => Ok(Vec::new()),
            other => other,
        }
    }

    /// Prolongs the leases of a process on the jobs that it runs. Others of its jobs got lost on their way to it or
    /// back: their leases end, and they are taken up again. Returns how many jobs it still holds.
    pub async fn renew_leases(&self, worker: WorkerId, held: &[JobId], lease: Duration) -> Result<u64> {
        let until = self.clock().now() + lease;
        self.run(
            List::Ids.sql(
                "update jobs set lease_until = $3
                 where worker = $1 and state = 'running' and id in (select value from {wanted})",
            ),
            (worker, list::ids(held), until),
        )
        .await
    }

    /// Whether a job of a queue is due: a question for a reader, so that nobody waits for the writer in vain.
    pub async fn has_due_jobs(&self, queue: Queue) -> Result<bool> {
        let now = self.clock().now();
        let one: Option<(JobId,)> = self
            .find(
                "select id from jobs where queue = $1 and state in ('available', 'retryable') and run_at <= $2 limit 1",
                (queue, now),
            )
            .await?;
        Ok(one.is_some())
    }

    /// How long until the next job of a queue is due that is not due yet; `None` where there is none.
    pub async fn time_to_next_job(&self, queue: Queue) -> Result<Option<Duration>> {
        let now = self.clock().now();
        let due: Option<Time> = self
            .scalar(
                "select min(run_at) from jobs where queue = $1 and state in ('available', 'retryable') and run_at > $2",
                (queue, now),
            )
            .await?;
        Ok(due.map(|due| due.since(now)))
    }

    /// Whether a running job's lease has ended: its process vanished or stalls.
    pub async fn has_expired_leases(&self) -> Result<bool> {
        let now = self.clock().now();
        let one: Option<(JobId,)> =
            self.find("select id from jobs where state = 'running' and lease_until < $1 limit 1", (now,)).await?;
        Ok(one.is_some())
    }

    /// Gives back what a process still holds as it stops, without counting the attempt as a failure.
    pub async fn release_jobs(&self, worker: WorkerId) -> Result<u64> {
        let now = self.clock().now();
        self.run(
            "update jobs set state = 'retryable', run_at = $2, fair_at = $2, worker = null, lease_until = null
             where worker = $1 and state = 'running'",
            (worker, now),
        )
        .await
    }

    /// Jobs of a state, newest first; of every state the discarded ones first.
    pub async fn list_jobs(&self, state: Option<JobState>, limit: i64) -> Result<Vec<Job>> {
        self.all(
            "select id, organization_id, queue, kind, payload, lane, dedupe, priority, state, run_at, attempt,
                attempts_max, crashes, worker, lease_until, error, created_at, finished_at
             from jobs where $1 is null or state = $1
             order by case when state = 'discarded' then 0 else 1 end, id desc limit $2",
            (state.map(|state| state.to_string()), limit),
        )
        .await
    }

    /// The job, as long as it is kept.
    pub async fn find_job(&self, id: JobId) -> Result<Option<Job>> {
        self.find(
            "select id, organization_id, queue, kind, payload, lane, dedupe, priority, state, run_at, attempt,
                attempts_max, crashes, worker, lease_until, error, created_at, finished_at
             from jobs where id = $1",
            (id,),
        )
        .await
    }

    /// Jobs by state.
    pub async fn count_jobs(&self) -> Result<Vec<JobCount>> {
        self.all(
            "select state, count(*) as count, min(run_at) as oldest_run_at from jobs group by state order by state",
            (),
        )
        .await
    }

    /// Jobs of an organization that wait or run: what `up` and tests drain; where a time is given, without
    /// those that are not due by then.
    pub async fn count_unfinished_jobs(
        &self,
        organization_id: Option<OrganizationId>,
        due: Option<Time>,
    ) -> Result<i64> {
        self.scalar(
            "select count(*) from jobs where state in ('available', 'retryable', 'running')
                and ($1 is null or organization_id = $1) and ($2 is null or run_at <= $2)",
            (organization_id, due),
        )
        .await
    }

    /// Makes a discarded job run again. `false` when it is not discarded.
    pub async fn retry_discarded_job(&self, id: JobId) -> Result<bool> {
        let now = self.clock().now();
        let touched = self
            .run(
                "update jobs set state = 'available', attempt = 0, crashes = 0, run_at = $2, fair_at = $2,
                    finished_at = null, worker = null where id = $1 and state = 'discarded'",
                (id, now),
            )
            .await?;
        self.signals().send(Signal::Jobs);
        Ok(touched == 1)
    }

    /// Deletes jobs that ended before `before`; discarded ones stay for people to see.
    pub async fn delete_finished_jobs(&self, before: Time) -> Result<u64> {
        self.run("delete from jobs where finished_at < $1 and state in ('completed', 'cancelled')", (before,)).await
    }
}

fn shortened(error: &str) -> String {
    error.chars().take(ERROR_CHARS_MAX).collect()
}
