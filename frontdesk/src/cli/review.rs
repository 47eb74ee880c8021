//! The flags of `review`.

use clap::Subcommand;
use std::path::PathBuf;

/// Generated articles that wait for a person.
#[derive(Clone, Debug, Subcommand)]
pub enum Review {
    /// List suggestions, the newest first
    List {
        /// waiting, approved, rejected or withdrawn
        #[arg(long, value_name = "STATE", default_value = "waiting")]
        state: String,
        /// article or faq
        #[arg(long, value_name = "KIND")]
        kind: Option<String>,
        /// Only from the source with this id, src_…
        #[arg(long, value_name = "SOURCE_ID")]
        source: Option<String>,
        /// Suggestions at most
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
    },
    /// Show a suggestion with the proof of every sentence
    Show {
        /// The id of the suggestion, sug_…
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Publish suggestions
    Approve {
        /// Their ids, sug_…
        #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<String>,
        /// Everything that waits
        #[arg(long, conflicts_with_all = ["title", "body"])]
        all: bool,
        /// Another title, for one suggestion
        #[arg(long, value_name = "TITLE")]
        title: Option<String>,
        /// A file with another text, as Markdown, for one suggestion
        #[arg(long, value_name = "FILE")]
        body: Option<PathBuf>,
    },
    /// Refuse suggestions; the same text is not suggested again
    Reject {
        /// Their ids, sug_…
        #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<String>,
        /// Everything that waits
        #[arg(long)]
        all: bool,
        /// Why, for those who read it later
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Draft from documents that were not drafted from yet
    Draft {
        /// Only from the source with this id, src_…
        #[arg(long, value_name = "SOURCE_ID")]
        source: Option<String>,
        /// Publish without review what is proved well enough
        #[arg(long)]
        publish: bool,
    },
}
