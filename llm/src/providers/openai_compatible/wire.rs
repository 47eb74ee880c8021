//! The shapes on the wire, as lenient as vendors differ: unknown words, missing fields and nulls are
//! fine; only what an answer cannot do without is demanded.

use super::Settings;
use super::transport::{error_in_stream, failure};
use crate::chat::{ChatRequest, Completion, FinishReason};
use crate::error::Error;
use crate::tokens::TokenCounter;
use async_openai::error::OpenAIError;
use domain::usage::TokenUsage;
use serde::Deserialize;
use serde_json::{Value, json};

/// A figure beyond so many times our own estimate is not believed.
const ESTIMATE_FACTOR_MAX: i64 = 10;
/// Estimates of tiny texts are too rough to judge by.
const ESTIMATE_TOKENS_MIN: usize = 64;

/// The body of a chat request.
pub(super) fn chat_body(settings: &Settings, model: &str, request: &ChatRequest) -> Value {
    let mut body = json!({
        "model": model,
        "messages": request.messages,
        "stream": true,
        settings.token_limit_field.name(): request.output_tokens_max,
    });
    if settings.sends_temperature {
        set(&mut body, "temperature", json!(request.temperature));
    }
    if settings.asks_usage {
        set(&mut body, "stream_options", json!({"include_usage": true}));
    }
    if settings.asks_logprobs {
        set(&mut body, "logprobs", json!(true));
    }
    if let Some(schema) = &request.json_schema {
        // Endpoints that check strictly demand closed objects.
        let strict = schema.get("additionalProperties") == Some(&Value::Bool(false));
        let schema = json!({"name": "answer", "schema": schema, "strict": strict});
        set(&mut body, "response_format", json!({"type": "json_schema", "json_schema": schema}));
    }
    body
}

fn set(body: &mut Value, name: &str, value: Value) {
    if let Some(fields) = body.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

/// One event of a chat stream.
#[derive(Deserialize)]
pub(super) struct Chunk {
    model: Option<String>,
    choices: Option<Vec<Choice>>,
    usage: Option<Value>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<ChoiceDelta>,
    finish_reason: Option<Value>,
    logprobs: Option<Value>,
}

#[derive(Deserialize)]
struct ChoiceDelta {
    content: Option<String>,
    refusal: Option<String>,
}

/// A completion while it is written.
#[derive(Default)]
pub(super) struct Writing {
    pub(super) text: String,
    model: Option<String>,
    finish_reason: Option<FinishReason>,
    usage: Option<Value>,
    refused: bool,
    choices: usize,
    logprobs: (f64, u32),
}

impl Writing {
    /// Takes in one event and returns the text it brought.
    pub(super) fn add(&mut self, chunk: Chunk, model: &str) -> Result<String, Error> {
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            return Err(error_in_stream(&error, model));
        }
        self.usage = chunk.usage.filter(Value::is_object).or(self.usage.take());
        self.model = self.model.take().or(chunk.model.filter(|name| !name.is_empty()));
        let Some(choice) = chunk.choices.into_iter().flatten().next() else {
            return Ok(String::new());
        };
        self.choices += 1;
        if let Some(word) = choice.finish_reason.as_ref().and_then(Value::as_str)
            && !word.is_empty()
        {
            self.finish_reason = Some(FinishReason::from(word));
        }
        self.add_logprobs(choice.logprobs.as_ref());
        let Some(delta) = choice.delta else { return Ok(String::new()) };
        self.refused |= delta.refusal.is_some_and(|refusal| !refusal.is_empty());
        let text = delta.content.unwrap_or_default();
        self.text.push_str(&text);
        Ok(text)
    }

    fn add_logprobs(&mut self, logprobs: Option<&Value>) {
        let tokens = logprobs.and_then(|logprobs| logprobs.get("content")?.as_array());
        for token in tokens.into_iter().flatten() {
            if let Some(logprob) = token.get("logprob").and_then(Value::as_f64) {
                self.logprobs.0 += logprob;
                self.logprobs.1 += 1;
            }
        }
    }

    /// Whether the model said that it is done.
    pub(super) fn is_finished(&self) -> bool {
        self.finish_reason.is_some()
    }

    /// What a broken event means at this point of the stream.
    pub(super) fn failure(&self, error: OpenAIError, model: &str) -> Error {
        if matches!(error, OpenAIError::StreamError(_) | OpenAIError::Reqwest(_)) {
            return Error::CutStream { model: model.to_owned(), size_bytes: self.text.len() };
        }
        failure(error, model)
    }

    /// The completion, if the stream held a whole one.
    pub(super) fn finish(self, model: &str, request: &ChatRequest, counter: TokenCounter) -> Result<Completion, Error> {
        let usage = self.usage(request, counter);
        let Some(finish_reason) = self.finish_reason else {
            return Err(if self.choices == 0 && self.usage.is_some() {
                malformed(model, "no choices")
            } else {
                Error::CutStream { model: model.to_owned(), size_bytes: self.text.len() }
            });
        };
        let finish_reason = if self.refused { FinishReason::ContentFilter } else { finish_reason };
        if self.text.is_empty() && finish_reason == FinishReason::Stop {
            return Err(malformed(model, "an empty answer"));
        }
        let (sum, tokens) = self.logprobs;
        Ok(Completion {
            model: self.model.unwrap_or_else(|| model.to_owned()),
            text: self.text,
            finish_reason,
            usage,
            logprobs_mean: (tokens > 0).then(|| sum / f64::from(tokens)),
        })
    }

    fn usage(&self, request: &ChatRequest, counter: TokenCounter) -> TokenUsage {
        let input = counter.count_messages(&request.messages);
        let output = counter.count(&self.text);
        let told = |name: &str| self.usage.as_ref()?.get(name).and_then(whole_number);
        let believed = |tokens: &i64, estimate: usize| {
            *tokens > 0 && *tokens <= size(estimate.max(ESTIMATE_TOKENS_MIN)) * ESTIMATE_FACTOR_MAX
        };
        let input_told = told("prompt_tokens").filter(|tokens| believed(tokens, input));
        // Hidden reasoning counts as output, so what was allowed is believed, too.
        let output_told = told("completion_tokens")
            .filter(|tokens| believed(tokens, output) || (0..=size(request.output_tokens_max)).contains(tokens));
        TokenUsage {
            input_tokens: input_told.unwrap_or(size(input)),
            output_tokens: output_told.unwrap_or(size(output)),
            estimated: input_told.is_none() || output_told.is_none(),
        }
    }
}

fn malformed(model: &str, message: &str) -> Error {
    Error::Malformed { model: model.to_owned(), message: message.to_owned() }
}

#[expect(clippy::cast_possible_truncation, reason = "only whole numbers of a size that fits")]
fn whole_number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_f64().filter(|number| number.abs() < 1e15).map(|number| number.round() as i64))
}

fn size(tokens: usize) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}

/// The reply to an embeddings request.
#[derive(Deserialize)]
pub(super) struct Embeddings {
    pub(super) data: Vec<Embedding>,
    pub(super) usage: Option<Value>,
}

/// One vector of a reply.
#[derive(Deserialize)]
pub(super) struct Embedding {
    pub(super) index: Option<usize>,
    pub(super) embedding: Vec<f32>,
}

impl Embeddings {
    /// The tokens the endpoint counted.
    pub(super) fn input_tokens(&self) -> i64 {
        let told = self.usage.as_ref().and_then(|usage| usage.get("prompt_tokens"));
        told.and_then(whole_number).filter(|tokens| *tokens >= 0).unwrap_or(0)
    }
}
