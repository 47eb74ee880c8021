//! `frontdesk search`: one query, or a batch into a TREC run file.

use crate::cli::{self, SearchMode};
use crate::failure::Failure;
use crate::output::{Exit, Output};
use crate::wiring::Wired;
use answering::retrieve::query_vector;
use domain::trace::Rank;
use retrieval::{Found, Mode, Search};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use storage::chunks::FoundChunk;

/// Candidates per retriever of a batch, at least: its hits are grouped by document.
const BATCH_CANDIDATES_MIN: usize = 200;
/// The last column of a run file.
const TAG: &str = "frontdesk";

/// One hit as it is printed.
#[derive(Serialize)]
struct ShownHit {
    rank: usize,
    score: f64,
    chunk_id: domain::ChunkId,
    document_id: domain::DocumentId,
    external_id: Option<String>,
    url: Option<String>,
    title: String,
    heading_path: String,
    text: String,
    dense: Option<Rank>,
    bm25: Option<Rank>,
    fused: Rank,
}

#[derive(Serialize)]
struct Shown {
    query: String,
    degraded: Option<String>,
    knowledge_version: i64,
    hits: Vec<ShownHit>,
}

#[derive(Deserialize)]
struct Query {
    id: String,
    text: String,
}

pub(crate) async fn run(wired: Wired, options: &cli::Search, output: Output) -> Result<Exit, Failure> {
    wired.catch_up().await?;
    if let (Some(queries), Some(out)) = (&options.batch, &options.run_file) {
        return batch(&wired, options, queries, out, output).await;
    }
    let text = options.query.clone().unwrap_or_default();
    if text.trim().is_empty() {
        return Err(Failure::new(Exit::Usage, "the query is empty").fix("write what to look for"));
    }
    let k = options.k as usize;
    let (found, chunks) = search(&wired, options, &text, k, false).await?;
    let shown = shown(text, found, chunks, k);
    let explain = options.explain;
    output.result(&shown, |shown| in_words(shown, explain))?;
    Ok(Exit::Ok)
}

async fn search(
    wired: &Wired,
    options: &cli::Search,
    text: &str,
    k: usize,
    grouped: bool,
) -> Result<(Found, HashMap<domain::ChunkId, FoundChunk>), Failure> {
    let mut search = Search::new(wired.organization_id(), text);
    search.mode = match options.mode {
        SearchMode::Hybrid => Mode::Hybrid,
        SearchMode::Dense => Mode::Dense,
        SearchMode::Bm25 => Mode::Bm25,
    };
    search.k = k;
    search.one_per_document = grouped;
    search.dense_weight = wired.home.assistant.settings.dense_weight;
    search.language = answering::understand::language_of(text).map(str::to_owned);
    if grouped {
        search.candidates = BATCH_CANDIDATES_MIN.max(k * 2);
    }
    let mut degraded = None;
    if search.mode != Mode::Bm25 {
        (search.vector, degraded) = query_vector(&wired.desk, text).await;
    }
    let problem = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Problem, "the search failed").because(error).fix("run `frontdesk doctor`")
    };
    let mut found = wired.desk.retrieval.search(&search).await.map_err(|error| problem(&error))?;
    found.degraded = degraded.or(found.degraded);
    let ids: Vec<_> = found.hits.iter().map(|hit| hit.chunk_id).collect();
    let tenant = wired.desk.database.of(wired.organization_id());
    let chunks = tenant.load_chunks(&ids).await.map_err(|error| problem(&error))?;
    Ok((found, chunks.into_iter().map(|chunk| (chunk.chunk.id, chunk)).collect()))
}

fn shown(query: String, found: Found, mut chunks: HashMap<domain::ChunkId, FoundChunk>, k: usize) -> Shown {
    let hits = found
        .hits
        .iter()
        .filter_map(|hit| chunks.remove(&hit.chunk_id).map(|chunk| (hit, chunk)))
        .take(k)
        .enumerate()
        .map(|(position, (hit, chunk))| ShownHit {
            rank: position + 1,
            score: hit.fused.score,
            chunk_id: hit.chunk_id,
            document_id: chunk.chunk.document_id,
            external_id: chunk.external_id,
            url: chunk.url,
            title: chunk.title,
            heading_path: chunk.chunk.heading_path,
            text: chunk.chunk.text,
            dense: hit.dense,
            bm25: hit.bm25,
            fused: hit.fused,
        })
        .collect();
    Shown { query, degraded: found.degraded, knowledge_version: found.applied_seq, hits }
}

fn in_words(shown: &Shown, explain: bool) -> String {
    let mut lines = Vec::new();
    if let Some(degraded) = &shown.degraded {
        lines.push(format!("! {degraded}"));
    }
    if shown.hits.is_empty() {
        lines.push("nothing found".to_owned());
    }
    for hit in &shown.hits {
        let path = if hit.heading_path.is_empty() { String::new() } else { format!(" › {}", hit.heading_path) };
        lines.push(format!("{:>3}  {:.3}  {}{path}", hit.rank, hit.score, hit.title));
        if let Some(place) = hit.url.as_ref().or(hit.external_id.as_ref()) {
            lines.push(format!("            {place}"));
        }
        if explain {
            let rank = |rank: Option<Rank>| {
                rank.map_or_else(|| "–".to_owned(), |rank| format!("#{} ({:.4})", rank.rank, rank.score))
            };
            lines.push(format!(
                "            dense {} · bm25 {} · fused {}",
                rank(hit.dense),
                rank(hit.bm25),
                rank(Some(hit.fused))
            ));
        }
        let preview: String = hit.text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(160).collect();
        lines.push(format!("            {preview}"));
    }
    lines.join("\n")
}

async fn batch(
    wired: &Wired,
    options: &cli::Search,
    queries: &Path,
    out: &Path,
    output: Output,
) -> Result<Exit, Failure> {
    let file = File::open(queries).map_err(|error| {
        Failure::new(Exit::Problem, format!("cannot read {}", queries.display())).because(error).fix("check the path")
    })?;
    let mut run_file = BufWriter::new(File::create(out)?);
    let bar = output.progress("queries", 0);
    let mut count = 0_usize;
    for (position, line) in BufReader::new(file).lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let query: Query = serde_json::from_str(&line).map_err(|error| {
            Failure::new(Exit::Problem, format!("{} line {}: {error}", queries.display(), position + 1))
                .fix("a line is {\"id\": …, \"text\": …}")
        })?;
        let k = options.k as usize;
        let (found, mut chunks) = search(wired, options, &query.text, k, true).await?;
        let mut named = HashSet::new();
        for hit in &found.hits {
            let Some(chunk) = chunks.remove(&hit.chunk_id) else { continue };
            let document = chunk.external_id.unwrap_or_else(|| chunk.chunk.document_id.to_string());
            // Two sources may have imported the same document; a run file names it once.
            if !named.insert(document.clone()) {
                continue;
            }
            writeln!(run_file, "{} Q0 {document} {} {:.6} {TAG}", query.id, named.len(), hit.fused.score)?;
            if named.len() == k {
                break;
            }
        }
        count += 1;
        bar.inc(1);
    }
    run_file.flush()?;
    bar.finish_and_clear();
    output.result(&serde_json::json!({ "queries": count, "run_file": out }), |_| {
        format!("{count} queries → {}", out.display())
    })?;
    Ok(Exit::Ok)
}
