//! The handoff of a conversation: to the queue, and back to the AI.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path};
use crate::error::{Problem, Result};
use crate::objects::{ConversationObject, HandoffObject};
use answering::hand_off::{give_back, hand_off};
use answering::{Error, Refused};
use axum::extract::State;
use axum::http::StatusCode;
use domain::ConversationId;
use domain::handoff::HandoffReason;
use serde::Deserialize;
use utoipa::ToSchema;

/// Characters of a summary at most.
const SUMMARY_CHARS_MAX: usize = 2_000;

/// Why a conversation goes to the queue.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateHandoff {
    /// `customer_request` where absent.
    #[serde(default = "customer_request")]
    #[schema(value_type = Option<String>, example = "customer_request")]
    reason: HandoffReason,
    /// What the customer wants, in short.
    #[serde(default)]
    summary: String,
}

fn customer_request() -> HandoffReason {
    HandoffReason::CustomerRequest
}

/// Hands a conversation to the queue.
#[utoipa::path(post, path = "/v1/conversations/{id}/handoff", tag = "handoff", params(("id" = String, Path)),
    request_body = CreateHandoff,
    responses((status = 201, description = "It waits for an agent", body = HandoffObject)))]
pub(crate) async fn create_handoff(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ConversationId>,
    Json(body): Json<CreateHandoff>,
) -> Result<(StatusCode, axum::Json<HandoffObject>)> {
    if body.summary.chars().count() > SUMMARY_CHARS_MAX {
        let detail = format!("`summary` has more than {SUMMARY_CHARS_MAX} characters");
        return Err(Problem::invalid(detail).at("/summary"));
    }
    let handed = hand_off(&app.desk, caller.organization_id(), id, body.reason, body.summary).await;
    let (_, handoff) = handed.map_err(refused)?;
    Ok((StatusCode::CREATED, axum::Json(handoff.into())))
}

/// Gives a conversation back to the AI, which starts clean.
#[utoipa::path(delete, path = "/v1/conversations/{id}/handoff", tag = "handoff", params(("id" = String, Path)),
    responses((status = 200, description = "The conversation as it is now", body = ConversationObject)))]
pub(crate) async fn delete_handoff(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ConversationId>,
) -> Result<axum::Json<ConversationObject>> {
    let conversation = give_back(&app.desk, caller.organization_id(), id).await.map_err(refused)?;
    Ok(axum::Json(conversation.into()))
}

/// What a client sees of a conversation that is not in a state for what was asked.
pub(crate) fn refused(error: Error) -> Problem {
    let Error::Refused(refusal) = error else { return error.into() };
    let detail = refusal.to_string();
    match refusal {
        Refused::Resolved => Problem::conflict("conversation_resolved", detail)
            .at("/status")
            .hint("PATCH /v1/conversations/{id} with `status` `open` opens it again"),
        Refused::Taken(_) => Problem::conflict("already_assigned", detail)
            .at("/agent_id")
            .hint("POST /v1/conversations/{id}/transfer passes it on"),
        Refused::HeldByAi => Problem::conflict("held_by_ai", detail)
            .at("/holder")
            .hint("POST /v1/conversations/{id}/handoff hands it to people first"),
        Refused::Away(_) => Problem::conflict("agent_away", detail)
            .at("/agent_id")
            .hint("leave `agent_id` out: the queue finds somebody who is there"),
    }
}
