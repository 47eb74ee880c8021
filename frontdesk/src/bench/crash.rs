//! `frontdesk bench crash`: kills workers with SIGKILL while they answer, then reads from storage
//! whether anything was lost, said twice or said out of order.

use crate::bench::bed::{Bed, WorkerProcess};
use crate::bench::ledger::Ledger;
use crate::bench::orphans::Orphans;
use crate::bench::stub_model::{Calls, RunningStub};
use crate::failure::Failure;
use crate::output::{Exit, Output};
use domain::ConversationId;
use serde::Serialize;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How long the model takes for an answer.
const MODEL_DELAY_MS: &str = "10..30";
/// Messages that are sent between a killed worker's start and the next kill, so that there is work to cut off.
const MESSAGES_BEFORE_KILL: usize = 8;
/// How long after a message a kill comes at most.
const KILL_DELAY_MS_MAX: u64 = 40;
/// How long the last messages may take to be answered.
const DRAIN_MAX: Duration = Duration::from_mins(2);
/// The longest a job of a killed worker may wait.
const PICK_UP_MS_MAX: u128 = 5_000;
/// Model calls in a hundred that may be in vain.
const WASTED_PERCENT_MAX: u64 = 10;

/// Flags of `bench crash`.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Messages to send
    #[arg(long, value_name = "N", default_value_t = 1500)]
    messages: usize,
    /// Conversations they are spread over
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    conversations: u32,
    /// Times a worker is killed
    #[arg(long, value_name = "N", default_value_t = 40)]
    kills: usize,
    /// Worker processes
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    workers: u32,
    /// Milliseconds between two messages, on average
    #[arg(long, value_name = "MS", default_value_t = 20)]
    pause_ms: u64,
    /// The same number draws the same messages, pauses and victims
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// A PostgreSQL database that may be filled [default: SQLite in a temporary folder]
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
}

/// What the run showed.
#[derive(Debug, Serialize)]
struct Shown {
    engine: String,
    seed: u64,
    kills: usize,
    /// Jobs that ran in a worker when it was killed.
    orphans: usize,
    #[serde(flatten)]
    ledger: Ledger,
    model_calls: u64,
    wasted_model_calls: u64,
    wasted_percent: u64,
    pick_up_ms_max: u128,
    seconds: u64,
    kept: bool,
}

