//! Sessions in browsers: sign in, who am I, sign out.

use crate::app::App;
use crate::auth::Caller;
use crate::body::Json;
use crate::error::{Problem, Result};
use crate::routes::members::MemberObject;
use crate::session::{begin_session, check_own_page, cookie, forget_cookie};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::OrganizationId;
use domain::key::Scope;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Characters of a password that is looked at at most.
const PASSWORD_CHARS_MAX: usize = 200;

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateSession {
    email: String,
    password: String,
}

/// Who calls, and for which desk.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionObject {
    /// Always `session`.
    object: &'static str,
    organization: OrganizationReference,
    /// The person; `null` for a key.
    member: Option<MemberObject>,
    /// What they may do.
    #[schema(value_type = Vec<String>)]
    scopes: Vec<Scope>,
}

/// A desk, by its name.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrganizationReference {
    #[schema(value_type = String)]
    id: OrganizationId,
    name: String,
}

/// Signs a member in: the cookie opens what a key with the member's scopes would. Needs no key.
///
/// Requests that come with or ask for the cookie carry the header `x-frontdesk-console`, except GET.
#[utoipa::path(post, path = "/v1/session", tag = "members", request_body = CreateSession, security(()),
    responses((status = 201, description = "The member; the cookie comes with it", body = MemberObject)))]
pub(crate) async fn create_session(
    State(app): State<App>,
    headers: HeaderMap,
    Json(body): Json<CreateSession>,
) -> Result<Response> {
    check_own_page(&Method::POST, &headers)?;
    let email = body.email.trim().to_lowercase();
    app.sign_ins.check(&email)?;
    let found = app.database().find_credentials(&email).await?;
    let hash = found.as_ref().map(|found| found.password_hash.clone());
    let is_right =
        body.password.chars().count() <= PASSWORD_CHARS_MAX && app.sign_ins.verify(body.password, hash).await?;
    let Some(found) = found.filter(|_| is_right) else {
        app.sign_ins.count_failure(&email);
        return Err(wrong());
    };
    app.sign_ins.forget(&email);
    let tenant = app.of(found.organization_id);
    let member = tenant.load_member(found.member_id).await?;
    let mut transaction = tenant.begin().await?;
    let cookie = begin_session(&app, &mut transaction, member.id).await?;
    transaction.commit().await?;
    let body = axum::Json(MemberObject::from(member));
    Ok((StatusCode::CREATED, [(header::SET_COOKIE, cookie)], body).into_response())
}

/// The same words for an address that is unknown and a password that is wrong.
fn wrong() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "wrong_credentials", "the address or the password is wrong")
}

/// Reads who calls.
#[utoipa::path(get, path = "/v1/session", tag = "members",
    responses((status = 200, description = "The caller", body = SessionObject)))]
pub(crate) async fn get_session(State(app): State<App>, caller: Caller) -> Result<axum::Json<SessionObject>> {
    let organization = app.of(caller.organization_id()).load_organization().await?;
    Ok(axum::Json(SessionObject {
        object: "session",
        organization: OrganizationReference { id: organization.id, name: organization.name },
        member: caller.member().cloned().map(MemberObject::from),
        scopes: caller.scopes().to_vec(),
    }))
}

/// Signs out: the cookie opens nothing from now on.
#[utoipa::path(delete, path = "/v1/session", tag = "members",
    responses((status = 204, description = "The session is over")))]
pub(crate) async fn delete_session(State(app): State<App>, caller: Caller, headers: HeaderMap) -> Result<Response> {
    if let Some(plain) = cookie(&headers) {
        let mut transaction = app.of(caller.organization_id()).begin().await?;
        transaction.delete_session(plain).await?;
        transaction.commit().await?;
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, forget_cookie(&app)?)]).into_response())
}
