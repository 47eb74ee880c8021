//! Everything that led to an answer, so that it can be opened up and replayed.

use crate::assistant::AssistantSettings;
use crate::confidence::Confidence;
use crate::handoff::HandoffReason;
use crate::message::{Citation, Decision};
use crate::staffing::Staffing;
use crate::usage::TokenUsage;
use crate::{ChunkId, DocumentId, FactId, MessageId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One answer, opened up. Stored compressed beside its message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trace {
    /// The reply it belongs to; `None` for a dry run.
    pub message_id: Option<MessageId>,
    /// What the customer wrote in this turn.
    pub question: String,
    /// What was said before, as far as it was read, oldest first.
    pub history: Vec<PromptMessage>,
    /// The assistant's settings at the time.
    pub settings: AssistantSettings,
    /// Questions that had been asked back in a row.
    pub clarifications: i64,
    /// Hosts that the answer was allowed to link to, besides those of the cited documents.
    pub allowed_link_hosts: Vec<String>,
    /// Whether people were there to take over.
    pub staffing: Staffing,
    /// The question made whole by the history.
    pub standalone_query: String,
    /// Language of the question, ISO 639-1.
    pub language: Option<String>,
    /// The knowledge version that was searched: the change-log seq.
    pub knowledge_version: i64,
    /// Why retrieval was not at full strength, where it was not.
    pub degraded: Option<String>,
    /// The prompt that was sent.
    pub prompt: Option<TracedPrompt>,
    /// What was remembered of the customer.
    pub recalled_facts: Vec<TracedFact>,
    /// The part of the conversation that was read.
    pub window: TracedWindow,
    /// Every passage that was found, best first.
    pub candidates: Vec<Candidate>,
    /// What the search told of whether the knowledge holds the answer, each signal from 0 to 1.
    pub evidence: BTreeMap<String, f64>,
    /// What the model wrote.
    pub completion: Option<TracedCompletion>,
    /// Each sentence with its proof.
    pub claims: Vec<Claim>,
    /// How sure the answer is.
    pub confidence: Option<Confidence>,
    /// What was done.
    pub decision: Option<TracedDecision>,
    /// Milliseconds by step.
    pub timings_ms: BTreeMap<String, f64>,
    /// Model calls of this turn, failed ones included.
    pub attempts: Vec<ModelAttempt>,
    /// Whether the budgets had no room for a model call.
    pub over_budget: bool,
}

/// A rendered prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TracedPrompt {
    /// The template's name.
    pub name: String,
    /// The template's version.
    pub version: i64,
    /// SHA-256 of the template, in hex.
    pub hash: String,
    /// The messages as sent.
    pub messages: Vec<PromptMessage>,
    /// Tokens of the messages.
    pub tokens: usize,
    /// What was cut to fit, one line each.
    pub cut: Vec<String>,
}

/// One message of a prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PromptMessage {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// Its text.
    pub content: String,
}

/// Something that was remembered of the customer: a fact, or what was said in another conversation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TracedFact {
    /// The fact; `None` for what was said.
    pub id: Option<FactId>,
    /// The fact's kind, or `message`.
    pub kind: String,
    /// Its text then.
    pub text: String,
    /// The message it comes from; `None` where a person wrote it down.
    pub source_message_id: Option<MessageId>,
    /// How near it is to the question, 0 to 1.
    pub similarity: f64,
    /// Why it was taken: similarity, recency and importance together.
    pub score: f64,
}

/// The part of the conversation that was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TracedWindow {
    /// Messages, oldest first.
    pub messages: Vec<PromptMessage>,
    /// Their tokens.
    pub tokens: usize,
    /// Older messages of the history that found no place.
    #[serde(default)]
    pub messages_cut: usize,
    /// What was cut, one line each.
    #[serde(default)]
    pub cut: Vec<String>,
}

/// A place in one ranking.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rank {
    /// From 1.
    pub rank: usize,
    /// The ranking's own score.
    pub score: f64,
}

/// A passage that was found, with its place in every ranking.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The passage.
    pub chunk_id: ChunkId,
    /// Its document.
    pub document_id: DocumentId,
    /// The document's version.
    pub version: i64,
    /// The id its document was imported under.
    pub external_id: Option<String>,
    /// Its document's address.
    pub url: Option<String>,
    /// Its document's title.
    pub title: String,
    /// The headings above it.
    pub heading_path: String,
    /// Its first byte in the document version.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// Place by vector.
    pub dense: Option<Rank>,
    /// Place by words.
    pub bm25: Option<Rank>,
    /// Place after fusion.
    pub fused: Option<Rank>,
    /// Place after reranking.
    pub reranked: Option<Rank>,
    /// Whether it was in the prompt.
    pub in_prompt: bool,
    /// Why it was not.
    pub dropped_because: Option<String>,
}

/// What a model wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TracedCompletion {
    /// The model.
    pub model: String,
    /// Its text, unchanged.
    pub text: String,
    /// Why it stopped, in the provider's word.
    pub finish_reason: Option<String>,
    /// What it used.
    pub usage: TokenUsage,
    /// Mean natural logarithm of the probability of its tokens, where the provider told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs_mean: Option<f64>,
}

/// A sentence of the draft with its proof.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// The sentence.
    pub sentence: String,
    /// Whether a passage proves it.
    pub supported: bool,
    /// How strongly, 0 to 1.
    pub support_score: f64,
    /// The proof.
    pub citation: Option<Citation>,
}

/// What was done and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TracedDecision {
    /// What was done.
    pub kind: Decision,
    /// Why it was handed off, where it was.
    pub reason: Option<HandoffReason>,
    /// The confidence below which it is handed off.
    pub threshold: f64,
}

/// One call to a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelAttempt {
    /// The model that was asked.
    pub model: String,
    /// `ok`, or what went wrong.
    pub outcome: String,
    /// How long it took.
    pub duration_ms: f64,
}
