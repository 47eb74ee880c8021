//! Runs: begun here, carried out in the background, read, compared, and their calibration put in force.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path, Query};
use crate::error::{Problem, Result};
use crate::list::{self, List};
use crate::routes::assistants::{AssistantObject, default_assistant};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::assistant::AssistantSettings;
use domain::comparison::{Comparison, compare};
use domain::evaluation::{CaseResult, EvalRun, Outcome, RunState, Verdict};
use domain::job::RunEval;
use domain::{AssistantId, DatasetId, RunId, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use storage::eval_runs::NewRun;
use storage::evals::CASES_MAX;
use utoipa::{IntoParams, ToSchema};

/// A run to begin.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateRun {
    #[schema(value_type = String)]
    dataset: DatasetId,
    /// Who answers; the desk's own assistant where absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    assistant: Option<AssistantId>,
}

/// One pass of an assistant over a dataset.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunObject {
    #[schema(value_type = String, example = "run_01jd3q5w8hf3k9m2n4p6r8t0vx")]
    id: RunId,
    /// Always `eval_run`.
    object: &'static str,
    #[schema(value_type = String)]
    dataset_id: DatasetId,
    #[schema(value_type = String)]
    assistant_id: AssistantId,
    /// `running`, `completed` or `failed`.
    #[schema(value_type = String, example = "running")]
    state: RunState,
    cases_total: i64,
    cases_done: i64,
    /// Values by metric, empty until it is completed.
    summary: BTreeMap<String, f64>,
    /// What the answers depended on.
    #[schema(value_type = Object)]
    setup: Value,
    /// Why it failed, in a sentence for people.
    error: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Time>,
}

impl From<EvalRun> for RunObject {
    fn from(run: EvalRun) -> Self {
        Self {
            id: run.id,
            object: "eval_run",
            dataset_id: run.dataset_id,
            assistant_id: run.assistant_id,
            state: run.state,
            cases_total: run.cases_total,
            cases_done: run.cases_done,
            summary: run.summary,
            setup: run.setup,
            error: run.error,
            created_at: run.created_at,
            finished_at: run.finished_at,
        }
    }
}

/// Begins a run; its cases are asked in the background.
#[utoipa::path(post, path = "/v1/evals/runs", operation_id = "create_eval_run", tag = "evals", request_body = CreateRun,
    responses((status = 201, description = "It is going on", body = RunObject)))]
pub(crate) async fn create_run(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateRun>,
) -> Result<(StatusCode, axum::Json<RunObject>)> {
    let tenant = app.of(caller.organization_id());
    let dataset = tenant.load_dataset(body.dataset).await?;
    let assistant = match body.assistant {
        Some(id) => tenant.load_assistant(id).await?,
        None => default_assistant(tenant).await?,
    };
    let new = NewRun {
        dataset_id: dataset.id,
        assistant_id: assistant.id,
        fingerprint: String::new(),
        setup: Value::Object(serde_json::Map::new()),
        cases_total: dataset.cases,
    };
    let mut transaction = tenant.begin().await?;
    let id = transaction.insert_eval_run(new).await?;
    let now = transaction.now();
    transaction.enqueue(&RunEval { run_id: id }, now).await?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, axum::Json(tenant.load_eval_run(id).await?.into())))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListRuns {
    /// Only runs of that dataset.
    #[param(value_type = Option<String>)]
    dataset: Option<DatasetId>,
    /// From 1 to 100; 20 where absent.
    limit: Option<i64>,
    /// The `next_cursor` of the stretch before.
    after: Option<String>,
}

/// Lists runs, the newest first.
#[utoipa::path(get, path = "/v1/evals/runs", operation_id = "list_eval_runs", tag = "evals", params(ListRuns),
    responses((status = 200, description = "A stretch of the list", body = List<RunObject>)))]
pub(crate) async fn list_runs(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListRuns>,
) -> Result<axum::Json<List<RunObject>>> {
    let limit = list::limit(query.limit)?;
    let after = list::keyset(query.after.as_deref())?;
    let rows = app.of(caller.organization_id()).list_eval_runs(query.dataset, after, limit + 1).await?;
    let cursor = |row: &EvalRun| list::cursor(row.created_at, row.id);
    Ok(axum::Json(List::stretch(rows, limit, cursor, RunObject::from)))
}

/// Reads a run with its progress.
#[utoipa::path(get, path = "/v1/evals/runs/{id}", operation_id = "get_eval_run", tag = "evals", params(("id" = String, Path)),
    responses((status = 200, description = "The run", body = RunObject)))]
pub(crate) async fn get_run(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<RunId>,
) -> Result<axum::Json<RunObject>> {
    Ok(axum::Json(app.of(caller.organization_id()).load_eval_run(id).await?.into()))
}

/// What came out of a case.
#[derive(Serialize, ToSchema)]
pub(crate) struct CaseResultObject {
    /// Always `case_result`.
    object: &'static str,
    /// The case's place in its dataset, from 1.
    seq: i64,
    case_id: String,
    /// `right_answer`, `right_handoff`, `unjudged`, `needless_handoff` or `wrong_answer`.
    #[schema(value_type = String, example = "right_answer")]
    verdict: Verdict,
    /// Whether the outcome was taken over from an earlier run.
    cached: bool,
    /// Scores by metric; a metric that does not apply is absent.
    scores: BTreeMap<String, f64>,
    /// What the pipeline made of it.
    #[schema(value_type = Object)]
    outcome: Outcome,
}

