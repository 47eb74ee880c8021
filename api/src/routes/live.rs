//! What is only of the moment: who is typing, and what was delivered and read.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path};
use crate::error::{Problem, Result};
use crate::hub::Typing;
use crate::routes::agents::acting;
use crate::routes::messages::Speaker;
use axum::extract::State;
use axum::http::StatusCode;
use domain::message::DeliveryState;
use domain::{AgentId, ConversationId, MessageId};
use serde::{Deserialize, Serialize};
use storage::receipts::Received;
use utoipa::ToSchema;

/// Who is typing.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateTyping {
    /// `customer` where absent.
    #[serde(default)]
    sender: Speaker,
    /// Who types, where `sender` is `agent` and a program says so.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    agent_id: Option<AgentId>,
    /// `false`: not any more.
    #[serde(default = "yes")]
    typing: bool,
}

fn yes() -> bool {
    true
}

/// Tells those who watch that somebody is typing. It is not stored and not told again after a reconnect;
/// the event `conversation.typing` holds for a few seconds.
#[utoipa::path(post, path = "/v1/conversations/{id}/typing", tag = "live", params(("id" = String, Path)),
    request_body = CreateTyping, responses((status = 204, description = "Those who watch were told")))]
pub(crate) async fn create_typing(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ConversationId>,
    Json(body): Json<CreateTyping>,
) -> Result<StatusCode> {
    let agent_id = match body.sender {
        Speaker::Agent => Some(acting(&app, &caller, body.agent_id).await?),
        Speaker::Customer => None,
    };
    let organization_id = caller.organization_id();
    app.of(organization_id).load_conversation(id).await?;
    let sender = if agent_id.is_some() { "agent" } else { "customer" };
    app.hub.typing(organization_id, Typing { conversation_id: id, sender, agent_id, goes_on: body.typing });
    Ok(StatusCode::NO_CONTENT)
}

/// How far messages came.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateReceipt {
    /// Who received them: `customer` what the desk said, `agent` what the customer said.
    #[serde(default)]
    sender: Speaker,
    /// `delivered` or `read`.
    #[schema(value_type = String)]
    state: DeliveryState,
    /// The newest message that was received; absent, all so far.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    up_to: Option<MessageId>,
}

/// How many messages changed.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReceiptObject {
    /// Always `receipt`.
    object: &'static str,
    changed: u64,
}

/// Marks messages up to one as delivered or read; a state never goes back.
#[utoipa::path(post, path = "/v1/conversations/{id}/receipts", tag = "live", params(("id" = String, Path)),
    request_body = CreateReceipt,
    responses((status = 200, description = "How many messages changed", body = ReceiptObject)))]
pub(crate) async fn create_receipt(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ConversationId>,
    Json(body): Json<CreateReceipt>,
) -> Result<axum::Json<ReceiptObject>> {
    if !matches!(body.state, DeliveryState::Delivered | DeliveryState::Read) {
        return Err(Problem::invalid("`state` is `delivered` or `read`").at("/state"));
    }
    let tenant = app.of(caller.organization_id());
    let conversation = tenant.load_conversation(id).await?;
    let seq = match body.up_to {
        None => conversation.last_seq,
        Some(message) => match tenant.load_message(message).await {
            Ok(found) if found.conversation_id == id => found.seq,
            Ok(_) | Err(storage::Error::NotFound { .. }) => {
                return Err(Problem::not_found("message", message).at("/up_to"));
            }
            Err(error) => return Err(error.into()),
        },
    };
    let by = if body.sender == Speaker::Agent { Received::ByAgent } else { Received::ByCustomer };
    let mut transaction = tenant.begin().await?;
    let changed = transaction.mark_received(id, by, body.state, seq).await?;
    transaction.commit().await?;
    Ok(axum::Json(ReceiptObject { object: "receipt", changed }))
}
