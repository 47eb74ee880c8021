//! `frontdesk bench memory`: how much of what customers said over months is recalled, and how much is junk.

use crate::bench::bed::broken;
use crate::failure::Failure;
use crate::output::{Exit, Output, table};
use crate::wiring::Wired;
use evals::memory::{Measured, measure};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;

/// Flags of `bench memory`.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Folders with conversations.jsonl and questions.jsonl; nothing of them is stored
    #[arg(
        value_name = "FOLDER",
        default_values = ["evals/datasets/memory", "evals/datasets/memory-held-out"]
    )]
    folders: Vec<PathBuf>,
}

/// A set and what was measured on it.
#[derive(Debug, Serialize)]
struct Shown {
    set: String,
    #[serde(flatten)]
    measured: Measured,
}

/// Replays the sets, asks their questions and prints one table.
pub(super) async fn run(wired: Wired, options: &Options, output: Output) -> Result<Exit, Failure> {
    wired.say_if_lexical(output);
    let mut shown = Vec::new();
    for folder in &options.folders {
        let measured = measure(&wired.desk, folder).await;
        let measured = measured.map_err(|error| broken("the set cannot be measured", &error))?;
        let set = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        shown.push(Shown { set, measured });
    }
    output.result(&shown, |shown| in_words(shown))?;
    Ok(Exit::Ok)
}

fn in_words(shown: &[Shown]) -> String {
    let rows = shown.iter().flat_map(|set| set.measured.recalled.iter().map(move |row| (&set.set, row)));
    let sorts: BTreeSet<&str> = rows.clone().flat_map(|(_, row)| row.by_sort.keys().map(String::as_str)).collect();
    let head: Vec<&str> = ["set", "recall@10 of", "all"].into_iter().chain(sorts.iter().copied()).collect();
    let body: Vec<Vec<String>> = rows
        .map(|(set, row)| {
            let score = |score: Option<&f64>| score.map_or_else(|| "-".to_owned(), |score| format!("{score:.3}"));
            let way = format!("{:?}", row.way).to_lowercase();
            let scores = sorts.iter().map(|sort| score(row.by_sort.get(*sort)));
            [set.clone(), way, score(Some(&row.recall))].into_iter().chain(scores).collect()
        })
        .collect();
    let mut text = table(&head, &body);
    for set in shown {
        let learning = &set.measured.learning;
        // Writing into a string cannot fail.
        let _ = write!(
            text,
            "\n{}: {} questions about {} messages of {} customers, within 1,500 recalled tokens\n  \
             learned without a model: {} facts from {} messages, {} of them junk ({:.1} %); {:.1} % of {} labelled facts",
            set.set,
            set.measured.questions,
            set.measured.messages,
            set.measured.customers,
            learning.facts,
            learning.messages,
            learning.junk,
            learning.junk_rate() * 100.0,
            learning.coverage() * 100.0,
            learning.labels,
        );
        for junk in &learning.junk_texts {
            let _ = write!(text, "\n  junk: {junk}");
        }
    }
    text
}
