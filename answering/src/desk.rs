//! Everything that answering stands on: storage, indexes, models and settings.

use llm::price::PriceTable;
use llm::tokens::TokenCounter;
use llm::{CachedQueries, ChatModel};
use retrieval::{Retrieval, VectorSpace};
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
    /// The language model; without one, answers quote the knowledge.
    pub chat: Option<Arc<dyn ChatModel>>,
    /// Vectors of queries; without them only words are compared.
    pub queries: Option<Arc<CachedQueries>>,
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
    /// By when a turn is answered or handed off.
    pub deadline: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            debounce: Duration::from_millis(100),
            debounce_max: Duration::from_secs(1),
            deadline: Duration::from_secs(45),
        }
    }
}

impl Desk {
    /// The space that query vectors are made in.
    pub fn vector_space(&self) -> Option<VectorSpace> {
        let embedder = self.queries.as_ref()?.embedder();
        Some(VectorSpace { model_id: embedder.model_id().to_owned(), dimensions: embedder.dimensions() })
    }
}
