//! The jobs of runs: each asks cases for a bounded time and leaves the rest to the next.

use crate::run::{Pace, ask_cases, finish, load_report, prepared};
use crate::{Result, publish};
use answering::Desk;
use domain::evaluation::RunState;
use domain::job::RunEval;
use domain::{OrganizationId, RunId};
use std::time::Duration;

/// How long one job asks cases; well below the time that a knowledge job may take.
const SLICE: Duration = Duration::from_mins(5);

/// Goes on with a run. Done twice, or after its end, it changes nothing.
pub async fn go_on(desk: &Desk, organization_id: OrganizationId, run_id: RunId) -> Result<()> {
    let tenant = desk.database.of(organization_id);
    let run = prepared(desk, tenant.load_eval_run(run_id).await?).await?;
    if run.state == RunState::Completed {
        // It ended and the process too, before what waits for it was told.
        let report = load_report(desk, &run).await?;
        publish::conclude(desk, organization_id, run_id, &report).await?;
    }
    if run.state != RunState::Running {
        return Ok(());
    }
    let pace = Pace { limit: SLICE, ..Pace::default() };
    if ask_cases(desk, &run, pace, |_| {}).await? {
        let report = finish(desk, run_id, organization_id).await?;
        publish::conclude(desk, organization_id, run_id, &report).await?;
        return Ok(());
    }
    let progress = tenant.load_eval_run(run_id).await?.cases_done;
    let mut transaction = tenant.begin().await?;
    transaction.tell("eval.progress", None, serde_json::json!({ "run_id": run_id, "cases_done": progress }));
    let now = transaction.now();
    transaction.enqueue(&RunEval { run_id }, now).await?;
    Ok(transaction.commit().await?)
}

/// Ends a run whose job was discarded.
pub async fn give_up(desk: &Desk, organization_id: OrganizationId, run_id: RunId) -> Result<()> {
    let mut transaction = desk.database.of(organization_id).begin().await?;
    transaction.fail_eval_run(run_id, "its job failed again and again; `frontdesk jobs list` says why").await?;
    transaction.commit().await?;
    publish::give_up(desk, organization_id, run_id).await
}
