//! The command line: every command and flag, and which settings the flags set.

mod budget;
mod eval;
mod prompts;
mod review;
mod scan;

use crate::bench::Bench;
use crate::output::Format;
use crate::settings::Flag;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

pub use budget::Budget;
pub use eval::{Eval, EvalCollect, EvalReplay, EvalRun};
pub use prompts::Prompts;
pub use review::Review;
pub use scan::Scan;

/// An AI support agent worker with vector search.
#[derive(Clone, Debug, Parser)]
#[command(name = "frontdesk", version, about, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    /// Flags that every command has.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags that every command has.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Folder of the embedded database, the indexes and the model files
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Settings file [default: frontdesk.toml in the current folder, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print JSON: one value, or one per line where the command streams
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Start everything in one process: API, console and workers
    Up(Up),
    /// Start the API and the console only
    Api(Listen),
    /// Start a worker only
    Worker(Worker),
    /// Scan a website into knowledge
    Scan(Scan),
    /// Import files and folders
    Import(Import),
    /// Search the knowledge
    Search(Search),
    /// Ask one question
    Ask(Ask),
    /// Replay a stored answer from its trace, offline
    Rerun(Rerun),
    /// Generated articles that wait for a person
    #[command(subcommand)]
    Review(Review),
    /// Score answer quality
    #[command(subcommand)]
    Eval(Eval),
    /// Versions of the prompt that answers are written from
    #[command(subcommand)]
    Prompts(Prompts),
    /// What model calls of the whole desk may cost
    #[command(subcommand)]
    Budget(Budget),
    /// Sources of knowledge
    #[command(subcommand)]
    Sources(Sources),
    /// API keys
    #[command(subcommand)]
    Key(Key),
    /// Local model files
    #[command(subcommand)]
    Models(Models),
    /// The configured model endpoint
    #[command(subcommand)]
    Llm(Llm),
    /// Jobs of the queue
    #[command(subcommand)]
    Jobs(Jobs),
    /// Read one PDF from standard input, held within limits
    #[command(hide = true)]
    ReadPdf,
    /// Bring the database up to date
    Migrate,
    /// Rebuild the search indexes from the database
    Reindex,
    /// Look for problems and say how to fix them
    Doctor,
    /// Settings
    #[command(subcommand)]
    Config(Config),
    /// Print a completion script for a shell
    Completions(Completions),
    /// Measure, and serve what measuring needs
    #[command(subcommand, hide = true)]
    Bench(Bench),
}

/// The address to listen on.
#[derive(Clone, Debug, Args)]
pub struct Listen {
    /// Address of the API and the console
    #[arg(long, value_name = "HOST:PORT")]
    pub listen: Option<SocketAddr>,
}

/// Flags of `up`.
#[derive(Clone, Debug, Args)]
pub struct Up {
    /// Where to listen.
    #[command(flatten)]
    pub listen: Listen,
    /// Load a small made-up desk to look around in
    #[arg(long)]
    pub demo: bool,
}

/// Flags of `worker`.
#[derive(Clone, Debug, Args)]
pub struct Worker {
    /// Jobs that run at the same time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub concurrency: Option<u32>,
}

/// Flags of `import`.
#[derive(Clone, Debug, Args)]
pub struct Import {
    /// Files or folders: Markdown, HTML, text, PDF, DOCX, CSV of questions and answers, or JSONL with
    /// {"id", "title", "text", "url"?} a line; `-` reads JSONL from standard input
    #[arg(value_name = "FILE|FOLDER", required = true)]
    pub files: Vec<PathBuf>,
    /// The source they belong to [default: the name of the file or folder]
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
}

/// Which retrievers a search asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SearchMode {
    /// Both, fused.
    Hybrid,
    /// Vectors only.
    Dense,
    /// Keywords only.
    Bm25,
}

/// Flags of `search`.
#[derive(Clone, Debug, Args)]
pub struct Search {
    /// What to look for
    #[arg(value_name = "QUERY", required_unless_present = "batch", conflicts_with = "batch")]
    pub query: Option<String>,
    /// Hits at most
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub k: u32,
    /// Which retrievers are asked
    #[arg(long, value_enum, default_value_t = SearchMode::Hybrid)]
    pub mode: SearchMode,
    /// Show how each score came about
    #[arg(long)]
    pub explain: bool,
    /// Run many queries: a file with {"id", "text"} a line
    #[arg(long, value_name = "QUERIES.jsonl", requires = "run_file")]
    pub batch: Option<PathBuf>,
    /// Where the TREC run file of --batch goes
    #[arg(long, value_name = "OUT", requires = "batch")]
    pub run_file: Option<PathBuf>,
}

