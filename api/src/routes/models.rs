//! The models that answer and embed: which there are, and whether they work.

use crate::app::App;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use axum::extract::State;
use domain::trace::PromptMessage;
use llm::{CallBudget, ChatRequest};
use serde::Serialize;
use std::time::{Duration, Instant};
use utoipa::ToSchema;

/// How long a trial may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Tokens that a trial asks for: enough for models that think before they speak.
const OUTPUT_TOKENS_MAX: usize = 64;

/// The models of this installation. They stand in its settings: `[llm]` and `[embedding]`.
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
pub(crate) async fn get_models(State(app): State<App>, _caller: Caller) -> axum::Json<ModelsObject> {
    axum::Json(ModelsObject {
        object: "models",
        chat: app.desk.chat.as_ref().map(|model| model.id().to_owned()),
        embedding: app.desk.embedder.embedder().map(|model| model.model_id().to_owned()),
    })
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

/// Has the model write one word, outside of budgets and usage.
#[utoipa::path(post, path = "/v1/models/test", tag = "assistants", operation_id = "create_model_test",
    responses((status = 200, description = "It works", body = ModelTestObject)))]
pub(crate) async fn create_model_test(State(app): State<App>, _caller: Caller) -> Result<axum::Json<ModelTestObject>> {
    let Some(model) = &app.desk.chat else {
        return Err(Problem::conflict("no_model", "no model is connected: answers quote the knowledge")
            .hint("set `llm.base_url` in frontdesk.toml or OPENAI_BASE_URL, then start again"));
    };
    let request = ChatRequest {
        messages: vec![PromptMessage { role: "user".to_owned(), content: "Reply with the word: ready".to_owned() }],
        output_tokens_max: OUTPUT_TOKENS_MAX,
        budget: CallBudget::new(1).until(tokio::time::Instant::now() + PATIENCE),
        ..ChatRequest::default()
    };
    let begun = Instant::now();
    let completion = model.complete(&request, None).await.map_err(|error| {
        Problem::conflict("model_failed", error.to_string()).hint("`frontdesk doctor` looks closer and names the fix")
    })?;
    Ok(axum::Json(ModelTestObject {
        object: "model_test",
        model: completion.model,
        text: completion.text,
        duration_ms: begun.elapsed().as_secs_f64() * 1_000.0,
        input_tokens: completion.usage.input_tokens,
        output_tokens: completion.usage.output_tokens,
    }))
}
