//! The jobs of the memory.

use super::{Queue, Work};
use crate::{ConversationId, CustomerId};
use serde::{Deserialize, Serialize};

/// Learns what is worth remembering of a customer from what was said in a conversation since the last time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LearnFacts {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// Whose memory it is; their jobs run one at a time.
    pub customer_id: CustomerId,
}

impl Work for LearnFacts {
    const KIND: &'static str = "learn_facts";
    const QUEUE: Queue = Queue::Knowledge;

    fn lane(&self) -> Option<String> {
        Some(format!("memory:{}", self.customer_id))
    }
    fn dedupe(&self) -> Option<String> {
        Some(format!("learn_facts:{}", self.conversation_id))
    }
}

/// Folds messages that left the window into the conversation's summary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SummarizeConversation {
    /// The conversation.
    pub conversation_id: ConversationId,
}

impl Work for SummarizeConversation {
    const KIND: &'static str = "summarize_conversation";
    const QUEUE: Queue = Queue::Knowledge;

    fn lane(&self) -> Option<String> {
        Some(format!("summary:{}", self.conversation_id))
    }
    fn dedupe(&self) -> Option<String> {
        Some(format!("summarize_conversation:{}", self.conversation_id))
    }
}

/// Overwrites what erased rows left behind in the database file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScrubPages {}

impl Work for ScrubPages {
    const KIND: &'static str = "scrub_pages";
    const QUEUE: Queue = Queue::Chores;
    const ATTEMPTS_MAX: i64 = 1_000;
    const PRIORITY: i64 = 1;

    fn dedupe(&self) -> Option<String> {
        Some("scrub_pages".to_owned())
    }
}
