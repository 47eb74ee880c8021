//! What model calls used and cost.

use crate::{AssistantId, ConversationId, MessageId, OrganizationId, Time, UsageId};
use serde::{Deserialize, Serialize};

/// Tokens of one or several model calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUsage {
    /// Tokens sent.
    pub input_tokens: i64,
    /// Tokens written by the model.
    pub output_tokens: i64,
    /// Whether a figure was estimated because the provider gave none or an absurd one.
    pub estimated: bool,
}

impl std::ops::AddAssign for TokenUsage {
    fn add_assign(&mut self, other: Self) {
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.estimated = self.estimated || other.estimated;
    }
}

/// One record of use: a model call that was paid for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Usage {
    /// Its id.
    pub id: UsageId,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// The conversation it was for.
    pub conversation_id: Option<ConversationId>,
    /// The reply it was for.
    pub message_id: Option<MessageId>,
    /// The assistant it was for.
    pub assistant_id: Option<AssistantId>,
    /// What was done: `chat`, `embeddings` (the OpenTelemetry operation names).
    pub operation: String,
    /// The model that did it.
    pub model: String,
    /// Tokens sent.
    pub input_tokens: i64,
    /// Tokens written.
    pub output_tokens: i64,
    /// Whether the figures were estimated.
    pub estimated: bool,
    /// The price, in millionths of a US dollar.
    pub cost_micro_usd: i64,
    /// The UTC day it counts for, `2026-11-21`.
    pub day: String,
    /// When it happened.
    pub created_at: Time,
}

/// A sum of use over one day, assistant and model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct UsageSum {
    /// The UTC day.
    pub day: String,
    /// The assistant, where one was concerned.
    pub assistant_id: Option<AssistantId>,
    /// The model.
    pub model: String,
    /// Calls.
    pub calls: i64,
    /// Tokens sent.
    pub input_tokens: i64,
    /// Tokens written.
    pub output_tokens: i64,
    /// The price, in millionths of a US dollar.
    pub cost_micro_usd: i64,
}

/// What model calls may cost at most; a limit that is absent does not bind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Budget {
    /// In a UTC day, in millionths of a US dollar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day_micro_usd: Option<i64>,
    /// In a UTC month, in millionths of a US dollar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub month_micro_usd: Option<i64>,
    /// Tokens in a UTC day, sent and written together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day_tokens: Option<i64>,
    /// Tokens in a UTC month, sent and written together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub month_tokens: Option<i64>,
}

impl Budget {
    /// Whether what was spent leaves room for this much more.
    pub fn has_room(&self, spent: &Spent, cost_micro_usd: i64, tokens: i64) -> bool {
        let fits =
            |limit: Option<i64>, spent: i64, more: i64| limit.is_none_or(|most| spent.saturating_add(more) <= most);
        fits(self.day_micro_usd, spent.day_micro_usd, cost_micro_usd)
            && fits(self.month_micro_usd, spent.month_micro_usd, cost_micro_usd)
            && fits(self.day_tokens, spent.day_tokens, tokens)
            && fits(self.month_tokens, spent.month_tokens, tokens)
    }

    /// Whether nothing binds.
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }
}

/// What was spent so far, with what calls in flight may still cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Spent {
    /// In this UTC day, in millionths of a US dollar.
    pub day_micro_usd: i64,
    /// In this UTC month.
    pub month_micro_usd: i64,
    /// Tokens in this UTC day.
    pub day_tokens: i64,
    /// Tokens in this UTC month.
    pub month_tokens: i64,
}

/// What is done with a question when the budget has no room for its model call, after a cheaper model was tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverBudget {
    /// The knowledge is quoted without a model.
    #[default]
    Extractive,
    /// A person takes over, with the reason `usage_limit`.
    HandOff,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_binds_by_itself_and_to_the_last_millionth() {
        let spent = Spent { day_micro_usd: 90, month_micro_usd: 900, day_tokens: 9, month_tokens: 99 };
        for (budget, fits) in [
            (Budget::default(), true),
            (Budget { day_micro_usd: Some(100), ..Budget::default() }, true),
            (Budget { day_micro_usd: Some(99), ..Budget::default() }, false),
            (Budget { month_micro_usd: Some(909), ..Budget::default() }, false),
            (Budget { day_tokens: Some(10), ..Budget::default() }, true),
            (Budget { month_tokens: Some(99), ..Budget::default() }, false),
        ] {
            assert_eq!(budget.has_room(&spent, 10, 1), fits, "{budget:?}");
        }
    }
}
