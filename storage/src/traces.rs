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
    /// Stores the trace of a reply, as [`to_json`] makes it before the transaction begins: others wait for its end.
    pub async fn insert_trace(&mut self, message: MessageId, body: Vec<u8>) -> Result<()> {
        let organization_id = self.organization_id()?;
        let now = self.now();
        self.defer(
            "insert into traces (message_id, organization_id, body, created_at) values ($1, $2, $3, $4)",
            (message, organization_id, body, now),
        )
        .await
    }

    /// Deletes this organization's traces, and batches of the playground, older than `before`.
    pub async fn delete_traces(&mut self, before: Time) -> Result<u64> {
        let arguments = (self.organization_id()?, before);
        let sql = "delete from playground_batches where organization_id = $1 and created_at < $2";
        let batches = (&mut *self).run(sql, arguments).await?;
        let sql = "delete from traces where organization_id = $1 and created_at < $2";
        Ok(batches + (&mut *self).run(sql, arguments).await?)
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
        from_json(&body)
    }
}

impl Database {
    /// Deletes everybody's traces, and batches of the playground, older than `before`.
    pub async fn delete_traces(&self, before: Time) -> Result<u64> {
        let batches = self.run("delete from playground_batches where created_at < $1", (before,)).await?;
        Ok(batches + self.run("delete from traces where created_at < $1", (before,)).await?)
    }
}

/// A trace as compressed JSON, as it is stored.
pub fn to_json(trace: &Trace) -> Result<Vec<u8>> {
    let json = serde_json::to_vec(trace).map_err(|error| damaged(&error))?;
    zstd::bulk::compress(&json, LEVEL).map_err(|error| damaged(&error))
}

/// The trace of its compressed JSON.
pub(crate) fn from_json(body: &[u8]) -> Result<Trace> {
    serde_json::from_slice(&decompressed(body, BYTES_MAX)?).map_err(|error| damaged(&error))
}

/// What was compressed, if it has not more bytes than allowed.
pub(crate) fn decompressed(body: &[u8], bytes_max: usize) -> Result<Vec<u8>> {
    // The size is known to the frame; a buffer of the largest size is not needed.
    let size = zstd::bulk::Decompressor::upper_bound(body).unwrap_or(bytes_max).min(bytes_max);
    zstd::bulk::decompress(body, size).map_err(|error| damaged(&error))
}

fn damaged(error: &dyn std::fmt::Display) -> Error {
    Error::Damaged { what: "trace", detail: error.to_string() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use domain::statistics::{Random, count};

    #[test]
    fn every_number_comes_out_of_a_trace_with_the_bits_it_went_in_with() {
        let mut random = Random::seeded(7);
        let numbers = (0..20_000).map(|place| {
            // Sums and quotients of drawn numbers, as scores are.
            let drawn = count(random.below(1_000_000)) / 1_000_003.0;
            (place.to_string(), drawn / (drawn + count(random.below(97)) + 0.1))
        });
        let trace = Trace { evidence: numbers.collect(), ..Trace::default() };
        let read = from_json(&to_json(&trace).unwrap()).unwrap();
        let bits = |trace: &Trace| trace.evidence.values().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert!(bits(&read) == bits(&trace), "a replay would differ in its last digits");
    }
}
