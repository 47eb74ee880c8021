//! A throw-away desk to measure and test on: a temporary folder, a settings file, some knowledge, and
//! workers that are processes of their own.

use crate::failure::Failure;
use crate::output::Exit;
use crate::settings::{Environment, Settings, Sources};
use crate::wiring::{self, Wired};
use answering::receive::{Incoming, receive};
use domain::customer::Identity;
use domain::message::Message;
use domain::{ConversationId, Time, WorkerId};
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use storage::conversations::NewConversation;
use storage::customers::NewCustomer;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// How long a worker process may take to start, on a machine that is busy with others.
const START_MAX: Duration = Duration::from_secs(30);
/// How often a state is looked at while it is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Messages of a conversation that are read.
const MESSAGES_MAX: i64 = 100_000;

/// Title and text of what the desk knows, and what is asked about it.
const KNOWLEDGE: [(&str, &str, &str); 6] = [
    (
        "Refunds",
        "Refunds are paid back within five working days. The money goes to the card you paid with.",
        "How many working days do refunds take?",
    ),
    (
        "Delivery",
        "Delivery of an order takes three days. Islands take two days more.",
        "How many days does delivery of an order take?",
    ),
    (
        "Warranty",
        "The warranty on a bicycle frame lasts ten years. Wheels have two years.",
        "How long does the warranty on a bicycle frame last?",
    ),
    (
        "Gift cards",
        "Gift cards are valid for four years. They can be used in every store.",
        "How many years are gift cards valid?",
    ),
    (
        "Opening hours",
        "Our stores open at nine in the morning. They close at seven in the evening.",
        "When do your stores open in the morning?",
    ),
    (
        "Batteries",
        "A battery needs four hours to charge fully. Charge it at room temperature.",
        "How many hours does a battery need to charge fully?",
    ),
];

/// A desk in a temporary folder.
pub struct Bed {
    /// Everything, opened in this process.
    pub wired: Wired,
    path: PathBuf,
    settings_file: PathBuf,
    /// Its folder, where nobody else removes it.
    _folder: Option<TempDir>,
}

impl Bed {
    /// Opens a desk: SQLite, or the PostgreSQL database at `database_url`. It embeds nothing; `more`
    /// are settings of its own.
    pub async fn open(database_url: Option<&str>, more: toml::Table) -> Result<Self, Failure> {
        let folder = Self::folder()?;
        let bed = Self::open_at(folder.path(), database_url, more).await?;
        Ok(Self { _folder: Some(folder), ..bed })
    }

    /// A temporary folder for a desk.
    pub(super) fn folder() -> Result<TempDir, Failure> {
        Ok(tempfile::Builder::new().prefix("frontdesk-bench-").tempdir()?)
    }

    /// Opens the desk in a folder that the caller removes.
    pub(super) async fn open_at(path: &Path, database_url: Option<&str>, more: toml::Table) -> Result<Self, Failure> {
        let mut table = toml::toml! {
            [embedding]
            enabled = false
            [log]
            level = "warn,worker=info"
            format = "json"
        };
        let data = path.join("data").display().to_string();
        insert(&mut table, "data", "dir", data);
        insert(&mut table, "database", "url", database_url.unwrap_or_default().to_owned());
        for (section, keys) in more {
            for (key, value) in keys.as_table().into_iter().flatten() {
                insert(&mut table, &section, key, value.clone());
            }
        }
        let settings_file = path.join("frontdesk.toml");
        std::fs::write(&settings_file, table.to_string())?;
        // Nothing of the person's own environment reaches the measurement.
        let environment = Environment::default();
        let sources = Sources { file: Some(settings_file.clone()), environment: &environment, flags: Vec::new() };
        let wired = wiring::open(Settings::load(&sources)?, &environment).await?;
        Ok(Self { wired, path: path.to_owned(), settings_file, _folder: None })
    }

    /// The folder with its data, settings and logs.
    pub fn folder_path(&self) -> &Path {
        &self.path
    }

    /// Its settings file.
    pub fn settings_file(&self) -> &Path {
        &self.settings_file
    }

    /// Imports a few help texts and indexes them.
    pub async fn learn(&self) -> Result<(), Failure> {
        let line = |(title, text, _): (&str, &str, &str)| {
            format!("{}\n", serde_json::json!({ "id": title, "title": title, "text": text }))
        };
        let lines: String = KNOWLEDGE.into_iter().map(line).collect();
        self.import(lines.as_bytes()).await.map(|_| ())
    }

    /// Imports documents and indexes their words.
    pub async fn import(&self, lines: &[u8]) -> Result<ingest::import::Imported, Failure> {
        let wired = &self.wired;
        let imported = ingest::import::import(&wired.library, wired.organization_id(), "bench", lines, |_| {})
            .await
            .map_err(|error| broken("the documents cannot be imported", &error))?;
        wired.catch_up().await?;
        Ok(imported)
    }

