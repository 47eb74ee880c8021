//! Asking a language model for a completion.

use crate::budget::CallBudget;
use crate::error::Error;
use domain::trace::PromptMessage;
use domain::usage::TokenUsage;
use futures::future::BoxFuture;
use std::fmt;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;

/// Tokens a completion may have when the caller sets nothing.
const OUTPUT_TOKENS_DEFAULT: usize = 1024;

/// What a model is asked.
#[derive(Clone, Debug)]
pub struct ChatRequest {
    /// The model by the endpoint's name; `None` for the one in the settings.
    pub model: Option<String>,
    /// The prompt, in order.
    pub messages: Vec<PromptMessage>,
    /// Tokens the completion may have at most.
    pub output_tokens_max: usize,
    /// 0 for the likeliest words, up to 2.
    pub temperature: f64,
    /// The JSON Schema the completion must follow, where it must.
    pub json_schema: Option<serde_json::Value>,
    /// The calls this message may still cost, and its deadline; clones share the count.
    pub budget: CallBudget,
}

impl Default for ChatRequest {
    fn default() -> Self {
        Self {
            model: None,
            messages: Vec::new(),
            output_tokens_max: OUTPUT_TOKENS_DEFAULT,
            temperature: 0.0,
            json_schema: None,
            budget: CallBudget::default(),
        }
    }
}

/// What a model wrote: always whole, never a cut stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// The model that wrote it, by the endpoint's name.
    pub model: String,
    /// Its text, unchanged.
    pub text: String,
    /// Why it stopped.
    pub finish_reason: FinishReason,
    /// What it used.
    pub usage: TokenUsage,
    /// Mean natural logarithm of the probability of its tokens, where the endpoint tells it.
    pub logprobs_mean: Option<f64>,
}

/// Why a model stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// It was done.
    Stop,
    /// It reached `output_tokens_max`; JSON is not valid then.
    Length,
    /// The endpoint's filter stopped it.
    ContentFilter,
    /// Any other word of the endpoint.
    Other(String),
}

impl From<&str> for FinishReason {
    fn from(word: &str) -> Self {
        match word {
            "stop" | "eos" | "end_turn" => Self::Stop,
            "length" | "max_tokens" => Self::Length,
            "content_filter" => Self::ContentFilter,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for FinishReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ContentFilter => "content_filter",
            Self::Other(word) => word,
        })
    }
}

/// A piece of a completion as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delta {
    /// More text.
    Text(String),
    /// The call failed and is made again: what came before is void.
    Restart,
}

/// Where the pieces go. Their sum is bounded by the provider's limit on a completion's size.
pub type Deltas = UnboundedSender<Delta>;

/// A language model.
pub trait ChatModel: Send + Sync {
    /// The name of the model, for traces and prices.
    fn id(&self) -> &str;

    /// Completes a prompt. Pieces go to `deltas` while they come; the returned text is the truth.
    ///
    /// # Errors
    /// By kind: `RateLimited` and `Unavailable` may work later, everything else will not.
    fn complete<'a>(
        &'a self,
        request: &'a ChatRequest,
        deltas: Option<Deltas>,
    ) -> BoxFuture<'a, Result<Completion, Error>>;
}

impl fmt::Debug for dyn ChatModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// Asks the first model, and the next ones when it fails for a reason that is its own.
pub struct Fallbacks {
    models: Vec<Arc<dyn ChatModel>>,
    id: String,
}

impl Fallbacks {
    /// Puts models in order of preference.
    ///
    /// # Errors
    /// `Invalid` when there is none.
    pub fn new(models: Vec<Arc<dyn ChatModel>>) -> Result<Self, Error> {
        let id = models
            .first()
            .map(|model| model.id().to_owned())
            .ok_or_else(|| Error::Settings("no model is configured: set `llm.model`".to_owned()))?;
        Ok(Self { models, id })
    }

    async fn ask_in_turn(&self, request: &ChatRequest, deltas: Option<Deltas>) -> Result<Completion, Error> {
        let mut failure = Error::BudgetSpent { calls: request.budget.used() };
        for (position, model) in self.models.iter().enumerate() {
            let later = u32::try_from(self.models.len() - position - 1).unwrap_or(u32::MAX);
            // One call is left for each model after this one, but never the last call of all.
            let kept = later.min(request.budget.left().saturating_sub(1));
            let mut attempt = request.clone();
            attempt.budget = request.budget.keeping(kept);
            if position > 0 {
                // A model's name means nothing at another endpoint.
                attempt.model = None;
                if let Some(deltas) = &deltas {
                    // The receiver may be gone; the answer still counts.
                    let _ = deltas.send(Delta::Restart);
                }
            }
            match model.complete(&attempt, deltas.clone()).await {
                Ok(completion) => return Ok(completion),
                Err(Error::BudgetSpent { .. }) if position > 0 => break,
                Err(error) => {
                    tracing::warn!(model = model.id(), %error, "model failed, asking the next one");
                    // A request that is wrong in itself is wrong everywhere.
                    if matches!(error, Error::Rejected { .. } | Error::Settings(_)) {
                        return Err(error);
                    }
                    failure = error;
                }
            }
        }
        Err(failure)
    }
}

impl ChatModel for Fallbacks {
    fn id(&self) -> &str {
        &self.id
    }

    fn complete<'a>(
        &'a self,
        request: &'a ChatRequest,
        deltas: Option<Deltas>,
    ) -> BoxFuture<'a, Result<Completion, Error>> {
        Box::pin(self.ask_in_turn(request, deltas))
    }
}
