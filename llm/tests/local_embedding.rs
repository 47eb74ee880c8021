//! The local model against vectors of onnxruntime; it needs the weights and says so where they are
//! missing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests fail by panicking"
)]

use llm::providers::local_embedding::{DIMENSIONS, LocalEmbedding, Settings};
use llm::weights::{self, WeightFiles};
use llm::{Embedder, Error};
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Deserialize)]
struct Reference {
    texts: Vec<ReferenceText>,
}

#[derive(Deserialize)]
struct ReferenceText {
    text: String,
    tokens: usize,
    first_ids: Vec<i32>,
    vector: Vec<f32>,
}

fn reference() -> Vec<ReferenceText> {
    let json = include_str!("fixtures/minilm_reference.json");
    serde_json::from_str::<Reference>(json).unwrap().texts
}

/// `FRONTDESK_MODEL_DIR`, then the user's cache.
fn weight_files() -> Option<WeightFiles> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let settings = weights::Settings {
        model_dir: std::env::var_os("FRONTDESK_MODEL_DIR").map(PathBuf::from),
        shared_cache: home.map(|home| home.join(".cache/frontdesk/models")),
        ..weights::Settings::default()
    };
    let search = weights::find(&settings);
    if search.files.is_none() {
        let reasons: Vec<String> = search.misses.iter().map(ToString::to_string).collect();
        eprintln!("skipped, no weights: {}", reasons.join("; "));
    }
    search.files
}

fn embedder(settings: Settings) -> Option<LocalEmbedding> {
    Some(LocalEmbedding::new(weight_files()?, settings).unwrap())
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[tokio::test]
async fn the_local_model_satisfies_the_trait() {
    let Some(embedder) = embedder(Settings::default()) else { return };
    llm::conformance::exercise(&embedder).await.unwrap();
    assert!(embedder.model_id().starts_with("all-MiniLM-L6-v2-int8-"));
    assert_eq!(embedder.dimensions(), DIMENSIONS);
}

#[tokio::test]
async fn vectors_agree_with_the_reference_runtime() {
    let Some(embedder) = embedder(Settings::default()) else { return };
    for reference in reference() {
        let vectors = embedder.embed(std::slice::from_ref(&reference.text)).await.unwrap();
        let cosine = dot(&vectors[0], &reference.vector);
        eprintln!("{cosine:.5} {:.40}", reference.text);
        assert!(cosine >= 0.998, "cosine {cosine} for `{}`", reference.text);
    }
}

#[test]
fn token_ids_agree_with_the_reference_tokenizer() {
    let Some(embedder) = embedder(Settings::default()) else { return };
    for reference in reference() {
        let batches = embedder.padded_batches(std::slice::from_ref(&reference.text)).unwrap();
        assert_eq!(batches[0].lengths, [reference.tokens], "`{}`", reference.text);
        assert_eq!(batches[0].ids[..reference.first_ids.len()], reference.first_ids);
    }
}

#[test]
fn batches_hold_texts_of_similar_length_and_stay_within_their_limit() {
    let Some(embedder) = embedder(Settings::default()) else { return };
    let texts: Vec<String> = (0..200).map(|n| "word ".repeat(1 + (n * 37) % 300)).collect();
    let batches = embedder.padded_batches(&texts).unwrap();
    let mut places: Vec<usize> = batches.iter().flat_map(|batch| batch.places.clone()).collect();
    places.sort_unstable();
    assert_eq!(places, (0..200).collect::<Vec<_>>());
    let (mut tokens, mut padded) = (0, 0);
    for batch in &batches {
        assert!(batch.ids.len() <= 2048 && batch.width <= 256);
        tokens += batch.lengths.iter().sum::<usize>();
        padded += batch.ids.len();
    }
    assert!(padded * 100 < tokens * 110, "{padded} padded for {tokens} tokens");
}

#[tokio::test]
async fn the_runtime_keeps_running_and_a_question_overtakes_a_large_request() {
    let Some(embedder) = embedder(Settings::default()) else { return };
    let embedder = Arc::new(embedder);
    embedder.load().await.unwrap();
    let pages: Vec<String> = (0..40).map(|n| format!("page {n} {}", "of text ".repeat(100))).collect();
    let scan = tokio::spawn({
        let embedder = Arc::clone(&embedder);
        async move { embedder.embed(&pages).await.unwrap().len() }
    });
    // The test has one thread: this line runs only if the scan leaves it free.
    tokio::task::yield_now().await;
    let vectors = embedder.embed(&["Where is my order?".to_owned()]).await.unwrap();
    assert_eq!(vectors.len(), 1);
    assert!(!scan.is_finished(), "the question waited for the whole scan");
    assert_eq!(scan.await.unwrap(), 40);
}

#[tokio::test]
async fn damaged_files_are_an_error_that_names_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model.onnx");
    std::fs::write(&model, b"not a model").unwrap();
    let files = WeightFiles { tokenizer: model.clone(), model, model_sha256: "00112233445566778899".to_owned() };
    let embedder = LocalEmbedding::new(files, Settings::default()).unwrap();
    let started = Instant::now();
    let error = embedder.embed(&["x".to_owned()]).await.unwrap_err();
    assert!(matches!(error, Error::Local { .. }) && error.to_string().contains("00112233"));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_limit_that_the_model_cannot_read_is_refused() {
    let files = WeightFiles { model: PathBuf::new(), tokenizer: PathBuf::new(), model_sha256: String::new() };
    for tokens_max in [0, 7, 513] {
        let settings = Settings { tokens_max, ..Settings::default() };
        assert!(LocalEmbedding::new(files.clone(), settings).is_err());
    }
}
