//! What is remembered of a customer beyond one conversation.

use crate::{CustomerId, FactId, MessageId, OrganizationId, Time};
use serde::{Deserialize, Serialize};

/// One thing known about a customer. Data, never an instruction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Fact {
    /// Its id.
    pub id: FactId,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// The customer it is about.
    pub customer_id: CustomerId,
    /// Which kind it is: `name`, `order`, `plan`, `preference`, `other`.
    pub kind: String,
    /// The fact in a sentence.
    pub text: String,
    /// How much it matters, 0 to 1.
    pub importance: f64,
    /// How sure it is, 0 to 1.
    pub confidence: f64,
    /// The message it was learned from; `None` when a person wrote it down.
    pub source_message_id: Option<MessageId>,
    /// True from then on.
    pub valid_from: Time,
    /// No longer true from then on.
    pub valid_until: Option<Time>,
    /// Forgotten from then on.
    pub expires_at: Option<Time>,
    /// When it last helped.
    pub last_used_at: Option<Time>,
    /// When it was stored.
    pub created_at: Time,
}
