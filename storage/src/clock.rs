//! The one place that asks the time and makes ids, so that tests can move time on.

use domain::{Id, Time};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// The time of this process, moved on by an offset that is zero outside tests.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset_micros: Arc<AtomicI64>,
}

impl Clock {
    /// The present moment.
    pub fn now(&self) -> Time {
        let real = jiff::Timestamp::now().as_microsecond();
        Time::from_micros(real.saturating_add(self.offset_micros.load(Ordering::Relaxed)))
    }

    /// A fresh id. Ids made by one process grow strictly in the order they are made.
    pub fn id<T>(&self) -> Id<T> {
        Id::from_uuid(Uuid::now_v7())
    }

    /// Moves time on for everyone who shares this clock.
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.offset_micros.fetch_add(micros, Ordering::Relaxed);
    }
}
