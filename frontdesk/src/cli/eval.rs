//! The flags of `eval`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Score answer quality.
#[derive(Clone, Debug, Subcommand)]
pub enum Eval {
    /// Ask every case of a dataset and report; an interrupted run goes on
    Run(EvalRun),
    /// Compare two runs case by case
    Compare {
        /// The run before, run_…
        #[arg(value_name = "A")]
        before: String,
        /// The run after
        #[arg(value_name = "B")]
        after: String,
    },
    /// List runs, the newest first
    List {
        /// Runs at most
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Ask the customers' turns of a period again with something changed; shows only what becomes otherwise
    Replay(EvalReplay),
    /// Make a dataset of what customers asked
    Collect(EvalCollect),
    /// Put a calibration in force: that of a run, or one of how people rated and corrected answers
    Calibrate {
        /// The run, run_… [default: no run, only what people thought of the answers of the last 90 days]
        #[arg(value_name = "RUN")]
        run: Option<String>,
        /// Whose answers where no run is named, an assistant's id [default: the desk's own]
        #[arg(long, value_name = "ASSISTANT", conflicts_with = "run")]
        assistant: Option<String>,
        /// At most this share of the given answers may be wrong, such as 0.03
        #[arg(long, value_name = "SHARE")]
        target_error: Option<f64>,
        /// Take the calibration away instead
        #[arg(long, conflicts_with = "target_error")]
        off: bool,
    },
}

/// Flags of `eval run`.
#[derive(Clone, Debug, Args)]
pub struct EvalRun {
    /// A file (JSONL, or YAML in promptfoo's shape), or the name of a stored dataset
    #[arg(value_name = "DATASET")]
    pub dataset: String,
    /// Where report.json, report.html and junit.xml go
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// A run to compare with, run_…
    #[arg(long, value_name = "RUN")]
    pub baseline: Option<String>,
    /// Bounds that must hold, a TOML file; exit 1 where one does not
    #[arg(long, value_name = "FILE")]
    pub gate: Option<PathBuf>,
    /// Who answers, an assistant's id [default: the desk's own]
    #[arg(long, value_name = "ASSISTANT")]
    pub assistant: Option<String>,
    /// Ask every case anew
    #[arg(long)]
    pub fresh: bool,
    /// Cases asked at the same time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub concurrency: u32,
}

/// Flags of `eval replay`.
#[derive(Clone, Debug, Args)]
pub struct EvalReplay {
    /// Replies from this UTC day (2026-11-01) or time on
    #[arg(long, value_name = "DATE")]
    pub from: String,
    /// Replies until the end of this day, or before this time [default: now]
    #[arg(long, value_name = "DATE")]
    pub to: Option<String>,
    /// A version of the answer prompt; `frontdesk prompts list` shows them
    #[arg(long, value_name = "VERSION", conflicts_with = "prompt_file")]
    pub prompt: Option<i64>,
    /// A template that is not stored
    #[arg(long, value_name = "FILE")]
    pub prompt_file: Option<PathBuf>,
    /// Another model
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// Passages in the prompt at most
    #[arg(long, value_name = "N")]
    pub k: Option<usize>,
    /// Weight of the vectors in the fusion, 0 to 1
    #[arg(long, value_name = "SHARE")]
    pub dense_weight: Option<f64>,
    /// Below this confidence a person takes over, 0 to 1
    #[arg(long, value_name = "SHARE")]
    pub confidence_min: Option<f64>,
    /// now searches what is known now; then takes the passages that were read then
    #[arg(long, value_name = "WHICH", default_value = "now", value_parser = ["now", "then"])]
    pub knowledge: String,
    /// Who answered, an assistant's id [default: the desk's own]
    #[arg(long, value_name = "ASSISTANT")]
    pub assistant: Option<String>,
    /// Only say how many turns there are and what they take
    #[arg(long)]
    pub estimate: bool,
    /// Exit with 1 where a turn gets worse or is newly handed off
    #[arg(long)]
    pub gate: bool,
    /// Ask every turn anew
    #[arg(long)]
    pub fresh: bool,
    /// Turns asked at the same time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub concurrency: u32,
}

/// Flags of `eval collect`.
#[derive(Clone, Debug, Args)]
pub struct EvalCollect {
    /// The dataset's name
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// Replies of so many days until now
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: u32,
    /// Only replies rated so: good, acceptable or poor
    #[arg(long, value_name = "RATING", value_parser = ["good", "acceptable", "poor"])]
    pub rating: Option<String>,
    /// Only what was handed off
    #[arg(long)]
    pub handed_off: bool,
    /// Only what a person of the desk wrote after
    #[arg(long)]
    pub corrected: bool,
    /// Also write the cases to this file, one a line
    #[arg(long, value_name = "FILE.jsonl")]
    pub out: Option<PathBuf>,
}
