//! Any endpoint that speaks `OpenAI`'s Chat Completions and Embeddings over HTTP.
//!
//! async-openai builds the requests and reads the event stream; the types on the wire are our own
//! and forgive what other vendors do differently, and [`transport`] replaces its hidden retries, so
//! that every call is counted against the message's budget.

mod embeddings;
mod retry;
mod transport;
mod wire;

pub use embeddings::OpenAiEmbeddings;
pub use transport::http_client;
pub(crate) use transport::with_causes;

use crate::chat::{ChatModel, ChatRequest, Completion, Delta, Deltas};
use crate::error::Error;
use crate::price::Price;
use crate::secret::Secret;
use crate::telemetry;
use crate::tokens::TokenCounter;
use futures::StreamExt;
use futures::future::BoxFuture;
use serde::Deserialize;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use transport::{Client, failure};
use wire::{Chunk, Writing};

/// Bytes of text a completion may have: far beyond any limit on tokens.
const TEXT_BYTES_MAX: usize = 1024 * 1024;

/// How to reach an endpoint.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The address up to and with `/v1`.
    pub base_url: String,
    /// The key; empty for endpoints that need none.
    pub api_key: Secret,
    /// The language model by the endpoint's name.
    pub model: String,
    /// The embedding model by the endpoint's name, where its embeddings are used.
    pub embedding_model: Option<String>,
    /// Floats of the embedding model's vectors; known for `OpenAI`'s own models.
    pub embedding_dimensions: Option<usize>,
    /// What the limit on output tokens is called.
    pub token_limit_field: TokenLimitField,
    /// Whether the temperature is sent; some reasoning models refuse it.
    pub sends_temperature: bool,
    /// Whether the stream is asked for token counts; a few endpoints refuse the question.
    pub asks_usage: bool,
    /// Whether probabilities of tokens are asked for.
    pub asks_logprobs: bool,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// What the model costs, for models that the price table does not know.
    pub price: Option<Price>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base_url: "https://api.openai.com/v1".to_owned(),
            api_key: Secret::default(),
            model: "gpt-4o-mini".to_owned(),
            embedding_model: None,
            embedding_dimensions: None,
            token_limit_field: TokenLimitField::MaxTokens,
            sends_temperature: true,
            asks_usage: true,
            asks_logprobs: false,
            timeouts: Timeouts::default(),
            price: None,
        }
    }
}

/// The name of the field that limits output tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenLimitField {
    /// Understood by nearly every endpoint.
    MaxTokens,
    /// Demanded by `OpenAI`'s reasoning models.
    MaxCompletionTokens,
}

impl TokenLimitField {
    fn name(self) -> &'static str {
        match self {
            Self::MaxTokens => "max_tokens",
            Self::MaxCompletionTokens => "max_completion_tokens",
        }
    }
}

/// How long the parts of one call may take, in milliseconds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// Until the connection stands.
    pub connect_ms: u64,
    /// Until the first event of the answer.
    pub first_byte_ms: u64,
    /// Between two events.
    pub idle_ms: u64,
    /// For one whole call.
    pub total_ms: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect_ms: 5_000, first_byte_ms: 20_000, idle_ms: 15_000, total_ms: 60_000 }
    }
}

/// A language model behind an OpenAI-compatible endpoint.
pub struct OpenAiChat {
    settings: Settings,
    client: Client,
}

impl OpenAiChat {
    /// Prepares calls through `http`, which decides what may be connected to; nothing is sent yet.
    ///
    /// # Errors
    /// `Invalid` when the address or the key cannot work.
    pub fn new(settings: Settings, http: reqwest::Client) -> Result<Self, Error> {
        if settings.model.trim().is_empty() {
            return Err(Error::Settings("`llm.model` is empty: name the model".to_owned()));
        }
        let client = transport::client(&settings, &settings.model, http)?;
        Ok(Self { settings, client })
    }

    async fn complete_with_retries(&self, request: &ChatRequest, deltas: Option<Deltas>) -> Result<Completion, Error> {
        let model = request.model.as_deref().unwrap_or(&self.settings.model);
        let deltas = deltas.as_ref();
        retry::retrying(model, &request.budget, |call| Box::pin(self.measured_call(model, request, deltas, call))).await
    }

    async fn measured_call(
        &self,
        model: &str,
        request: &ChatRequest,
        deltas: Option<&Deltas>,
        call: u32,
    ) -> Result<Completion, Error> {
        if call > 1
            && let Some(deltas) = deltas
        {
            // The receiver may be gone; the answer still counts.
            let _ = deltas.send(Delta::Restart);
        }
        let started = Instant::now();
        let result = self.call(model, request, deltas).await;
        telemetry::record_call(telemetry::CHAT, model, started.elapsed(), result.as_ref().err());
        if let Ok(completion) = &result {
            telemetry::record_tokens(telemetry::CHAT, model, completion.usage);
        }
        result
    }

    async fn call(&self, model: &str, request: &ChatRequest, deltas: Option<&Deltas>) -> Result<Completion, Error> {
        let (phase, limit) = retry::call_limit(&request.budget, self.settings.timeouts.total_ms);
        timeout(limit, self.stream(model, request, deltas))
            .await
            .unwrap_or_else(|_| Err(timed_out(model, phase, limit)))
    }

    async fn stream(&self, model: &str, request: &ChatRequest, deltas: Option<&Deltas>) -> Result<Completion, Error> {
        let body = wire::chat_body(&self.settings, model, request);
        let first_byte = Duration::from_millis(self.settings.timeouts.first_byte_ms);
        let idle = Duration::from_millis(self.settings.timeouts.idle_ms);
        let opened = async {
            let mut stream = self.client.chat().create_stream_byot::<_, Chunk>(&body).await?;
            let first = stream.next().await;
            Ok((stream, first))
        };
        let (mut stream, mut next) = timeout(first_byte, opened)
            .await
            .map_err(|_| timed_out(model, "first byte", first_byte))?
            .map_err(|error| failure(error, model))?;
        let mut writing = Writing::default();
        while let Some(event) = next {
            match event {
                Ok(chunk) => {
                    let text = writing.add(chunk, model)?;
                    if writing.text.len() > TEXT_BYTES_MAX {
                        let message = format!("more than {TEXT_BYTES_MAX} bytes of text");
                        return Err(Error::Malformed { model: model.to_owned(), message });
                    }
                    if let (Some(deltas), false) = (deltas, text.is_empty()) {
                        // The receiver may be gone; the answer still counts.
                        let _ = deltas.send(Delta::Text(text));
                    }
                }
                // Whatever breaks after the model said that it was done costs only the usage.
                Err(_) if writing.is_finished() => break,
                Err(error) => return Err(writing.failure(error, model)),
            }
            next = match timeout(idle, stream.next()).await {
                Ok(next) => next,
                Err(_) if writing.is_finished() => break,
                Err(_) => return Err(timed_out(model, "idle", idle)),
            };
        }
        writing.finish(model, request, TokenCounter::for_model(None))
    }
}

impl ChatModel for OpenAiChat {
    fn id(&self) -> &str {
        &self.settings.model
    }

    fn complete<'a>(
        &'a self,
        request: &'a ChatRequest,
        deltas: Option<Deltas>,
    ) -> BoxFuture<'a, Result<Completion, Error>> {
        Box::pin(self.complete_with_retries(request, deltas))
    }
}

fn timed_out(model: &str, phase: &'static str, limit: Duration) -> Error {
    let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
    Error::Timeout { model: model.to_owned(), phase, limit_ms }
}
