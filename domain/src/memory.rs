//! What is remembered of a customer beyond one conversation.

use crate::{CustomerId, FactId, MessageId, OrganizationId, Time};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The kinds of facts that are learned.
pub const FACT_KINDS: [&str; 11] =
    ["name", "language", "contact", "phone", "email", "address", "plan", "product", "order", "preference", "other"];
/// Kinds of which a customer has one at a time: what is said later closes what was said before.
const SINGLE_KINDS: [&str; 7] = ["name", "language", "contact", "phone", "email", "address", "plan"];

/// Whether a customer has one fact of that kind at a time.
pub fn is_single(kind: &str) -> bool {
    SINGLE_KINDS.contains(&kind)
}

/// How long a learned fact of that kind is kept after it was last said; `None` keeps it until it is contradicted.
pub fn kept_for(kind: &str) -> Option<Duration> {
    const DAY: Duration = Duration::from_hours(24);
    match kind {
        "order" => Some(DAY * 180),
        "product" | "preference" | "other" => Some(DAY * 730),
        _ => None,
    }
}

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
    /// Which kind it is, mostly one of [`FACT_KINDS`].
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
