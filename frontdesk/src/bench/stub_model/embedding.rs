//! Embeddings without a model: texts that share words are near each other. Always the same vector
//! for the same text, of unit length. They stand in for real ones in wire tests, never in quality.

use super::{fault, reply};
use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

const DIMENSIONS_DEFAULT: u64 = 384;
const DIMENSIONS_MAX: u64 = 4096;

pub(super) fn respond(request: &Value) -> Response {
    let dimensions = request.get("dimensions").and_then(Value::as_u64).unwrap_or(DIMENSIONS_DEFAULT);
    let texts = match request.get("input") {
        Some(Value::String(text)) => vec![text.as_str()],
        Some(Value::Array(texts)) if texts.iter().all(Value::is_string) => {
            texts.iter().filter_map(Value::as_str).collect()
        }
        _ => {
            return fault::refusal(400, "invalid_request_error", "input must be one text or a list of texts");
        }
    };
    if !(1..=DIMENSIONS_MAX).contains(&dimensions) {
        return fault::refusal(400, "invalid_request_error", "dimensions must be from 1 to 4096");
    }
    let tokens: usize = texts.iter().map(|text| reply::token_count(text)).sum();
    let embedding = |(index, text): (usize, &&str)| json!({ "object": "embedding", "index": index, "embedding": vector(text, dimensions) });
    let data: Vec<Value> = texts.iter().enumerate().map(embedding).collect();
    let model = request.get("model").cloned().unwrap_or(json!("stub"));
    let usage = json!({ "prompt_tokens": tokens, "total_tokens": tokens });
    Json(json!({ "object": "list", "model": model, "data": data, "usage": usage })).into_response()
}

/// The sum of one pseudo-random vector a word, scaled to unit length.
pub(in crate::bench) fn vector(text: &str, dimensions: u64) -> Vec<f32> {
    let text = text.to_lowercase();
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut sum: Vec<f32> = (0..dimensions).map(|_| 0.0).collect();
    // The empty word keeps a text without words from being the zero vector.
    for word in words.chain(std::iter::once("")) {
        let mut random = fastrand::Rng::with_seed(seed(word));
        let weight = if word.is_empty() { 0.01 } else { 1.0 };
        for value in &mut sum {
            *value += weight * (random.f32() - 0.5);
        }
    }
    let length = sum.iter().map(|value| value * value).sum::<f32>().sqrt();
    sum.into_iter().map(|value| value / length).collect()
}

/// FNV-1a, 64 bit: the same on every machine and in every version.
fn seed(word: &str) -> u64 {
    word.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_have_unit_length_and_shared_words_bring_them_nearer() {
        let dot = |a: &str, b: &str| -> f32 { vector(a, 384).iter().zip(vector(b, 384)).map(|(a, b)| a * b).sum() };
        for text in ["", "refund", "how long do refunds take"] {
            assert!((dot(text, text) - 1.0).abs() < 1e-4, "{text}");
        }
        assert!(dot("how long do refunds take", "refunds take five days") > 0.3);
        assert!(dot("how long do refunds take", "a purple bicycle") < 0.2);
    }
}
