//! Chores that run once per interval, however many workers there are.

use crate::sql::Run;
use crate::{Result, Transaction};
use domain::Time;
use std::time::Duration;

impl Transaction {
    /// Whether it is this caller's turn to run the chore: at most one gets `true` per interval, and
    /// only if it commits.
    pub async fn take_schedule(&mut self, name: &str, interval: Duration) -> Result<bool> {
        let now = self.now();
        let name = name.to_owned();
        let taken = (&mut *self)
            .run(
                "update schedules set last_run_at = $2 where name = $1 and last_run_at <= $3",
                (name.clone(), now, now - interval),
            )
            .await?;
        if taken == 1 {
            return Ok(true);
        }
        let first = (&mut *self)
            .run("insert into schedules (name, last_run_at) values ($1, $2) on conflict do nothing", (name, now))
            .await?;
        Ok(first == 1)
    }

    /// Gives a turn back before its interval is over: the chore is done, and whoever comes next may run it.
    pub async fn return_schedule(&mut self, name: &str) -> Result<()> {
        self.run("update schedules set last_run_at = $2 where name = $1", (name.to_owned(), Time::EPOCH)).await?;
        Ok(())
    }
}
