//! `frontdesk bench memory`: how much of what customers said over months is recalled, and how much is junk.

use crate::bench::bed::broken;
use crate::failure::Failure;
use crate::output::{Exit, Output, table};
use crate::wiring::Wired;
use evals::memory::{Measured, measure};
use std::fmt::Write;
use std::path::PathBuf;

/// Flags of `bench memory`.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Folder with conversations.jsonl and questions.jsonl; nothing of it is stored
    #[arg(value_name = "FOLDER", default_value = "evals/datasets/memory")]
    folder: PathBuf,
}

/// Replays the set, asks its questions and prints one table.
pub(super) async fn run(wired: Wired, options: &Options, output: Output) -> Result<Exit, Failure> {
    wired.say_if_lexical(output);
    let measured =
        measure(&wired.desk, &options.folder).await.map_err(|error| broken("the set cannot be measured", &error))?;
    output.result(&measured, in_words)?;
    Ok(Exit::Ok)
}

fn in_words(measured: &Measured) -> String {
    let sorts: Vec<&String> = measured.recalled.iter().take(1).flat_map(|row| row.by_sort.keys()).collect();
    let head: Vec<&str> = ["recall@10 of", "all"].into_iter().chain(sorts.iter().map(|sort| sort.as_str())).collect();
    let body: Vec<Vec<String>> = measured
        .recalled
        .iter()
        .map(|row| {
            let scores = std::iter::once(&row.recall).chain(row.by_sort.values());
            let way = format!("{:?}", row.way).to_lowercase();
            std::iter::once(way).chain(scores.map(|score| format!("{score:.3}"))).collect()
        })
        .collect();
    let learning = &measured.learning;
    let mut text = table(&head, &body);
    // Writing into a string cannot fail.
    let _ = write!(
        text,
        "\n{} questions about {} messages of {} customers, within 1,500 recalled tokens\n\
         learned without a model: {} facts from {} messages, {} of them junk ({:.1} %); {:.1} % of {} labelled facts",
        measured.questions,
        measured.messages,
        measured.customers,
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
    text
}
