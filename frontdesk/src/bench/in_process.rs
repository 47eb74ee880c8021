//! A model and an embedder inside this process, so that a measurement counts neither.

use super::stub_model;
use domain::usage::TokenUsage;
use futures::future::BoxFuture;
use llm::{ChatModel, ChatRequest, Completion, Deltas, Embedder, Error, FinishReason};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Floats of a vector, as the local model has.
const DIMENSIONS: usize = 384;

/// A model that answers from the first passage after a fixed time.
pub(super) struct SteadyModel {
    name: String,
    delay_ms: AtomicU64,
    answered: AtomicUsize,
}

impl SteadyModel {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), delay_ms: AtomicU64::new(0), answered: AtomicUsize::new(0) }
    }

    pub(super) fn take(&self, delay_ms: u64) {
        self.delay_ms.store(delay_ms, Ordering::Relaxed);
    }

    /// Answers so far.
    pub(super) fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    async fn answer(&self, request: &ChatRequest) -> Completion {
        tokio::time::sleep(Duration::from_millis(self.delay_ms.load(Ordering::Relaxed))).await;
        let passage = request.messages.iter().find_map(|message| stub_model::first_sentence(&message.content));
        self.answered.fetch_add(1, Ordering::Relaxed);
        Completion {
            model: self.name.clone(),
            text: passage.map_or_else(|| prompts::NO_ANSWER.to_owned(), |sentence| format!("{sentence} [1]")),
            finish_reason: FinishReason::Stop,
            usage: TokenUsage { input_tokens: 1_000, output_tokens: 20, estimated: false },
            logprobs_mean: None,
        }
    }
}

impl ChatModel for SteadyModel {
    fn id(&self) -> &str {
        &self.name
    }

    fn complete<'a>(&'a self, request: &'a ChatRequest, _: Option<Deltas>) -> BoxFuture<'a, Result<Completion, Error>> {
        Box::pin(async { Ok(self.answer(request).await) })
    }
}

/// Vectors of words' hashes: the same for the same text, of no use for finding.
pub(super) struct HashEmbedder;

impl Embedder for HashEmbedder {
    fn model_id(&self) -> &'static str {
        "hash"
    }

    fn dimensions(&self) -> usize {
        DIMENSIONS
    }

    fn embed<'a>(&'a self, texts: &'a [String]) -> BoxFuture<'a, Result<Vec<Vec<f32>>, Error>> {
        let vectors = texts.iter().map(|text| stub_model::word_vector(text, DIMENSIONS as u64)).collect();
        Box::pin(std::future::ready(Ok(vectors)))
    }
}
