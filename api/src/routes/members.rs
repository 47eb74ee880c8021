//! Members: people who sign in, how others are invited, and the agents they act as.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path};
use crate::error::{Problem, Result};
use crate::list::List;
use crate::session::{path_of, token};
use axum::extract::State;
use axum::http::StatusCode;
use domain::key::Scope;
use domain::{AgentId, MemberId, Time};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use storage::members::Member;
use utoipa::ToSchema;

/// How long an invitation lasts.
const INVITATION_LIFE: Duration = Duration::from_hours(7 * 24);

/// A person who signs in.
#[derive(Serialize, ToSchema)]
pub(crate) struct MemberObject {
    #[schema(value_type = String)]
    id: MemberId,
    /// Always `member`.
    object: &'static str,
    /// The agent they act as.
    #[schema(value_type = String)]
    agent_id: AgentId,
    name: String,
    email: String,
    /// `admin`, `conversations`, `knowledge`, `playground`, `evals`, `usage`.
    #[schema(value_type = Vec<String>)]
    scopes: Vec<Scope>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
}

impl From<Member> for MemberObject {
    fn from(member: Member) -> Self {
        Self {
            id: member.id,
            object: "member",
            agent_id: member.agent_id,
            name: member.name,
            email: member.email,
            scopes: member.scopes,
            created_at: member.created_at,
        }
    }
}

/// Lists the members, the oldest first.
#[utoipa::path(get, path = "/v1/members", tag = "members",
    responses((status = 200, description = "All members", body = List<MemberObject>)))]
pub(crate) async fn list_members(State(app): State<App>, caller: Caller) -> Result<axum::Json<List<MemberObject>>> {
    let members = app.of(caller.organization_id()).list_members().await?;
    Ok(axum::Json(List::whole(members.into_iter().map(MemberObject::from).collect())))
}

/// Takes a member out: their sessions end at once, what they said stays.
#[utoipa::path(delete, path = "/v1/members/{id}", tag = "members", params(("id" = String, Path)),
    responses((status = 204, description = "They are no member any more")))]
pub(crate) async fn delete_member(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<MemberId>,
) -> Result<StatusCode> {
    let tenant = app.of(caller.organization_id());
    let leaving = tenant.load_member(id).await?;
    let members = tenant.list_members().await?;
    let mut others = members.iter().filter(|member| member.id != leaving.id);
    if !others.any(|member| member.scopes.contains(&Scope::Admin)) {
        let detail = "this is the last member with `admin`: nobody could let others in any more";
        return Err(Problem::conflict("last_admin", detail).hint("invite another one with `admin` first"));
    }
    let mut transaction = tenant.begin().await?;
    transaction.delete_member(id).await?;
    transaction.insert_audit(&caller.actor(), "member.deleted", &id.to_string()).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whom to invite.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateInvitation {
    /// What the member may do: `admin`, `conversations`, `knowledge`, `playground`, `evals`, `usage`.
    #[schema(value_type = Vec<String>)]
    scopes: Vec<Scope>,
}

/// A one-time link that makes a member.
#[derive(Serialize, ToSchema)]
pub(crate) struct InvitationObject {
    /// Always `invitation`.
    object: &'static str,
    /// What to append to the console's address. It is shown this once.
    path: String,
    #[schema(value_type = Vec<String>)]
    scopes: Vec<Scope>,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Time,
}

/// Makes a one-time link for a new member; it is valid for seven days.
#[utoipa::path(post, path = "/v1/invitations", tag = "members", request_body = CreateInvitation,
    responses((status = 201, description = "The link, this once", body = InvitationObject)))]
pub(crate) async fn create_invitation(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateInvitation>,
) -> Result<(StatusCode, axum::Json<InvitationObject>)> {
    if body.scopes.is_empty() {
        return Err(Problem::invalid("`scopes` is empty: name at least one").at("/scopes"));
    }
    let plain = token()?;
    let mut transaction = app.of(caller.organization_id()).begin().await?;
    let expires_at = transaction.now() + INVITATION_LIFE;
    transaction.insert_invitation(&plain, body.scopes.clone(), false, expires_at).await?;
    transaction.insert_audit(&caller.actor(), "invitation.created", "member").await?;
    transaction.commit().await?;
    let invitation = InvitationObject { object: "invitation", path: path_of(&plain), scopes: body.scopes, expires_at };
    Ok((StatusCode::CREATED, axum::Json(invitation)))
}
