//! Conversations that have outlived their retention.

use crate::list::{self, List};
use crate::sql::Run;
use crate::{Result, Tenant, Transaction};
use domain::{ConversationId, Time};

impl Tenant<'_> {
    /// Resolved conversations in which nothing was said since `before`, the oldest first.
    pub async fn list_old_conversations(self, before: Time, limit: i64) -> Result<Vec<ConversationId>> {
        let rows: Vec<(ConversationId,)> = self
            .all(
                "select c.id from conversations c
                 where c.organization_id = $1 and c.status = 'resolved' and c.created_at < $2
                     and not exists (select 1 from messages m where m.conversation_id = c.id and m.created_at >= $2)
                 order by c.created_at, c.id limit $3",
                (self.organization_id(), before, limit),
            )
            .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }
}

impl Transaction {
    /// Erases those of the conversations that are still resolved and in which nothing was said since `before`, with
    /// their messages, traces, notes, handoffs and events; how many. What was paid for stays as figures that no longer
    /// lead to them. Facts stay with their customer, and cases of datasets that people made stay too. The vectors of
    /// what was said go with the customer's last conversation.
    pub async fn delete_old_conversations(&mut self, ids: &[ConversationId], before: Time) -> Result<u64> {
        let organization_id = self.organization_id()?;
        let old: Vec<(ConversationId,)> = self
            .all(
                List::Ids.sql(
                    "select c.id from {wanted} cross join conversations c
                     where c.id = wanted.value and c.organization_id = $1 and c.status = 'resolved' and not exists (
                         select 1 from messages m where m.conversation_id = c.id and m.created_at >= $3)",
                ),
                (organization_id, list::ids(ids), before),
            )
            .await?;
        let old: Vec<ConversationId> = old.into_iter().map(|(id,)| id).collect();
        if old.is_empty() {
            return Ok(0);
        }
        let wanted = list::ids(&old);
        for text in [
            "update usage set conversation_id = null, message_id = null
             where organization_id = $1 and conversation_id in (select value from {wanted})",
            "delete from events where organization_id = $1 and conversation_id in (select value from {wanted})",
            "update facts set source_message_id = null
             where organization_id = $1 and source_message_id in (
                 select m.id from messages m where m.conversation_id in (select value from {wanted}))",
            "delete from memory_vectors where organization_id = $1 and customer_id in (
                 select c.customer_id from conversations c where c.id in (select value from {wanted}))
             and not exists (
                 select 1 from conversations o where o.customer_id = memory_vectors.customer_id
                     and o.id not in (select value from {wanted}))",
        ] {
            self.run(List::Ids.sql(text), (organization_id, wanted.clone())).await?;
        }
        // Everything else hangs on the conversation by foreign keys that cascade.
        let delete = "delete from conversations where organization_id = $1 and id in (select value from {wanted})";
        self.run(List::Ids.sql(delete), (organization_id, wanted)).await
    }
}
