//! What a failed job does next: the one table from error kinds to outcomes.

use domain::job::Job;
use domain::{ErrorKind, Kinded};
use std::time::Duration;

/// The result of running a job.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// First pause before a failed job is tried again; it doubles with every attempt.
const BACKOFF_FIRST: Duration = Duration::from_secs(1);
/// Longest pause before a failed job is tried again.
const BACKOFF_MAX: Duration = Duration::from_mins(5);

/// Why a job failed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    retry_after: Option<Duration>,
}

impl Error {
    /// A failure of that kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None }
    }

    /// The same, not to be tried again before `pause` has passed.
    #[must_use]
    pub fn retry_after(self, pause: Option<Duration>) -> Self {
        Self { retry_after: pause, ..self }
    }
}

impl<E: Kinded> From<E> for Error {
    fn from(error: E) -> Self {
        Self::new(error.kind(), error.to_string())
    }
}

/// What a failed job does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing: another worker has the job by now.
    Leave,
    /// Another attempt after the pause.
    Retry(Duration),
    /// No further attempt.
    Discard,
}

/// Decides by the error's kind and the attempts used so far. `jitter` is 0 to 1.
pub(crate) fn verdict(job: &Job, error: &Error, jitter: f64) -> Verdict {
    match error.kind {
        // The fence: somebody else holds the job or changed what it was about to change.
        ErrorKind::Conflict => Verdict::Leave,
        // Asking again gives the same answer.
        ErrorKind::Invalid | ErrorKind::NotFound | ErrorKind::Forbidden | ErrorKind::Unauthenticated => Verdict::Discard,
        ErrorKind::RateLimited | ErrorKind::Unavailable | ErrorKind::Internal => {
            if job.attempt >= job.attempts_max {
                return Verdict::Discard;
            }
            let doublings = u32::try_from(job.attempt.saturating_sub(1)).unwrap_or(0).min(16);
            let pause = BACKOFF_FIRST.saturating_mul(1 << doublings).min(BACKOFF_MAX).mul_f64(0.5 + jitter / 2.0);
            Verdict::Retry(error.retry_after.map_or(pause, |asked| asked.max(pause).min(BACKOFF_MAX)))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use domain::job::{JobState, Queue};
    use domain::{Id, Time};

    fn job(attempt: i64) -> Job {
        Job {
            id: Id::from_uuid(uuid::Uuid::nil()),
            organization_id: None,
            queue: Queue::Chores,
            kind: "test".to_owned(),
            payload: serde_json::Value::Null,
            lane: None,
            dedupe: None,
            priority: 0,
            state: JobState::Running,
            run_at: Time::from_micros(0),
            attempt,
            attempts_max: 3,
            crashes: 0,
            worker: None,
            lease_until: None,
            error: None,
            created_at: Time::from_micros(0),
            finished_at: None,
        }
    }

    #[test]
    fn a_passing_failure_backs_off_longer_each_time_and_then_gives_up() {
        let error = Error::new(ErrorKind::Unavailable, "down");
        assert_eq!(verdict(&job(1), &error, 1.0), Verdict::Retry(Duration::from_secs(1)));
        assert_eq!(verdict(&job(2), &error, 1.0), Verdict::Retry(Duration::from_secs(2)));
        assert_eq!(verdict(&job(2), &error, 0.0), Verdict::Retry(Duration::from_secs(1)));
        assert_eq!(verdict(&job(3), &error, 1.0), Verdict::Discard);
    }

    #[test]
    fn a_stated_pause_is_honoured_and_a_hopeless_request_is_not_repeated() {
        let error = Error::new(ErrorKind::RateLimited, "slow down").retry_after(Some(Duration::from_secs(40)));
        assert_eq!(verdict(&job(1), &error, 0.0), Verdict::Retry(Duration::from_secs(40)));
        assert_eq!(verdict(&job(1), &Error::new(ErrorKind::Invalid, "no"), 0.0), Verdict::Discard);
        assert_eq!(verdict(&job(1), &Error::new(ErrorKind::Conflict, "lost"), 0.0), Verdict::Leave);
    }
}
