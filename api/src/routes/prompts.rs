//! Prompts: what the program brings, and an assistant's own versions of it.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path, Query};
use crate::error::{Problem, Result};
use crate::list::{self, List};
use crate::routes::assistants::default_assistant;
use axum::extract::State;
use axum::http::StatusCode;
use domain::assistant::{Assistant, PublishGate};
use domain::job::RunEval;
use domain::prompt::{ANSWER, BUILT_IN, PromptState, PromptVersion, WHOLE};
use domain::replay::Trial;
use domain::{AssistantId, RunId, Time};
use serde::{Deserialize, Serialize};
use storage::Tenant;
use storage::eval_runs::NewRun;
use storage::prompts::{NewPromptVersion, Publication};
use utoipa::{IntoParams, ToSchema};

/// Characters of a note at most.
const NOTE_CHARS_MAX: usize = 500;

/// A prompt that the program brings.
#[derive(Serialize, ToSchema)]
pub(crate) struct PromptObject {
    /// Always `prompt`.
    object: &'static str,
    name: &'static str,
    /// Whether versions of it can be written.
    has_versions: bool,
    /// The built-in template.
    source: &'static str,
}

/// A version of a prompt. Its text never changes.
#[derive(Serialize, ToSchema)]
pub(crate) struct PromptVersionObject {
    /// Always `prompt_version`.
    object: &'static str,
    name: String,
    /// 1 is the built-in one; own versions begin at 2.
    version: i64,
    /// `draft`, `checking`, `published`, `replaced` or `rolled_back`.
    #[schema(value_type = String, example = "draft")]
    state: PromptState,
    /// Percent of the conversations that get it while it is published.
    share: i64,
    source: String,
    /// SHA-256 of the source, in hex; traces name it.
    hash: String,
    note: Option<String>,
    /// The eval run that its publication waits or waited for.
    #[schema(value_type = Option<String>)]
    run_id: Option<RunId>,
    /// What that run did not hold.
    refusal: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    created_at: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime)]
    published_at: Option<Time>,
}

impl From<PromptVersion> for PromptVersionObject {
    fn from(version: PromptVersion) -> Self {
        Self {
            object: "prompt_version",
            name: version.name,
            version: version.version,
            state: version.state,
            share: version.share,
            source: version.source,
            hash: version.hash,
            note: version.note,
            run_id: version.run_id,
            refusal: version.refusal,
            created_at: Some(version.created_at),
            published_at: version.published_at,
        }
    }
}

/// Lists the prompts that the program brings; `answer` is the one with versions.
#[utoipa::path(get, path = "/v1/prompts", tag = "prompts",
    responses((status = 200, description = "All prompts", body = List<PromptObject>)))]
pub(crate) async fn list_prompts(_caller: Caller) -> axum::Json<List<PromptObject>> {
    let object = |prompt: prompts::BuiltIn| PromptObject {
        object: "prompt",
        name: prompt.name,
        has_versions: prompt.has_versions,
        source: prompt.source,
    };
    axum::Json(List::whole(prompts::built_in().into_iter().map(object).collect()))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListVersions {
    /// Whose versions; those of the desk's own assistant where absent.
    #[param(value_type = Option<String>)]
    assistant: Option<AssistantId>,
    /// From 1 to 100; 20 where absent.
    limit: Option<i64>,
    /// The `next_cursor` of the stretch before.
    after: Option<String>,
}

/// Lists the versions of a prompt, the newest first; the last one is the built-in template.
#[utoipa::path(get, path = "/v1/prompts/{name}/versions", tag = "prompts", params(("name" = String, Path), ListVersions),
    responses((status = 200, description = "A stretch of the list", body = List<PromptVersionObject>)))]
