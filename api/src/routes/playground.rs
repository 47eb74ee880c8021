//! Dry runs: an assistant with draft settings answers a question, and nothing is stored.

use crate::app::App;
use crate::auth::Caller;
use crate::body::Json;
use crate::error::Result;
use crate::routes::answers::{AnswerObject, Asked, Said, answer};
use crate::routes::assistants::{AssistantSettingsObject, default_assistant, merged};
use axum::extract::State;
use domain::{AssistantId, CustomerId};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

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
}

/// Runs the pipeline with draft settings; only what a model call cost is recorded.
#[utoipa::path(post, path = "/v1/playground/runs", tag = "playground", request_body = CreatePlaygroundRun,
    responses((status = 200, description = "The answer with its trace", body = AnswerObject)))]
pub(crate) async fn create_playground_run(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreatePlaygroundRun>,
) -> Result<axum::Json<AnswerObject>> {
    let tenant = app.of(caller.organization_id());
    let mut assistant = match body.assistant {
        Some(id) => tenant.load_assistant(id).await?,
        None => default_assistant(tenant).await?,
    };
    assistant.settings = merged(&assistant.settings, body.settings)?;
    let facts = match body.customer {
        Some(id) => {
            tenant.load_customer(id).await?;
            tenant.list_facts(id, tenant.now(), FACTS_READ).await?
        }
        None => Vec::new(),
    };
    let asked = Asked { text: body.question, history: body.history, facts };
    answer(&app, caller.organization_id(), assistant, asked).await
}
