//! One-time links: what they are worth, and the member they make.

use crate::app::App;
use crate::body::{Json, Query};
use crate::error::{Problem, Result};
use crate::routes::members::MemberObject;
use crate::session::begin_session;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::Time;
use domain::key::Scope;
use serde::{Deserialize, Serialize};
use storage::members::{Invitation, NewMember};
use utoipa::{IntoParams, ToSchema};

/// Characters of a name or an address at most.
const FIELD_CHARS_MAX: usize = 200;
/// Characters of a password at least.
const PASSWORD_CHARS_MIN: usize = 10;
/// Characters of a password at most: longer ones only cost time.
const PASSWORD_CHARS_MAX: usize = 200;
/// Characters of a link's secret at most.
const TOKEN_CHARS_MAX: usize = 100;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct GetSetup {
    /// What the link carries behind `t=`.
    token: String,
}

/// What a one-time link is worth.
#[derive(Serialize, ToSchema)]
pub(crate) struct SetupObject {
    /// Always `setup`.
    object: &'static str,
    /// `valid`, `used`, `expired` or `unknown`.
    state: LinkState,
    /// Whether it makes the desk's first member.
    is_first: bool,
    /// What the member may do.
    #[schema(value_type = Vec<String>)]
    scopes: Vec<Scope>,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Time>,
}

/// What became of a one-time link.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum LinkState {
    /// It makes a member.
    Valid,
    /// It made one.
    Used,
    /// Its time is over.
    Expired,
    /// There is no such link.
    Unknown,
}

/// Reads what a one-time link is worth. Needs no key.
#[utoipa::path(get, path = "/v1/setup", tag = "members", params(GetSetup), security(()),
    responses((status = 200, description = "The link", body = SetupObject)))]
pub(crate) async fn get_setup(
    State(app): State<App>,
    Query(query): Query<GetSetup>,
) -> Result<axum::Json<SetupObject>> {
    let (state, invitation) = look_up(&app, &query.token).await?;
    let known = invitation.filter(|_| state == LinkState::Valid);
    Ok(axum::Json(SetupObject {
        object: "setup",
        state,
        is_first: known.as_ref().is_some_and(|invitation| invitation.is_first),
        expires_at: known.as_ref().map(|invitation| invitation.expires_at),
        scopes: known.map(|invitation| invitation.scopes).unwrap_or_default(),
    }))
}

async fn look_up(app: &App, token: &str) -> Result<(LinkState, Option<Invitation>)> {
    if token.len() > TOKEN_CHARS_MAX {
        return Ok((LinkState::Unknown, None));
    }
    let Some(invitation) = app.database().find_invitation(token).await? else {
        return Ok((LinkState::Unknown, None));
    };
    let is_late = invitation.is_first && app.of(invitation.organization_id).count_members().await? > 0;
    let state = if invitation.used_at.is_some() || is_late {
        LinkState::Used
    } else if invitation.expires_at <= app.database().clock().now() {
        LinkState::Expired
    } else {
        LinkState::Valid
    };
    Ok((state, Some(invitation)))
}

/// A member to be made by a one-time link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateSetup {
    /// What the link carries behind `t=`.
    token: String,
    name: String,
    email: String,
    /// From 10 to 200 characters.
    password: String,
}

/// Makes the member that a one-time link invites, and begins their session. Needs no key.
#[utoipa::path(post, path = "/v1/setup", tag = "members", request_body = CreateSetup, security(()),
    responses((status = 201, description = "The member; the cookie comes with it", body = MemberObject)))]
pub(crate) async fn create_setup(
    State(app): State<App>,
    headers: HeaderMap,
    Json(body): Json<CreateSetup>,
) -> Result<Response> {
    crate::session::check_own_page(&axum::http::Method::POST, &headers)?;
    let name = body.name.trim().to_owned();
    let email = body.email.trim().to_lowercase();
    check(&name, &email, &body.password)?;
    let invitation = match look_up(&app, &body.token).await? {
        (LinkState::Valid, Some(invitation)) => invitation,
        (LinkState::Valid | LinkState::Used | LinkState::Expired | LinkState::Unknown, _) => return Err(over()),
    };
    let password_hash = app.sign_ins.hash(body.password).await?;
    let mut transaction = app.of(invitation.organization_id).begin().await?;
    if !transaction.use_invitation(&body.token).await? {
        transaction.rollback().await?;
        return Err(over());
    }
    let member = NewMember { name, email, password_hash, scopes: invitation.scopes };
    let member = transaction.insert_member(member).await?;
    transaction.insert_audit(&member.id.to_string(), "member.created", &member.id.to_string()).await?;
    let cookie = begin_session(&app, &mut transaction, member.id).await?;
    transaction.commit().await?;
    let body = axum::Json(MemberObject::from(member));
    Ok((StatusCode::CREATED, [(header::SET_COOKIE, cookie)], body).into_response())
}

fn over() -> Problem {
    Problem::new(StatusCode::GONE, "link_over", "this link was used already, or its time is over")
        .at("/token")
        .hint("`frontdesk up` prints a fresh one while the desk has no member; else ask a member for an invitation")
}

fn check(name: &str, email: &str, password: &str) -> Result<()> {
    let is_long = |text: &str| text.chars().count() > FIELD_CHARS_MAX;
    if name.is_empty() || is_long(name) {
        return Err(Problem::invalid(format!("`name` has from 1 to {FIELD_CHARS_MAX} characters")).at("/name"));
    }
    let (user, host) = email.split_once('@').unwrap_or_default();
    if user.is_empty() || host.is_empty() || is_long(email) || email.chars().any(char::is_whitespace) {
        return Err(Problem::invalid("`email` is not an e-mail address").at("/email"));
    }
    if !(PASSWORD_CHARS_MIN..=PASSWORD_CHARS_MAX).contains(&password.chars().count()) {
        let detail = format!("`password` has from {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters");
        return Err(Problem::invalid(detail).at("/password"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn what_cannot_be_a_member_is_refused_with_the_field_named() {
        assert!(check("Ada", "ada@x.example", "long enough").is_ok());
        for (name, email, password, field) in [
            ("", "ada@x.example", "long enough", "/name"),
            ("Ada", "ada", "long enough", "/email"),
            ("Ada", "@x.example", "long enough", "/email"),
            ("Ada", "a da@x.example", "long enough", "/email"),
            ("Ada", "ada@x.example", "short", "/password"),
        ] {
            let problem = format!("{:?}", check(name, email, password).unwrap_err());
            assert!(problem.contains(&format!("{field:?}")), "{problem}");
        }
    }
}
