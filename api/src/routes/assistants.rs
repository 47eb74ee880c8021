//! Assistants: who answers, and how.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path};
use crate::error::{Problem, Result};
use crate::list::List;
use axum::extract::State;
use axum::http::StatusCode;
use domain::assistant::{Assistant, AssistantSettings};
use domain::staffing::HandoffRules;
use domain::usage::Budget;
use domain::{AssistantId, Time};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use storage::Tenant;
use utoipa::ToSchema;

/// Characters of a name at most.
const NAME_CHARS_MAX: usize = 100;
/// Characters of the instructions at most.
const INSTRUCTIONS_CHARS_MAX: usize = 8_000;
/// Passages in a prompt at most.
const PASSAGES_MAX: usize = 50;
/// Tokens of a prompt at most.
const PROMPT_TOKENS_MAX: usize = 1_000_000;

/// An AI persona.
#[derive(Serialize, ToSchema)]
pub(crate) struct AssistantObject {
    #[schema(value_type = String, example = "ast_01jd3q5w8hf3k9m2n4p6r8t0vx")]
    id: AssistantId,
    /// Always `assistant`.
    object: &'static str,
    /// The name customers see.
    name: String,
    #[schema(value_type = AssistantSettingsObject)]
    settings: AssistantSettings,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Time,
}

/// How an assistant answers.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes `AssistantSettings` in the OpenAPI document")]
pub(crate) struct AssistantSettingsObject {
    /// What the desk is about and how to speak.
    instructions: String,
    /// Reply language, ISO 639-1; `null` replies in the customer's.
    language: Option<String>,
    /// The model to ask; `null` takes the configured default.
    model: Option<String>,
    /// Below this confidence a person takes over, 0 to 1.
    confidence_min: f64,
    /// At most so many clarifying questions in a row.
    clarifications_max: i64,
    /// Passages in the prompt at most.
    passages_max: usize,
    /// When a person takes over, whatever the AI could answer: `{"topics": [{"words": ["chargeback"], "skill": "billing"}],
    /// "languages": ["fr"], "angry": true, "failed_turns": 2, "ai_hours": "always", "offer_first": false}`;
    /// `ai_hours` is `always`, `open` or `closed`.
    #[schema(value_type = Object)]
    handoff: serde_json::Value,
    /// At most this share of the given answers may be wrong; only as far as the calibration promises it.
    target_error: Option<f64>,
    /// What turns confidences into probabilities; `null` is uncalibrated.
    #[schema(value_type = Option<Object>)]
    calibration: Option<serde_json::Value>,
    /// Weight of the vectors in the fusion, 0 to 1.
    dense_weight: f64,
    /// Tokens of the whole prompt at most.
    prompt_tokens_max: usize,
    /// Tokens of the conversation window at most.
    window_tokens_max: usize,
    /// What its model calls may cost: `day_micro_usd month_micro_usd day_tokens month_tokens`.
    #[schema(value_type = Option<Object>)]
    budget: Option<serde_json::Value>,
    /// The model that is asked where the budget has no room for the usual one.
    cheaper_model: Option<String>,
    /// What is done where it has no room for that one either: `extractive` or `hand_off`.
    over_budget: String,
    /// What a version of the prompt must hold before it goes live: `dataset`, and bounds `min` and `max` by metric.
    #[schema(value_type = Option<Object>)]
    publish_gate: Option<serde_json::Value>,
}

impl From<Assistant> for AssistantObject {
    fn from(assistant: Assistant) -> Self {
        Self {
            id: assistant.id,
            object: "assistant",
            name: assistant.name,
            settings: assistant.settings,
            created_at: assistant.created_at,
            updated_at: assistant.updated_at,
        }
    }
}

/// The assistant that answers where nothing else is said.
pub(crate) async fn default_assistant(tenant: Tenant<'_>) -> Result<Assistant> {
    let organization = tenant.load_organization().await?;
    if let Some(id) = organization.settings.default_assistant {
        return Ok(tenant.load_assistant(id).await?);
    }
    let assistants = tenant.list_assistants().await?;
    assistants.into_iter().next().ok_or_else(|| {
        Problem::conflict("no_assistant", "this organization has no assistant").hint("POST /v1/assistants makes one")
    })
}

