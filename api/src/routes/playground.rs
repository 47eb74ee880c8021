//! Dry runs: an assistant with draft settings answers a question, and nothing is stored.

use crate::app::App;
use crate::auth::Caller;
use crate::body::Json;
use crate::error::{Problem, Result};
use crate::routes::answers::{AnswerObject, Asked, Said, Template, answer};
use crate::routes::assistants::{AssistantSettingsObject, default_assistant, merged};
use crate::routes::messages::{Wanted, deltas, event};
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use domain::assistant::Assistant;
use domain::{AssistantId, CustomerId, OrganizationId};
use futures::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::convert::Infallible;
use std::time::Duration;
use storage::Tenant;
use utoipa::ToSchema;

/// How often a stream without news shows that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Facts of the customer that are read.
const FACTS_READ: i64 = 200;

/// A dry run.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreatePlaygroundRun {
    question: String,
    /// Who answers; the desk's own assistant where absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    assistant: Option<AssistantId>,
    /// Settings to try in place of the assistant's own, each by its name.
    #[serde(default)]
    #[schema(value_type = Option<AssistantSettingsObject>)]
    settings: Map<String, Value>,
    /// Whose facts are recalled.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    customer: Option<CustomerId>,
    /// What was said before, oldest first.
    #[serde(default)]
    history: Vec<Said>,
    /// The version of the answer prompt to try; the published one where absent.
    #[serde(default)]
    prompt_version: Option<i64>,
    /// A template to try in place of a version.
    #[serde(default)]
    prompt_text: Option<String>,
}

/// What a run tries in place of what is in force.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trial {
    /// Who answers; the desk's own assistant where absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(crate) assistant: Option<AssistantId>,
    /// Settings to try in place of the assistant's own, each by its name.
    #[serde(default)]
    #[schema(value_type = Option<AssistantSettingsObject>)]
    pub(crate) settings: Map<String, Value>,
    /// Whose facts are recalled.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(crate) customer: Option<CustomerId>,
    /// The version of the answer prompt to try; the published one where absent.
    #[serde(default)]
    pub(crate) prompt_version: Option<i64>,
    /// A template to try in place of a version.
    #[serde(default)]
    pub(crate) prompt_text: Option<String>,
}

/// Runs the pipeline with draft settings; only what a model call cost is recorded.
///
/// With `Accept: text/event-stream` the events are `run.started`, then a `run.delta` for each sentence
/// of the answer once it is verified, then `run.completed` with the answer and its trace, or `error`.
#[utoipa::path(post, path = "/v1/playground/runs", tag = "playground", request_body = CreatePlaygroundRun,
    responses((status = 200, description = "The answer with its trace", body = AnswerObject)))]
pub(crate) async fn create_playground_run(
    State(app): State<App>,
    caller: Caller,
    wanted: Wanted,
    Json(body): Json<CreatePlaygroundRun>,
) -> Result<Response> {
    let trial = Trial {
        assistant: body.assistant,
        settings: body.settings,
        customer: body.customer,
        prompt_version: body.prompt_version,
        prompt_text: body.prompt_text,
    };
    let (assistant, mut asked) = prepared(app.of(caller.organization_id()), trial, body.question).await?;
    asked.history = body.history;
    match wanted {
        Wanted::Stream => Ok(stream_run(app, caller.organization_id(), assistant, asked)),
        Wanted::Later | Wanted::Answer => {
            Ok(axum::Json(answer(&app, caller.organization_id(), assistant, asked).await?).into_response())
        }
    }
}

/// Who answers with what settings, and what they are asked.
pub(crate) async fn prepared(tenant: Tenant<'_>, trial: Trial, question: String) -> Result<(Assistant, Asked)> {
    let mut assistant = match trial.assistant {
        Some(id) => tenant.load_assistant(id).await?,
        None => default_assistant(tenant).await?,
    };
    assistant.settings = merged(&assistant.settings, trial.settings)?;
    let facts = match trial.customer {
        Some(id) => {
            tenant.load_customer(id).await?;
            tenant.list_facts(id, tenant.now(), FACTS_READ).await?
        }
        None => Vec::new(),
    };
    let template = match (trial.prompt_text, trial.prompt_version) {
        (Some(_), Some(_)) => {
            return Err(Problem::invalid("give `prompt_text` or `prompt_version`, not both").at("/prompt_text"));
        }
        (Some(text), None) => Template::Draft(checked(text)?),
        (None, Some(version)) => Template::Version(version),
        (None, None) => Template::InUse,
    };
    Ok((assistant, Asked { text: question, history: Vec::new(), facts, template }))
}

fn checked(text: String) -> Result<String> {
    prompts::check_answer(&text).map_err(|error| Problem::invalid(error.to_string()).at("/prompt_text"))?;
    Ok(text)
}

fn stream_run(app: App, organization_id: OrganizationId, assistant: Assistant, asked: Asked) -> Response {
    let started = event("run.started", &json!({ "assistant_id": assistant.id }));
    let run = stream::once(async move {
        match answer(&app, organization_id, assistant, asked).await {
            Ok(answer) => pieces(&answer),
            Err(problem) => vec![event("error", &problem.into_body(""))],
        }
    });
    let events = stream::iter([started]).chain(run.flat_map(stream::iter));
    let numbered = events.enumerate().map(|(place, event)| Ok::<_, Infallible>(event.id((place + 1).to_string())));
    Sse::new(numbered).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response()
}

fn pieces(answer: &AnswerObject) -> Vec<Event> {
    let deltas = deltas(&answer.content).into_iter().map(|delta| event("run.delta", &json!({ "delta": delta })));
    deltas.chain([event("run.completed", answer)]).collect()
}