/// Flags of `ask`.
#[derive(Clone, Debug, Args)]
pub struct Ask {
    /// The question
    #[arg(value_name = "QUESTION")]
    pub question: String,
    /// Ask as this customer and store the conversation; without it nothing is stored
    #[arg(long, value_name = "EXTERNAL_ID")]
    pub customer: Option<String>,
    /// Show how the answer came about
    #[arg(long)]
    pub trace: bool,
}

/// Flags of `rerun`.
#[derive(Clone, Debug, Args)]
pub struct Rerun {
    /// The id of an answer, msg_…
    #[arg(value_name = "ANSWER_MESSAGE_ID")]
    pub message: String,
    /// Make it anew from this step on, with what is changed: retrieve, prompt or verify
    #[arg(long, value_name = "STEP", value_parser = ["retrieve", "prompt", "verify"])]
    pub from: Option<String>,
    /// A version of the answer prompt
    #[arg(long, value_name = "VERSION")]
    pub prompt: Option<i64>,
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
}

impl Rerun {
    /// Whether something is changed.
    pub fn changes(&self) -> bool {
        self.prompt.is_some()
            || self.model.is_some()
            || self.k.is_some()
            || self.dense_weight.is_some()
            || self.confidence_min.is_some()
    }
}

/// Sources of knowledge.
#[derive(Clone, Debug, Subcommand)]
pub enum Sources {
    /// List them
    List,
}

/// API keys.
#[derive(Clone, Debug, Subcommand)]
pub enum Key {
    /// Make a key; it is shown once
    Create {
        /// What the key is for
        #[arg(long, value_name = "N")]
        name: String,
        /// What the key may do; repeat for more [default: everything]
        #[arg(long, value_name = "S")]
        scope: Vec<String>,
    },
    /// List them
    List,
    /// Make a key useless
    Revoke {
        /// The id of the key, key_…
        #[arg(value_name = "KEY_ID")]
        id: String,
    },
}

/// Local model files.
#[derive(Clone, Debug, Subcommand)]
pub enum Models {
    /// List them, and where they were found
    List,
    /// Fetch what is missing
    Pull,
    /// Compute one embedding and check it
    Test,
}

/// The configured model endpoint.
#[derive(Clone, Debug, Subcommand)]
pub enum Llm {
    /// Send one small request and say what came back
    Test,
}

/// Jobs of the queue.
#[derive(Clone, Debug, Subcommand)]
pub enum Jobs {
    /// List them by state, the discarded ones first
    List {
        /// Only jobs in this state, such as `discarded`
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
        /// Jobs at most
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
    },
    /// Run discarded jobs again
    Retry {
        /// The id of a job
        #[arg(value_name = "JOB_ID", required_unless_present = "all")]
        id: Option<String>,
        /// All discarded jobs
        #[arg(long, conflicts_with = "id")]
        all: bool,
    },
}

/// Settings.
#[derive(Clone, Debug, Subcommand)]
pub enum Config {
    /// Print the settings in force, and where each came from
    Show,
}

/// Flags of `completions`.
#[derive(Clone, Debug, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

impl Cli {
    /// How results are to be written.
    pub fn format(&self) -> Format {
        if self.global.json { Format::Json } else { Format::Text }
    }

    /// The settings that this command line sets.
    pub fn flags(&self) -> Vec<Flag> {
        let mut listen = None;
        let mut concurrency = None;
        if let Command::Up(Up { listen: chosen, .. }) | Command::Api(chosen) = &self.command {
            listen = chosen.listen;
        }
        if let Command::Worker(worker) = &self.command {
            concurrency = worker.concurrency;
        }
        let data = self.global.data.as_ref().map(|dir| dir.display().to_string());
        let flag = |name, sets, value: Option<String>| value.map(|value| Flag { name, sets, value });
        [
            flag("--data", ("data", "dir"), data),
            flag("--listen", ("api", "listen"), listen.map(|address| address.to_string())),
            flag("--concurrency", ("worker", "concurrency"), concurrency.map(|n| n.to_string())),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
