//! Who calls: the key or the session of a request, its organization and what it may do.

use crate::app::App;
use crate::error::{Problem, Result};
use crate::session::{check_own_page, cookie};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use domain::key::Scope;
use domain::{AgentId, OrganizationId};
use std::sync::Arc;
use storage::members::Member;

/// A caller whose key or session was found.
#[derive(Clone)]
pub(crate) struct Caller {
    organization_id: OrganizationId,
    scopes: Arc<[Scope]>,
    actor: Arc<str>,
    member: Option<Arc<Member>>,
}

impl Caller {
    pub(crate) fn organization_id(&self) -> OrganizationId {
        self.organization_id
    }

    pub(crate) fn may(&self, scope: Scope) -> bool {
        self.scopes.iter().any(|held| *held == scope || *held == Scope::Admin)
    }

    pub(crate) fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// Who is written into the audit log.
    pub(crate) fn actor(&self) -> String {
        self.actor.to_string()
    }

    /// The person, where a session was found and not a key.
    pub(crate) fn member(&self) -> Option<&Member> {
        self.member.as_deref()
    }

    /// The agent the person acts as; a program may name any.
    pub(crate) fn agent_or(&self, named: Option<AgentId>) -> Option<AgentId> {
        self.member().map(|member| member.agent_id).or(named)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(unauthenticated)
    }
}

/// Finds the request's key or session, or refuses.
pub(crate) async fn authenticate(State(app): State<App>, mut request: Request, next: Next) -> Result<Response> {
    let caller = if let Some(plain) = bearer(request.headers()) {
        by_key(&app, plain).await?
    } else {
        let plain = cookie(request.headers()).ok_or_else(unauthenticated)?;
        check_own_page(request.method(), request.headers())?;
        by_session(&app, plain).await?
    };
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

async fn by_key(app: &App, plain: &str) -> Result<Caller> {
    let key = app.database().find_key(plain).await?.ok_or_else(unauthenticated)?;
    if let Err(error) = app.of(key.organization_id).touch_key(&key).await {
        tracing::debug!(error = %error, "the use of a key was not noted");
    }
    let actor = key.id.to_string().into();
    Ok(Caller { organization_id: key.organization_id, scopes: key.scopes.into(), actor, member: None })
}

async fn by_session(app: &App, plain: &str) -> Result<Caller> {
    let member = app.database().find_member_of_session(plain).await?.ok_or_else(unauthenticated)?;
    let (organization_id, scopes) = (member.organization_id, member.scopes.clone().into());
    let actor = member.id.to_string().into();
    Ok(Caller { organization_id, scopes, actor, member: Some(Arc::new(member)) })
}

/// Refuses callers that have none of the scopes.
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
    let names = names.join(" or ");
    let missing = |detail: String| Problem::new(StatusCode::FORBIDDEN, "missing_scope", detail);
    if caller.member().is_some() {
        let detail = format!("your membership does not include {names}");
        return Err(missing(detail).hint("ask a member with `admin` for an invitation that does"));
    }
    Err(missing(format!("this key lacks the scope {names}"))
        .hint("create a key with that scope: frontdesk key create --name NAME --scope SCOPE"))
}

/// The secret of an `authorization: Bearer` header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, plain) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| plain.trim()).filter(|plain| !plain.is_empty())
}

/// The same words for a key or session that is missing, unknown, revoked or expired.
fn unauthenticated() -> Problem {
    let detail = "no valid API key came with this request";
    Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
        .hint("send `authorization: Bearer fd_live_…`; a key is made by: frontdesk key create --name NAME")
}
