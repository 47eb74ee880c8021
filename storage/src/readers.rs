//! SQLite's readers: a few connections, each lent to one statement at a time.
//!
//! sqlx's own pool asks a connection before and after every use whether it still lives. For a file
//! that is two more trips to the connection's thread for every statement, and no news.

use crate::Result;
use crate::sql::{Connection, Fetched, Statement};
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Readers beside the one writer.
const READERS: usize = 4;
/// Pages that a reader keeps, in KiB with a minus sign as the engine wants it: what it misses is mostly in
/// the system's own cache.
const CACHE: &str = "-1000";
/// How long a free reader is waited for.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// The connections that read; they are opened when they are first needed.
#[derive(Clone)]
pub(crate) struct Readers {
    shared: Arc<Shared>,
}

struct Shared {
    options: SqliteConnectOptions,
    free: Semaphore,
    idle: Mutex<Vec<SqliteConnection>>,
}

impl Readers {
    pub(crate) fn new(options: SqliteConnectOptions) -> Self {
        let options = options.pragma("query_only", "on").pragma("cache_size", CACHE);
        Self { shared: Arc::new(Shared { options, free: Semaphore::new(READERS), idle: Mutex::default() }) }
    }

    /// Runs a statement that reads. A connection whose statement failed or was given up is closed.
    pub(crate) async fn fetch(&self, statement: Statement) -> Result<Fetched> {
        let free = tokio::time::timeout(ACQUIRE_TIMEOUT, self.shared.free.acquire()).await;
        let _permit = free.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        let idle = self.idle().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.shared.options.connect().await?,
        };
        let fetched = Connection::Sqlite(&mut connection).fetch(statement).await?;
        self.idle().push(connection);
        Ok(fetched)
    }

    /// Lets running statements end and closes the connections; later ones fail.
    pub(crate) async fn close(&self) -> Result<()> {
        let all = u32::try_from(READERS).unwrap_or(u32::MAX);
        // Closed already: then nothing is idle either.
        let _permits = self.shared.free.acquire_many(all).await;
        self.shared.free.close();
        let idle = std::mem::take(&mut *self.idle());
        for connection in idle {
            sqlx::Connection::close(connection).await?;
        }
        Ok(())
    }

    fn idle(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
