//! Everything that led to an answer, compressed beside its message.

use crate::sql::Run;
use crate::{Database, Error, Result, Tenant, Transaction};
use domain::trace::Trace;
use domain::{MessageId, Time};

/// zstd's level: 1 costs about a tenth of a millisecond on a usual trace.
const LEVEL: i32 = 1;
/// Bytes of a trace before compression; a larger one is cut by its maker.
const BYTES_MAX: usize = 4 * 1024 * 1024;

impl Transaction {
    /// Stores the trace of a reply.
    pub async fn insert_trace(&mut self, message: MessageId, trace: &Trace) -> Result<()> {
        let organization_id = self.organization_id()?;
        let now = self.now();
        let json = serde_json::to_vec(trace).map_err(|error| damaged(&error))?;
        let body = zstd::bulk::compress(&json, LEVEL).map_err(|error| damaged(&error))?;
        (&mut *self)
            .run(
                "insert into traces (message_id, organization_id, body, created_at) values ($1, $2, $3, $4)",
                (message, organization_id, body, now),
            )
            .await?;
        Ok(())
    }
}

impl Tenant<'_> {
    /// The trace of a reply.
    pub async fn load_trace(self, message: MessageId) -> Result<Trace> {
        let row: Option<(Vec<u8>,)> = self
            .find(
                "select body from traces where organization_id = $1 and message_id = $2",
                (self.organization_id(), message),
            )
            .await?;
        let (body,) = row.ok_or_else(|| Error::not_found("trace of message", message))?;
        let json = zstd::bulk::decompress(&body, BYTES_MAX).map_err(|error| damaged(&error))?;
        serde_json::from_slice(&json).map_err(|error| damaged(&error))
    }
}

impl Database {
    /// Deletes traces older than `before`.
    pub async fn delete_traces(&self, before: Time) -> Result<u64> {
        self.run("delete from traces where created_at < $1", (before,)).await
    }
}

fn damaged(error: &dyn std::fmt::Display) -> Error {
    Error::Damaged { what: "trace", detail: error.to_string() }
}
