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
