//! `frontdesk bench quality`: imports a data set into a throw-away desk and scores its retrieval.

use crate::failure::Failure;
use crate::output::{Exit, Output, table};
use crate::wiring::Wired;
use clap::Args;
use evals::{Scores, rank, read_judgements, read_queries, score};
use retrieval::Mode;
use serde::Serialize;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

/// Flags of `bench quality`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Folder with corpus.jsonl, dev/queries.jsonl and dev/qrels.tsv; use with a --data folder of its own
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// Which part of the data set is asked
    #[arg(long, value_name = "PART", default_value = "dev")]
    pub part: String,
}

#[derive(Serialize)]
struct Row {
    mode: Mode,
    scores: Scores,
}

/// Imports the corpus, asks every question in every mode, prints the means.
pub async fn run(wired: Wired, options: &Options, output: Output) -> Result<Exit, Failure> {
    let organization_id = wired.organization_id();
    let corpus = options.folder.join("corpus.jsonl");
    let file = File::open(&corpus)
        .map_err(|error| Failure::new(Exit::Problem, format!("cannot read {}", corpus.display())).because(error))?;
    let imported =
        ingest::import::import(&wired.library, organization_id, "corpus", BufReader::new(file), |_| {}).await;
    imported.map_err(|error| problem(&error))?;
    let bar = output.progress("embedded passages", 0);
    ingest::documents::embed_missing(&wired.library, organization_id, |passages| bar.inc(passages as u64))
        .await
        .map_err(|error| problem(&error))?;
    bar.finish_and_clear();
    wired.catch_up().await?;
    wired.say_if_lexical(output);
    let part = options.folder.join(&options.part);
    let queries = read_queries(&part.join("queries.jsonl")).map_err(|error| problem(&error))?;
    let judgements = read_judgements(&part.join("qrels.tsv")).map_err(|error| problem(&error))?;
    let weight = wired.home.assistant.settings.dense_weight;
    let mut rows = Vec::new();
    for mode in [Mode::Bm25, Mode::Dense, Mode::Hybrid] {
        let ranking =
            rank(&wired.desk, organization_id, &queries, mode, weight).await.map_err(|error| problem(&error))?;
        rows.push(Row { mode, scores: score(&ranking, &judgements) });
    }
    output.result(&rows, |rows| {
        let names: Vec<&str> = rows.iter().take(1).flat_map(|row| row.scores.keys().copied()).collect();
        let head: Vec<&str> = std::iter::once("mode").chain(names).collect();
        let body: Vec<Vec<String>> = rows
            .iter()
            .map(|row| {
                let scores = row.scores.values().map(|value| format!("{value:.4}"));
                std::iter::once(format!("{:?}", row.mode).to_lowercase()).chain(scores).collect()
            })
            .collect();
        table(&head, &body)
    })?;
    Ok(Exit::Ok)
}

fn problem(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Problem, "the data set could not be scored").because(error)
}
