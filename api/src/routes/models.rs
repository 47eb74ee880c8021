//! The models that answer and embed: which there are, and whether they work.

use crate::app::App;
use crate::auth::Caller;
use crate::body::Json;
use crate::error::{Problem, Result};
use crate::routes::model_settings::{Typed, check_reachable, unsealed};
use axum::extract::State;
use domain::trace::PromptMessage;
use domain::{ErrorKind, Kinded};
use llm::{CallBudget, ChatModel, ChatRequest, Secret};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::{Duration, Instant};
use storage::model_endpoints::ModelEndpoint;
use utoipa::ToSchema;

/// How long a trial may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Tokens that a trial asks for: enough for models that think before they speak.
const OUTPUT_TOKENS_MAX: usize = 64;

/// The models that answer and compare: an organization's own, else those of the installation's settings.
#[derive(Serialize, ToSchema)]
pub(crate) struct ModelsObject {
    /// Always `models`.
    object: &'static str,
    /// What writes answers; absent, answers quote the knowledge.
    chat: Option<String>,
    /// What compares meanings; absent, only words are compared.
    embedding: Option<String>,
}

/// Reads which models there are.
#[utoipa::path(get, path = "/v1/models", tag = "assistants", operation_id = "get_models",
    responses((status = 200, description = "The models", body = ModelsObject)))]
pub(crate) async fn get_models(State(app): State<App>, caller: Caller) -> Result<axum::Json<ModelsObject>> {
    let chat = app.desk.model_of(caller.organization_id()).await?;
    Ok(axum::Json(ModelsObject {
        object: "models",
        chat: chat.map(|model| model.id().to_owned()),
        embedding: app.desk.embedder.embedder().map(|model| model.model_id().to_owned()),
    }))
}

/// A model to try before it is connected; what is absent is what is connected.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateModelTest {
    #[serde(default)]
    base_url: Option<String>,
    #[serde(default)]
    model: Option<String>,
    /// Absent uses the kept key, at the address that it is kept for.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    api_key: Option<Secret>,
}

/// What a trial of the model showed.
#[derive(Serialize, ToSchema)]
pub(crate) struct ModelTestObject {
    /// Always `model_test`.
    object: &'static str,
    model: String,
    /// What it wrote.
    text: String,
    duration_ms: f64,
    input_tokens: i64,
    output_tokens: i64,
}

/// Has a model write one word, outside of budgets and usage: the one that answers, or one that is typed.
#[utoipa::path(post, path = "/v1/models/test", tag = "assistants", operation_id = "create_model_test",
    request_body = Option<CreateModelTest>, responses((status = 200, description = "It works", body = ModelTestObject)))]
pub(crate) async fn create_model_test(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateModelTest>,
) -> Result<axum::Json<ModelTestObject>> {
    let Some(model) = tried(&app, &caller, body).await? else {
        return Err(Problem::conflict("no_model", "no model is connected: answers quote the knowledge")
            .hint("connect one with PUT /v1/settings/model, or set `llm.base_url` in frontdesk.toml and start again"));
    };
    let request = ChatRequest {
        messages: vec![PromptMessage { role: "user".to_owned(), content: "Reply with the word: ready".to_owned() }],
        output_tokens_max: OUTPUT_TOKENS_MAX,
        budget: CallBudget::new(1).until(tokio::time::Instant::now() + PATIENCE),
        ..ChatRequest::default()
    };
    let begun = Instant::now();
    let completion = model.complete(&request, None).await.map_err(|error| failed(&error))?;
    Ok(axum::Json(ModelTestObject {
        object: "model_test",
        model: completion.model,
        text: completion.text,
        duration_ms: begun.elapsed().as_secs_f64() * 1_000.0,
        input_tokens: completion.usage.input_tokens,
        output_tokens: completion.usage.output_tokens,
    }))
}

/// The model that is to be tried.
async fn tried(app: &App, caller: &Caller, body: CreateModelTest) -> Result<Option<Arc<dyn ChatModel>>> {
    let stored = app.of(caller.organization_id()).find_model_endpoint().await?;
    let models = &app.desk.models;
    let CreateModelTest { base_url, model, api_key } = body;
    if base_url.is_none() && model.is_none() && api_key.is_none() {
        return Ok(models.of(stored.as_ref()));
    }
    let of_stored = |field: fn(&ModelEndpoint) -> &String| stored.as_ref().map(field).cloned().unwrap_or_default();
    let base_url = base_url.unwrap_or_else(|| of_stored(|stored| &stored.base_url));
    let model = model.unwrap_or_else(|| of_stored(|stored| &stored.model));
    let typed = Typed::read(&base_url, &model, api_key)?;
    let kept = typed.kept(stored.as_ref())?;
    check_reachable(app, &typed)?;
    let key = match (typed.api_key, kept) {
        (Some(key), _) => key,
        (None, Some(kept)) => models.key_of(kept).map_err(|error| unsealed(&error))?,
        (None, None) => Secret::default(),
    };
    let opened = models.try_out(&typed.base_url, &typed.model, key);
    Ok(Some(opened.map_err(|error| Problem::invalid(error.to_string()).at("/base_url"))?))
}

/// Why the model did not write, with what to look at first.
fn failed(error: &llm::Error) -> Problem {
    let hint = match error.kind() {
        ErrorKind::Unauthenticated => "check the key",
        ErrorKind::Forbidden => "check the account's quota, and which models the key may use",
        ErrorKind::NotFound => {
            "check the model's name, and that the base URL ends where its API begins: mostly with /v1"
        }
        ErrorKind::RateLimited => "wait, then try again: turns wait and try again by themselves",
        ErrorKind::Unavailable => "is it running, and can the computer that runs this desk reach it?",
        ErrorKind::Invalid | ErrorKind::Conflict | ErrorKind::Internal => {
            "`frontdesk doctor` looks closer and names the fix"
        }
    };
    Problem::conflict("model_failed", error.to_string()).hint(hint)
}
