//! SQLite's single writer, with group commit.
//!
//! A durable commit costs one flush of the disk (a few milliseconds), and SQLite has one writer. So
//! transactions that wait for each other share a flush: each runs in a savepoint of one open outer
//! transaction, and the outer one commits when those that were waiting have run. Nobody is told
//! "committed" before the flush.
//!
//! While a transaction has the writer, everyone else waits. So what needs no answer of its own (the savepoint, writes
//! that give nothing back) is sent with the next statement that needs one.

use crate::sql::{Args, Batch, Connection, Sql, Statement};
use crate::{Error, Result};
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnection;
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

/// A larger file is not rewritten to scrub it: deleted rows are overwritten where they stood.
const VACUUM_BYTES_MAX: i64 = 1024 * 1024 * 1024;

/// The connection that writes, shared by all transactions of this process.
#[derive(Clone)]
pub(crate) struct Writer {
    state: Arc<Mutex<State>>,
}

struct State {
    connection: SqliteConnection,
    /// Whether the outer transaction is open.
    open: bool,
    /// Those whose savepoint is released and who wait for the flush.
    released: Vec<oneshot::Sender<Result<(), String>>>,
}

impl Writer {
    pub(crate) fn new(connection: SqliteConnection) -> Self {
        Self { state: Arc::new(Mutex::new(State { connection, open: false, released: Vec::new() })) }
    }

    /// Waits for its turn. The savepoint is opened with the first statement.
    pub(crate) async fn begin(&self) -> Result<Turn> {
        let state = self.state.clone().lock_owned().await;
        let mut waiting = Batch::default();
        if !state.open {
            // The write lock is taken at once, so that no statement fails as busy half way.
            waiting.push("begin immediate".into(), ())?;
        }
        waiting.push("savepoint one".into(), ())?;
        Ok(Turn { state: Some(state), writer: self.clone(), waiting, writes: false, began: false, is_whole: true })
    }

    /// Commits the outer transaction for everyone who released, after those who wait now have run:
    /// the mutex is first come, first served.
    async fn flush(self) {
        let mut state = self.state.lock().await;
        if !state.open {
            return;
        }
        let outcome = execute(&mut state.connection, "commit").await;
        if outcome.is_err() {
            // The engine may have rolled back already; a second refusal then says nothing new.
            let _ = execute(&mut state.connection, "rollback").await;
        }
        state.open = false;
        for waiting in state.released.drain(..) {
            // Whoever gave up waiting has learned that the outcome is unknown.
            let _ = waiting.send(outcome.as_ref().copied().map_err(ToString::to_string));
        }
    }

    /// Brings the schema up to date, each migration in a transaction of its own.
    pub(crate) async fn migrate(&self, migrator: &Migrator) -> Result<()> {
        self.clone().flush().await;
        let mut state = self.state.lock().await;
        migrator.run(&mut state.connection).await?;
        Ok(())
    }

    /// Overwrites what deleted rows left behind: on free pages, between the cells of pages that were
    /// rebuilt, and in the journal.
    ///
    /// # Errors
    /// `Unavailable` while another process reads an older state.
    pub(crate) async fn scrub(&self) -> Result<()> {
        self.clone().flush().await;
        let mut state = self.state.lock().await;
        if state.open {
            // Somebody began meanwhile; the job that scrubs comes again.
            return Err(busy("a transaction is open"));
        }
        let (size,): (i64,) = sqlx::query_as("select page_count * page_size from pragma_page_count, pragma_page_size")
            .fetch_one(&mut state.connection)
            .await?;
        if size <= VACUUM_BYTES_MAX {
            execute(&mut state.connection, "vacuum").await?;
        }
        let (blocked, _, _): (i64, i64, i64) =
            sqlx::query_as("pragma wal_checkpoint(truncate)").fetch_one(&mut state.connection).await?;
        if blocked == 0 { Ok(()) } else { Err(busy("the journal is still read")) }
    }

    /// Closes the connection, so that the journal is checkpointed.
    pub(crate) async fn close(&self) -> Result<()> {
        self.clone().flush().await;
        let mut state = self.state.lock().await;
        execute(&mut state.connection, "pragma wal_checkpoint(truncate)").await?;
        Ok(())
    }
}

