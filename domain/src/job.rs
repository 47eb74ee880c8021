//! Work that outlives a process: a row with a state, a lease and a fence.

use crate::{ConversationId, JobId, MessageId, OrganizationId, PageId, RunId, ScanId, SourceId, Time, WorkerId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

mod chores;
mod remember;

pub use chores::DeleteExpired;
pub use remember::{LearnFacts, ScrubPages, SummarizeConversation};

/// One piece of work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Job {
    /// Its id; ids of one lane grow in the order of enqueueing.
    pub id: JobId,
    /// The tenant it is for; `None` for the desk's own chores.
    pub organization_id: Option<OrganizationId>,
    /// Which slots it runs in.
    pub queue: Queue,
    /// Which work it is, a word of the job registry (`answer_turn`).
    pub kind: String,
    /// Its arguments: a JSON object of ids, never of texts.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub payload: serde_json::Value,
    /// Jobs of one lane run one at a time, in order.
    pub lane: Option<String>,
    /// Unique among waiting jobs.
    pub dedupe: Option<String>,
    /// Higher goes first.
    pub priority: i64,
    /// Where it is in its life.
    pub state: JobState,
    /// Not before this time.
    pub run_at: Time,
    /// Times it was claimed; with the worker, its fencing token.
    pub attempt: i64,
    /// Claims at most.
    pub attempts_max: i64,
    /// Times its process vanished while it ran.
    pub crashes: i64,
    /// The process that runs it.
    pub worker: Option<WorkerId>,
    /// Until when that process owns it.
    pub lease_until: Option<Time>,
    /// What went wrong last.
    pub error: Option<String>,
    /// When it was enqueued.
    pub created_at: Time,
    /// When it ended.
    pub finished_at: Option<Time>,
}

/// Where a job is in its life.
///
/// ```text
/// available ──claim──▶ running ──▶ completed
///     ▲                  │ ├─────▶ cancelled
///     └── retryable ◀────┘ └─────▶ discarded
/// ```
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
pub enum JobState {
    /// Waits for its time and a worker.
    Available,
    /// A worker holds its lease.
    Running,
    /// Failed, waits for the next attempt.
    Retryable,
    /// Done.
    Completed,
    /// Gave up; visible, and a person may retry it.
    Discarded,
    /// Called off.
    Cancelled,
}

/// Which slots a job runs in: each queue has its own, so that answering never waits behind scanning.
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
pub enum Queue {
    /// What a customer waits for.
    Answering,
    /// Scans and what follows from them.
    Knowledge,
    /// The desk's own housekeeping.
    Chores,
}

/// One kind of work: the arguments are the fields, the rest are constants.
pub trait Work: Serialize + DeserializeOwned + Send + Sync {
    /// Its word in the job registry.
    const KIND: &'static str;
    /// The slots it runs in.
    const QUEUE: Queue;
    /// Claims before it is discarded.
    const ATTEMPTS_MAX: i64 = 6;
    /// Higher goes first within its queue.
    const PRIORITY: i64 = 0;

    /// Jobs of one lane run one at a time, in order.
    fn lane(&self) -> Option<String> {
        None
    }

    /// A waiting job with the same word makes this one superfluous.
    fn dedupe(&self) -> Option<String> {
        None
    }
}

/// Answers the customer messages of a conversation that are not answered yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerTurn {
    /// The conversation.
    pub conversation_id: ConversationId,
}

impl Work for AnswerTurn {
    const KIND: &'static str = "answer_turn";
    const QUEUE: Queue = Queue::Answering;

    fn lane(&self) -> Option<String> {
        Some(self.conversation_id.to_string())
    }
    fn dedupe(&self) -> Option<String> {
        Some(format!("answer_turn:{}", self.conversation_id))
    }
}

/// Hands a conversation to the queue because the job that was to answer it was discarded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HandOffTurn {
    /// The conversation.
    pub conversation_id: ConversationId,
}

impl Work for HandOffTurn {
    const KIND: &'static str = "hand_off_turn";
    const QUEUE: Queue = Queue::Answering;
    const ATTEMPTS_MAX: i64 = 1_000;
    const PRIORITY: i64 = 1;

    fn lane(&self) -> Option<String> {
        Some(self.conversation_id.to_string())
    }
}

/// Finds an agent for a conversation in the queue, or another where the first did not take it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AssignConversation {
    /// The conversation.
    pub conversation_id: ConversationId,
}

impl Work for AssignConversation {
    const KIND: &'static str = "assign_conversation";
    const QUEUE: Queue = Queue::Answering;
    const ATTEMPTS_MAX: i64 = 10;
    const PRIORITY: i64 = 1;

    fn dedupe(&self) -> Option<String> {
        Some(format!("assign_conversation:{}", self.conversation_id))
    }
}

/// Hands a message to its channel, at least once, with the message id as idempotency key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliverMessage {
    /// The message.
    pub message_id: MessageId,
}

