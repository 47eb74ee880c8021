//! The model that an organization connects by itself. Its key goes in and is used; it never comes out.

use crate::app::App;
use crate::auth::Caller;
use crate::body::Json;
use crate::error::{Problem, Result};
use axum::extract::State;
use axum::http::StatusCode;
use domain::Time;
use llm::Secret;
use serde::{Deserialize, Serialize};
use storage::model_endpoints::{ModelEndpoint, NewModelEndpoint};
use url::Url;
use utoipa::ToSchema;

/// Characters of an address at most.
const BASE_URL_CHARS_MAX: usize = 500;
/// Characters of a model's name at most.
const MODEL_CHARS_MAX: usize = 200;
/// Characters of a key at most.
const KEY_CHARS_MAX: usize = 1_000;
/// A shorter key would be half told by its end.
const HINTED_KEY_CHARS_MIN: usize = 12;
/// Characters of a key's end that are shown.
const HINT_CHARS: usize = 4;

/// Which model writes this organization's answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct ModelSettingsObject {
    /// Always `model_settings`.
    object: &'static str,
    /// The address of the organization's own model; absent, it has none.
    base_url: Option<String>,
    /// Its name there.
    model: Option<String>,
    /// Whether a key is kept for it.
    has_key: bool,
    /// The last four characters of that key, where it is long enough.
    key_hint: Option<String>,
    #[schema(value_type = Option<String>, format = "date-time")]
    updated_at: Option<Time>,
    /// What the installation's settings name: it writes where the organization has no model of its own.
    installation_model: Option<String>,
    /// What compares meanings; absent, only words are compared.
    embedding: Option<String>,
}

impl ModelSettingsObject {
    fn new(app: &App, endpoint: Option<ModelEndpoint>) -> axum::Json<Self> {
        let installation = app.desk.models.installation();
        let embedder = app.desk.embedder.embedder();
        axum::Json(Self {
            object: "model_settings",
            has_key: endpoint.as_ref().is_some_and(|endpoint| endpoint.sealed_key.is_some()),
            updated_at: endpoint.as_ref().map(|endpoint| endpoint.updated_at),
            key_hint: endpoint.as_ref().and_then(|endpoint| endpoint.key_hint.clone()),
            model: endpoint.as_ref().map(|endpoint| endpoint.model.clone()),
            base_url: endpoint.map(|endpoint| endpoint.base_url),
            installation_model: installation.map(|model| model.id().to_owned()),
            embedding: embedder.map(|model| model.model_id().to_owned()),
        })
    }
}

/// Reads which model writes.
#[utoipa::path(get, path = "/v1/settings/model", tag = "assistants", operation_id = "get_model_settings",
    responses((status = 200, description = "The model", body = ModelSettingsObject)))]
pub(crate) async fn get_model_settings(
    State(app): State<App>,
    caller: Caller,
) -> Result<axum::Json<ModelSettingsObject>> {
    let endpoint = app.of(caller.organization_id()).find_model_endpoint().await?;
    Ok(ModelSettingsObject::new(&app, endpoint))
}

/// A model to connect.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PutModelSettings {
    /// An endpoint that speaks as `OpenAI`'s does, up to and with `/v1`.
    #[schema(example = "https://api.openai.com/v1")]
    base_url: String,
    /// The model by the endpoint's name.
    model: String,
    /// Absent keeps the key where the address stays the same; empty takes it out.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    api_key: Option<Secret>,
}

/// Connects a model: from the next message on it writes this organization's answers.
#[utoipa::path(put, path = "/v1/settings/model", tag = "assistants", operation_id = "put_model_settings",
    request_body = PutModelSettings,
    responses((status = 200, description = "The model as it is now", body = ModelSettingsObject)))]
pub(crate) async fn put_model_settings(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<PutModelSettings>,
) -> Result<axum::Json<ModelSettingsObject>> {
    let id = caller.organization_id();
    let typed = Typed::read(&body.base_url, &body.model, body.api_key)?;
    let stored = app.of(id).find_model_endpoint().await?;
    let kept = typed.kept(stored.as_ref())?;
    check_reachable(&app, &typed)?;
    let models = &app.desk.models;
    let (sealed_key, key_hint) = match (&typed.api_key, kept) {
        (Some(key), _) if !key.is_empty() => {
            let sealed = models.seal(id, &typed.base_url, key).map_err(|error| unsealed(&error))?;
            (Some(sealed), hint(key))
        }
        (None, Some(kept)) => (kept.sealed_key.clone(), kept.key_hint.clone()),
        (Some(_), _) | (None, None) => (None, None),
    };
    let Typed { base_url, model, .. } = typed;
    let mut transaction = app.of(id).begin().await?;
    let new = NewModelEndpoint { base_url, model, sealed_key, key_hint, updated_by: caller.actor() };
    let endpoint = transaction.put_model_endpoint(new).await?;
    transaction.insert_audit(&caller.actor(), "settings.updated", "model").await?;
    transaction.commit().await?;
    Ok(ModelSettingsObject::new(&app, Some(endpoint)))
}

