//! Whether the database is well: what `doctor` asks, without changing anything.

use crate::database::{COMMON, POSTGRES};
use crate::sql::{Run, Sql};
use crate::{Database, Result, Tenant};
use domain::{ChunkId, Time};
use sqlx::Connection;
use sqlx::postgres::PgConnection;

/// Findings of an integrity check that are returned.
const FINDINGS_MAX: usize = 10;

/// A passage that the indexes should hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct IndexableChunk {
    /// The passage.
    pub id: ChunkId,
    /// The version of its document.
    pub version: i64,
    /// Whether its vector of the asked model is stored.
    pub has_vector: bool,
}

/// Where the schema stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaVersion {
    /// The newest migration of the database; `None` before the first.
    pub database: Option<i64>,
    /// The newest migration this program knows for the engine.
    pub program: i64,
}

/// Connects to the PostgreSQL server once, without waiting for one that is not there.
pub async fn ping_postgres(url: &str) -> Result<()> {
    PgConnection::connect(url).await?.close().await?;
    Ok(())
}

impl Database {
    /// What is damaged, in the engine's words; empty when all is well. It reads the whole SQLite file;
    /// PostgreSQL checks its pages by itself as they are read.
    pub async fn check_integrity(&self) -> Result<Vec<String>> {
        if self.is_postgres() {
            self.ping().await?;
            return Ok(Vec::new());
        }
        let rows: Vec<(String,)> = self.all("pragma integrity_check(10)", ()).await?;
        Ok(rows.into_iter().map(|(text,)| text).filter(|text| text != "ok").take(FINDINGS_MAX).collect())
    }

    /// Which migration the database stands at, and which this program would bring it to.
    pub async fn schema_version(&self) -> Result<SchemaVersion> {
        // differs because: each engine lists its tables elsewhere
        let exists = Sql::per(
            "select count(*) from sqlite_master where type = 'table' and name = '_sqlx_migrations'",
            "select count(*) from (select to_regclass('_sqlx_migrations') as found) as tables where found is not null",
        );
        let database = match self.scalar::<i64>(exists, ()).await? {
            0 => None,
            _ => self.scalar("select max(version) from _sqlx_migrations", ()).await?,
        };
        let common = COMMON.iter().map(|migration| migration.version);
        let own = POSTGRES.iter().map(|migration| migration.version).filter(|_| self.is_postgres());
        Ok(SchemaVersion { database, program: common.chain(own).max().unwrap_or(0) })
    }

    /// Begins to write and takes it back.
    ///
    /// # Errors
    /// The engine's when the file or the server is read-only.
    pub async fn check_writable(&self) -> Result<()> {
        let mut transaction = self.begin().await?;
        // It touches nothing, but only who may write may try. To begin is not enough: on a read-only file
        // SQLite quietly begins to read instead.
        let touched = transaction.run("delete from schedules where name = ''", ()).await;
        transaction.rollback().await?;
        touched.map(|_| ())
    }

    /// The latest moment that anything here was written at; `None` in an empty database.
    pub async fn newest_row(&self) -> Result<Option<Time>> {
        self.scalar(
            "select max(latest) from (
                 select max(created_at) as latest from jobs union all
                 select max(created_at) from events union all
                 select max(created_at) from traces union all
                 select max(updated_at) from documents) as each_table",
            (),
        )
        .await
    }

    /// Running jobs whose process is alive.
    pub async fn count_leased_jobs(&self) -> Result<i64> {
        let now = self.clock().now();
        self.scalar("select count(*) from jobs where state = 'running' and lease_until >= $1", (now,)).await
    }

    /// Running jobs whose process vanished or stalls.
    pub async fn count_expired_leases(&self) -> Result<i64> {
        let now = self.clock().now();
        self.scalar("select count(*) from jobs where state = 'running' and lease_until < $1", (now,)).await
    }

    /// Jobs that wait although they were due before this moment.
    pub async fn count_overdue_jobs(&self, before: Time) -> Result<i64> {
        self.scalar("select count(*) from jobs where state in ('available', 'retryable') and run_at < $1", (before,))
            .await
    }
}

impl Tenant<'_> {
    /// Every passage of published documents, by id, and whether it has a vector of this model.
    pub async fn list_indexable_chunks(self, model: &str) -> Result<Vec<IndexableChunk>> {
        self.all(
            "select c.id, c.version,
                    exists (select 1 from embeddings e where e.organization_id = $1 and e.model = $2
                                                             and e.hash = c.embedding_hash) as has_vector
             from documents d cross join chunks c
             where d.organization_id = $1 and d.state = 'published' and c.organization_id = $1
                   and c.document_id = d.id and c.version = d.version
             order by c.id",
            (self.organization_id(), model),
        )
        .await
    }
}