/// Lists the assistants, the oldest first.
#[utoipa::path(get, path = "/v1/assistants", tag = "assistants",
    responses((status = 200, description = "All assistants", body = List<AssistantObject>)))]
pub(crate) async fn list_assistants(
    State(app): State<App>,
    caller: Caller,
) -> Result<axum::Json<List<AssistantObject>>> {
    let assistants = app.of(caller.organization_id()).list_assistants().await?;
    Ok(axum::Json(List::whole(assistants.into_iter().map(AssistantObject::from).collect())))
}

/// Reads an assistant.
#[utoipa::path(get, path = "/v1/assistants/{id}", tag = "assistants", params(("id" = String, Path)),
    responses((status = 200, description = "The assistant", body = AssistantObject)))]
pub(crate) async fn get_assistant(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<AssistantId>,
) -> Result<axum::Json<AssistantObject>> {
    Ok(axum::Json(app.of(caller.organization_id()).load_assistant(id).await?.into()))
}

/// An assistant to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateAssistant {
    name: String,
    /// Settings that differ from the defaults.
    #[serde(default)]
    #[schema(value_type = Object)]
    settings: Map<String, Value>,
}

/// Adds an assistant.
#[utoipa::path(post, path = "/v1/assistants", tag = "assistants", request_body = CreateAssistant,
    responses((status = 201, description = "It was added", body = AssistantObject)))]
pub(crate) async fn create_assistant(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateAssistant>,
) -> Result<(StatusCode, axum::Json<AssistantObject>)> {
    check_name(&body.name)?;
    let settings = merged(&AssistantSettings::default(), body.settings)?;
    let mut transaction = app.of(caller.organization_id()).begin().await?;
    let assistant = transaction.insert_assistant(&body.name, settings).await?;
    transaction.insert_audit(&caller.actor(), "assistant.created", &assistant.id.to_string()).await?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, axum::Json(assistant.into())))
}

/// Changes of an assistant; what is absent stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateAssistant {
    #[serde(default)]
    name: Option<String>,
    /// The settings to change, each by its name.
    #[serde(default)]
    #[schema(value_type = Object)]
    settings: Map<String, Value>,
}

/// Changes an assistant.
#[utoipa::path(patch, path = "/v1/assistants/{id}", tag = "assistants", params(("id" = String, Path)),
    request_body = UpdateAssistant,
    responses((status = 200, description = "The assistant as it is now", body = AssistantObject)))]
pub(crate) async fn update_assistant(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<AssistantId>,
    Json(body): Json<UpdateAssistant>,
) -> Result<axum::Json<AssistantObject>> {
    let tenant = app.of(caller.organization_id());
    let present = tenant.load_assistant(id).await?;
    let name = body.name.unwrap_or(present.name);
    check_name(&name)?;
    let settings = merged(&present.settings, body.settings)?;
    let mut transaction = tenant.begin().await?;
    transaction.update_assistant(id, &name, &settings).await?;
    transaction.insert_audit(&caller.actor(), "assistant.updated", &id.to_string()).await?;
    transaction.commit().await?;
    Ok(axum::Json(tenant.load_assistant(id).await?.into()))
}

/// The settings with some of them replaced, if they are sound then.
pub(crate) fn merged(present: &AssistantSettings, changes: Map<String, Value>) -> Result<AssistantSettings> {
    let mut fields = serde_json::to_value(present).unwrap_or_default();
    if let Value::Object(fields) = &mut fields {
        fields.extend(changes);
    }
    let settings: AssistantSettings = serde_path_to_error::deserialize(fields).map_err(|error| {
        let pointer = format!("/settings/{}", error.path().to_string().replace('.', "/"));
        Problem::invalid(error.inner().to_string()).at(pointer)
    })?;
    check(&settings)?;
    Ok(settings)
}

