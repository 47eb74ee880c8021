//! What measuring and testing need inside the binary.

pub mod bed;
mod crash;
mod embed;
mod import;
mod in_process;
mod inbox;
pub mod ledger;
mod memory;
mod meter;
mod orphans;
pub mod quality;
mod rescan;
mod search;
pub mod stub_model;
pub mod stub_site;
mod texts;
mod throughput;
mod trust;

use crate::commands;
use crate::failure::Failure;
use crate::output::{Exit, Output};
use crate::settings::Sources;

/// Measure, and serve what measuring needs.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Bench {
    /// Serve an OpenAI-compatible model that answers from the prompt's passages and fails on demand
    StubModel(stub_model::Options),
    /// Kill workers while they answer, and check that nothing was lost or said twice
    Crash(crash::Options),
    /// Kill the worker while it scans a changing website again, and check what the desk then knows
    Rescan(rescan::Options),
    /// Score retrieval on a data set with known right answers
    Quality(quality::Options),
    /// Measure what is recalled of what customers said over months, and what of what was learned is junk
    Memory(memory::Options),
    /// Measure how many messages one worker answers, on a throw-away desk
    Worker(throughput::Options),
    /// Measure searches over a desk's knowledge; query vectors are made before the clock starts
    Search(search::Options),
    /// Measure how soon messages are stored and taken up, over HTTP on the embedded default
    Inbox(inbox::Options),
    /// Measure an import without embedding, into a throw-away desk
    Import(import::Options),
    /// Replay the answers of an evaluation run from their traces, and measure what proof and trace cost
    Trust(trust::Options),
    /// Measure the local embedding model
    Embed(embed::Options),
}

/// Runs a benchmark.
pub(crate) fn run(bench: &Bench, sources: &Sources<'_>, output: Output) -> Result<Exit, Failure> {
    match bench {
        Bench::StubModel(options) => commands::in_runtime(stub_model::serve(options, output)),
        Bench::Crash(options) => commands::in_runtime(crash::run(options, output)),
        Bench::Rescan(options) => commands::in_runtime(rescan::run(options, output)),
        Bench::Quality(options) => commands::opened(sources, false, |wired| quality::run(wired, options, output)),
        Bench::Memory(options) => commands::opened(sources, false, |wired| memory::run(wired, options, output)),
        Bench::Worker(options) => commands::in_runtime(throughput::run(options, output)),
        Bench::Inbox(options) => commands::in_runtime(inbox::run(options, output)),
        Bench::Import(options) => commands::in_runtime(import::run(options, output)),
        Bench::Search(options) => commands::opened(sources, false, |wired| search::run(wired, options, output)),
        Bench::Trust(options) => commands::opened(sources, false, |wired| trust::run(wired, options, output)),
        Bench::Embed(options) => commands::opened(sources, false, |wired| embed::run(wired, options, output)),
    }
}
