//! The database: which engine, how it is opened, brought up to date and closed.

use crate::clock::Clock;
use crate::readers::Readers;
use crate::signals::{Signal, Signals};
use crate::sql::{Connection, Fetched, Run, Statement};
use crate::sqlite::Writer;
use crate::{Result, Tenant, Transaction};
use domain::OrganizationId;
use futures::future::BoxFuture;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, SqlSafeStr, SqlStr};
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

/// Connections on PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 16;
/// How long another process's write lock is waited for.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a free connection is waited for.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause before LISTEN is tried again.
const LISTEN_RETRY: Duration = Duration::from_secs(1);

pub(crate) static COMMON: Migrator = sqlx::migrate!("../migrations");
pub(crate) static POSTGRES: Migrator = sqlx::migrate!("../migrations/postgres");

/// The database, cheap to clone.
#[derive(Clone)]
pub struct Database {
    engine: Engine,
    clock: Clock,
    signals: Signals,
}

#[derive(Clone)]
pub(crate) enum Engine {
    Sqlite(SqliteEngine),
    Postgres(PgPool),
}

#[derive(Clone)]
pub(crate) struct SqliteEngine {
    pub(crate) writer: Writer,
    readers: Readers,
}

/// How a SQLite file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqliteSettings {
    /// `true`: a commit that was answered survives a power cut (`synchronous = FULL`). `false`: it
    /// survives a crash of the program, and a power cut can cost the last commits (`NORMAL`).
    pub flush_every_commit: bool,
}

impl Default for SqliteSettings {
    fn default() -> Self {
        Self { flush_every_commit: true }
    }
}

impl Database {
    /// Opens the SQLite file, creating it where it is missing.
    pub async fn open_sqlite(path: &Path, settings: SqliteSettings) -> Result<Self> {
        let synchronous = if settings.flush_every_commit { SqliteSynchronous::Full } else { SqliteSynchronous::Normal };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .statement_cache_capacity(200)
            // What is deleted is overwritten: erasing somebody leaves nothing on freed pages.
            .pragma("secure_delete", "on")
            .pragma("temp_store", "memory")
            .pragma("cache_size", "-4000");
        let writer: SqliteConnection = options.connect().await?;
        Ok(Self::new(Engine::Sqlite(SqliteEngine { writer: Writer::new(writer), readers: Readers::new(options) })))
    }

    /// Opens the PostgreSQL database and starts to listen for other processes' commits.
    pub async fn open_postgres(url: &str) -> Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(POSTGRES_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(PgConnectOptions::from_str(url)?.statement_cache_capacity(200))
            .await?;
        let database = Self::new(Engine::Postgres(pool.clone()));
        #[expect(clippy::disallowed_methods, reason = "it ends with the pool, which outlives every caller")]
        tokio::spawn(relay(pool, database.signals.clone()));
        Ok(database)
    }

    fn new(engine: Engine) -> Self {
        Self { engine, clock: Clock::default(), signals: Signals::default() }
    }

    /// Brings the schema up to date. Returns how many migrations there are in all.
    ///
    /// # Errors
    /// `Internal` when the schema is newer than this program, or a migration was changed afterwards.
    pub async fn migrate(&self) -> Result<usize> {
        match &self.engine {
            Engine::Sqlite(engine) => {
                engine.writer.migrate(&COMMON).await?;
                Ok(COMMON.iter().count())
            }
            Engine::Postgres(pool) => {
                // One migrator for both sets: two on one database would collide in one table.
                let mut steps: Vec<_> = COMMON.iter().chain(POSTGRES.iter()).cloned().collect();
                steps.sort_by_key(|step| step.version);
                let count = steps.len();
                Migrator::with_migrations(steps).run(pool).await?;
                Ok(count)
            }
        }
    }

