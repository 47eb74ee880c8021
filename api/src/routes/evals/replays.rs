//! Replays: the customers' turns of a period against something changed.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path};
use crate::error::{Problem, Result};
use crate::routes::assistants::default_assistant;
use crate::routes::evals::runs::RunObject;
use answering::replay::{Outcome, Replay, collect, outcome, put};
use axum::extract::State;
use axum::http::StatusCode;
use domain::evaluation::{Case, RunState};
use domain::replay::{Estimate, Knowledge, Trial, Turned};
use domain::{AssistantId, RunId, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use storage::evals::CASES_MAX;
use utoipa::ToSchema;

/// Turns that are shown at most, the worse first.
const TURNS_SHOWN: usize = 200;
/// Cases that a run's job asks at the same time.
const CONCURRENCY: usize = 4;

/// A replay to begin. What is not named stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateReplay {
    /// Replies from this time on.
    #[schema(value_type = String, format = DateTime)]
    from: Time,
    /// Replies before this time.
    #[schema(value_type = String, format = DateTime)]
    to: Time,
    /// Whose replies; those of the desk's own assistant where absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    assistant: Option<AssistantId>,
    /// A version of the answer prompt, published or not.
    #[serde(default)]
    prompt_version: Option<i64>,
    /// A template in place of a version.
    #[serde(default)]
    prompt_text: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    instructions: Option<String>,
    #[serde(default)]
    passages_max: Option<usize>,
    #[serde(default)]
    dense_weight: Option<f64>,
    #[serde(default)]
    confidence_min: Option<f64>,
    /// `now` searches what is known now; `then` takes the passages that were read then.
    #[serde(default)]
    #[schema(value_type = String, example = "now")]
    knowledge: Knowledge,
    /// Only says what it would take.
    #[serde(default)]
    estimate_only: bool,
}

/// What a replay takes.
#[derive(Serialize, ToSchema)]
pub(crate) struct EstimateObject {
    turns: usize,
    tokens: i64,
    /// In millionths of a US dollar.
    cost_micro_usd: i64,
    /// Whether the price of the model is known; without it the cost is 0.
    cost_known: bool,
    seconds: f64,
}

impl From<Estimate> for EstimateObject {
    fn from(estimate: Estimate) -> Self {
        Self {
            turns: estimate.turns,
            tokens: estimate.tokens,
            cost_micro_usd: estimate.cost_micro_usd,
            cost_known: estimate.cost_known,
            seconds: estimate.seconds,
        }
    }
}

/// A replay.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReplayObject {
    /// Always `replay`.
    object: &'static str,
    /// What it takes; only when it is begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    estimate: Option<EstimateObject>,
    /// Its run; absent where only the estimate was asked for.
    run: Option<RunObject>,
    /// Turns by what became of them: `same better changed worse newly_handed_off`; empty until the run is completed.
    counts: BTreeMap<String, usize>,
    /// The turns that became otherwise, the worse first, 200 at most.
    #[schema(value_type = Vec<Object>)]
    turns: Vec<Turned>,
}

/// Begins a replay of past turns against something changed, and says what it takes; only `estimate_only` begins
/// nothing. Its run is carried out in the background.
#[utoipa::path(post, path = "/v1/evals/replays", operation_id = "create_replay", tag = "evals",
    request_body = CreateReplay,
    responses((status = 201, description = "It is going on", body = ReplayObject),
        (status = 200, description = "What it would take", body = ReplayObject)))]
pub(crate) async fn create_replay(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateReplay>,
) -> Result<(StatusCode, axum::Json<ReplayObject>)> {
    let tenant = app.of(caller.organization_id());
    let assistant = match body.assistant {
        Some(id) => tenant.load_assistant(id).await?,
        None => default_assistant(tenant).await?,
    };
    let trial = Trial {
        prompt_version: body.prompt_version,
        prompt_text: body.prompt_text,
        model: body.model,
        instructions: body.instructions,
        passages_max: body.passages_max,
        dense_weight: body.dense_weight,
        confidence_min: body.confidence_min,
        knowledge: body.knowledge,
        replays: true,
    };
    let replay = Replay { assistant, from: body.from, to: body.to, trial };
    let collected = collect(&app.desk, &replay, CONCURRENCY).await?;
    let estimate = Some(collected.estimate.into());
    if body.estimate_only {
        let object = ReplayObject { object: "replay", estimate, run: None, counts: BTreeMap::new(), turns: Vec::new() };
        return Ok((StatusCode::OK, axum::Json(object)));
    }
    let run = put(&app.desk, &replay, &collected.cases, true).await?;
    let run = Some(tenant.load_eval_run(run).await?.into());
    let object = ReplayObject { object: "replay", estimate, run, counts: BTreeMap::new(), turns: Vec::new() };
    Ok((StatusCode::CREATED, axum::Json(object)))
}

/// Reads what came of a replay: the turns that became otherwise, with both texts.
#[utoipa::path(get, path = "/v1/evals/replays/{id}", operation_id = "get_replay", tag = "evals",
    params(("id" = String, Path)), responses((status = 200, description = "The replay", body = ReplayObject)))]
pub(crate) async fn get_replay(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<RunId>,
) -> Result<axum::Json<ReplayObject>> {
    let tenant = app.of(caller.organization_id());
    let run = tenant.load_eval_run(id).await?;
    let is_replay =
        Trial::of_setup(&run.setup).replays || run.setup.get("replays").is_some_and(|replays| replays == true);
    if !is_replay {
        return Err(Problem::not_found("replay", id));
    }
    let came = if run.state == RunState::Completed {
        let most = i64::try_from(CASES_MAX).unwrap_or(i64::MAX);
        let cases: Vec<Case> =
            tenant.list_cases(run.dataset_id, 0, most).await?.into_iter().map(|(_, case)| case).collect();
        let results = tenant.list_case_results(id, None, 0, most).await?;
        outcome(&app.desk, caller.organization_id(), &cases, &results).await?
    } else {
        Outcome { counts: BTreeMap::new(), turns: Vec::new() }
    };
    let counts = came.counts.into_iter().map(|(became, turns)| (became.to_string(), turns)).collect();
    let mut turns = came.turns;
    turns.truncate(TURNS_SHOWN);
    Ok(axum::Json(ReplayObject { object: "replay", estimate: None, run: Some(run.into()), counts, turns }))
}