pub(crate) async fn list_prompt_versions(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(query): Query<ListVersions>,
) -> Result<axum::Json<List<PromptVersionObject>>> {
    let limit = list::limit(query.limit)?;
    let before = match list::seq(query.after.as_deref())? {
        0 => i64::MAX,
        before => before,
    };
    let tenant = app.of(caller.organization_id());
    let assistant = assistant(tenant, query.assistant).await?;
    built_in_source(&name)?;
    let own = tenant.list_prompt_versions(assistant.id, &name, before, limit + 1).await?;
    let mut rows: Vec<PromptVersionObject> = own.into_iter().map(PromptVersionObject::from).collect();
    if before > BUILT_IN {
        rows.push(built_in(tenant, &assistant, &name).await?);
    }
    rows.truncate(usize::try_from(limit + 1).unwrap_or(usize::MAX));
    let cursor = |row: &PromptVersionObject| list::seq_cursor(row.version);
    Ok(axum::Json(List::stretch(rows, limit, cursor, |row| row)))
}

/// A version to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateVersion {
    /// The template: minijinja over `assistant_name instructions language facts passages fence`.
    source: String,
    /// What it changes.
    #[serde(default)]
    note: Option<String>,
    /// Whose prompt it is; that of the desk's own assistant where absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    assistant: Option<AssistantId>,
}

/// Adds a version of a prompt as a draft. It is refused with line and column where it cannot be rendered, names
/// a variable that there is not, or shows what comes from outside without its fence.
#[utoipa::path(post, path = "/v1/prompts/{name}/versions", tag = "prompts", params(("name" = String, Path)),
    request_body = CreateVersion, responses((status = 201, description = "The draft", body = PromptVersionObject)))]
pub(crate) async fn create_prompt_version(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Json(body): Json<CreateVersion>,
) -> Result<(StatusCode, axum::Json<PromptVersionObject>)> {
    let tenant = app.of(caller.organization_id());
    let assistant = assistant(tenant, body.assistant).await?;
    built_in_source(&name)?;
    if name != ANSWER {
        let detail = format!("the prompt `{name}` has no versions: only `{ANSWER}` has");
        return Err(Problem::conflict("prompt_without_versions", detail));
    }
    if body.note.as_ref().is_some_and(|note| note.chars().count() > NOTE_CHARS_MAX) {
        return Err(Problem::invalid(format!("`note` has at most {NOTE_CHARS_MAX} characters")).at("/note"));
    }
    let hash =
        prompts::check_answer(&body.source).map_err(|error| Problem::invalid(error.to_string()).at("/source"))?;
    let new =
        NewPromptVersion { assistant_id: assistant.id, name: name.clone(), source: body.source, hash, note: body.note };
    let mut transaction = tenant.begin().await?;
    let version = transaction.insert_prompt_version(new).await?;
    transaction.insert_audit(&caller.actor(), "prompt.drafted", &place(&assistant, &name, version)).await?;
    transaction.commit().await?;
    let stored = tenant.load_prompt_version(assistant.id, &name, version).await?;
    Ok((StatusCode::CREATED, axum::Json(stored.into())))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct GetVersion {
    /// Whose version; that of the desk's own assistant where absent.
    #[param(value_type = Option<String>)]
    assistant: Option<AssistantId>,
}

/// Reads a version of a prompt.
#[utoipa::path(get, path = "/v1/prompts/{name}/versions/{version}", tag = "prompts",
    params(("name" = String, Path), ("version" = i64, Path), GetVersion),
    responses((status = 200, description = "The version", body = PromptVersionObject)))]