    /// The rows of one organization.
    pub fn of(&self, organization_id: OrganizationId) -> Tenant<'_> {
        Tenant::new(self, organization_id)
    }

    /// Opens a transaction for the desk's own chores, which see every organization.
    pub async fn begin(&self) -> Result<Transaction> {
        Transaction::begin(self, None).await
    }

    /// The clock everything here is stamped with.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Wake-ups after commits.
    pub fn signals(&self) -> &Signals {
        &self.signals
    }

    /// Whether the engine is PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        matches!(self.engine, Engine::Postgres(_))
    }

    /// Whether the engine answers.
    pub async fn ping(&self) -> Result<()> {
        self.scalar::<i64>("select cast(1 as bigint)", ()).await?;
        Ok(())
    }

    /// Ends all work: later calls fail.
    pub async fn close(&self) -> Result<()> {
        match &self.engine {
            Engine::Sqlite(engine) => {
                engine.readers.close().await?;
                engine.writer.close().await
            }
            Engine::Postgres(pool) => {
                pool.close().await;
                Ok(())
            }
        }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) async fn fetch_as(
        &self,
        organization_id: Option<OrganizationId>,
        statement: Statement,
    ) -> Result<Fetched> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.readers.fetch(statement).await,
            Engine::Postgres(pool) => {
                let mut transaction = pool.begin_with(scope(organization_id)).await?;
                let rows = Connection::Postgres(&mut transaction).fetch(statement).await?;
                transaction.commit().await?;
                Ok(rows)
            }
        }
    }

    pub(crate) async fn execute_as(
        &self,
        organization_id: Option<OrganizationId>,
        statement: Statement,
    ) -> Result<u64> {
        match &self.engine {
            Engine::Sqlite(engine) => {
                let mut turn = engine.writer.begin().await?;
                let statement = turn.first(statement);
                let touched = turn.connection()?.execute(statement).await?;
                turn.commit().await?;
                Ok(touched)
            }
            Engine::Postgres(pool) => {
                let mut transaction = pool.begin_with(scope(organization_id)).await?;
                let touched = Connection::Postgres(&mut transaction).execute(statement).await?;
                transaction.commit().await?;
                Ok(touched)
            }
        }
    }

    /// Fetches on the writer, for statements that write and return rows outside a transaction.
    pub(crate) async fn write_returning(&self, statement: Statement) -> Result<Fetched> {
        match &self.engine {
            Engine::Sqlite(engine) => {
                let mut turn = engine.writer.begin().await?;
                let statement = turn.first(statement);
                let rows = turn.connection()?.fetch(statement).await?;
                turn.commit().await?;
                Ok(rows)
            }
            Engine::Postgres(_) => self.fetch_as(None, statement).await,
        }
    }
}

impl Run for &Database {
    fn is_postgres(&self) -> bool {
        matches!(self.engine, Engine::Postgres(_))
    }

    fn fetch<'s>(self, statement: Statement) -> BoxFuture<'s, Result<Fetched>>
    where
        Self: 's,
    {
        Box::pin(self.fetch_as(None, statement))
    }

    fn execute<'s>(self, statement: Statement) -> BoxFuture<'s, Result<u64>>
    where
        Self: 's,
    {
        Box::pin(self.execute_as(None, statement))
    }
}

/// How a PostgreSQL transaction begins: it names the organization that row-level security lets it
/// see, in one round trip. A UUID prints as hex and dashes only.
pub(crate) fn scope(organization_id: Option<OrganizationId>) -> SqlStr {
    match organization_id {
        Some(id) => AssertSqlSafe(format!("begin; set local app.organization_id = '{}'", id.uuid())).into_sql_str(),
        None => "begin; set local app.organization_id = '*'".into_sql_str(),
    }
}

/// Passes other processes' commits on to those who wait in this one, as long as the pool is open.
async fn relay(pool: PgPool, signals: Signals) {
    while !pool.is_closed() {
        if let Err(error) = listen(&pool, &signals).await {
            tracing::warn!(%error, "listening for commits was interrupted");
        }
        // What was committed meanwhile made no sound here.
        for signal in Signal::ALL {
            signals.send(signal);
        }
        tokio::time::sleep(LISTEN_RETRY).await;
    }
}

async fn listen(pool: &PgPool, signals: &Signals) -> Result<()> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen("frontdesk").await?;
    loop {
        let notification = listener.recv().await?;
        for signal in Signal::ALL {
            if signal.word() == notification.payload() {
                signals.send(signal);
            }
        }
    }
}
