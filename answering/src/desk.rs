//! Everything that answering stands on: storage, indexes, models and settings.

use crate::models::Models;
use llm::EmbedderSlot;
use llm::price::PriceTable;
use llm::tokens::TokenCounter;
use retrieval::Retrieval;
use std::sync::Arc;
use std::time::Duration;
use storage::Database;

/// What answering stands on, cheap to clone.
#[derive(Clone)]
pub struct Desk {
    /// Where everything is kept.
    pub database: Database,
    /// The indexes.
    pub retrieval: Retrieval,
    /// The language models; where there is none, answers quote the knowledge.
    pub models: Models,
    /// Makes vectors of queries; while it is empty only words are compared.
    pub embedder: EmbedderSlot,
    /// What model calls cost.
    pub prices: Arc<PriceTable>,
    /// How tokens are counted.
    pub tokens: TokenCounter,
    /// Limits of a turn.
    pub settings: Settings,
}

/// Limits of a turn.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long after a message its turn begins, so that a burst becomes one turn.
    pub debounce: Duration,
    /// How long a burst may hold its turn back.
    pub debounce_max: Duration,
    /// How long after an answer the memory learns from the turn, so that a conversation is read in one go.
    pub learn_after: Duration,
    /// By when a turn is answered or handed off.
    pub deadline: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            debounce: Duration::from_millis(100),
            debounce_max: Duration::from_secs(1),
            learn_after: Duration::from_secs(30),
            deadline: Duration::from_secs(45),
        }
    }
}
