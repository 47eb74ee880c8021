//! What model calls used and cost.

use crate::sql::Run;
use crate::{Result, Tenant, Transaction};
use domain::usage::{TokenUsage, UsageSum};
use domain::{AssistantId, ConversationId, MessageId, UsageId};

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
    /// Records a model call.
    pub async fn insert_usage(&mut self, new: NewUsage) -> Result<()> {
        let organization_id = self.organization_id()?;
        let now = self.now();
        let id: UsageId = self.id();
        (&mut *self)
            .run(
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
            .await?;
        Ok(())
    }
}

impl Tenant<'_> {
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
