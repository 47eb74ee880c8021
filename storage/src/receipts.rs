//! How far messages came: delivered and read, by those whom they were for.

use crate::sql::Run;
use crate::{Result, Transaction};
use domain::ConversationId;
use domain::message::DeliveryState;

/// Whose messages were received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// The customer received what the desk said.
    ByCustomer,
    /// An agent received what the customer said.
    ByAgent,
}

impl Transaction {
    /// Marks messages up to `seq` as delivered or read; a state never goes back. How many it changed.
    pub async fn mark_received(
        &mut self,
        id: ConversationId,
        by: Received,
        state: DeliveryState,
        seq: i64,
    ) -> Result<u64> {
        let organization_id = self.organization_id()?;
        let touched = (&mut *self)
            .run(
                "update messages set delivery = $3
                 where organization_id = $1 and conversation_id = $2 and seq <= $4
                    and ((sender = 'customer') = $5)
                    and (delivery is null or delivery in ('queued', 'sent', 'unknown')
                        or ($3 = 'read' and delivery = 'delivered'))",
                (organization_id, id, state, seq, by == Received::ByAgent),
            )
            .await?;
        if touched > 0 {
            let by = if by == Received::ByAgent { "agent" } else { "customer" };
            let kind = if state == DeliveryState::Read { "message.read" } else { "message.delivered" };
            self.tell(kind, Some(id), serde_json::json!({ "by": by, "up_to_seq": seq }));
        }
        Ok(touched)
    }
}
