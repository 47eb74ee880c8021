//! Putting a conversation aside for a while.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path};
use crate::error::{Problem, Result};
use crate::objects::ConversationObject;
use crate::routes::conversations::change_conversation;
use crate::routes::handoff::refused;
use answering::Refused;
use axum::extract::State;
use domain::conversation::ConversationStatus;
use domain::{ConversationId, Time};
use serde::Deserialize;
use storage::conversations::ConversationChange;
use utoipa::ToSchema;

/// Until when a conversation is put aside.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateSnooze {
    /// A time to come.
    #[schema(value_type = String, format = DateTime)]
    until: Time,
}

/// Puts a conversation aside until a time, or until the customer writes.
#[utoipa::path(post, path = "/v1/conversations/{id}/snooze", tag = "handoff", params(("id" = String, Path)),
    request_body = CreateSnooze,
    responses((status = 200, description = "The conversation as it is now", body = ConversationObject)))]
pub(crate) async fn create_snooze(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ConversationId>,
    Json(body): Json<CreateSnooze>,
) -> Result<axum::Json<ConversationObject>> {
    if body.until <= app.database().clock().now() {
        return Err(Problem::invalid("`until` is not in the future").at("/until"));
    }
    let tenant = app.of(caller.organization_id());
    if tenant.load_conversation(id).await?.status == ConversationStatus::Resolved {
        return Err(refused(Refused::Resolved.into()));
    }
    let change = ConversationChange { snoozed_until: Some(body.until), ..ConversationChange::default() };
    Ok(axum::Json(change_conversation(&app, &caller, id, change).await?.into()))
}
