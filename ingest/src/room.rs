//! Room in memory for what is being read: however many pages a process reads at a time, and however
//! large a website makes them, together they stay within a limit.

use crate::reason::Reason;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Bodies that grow beyond this, in bytes, are read one at a time.
pub(crate) const LARGE_BODY_BYTES: usize = 512 * 1024;
/// How long a body waits for its turn.
const WAIT_MAX: Duration = Duration::from_mins(2);

/// The room of one process.
#[derive(Debug)]
pub(crate) struct Room {
    large: Arc<Semaphore>,
    /// Its one thread for blocking work takes pages apart: a tree may need a hundred times its page, and an
    /// allocator keeps for each thread what that thread once needed.
    parser: Option<Runtime>,
}

/// Room that is held until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Held {
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
    pub(crate) fn new() -> std::io::Result<Self> {
        let parser = Builder::new_current_thread().max_blocking_threads(1).thread_name("pages").build()?;
        Ok(Self { large: Arc::new(Semaphore::new(1)), parser: Some(parser) })
    }

    /// Waits until a large body may grow.
    pub(crate) async fn for_large_body(&self) -> Result<Held, Reason> {
        let permit = timeout(WAIT_MAX, Arc::clone(&self.large).acquire_owned()).await;
        let permit = permit.ok().and_then(Result::ok).ok_or(Reason::NoRoom)?;
        Ok(Held { _permit: Some(permit) })
    }

    /// Takes a page apart when its turn comes: one after the other. Nothing, if that panics.
    pub(crate) async fn take_apart<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        self.parser.as_ref()?.spawn_blocking(work).await.ok()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // Waiting for the page at hand would block those who run this.
        if let Some(parser) = self.parser.take() {
            parser.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn large_bodies_follow_one_another_and_do_not_wait_for_ever() {
        let room = Room::new().unwrap();
        let first = room.for_large_body().await;
        assert_eq!(room.for_large_body().await, Err(Reason::NoRoom));
        drop(first);
        assert!(room.for_large_body().await.is_ok());
    }

    #[tokio::test]
    async fn pages_are_taken_apart_on_one_thread_that_outlives_a_panic() {
        let room = Room::new().unwrap();
        let thread = || std::thread::current().id();
        let first = room.take_apart(thread).await;
        let meanwhile = futures::future::join_all((0..8).map(|_| room.take_apart(thread))).await;
        assert!(first.is_some() && meanwhile.iter().all(|id| *id == first));
        assert_eq!(room.take_apart(|| panic!("a page that breaks us")).await, None::<()>);
        assert_eq!(room.take_apart(thread).await, first);
    }
}
