//! Measures ranking quality and cost on a data set with ready-made vectors.
//!
//! `quality CHUNKS.jsonl CHUNKS.f32 DEV_FOLDER QUERIES.f32` where a chunk is `{"id","title","text"}`
//! with the id of its document, `.f32` files hold little-endian unit vectors in the same order, and
//! the folder holds `queries.jsonl` and `qrels.tsv`. The best chunk of a document counts for it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a tool for developers that stops at the first failure"
)]

use domain::{ChunkId, DocumentId, OrganizationId, SourceId};
use retrieval::{
    Batch, Fusion, IndexedChunk, IndexedDocument, Mode, QueryVector, Retrieval, Search, Settings, VectorSpace,
};
use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;
use uuid::Uuid;

/// Values of a vector of the small local model.
const DIMENSIONS: usize = 384;
/// Ranks that nDCG looks at.
const CUT: usize = 10;

type Judgements = HashMap<String, HashMap<String, f64>>;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [chunks, chunk_vectors, dev, query_vectors] = &arguments[..] else {
        println!("usage: quality CHUNKS.jsonl CHUNKS.f32 DEV_FOLDER QUERIES.f32");
        return;
    };
    let (documents, names) = documents(chunks, &vectors(chunk_vectors));
    let root = tempfile::tempdir().unwrap();
    let owner = OrganizationId::from_uuid(Uuid::now_v7());
    let count = documents.len() as f64;
    for (what, space) in [("words", None), ("words and vectors", Some(space()))] {
        let retrieval = Retrieval::open(Settings::embedded(root.path())).await.unwrap();
        retrieval.erase(owner).await.unwrap();
        let batch = Batch { after_seq: 0, upto_seq: 1, upserts: documents.clone(), deletes: Vec::new(), space };
        let (wall, cpu) = (Instant::now(), cpu_seconds());
        retrieval.apply(owner, batch).await.unwrap();
        let cpu = cpu_seconds() - cpu;
        println!(
            "ingest {what}: {cpu:.3} CPU-s, {:.3} s, {:.0} documents per CPU-s",
            wall.elapsed().as_secs_f64(),
            count / cpu
        );
    }
    let retrieval = Retrieval::open(Settings::embedded(root.path())).await.unwrap();
    let queries = queries(dev, &vectors(query_vectors));
    let judgements = judgements(dev);
    let hybrid = |weight| (Mode::Hybrid, Fusion::Convex, weight);
    for (name, (mode, fusion, dense_weight)) in [
        ("bm25", (Mode::Bm25, Fusion::Convex, 0.5)),
        ("dense", (Mode::Dense, Fusion::Convex, 0.5)),
        ("rrf", (Mode::Hybrid, Fusion::ReciprocalRank, 0.5)),
        ("convex 0.3", hybrid(0.3)),
        ("convex 0.5", hybrid(0.5)),
        ("convex 0.6", hybrid(0.6)),
        ("convex 0.7", hybrid(0.7)),
    ] {
        let (mut gain, mut judged) = (0.0, 0.0);
        let mut milliseconds = Vec::new();
        let cpu = cpu_seconds();
        for (id, text, vector) in &queries {
            let search = Search {
                mode,
                fusion,
                dense_weight,
                language: Some("en".to_owned()),
                one_per_document: true,
                vector: Some(QueryVector { space: space(), values: vector.as_slice().into() }),
                ..Search::new(owner, text)
            };
            let start = Instant::now();
            let found = retrieval.search(&search).await.unwrap();
            milliseconds.push(start.elapsed().as_secs_f64() * 1_000.0);
            if let Some(wanted) = judgements.get(id) {
                let ranking: Vec<&String> = found.hits.iter().map(|hit| &names[&hit.document_id]).collect();
                gain += ndcg(&ranking, wanted);
                judged += 1.0;
            }
        }
        let cpu = (cpu_seconds() - cpu) * 1_000.0 / queries.len() as f64;
        milliseconds.sort_unstable_by(f64::total_cmp);
        let at = |share: usize| milliseconds[(milliseconds.len() - 1) * share / 100];
        println!(
            "{name}: nDCG@10 {:.4} of {judged}, {cpu:.2} CPU-ms, p50 {:.2} ms, p99 {:.2} ms",
            gain / judged,
            at(50),
            at(99)
        );
    }
}

fn space() -> VectorSpace {
    VectorSpace { model_id: "all-minilm-l6-v2".to_owned(), dimensions: DIMENSIONS }
}

fn documents(path: &str, vectors: &[Vec<f32>]) -> (Vec<IndexedDocument>, HashMap<DocumentId, String>) {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut documents: Vec<IndexedDocument> = Vec::new();
    let mut names = HashMap::new();
    for (row, vector) in lines(path).iter().zip(vectors) {
        let [id, title, text] = ["id", "title", "text"].map(|key| row[key].as_str().unwrap_or_default().to_owned());
        let place = *places.entry(id.clone()).or_insert_with(|| {
            let document_id = DocumentId::from_uuid(Uuid::now_v7());
            names.insert(document_id, id);
            documents.push(IndexedDocument {
                document_id,
                source_id: SourceId::from_uuid(Uuid::now_v7()),
                version: 1,
                language: Some("en".to_owned()),
                title,
                chunks: Vec::new(),
            });
            documents.len() - 1
        });
        documents[place].chunks.push(IndexedChunk {
            chunk_id: ChunkId::from_uuid(Uuid::now_v7()),
            heading_path: String::new(),
            text,
            vector: Some(vector.clone()),
        });
    }
    (documents, names)
}

fn queries(dev: &str, vectors: &[Vec<f32>]) -> Vec<(String, String, Vec<f32>)> {
    let rows = lines(&format!("{dev}/queries.jsonl"));
    let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    rows.iter().zip(vectors).map(|(row, vector)| (text(row, "id"), text(row, "text"), vector.clone())).collect()
}

fn judgements(dev: &str) -> Judgements {
    let mut judgements = Judgements::new();
    for line in std::fs::read_to_string(Path::new(dev).join("qrels.tsv")).unwrap().lines().skip(1) {
        let [query, document, score] = line.split('\t').collect::<Vec<_>>()[..] else { continue };
        let score: f64 = score.parse().unwrap();
        if score > 0.0 {
            judgements.entry(query.to_owned()).or_default().insert(document.to_owned(), score);
        }
    }
    judgements
}

fn ndcg(ranking: &[&String], wanted: &HashMap<String, f64>) -> f64 {
    let discounted = |gains: &[f64]| {
        gains.iter().take(CUT).enumerate().map(|(place, gain)| gain / (place as f64 + 2.0).log2()).sum::<f64>()
    };
    let gains: Vec<f64> = ranking.iter().map(|name| wanted.get(*name).copied().unwrap_or(0.0)).collect();
    let mut ideal: Vec<f64> = wanted.values().copied().collect();
    ideal.sort_unstable_by(|left, right| right.total_cmp(left));
    discounted(&gains) / discounted(&ideal)
}

fn lines(path: &str) -> Vec<serde_json::Value> {
    std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn vectors(path: &str) -> Vec<Vec<f32>> {
    let bytes = std::fs::read(path).unwrap();
    let values: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value)).collect();
    values.chunks_exact(DIMENSIONS).map(<[f32]>::to_vec).collect()
}

/// CPU seconds of this process so far, in the hundredths that Linux counts.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    [11, 12].iter().filter_map(|place| fields.get(*place)?.parse::<f64>().ok()).sum::<f64>() / 100.0
}
