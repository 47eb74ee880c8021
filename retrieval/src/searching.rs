//! Where searches compute: beside the tasks that wait, and not more of them at a time than help.

use crate::error::Result;
use std::sync::LazyLock;
use std::thread::available_parallelism;
use tokio::sync::Semaphore;

/// Searches at a time for each core: the second computes while the first reads from a disk.
const PER_CORE: usize = 2;

/// The places of this process. More searches at a time would not end sooner, and each thread keeps memory.
static PLACES: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(PER_CORE * available_parallelism().map_or(1, usize::from)));

/// Computes where it may block, once a place is free; first come, first served.
pub(crate) async fn searching<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    // The places are never closed.
    let place = PLACES.acquire().await.ok();
    let found = tokio::task::spawn_blocking(work).await?;
    drop(place);
    found
}
