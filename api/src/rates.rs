//! How often something may be done: counts in windows of a minute, in memory.

use crate::error::{Problem, Result};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// After this time a count begins anew.
const WINDOW: Duration = Duration::from_mins(1);
/// Things counted one by one at most; with more, the others count together.
const COUNTED_MAX: usize = 20_000;

/// The counts of what runs now.
#[derive(Clone, Default)]
pub(crate) struct Rates(Arc<Mutex<HashMap<String, (u32, Instant)>>>);

impl Rates {
    /// Counts one more; refuses where there were `max` within the minute.
    pub(crate) fn take(&self, what: &str, max: u32) -> Result<()> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= COUNTED_MAX {
            counts.retain(|_, (_, since)| since.elapsed() < WINDOW);
        }
        let what = if counts.len() < COUNTED_MAX || counts.contains_key(what) { what } else { "" };
        let (count, since) = counts.entry(what.to_owned()).or_insert_with(|| (0, Instant::now()));
        if since.elapsed() >= WINDOW {
            (*count, *since) = (0, Instant::now());
        }
        if *count >= max {
            return Err(Problem::busy(format!("more than {max} in a minute")).hint("wait a minute, then try again"));
        }
        *count = count.saturating_add(1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_too_many_is_refused_and_others_are_not() {
        let rates = Rates::default();
        assert!((0..3).all(|_| rates.take("a", 3).is_ok()));
        assert!(rates.take("a", 3).is_err());
        assert!(rates.take("b", 3).is_ok());
    }
}
