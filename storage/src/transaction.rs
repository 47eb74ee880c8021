//! A writing transaction, of one organization or of the desk's own chores.

use crate::database::{Database, Engine};
use crate::signals::Signal;
use crate::sql::{Args, Connection, Fetched, Run, Sql, Statement};
use crate::sqlite::Turn;
use crate::{Clock, Error, Result};
use domain::{ConversationId, Id, OrganizationId, Time};
use futures::future::BoxFuture;
use sqlx::Postgres;
use sqlx::types::Json;

/// Writes that happen all or not at all. Dropping it without [`Transaction::commit`] takes them back.
///
/// No network call may be awaited while one is open.
pub struct Transaction {
    database: Database,
    organization_id: Option<OrganizationId>,
    open: Open,
    signals: [bool; 3],
    told: Vec<(&'static str, Option<ConversationId>, serde_json::Value)>,
}

enum Open {
    Sqlite(Turn),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Transaction {
    /// Opens one. `organization_id` is what row-level security lets it see; `None` is the desk itself.
    pub(crate) async fn begin(database: &Database, organization_id: Option<OrganizationId>) -> Result<Self> {
        let open = match database.engine() {
            Engine::Sqlite(engine) => Open::Sqlite(engine.writer.begin().await?),
            Engine::Postgres(pool) => Open::Postgres(pool.begin_with(crate::database::scope(organization_id)).await?),
        };
        Ok(Self { database: database.clone(), organization_id, open, signals: [false; 3], told: Vec::new() })
    }

    /// Makes the writes last; returns when they are on disk.
    pub async fn commit(mut self) -> Result<()> {
        self.write_events().await?;
        let raised: Vec<Signal> =
            Signal::ALL.into_iter().zip(self.signals).filter_map(|(signal, raised)| raised.then_some(signal)).collect();
        if self.database.is_postgres() {
            for signal in &raised {
                // differs because: on SQLite no other process can be told
                self.run("select pg_notify('frontdesk', $1)", (signal.word(),)).await?;
            }
        }
        match self.open {
            Open::Sqlite(turn) => turn.commit().await?,
            Open::Postgres(transaction) => transaction.commit().await?,
        }
        for signal in raised {
            self.database.signals().send(signal);
        }
        Ok(())
    }

    /// Takes the writes back.
    pub async fn rollback(self) -> Result<()> {
        match self.open {
            Open::Sqlite(turn) => turn.rollback().await,
            Open::Postgres(transaction) => Ok(transaction.rollback().await?),
        }
    }

    /// The present moment.
    pub fn now(&self) -> Time {
        self.database.clock().now()
    }

    /// A fresh id.
    pub fn id<T>(&self) -> Id<T> {
        self.database.clock().id()
    }

    /// From here on it writes for that organization; for chores, which see every one.
    pub(crate) fn write_for(&mut self, organization_id: OrganizationId) {
        self.organization_id = Some(organization_id);
    }

    /// The clock it is stamped with.
    pub(crate) fn clock(&self) -> &Clock {
        self.database.clock()
    }

    /// The organization it writes for.
    ///
    /// # Errors
    /// `Invalid` when it was opened for the desk itself.
    pub fn organization_id(&self) -> Result<OrganizationId> {
        self.organization_id.ok_or_else(|| Error::Invalid("this write needs an organization".to_owned()))
    }

    /// Wakes those who wait for `signal`, once this is committed.
    pub(crate) fn raise(&mut self, signal: Signal) {
        for (known, raised) in Signal::ALL.into_iter().zip(&mut self.signals) {
            *raised |= known == signal;
        }
    }

    /// Tells those who watch, once this is committed.
    pub fn tell(&mut self, kind: &'static str, conversation: Option<ConversationId>, payload: serde_json::Value) {
        self.told.push((kind, conversation, payload));
    }

    /// Runs a statement that gives nothing back and whose count nobody asks for: on SQLite with the next one, at the
    /// latest with the commit, on PostgreSQL at once.
    pub(crate) fn defer(&mut self, sql: impl Into<Sql>, args: impl Args) -> BoxFuture<'_, Result<()>> {
        if let Open::Sqlite(turn) = &mut self.open {
            let waits = turn.defer(sql.into(), args);
            return Box::pin(std::future::ready(waits));
        }
        let running = self.run(sql, args);
        Box::pin(async move { running.await.map(drop) })
    }

    /// Writes the events last, because their seq locks the organization's row until the commit.
    async fn write_events(&mut self) -> Result<()> {
        let told = std::mem::take(&mut self.told);
        if told.is_empty() {
            return Ok(());
        }
        let (organization_id, now) = (self.organization_id()?, self.now());
        let count = i64::try_from(told.len()).unwrap_or(0);
        self.raise(Signal::Events);
        let next = "update organizations set event_seq = event_seq + $2 where id = $1";
        self.defer(next, (organization_id, count)).await?;
        for ((kind, conversation, payload), later) in told.into_iter().zip((0..count).rev()) {
            self.defer(
                "insert into events (organization_id, seq, conversation_id, kind, payload, created_at)
                 select id, event_seq - $2, $3, $4, $5, $6 from organizations where id = $1",
                (organization_id, later, conversation, kind, Json(payload), now),
            )
            .await?;
        }
        Ok(())
    }

    /// Runs an insert of many rows in as few statements as the engines' limits allow; the number of
    /// rows it touched. `head` is the text up to `values`, `tail` what follows the rows (a conflict
    /// clause), or empty.
    pub(crate) async fn insert_many<A: Args>(
        &mut self,
        head: &str,
        columns: usize,
        mut rows: Vec<A>,
        tail: &str,
    ) -> Result<u64> {
        /// Placeholders in one statement; SQLite allows 32,766 and PostgreSQL 65,535.
        const PLACEHOLDERS_MAX: usize = 3_000;
        let largest = (PLACEHOLDERS_MAX / columns).max(1);
        if let Open::Sqlite(turn) = &mut self.open {
            turn.send_waiting().await?;
        }
        let mut touched = 0;
        while !rows.is_empty() {
            // Powers of two only, so that few texts exist and each is prepared once.
            let batch = 1 << rows.len().min(largest).ilog2();
            let rest = rows.split_off(batch);
            let values = crate::sql::values(self.database.is_postgres(), batch, columns);
            let text = format!("{head} values {values} {tail}");
            touched += self.run(Sql::dynamic(text), crate::sql::Rows(rows)).await?;
            rows = rest;
        }
        Ok(touched)
    }
}

impl Run for &mut Transaction {
    fn is_postgres(&self) -> bool {
        matches!(self.open, Open::Postgres(_))
    }

    fn prepare(&mut self, sql: Sql, args: impl Args) -> Result<Statement> {
        match &mut self.open {
            Open::Sqlite(turn) => turn.prepare(sql, args),
            Open::Postgres(_) => Statement::new(true, sql, args),
        }
    }

    fn fetch<'s>(self, statement: Statement) -> BoxFuture<'s, Result<Fetched>>
    where
        Self: 's,
    {
        Box::pin(async move {
            match &mut self.open {
                Open::Sqlite(turn) => turn.connection()?.fetch(statement).await,
                Open::Postgres(transaction) => Connection::Postgres(transaction).fetch(statement).await,
            }
        })
    }

    fn execute<'s>(self, statement: Statement) -> BoxFuture<'s, Result<u64>>
    where
        Self: 's,
    {
        Box::pin(async move {
            match &mut self.open {
                Open::Sqlite(turn) => turn.connection()?.execute(statement).await,
                Open::Postgres(transaction) => Connection::Postgres(transaction).execute(statement).await,
            }
        })
    }
}
