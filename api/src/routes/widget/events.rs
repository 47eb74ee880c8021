//! What happens in a visitor's conversation, as it happens. Notes, figures and reasons stay inside.

use super::{WidgetMessage, WidgetSessionObject};
use crate::app::App;
use crate::error::{Problem, Result};
use crate::hub::Listener;
use crate::routes::events::LastEventId;
use crate::routes::messages::{deltas, event};
use crate::visitor::Visitor;
use axum::extract::State;
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use domain::MessageId;
use domain::event::Event;
use domain::message::Sender;
use futures::stream::{self, StreamExt};
use serde_json::json;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// How often a stream without news shows that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Events read at once.
const EVENTS_READ: i64 = 100;
/// Streams that one session opens in a minute.
const STREAMS_MAX: u32 = 30;

struct Watch {
    app: App,
    visitor: Visitor,
    last: i64,
    listener: Listener,
    ready: VecDeque<Sent>,
    _permit: OwnedSemaphorePermit,
}

/// Streams what happens in the visitor's conversation: `session` when it changes hands; of an answer a
/// `message.delta` for each sentence, then `message.completed`; `typing` while a person of the desk writes.
#[utoipa::path(get, path = "/v1/widget/events", tag = "widget", operation_id = "watch_widget",
    params(("Last-Event-ID" = Option<i64>, Header, description = "Goes on behind this event")),
    responses((status = 200, description = "Events: `session` `message.delta` `message.completed` `typing`",
        content_type = "text/event-stream", body = String)))]
pub(crate) async fn watch_widget(State(app): State<App>, visitor: Visitor, last: LastEventId) -> Result<Response> {
    app.rates.take(&format!("streams {}", visitor.conversation_id), STREAMS_MAX)?;
    let Ok(permit) = app.widget_streams.clone().try_acquire_owned() else {
        return Err(Problem::busy("too many event streams are open"));
    };
    let listener = app.hub.listen(visitor.organization_id, Some(visitor.conversation_id)).await?;
    let last = match last.seq() {
        Some(seq) => seq,
        None => visitor.tenant(&app).event_seq().await?,
    };
    let ready = VecDeque::from([state(&app, &visitor).await?.id(last.to_string())]);
    let watch = Watch { app, visitor, last, listener, ready, _permit: permit };
    let events = stream::unfold(watch, |mut watch| async move {
        let event = watch.next().await?;
        Some((Ok::<_, Infallible>(event), watch))
    });
    Ok(Sse::new(events.boxed()).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response())
}

async fn state(app: &App, visitor: &Visitor) -> Result<Sent> {
    let tenant = visitor.tenant(app);
    let conversation = tenant.load_conversation(visitor.conversation_id).await?;
    Ok(event("session", &WidgetSessionObject::of(tenant, conversation).await))
}

impl Watch {
    /// The next event; `None` ends the stream, and the widget resumes behind what it saw last.
    async fn next(&mut self) -> Option<Sent> {
        let stop = self.app.stop.clone();
        loop {
            if let Some(sent) = self.ready.pop_front() {
                return Some(sent);
            }
            let tenant = self.visitor.tenant(&self.app);
            match tenant.list_events(self.last, Some(self.visitor.conversation_id), EVENTS_READ).await {
                Ok(events) if events.is_empty() => {
                    if let Some(typing) = stop.run_until_cancelled(self.listener.wait()).await?
                        && typing.sender == "agent"
                    {
                        // Without an id: it is of the moment, and nothing to resume behind.
                        return Some(event("typing", &json!({ "typing": typing.goes_on })));
                    }
                }
                Ok(events) => {
                    for event in events {
                        self.take(event).await;
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %error, "a widget's stream ends early");
                    return None;
                }
            }
        }
    }

    async fn take(&mut self, event: Event) {
        self.last = event.seq;
        match event.kind.as_str() {
            "message.created" => self.take_message(&event).await,
            "conversation.updated" | "conversation.handed_off" => {
                if let Ok(sent) = state(&self.app, &self.visitor).await {
                    self.ready.push_back(sent.id(event.seq.to_string()));
                }
            }
            _ => {}
        }
    }

    /// An answer comes sentence by sentence; it is stored already, so no check can take it back.
    async fn take_message(&mut self, event_: &Event) {
        let id = event_.payload.get("message_id").and_then(|id| id.as_str()).and_then(|id| id.parse().ok());
        let Some(id): Option<MessageId> = id else { return };
        let tenant = self.visitor.tenant(&self.app);
        // One that was erased meanwhile is left out.
        let Ok(message) = tenant.load_message(id).await else { return };
        let message = WidgetMessage::of(tenant, message).await;
        if message.sender == Sender::Ai {
            let pieces = deltas(&message.content).into_iter();
            let piece = |delta| event("message.delta", &json!({ "message_id": message.id, "delta": delta }));
            self.ready.extend(pieces.map(piece));
        }
        self.ready.push_back(event("message.completed", &message).id(event_.seq.to_string()));
    }
}
