//! Messages of a conversation: say something, and read what was said.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path, Query};
use crate::error::{Problem, Result};
use crate::idempotency::IdempotencyKey;
use crate::list::{self, List};
use crate::objects::{AttachmentObject, MessageObject};
use crate::routes::agents::known;
use crate::routes::handoff::refused;
use crate::waiting::answer_to;
use answering::hand_off::say_as_agent;
use answering::receive::{Incoming, receive_with};
use answering::sentences::sentences;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use domain::message::{Attachment, Message};
use domain::{AgentId, ConversationId};
use futures::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::convert::Infallible;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

/// How often a stream without news shows that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Something to say.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateMessage {
    /// Plain text or Markdown.
    content: String,
    #[serde(default)]
    sender: Speaker,
    /// What is attached to it: at most five.
    #[serde(default)]
    attachments: Vec<AttachmentObject>,
    /// The id the client knows it by: the same id again brings the first message back.
    #[serde(default)]
    external_id: Option<String>,
    /// The agent who says it, where `sender` is `agent`; a member always speaks as their own.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    agent_id: Option<AgentId>,
}

/// Who may say something over the API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Speaker {
    /// The person who asks.
    #[default]
    Customer,
    /// A person of the desk; the AI is silent from then on.
    Agent,
}

/// How the client wants the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Not in this response.
    Later,
    /// In this response, as JSON.
    Answer,
    /// In this response, as a stream of its sentences.
    Stream,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Waiting {
    /// `answer` holds the response until the answer is there, at most 60 seconds.
    #[param(value_type = Option<String>)]
    wait: Option<Wait>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wait {
    Answer,
}

impl<S: Send + Sync> FromRequestParts<S> for Wanted {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let Query(waiting) = Query::<Waiting>::from_request_parts(parts, state).await?;
        let accept = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        Ok(match waiting.wait {
            _ if accept.is_some_and(|accept| accept.contains("text/event-stream")) => Self::Stream,
            Some(Wait::Answer) => Self::Answer,
            None => Self::Later,
        })
    }
}

/// A message and its answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct Answered {
    message: MessageObject,
    /// `null` where none came in time, or where a person answers.
    answer: Option<MessageObject>,
}

/// Says something. When this returns, the message is on disk and will be answered or handed off.
///
/// With `Accept: text/event-stream` the events are `message.created`, then a `message.delta` for each
/// sentence of the answer once it is verified and stored, then `message.completed`; or, where no answer
/// came in time, `message.pending`.
#[utoipa::path(post, path = "/v1/conversations/{id}/messages", tag = "conversations",
    params(("id" = String, Path), Waiting), request_body = CreateMessage, responses(
    (status = 202, description = "It is stored; with `wait=answer`: the time was up", body = MessageObject),
    (status = 200, description = "With `wait=answer` its answer; else it was here before", body = Answered),
))]
pub(crate) async fn create_message(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ConversationId>,
    wanted: Wanted,
    key: Option<axum::Extension<IdempotencyKey>>,
    Json(body): Json<CreateMessage>,
) -> Result<Response> {
    if body.sender == Speaker::Agent {
        return create_agent_message(&app, &caller, id, body).await;
    }
    if body.agent_id.is_some() {
        let detail = "`agent_id` is only for messages of agents";
        return Err(Problem::invalid(detail).at("/agent_id").hint("add `\"sender\": \"agent\"`"));
    }
    // The request's key names the message too, so that a request that was cut off is not said twice.
    let external_id = body.external_id.or_else(|| key.map(|key| format!("idempotency-key:{}", key.0.0)));
    let incoming = Incoming { conversation_id: id, content: body.content, external_id };
    let attachments: Vec<Attachment> = body.attachments.into_iter().map(Attachment::from).collect();
    let received = receive_with(&app.desk, caller.organization_id(), incoming, &attachments).await?;
    if received.message.conversation_id != id {
        let detail = "`external_id` belongs to a message of another conversation of this channel";
        return Err(Problem::conflict("external_id_taken", detail).at("/external_id"));
    }
    let status = if received.repeated { StatusCode::OK } else { StatusCode::ACCEPTED };
    match wanted {
        Wanted::Later => Ok((status, axum::Json(MessageObject::from(received.message))).into_response()),
        Wanted::Answer => {
            let answer = answer_to(&app, &received.message).await?.map(MessageObject::from);
            let status = if answer.is_some() { StatusCode::OK } else { StatusCode::ACCEPTED };
            let message = received.message.into();
            Ok((status, axum::Json(Answered { message, answer })).into_response())
        }
        Wanted::Stream => Ok(stream_answer(app, received.message)),
    }
}

