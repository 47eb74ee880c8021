//! `frontdesk bench search`: what a search costs over a desk's own knowledge, hits re-read from storage
//! as every caller does. Query vectors are made before the clock starts.

use super::meter::{Meter, per};
use crate::bench::bed::broken;
use crate::cli::SearchMode;
use crate::failure::Failure;
use crate::output::{Exit, Output};
use crate::wiring::Wired;
use answering::retrieve::query_vector;
use retrieval::{Mode, Search};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Instant;

/// Times all queries are asked; the first time is not counted.
const PASSES: usize = 4;

/// Flags of `bench search`.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Queries, a file with {"id", "text"} a line
    #[arg(long, value_name = "FILE.jsonl")]
    queries: PathBuf,
    /// Which retrievers are asked
    #[arg(long, value_enum, default_value_t = SearchMode::Hybrid)]
    mode: SearchMode,
    /// Hits of a search
    #[arg(long, value_name = "N", default_value_t = 10)]
    k: usize,
}

#[derive(Deserialize)]
struct Query {
    text: String,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Shown {
    queries: usize,
    searches: usize,
    cpu_ms_per_search: f64,
    p50_ms: f64,
    p99_ms: f64,
    degraded: Option<String>,
}

/// Asks every query in turn, several times.
pub(super) async fn run(wired: Wired, options: &Options, output: Output) -> Result<Exit, Failure> {
    wired.catch_up().await?;
    let mut searches = Vec::new();
    for line in std::fs::read_to_string(&options.queries)?.lines() {
        let query: Query = serde_json::from_str(line).map_err(|error| broken("a line holds no query", &error))?;
        searches.push(prepared(&wired, options, &query.text).await);
    }
    let mut degraded = None;
    for search in &searches {
        degraded = once(&wired, search).await?.or(degraded);
    }
    let mut times_ms = Vec::with_capacity(searches.len() * PASSES);
    let meter = Meter::start()?;
    for search in std::iter::repeat_n(&searches, PASSES - 1).flatten() {
        let started = Instant::now();
        once(&wired, search).await?;
        times_ms.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    let spent = meter.stop()?;
    times_ms.sort_by(f64::total_cmp);
    let at = |hundredths: usize| {
        times_ms.get((times_ms.len() * hundredths / 100).min(times_ms.len().saturating_sub(1))).copied()
    };
    let shown = Shown {
        queries: searches.len(),
        searches: times_ms.len(),
        cpu_ms_per_search: spent.cpu_ms / per(times_ms.len()),
        p50_ms: at(50).unwrap_or_default(),
        p99_ms: at(99).unwrap_or_default(),
        degraded,
    };
    output.result(&shown, in_words)?;
    Ok(Exit::Ok)
}

async fn prepared(wired: &Wired, options: &Options, text: &str) -> Search {
    let mut search = Search::new(wired.organization_id(), text);
    search.mode = match options.mode {
        SearchMode::Hybrid => Mode::Hybrid,
        SearchMode::Dense => Mode::Dense,
        SearchMode::Bm25 => Mode::Bm25,
    };
    search.k = options.k;
    search.dense_weight = wired.home.assistant.settings.dense_weight;
    search.language = answering::understand::language_of(text).map(str::to_owned);
    if search.mode != Mode::Bm25 {
        search.vector = query_vector(&wired.desk, text).await.0;
    }
    search
}

/// Searches and re-reads the hits; why the search was not at full strength, where it was not.
async fn once(wired: &Wired, search: &Search) -> Result<Option<String>, Failure> {
    let found = wired.desk.retrieval.search(search).await.map_err(|error| broken("the search failed", &error))?;
    let ids: Vec<_> = found.hits.iter().map(|hit| hit.chunk_id).collect();
    let chunks = wired.desk.database.of(search.organization_id).load_chunks(&ids).await;
    chunks.map_err(|error| broken("the hits cannot be read", &error))?;
    Ok(found.degraded)
}

fn in_words(shown: &Shown) -> String {
    let degraded = shown.degraded.as_ref().map(|reason| format!("\n! {reason}")).unwrap_or_default();
    format!(
        "{} searches of {} queries\n{:.2} CPU-ms a search · p50 {:.2} ms · p99 {:.2} ms{degraded}",
        shown.searches, shown.queries, shown.cpu_ms_per_search, shown.p50_ms, shown.p99_ms
    )
}
