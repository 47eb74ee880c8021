//! Wake-ups: who waits for jobs, events or changes learns at once that some were committed.
//!
//! A signal carries nothing and may come too often; whoever is woken looks into the database. It
//! comes from a commit in this process, or on PostgreSQL from any process through LISTEN. Where
//! neither reaches (two processes on one SQLite file) waiting ends by the caller's timeout.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// What was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A job that may run now.
    Jobs,
    /// An event.
    Events,
    /// A change of knowledge.
    Changes,
}

impl Signal {
    pub(crate) const ALL: [Signal; 3] = [Signal::Jobs, Signal::Events, Signal::Changes];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Jobs => "jobs",
            Self::Events => "events",
            Self::Changes => "changes",
        }
    }
}

/// The three wake-ups of a database.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    jobs: Arc<watch::Sender<u64>>,
    events: Arc<watch::Sender<u64>>,
    changes: Arc<watch::Sender<u64>>,
}

impl Signals {
    fn sender(&self, signal: Signal) -> &watch::Sender<u64> {
        match signal {
            Signal::Jobs => &self.jobs,
            Signal::Events => &self.events,
            Signal::Changes => &self.changes,
        }
    }

    /// Wakes everyone who waits for `signal`.
    pub fn send(&self, signal: Signal) {
        self.sender(signal).send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Starts listening: commits from now on are not missed.
    pub fn listen(&self, signal: Signal) -> Listener {
        Listener { receiver: self.sender(signal).subscribe() }
    }
}

/// One who waits for a signal.
#[derive(Debug)]
pub struct Listener {
    receiver: watch::Receiver<u64>,
}

impl Listener {
    /// Waits for the next signal since the last call, at most `timeout`.
    pub async fn wait(&mut self, timeout: Duration) {
        // Either way the caller looks into the database next, so the outcome does not matter.
        let _ = tokio::time::timeout(timeout, self.receiver.changed()).await;
    }
}
