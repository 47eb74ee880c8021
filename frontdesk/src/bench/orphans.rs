//! How long the jobs of a killed worker wait until another one takes them up.

use crate::bench::bed::{Bed, broken};
use crate::failure::Failure;
use crate::output::Exit;
use domain::WorkerId;
use domain::job::{Job, JobState};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Running jobs that are looked at after a kill.
const JOBS_MAX: i64 = 1_000;
/// How often a job is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Longer than any promise: then something is stuck.
const LONGEST: Duration = Duration::from_mins(1);

/// The jobs that a worker held when it was killed, and when that was.
pub(super) struct Orphans {
    killed_at: Instant,
    jobs: Vec<Job>,
}

impl Orphans {
    /// Lists what `worker`, dead by now, has left behind.
    pub(super) async fn of(bed: &Bed, worker: WorkerId) -> Result<Self, Failure> {
        let killed_at = Instant::now();
        let running = bed.wired.desk.database.list_jobs(Some(JobState::Running), JOBS_MAX).await;
        let running = running.map_err(|error| broken("jobs cannot be listed", &error))?;
        Ok(Self { killed_at, jobs: running.into_iter().filter(|job| job.worker == Some(worker)).collect() })
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.jobs.len()
    }

    /// Waits until all are taken up; how long the last one waited.
    pub(super) async fn taken_up(self, bed: Arc<Bed>) -> Result<Duration, Failure> {
        for job in &self.jobs {
            while !is_taken_up(&bed, job).await? {
                if self.killed_at.elapsed() > LONGEST {
                    return Err(Failure::new(
                        Exit::Problem,
                        format!("nobody took up {} in {} s", job.id, LONGEST.as_secs()),
                    ));
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        Ok(self.killed_at.elapsed())
    }
}

/// Whether it was claimed anew, or given up because it took its process down too often.
async fn is_taken_up(bed: &Bed, job: &Job) -> Result<bool, Failure> {
    let now = bed.wired.desk.database.find_job(job.id).await.map_err(|error| broken("a job cannot be read", &error))?;
    Ok(now.is_none_or(|now| now.attempt > job.attempt || now.finished_at.is_some()))
}
