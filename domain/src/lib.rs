//! The nouns and rules of a support desk: ids, conversations, messages, knowledge, memory, jobs and
//! the words they are stored and sent with.
//!
//! This crate does no I/O and never asks the time; whoever calls it passes both in. The feature
//! `sqlx` adds the column codecs that `storage` needs. Read `conversation.rs` and `message.rs` first.

pub mod agent;
pub mod assistant;
pub mod calibration;
pub mod comparison;
pub mod confidence;
pub mod conversation;
pub mod customer;
mod error;
pub mod evaluation;
pub mod event;
pub mod handoff;
pub mod hours;
mod id;
pub mod job;
pub mod key;
pub mod knowledge;
pub mod memory;
pub mod message;
pub mod notification;
pub mod organization;
pub mod page;
pub mod prompt;
pub mod replay;
pub mod sentences;
pub mod staffing;
pub mod statistics;
pub mod suggestion;
mod time;
pub mod trace;
pub mod usage;

pub use error::{ErrorKind, Kinded};
pub use id::{
    AgentId, ArticleId, AssistantId, BatchId, ChannelId, ChunkId, ConversationId, CustomerId, CustomerIdentityId,
    DatasetId, DeliveryId, DocumentId, FactId, HandoffId, Id, InvalidId, JobId, KeyId, MemberId, MessageId, NoteId,
    NotificationId, OfferId, OrganizationId, PageId, Prefixed, ReplyId, RunId, ScanId, SourceId, SuggestionId, TurnId,
    UsageId, WebhookEndpointId, WorkerId,
};
pub use time::Time;
