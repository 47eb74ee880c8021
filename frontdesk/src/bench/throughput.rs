//! `frontdesk bench worker`: how many messages one worker answers durably, and what one costs. The
//! model is in this process and query vectors are ready, so that neither is counted.

use super::in_process::{HashEmbedder, SteadyModel};
use super::meter::{Meter, Spent, forget_peak, peak_mb, per};
use super::texts;
use crate::bench::bed::{Bed, broken, insert, until};
use crate::bench::ledger::Ledger;
use crate::failure::Failure;
use crate::output::{Exit, Output};
use answering::Models;
use domain::ConversationId;
use futures::future::try_join_all;
use llm::CachedQueries;
use serde::Serialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use storage::conversations::ConversationFilter;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Documents that the desk knows.
const DOCUMENTS: usize = 4_000;
/// Different questions that are asked.
const QUESTIONS: usize = 500;
/// Messages that are received side by side, so that they share flushes.
const AT_ONCE: usize = 64;
/// The longest a round may take.
const ROUND_MAX: Duration = Duration::from_mins(10);

/// Flags of `bench worker`.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Messages to answer
    #[arg(long, value_name = "N", default_value_t = 3000)]
    messages: usize,
    /// Conversations they are spread over [default: one for each message]
    #[arg(long, value_name = "N")]
    conversations: Option<usize>,
    /// Milliseconds that the model takes
    #[arg(long, value_name = "MS", default_value_t = 0)]
    model_delay_ms: u64,
    /// Name of the model: it decides how tokens are counted
    #[arg(long, value_name = "NAME", default_value = "bench")]
    model: String,
    /// Turns in flight at most
    #[arg(long, value_name = "N", default_value_t = 256)]
    concurrency: u32,
    /// Only fill the folder with a desk: a process of its own does, so that its memory is not measured
    #[arg(long, hide = true, value_name = "FOLDER")]
    fill: Option<PathBuf>,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Shown {
    messages: usize,
    conversations: usize,
    model_delay_ms: u64,
    messages_per_second: f64,
    cpu_ms_per_message: f64,
    /// What the jobs of memory took later.
    memory_cpu_ms_per_message: f64,
    peak_mb: f64,
    handed_over: usize,
    lost: usize,
}

/// Answers the messages in rounds of one message a conversation. An earlier round gives each
/// conversation a history and is not counted.
pub(super) async fn run(options: &Options, output: Output) -> Result<Exit, Failure> {
    let conversations = options.conversations.unwrap_or(options.messages).clamp(1, options.messages.max(1));
    if let Some(folder) = &options.fill {
        return fill(folder, options, conversations).await;
    }
    output.say(&format!("preparing {DOCUMENTS} documents and {conversations} conversations"));
    let folder = Bed::folder()?;
    fill_elsewhere(folder.path(), options, conversations).await?;
    let mut desk = Desk::open(folder.path(), options, conversations).await?;
    desk.round(conversations).await?;
    desk.model.take(options.model_delay_ms);
    forget_peak()?;
    let nothing = Spent { wall_s: 0.0, cpu_ms: 0.0 };
    let (mut spent, mut remembering) = (nothing, nothing);
    let mut left = options.messages;
    while left > 0 {
        let messages = left.min(conversations);
        let (answering, later) = desk.round(messages).await?;
        spent.add(answering);
        remembering.add(later);
        left -= messages;
    }
    // What reading everything back takes is no work of the desk.
    let peak_mb = peak_mb()?;
    let ledger = Ledger::read(&desk.bed, &desk.sent).await?;
    let shown = Shown {
        messages: options.messages,
        conversations,
        model_delay_ms: options.model_delay_ms,
        messages_per_second: per(options.messages) / spent.wall_s,
        cpu_ms_per_message: spent.cpu_ms / per(options.messages),
        memory_cpu_ms_per_message: remembering.cpu_ms / per(options.messages),
        peak_mb,
        handed_over: ledger.handoffs,
        lost: ledger.lost,
    };
    output.result(&shown, in_words)?;
    Ok(if ledger.is_whole() { Exit::Ok } else { Exit::Problem })
}

fn settings(options: &Options) -> toml::Table {
    let mut settings = toml::Table::new();
    insert(&mut settings, "llm", "base_url", "http://127.0.0.1:9/v1");
    insert(&mut settings, "llm", "model", options.model.as_str());
    insert(&mut settings, "worker", "concurrency", i64::from(options.concurrency));
    settings
}

fn queries() -> CachedQueries {
    CachedQueries::new(Arc::new(HashEmbedder), QUESTIONS * 4)
}

/// Has another process fill the folder.
async fn fill_elsewhere(folder: &Path, options: &Options, conversations: usize) -> Result<(), Failure> {
    let status = Command::new(std::env::current_exe()?)
        .args(["bench", "worker", "--fill"])
        .arg(folder)
        .args(["--model", &options.model, "--messages", &conversations.to_string()])
        .stdout(Stdio::null())
        .status()
        .await?;
    if status.success() { Ok(()) } else { Err(Failure::new(Exit::Problem, "the desk could not be prepared")) }
}

