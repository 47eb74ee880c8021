//! What happens, as it happens: server-sent events of an organization or of a conversation.

use crate::app::App;
use crate::auth::Caller;
use crate::body::Path;
use crate::error::{Problem, Result};
use crate::hub::Listener;
use crate::objects::MessageObject;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use domain::event::Event;
use domain::key::Scope;
use domain::{ConversationId, MessageId};
use futures::stream::{self, StreamExt};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// How often a stream without news shows that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Events read at once.
const EVENTS_READ: i64 = 100;

/// The last event a client saw before it was cut off.
pub(crate) struct LastEventId(Option<i64>);

impl LastEventId {
    pub(crate) fn seq(&self) -> Option<i64> {
        self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for LastEventId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let Some(value) = parts.headers.get("last-event-id") else { return Ok(Self(None)) };
        let seq = value.to_str().ok().and_then(|text| text.parse().ok()).filter(|seq| *seq >= 0);
        match seq {
            Some(seq) => Ok(Self(Some(seq))),
            None => Err(Problem::invalid("the header `last-event-id` is not an id of this stream")),
        }
    }
}

/// Streams what happens in the organization, as far as the key's scopes reach.
#[utoipa::path(get, path = "/v1/events", tag = "events",
    params(("Last-Event-ID" = Option<i64>, Header, description = "Goes on behind this event")),
    responses((status = 200, description = "Events: `conversation.*` `message.*` `scan.*` `article.*`",
        content_type = "text/event-stream", body = String)))]
pub(crate) async fn watch_organization(State(app): State<App>, caller: Caller, last: LastEventId) -> Result<Response> {
    watch(app, caller, None, last).await
}

/// Streams what happens in a conversation.
#[utoipa::path(get, path = "/v1/conversations/{id}/events", tag = "events",
    params(("id" = String, Path), ("Last-Event-ID" = Option<i64>, Header, description = "Goes on behind this event")),
    responses((status = 200, description = "Events: `conversation.*` `message.*`",
        content_type = "text/event-stream", body = String)))]
pub(crate) async fn watch_conversation(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ConversationId>,
    last: LastEventId,
) -> Result<Response> {
    app.of(caller.organization_id()).load_conversation(id).await?;
    watch(app, caller, Some(id), last).await
}

struct Watch {
    app: App,
    caller: Caller,
    conversation: Option<ConversationId>,
    last: i64,
    listener: Listener,
    read: VecDeque<Event>,
    _permit: OwnedSemaphorePermit,
}

async fn watch(app: App, caller: Caller, conversation: Option<ConversationId>, last: LastEventId) -> Result<Response> {
    let Ok(permit) = app.streams.clone().try_acquire_owned() else {
        return Err(Problem::busy("too many event streams are open"));
    };
    let organization_id = caller.organization_id();
    let listener = app.hub.listen(organization_id, conversation).await?;
    let last = match last.0 {
        Some(seq) => seq,
        None => app.of(organization_id).event_seq().await?,
    };
    let watch = Watch { app, caller, conversation, last, listener, read: VecDeque::new(), _permit: permit };
    let events = stream::unfold(watch, |mut watch| async move {
        let event = watch.next().await?;
        Some((Ok::<_, Infallible>(event), watch))
    });
    Ok(Sse::new(events.boxed()).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response())
}

impl Watch {
    /// The next event; `None` ends the stream, and the client resumes behind what it saw last.
    async fn next(&mut self) -> Option<Sent> {
        let stop = self.app.stop.clone();
        loop {
            if let Some(event) = self.read.pop_front() {
                self.last = event.seq;
                if !self.may_see(&event) {
                    continue;
                }
                return Some(self.sent(event).await);
            }
            let tenant = self.app.of(self.caller.organization_id());
            match tenant.list_events(self.last, self.conversation, EVENTS_READ).await {
                Ok(events) if events.is_empty() => {
                    if let Some(typing) = stop.run_until_cancelled(self.listener.wait()).await?
                        && self.caller.may(Scope::Conversations)
                    {
                        // Without an id: a client that resumes goes on behind what was committed.
                        return Some(Sent::default().event("conversation.typing").data(json!(typing).to_string()));
                    }
                }
                Ok(events) => self.read.extend(events),
                Err(error) => {
                    tracing::warn!(error = %error, "an event stream ends early");
                    return None;
                }
            }
        }
    }

    fn may_see(&self, event: &Event) -> bool {
        let noun = event.kind.split('.').next().unwrap_or_default();
        if noun == "notification" && !self.is_for_caller(event) {
            return false;
        }
        let scope = if matches!(noun, "scan" | "article" | "source") { Scope::Knowledge } else { Scope::Conversations };
        self.caller.may(scope)
    }

    /// Whether a notification is the member's own; programs with the scope see everyone's.
    fn is_for_caller(&self, event: &Event) -> bool {
        let Some(member) = self.caller.member() else { return true };
        event.payload.get("agent_id").and_then(Value::as_str) == Some(member.agent_id.to_string().as_str())
    }

    async fn sent(&self, event: Event) -> Sent {
        let mut data = json!({
            "seq": event.seq,
            "kind": event.kind,
            "conversation_id": event.conversation_id,
            "created_at": event.created_at,
        });
        if let (Some(fields), Value::Object(payload)) = (data.as_object_mut(), &event.payload) {
            fields.extend(payload.clone());
            if let Some(message) = self.message(&event.payload).await {
                fields.insert("message".to_owned(), json!(message));
            }
        }
        Sent::default().id(event.seq.to_string()).event(event.kind).data(data.to_string())
    }

    /// The message an event tells of; one that was erased meanwhile is left out.
    async fn message(&self, payload: &Value) -> Option<MessageObject> {
        let id: MessageId = payload.get("message_id")?.as_str()?.parse().ok()?;
        let loaded = self.app.of(self.caller.organization_id()).load_message(id).await;
        loaded.ok().map(MessageObject::from)
    }
}