async fn create_agent_message(app: &App, caller: &Caller, id: ConversationId, body: CreateMessage) -> Result<Response> {
    if body.external_id.is_some() {
        let detail = "`external_id` is only for messages of customers";
        return Err(Problem::invalid(detail)
            .at("/external_id")
            .hint("the header `idempotency-key` keeps an agent's message from being said twice"));
    }
    if !body.attachments.is_empty() {
        return Err(Problem::invalid("`attachments` are only for messages of customers").at("/attachments"));
    }
    let organization_id = caller.organization_id();
    let agent_id = caller.agent_or(body.agent_id);
    if let Some(agent_id) = agent_id {
        known(app, caller, agent_id).await?;
    }
    let said = say_as_agent(&app.desk, organization_id, id, agent_id, body.content).await;
    let message = said.map_err(refused)?;
    Ok((StatusCode::ACCEPTED, axum::Json(MessageObject::from(message))).into_response())
}

fn stream_answer(app: App, message: Message) -> Response {
    let created = event("message.created", &MessageObject::from(message.clone()));
    let answer = stream::once(async move {
        match answer_to(&app, &message).await {
            Ok(Some(answer)) => pieces(answer),
            Ok(None) => vec![event("message.pending", &json!({ "message_id": message.id }))],
            Err(_) => vec![event("error", &json!({ "code": "internal_error" }))],
        }
    });
    let events = stream::iter([created]).chain(answer.flat_map(stream::iter));
    let numbered = events.enumerate().map(|(place, event)| Ok::<_, Infallible>(event.id((place + 1).to_string())));
    Sse::new(numbered).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response()
}

/// The answer sentence by sentence, then whole. It is stored already: nothing is streamed that a
/// later check could take back.
fn pieces(answer: Message) -> Vec<Event> {
    let mut events: Vec<Event> = deltas(&answer.content)
        .into_iter()
        .map(|delta| event("message.delta", &json!({ "message_id": answer.id, "delta": delta })))
        .collect();
    events.push(event("message.completed", &MessageObject::from(answer)));
    events
}

/// The text in pieces of a sentence each; together they are the text.
pub(crate) fn deltas(content: &str) -> Vec<&str> {
    let starts: Vec<usize> = sentences(content).iter().skip(1).map(|unit| unit.range.start).collect();
    let ends = starts.iter().copied().chain([content.len()]);
    let begins = [0].into_iter().chain(starts.iter().copied());
    begins.zip(ends).filter_map(|(start, end)| content.get(start..end)).filter(|text| !text.is_empty()).collect()
}

pub(crate) fn event(kind: &str, data: &impl Serialize) -> Event {
    Event::default().event(kind).data(serde_json::to_string(data).unwrap_or_default())
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListMessages {
    /// From 1 to 100; 20 where absent.
    limit: Option<i64>,
    /// The `next_cursor` of the stretch before.
    after: Option<String>,
}

/// Lists what was said, oldest first.
#[utoipa::path(get, path = "/v1/conversations/{id}/messages", tag = "conversations",
    params(("id" = String, Path), ListMessages),
    responses((status = 200, description = "A stretch of the list", body = List<MessageObject>)))]
pub(crate) async fn list_messages(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ConversationId>,
    Query(query): Query<ListMessages>,
) -> Result<axum::Json<List<MessageObject>>> {
    let tenant = app.of(caller.organization_id());
    let limit = list::limit(query.limit)?;
    let after = list::seq(query.after.as_deref())?;
    tenant.load_conversation(id).await?;
    let rows = tenant.list_messages(id, after, limit + 1).await?;
    let cursor = |row: &Message| list::seq_cursor(row.seq);
    Ok(axum::Json(List::stretch(rows, limit, cursor, MessageObject::from)))
}
