//! One thing said in a conversation, and what an AI reply carries with it.

use crate::handoff::HandoffReason;
use crate::{ConversationId, DeliveryId, DocumentId, MessageId, OrganizationId, Time, TurnId};
use serde::{Deserialize, Serialize};

/// One thing said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// The conversation it belongs to.
    pub conversation_id: ConversationId,
    /// Its place in the conversation, from 1, without gaps.
    pub seq: i64,
    /// Who said it.
    pub sender: Sender,
    /// The customer, agent or assistant who said it; the system has no id.
    pub sender_id: Option<uuid::Uuid>,
    /// What was said, as plain text or Markdown.
    pub content: String,
    /// The id the channel knows it by; unique in the channel.
    pub external_id: Option<String>,
    /// The turn that an AI or system reply concludes; at most one reply has it.
    pub turn_id: Option<TurnId>,
    /// The customer messages that a reply answers, oldest first.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub in_reply_to: Vec<MessageId>,
    /// What the AI decided; only its replies have one.
    pub decision: Option<Decision>,
    /// Why it was handed off, where it was.
    pub handoff_reason: Option<HandoffReason>,
    /// The answer's confidence, 0 to 1.
    pub confidence: Option<f64>,
    /// The model that wrote it; `extractive` where none did.
    pub model: Option<String>,
    /// Tokens of the model's input, all calls of the turn together.
    pub input_tokens: i64,
    /// Tokens of the model's output, all calls of the turn together.
    pub output_tokens: i64,
    /// Whether a token figure was estimated because the provider gave none or an absurd one.
    pub usage_estimated: bool,
    /// What the calls cost, in millionths of a US dollar.
    pub cost_micro_usd: i64,
    /// The passages that prove the answer, in the order of their numbers.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub citations: Vec<Citation>,
    /// What the customer attached to it.
    #[serde(default)]
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub attachments: Vec<Attachment>,
    /// How far it came on its way to the customer; `None` for what is not sent.
    pub delivery: Option<DeliveryState>,
    /// When it was received or written.
    pub created_at: Time,
}

/// Something attached to a message: the desk keeps its name and the text that the channel found in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its file name.
    pub name: String,
    /// Its media type, where it is known.
    #[serde(default)]
    pub media_type: Option<String>,
    /// Its text, empty where none was found.
    #[serde(default)]
    pub text: String,
}

/// Who can say something.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(type_name = "text", rename_all = "snake_case"))]
pub enum Sender {
    /// The person who asks.
    Customer,
    /// The assistant.
    Ai,
    /// A person of the desk.
    Agent,
    /// The desk itself: notices.
    System,
}

/// What the AI did with a turn.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(type_name = "text", rename_all = "snake_case"))]
pub enum Decision {
    /// It answered.
    Answer,
    /// It asked one question back.
    Clarify,
    /// It passed the conversation to a person.
    HandOff,
}

/// A passage that proves a part of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Citation {
    /// The number in the text, `[1]` is 1.
    pub index: usize,
    /// The cited document.
    pub document_id: DocumentId,
    /// Its version at the time of the answer.
    pub version: i64,
    /// The id it was imported under.
    pub external_id: Option<String>,
    /// Its address.
    pub url: Option<String>,
    /// Its title.
    pub title: String,
    /// The exact text of that document version from byte `start` to `end`.
    pub quote: String,
    /// First byte of the quote in the document version's text.
    pub start: usize,
    /// The byte after the quote.
    pub end: usize,
}

/// A reply on its way to a customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// The message to deliver; also the idempotency key for the channel.
    pub message_id: MessageId,
    /// How far it came.
    pub state: DeliveryState,
    /// Times it was tried.
    pub attempts: i64,
    /// What went wrong last.
    pub error: Option<String>,
    /// When it was created.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
}

/// How far a message came on its way to the customer.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(type_name = "text", rename_all = "snake_case"))]
pub enum DeliveryState {
    /// Waits to be sent.
    Queued,
    /// Handed to the channel.
    Sent,
    /// Reached the customer's device.
    Delivered,
    /// Was read.
    Read,
    /// The channel refused it for good.
    Failed,
    /// The outcome cannot be known; a person decides, it is never sent again blindly.
    Unknown,
}
