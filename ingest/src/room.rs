//! Room in memory for what is being read: however many pages a process reads at a time, and however
//! large a website makes them, together they stay within a limit.

use crate::reason::Reason;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Bodies that grow beyond this, in bytes, are read one at a time.
pub(crate) const LARGE_BODY_BYTES: usize = 512 * 1024;
/// Bytes of pages that are taken apart at a time (a tree may need a hundred times as much); a larger page is
/// taken apart alone.
const PARSED_BYTES_MAX: u32 = 96 * 1024;
/// How long a body waits for its turn.
const WAIT_MAX: Duration = Duration::from_mins(2);

/// The room of one process.
#[derive(Debug)]
pub(crate) struct Room {
    large: Arc<Semaphore>,
    parsing: Arc<Semaphore>,
}

/// Room that is held until it is dropped.
#[derive(Debug, Default)]
pub struct Held {
    _permit: Option<OwnedSemaphorePermit>,
}

/// Two bodies are the same whatever room they hold.
impl PartialEq for Held {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Held {}

impl Room {
    pub(crate) fn new() -> Self {
        Self { large: Arc::new(Semaphore::new(1)), parsing: Arc::new(Semaphore::new(PARSED_BYTES_MAX as usize)) }
    }

    /// Waits until a large body may grow.
    pub(crate) async fn for_large_body(&self) -> Result<Held, Reason> {
        let permit = timeout(WAIT_MAX, Arc::clone(&self.large).acquire_owned()).await;
        let permit = permit.ok().and_then(Result::ok).ok_or(Reason::NoRoom)?;
        Ok(Held { _permit: Some(permit) })
    }

    /// Waits until a page of that size may be taken apart.
    pub(crate) async fn to_parse(&self, bytes: usize) -> Held {
        let share = u32::try_from(bytes).unwrap_or(u32::MAX).clamp(1, PARSED_BYTES_MAX);
        Held { _permit: Arc::clone(&self.parsing).acquire_many_owned(share).await.ok() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test(start_paused = true)]
    async fn large_bodies_follow_one_another_and_do_not_wait_for_ever() {
        let room = Room::new();
        let first = room.for_large_body().await;
        assert_eq!(room.for_large_body().await, Err(Reason::NoRoom));
        drop(first);
        assert!(room.for_large_body().await.is_ok());
    }

    #[tokio::test]
    async fn small_pages_are_taken_apart_side_by_side_and_large_ones_alone() {
        let room = Room::new();
        let small = [room.to_parse(40_000).await, room.to_parse(40_000).await];
        assert!(room.to_parse(10_000_000).now_or_never().is_none());
        drop(small);
        let large = room.to_parse(10_000_000).await;
        assert!(room.to_parse(1).now_or_never().is_none());
        drop(large);
        assert!(room.to_parse(1).now_or_never().is_some());
    }
}
