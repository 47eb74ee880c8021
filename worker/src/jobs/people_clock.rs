//! Gives people the clock: heartbeats that ran out, offers that nobody took.

use answering::assign::look_at_due;
use std::time::Duration;
use storage::Database;

/// How often each process looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks again and again at what is due.
pub async fn run(database: Database) {
    let mut tick = tokio::time::interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = look_at_due(&database).await {
            tracing::warn!(%error, "what agents are due could not be looked at");
        }
    }
}
