//! The jobs that keep a desk tidy.

use super::{Queue, Work};
use serde::{Deserialize, Serialize};

/// Deletes what has outlived its retention: finished jobs, events, traces, idempotency keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeleteExpired {}

impl Work for DeleteExpired {
    const KIND: &'static str = "delete_expired";
    const QUEUE: Queue = Queue::Chores;

    fn dedupe(&self) -> Option<String> {
        Some("delete_expired".to_owned())
    }
}
