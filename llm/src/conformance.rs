//! What every [`ChatModel`] and every [`Embedder`] must do, run by the tests of each implementation.

use crate::chat::{ChatModel, ChatRequest, Delta, FinishReason};
use crate::embed::Embedder;
use domain::trace::PromptMessage;

/// How far a vector's length may be from 1.
const LENGTH_TOLERANCE: f32 = 1e-3;

/// Cosine of one text's vectors computed alone and among others; quantized models differ a little.
const SAME_TEXT_COSINE_MIN: f32 = 0.98;

/// Exercises an embedder; `Err` says what it did wrong.
pub async fn exercise(embedder: &dyn Embedder) -> Result<(), String> {
    let texts: Vec<String> = [
        "How do I reset my password?",
        "",
        "The warehouse ships orders to Norway on Tuesdays.",
        "I forgot my password and want to set a new one",
        "🙂 naïve café 你好 \u{0}\u{200b}",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain(["a very long text ".repeat(4000)])
    .collect();
    let vectors = embedder.embed(&texts).await.map_err(|error| error.to_string())?;
    ensure(vectors.len() == texts.len(), || format!("{} vectors", vectors.len()))?;
    for (text, vector) in texts.iter().zip(&vectors) {
        let start: String = text.chars().take(30).collect();
        let length = dot(vector, vector).sqrt();
        ensure(vector.len() == embedder.dimensions(), || format!("{} floats for `{start}`", vector.len()))?;
        ensure((length - 1.0).abs() < LENGTH_TOLERANCE, || format!("length {length} for `{start}`"))?;
    }
    for (text, among_others) in texts.iter().zip(&vectors) {
        let alone = embedder.embed(std::slice::from_ref(text)).await;
        let alone = alone.map_err(|error| error.to_string())?;
        let cosine = alone.first().map_or(0.0, |alone| dot(alone, among_others));
        ensure(cosine > SAME_TEXT_COSINE_MIN, || format!("`{text:.30}` alone and among others: cosine {cosine}"))?;
    }
    if let [question, _, other, same_question, ..] = vectors.as_slice() {
        ensure(dot(question, same_question) > dot(question, other), || {
            "a paraphrase is farther than another topic".to_owned()
        })?;
    }
    let none = embedder.embed(&[]).await.map_err(|error| error.to_string())?;
    ensure(none.is_empty(), || "vectors for no text".to_owned())?;
    ensure(!embedder.model_id().is_empty(), || "an empty model id".to_owned())
}

/// Exercises a chat model that answers; `Err` says what it did wrong.
pub async fn exercise_chat(model: &dyn ChatModel) -> Result<(), String> {
    let request = ChatRequest {
        messages: vec![PromptMessage { role: "user".to_owned(), content: "Say hello in one word.".to_owned() }],
        output_tokens_max: 16,
        ..ChatRequest::default()
    };
    let (deltas, mut received) = tokio::sync::mpsc::unbounded_channel();
    let streamed = model.complete(&request, Some(deltas)).await;
    let streamed = streamed.map_err(|error| error.to_string())?;
    let mut pieces = String::new();
    while let Some(delta) = received.recv().await {
        match delta {
            Delta::Text(text) => pieces.push_str(&text),
            Delta::Restart => pieces.clear(),
        }
    }
    ensure(pieces == streamed.text, || format!("the pieces `{pieces}` are not the text `{}`", streamed.text))?;
    ensure(!streamed.text.is_empty(), || "an empty answer".to_owned())?;
    ensure(matches!(streamed.finish_reason, FinishReason::Stop | FinishReason::Length), || {
        format!("finished because of {}", streamed.finish_reason)
    })?;
    let usage = streamed.usage;
    ensure(usage.input_tokens > 0 && usage.output_tokens > 0, || format!("{usage:?}"))?;
    let whole = model.complete(&request, None).await.map_err(|error| error.to_string())?;
    ensure(!whole.text.is_empty(), || "an empty answer without a listener".to_owned())?;
    ensure(request.budget.used() == 2, || format!("two calls counted as {}", request.budget.used()))?;
    ensure(!model.id().is_empty(), || "an empty model id".to_owned())
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}