fn check(settings: &AssistantSettings) -> Result<()> {
    let rules = [
        (
            settings.instructions.chars().count() <= INSTRUCTIONS_CHARS_MAX,
            "instructions",
            format!("at most {INSTRUCTIONS_CHARS_MAX} characters long"),
        ),
        ((0.0..=1.0).contains(&settings.confidence_min), "confidence_min", "from 0 to 1".to_owned()),
        ((0.0..=1.0).contains(&settings.dense_weight), "dense_weight", "from 0 to 1".to_owned()),
        ((0..=10).contains(&settings.clarifications_max), "clarifications_max", "from 0 to 10".to_owned()),
        ((1..=PASSAGES_MAX).contains(&settings.passages_max), "passages_max", format!("from 1 to {PASSAGES_MAX}")),
        (
            (200..=PROMPT_TOKENS_MAX).contains(&settings.prompt_tokens_max),
            "prompt_tokens_max",
            format!("from 200 to {PROMPT_TOKENS_MAX}"),
        ),
        (
            settings.window_tokens_max <= settings.prompt_tokens_max,
            "window_tokens_max",
            "at most `prompt_tokens_max`".to_owned(),
        ),
        (
            handoff_rules_are_sound(&settings.handoff),
            "handoff",
            "at most 100 topics of 1 to 100 words, languages as two letters, `failed_turns` from 1 to 20".to_owned(),
        ),
        (is_sound(&settings.budget), "budget", "of whole numbers from 0".to_owned()),
        (refusal(settings).is_none(), "target_error", refusal(settings).unwrap_or_default()),
    ];
    match rules.into_iter().find(|(kept, ..)| !kept) {
        None => Ok(()),
        Some((_, field, rule)) => {
            Err(Problem::invalid(format!("`{field}` is {rule}")).at(format!("/settings/{field}")))
        }
    }
}

fn handoff_rules_are_sound(rules: &HandoffRules) -> bool {
    let is_word = |word: &String| (1..=100).contains(&word.trim().chars().count());
    let topics =
        rules.topics.iter().all(|topic| (1..=100).contains(&topic.words.len()) && topic.words.iter().all(is_word));
    let is_code = |code: &String| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic());
    rules.topics.len() <= 100
        && topics
        && rules.languages.len() <= 100
        && rules.languages.iter().all(is_code)
        && rules.failed_turns.is_none_or(|turns| (1..=20).contains(&turns))
}

fn is_sound(budget: &Budget) -> bool {
    let limits = [budget.day_micro_usd, budget.month_micro_usd, budget.day_tokens, budget.month_tokens];
    limits.into_iter().flatten().all(|limit| limit >= 0)
}

/// Why the target error rate cannot be promised, where one is set and cannot.
fn refusal(settings: &AssistantSettings) -> Option<String> {
    let target = settings.target_error?;
    match &settings.calibration {
        _ if !(target > 0.0 && target < 1.0) => Some("above 0 and below 1".to_owned()),
        Some(calibration) => calibration.refusal(target).map(|refusal| format!("not promised: {refusal}")),
        None => Some(
            "only promised by a calibration: POST /v1/evals/runs/{id}/calibration or /v1/assistants/{id}/calibration"
                .to_owned(),
        ),
    }
}

fn check_name(name: &str) -> Result<()> {
    let characters = name.trim().chars().count();
    if characters == 0 || characters > NAME_CHARS_MAX {
        return Err(Problem::invalid(format!("`name` has from 1 to {NAME_CHARS_MAX} characters")).at("/name"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn changed(changes: Value) -> Result<AssistantSettings> {
        let Value::Object(changes) = changes else { unreachable!() };
        merged(&AssistantSettings::default(), changes)
    }

    #[test]
    fn settings_change_one_by_one_and_stay_sound() {
        let settings = changed(json!({ "confidence_min": 0.7 })).unwrap();
        assert!((settings.confidence_min - 0.7).abs() < f64::EPSILON);
        assert_eq!(settings.passages_max, AssistantSettings::default().passages_max);
        for (unsound, pointer) in [
            (json!({ "confidence_min": 1.2 }), "/settings/confidence_min"),
            (json!({ "confidence": 0.2 }), "/settings/confidence"),
            (json!({ "passages_max": "six" }), "/settings/passages_max"),
            (json!({ "window_tokens_max": 9_000 }), "/settings/window_tokens_max"),
        ] {
            let problem = format!("{:?}", changed(unsound).unwrap_err());
            assert!(problem.contains(&format!("{pointer:?}")), "{problem}");
        }
    }
}
