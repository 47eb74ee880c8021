//! Who calls: the key of a request, its organization and what it may do.

use crate::app::App;
use crate::error::{Problem, Result};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use domain::OrganizationId;
use domain::key::{Key, Scope};
use std::sync::Arc;

/// A caller whose key was found.
#[derive(Clone)]
pub(crate) struct Caller(Arc<Key>);

impl Caller {
    pub(crate) fn organization_id(&self) -> OrganizationId {
        self.0.organization_id
    }

    pub(crate) fn may(&self, scope: Scope) -> bool {
        self.0.scopes.iter().any(|held| *held == scope || *held == Scope::Admin)
    }

    /// Who is written into the audit log.
    pub(crate) fn actor(&self) -> String {
        self.0.id.to_string()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(unauthenticated)
    }
}

/// Finds the request's key, or refuses.
pub(crate) async fn authenticate(State(app): State<App>, mut request: Request, next: Next) -> Result<Response> {
    let plain = bearer(request.headers()).ok_or_else(unauthenticated)?;
    let key = app.database().find_key(plain).await?.ok_or_else(unauthenticated)?;
    if let Err(error) = app.of(key.organization_id).touch_key(&key).await {
        tracing::debug!(error = %error, "the use of a key was not noted");
    }
    request.extensions_mut().insert(Caller(Arc::new(key)));
    Ok(next.run(request).await)
}

/// Refuses callers whose key has none of the scopes.
pub(crate) async fn require(
    scopes: &'static [Scope],
    caller: Caller,
    request: Request,
    next: Next,
) -> Result<Response> {
    if scopes.iter().any(|scope| caller.may(*scope)) {
        return Ok(next.run(request).await);
    }
    let names: Vec<String> = scopes.iter().map(|scope| format!("`{scope}`")).collect();
    let detail = format!("this key lacks the scope {}", names.join(" or "));
    Err(Problem::new(StatusCode::FORBIDDEN, "missing_scope", detail)
        .hint("create a key with that scope: frontdesk key create --name NAME --scope SCOPE"))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, plain) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| plain.trim()).filter(|plain| !plain.is_empty())
}

/// The same words for a key that is missing, unknown, revoked or expired.
fn unauthenticated() -> Problem {
    let detail = "no valid API key came with this request";
    Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
        .hint("send `authorization: Bearer fd_live_…`; a key is made by: frontdesk key create --name NAME")
}