pub(crate) async fn get_prompt_version(
    State(app): State<App>,
    caller: Caller,
    Path((name, version)): Path<(String, i64)>,
    Query(query): Query<GetVersion>,
) -> Result<axum::Json<PromptVersionObject>> {
    let tenant = app.of(caller.organization_id());
    let assistant = assistant(tenant, query.assistant).await?;
    Ok(axum::Json(load(tenant, &assistant, &name, version).await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DiffVersions {
    /// The version before; the one that is published where absent.
    against: Option<i64>,
    /// Whose versions; those of the desk's own assistant where absent.
    #[param(value_type = Option<String>)]
    assistant: Option<AssistantId>,
}

/// What a version changes.
#[derive(Serialize, ToSchema)]
pub(crate) struct PromptDiffObject {
    /// Always `prompt_diff`.
    object: &'static str,
    before: i64,
    after: i64,
    /// Unified lines; empty where nothing differs.
    diff: String,
}

/// Shows what a version changes against another one.
#[utoipa::path(get, path = "/v1/prompts/{name}/versions/{version}/diff", tag = "prompts",
    params(("name" = String, Path), ("version" = i64, Path), DiffVersions),
    responses((status = 200, description = "The difference", body = PromptDiffObject)))]
pub(crate) async fn diff_prompt_versions(
    State(app): State<App>,
    caller: Caller,
    Path((name, version)): Path<(String, i64)>,
    Query(query): Query<DiffVersions>,
) -> Result<axum::Json<PromptDiffObject>> {
    let tenant = app.of(caller.organization_id());
    let assistant = assistant(tenant, query.assistant).await?;
    let after = load(tenant, &assistant, &name, version).await?;
    let before = match query.against {
        Some(against) => against,
        None => base(tenant, &assistant, &name).await?,
    };
    let before = load(tenant, &assistant, &name, before).await?;
    let titles = (format!("version {}", before.version), format!("version {}", after.version));
    let diff = prompts::difference((&titles.0, &before.source), (&titles.1, &after.source));
    Ok(axum::Json(PromptDiffObject { object: "prompt_diff", before: before.version, after: after.version, diff }))
}

/// A version to put in use.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PublishVersion {
    /// Percent of the conversations that get it, from 1 to 100; everybody where absent.
    #[serde(default)]
    share: Option<i64>,
    /// Asks the gate again although it did not pass on the same knowledge.
    #[serde(default)]
    recheck: bool,
    /// Whose prompt it is; that of the desk's own assistant where absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    assistant: Option<AssistantId>,
}

/// Puts a version in use; an older one again is a roll-back, and 1 is the built-in template.
///
/// Where the assistant has a `publish_gate`, an eval run is begun instead (202, state `checking`) and the version
/// goes live when the run passes. 409 names the run that is going on or did not pass. Going back to a version
/// that was in use before needs no gate.
#[utoipa::path(post, path = "/v1/prompts/{name}/versions/{version}/publish", tag = "prompts",
    params(("name" = String, Path), ("version" = i64, Path)), request_body = PublishVersion,
    responses((status = 200, description = "It is in use", body = PromptVersionObject),
        (status = 202, description = "It waits for its run", body = PromptVersionObject)))]
pub(crate) async fn publish_prompt_version(
    State(app): State<App>,
    caller: Caller,
    Path((name, version)): Path<(String, i64)>,
    Json(body): Json<PublishVersion>,
) -> Result<(StatusCode, axum::Json<PromptVersionObject>)> {
    let tenant = app.of(caller.organization_id());
    let assistant = assistant(tenant, body.assistant).await?;
    let share = body.share.unwrap_or(WHOLE);
    if !(1..=WHOLE).contains(&share) || (version == BUILT_IN && share < WHOLE) {
        let detail = "`share` is from 1 to 100; the built-in version goes to everybody who gets no other";
        return Err(Problem::invalid(detail).at("/share"));
    }
    let present = load(tenant, &assistant, &name, version).await?;
    let publication = Publication { assistant_id: assistant.id, name: &name, version, share };
    let was_in_use = present.published_at.is_some() || version == BUILT_IN;
    if let Some(gate) = assistant.settings.publish_gate.as_ref().filter(|_| !was_in_use) {
        refuse_again(tenant, &present, body.recheck).await?;
        begin_check(tenant, &caller, publication, gate).await?;
        return Ok((StatusCode::ACCEPTED, axum::Json(load(tenant, &assistant, &name, version).await?)));
    }
    let mut transaction = tenant.begin().await?;
    transaction.publish_prompt(publication).await?;
    transaction.insert_audit(&caller.actor(), "prompt.published", &place(&assistant, &name, version)).await?;
    transaction.commit().await?;
    Ok((StatusCode::OK, axum::Json(load(tenant, &assistant, &name, version).await?)))
}

