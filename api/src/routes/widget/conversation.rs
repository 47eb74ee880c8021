//! What a visitor says and reads: messages, ratings, and the wish for a person.

use super::WidgetSessionObject;
use crate::app::App;
use crate::body::{Json, Path, Query};
use crate::error::{Problem, Result};
use crate::hub::Typing;
use crate::list::{self, List};
use crate::visitor::Visitor;
use answering::hand_off::hand_off;
use answering::receive::{Incoming, receive};
use axum::extract::State;
use axum::http::StatusCode;
use domain::conversation::Holder;
use domain::handoff::HandoffReason;
use domain::message::{Decision, Message, Sender};
use domain::{AgentId, ConversationId, MessageId, Time};
use serde::{Deserialize, Serialize};
use storage::Tenant;
use storage::feedback::Rating;
use utoipa::{IntoParams, ToSchema};

/// Characters of a visitor's message at most.
const CONTENT_CHARS_MAX: usize = 8_000;
/// Characters of a message's own id at most.
const EXTERNAL_ID_CHARS_MAX: usize = 100;
/// Messages of one session in a minute.
const MESSAGES_MAX: u32 = 20;
/// Signs of typing of one session in a minute.
const TYPING_MAX: u32 = 30;
/// Wishes for a person of one session in a minute.
const HANDOFFS_MAX: u32 = 5;

/// A message as visitors see it: without what it cost and how sure it was.
#[derive(Serialize, ToSchema)]
pub(crate) struct WidgetMessage {
    #[schema(value_type = String)]
    pub(super) id: MessageId,
    /// Always `message`.
    object: &'static str,
    /// Its place in the conversation, from 1.
    seq: i64,
    /// `customer`, `ai`, `agent` or `system`.
    #[schema(value_type = String)]
    pub(super) sender: Sender,
    /// The agent's name, where an agent said it.
    sender_name: Option<String>,
    /// Markdown; links outside the allow-list were taken out.
    pub(super) content: String,
    /// The id the widget gave it.
    external_id: Option<String>,
    /// What the AI did: `answer`, `clarify` or `hand_off`.
    #[schema(value_type = Option<String>)]
    decision: Option<Decision>,
    citations: Vec<WidgetCitation>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
}

/// A passage that proves a part of an answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct WidgetCitation {
    /// The number in the text: `[1]` is 1.
    index: usize,
    title: String,
    url: Option<String>,
    quote: String,
}

impl WidgetMessage {
    pub(super) async fn of(tenant: Tenant<'_>, message: Message) -> Self {
        let agent = message.sender_id.filter(|_| message.sender == Sender::Agent).map(AgentId::from_uuid);
        let sender_name = match agent {
            Some(id) => tenant.load_agent(id).await.ok().map(|agent| agent.name),
            None => None,
        };
        let start = id_start(message.conversation_id);
        let external_id = message.external_id.as_deref().and_then(|id| id.strip_prefix(&start)).map(str::to_owned);
        let citation = |one: domain::message::Citation| WidgetCitation {
            index: one.index,
            title: one.title,
            url: one.url,
            quote: one.quote,
        };
        Self {
            id: message.id,
            object: "message",
            seq: message.seq,
            sender: message.sender,
            sender_name,
            content: message.content,
            external_id,
            decision: message.decision,
            citations: message.citations.into_iter().map(citation).collect(),
            created_at: message.created_at,
        }
    }
}

/// Visitors' ids share a channel: each conversation's stand apart, so that nobody meets another's.
fn id_start(id: ConversationId) -> String {
    format!("{id}:")
}

/// Something a visitor says.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateWidgetMessage {
    content: String,
    /// The id the widget knows it by: the same id again brings the first message back.
    external_id: String,
}

/// Says something in the visitor's conversation.
#[utoipa::path(post, path = "/v1/widget/messages", tag = "widget", operation_id = "create_widget_message",
    request_body = CreateWidgetMessage, responses(
    (status = 202, description = "It is stored and will be answered or handed off", body = WidgetMessage),
    (status = 200, description = "It was here before", body = WidgetMessage)))]
pub(crate) async fn create_widget_message(
    State(app): State<App>,
    visitor: Visitor,
    Json(body): Json<CreateWidgetMessage>,
) -> Result<(StatusCode, axum::Json<WidgetMessage>)> {
    let limits =
        [("content", &body.content, CONTENT_CHARS_MAX), ("external_id", &body.external_id, EXTERNAL_ID_CHARS_MAX)];
    for (field, text, max) in limits {
        if text.trim().is_empty() || text.chars().count() > max {
            return Err(Problem::invalid(format!("`{field}` has from 1 to {max} characters")).at(format!("/{field}")));
        }
    }
    app.rates.take(&format!("messages {}", visitor.conversation_id), MESSAGES_MAX)?;
    let incoming = Incoming {
        conversation_id: visitor.conversation_id,
        content: body.content,
        external_id: Some(format!("{}{}", id_start(visitor.conversation_id), body.external_id)),
    };
    let received = receive(&app.desk, visitor.organization_id, incoming).await?;
    let status = if received.repeated { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, axum::Json(WidgetMessage::of(visitor.tenant(&app), received.message).await)))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListWidgetMessages {
    /// From 1 to 100; 20 where absent.
    limit: Option<i64>,
    /// The `next_cursor` of the stretch before.
    after: Option<String>,
}

