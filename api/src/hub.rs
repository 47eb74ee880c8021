//! Tells those who wait or watch what was committed: one reader of events per organization, so that
//! a thousand waiting requests do not look into the database at every commit.

use domain::{AgentId, ConversationId, OrganizationId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use storage::{Database, Signal};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Events read at once.
const EVENTS_READ: i64 = 500;
/// Events a slow listener may be behind before it is told to look for itself.
const BACKLOG: usize = 1_024;
/// How often the database is looked into where no signal comes: another process wrote.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

type Sender = broadcast::Sender<Told>;

/// What listeners are told.
#[derive(Clone, Debug)]
enum Told {
    /// Something was committed, of a conversation or not.
    Committed(Option<ConversationId>),
    /// Somebody is typing.
    Typing(Typing),
}

/// Somebody is typing; only who listens at that moment to this process learns of it.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Typing {
    pub(crate) conversation_id: ConversationId,
    /// `customer` or `agent`.
    pub(crate) sender: &'static str,
    pub(crate) agent_id: Option<AgentId>,
    #[serde(rename = "typing")]
    pub(crate) goes_on: bool,
}

/// The readers of events that run now.
#[derive(Clone)]
pub(crate) struct Hub {
    database: Database,
    tasks: TaskTracker,
    stop: CancellationToken,
    senders: Arc<Mutex<HashMap<OrganizationId, Sender>>>,
}

/// One who waits for events of an organization, or of one of its conversations.
pub(crate) struct Listener {
    receiver: broadcast::Receiver<Told>,
    conversation: Option<ConversationId>,
}

impl Listener {
    /// Waits until there is something to look at, or somebody is typing.
    pub(crate) async fn wait(&mut self) -> Option<Typing> {
        loop {
            match self.receiver.recv().await {
                Ok(Told::Committed(about)) if self.conversation.is_some() && about != self.conversation => {}
                Ok(Told::Typing(typing)) if self.conversation.is_some_and(|id| id != typing.conversation_id) => {}
                Ok(Told::Typing(typing)) => return Some(typing),
                Ok(Told::Committed(_)) | Err(RecvError::Lagged(_)) => return None,
                Err(RecvError::Closed) => {
                    // The reader gave up; looking now and then still finds everything.
                    tokio::time::sleep(LOOK_INTERVAL).await;
                    return None;
                }
            }
        }
    }
}

impl Hub {
    pub(crate) fn new(database: Database, tasks: TaskTracker, stop: CancellationToken) -> Self {
        Self { database, tasks, stop, senders: Arc::default() }
    }

    /// Starts listening: what is committed from now on wakes the listener.
    pub(crate) async fn listen(
        &self,
        organization_id: OrganizationId,
        conversation: Option<ConversationId>,
    ) -> storage::Result<Listener> {
        if let Some(receiver) = self.present(organization_id) {
            return Ok(Listener { receiver, conversation });
        }
        let last = self.database.of(organization_id).event_seq().await?;
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = senders.entry(organization_id).or_insert_with(|| {
            let sender = broadcast::channel(BACKLOG).0;
            let (hub, stop) = (self.clone(), self.stop.clone());
            let read = hub.read(organization_id, last, sender.clone());
            self.tasks.spawn(async move { stop.run_until_cancelled_owned(read).await });
            sender
        });
        Ok(Listener { receiver: sender.subscribe(), conversation })
    }

    fn present(&self, organization_id: OrganizationId) -> Option<broadcast::Receiver<Told>> {
        let senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        senders.get(&organization_id).map(broadcast::Sender::subscribe)
    }

    /// Tells who listens now that somebody is typing.
    pub(crate) fn typing(&self, organization_id: OrganizationId, typing: Typing) {
        let senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = senders.get(&organization_id) {
            // Nobody listening is no failure.
            let _ = sender.send(Told::Typing(typing));
        }
    }

    /// Reads events and tells of them until nobody listens any more.
    async fn read(self, organization_id: OrganizationId, mut last: i64, sender: Sender) {
        let mut signal = self.database.signals().listen(Signal::Events);
        while !self.ended(organization_id, &sender) {
            let read = self.database.of(organization_id).list_events(last, None, EVENTS_READ).await;
            let events = match read {
                Ok(events) => events,
                Err(error) => {
                    tracing::warn!(error = %error, "events cannot be read");
                    Vec::new()
                }
            };
            if events.is_empty() {
                signal.wait(LOOK_INTERVAL).await;
            }
            for event in events {
                last = event.seq;
                // Nobody listening is no failure: the loop ends then.
                let _ = sender.send(Told::Committed(event.conversation_id));
            }
        }
    }

    /// Takes the reader out where nobody listens; nobody can begin to in between.
    fn ended(&self, organization_id: OrganizationId, sender: &Sender) -> bool {
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = sender.receiver_count() == 0;
        if ended {
            senders.remove(&organization_id);
        }
        ended
    }
}
