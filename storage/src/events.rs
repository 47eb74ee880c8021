//! What happened, written with the change it tells of and read by those who watch.

use crate::sql::Run;
use crate::{Database, Result, Tenant};
use domain::event::Event;
use domain::{ConversationId, Time};

impl Tenant<'_> {
    /// Events after `seq`, oldest first; of one conversation, or of all.
    pub async fn list_events(self, after: i64, conversation: Option<ConversationId>, limit: i64) -> Result<Vec<Event>> {
        self.all(
            "select organization_id, seq, conversation_id, kind, payload, created_at from events
             where organization_id = $1 and seq > $2 and ($3 is null or conversation_id = $3) order by seq limit $4",
            (self.organization_id(), after, conversation, limit),
        )
        .await
    }

    /// The seq of the newest event.
    pub async fn event_seq(self) -> Result<i64> {
        self.scalar("select event_seq from organizations where id = $1", (self.organization_id(),)).await
    }
}

impl Database {
    /// Deletes events older than `before`.
    pub async fn delete_events(&self, before: Time) -> Result<u64> {
        self.run("delete from events where created_at < $1", (before,)).await
    }
}
