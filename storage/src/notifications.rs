//! What agents are told.

use crate::sql::Run;
use crate::{Keyset, Result, Tenant, Transaction};
use domain::notification::{Notification, NotificationKind};
use domain::{AgentId, ConversationId, NotificationId};

/// How many notifications of a kind an agent has not seen.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Unread {
    /// The kind.
    pub kind: NotificationKind,
    /// How many.
    pub unread: i64,
}

impl Tenant<'_> {
    /// Notifications of an agent, the newest first.
    pub async fn list_notifications(
        self,
        agent: AgentId,
        only_unread: bool,
        after: Keyset,
        limit: i64,
    ) -> Result<Vec<Notification>> {
        self.all(
            "select id, organization_id, agent_id, kind, conversation_id, actor_id, read_at, created_at from notifications
             where organization_id = $1 and agent_id = $2 and ($3 = false or read_at is null)
                and (created_at, id) < ($4, $5)
             order by created_at desc, id desc limit $6",
            (self.organization_id(), agent, only_unread, after.time, after.id, limit),
        )
        .await
    }

    /// How many an agent has not seen, by kind.
    pub async fn count_unread(self, agent: AgentId) -> Result<Vec<Unread>> {
        self.all(
            "select kind, count(*) as unread from notifications
             where organization_id = $1 and agent_id = $2 and read_at is null group by kind order by kind",
            (self.organization_id(), agent),
        )
        .await
    }
}

impl Transaction {
    /// Tells an agent; what they were told and have not seen yet is not told twice.
    pub async fn notify(
        &mut self,
        agent: AgentId,
        kind: NotificationKind,
        conversation: ConversationId,
        actor: Option<AgentId>,
    ) -> Result<()> {
        let (organization_id, now) = (self.organization_id()?, self.now());
        let id: NotificationId = self.id();
        let told = (&mut *self)
            .run(
                "insert into notifications (id, organization_id, agent_id, kind, conversation_id, actor_id, created_at)
                 select $1, $2, $3, $4, $5, $6, $7 where not exists (select 1 from notifications n
                    where n.organization_id = $2 and n.agent_id = $3 and n.kind = $4 and n.conversation_id = $5
                    and n.read_at is null)",
                (id, organization_id, agent, kind, conversation, actor, now),
            )
            .await?;
        if told > 0 {
            let payload = serde_json::json!({ "notification_id": id, "agent_id": agent, "notification_kind": kind });
            self.tell("notification.created", Some(conversation), payload);
        }
        Ok(())
    }

    /// Marks an agent's notifications as seen: those with these ids, or all; how many there were.
    pub async fn mark_notifications_read(&mut self, agent: AgentId, ids: Option<&[NotificationId]>) -> Result<u64> {
        let (organization_id, now) = (self.organization_id()?, self.now());
        let mut marked = 0;
        match ids {
            None => {
                marked += (&mut *self)
                    .run(
                        "update notifications set read_at = $3 where organization_id = $1 and agent_id = $2 and read_at is null",
                        (organization_id, agent, now),
                    )
                    .await?;
            }
            Some(ids) => {
                for id in ids {
                    marked += (&mut *self)
                        .run(
                            "update notifications set read_at = $4
                             where organization_id = $1 and agent_id = $2 and id = $3 and read_at is null",
                            (organization_id, agent, *id, now),
                        )
                        .await?;
                }
            }
        }
        if marked > 0 {
            self.tell("notification.read", None, serde_json::json!({ "agent_id": agent }));
        }
        Ok(marked)
    }
}
