//! Small trials of a model: does it answer, how fast, and if not, why and what then.

use crate::failure::Failure;
use crate::output::Exit;
use domain::trace::PromptMessage;
use domain::usage::TokenUsage;
use domain::{ErrorKind, Kinded};
use llm::{CallBudget, ChatModel, ChatRequest, Embedder};
use serde::Serialize;
use std::time::{Duration, Instant};

/// Tokens that the trial asks for: enough for models that think before they speak.
const OUTPUT_TOKENS_MAX: usize = 64;
/// How long a trial may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Two sentences that say nearly the same, and one that does not.
const SENTENCES: [&str; 3] = [
    "How long does it take until I get my money back?",
    "When will my refund arrive?",
    "The battery must be charged before the first ride.",
];

/// What a model answered.
#[derive(Clone, Debug, Serialize)]
pub struct Completed {
    /// The address that was asked.
    pub endpoint: String,
    /// The model that answered.
    pub model: String,
    /// Its answer.
    pub text: String,
    /// From the request to the whole answer.
    pub duration_ms: f64,
    /// What it used.
    pub usage: TokenUsage,
}

/// What an embedding model computed.
#[derive(Clone, Debug, Serialize)]
pub struct Embedded {
    /// The model.
    pub model: String,
    /// Floats of each vector.
    pub dimensions: usize,
    /// Time for two sentences.
    pub duration_ms: f64,
    /// Likeness of two sentences that say nearly the same.
    pub cosine_alike: f32,
    /// Likeness of two sentences about different things.
    pub cosine_unlike: f32,
}

/// Has the model write one word.
pub async fn completion(endpoint: &str, model: &dyn ChatModel) -> Result<Completed, Failure> {
    let request = ChatRequest {
        messages: vec![PromptMessage { role: "user".to_owned(), content: "Reply with the word: ready".to_owned() }],
        output_tokens_max: OUTPUT_TOKENS_MAX,
        budget: CallBudget::new(1).until(tokio::time::Instant::now() + PATIENCE),
        ..ChatRequest::default()
    };
    let start = Instant::now();
    let completion = model.complete(&request, None).await.map_err(|error| refused(endpoint, model.id(), &error))?;
    Ok(Completed {
        endpoint: endpoint.to_owned(),
        model: completion.model,
        text: completion.text,
        duration_ms: start.elapsed().as_secs_f64() * 1_000.0,
        usage: completion.usage,
    })
}

/// Has the model embed sentences, and compares them.
pub async fn embedding(embedder: &dyn Embedder) -> Result<Embedded, Failure> {
    let failed = |why: &dyn std::fmt::Display| {
        Failure::new(Exit::Problem, format!("embedding model {} does not work", embedder.model_id()))
            .because(why)
            .fix("local model: remove its files and run `frontdesk models pull`; endpoint: check [llm]")
    };
    // The first call also pays for what is prepared once.
    let [alike, other, unlike] = SENTENCES.map(str::to_owned);
    let mut vectors = embedder.embed(&[unlike]).await.map_err(|error| failed(&error))?;
    let start = Instant::now();
    vectors.extend(embedder.embed(&[alike, other]).await.map_err(|error| failed(&error))?);
    let duration_ms = start.elapsed().as_secs_f64() * 1_000.0;
    let [unlike, alike, other] = vectors.as_slice() else {
        return Err(failed(&format!("it made {} vectors of 3 texts", vectors.len())));
    };
    if vectors.iter().any(|vector| vector.len() != embedder.dimensions()) {
        return Err(failed(&format!("its vectors do not have the {} values it promised", embedder.dimensions())));
    }
    let trial = Embedded {
        model: embedder.model_id().to_owned(),
        dimensions: embedder.dimensions(),
        duration_ms,
        cosine_alike: cosine(alike, other),
        cosine_unlike: cosine(alike, unlike),
    };
    if trial.cosine_alike <= trial.cosine_unlike {
        return Err(failed(&format!(
            "a question about refunds is as near to batteries ({:.3}) as to refunds ({:.3})",
            trial.cosine_unlike, trial.cosine_alike
        )));
    }
    Ok(trial)
}

/// The vectors have unit length.
fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Why the endpoint did not answer, in words, with what to do.
fn refused(endpoint: &str, model: &str, error: &llm::Error) -> Failure {
    let (exit, fix) = match error.kind() {
        ErrorKind::Unauthenticated => (Exit::NotAllowed, "check the key: OPENAI_API_KEY, or `llm.api_key`".to_owned()),
        ErrorKind::Forbidden => {
            (Exit::NotAllowed, "check the account's quota and which models the key may use".to_owned())
        }
        ErrorKind::NotFound => (
            Exit::Configuration,
            format!(
                "set `llm.model` to a model that {endpoint} has, and check that the address ends where its API begins (often /v1)"
            ),
        ),
        ErrorKind::RateLimited => {
            (Exit::Unreachable, "wait, then try again; turns wait and retry by themselves".to_owned())
        }
        ErrorKind::Unavailable => (Exit::Unreachable, "is it running? start it, or correct `llm.base_url`".to_owned()),
        ErrorKind::Invalid | ErrorKind::Conflict | ErrorKind::Internal => {
            (Exit::Problem, "check [llm], above all `token_limit_field`".to_owned())
        }
    };
    Failure::new(exit, format!("llm {endpoint}: model `{model}` does not answer")).because(error).fix(fix)
}
