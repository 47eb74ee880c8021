//! What measuring and testing need inside the binary.

pub mod bed;
mod crash;
pub mod ledger;
mod orphans;
pub mod quality;
pub mod stub_model;

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
    /// Score retrieval on a data set with known right answers
    Quality(quality::Options),
}

/// Runs a benchmark.
pub(crate) fn run(bench: &Bench, sources: &Sources<'_>, output: Output) -> Result<Exit, Failure> {
    match bench {
        Bench::StubModel(options) => commands::in_runtime(stub_model::serve(options, output)),
        Bench::Crash(options) => commands::in_runtime(crash::run(options, output)),
        Bench::Quality(options) => commands::opened(sources, false, |wired| quality::run(wired, options, output)),
    }
}
