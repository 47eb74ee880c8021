//! Ingest and search at the size of `SciFact`: 5,183 documents of Zipf-distributed words with random
//! unit vectors, or the texts of `FRONTDESK_BENCH_CORPUS` (JSON lines with `title` and `text`).
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark stops at the first failure"
)]

use divan::{Bencher, counter::ItemsCount};
use domain::{ChunkId, DocumentId, OrganizationId, SourceId};
use retrieval::{Batch, IndexedChunk, IndexedDocument, Mode, QueryVector, Retrieval, Search, Settings, VectorSpace};
use std::sync::LazyLock;
use tokio::runtime::Runtime;
use uuid::Uuid;

const DOCUMENTS: usize = 5_183;
const WORDS_PER_DOCUMENT: usize = 220;
const WORDS_KNOWN: usize = 40_000;
const DIMENSIONS: usize = 384;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static CORPUS: LazyLock<Vec<IndexedDocument>> = LazyLock::new(corpus);

fn main() {
    divan::main();
}

fn space() -> VectorSpace {
    VectorSpace { model_id: "random".to_owned(), dimensions: DIMENSIONS }
}

fn vector(random: &mut fastrand::Rng) -> Vec<f32> {
    (0..DIMENSIONS).map(|_| random.f32() - 0.5).collect()
}

/// A rank drawn with probability 1/rank.
fn word(random: &mut fastrand::Rng) -> String {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a random word"
    )]
    let rank = (WORDS_KNOWN as f64).powf(random.f64()) as u64;
    let mut letters = rank.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let length = 2 + rank.ilog2() as usize / 2;
    (0..length)
        .map(|_| {
            let letter = b'a' + (letters % 26) as u8;
            letters /= 26;
            char::from(letter)
        })
        .collect()
}

fn texts(random: &mut fastrand::Rng) -> Vec<(String, String)> {
    if let Ok(path) = std::env::var("FRONTDESK_BENCH_CORPUS") {
        let lines = std::fs::read_to_string(path).unwrap();
        return lines
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|row| {
                ["title", "text"].map(|key| row.get(key).and_then(|text| text.as_str()).unwrap_or_default().to_owned())
            })
            .map(|[title, text]| (title, text))
            .collect();
    }
    let mut words = |count: usize| (0..count).map(|_| word(random)).collect::<Vec<_>>().join(" ");
    (0..DOCUMENTS).map(|_| (words(12), words(WORDS_PER_DOCUMENT))).collect()
}

fn corpus() -> Vec<IndexedDocument> {
    let mut random = fastrand::Rng::with_seed(1);
    let texts = texts(&mut random);
    texts
        .into_iter()
        .map(|(title, text)| IndexedDocument {
            document_id: DocumentId::from_uuid(Uuid::now_v7()),
            source_id: SourceId::from_uuid(Uuid::now_v7()),
            version: 1,
            language: Some("en".to_owned()),
            title,
            chunks: vec![IndexedChunk {
                chunk_id: ChunkId::from_uuid(Uuid::now_v7()),
                heading_path: String::new(),
                text,
                vector: Some(vector(&mut random)),
            }],
        })
        .collect()
}

fn ingested(space: Option<VectorSpace>) -> (tempfile::TempDir, Retrieval, OrganizationId) {
    let root = tempfile::tempdir().unwrap();
    let owner = OrganizationId::from_uuid(Uuid::now_v7());
    let batch = Batch { after_seq: 0, upto_seq: 1, upserts: CORPUS.clone(), deletes: Vec::new(), space };
    let retrieval = RUNTIME.block_on(async {
        let retrieval = Retrieval::open(Settings::embedded(root.path())).await.unwrap();
        retrieval.apply(owner, batch).await.unwrap();
        retrieval
    });
    (root, retrieval, owner)
}

#[divan::bench(sample_count = 10)]
fn ingest_words(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(CORPUS.len())).bench_local(|| ingested(None));
}

#[divan::bench(sample_count = 10)]
fn ingest_words_and_vectors(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(CORPUS.len())).bench_local(|| ingested(Some(space())));
}

#[divan::bench(args = [Mode::Bm25, Mode::Dense, Mode::Hybrid], sample_count = 1_000)]
fn search(bencher: Bencher<'_, '_>, mode: Mode) {
    let (_root, retrieval, owner) = ingested(Some(space()));
    let mut random = fastrand::Rng::with_seed(2);
    bencher
        .with_inputs(|| Search {
            mode,
            vector: Some(QueryVector { space: space(), values: vector(&mut random).into() }),
            ..Search::new(owner, (0..12).map(|_| word(&mut random)).collect::<Vec<_>>().join(" "))
        })
        .bench_local_values(|search| RUNTIME.block_on(retrieval.search(&search)).unwrap());
}