/// Stops where a run is going on, or did not pass on the knowledge of now.
async fn refuse_again(tenant: Tenant<'_>, present: &PromptVersionObject, recheck: bool) -> Result<()> {
    let Some(run_id) = present.run_id else { return Ok(()) };
    if present.state == PromptState::Checking {
        let detail = format!("version {} waits for run `{run_id}`", present.version);
        return Err(Problem::conflict("gate_running", detail).hint(format!("GET /v1/evals/runs/{run_id}")));
    }
    let Some(refusal) = present.refusal.as_ref().filter(|_| !recheck) else { return Ok(()) };
    let run = tenant.load_eval_run(run_id).await?;
    let searched = run.setup.get("knowledge_version").and_then(serde_json::Value::as_i64);
    if searched != Some(tenant.change_seq().await?) {
        return Ok(());
    }
    let detail = format!("version {} did not pass the gate in run `{run_id}`: {refusal}", present.version);
    Err(Problem::conflict("gate_not_passed", detail)
        .hint(format!("GET /v1/evals/runs/{run_id}/report tells more; `recheck` asks the gate again")))
}

async fn begin_check(
    tenant: Tenant<'_>,
    caller: &Caller,
    publication: Publication<'_>,
    gate: &PublishGate,
) -> Result<()> {
    let dataset = tenant.find_dataset_by_name(&gate.dataset).await?.ok_or_else(|| {
        let detail = format!("the gate's dataset `{}` is not there", gate.dataset);
        Problem::conflict("gate_without_dataset", detail).hint("POST /v1/evals/datasets adds it")
    })?;
    let trial = Trial { prompt_version: Some(publication.version), ..Trial::default() };
    let new = NewRun {
        dataset_id: dataset.id,
        assistant_id: publication.assistant_id,
        fingerprint: String::new(),
        setup: serde_json::json!({ "trial": trial }),
        cases_total: dataset.cases,
    };
    let mut transaction = tenant.begin().await?;
    let run_id = transaction.insert_eval_run(new).await?;
    transaction.check_prompt(publication, run_id).await?;
    let now = transaction.now();
    transaction.enqueue(&RunEval { run_id }, now).await?;
    let place = format!("{} {} version {}", publication.assistant_id, publication.name, publication.version);
    transaction.insert_audit(&caller.actor(), "prompt.checked", &place).await?;
    Ok(transaction.commit().await?)
}

async fn assistant(tenant: Tenant<'_>, asked: Option<AssistantId>) -> Result<Assistant> {
    match asked {
        Some(id) => Ok(tenant.load_assistant(id).await?),
        None => default_assistant(tenant).await,
    }
}

fn built_in_source(name: &str) -> Result<prompts::BuiltIn> {
    let found = prompts::built_in().into_iter().find(|prompt| prompt.name == name);
    found.ok_or_else(|| Problem::not_found("prompt", name).hint("GET /v1/prompts lists them"))
}

async fn load(tenant: Tenant<'_>, assistant: &Assistant, name: &str, version: i64) -> Result<PromptVersionObject> {
    if version == BUILT_IN {
        return built_in(tenant, assistant, name).await;
    }
    built_in_source(name)?;
    Ok(tenant.load_prompt_version(assistant.id, name, version).await?.into())
}

/// The version that everybody gets who is on no trial.
async fn base(tenant: Tenant<'_>, assistant: &Assistant, name: &str) -> Result<i64> {
    let published = tenant.list_published_prompts(assistant.id, name).await?;
    Ok(published.iter().find(|version| version.share >= WHOLE).map_or(BUILT_IN, |version| version.version))
}

async fn built_in(tenant: Tenant<'_>, assistant: &Assistant, name: &str) -> Result<PromptVersionObject> {
    let prompt = built_in_source(name)?;
    let in_use = base(tenant, assistant, name).await? == BUILT_IN;
    Ok(PromptVersionObject {
        object: "prompt_version",
        name: name.to_owned(),
        version: BUILT_IN,
        state: if in_use { PromptState::Published } else { PromptState::Replaced },
        share: WHOLE,
        source: prompt.source.to_owned(),
        hash: prompt.hash(),
        note: None,
        run_id: None,
        refusal: None,
        created_at: None,
        published_at: None,
    })
}

fn place(assistant: &Assistant, name: &str, version: i64) -> String {
    format!("{} {name} version {version}", assistant.id)
}
