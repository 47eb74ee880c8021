//! What the demo shows beside conversations: drafts to review, and a dataset with its first run.

use super::problem;
use crate::failure::Failure;
use crate::wiring::Wired;
use domain::evaluation::Case;
use domain::job::{DraftArticles, RunEval};
use serde_json::{Map, Value};
use storage::eval_runs::NewRun;

const CASES: &str = include_str!("cases.jsonl");
/// The name of the dataset.
const DATASET: &str = "Lumen Bikes questions";
/// The kind of the source that imported files belong to.
const SOURCE_KIND: &str = "import";

/// Has articles drafted from the source's documents; a worker does it, and the review queue fills.
pub(super) async fn draft(wired: &Wired, source: &str) -> Result<(), Failure> {
    let tenant = wired.desk.database.of(wired.organization_id());
    let found = tenant.find_source_by_name(SOURCE_KIND, source).await.map_err(|error| problem(&error))?;
    let Some(source) = found else { return Ok(()) };
    let mut transaction = tenant.begin().await.map_err(|error| problem(&error))?;
    let now = transaction.now();
    let drafts = DraftArticles { source_id: source.id, publish: false };
    transaction.enqueue(&drafts, now).await.map_err(|error| problem(&error))?;
    transaction.commit().await.map_err(|error| problem(&error))
}

/// Stores the dataset and begins its first run, unless it is there; says whether it was new.
pub(super) async fn evaluate(wired: &Wired) -> Result<bool, Failure> {
    let read = |line: &str| serde_json::from_str::<Case>(line).map_err(|error| problem(&error));
    let cases: Vec<Case> = CASES.lines().map(read).collect::<Result<_, _>>()?;
    let tenant = wired.desk.database.of(wired.organization_id());
    let mut transaction = tenant.begin().await.map_err(|error| problem(&error))?;
    let (dataset, is_new) = transaction.put_dataset(DATASET, "demo", &cases).await.map_err(|error| problem(&error))?;
    if is_new {
        let run = NewRun {
            dataset_id: dataset.id,
            assistant_id: wired.home.assistant.id,
            fingerprint: String::new(),
            setup: Value::Object(Map::new()),
            cases_total: dataset.cases,
        };
        let run_id = transaction.insert_eval_run(run).await.map_err(|error| problem(&error))?;
        let now = transaction.now();
        transaction.enqueue(&RunEval { run_id }, now).await.map_err(|error| problem(&error))?;
    }
    transaction.commit().await.map_err(|error| problem(&error))?;
    Ok(is_new)
}
