//! Embeddings of an OpenAI-compatible endpoint.

use super::transport::{self, Client, failure};
use super::{Settings, retry, timed_out, wire};
use crate::budget::CallBudget;
use crate::embed::{Embedder, unit_length};
use crate::error::Error;
use crate::telemetry;
use domain::usage::TokenUsage;
use futures::future::BoxFuture;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Texts in one request.
const BATCH_TEXTS_MAX: usize = 64;
/// Bytes of a text that are sent: about what models of 8,192 tokens read.
const TEXT_BYTES_MAX: usize = 24 * 1024;
/// Calls of one batch: the first and two retries.
const CALLS_PER_BATCH_MAX: u32 = 3;

/// Vector sizes of `OpenAI`'s own models.
const KNOWN_DIMENSIONS: &[(&str, usize)] =
    &[("text-embedding-3-small", 1536), ("text-embedding-3-large", 3072), ("text-embedding-ada-002", 1536)];

/// An embedding model behind an OpenAI-compatible endpoint.
pub struct OpenAiEmbeddings {
    client: Client,
    model: String,
    model_id: String,
    dimensions: usize,
    asks_dimensions: bool,
    total: Duration,
}

impl OpenAiEmbeddings {
    /// Prepares calls through `http`; nothing is sent yet.
    ///
    /// # Errors
    /// `Invalid` when the address or the key cannot work, or the size of the vectors is unknown.
    pub fn new(settings: &Settings, http: reqwest::Client) -> Result<Self, Error> {
        let model = settings
            .embedding_model
            .clone()
            .ok_or_else(|| Error::Settings("`llm.embedding_model` is not set: name the model".to_owned()))?;
        let known = KNOWN_DIMENSIONS.iter().find(|(name, _)| *name == model).map(|&(_, size)| size);
        let dimensions = settings.embedding_dimensions.or(known).ok_or_else(|| {
            Error::Settings(format!("the vectors of `{model}` have an unknown size: set `llm.embedding_dimensions`"))
        })?;
        Ok(Self {
            client: transport::client(settings, &model, http)?,
            model_id: model_id(&settings.base_url, &model, dimensions),
            dimensions,
            // Only a size other than the model's own must be asked for; not all endpoints can.
            asks_dimensions: known.is_some_and(|known| known != dimensions),
            model,
            total: Duration::from_millis(settings.timeouts.total_ms),
        })
    }

    async fn embed_all(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Error> {
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(BATCH_TEXTS_MAX) {
            let budget = CallBudget::new(CALLS_PER_BATCH_MAX);
            let call = |_| -> BoxFuture<'_, _> { Box::pin(self.measured_call(batch)) };
            vectors.extend(retry::retrying(&self.model, &budget, call).await?);
        }
        Ok(vectors)
    }

    async fn measured_call(&self, batch: &[String]) -> Result<Vec<Vec<f32>>, Error> {
        let started = Instant::now();
        let result = timeout(self.total, self.embed_batch(batch))
            .await
            .unwrap_or_else(|_| Err(timed_out(&self.model, "total", self.total)));
        let took = started.elapsed();
        telemetry::record_call(telemetry::EMBEDDINGS, &self.model, took, result.as_ref().err());
        result
    }

    async fn embed_batch(&self, batch: &[String]) -> Result<Vec<Vec<f32>>, Error> {
        let input: Vec<&str> = batch.iter().map(|text| sendable(text)).collect();
        let mut body = json!({"model": self.model, "input": input, "encoding_format": "float"});
        if let (true, Some(fields)) = (self.asks_dimensions, body.as_object_mut()) {
            fields.insert("dimensions".to_owned(), json!(self.dimensions));
        }
        let reply: wire::Embeddings =
            self.client.embeddings().create_byot(&body).await.map_err(|error| failure(error, &self.model))?;
        let usage = TokenUsage { input_tokens: reply.input_tokens(), ..TokenUsage::default() };
        telemetry::record_tokens(telemetry::EMBEDDINGS, &self.model, usage);
        self.in_order(reply, batch.len())
    }

    fn in_order(&self, reply: wire::Embeddings, count: usize) -> Result<Vec<Vec<f32>>, Error> {
        let malformed = |message| Error::Malformed { model: self.model.clone(), message };
        let mut vectors: Vec<Option<Vec<f32>>> = vec![None; count];
        for (position, embedding) in reply.data.into_iter().enumerate() {
            let floats = embedding.embedding.len();
            if floats != self.dimensions {
                return Err(Error::Settings(format!(
                    "`{}` sends vectors of {floats} floats, not {}: set `llm.embedding_dimensions` \
                     to {floats} and reindex",
                    self.model, self.dimensions
                )));
            }
            let place = vectors
                .get_mut(embedding.index.unwrap_or(position))
                .ok_or_else(|| malformed("more vectors than texts".to_owned()))?;
            *place = Some(
                unit_length(embedding.embedding).ok_or_else(|| malformed("a vector without direction".to_owned()))?,
            );
        }
        let missing = || malformed("fewer vectors than texts".to_owned());
        vectors.into_iter().map(|vector| vector.ok_or_else(missing)).collect()
    }
}

impl Embedder for OpenAiEmbeddings {
    fn model_id(&self) -> &str {
        &self.model_id
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn embed<'a>(&'a self, texts: &'a [String]) -> BoxFuture<'a, Result<Vec<Vec<f32>>, Error>> {
        Box::pin(self.embed_all(texts))
    }
}

/// Endpoints refuse empty texts and texts beyond the model's limit.
fn sendable(text: &str) -> &str {
    let text = text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or(text);
    if text.trim().is_empty() { "-" } else { text }
}

fn model_id(base_url: &str, model: &str, dimensions: usize) -> String {
    let digest = Sha256::digest(format!("{base_url} {model} {dimensions}"));
    digest.iter().take(4).fold(format!("{model}-"), |mut id, byte| {
        // Writing to a string cannot fail.
        let _ = write!(id, "{byte:02x}");
        id
    })
}
