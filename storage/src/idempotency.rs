//! Answers to repeated requests: the same key brings the first answer back.

use crate::sql::Run;
use crate::{Database, Result, Transaction};
use std::time::Duration;

/// How long an answer is kept.
const KEPT: Duration = Duration::from_hours(24);
/// After so long without an answer the first request is taken for dead, and the next one is the first.
const IN_FLIGHT_MAX: Duration = Duration::from_mins(2);

/// What a request with an idempotency key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// The first: do the work, then call [`Transaction::finish_request`].
    Fresh,
    /// The first is still running.
    InFlight,
    /// A repetition: this is the first one's answer.
    Replay {
        /// Its HTTP status.
        status: i64,
        /// Its body.
        response: String,
    },
    /// The key was used for another request.
    Mismatch,
}

#[derive(sqlx::FromRow)]
struct Row {
    request_hash: Vec<u8>,
    status: Option<i64>,
    response: Option<String>,
}

impl Database {
    /// Forgets answers older than 24 hours, of every organization; returns how many.
    pub async fn delete_old_requests(&self) -> Result<u64> {
        self.run("delete from idempotency where created_at < $1", (self.clock().now() - KEPT,)).await
    }
}

impl Transaction {
    /// Claims a key for a request. Commit at once, so that a repetition sees it.
    pub async fn begin_request(&mut self, key: &str, request_hash: &[u8; 32]) -> Result<Begun> {
        let (organization_id, now) = (self.organization_id()?, self.now());
        let arguments = (organization_id, key, request_hash.as_slice(), now, now - IN_FLIGHT_MAX, now - KEPT);
        let claimed = self
            .run(
                "insert into idempotency (organization_id, key, request_hash, created_at) values ($1, $2, $3, $4)
                 on conflict (organization_id, key) do update set
                     request_hash = excluded.request_hash, status = null, response = null, created_at = excluded.created_at
                 where idempotency.created_at < $6
                       or (idempotency.status is null and idempotency.created_at < $5
                           and idempotency.request_hash = excluded.request_hash)",
                arguments,
            )
            .await?;
        if claimed > 0 {
            return Ok(Begun::Fresh);
        }
        let row: Row = self
            .one(
                "select request_hash, status, response from idempotency where organization_id = $1 and key = $2",
                (organization_id, key),
            )
            .await?;
        Ok(match row {
            Row { request_hash: first, .. } if first != request_hash => Begun::Mismatch,
            Row { status: Some(status), response, .. } => {
                Begun::Replay { status, response: response.unwrap_or_default() }
            }
            Row { status: None, .. } => Begun::InFlight,
        })
    }

    /// Keeps the answer for repetitions; best in the transaction of the change it tells of.
    pub async fn finish_request(&mut self, key: &str, status: i64, response: &str) -> Result<()> {
        let arguments = (self.organization_id()?, key, status, response);
        self.run(
            "update idempotency set status = $3, response = $4 where organization_id = $1 and key = $2",
            arguments,
        )
        .await?;
        Ok(())
    }

    /// Frees a key whose request failed without an effect, so that it may be tried again.
    pub async fn forget_request(&mut self, key: &str) -> Result<()> {
        let arguments = (self.organization_id()?, key);
        self.run("delete from idempotency where organization_id = $1 and key = $2 and status is null", arguments)
            .await?;
        Ok(())
    }
}
