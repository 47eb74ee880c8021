//! Where the next stretch of a list begins.

use domain::{Id, Time};
use uuid::Uuid;

/// The place of a row in a list that is ordered newest first: its time and, among equal times, its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyset {
    /// The time the list is ordered by.
    pub time: Time,
    /// The row's id.
    pub id: Uuid,
}

impl Keyset {
    /// Before the newest row.
    pub fn start() -> Self {
        Self { time: Time::from_micros(i64::MAX), id: Uuid::max() }
    }

    /// The place of the row with that time and id.
    pub fn at<T>(time: Time, id: Id<T>) -> Self {
        Self { time, id: id.uuid() }
    }
}