impl Work for DeliverMessage {
    const KIND: &'static str = "deliver_message";
    const QUEUE: Queue = Queue::Answering;
    const ATTEMPTS_MAX: i64 = 10;
}

/// Reads robots.txt and the sitemaps of a scan and lists its first pages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiscoverPages {
    /// The scan.
    pub scan_id: ScanId,
}

impl Work for DiscoverPages {
    const KIND: &'static str = "discover_pages";
    const QUEUE: Queue = Queue::Knowledge;
    const ATTEMPTS_MAX: i64 = 4;

    fn lane(&self) -> Option<String> {
        Some(self.scan_id.to_string())
    }
}

/// Reads one page of a scan into a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScanPage {
    /// The page.
    pub page_id: PageId,
    /// Its scan.
    pub scan_id: ScanId,
}

impl Work for ScanPage {
    const KIND: &'static str = "scan_page";
    const QUEUE: Queue = Queue::Knowledge;
    const ATTEMPTS_MAX: i64 = 4;

    fn lane(&self) -> Option<String> {
        Some(self.page_id.to_string())
    }
    fn dedupe(&self) -> Option<String> {
        Some(format!("scan_page:{}", self.page_id))
    }
}

/// Marks a page as failed because the job that was to read it was discarded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailPage {
    /// The page.
    pub page_id: PageId,
    /// Its scan.
    pub scan_id: ScanId,
}

impl Work for FailPage {
    const KIND: &'static str = "fail_page";
    const QUEUE: Queue = Queue::Knowledge;
    const ATTEMPTS_MAX: i64 = 1_000;
}

/// Marks a scan as failed because the job that was to list its pages was discarded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailScan {
    /// The scan.
    pub scan_id: ScanId,
}

impl Work for FailScan {
    const KIND: &'static str = "fail_scan";
    const QUEUE: Queue = Queue::Knowledge;
    const ATTEMPTS_MAX: i64 = 1_000;
}

/// Enqueues anew the pages of a scan that goes on after it was held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResumeScan {
    /// The scan.
    pub scan_id: ScanId,
}

impl Work for ResumeScan {
    const KIND: &'static str = "resume_scan";
    const QUEUE: Queue = Queue::Knowledge;
    const ATTEMPTS_MAX: i64 = 1_000;
    const PRIORITY: i64 = 1;

    fn lane(&self) -> Option<String> {
        Some(self.scan_id.to_string())
    }
}

/// Judges what a scan found changed, applies what is approved, and ends the scan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConcludeScan {
    /// The scan.
    pub scan_id: ScanId,
}

impl Work for ConcludeScan {
    const KIND: &'static str = "conclude_scan";
    const QUEUE: Queue = Queue::Knowledge;
    const ATTEMPTS_MAX: i64 = 1_000;
    const PRIORITY: i64 = 1;

    fn lane(&self) -> Option<String> {
        Some(self.scan_id.to_string())
    }
    fn dedupe(&self) -> Option<String> {
        Some(format!("conclude_scan:{}", self.scan_id))
    }
}

/// Embeds the passages of an organization that have no vector of the present model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmbedChunks {
    /// The organization.
    pub organization_id: OrganizationId,
}

impl Work for EmbedChunks {
    const KIND: &'static str = "embed_chunks";
    const QUEUE: Queue = Queue::Knowledge;

    fn lane(&self) -> Option<String> {
        Some(format!("embed_chunks:{}", self.organization_id))
    }
    fn dedupe(&self) -> Option<String> {
        Some(format!("embed_chunks:{}", self.organization_id))
    }
}

/// Drafts articles from the documents of a source that were not drafted from yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DraftArticles {
    /// The source.
    pub source_id: SourceId,
    /// Whether what is proved well enough is published without review.
    #[serde(default)]
    pub publish: bool,
}

impl Work for DraftArticles {
    const KIND: &'static str = "draft_articles";
    const QUEUE: Queue = Queue::Knowledge;
    const ATTEMPTS_MAX: i64 = 8;

    fn lane(&self) -> Option<String> {
        Some(format!("draft_articles:{}", self.source_id))
    }
    fn dedupe(&self) -> Option<String> {
        Some(format!("draft_articles:{}:{}", self.source_id, self.publish))
    }
}

/// Asks the cases of an eval run that have no outcome yet, for a bounded time; goes on in another job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunEval {
    /// The run.
    pub run_id: RunId,
}

impl Work for RunEval {
    const KIND: &'static str = "run_eval";
    const QUEUE: Queue = Queue::Knowledge;

    fn lane(&self) -> Option<String> {
        Some(self.run_id.to_string())
    }
    fn dedupe(&self) -> Option<String> {
        Some(format!("run_eval:{}", self.run_id))
    }
}

/// Marks an eval run as failed because its job was discarded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailEval {
    /// The run.
    pub run_id: RunId,
}

impl Work for FailEval {
    const KIND: &'static str = "fail_eval";
    const QUEUE: Queue = Queue::Knowledge;
    const ATTEMPTS_MAX: i64 = 1_000;
}
