//! Gives scans the clock: due re-scans, deadlines, progress.

use ingest::{Library, schedule};
use std::time::Duration;

/// How often each process looks.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Looks again and again at what is due.
pub async fn run(library: Library) {
    let mut tick = tokio::time::interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = schedule::tick(&library).await {
            tracing::warn!(%error, "what scans are due could not be looked at");
        }
    }
}
