//! The agent that a conversation is assigned to.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path};
use crate::error::Result;
use crate::objects::ConversationObject;
use crate::routes::agents::known;
use crate::routes::handoff::refused;
use answering::hand_off::{accept, return_to_queue};
use axum::extract::State;
use domain::{AgentId, ConversationId};
use serde::Deserialize;
use utoipa::ToSchema;

/// Who takes a conversation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetAssignment {
    #[schema(value_type = String)]
    agent_id: AgentId,
}

/// Gives a conversation to the agent who takes it; the AI is silent from then on. Of two who take it at
/// once one gets it, the other a 409 `already_assigned`; what somebody has is passed on by a transfer.
#[utoipa::path(put, path = "/v1/conversations/{id}/assignment", tag = "handoff", params(("id" = String, Path)),
    request_body = SetAssignment,
    responses((status = 200, description = "The conversation as it is now", body = ConversationObject)))]
pub(crate) async fn set_assignment(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ConversationId>,
    Json(body): Json<SetAssignment>,
) -> Result<axum::Json<ConversationObject>> {
    let organization_id = caller.organization_id();
    let agent = known(&app, &caller, body.agent_id).await?;
    Ok(axum::Json(accept(&app.desk, organization_id, id, agent).await.map_err(refused)?.into()))
}

/// Puts a conversation back into the queue.
#[utoipa::path(delete, path = "/v1/conversations/{id}/assignment", tag = "handoff", params(("id" = String, Path)),
    responses((status = 200, description = "The conversation as it is now", body = ConversationObject)))]
pub(crate) async fn delete_assignment(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ConversationId>,
) -> Result<axum::Json<ConversationObject>> {
    Ok(axum::Json(return_to_queue(&app.desk, caller.organization_id(), id).await.map_err(refused)?.into()))
}