/// Fills the folder with a desk that knows documents and has conversations.
async fn fill(folder: &Path, options: &Options, conversations: usize) -> Result<Exit, Failure> {
    let bed = Bed::open_at(folder, None, settings(options)).await?;
    bed.wired.desk.embedder.fill(queries());
    bed.import(texts::lines(DOCUMENTS).as_bytes()).await?;
    let embedded = ingest::documents::embed_missing(&bed.wired.library, bed.wired.organization_id(), |_| {}).await;
    embedded.map_err(|error| broken("the documents have no vectors", &error))?;
    bed.wired.catch_up().await?;
    let names: Vec<String> = (0..conversations).map(|nth| format!("customer-{nth}")).collect();
    for at_once in names.chunks(AT_ONCE) {
        try_join_all(at_once.iter().map(|name| bed.conversation(name))).await?;
    }
    bed.wired.desk.database.close().await.map_err(|error| broken("the desk cannot be closed", &error))?;
    Ok(Exit::Ok)
}

struct Desk {
    bed: Bed,
    model: Arc<SteadyModel>,
    conversations: Vec<ConversationId>,
    sent: HashMap<ConversationId, Vec<String>>,
    rounds: usize,
}

impl Desk {
    async fn open(folder: &Path, options: &Options, conversations: usize) -> Result<Self, Failure> {
        let mut bed = Bed::open_at(folder, None, settings(options)).await?;
        let model = Arc::new(SteadyModel::new(&options.model));
        bed.wired.desk.models = Models::fixed(Some(Arc::<SteadyModel>::clone(&model)));
        let queries = queries();
        for nth in 0..QUESTIONS {
            let ready = queries.vector(&texts::document(nth).question).await;
            ready.map_err(|error| broken("no query vectors", &error))?;
        }
        bed.wired.desk.embedder.fill(queries);
        bed.wired.catch_up().await?;
        let tenant = bed.wired.desk.database.of(bed.wired.organization_id());
        let limit = i64::try_from(conversations).unwrap_or(i64::MAX);
        let begun = tenant.list_conversations(&ConversationFilter::default(), limit).await;
        let begun = begun.map_err(|error| broken("conversations cannot be read", &error))?;
        let ids = begun.into_iter().map(|conversation| conversation.id).collect();
        Ok(Self { bed, model, conversations: ids, sent: HashMap::new(), rounds: 0 })
    }

    /// Has one message received in each of so many conversations, then works until all are answered;
    /// what that took, and what the memory's jobs took after it.
    async fn round(&mut self, messages: usize) -> Result<(Spent, Spent), Failure> {
        self.rounds += 1;
        let received: Vec<(ConversationId, String, String)> = self
            .conversations
            .iter()
            .take(messages)
            .enumerate()
            .map(|(nth, id)| (*id, format!("{}-{nth}", self.rounds), texts::document(nth % QUESTIONS).question))
            .collect();
        for at_once in received.chunks(AT_ONCE) {
            try_join_all(at_once.iter().map(|(to, id, text)| self.bed.customer_says(*to, id, text))).await?;
        }
        for (to, id, _) in received {
            self.sent.entry(to).or_default().push(id);
        }
        let due = self.model.answered() + messages;
        let stop = CancellationToken::new();
        let mut worker = JoinSet::new();
        let meter = Meter::start()?;
        worker.spawn(self.bed.wired.worker().run(stop.clone()));
        // Looking at the table of jobs only at the end costs the measurement nothing. A few questions go to a
        // person without the model being asked.
        let most = due - messages / 20;
        until("the model's answers", ROUND_MAX, async || Ok((self.model.answered() >= most).then_some(()))).await?;
        self.bed.drained_of_due(ROUND_MAX).await?;
        let answering = meter.stop()?;
        // The memory's jobs wait until a conversation rests: let it have rested.
        let desk = &self.bed.wired.desk;
        desk.database.clock().advance(desk.settings.learn_after);
        let meter = Meter::start()?;
        self.bed.drained(ROUND_MAX).await?;
        let later = meter.stop()?;
        stop.cancel();
        worker.join_all().await;
        Ok((answering, later))
    }
}

fn in_words(shown: &Shown) -> String {
    format!(
        "{} messages in {} conversations, a model of {} ms\n{:.0} messages/s · {:.2} CPU-ms a message, {:.2} for the memory later · {:.0} MB at most · {} handed over · {} lost",
        shown.messages,
        shown.conversations,
        shown.model_delay_ms,
        shown.messages_per_second,
        shown.cpu_ms_per_message,
        shown.memory_cpu_ms_per_message,
        shown.peak_mb,
        shown.handed_over,
        shown.lost
    )
}
