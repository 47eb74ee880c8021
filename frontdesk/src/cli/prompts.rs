//! The flags of `prompts`.

use clap::Subcommand;
use std::path::PathBuf;

/// Versions of the prompt that answers are written from.
#[derive(Clone, Debug, Subcommand)]
pub enum Prompts {
    /// List versions, the newest first; version 1 is the built-in one
    List {
        /// Whose versions, an assistant's id [default: the desk's own]
        #[arg(long, value_name = "ASSISTANT")]
        assistant: Option<String>,
    },
    /// Print a version, or what it changes
    Show {
        /// The version
        #[arg(value_name = "VERSION")]
        number: i64,
        /// Print what differs from this version
        #[arg(long, value_name = "VERSION")]
        against: Option<i64>,
        /// Whose version, an assistant's id [default: the desk's own]
        #[arg(long, value_name = "ASSISTANT")]
        assistant: Option<String>,
    },
    /// Add a version as a draft
    Add {
        /// The template
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// What it changes
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        /// Whose version, an assistant's id [default: the desk's own]
        #[arg(long, value_name = "ASSISTANT")]
        assistant: Option<String>,
    },
    /// Put a version in use; an older one again is a roll-back
    Publish {
        /// The version
        #[arg(value_name = "VERSION")]
        number: i64,
        /// Percent of the conversations that get it
        #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=100))]
        share: i64,
        /// Whose version, an assistant's id [default: the desk's own]
        #[arg(long, value_name = "ASSISTANT")]
        assistant: Option<String>,
    },
}
