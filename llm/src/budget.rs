//! How many model calls a message may still cost, shared by retries, fallbacks and pipeline steps.

use crate::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::time::Instant;

/// Model calls one customer message may cost in all, whatever fails.
pub const CALLS_PER_MESSAGE_MAX: u32 = 4;

/// A count of calls that its clones share, and the moment by which the answer must be there.
#[derive(Clone, Debug)]
pub struct CallBudget {
    left: Arc<AtomicU32>,
    allowed: u32,
    kept: u32,
    deadline: Option<Instant>,
}

impl Default for CallBudget {
    fn default() -> Self {
        Self::new(CALLS_PER_MESSAGE_MAX)
    }
}

impl CallBudget {
    /// Allows so many calls, without a deadline.
    pub fn new(calls: u32) -> Self {
        Self { left: Arc::new(AtomicU32::new(calls)), allowed: calls, kept: 0, deadline: None }
    }

    /// Sets the moment after which no call is started or awaited.
    #[must_use]
    pub fn until(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Shares the same count but leaves the last `calls` of it to others.
    #[must_use]
    pub fn keeping(&self, calls: u32) -> Self {
        Self { kept: self.kept + calls, ..self.clone() }
    }

    /// Calls that may still be made.
    pub fn left(&self) -> u32 {
        self.left.load(Ordering::Relaxed).saturating_sub(self.kept)
    }

    /// Calls made so far, by every clone.
    pub fn used(&self) -> u32 {
        self.allowed.saturating_sub(self.left.load(Ordering::Relaxed))
    }

    /// The moment by which the answer must be there.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Takes one call, or says that none is left.
    pub fn take(&self) -> Result<(), Error> {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| (left > self.kept).then(|| left - 1))
            .map(|_| ())
            .map_err(|_| Error::BudgetSpent { calls: self.allowed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_one_count_and_the_kept_calls_stay() {
        let budget = CallBudget::new(3);
        let first = budget.keeping(1);
        assert!(first.take().is_ok() && first.clone().take().is_ok());
        assert!(matches!(first.take(), Err(Error::BudgetSpent { calls: 3 })));
        assert_eq!((budget.left(), budget.used()), (1, 2));
        assert!(budget.take().is_ok());
        assert!(budget.take().is_err());
    }
}
