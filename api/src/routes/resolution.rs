//! The end of a conversation.

use crate::app::App;
use crate::auth::Caller;
use crate::body::Path;
use crate::error::Result;
use crate::objects::ConversationObject;
use crate::routes::conversations::change_conversation;
use axum::extract::State;
use domain::ConversationId;
use domain::conversation::ConversationStatus;
use storage::conversations::ConversationChange;

/// Resolves a conversation; a new message of the customer opens it again.
#[utoipa::path(post, path = "/v1/conversations/{id}/resolution", tag = "handoff", params(("id" = String, Path)),
    responses((status = 200, description = "The conversation as it is now", body = ConversationObject)))]
pub(crate) async fn create_resolution(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ConversationId>,
) -> Result<axum::Json<ConversationObject>> {
    let change = ConversationChange { status: Some(ConversationStatus::Resolved), ..ConversationChange::default() };
    Ok(axum::Json(change_conversation(&app, &caller, id, change).await?.into()))
}
