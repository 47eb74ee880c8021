//! Canned replies: texts that agents send again and again.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path};
use crate::error::{Problem, Result};
use crate::list::List;
use axum::extract::State;
use axum::http::StatusCode;
use domain::{ReplyId, Time};
use serde::{Deserialize, Serialize};
use storage::replies::CannedReply;
use utoipa::ToSchema;

/// Canned replies of an organization at most.
const REPLIES_MAX: i64 = 500;
/// Characters of a name at most.
const NAME_CHARS_MAX: usize = 100;
/// Characters of a text at most.
const CONTENT_CHARS_MAX: usize = 10_000;

/// A text that agents send again and again.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReplyObject {
    #[schema(value_type = String)]
    id: ReplyId,
    /// Always `reply`.
    object: &'static str,
    name: String,
    content: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
}

impl From<CannedReply> for ReplyObject {
    fn from(reply: CannedReply) -> Self {
        let CannedReply { id, name, content, created_at, .. } = reply;
        Self { id, object: "reply", name, content, created_at }
    }
}

/// Lists the canned replies by name.
#[utoipa::path(get, path = "/v1/replies", tag = "conversations",
    responses((status = 200, description = "All of them", body = List<ReplyObject>)))]
pub(crate) async fn list_replies(State(app): State<App>, caller: Caller) -> Result<axum::Json<List<ReplyObject>>> {
    let rows = app.of(caller.organization_id()).list_replies(REPLIES_MAX).await?;
    Ok(axum::Json(List::whole(rows.into_iter().map(ReplyObject::from).collect())))
}

/// A reply to keep.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateReply {
    /// What agents find it by; the same name again takes the new text.
    name: String,
    content: String,
}

/// Keeps a canned reply.
#[utoipa::path(post, path = "/v1/replies", tag = "conversations", request_body = CreateReply,
    responses((status = 201, description = "It is kept", body = ReplyObject)))]
pub(crate) async fn create_reply(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateReply>,
) -> Result<(StatusCode, axum::Json<ReplyObject>)> {
    for (field, text, max) in [("name", &body.name, NAME_CHARS_MAX), ("content", &body.content, CONTENT_CHARS_MAX)] {
        if text.trim().is_empty() || text.chars().count() > max {
            return Err(Problem::invalid(format!("`{field}` has from 1 to {max} characters")).at(format!("/{field}")));
        }
    }
    let tenant = app.of(caller.organization_id());
    let present = tenant.list_replies(REPLIES_MAX).await?;
    if present.len() >= usize::try_from(REPLIES_MAX).unwrap_or(usize::MAX)
        && present.iter().all(|reply| reply.name != body.name.trim())
    {
        return Err(Problem::conflict("too_many_replies", format!("there are {REPLIES_MAX} canned replies already"))
            .hint("delete one first"));
    }
    let mut transaction = tenant.begin().await?;
    let reply = transaction.put_reply(body.name.trim(), body.content.trim()).await?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, axum::Json(reply.into())))
}

/// Deletes a canned reply.
#[utoipa::path(delete, path = "/v1/replies/{id}", tag = "conversations", params(("id" = String, Path)),
    responses((status = 204, description = "It is gone")))]
pub(crate) async fn delete_reply(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ReplyId>,
) -> Result<StatusCode> {
    let mut transaction = app.of(caller.organization_id()).begin().await?;
    transaction.delete_reply(id).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