    /// A question that the help texts answer.
    pub fn question(nth: usize) -> &'static str {
        KNOWLEDGE.iter().cycle().nth(nth % KNOWLEDGE.len()).map_or("", |(_, _, question)| question)
    }

    /// Begins a conversation with a customer of that name.
    pub async fn conversation(&self, customer: &str) -> Result<ConversationId, Failure> {
        self.begin(customer).await.map_err(|error| broken("no conversation can begin", &error))
    }

    async fn begin(&self, customer: &str) -> storage::Result<ConversationId> {
        let home = &self.wired.home;
        let mut transaction = self.wired.desk.database.of(home.organization.id).begin().await?;
        let customer = transaction
            .upsert_customer(&NewCustomer {
                external_id: Some(customer.to_owned()),
                name: None,
                email: None,
                locale: None,
                profile: serde_json::Map::new(),
                identity: Identity::Unverified,
            })
            .await?;
        let channel =
            home.channels.first().ok_or_else(|| storage::Error::Invalid("the desk has no channel".to_owned()))?;
        let conversation = transaction
            .insert_conversation(NewConversation {
                customer_id: customer.id,
                channel_id: channel.id,
                assistant_id: home.assistant.id,
                title: None,
                metadata: serde_json::Map::new(),
            })
            .await?;
        transaction.commit().await?;
        Ok(conversation.id)
    }

    /// The customer says something under an id of their own.
    pub async fn customer_says(&self, conversation: ConversationId, id: &str, text: &str) -> Result<Message, Failure> {
        let incoming =
            Incoming { conversation_id: conversation, content: text.to_owned(), external_id: Some(id.to_owned()) };
        let received = receive(&self.wired.desk, self.wired.organization_id(), incoming).await;
        received.map(|received| received.message).map_err(|error| broken("a message was not received", &error))
    }

    /// Everything said in a conversation, in order.
    pub async fn messages(&self, conversation: ConversationId) -> Result<Vec<Message>, Failure> {
        let tenant = self.wired.desk.database.of(self.wired.organization_id());
        tenant
            .list_messages(conversation, 0, MESSAGES_MAX)
            .await
            .map_err(|error| broken("messages cannot be read", &error))
    }

    /// The reply to a message, as soon as there is one.
    pub async fn reply_to(&self, message: &Message, longest: Duration) -> Result<Message, Failure> {
        let tenant = self.wired.desk.database.of(self.wired.organization_id());
        let what = format!("a reply to {}", message.external_id.as_deref().unwrap_or_default());
        until(&what, longest, async || {
            tenant.find_reply_to(message).await.map_err(|error| broken("replies cannot be read", &error))
        })
        .await
    }

    /// Waits until no job waits or runs.
    pub async fn drained(&self, longest: Duration) -> Result<(), Failure> {
        self.drained_of(longest, || None).await
    }

    /// Waits until no job runs or is due.
    pub async fn drained_of_due(&self, longest: Duration) -> Result<(), Failure> {
        self.drained_of(longest, || Some(self.wired.desk.database.clock().now())).await
    }

    async fn drained_of(&self, longest: Duration, due: impl Fn() -> Option<Time>) -> Result<(), Failure> {
        let database = &self.wired.desk.database;
        until("the last job", longest, async || {
            let jobs = database.count_unfinished_jobs(Some(self.wired.organization_id()), due()).await;
            let jobs = jobs.map_err(|error| broken("jobs cannot be counted", &error))?;
            Ok((jobs == 0).then_some(()))
        })
        .await
    }

    /// Starts a worker process of this desk.
    pub fn worker(&self, executable: &Path) -> Result<WorkerProcess, Failure> {
        let log = tempfile::Builder::new().prefix("worker-").suffix(".log").tempfile_in(&self.path)?;
        let (file, log) = log.keep().map_err(|error| broken("no file for the worker's log", &error))?;
        let child = Command::new(executable)
            .env_clear()
            .arg("worker")
            .arg("--config")
            .arg(&self.settings_file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| broken("the worker does not start", &error))?;
        Ok(WorkerProcess { child, log })
    }
}

/// A worker that is a process of its own, killed when dropped.
pub struct WorkerProcess {
    child: Child,
    log: PathBuf,
}

impl WorkerProcess {
    /// Waits until it works; its id in the table of jobs.
    pub async fn ready(&self) -> Result<WorkerId, Failure> {
        let started = until("the worker's start", START_MAX, async || Ok(self.worker_id())).await;
        started.map_err(|failure| failure.because(self.said()))
    }

    fn worker_id(&self) -> Option<WorkerId> {
        let said = self.said();
        said.lines().find_map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).ok()?;
            line.pointer("/fields/worker.id")?.as_str()?.parse().ok()
        })
    }

    /// What it said on stderr so far.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Kills it with SIGKILL and waits until it is gone.
    pub async fn kill(&mut self) -> Result<(), Failure> {
        Ok(self.child.kill().await?)
    }

    /// Sends a signal by its name, such as `STOP`.
    pub async fn signal(&self, name: &str) -> Result<(), Failure> {
        let pid = self.child.id().ok_or_else(|| Failure::new(Exit::Problem, "the worker is gone"))?;
        let sent = Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status().await?;
        if sent.success() { Ok(()) } else { Err(Failure::new(Exit::Problem, format!("SIG{name} was not sent"))) }
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

/// Looks again and again until there is something, at most for `longest`.
pub async fn until<T>(
    what: &str,
    longest: Duration,
    mut look: impl AsyncFnMut() -> Result<Option<T>, Failure>,
) -> Result<T, Failure> {
    let end = Instant::now() + longest;
    loop {
        if let Some(seen) = look().await? {
            return Ok(seen);
        }
        if Instant::now() > end {
            return Err(Failure::new(Exit::Problem, format!("waited {} s for {what}, in vain", longest.as_secs())));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

pub(super) fn insert(table: &mut toml::Table, section: &str, key: &str, value: impl Into<toml::Value>) {
    let section = table.entry(section).or_insert_with(|| toml::Value::Table(toml::Table::new()));
    if let Some(section) = section.as_table_mut() {
        section.insert(key.to_owned(), value.into());
    }
}

pub(crate) fn broken(what: &str, error: &dyn Display) -> Failure {
    Failure::new(Exit::Problem, what).because(error)
}