/// Takes the organization's own model and its key away; the installation's writes again, where there is one.
#[utoipa::path(delete, path = "/v1/settings/model", tag = "assistants", operation_id = "delete_model_settings",
    responses((status = 204, description = "There is none any more")))]
pub(crate) async fn delete_model_settings(State(app): State<App>, caller: Caller) -> Result<StatusCode> {
    let mut transaction = app.of(caller.organization_id()).begin().await?;
    if transaction.delete_model_endpoint().await? {
        transaction.insert_audit(&caller.actor(), "settings.deleted", "model").await?;
    }
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What was typed, in one spelling.
pub(crate) struct Typed {
    pub(crate) base_url: String,
    pub(crate) model: String,
    pub(crate) api_key: Option<Secret>,
}

impl Typed {
    pub(crate) fn read(base_url: &str, model: &str, api_key: Option<Secret>) -> Result<Self> {
        let base_url = address(base_url.trim())?;
        let model = model.trim().to_owned();
        if model.is_empty() || model.chars().count() > MODEL_CHARS_MAX {
            return Err(Problem::invalid(format!("`model` has from 1 to {MODEL_CHARS_MAX} characters")).at("/model"));
        }
        let api_key = api_key.map(|key| Secret::new(key.expose().trim()));
        let fits = |key: &Secret| {
            let text = key.expose();
            text.len() <= KEY_CHARS_MAX && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if api_key.as_ref().is_some_and(|key| !fits(key)) {
            let detail =
                format!("`api_key` has at most {KEY_CHARS_MAX} characters, without spaces or letters beyond ASCII");
            return Err(Problem::invalid(detail).at("/api_key"));
        }
        Ok(Self { base_url, model, api_key })
    }

    /// The stored endpoint whose key goes on being used; none where a key was typed or none is kept.
    pub(crate) fn kept<'a>(&self, stored: Option<&'a ModelEndpoint>) -> Result<Option<&'a ModelEndpoint>> {
        let Some(stored) = stored.filter(|stored| self.api_key.is_none() && stored.sealed_key.is_some()) else {
            return Ok(None);
        };
        if stored.base_url != self.base_url {
            let detail = format!("`api_key` is missing: the key that is kept goes to {} only", stored.base_url);
            return Err(Problem::invalid(detail)
                .hint("type the key for the new address, or an empty one")
                .at("/api_key"));
        }
        Ok(Some(stored))
    }
}

/// The address as the URL parser spells it, without a slash at its end.
fn address(text: &str) -> Result<String> {
    let invalid = |what: &str| Problem::invalid(format!("`base_url` {what}")).at("/base_url");
    if text.is_empty() || text.chars().count() > BASE_URL_CHARS_MAX {
        return Err(invalid(&format!("has from 1 to {BASE_URL_CHARS_MAX} characters")));
    }
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let example = "an address such as https://api.openai.com/v1";
    let url = url.ok_or_else(|| invalid("is no address").hint(format!("write {example}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("carries a user name or password").hint("the key has a field of its own"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("has a query or a fragment").hint(format!("write {example}")));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Whether the installation lets organizations reach it, as far as the address tells.
pub(crate) fn check_reachable(app: &App, typed: &Typed) -> Result<()> {
    let opened = app.desk.models.try_out(&typed.base_url, &typed.model, Secret::default());
    opened.map(drop).map_err(|error| Problem::invalid(error.to_string()).at("/base_url"))
}

fn hint(key: &Secret) -> Option<String> {
    let text = key.expose();
    let start = text.len().checked_sub(HINT_CHARS).filter(|_| text.len() >= HINTED_KEY_CHARS_MIN)?;
    text.get(start..).map(str::to_owned)
}

/// A key that cannot be sealed or opened: the installation is to repair it.
pub(crate) fn unsealed(error: &llm::Error) -> Problem {
    tracing::error!(%error, "a model's key cannot be kept");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "secrets_unavailable", error.to_string())
}