/// Runs the crash test and says whether the promises held.
pub(super) async fn run(options: &Options, output: Output) -> Result<Exit, Failure> {
    let started = Instant::now();
    let stub = RunningStub::start(MODEL_DELAY_MS).await?;
    let bed = Arc::new(Bed::open(options.database_url.as_deref(), stub.settings()).await?);
    bed.learn().await?;
    let plan = Plan::draw(options);
    let mut run = Run::start(Arc::clone(&bed), options).await?;
    let bar = output.progress("messages", options.messages as u64);
    let mut kills = plan.kills.into_iter().peekable();
    for (nth, message) in plan.messages.into_iter().enumerate() {
        if kills.peek().is_some_and(|kill| nth + MESSAGES_BEFORE_KILL >= kill.after) {
            // All work before work is cut off, however slowly this machine starts them.
            run.ready().await?;
        }
        run.send(nth, &message).await?;
        while let Some(kill) = kills.next_if(|kill| nth >= kill.after) {
            run.kill(&kill).await?;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    output.say("all messages are sent, the last ones are being answered");
    bed.drained(DRAIN_MAX).await?;
    let shown = run.shown(options, &stub.calls(), started.elapsed()).await?;
    output.result(&shown, in_words)?;
    Ok(if shown.kept { Exit::Ok } else { Exit::Problem })
}

/// What is drawn beforehand, so that a seed repeats it.
struct Plan {
    messages: Vec<Sending>,
    /// In the order of `after`.
    kills: Vec<Kill>,
}

struct Sending {
    conversation: usize,
    pause: Duration,
}

struct Kill {
    /// The message after which it comes.
    after: usize,
    worker: usize,
    delay: Duration,
}

impl Plan {
    fn draw(options: &Options) -> Self {
        let mut random = fastrand::Rng::with_seed(options.seed);
        let (conversations, workers) = (options.conversations as usize, options.workers as usize);
        let messages = (0..options.messages)
            .map(|_| Sending {
                conversation: random.usize(0..conversations),
                pause: Duration::from_millis(random.u64(0..=2 * options.pause_ms)),
            })
            .collect();
        let share = options.messages / options.kills.max(1);
        let kills = (0..options.kills)
            .map(|nth| Kill {
                // One in each share of the messages, anywhere in it.
                after: nth * share + random.usize(0..share.max(1)),
                worker: random.usize(0..workers),
                delay: Duration::from_millis(random.u64(0..=KILL_DELAY_MS_MAX)),
            })
            .collect();
        Self { messages, kills }
    }
}

struct Run {
    bed: Arc<Bed>,
    executable: PathBuf,
    conversations: Vec<ConversationId>,
    workers: Vec<WorkerProcess>,
    sent: HashMap<ConversationId, Vec<String>>,
    kills: usize,
    orphans: usize,
    waits: JoinSet<Result<Duration, Failure>>,
}

impl Run {
    async fn start(bed: Arc<Bed>, options: &Options) -> Result<Self, Failure> {
        let executable = std::env::current_exe()?;
        let mut conversations = Vec::new();
        for nth in 0..options.conversations {
            conversations.push(bed.conversation(&format!("customer-{nth}")).await?);
        }
        let workers = (0..options.workers).map(|_| bed.worker(&executable)).collect::<Result<_, _>>()?;
        let sent = HashMap::new();
        Ok(Self { bed, executable, conversations, workers, sent, kills: 0, orphans: 0, waits: JoinSet::new() })
    }

    async fn ready(&self) -> Result<(), Failure> {
        for worker in &self.workers {
            worker.ready().await?;
        }
        Ok(())
    }

    /// A customer writes, always about the same matter; then a pause as customers make it.
    async fn send(&mut self, nth: usize, message: &Sending) -> Result<(), Failure> {
        let Some(conversation) = self.conversations.get(message.conversation).copied() else { return Ok(()) };
        let id = format!("message-{nth}");
        self.bed.customer_says(conversation, &id, &format!("{} m:{id}", Bed::question(message.conversation))).await?;
        self.sent.entry(conversation).or_default().push(id);
        tokio::time::sleep(message.pause).await;
        Ok(())
    }

    /// Kills a worker and starts another in its place.
    async fn kill(&mut self, kill: &Kill) -> Result<(), Failure> {
        let Some(worker) = self.workers.get_mut(kill.worker) else { return Ok(()) };
        let id = worker.ready().await?;
        tokio::time::sleep(kill.delay).await;
        worker.kill().await?;
        *worker = self.bed.worker(&self.executable)?;
        let orphans = Orphans::of(&self.bed, id).await?;
        self.kills += 1;
        self.orphans += orphans.count();
        if orphans.count() > 0 {
            self.waits.spawn(orphans.taken_up(Arc::clone(&self.bed)));
        }
        Ok(())
    }

    async fn shown(mut self, options: &Options, calls: &Calls, took: Duration) -> Result<Shown, Failure> {
        let mut pick_up_ms_max = 0;
        while let Some(waited) = self.waits.join_next().await {
            let waited = waited.map_err(|error| Failure::new(Exit::Problem, error.to_string()))??;
            pick_up_ms_max = pick_up_ms_max.max(waited.as_millis());
        }
        let ledger = Ledger::read(&self.bed, &self.sent).await?;
        let wasted_model_calls = calls.answers.saturating_sub(ledger.model_replies as u64);
        let wasted_percent = (wasted_model_calls * 100).div_ceil(calls.answers.max(1));
        Ok(Shown {
            engine: self.bed.wired.engines(),
            seed: options.seed,
            kills: self.kills,
            orphans: self.orphans,
            ledger,
            model_calls: calls.answers,
            wasted_model_calls,
            wasted_percent,
            pick_up_ms_max,
            seconds: took.as_secs(),
            kept: ledger.is_whole() && wasted_percent <= WASTED_PERCENT_MAX && pick_up_ms_max <= PICK_UP_MS_MAX,
        })
    }
}

fn in_words(shown: &Shown) -> String {
    let ledger = &shown.ledger;
    let rows = [
        ("engine", shown.engine.clone()),
        ("kill -9", format!("{} ({} jobs cut off)", shown.kills, shown.orphans)),
        ("messages", format!("{} in {} s", ledger.messages, shown.seconds)),
        ("replies", format!("{} ({} handed over)", ledger.replies, ledger.handoffs)),
        ("with a person", ledger.with_a_person.to_string()),
        ("lost", ledger.lost.to_string()),
        ("answered twice", ledger.doubled.to_string()),
        ("out of order", ledger.out_of_order.to_string()),
        (
            "model calls wasted",
            format!(
                "{} of {} ({} %, {WASTED_PERCENT_MAX} % are allowed)",
                shown.wasted_model_calls, shown.model_calls, shown.wasted_percent
            ),
        ),
        ("longest pick-up", format!("{} ms ({PICK_UP_MS_MAX} ms are allowed)", shown.pick_up_ms_max)),
    ];
    let mut lines: Vec<String> = rows.into_iter().map(|(name, value)| format!("{name:<20}{value}")).collect();
    lines.push(if shown.kept { "every promise was kept" } else { "✗ a promise was broken" }.to_owned());
    lines.join("\n")
}
