//! The jobs that this process runs: only their leases are renewed.

use domain::JobId;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Jobs by id and attempt, shared between those who claim and whoever renews the leases.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held(Arc<Mutex<HashSet<(JobId, i64)>>>);

impl Held {
    /// Holds an attempt at a job until the returned value is dropped.
    pub(crate) fn hold(&self, id: JobId, attempt: i64) -> Holding {
        self.jobs().insert((id, attempt));
        Holding { held: self.clone(), job: (id, attempt) }
    }

    /// The jobs held now.
    pub(crate) fn ids(&self) -> Vec<JobId> {
        self.jobs().iter().map(|(id, _)| *id).collect()
    }

    fn jobs(&self) -> MutexGuard<'_, HashSet<(JobId, i64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An attempt at a job that this process holds.
#[derive(Debug)]
pub(crate) struct Holding {
    held: Held,
    job: (JobId, i64),
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.held.jobs().remove(&self.job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_job_is_held_until_its_last_attempt_here_ends() {
        let (held, id) = (Held::default(), JobId::from_uuid(Uuid::now_v7()));
        let stalled = held.hold(id, 1);
        let second = held.clone().hold(id, 2);
        drop(stalled);
        assert_eq!(held.ids(), [id], "the second attempt goes on");
        drop(second);
        assert_eq!(held.ids(), []);
    }
}