impl From<CaseResult> for CaseResultObject {
    fn from(result: CaseResult) -> Self {
        Self {
            object: "case_result",
            seq: result.seq,
            case_id: result.case_id,
            verdict: result.verdict,
            cached: result.cached,
            scores: result.scores,
            outcome: result.outcome,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListCaseResults {
    /// Only cases that went so.
    #[param(value_type = Option<String>)]
    verdict: Option<Verdict>,
    /// From 1 to 100; 20 where absent.
    limit: Option<i64>,
    /// The `next_cursor` of the stretch before.
    after: Option<String>,
}

/// Lists what came out of a run's cases, in the dataset's order.
#[utoipa::path(get, path = "/v1/evals/runs/{id}/cases", tag = "evals", params(("id" = String, Path), ListCaseResults),
    responses((status = 200, description = "A stretch of the list", body = List<CaseResultObject>)))]
pub(crate) async fn list_case_results(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<RunId>,
    Query(query): Query<ListCaseResults>,
) -> Result<axum::Json<List<CaseResultObject>>> {
    let tenant = app.of(caller.organization_id());
    let limit = list::limit(query.limit)?;
    let after = list::seq(query.after.as_deref())?;
    tenant.load_eval_run(id).await?;
    let rows = tenant.list_case_results(id, query.verdict, after, limit + 1).await?;
    let cursor = |row: &CaseResult| list::seq_cursor(row.seq);
    Ok(axum::Json(List::stretch(rows, limit, cursor, CaseResultObject::from)))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct GetReport {
    /// `json`, or `html` for one file to look at; `json` where absent.
    #[param(value_type = Option<String>)]
    format: Option<ReportFormat>,
}

/// How a report is wanted.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReportFormat {
    /// Everything, for programs.
    Json,
    /// One self-contained page.
    Html,
}

/// Reads the report of a completed run.
#[utoipa::path(get, path = "/v1/evals/runs/{id}/report", tag = "evals", params(("id" = String, Path), GetReport),
    responses((status = 200, description = "The report", body = Object)))]
pub(crate) async fn get_report(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<RunId>,
    Query(query): Query<GetReport>,
) -> Result<Response> {
    let report = app.of(caller.organization_id()).load_eval_report(id).await?;
    Ok(match query.format.unwrap_or(ReportFormat::Json) {
        ReportFormat::Json => ([(header::CONTENT_TYPE, "application/json")], report.json).into_response(),
        ReportFormat::Html => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], report.html).into_response(),
    })
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CompareRuns {
    /// The run before.
    #[param(value_type = String)]
    before: RunId,
    /// The run after.
    #[param(value_type = String)]
    after: RunId,
}

/// Compares two runs case by case: paired tests by metric, and the cases that went otherwise, worse ones first.
#[utoipa::path(get, path = "/v1/evals/compare", operation_id = "compare_eval_runs", tag = "evals", params(CompareRuns),
    responses((status = 200, description = "The comparison", body = Object)))]
pub(crate) async fn compare_runs(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<CompareRuns>,
) -> Result<axum::Json<Comparison>> {
    let before = results(&app, &caller, query.before).await?;
    let after = results(&app, &caller, query.after).await?;
    Ok(axum::Json(compare(&before, &after)))
}

async fn results(app: &App, caller: &Caller, id: RunId) -> Result<Vec<CaseResult>> {
    let tenant = app.of(caller.organization_id());
    let run = tenant.load_eval_run(id).await?;
    if run.state != RunState::Completed {
        return Err(Problem::conflict("run_not_completed", format!("run `{id}` is {}", run.state)));
    }
    let most = i64::try_from(CASES_MAX).unwrap_or(i64::MAX);
    Ok(tenant.list_case_results(id, None, 0, most).await?)
}

/// A calibration to put in force.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateCalibration {
    /// At most this share of the given answers may be wrong, such as 0.03; absent keeps `confidence_min`.
    #[serde(default)]
    target_error: Option<f64>,
}

/// Puts the calibration that was fitted on a run in force for its assistant.
#[utoipa::path(post, path = "/v1/evals/runs/{id}/calibration", tag = "evals", params(("id" = String, Path)),
    request_body = CreateCalibration,
    responses((status = 201, description = "The assistant as it is now", body = AssistantObject)))]
pub(crate) async fn create_calibration(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<RunId>,
    Json(body): Json<CreateCalibration>,
) -> Result<(StatusCode, axum::Json<AssistantObject>)> {
    let tenant = app.of(caller.organization_id());
    let run = tenant.load_eval_run(id).await?;
    let found = tenant.find_calibration(run.assistant_id, Some(id)).await?;
    let calibration = found.ok_or_else(|| {
        Problem::conflict("no_calibration", format!("run `{id}` has no calibration"))
            .hint("it needs cases with a known right answer, and to be completed")
    })?;
    if let Some(target) = body.target_error {
        if !(target > 0.0 && target < 1.0) {
            return Err(Problem::invalid("`target_error` is above 0 and below 1").at("/target_error"));
        }
        if let Some(refusal) = calibration.refusal(target) {
            return Err(Problem::conflict("target_not_promised", refusal).hint("nothing was changed"));
        }
    }
    let assistant = tenant.load_assistant(run.assistant_id).await?;
    let settings =
        AssistantSettings { calibration: Some(calibration), target_error: body.target_error, ..assistant.settings };
    let mut transaction = tenant.begin().await?;
    transaction.update_assistant(assistant.id, &assistant.name, &settings).await?;
    transaction.insert_audit(&caller.actor(), "assistant.calibrated", &assistant.id.to_string()).await?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, axum::Json(tenant.load_assistant(assistant.id).await?.into())))
}
