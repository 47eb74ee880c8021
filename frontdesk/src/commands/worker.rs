//! `frontdesk worker`: runs jobs until it is told to stop.

use crate::commands::serve::{follow_and_fetch, stop_signal};
use crate::failure::Failure;
use crate::output::{Exit, Output};
use crate::wiring::Wired;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) async fn run(wired: Wired, output: Output) -> Result<Exit, Failure> {
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    follow_and_fetch(&wired, &tasks, &stop, output);
    output.say(&format!("worker ready · {} · {} turns at a time", wired.engines(), wired.settings.worker.concurrency));
    let worker = tasks.spawn(wired.worker().run(stop.clone()));
    stop_signal().await?;
    output.say("stopping: running jobs may end");
    stop.cancel();
    tasks.close();
    let _ = worker.await;
    tasks.wait().await;
    let _ = wired.desk.database.close().await;
    Ok(Exit::Ok)
}
