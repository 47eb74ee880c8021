//! The flags of `scan`.

use clap::Args;

/// Flags of `scan`.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Scan {
    /// Address to start from
    #[arg(value_name = "URL")]
    pub url: String,
    /// List what would be scanned and what would be skipped, and why
    #[arg(long)]
    pub preview: bool,
    /// Scan only paths that match, such as '/guides/**'
    #[arg(long, value_name = "GLOB")]
    pub include: Vec<String>,
    /// Skip paths that match
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Pages at most
    #[arg(long, value_name = "N")]
    pub max_pages: Option<u32>,
    /// Links from the start at most
    #[arg(long, value_name = "N")]
    pub max_depth: Option<u32>,
    /// Publish the generated articles without review, as far as every sentence is proved
    #[arg(long)]
    pub publish: bool,
    /// Draft no articles from the pages
    #[arg(long, conflicts_with = "publish")]
    pub no_drafts: bool,
    /// Show what the last scan found new, changed or removed; nothing is scanned
    #[arg(long, conflicts_with_all = ["preview", "apply", "reject"])]
    pub diff: bool,
    /// Apply the changes of the last scan that wait; nothing is scanned
    #[arg(long, conflicts_with_all = ["preview", "reject"])]
    pub apply: bool,
    /// Refuse the changes of the last scan that wait: the earlier texts stay
    #[arg(long, conflicts_with = "preview")]
    pub reject: bool,
}
