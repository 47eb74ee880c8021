//! What lists show of a conversation besides itself: whose it is and what was said last.

use crate::list::{List, ids};
use crate::sql::Run;
use crate::{Result, Tenant};
use domain::ConversationId;
use domain::handoff::HandoffReason;
use domain::message::Sender;

/// Characters of the last message that are read.
const SNIPPET_CHARS: i64 = 160;

/// A conversation at a glance.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct ConversationPreview {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The customer's name.
    pub customer_name: Option<String>,
    /// The customer's e-mail address.
    pub customer_email: Option<String>,
    /// The kind of its channel.
    pub channel: String,
    /// Who spoke last.
    pub sender: Option<Sender>,
    /// The beginning of what was said last.
    pub snippet: Option<String>,
    /// How sure the AI was, where it spoke last.
    pub confidence: Option<f64>,
    /// Why it waits for an agent, or is with one.
    pub handoff_reason: Option<HandoffReason>,
}

impl Tenant<'_> {
    /// The conversations at a glance, in no order; those of other organizations are left out.
    pub async fn list_previews(self, of: &[ConversationId]) -> Result<Vec<ConversationPreview>> {
        self.all(
            List::Ids.sql(
                "select c.id as conversation_id, p.name as customer_name, p.email as customer_email, h.kind as channel,
                    m.sender as sender, substr(m.content, 1, cast($3 as integer)) as snippet, m.confidence as confidence,
                    (select reason from handoffs f where f.conversation_id = c.id
                        and f.state in ('waiting', 'accepted') order by f.created_at desc limit 1) as handoff_reason
                 from {wanted} cross join conversations c
                 join customers p on p.id = c.customer_id
                 join channels h on h.id = c.channel_id
                 left join messages m on m.conversation_id = c.id and m.seq = c.last_seq
                 where c.organization_id = $1 and c.id = wanted.value",
            ),
            (self.organization_id(), ids(of), SNIPPET_CHARS),
        )
        .await
    }
}
