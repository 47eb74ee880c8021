//! API keys.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path, Query};
use crate::error::{Problem, Result};
use crate::idempotency::KeptInstead;
use crate::keys::create_until;
use crate::list::{self, List};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::key::{Key, Scope};
use domain::{KeyId, Time};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A key without its secret.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct KeyObject {
    #[schema(value_type = String)]
    id: KeyId,
    /// Always `key`.
    #[serde(rename = "object")]
    kind: &'static str,
    name: String,
    /// The first characters of the plain key, to recognise it by.
    prefix: String,
    /// `admin`, `conversations`, `knowledge`, `playground`, `evals`, `usage`.
    #[schema(value_type = Vec<String>)]
    scopes: Vec<Scope>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Time>,
    /// When it was used last, to the minute.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Time>,
}

impl From<Key> for KeyObject {
    fn from(key: Key) -> Self {
        Self {
            id: key.id,
            kind: "key",
            name: key.name,
            prefix: key.prefix,
            scopes: key.scopes,
            created_at: key.created_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            last_used_at: key.last_used_at,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListKeys {
    /// From 1 to 100; 20 where absent.
    limit: Option<i64>,
    /// The `next_cursor` of the stretch before.
    after: Option<String>,
}

/// Lists keys, the newest first, revoked ones too.
#[utoipa::path(get, path = "/v1/keys", tag = "keys", params(ListKeys),
    responses((status = 200, description = "A stretch of the list", body = List<KeyObject>)))]
pub(crate) async fn list_keys(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListKeys>,
) -> Result<axum::Json<List<KeyObject>>> {
    let limit = list::limit(query.limit)?;
    let after = list::keyset(query.after.as_deref())?;
    let rows = app.of(caller.organization_id()).list_keys(after, limit + 1).await?;
    let cursor = |row: &Key| list::cursor(row.created_at, row.id);
    Ok(axum::Json(List::stretch(rows, limit, cursor, KeyObject::from)))
}

/// A key to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateKey {
    name: String,
    /// `admin`, `conversations`, `knowledge`, `playground`, `evals`, `usage`.
    #[schema(value_type = Vec<String>)]
    scopes: Vec<Scope>,
    /// Refused from then on.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Time>,
}

/// A key that was just made.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyCreated {
    #[serde(flatten)]
    key_object: KeyObject,
    /// The plain key. It is shown this once; a repeated request shows `null`.
    key: Option<String>,
}

/// Makes a key.
#[utoipa::path(post, path = "/v1/keys", tag = "keys", request_body = CreateKey,
    responses((status = 201, description = "The key, with its secret this once", body = KeyCreated)))]
pub(crate) async fn create_key(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateKey>,
) -> Result<Response> {
    if body.expires_at.is_some_and(|end| end <= app.database().clock().now()) {
        return Err(Problem::invalid("`expires_at` is not in the future").at("/expires_at"));
    }
    let organization_id = caller.organization_id();
    let (key, plain) = create_until(app.database(), organization_id, &body.name, body.scopes, body.expires_at).await?;
    let mut transaction = app.of(organization_id).begin().await?;
    transaction.insert_audit(&caller.actor(), "key.created", &key.id.to_string()).await?;
    transaction.commit().await?;
    let key_object = KeyObject::from(key);
    let kept = KeyCreated { key_object: key_object.clone(), key: None };
    let kept = KeptInstead(serde_json::to_string(&kept).unwrap_or_default());
    let created = KeyCreated { key_object, key: Some(plain) };
    let mut response = (StatusCode::CREATED, axum::Json(created)).into_response();
    response.extensions_mut().insert(kept);
    Ok(response)
}

/// Calls a key back: it opens nothing from now on.
#[utoipa::path(delete, path = "/v1/keys/{id}", tag = "keys", params(("id" = String, Path)),
    responses((status = 204, description = "It is revoked")))]
pub(crate) async fn delete_key(State(app): State<App>, caller: Caller, Path(id): Path<KeyId>) -> Result<StatusCode> {
    let mut transaction = app.of(caller.organization_id()).begin().await?;
    transaction.revoke_key(id).await?;
    transaction.insert_audit(&caller.actor(), "key.revoked", &id.to_string()).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
