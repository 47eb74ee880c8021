//! What model calls used and cost.

use crate::sql::Run;
use crate::{Result, Tenant, Transaction};
use domain::handoff::HandoffReason;
use domain::usage::{TokenUsage, UsageSum};
use domain::{AssistantId, ConversationId, MessageId, Time, UsageId};

/// A model call to record.
#[derive(Clone, Debug)]
pub struct NewUsage {
    /// The conversation it was for.
    pub conversation_id: Option<ConversationId>,
    /// The reply it was for.
    pub message_id: Option<MessageId>,
    /// The assistant it was for.
    pub assistant_id: Option<AssistantId>,
    /// `chat` or `embeddings`.
    pub operation: &'static str,
    /// The model.
    pub model: String,
    /// Its tokens.
    pub tokens: TokenUsage,
    /// Its price.
    pub cost_micro_usd: i64,
}

impl Transaction {
    /// Records a model call in place of the room that it took; where no token was used there is nothing to record.
    pub async fn settle(&mut self, reservation: Option<UsageId>, new: NewUsage) -> Result<()> {
        if let Some(reservation) = reservation {
            self.release_reservation(reservation).await?;
        }
        if new.tokens.input_tokens == 0 && new.tokens.output_tokens == 0 {
            return Ok(());
        }
        self.insert_usage(new).await
    }

    /// Records a model call.
    pub async fn insert_usage(&mut self, new: NewUsage) -> Result<()> {
        let organization_id = self.organization_id()?;
        let now = self.now();
        let id: UsageId = self.id();
        self.defer(
            "insert into usage (id, organization_id, conversation_id, message_id, assistant_id, operation, model,
                input_tokens, output_tokens, estimated, cost_micro_usd, day, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            (
                id,
                organization_id,
                new.conversation_id,
                new.message_id,
                new.assistant_id,
                new.operation,
                new.model,
                new.tokens.input_tokens,
                new.tokens.output_tokens,
                new.tokens.estimated,
                new.cost_micro_usd,
                now.day(),
                now,
            ),
        )
        .await
    }
}

/// How many conversations were handed off for a reason.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct HandoffCount {
    /// Why.
    pub reason: HandoffReason,
    /// How many conversations.
    pub conversations: i64,
}

impl Tenant<'_> {
    /// Conversations that were handed off from a time until before another, by reason, the most first.
    pub async fn count_handoffs(self, from: Time, to: Time) -> Result<Vec<HandoffCount>> {
        self.all(
            "select reason, count(distinct conversation_id) as conversations from handoffs
             where organization_id = $1 and created_at >= $2 and created_at < $3
             group by reason order by conversations desc, reason",
            (self.organization_id(), from, to),
        )
        .await
    }

    /// Conversations in which something happened from a time on.
    pub async fn count_conversations(self, from: Time) -> Result<i64> {
        let count: Option<(i64,)> = self
            .find(
                "select count(*) from conversations where organization_id = $1 and updated_at >= $2",
                (self.organization_id(), from),
            )
            .await?;
        Ok(count.map_or(0, |(count,)| count))
    }

    /// Sums by day, assistant and model, newest day first; `from` and `to` are UTC days, both included.
    pub async fn sum_usage(self, from: &str, to: &str) -> Result<Vec<UsageSum>> {
        self.all(
            "select day, assistant_id, model, count(*) as calls,
                cast(sum(input_tokens) as bigint) as input_tokens, cast(sum(output_tokens) as bigint) as output_tokens,
                cast(sum(cost_micro_usd) as bigint) as cost_micro_usd
             from usage where organization_id = $1 and day >= $2 and day <= $3
             group by day, assistant_id, model order by day desc, model, assistant_id limit 10000",
            (self.organization_id(), from.to_owned(), to.to_owned()),
        )
        .await
    }
}