/// One transaction's turn at the writer. Dropping it takes back what it wrote.
pub(crate) struct Turn {
    state: Option<OwnedMutexGuard<State>>,
    writer: Writer,
    /// What is sent with the next statement.
    waiting: Batch,
    /// Whether anything beside the savepoint waits or was sent.
    writes: bool,
    /// Whether anything was sent.
    began: bool,
    /// Whether all that was taken out of `waiting` was sent.
    is_whole: bool,
}

impl Turn {
    /// Sends a statement that gives nothing back with the next one, at the latest with the commit.
    pub(crate) fn defer(&mut self, sql: Sql, args: impl Args) -> Result<()> {
        self.writes = true;
        self.waiting.push(sql, args)
    }

    /// The statement after all that waits. It must be sent, or the commit fails.
    pub(crate) fn prepare(&mut self, sql: Sql, args: impl Args) -> Result<Statement> {
        self.defer(sql, args)?;
        self.is_whole = false;
        Ok(self.waiting.take())
    }

    /// Sends what waits and has arguments: placeholders without numbers, which follow, would stand for those.
    pub(crate) async fn send_waiting(&mut self) -> Result<()> {
        if self.waiting.has_arguments() {
            let waiting = self.waiting.take();
            self.connection()?.execute(waiting).await?;
        }
        Ok(())
    }

    /// A ready statement as the first one.
    pub(crate) fn first(&mut self, statement: Statement) -> Statement {
        self.writes = true;
        self.is_whole = false;
        self.waiting.take().then(statement)
    }

    /// The connection, to send what was prepared.
    pub(crate) fn connection(&mut self) -> Result<Connection<'_>> {
        let state = self.state.as_mut().ok_or_else(closed)?;
        state.open = true;
        self.began = true;
        self.is_whole = true;
        Ok(Connection::Sqlite(&mut state.connection))
    }

    /// Releases the savepoint and waits until it is on disk.
    pub(crate) async fn commit(mut self) -> Result<()> {
        if !self.is_whole {
            return Err(closed()); // dropping takes back what was written
        }
        if !self.writes {
            return Ok(());
        }
        let release = self.prepare("release one".into(), ())?;
        self.connection()?.execute(release).await?;
        let mut state = self.state.take().ok_or_else(closed)?;
        let (sender, flushed) = oneshot::channel();
        state.released.push(sender);
        if state.released.len() == 1 {
            #[expect(
                clippy::disallowed_methods,
                reason = "the caller may be cancelled while others wait for the flush"
            )]
            tokio::spawn(self.writer.clone().flush());
        }
        drop(state);
        match flushed.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(message)) => Err(Error::Engine(sqlx::Error::Io(std::io::Error::other(message)))),
            Err(_) => Err(closed()),
        }
    }

    /// Takes back what was written and waits until that is done.
    pub(crate) async fn rollback(mut self) -> Result<()> {
        match self.state.take() {
            Some(state) if self.began => undo(state, self.writer.clone()).await,
            _ => Ok(()),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(state) = self.state.take()
            && self.began
        {
            let writer = self.writer.clone();
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn(undo(state, writer));
            }
        }
    }
}

/// Rolls back to the savepoint; when nobody else has released into the outer transaction, ends that too.
async fn undo(mut state: OwnedMutexGuard<State>, writer: Writer) -> Result<()> {
    let outcome = async {
        execute(&mut state.connection, "rollback to one").await?;
        execute(&mut state.connection, "release one").await
    }
    .await;
    if state.released.is_empty() || outcome.is_err() {
        // Whoever has released is told at the flush, whose commit then fails.
        let _ = execute(&mut state.connection, "rollback").await;
        state.open = false;
        let lost = std::mem::take(&mut state.released);
        for waiting in lost {
            let _ = waiting.send(Err("the shared transaction was rolled back".to_owned()));
        }
    }
    drop(state);
    drop(writer);
    outcome
}

async fn execute(connection: &mut SqliteConnection, text: &'static str) -> Result<()> {
    sqlx::query(text).execute(connection).await?;
    Ok(())
}

fn busy(why: &'static str) -> Error {
    Error::Engine(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::WouldBlock, why)))
}

fn closed() -> Error {
    Error::Engine(sqlx::Error::PoolClosed)
}