/// Lists what was said in the visitor's conversation, oldest first.
#[utoipa::path(get, path = "/v1/widget/messages", tag = "widget", operation_id = "list_widget_messages",
    params(ListWidgetMessages), responses((status = 200, description = "A stretch", body = List<WidgetMessage>)))]
pub(crate) async fn list_widget_messages(
    State(app): State<App>,
    visitor: Visitor,
    Query(query): Query<ListWidgetMessages>,
) -> Result<axum::Json<List<WidgetMessage>>> {
    let tenant = visitor.tenant(&app);
    let limit = list::limit(query.limit)?;
    let after = list::seq(query.after.as_deref())?;
    let mut rows = Vec::new();
    for message in tenant.list_messages(visitor.conversation_id, after, limit + 1).await? {
        rows.push(WidgetMessage::of(tenant, message).await);
    }
    let cursor = |row: &WidgetMessage| list::seq_cursor(row.seq);
    Ok(axum::Json(List::stretch(rows, limit, cursor, |row| row)))
}

/// A visitor's thumb.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateWidgetFeedback {
    /// `good` or `poor`.
    #[schema(value_type = String, example = "good")]
    rating: Rating,
}

/// Rates an answer of the visitor's conversation; the newest rating counts.
#[utoipa::path(post, path = "/v1/widget/messages/{id}/feedback", tag = "widget", params(("id" = String, Path)),
    operation_id = "create_widget_feedback", request_body = CreateWidgetFeedback,
    responses((status = 204, description = "It is noted")))]
pub(crate) async fn create_widget_feedback(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<MessageId>,
    Json(body): Json<CreateWidgetFeedback>,
) -> Result<StatusCode> {
    let tenant = visitor.tenant(&app);
    let message = tenant.load_message(id).await?;
    if message.conversation_id != visitor.conversation_id || message.sender == Sender::Customer {
        return Err(Problem::not_found("message", id));
    }
    let mut transaction = tenant.begin().await?;
    transaction.upsert_feedback(id, body.rating, None).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tells agents who have the conversation open that the visitor is typing; it is not kept.
#[utoipa::path(post, path = "/v1/widget/typing", tag = "widget", operation_id = "create_widget_typing",
    responses((status = 204, description = "Those who watch were told")))]
pub(crate) async fn create_widget_typing(State(app): State<App>, visitor: Visitor) -> Result<StatusCode> {
    app.rates.take(&format!("typing {}", visitor.conversation_id), TYPING_MAX)?;
    let Visitor { organization_id, conversation_id } = visitor;
    app.hub.typing(organization_id, Typing { conversation_id, sender: "customer", agent_id: None, goes_on: true });
    Ok(StatusCode::NO_CONTENT)
}

/// Asks for a person: the conversation goes to the queue, unless a person has it already.
#[utoipa::path(post, path = "/v1/widget/handoff", tag = "widget", operation_id = "create_widget_handoff",
    responses((status = 200, description = "The session as it is now", body = WidgetSessionObject)))]
pub(crate) async fn create_widget_handoff(
    State(app): State<App>,
    visitor: Visitor,
) -> Result<axum::Json<WidgetSessionObject>> {
    app.rates.take(&format!("handoffs {}", visitor.conversation_id), HANDOFFS_MAX)?;
    let tenant = visitor.tenant(&app);
    let mut conversation = tenant.load_conversation(visitor.conversation_id).await?;
    if conversation.holder == Holder::Ai {
        let (organization_id, id) = (visitor.organization_id, visitor.conversation_id);
        let summary = summary(tenant, id, conversation.last_seq).await?;
        (conversation, _) = hand_off(&app.desk, organization_id, id, HandoffReason::CustomerRequest, summary).await?;
    }
    Ok(axum::Json(WidgetSessionObject::of(tenant, conversation).await))
}

/// What the visitor said last, as the agent finds it.
async fn summary(tenant: Tenant<'_>, id: ConversationId, last_seq: i64) -> Result<String> {
    const MESSAGES_READ: i64 = 20;
    const SUMMARY_CHARS_MAX: usize = 300;
    let messages = tenant.list_messages(id, (last_seq - MESSAGES_READ).max(0), MESSAGES_READ).await?;
    let last = messages.iter().rev().find(|message| message.sender == Sender::Customer);
    Ok(last.map(|message| message.content.chars().take(SUMMARY_CHARS_MAX).collect()).unwrap_or_default())
}
