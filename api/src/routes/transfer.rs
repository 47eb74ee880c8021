//! Passing a conversation from one person to another, or back into the queue, with the reason why.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path};
use crate::error::{Problem, Result};
use crate::objects::ConversationObject;
use crate::routes::agents::known;
use crate::routes::handoff::refused;
use answering::hand_off::{Transfer, transfer};
use axum::extract::State;
use domain::{AgentId, ConversationId};
use serde::Deserialize;
use utoipa::ToSchema;

/// Characters of a reason at most.
const REASON_CHARS_MAX: usize = 1_000;

/// To whom and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateTransfer {
    /// Who gets it; absent, the queue does.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    agent_id: Option<AgentId>,
    /// For the one who gets it; it becomes a note, customers never see it.
    reason: String,
}

/// Transfers a conversation that a person has or that waits for one.
#[utoipa::path(post, path = "/v1/conversations/{id}/transfer", tag = "handoff", params(("id" = String, Path)),
    request_body = CreateTransfer,
    responses((status = 200, description = "The conversation as it is now", body = ConversationObject)))]
pub(crate) async fn create_transfer(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ConversationId>,
    Json(body): Json<CreateTransfer>,
) -> Result<axum::Json<ConversationObject>> {
    if !(1..=REASON_CHARS_MAX).contains(&body.reason.trim().chars().count()) {
        return Err(Problem::invalid(format!("`reason` has from 1 to {REASON_CHARS_MAX} characters")).at("/reason"));
    }
    if let Some(agent) = body.agent_id {
        known(&app, &caller, agent).await?;
    }
    let wanted = Transfer { to: body.agent_id, by: caller.agent_or(None), reason: body.reason };
    let conversation = transfer(&app.desk, caller.organization_id(), id, wanted).await.map_err(refused)?;
    Ok(axum::Json(conversation.into()))
}
