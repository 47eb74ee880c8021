//! Batches of the playground: questions asked together, the answers, and what people think of them.

use crate::feedback::Rating;
use crate::sql::Run;
use crate::traces::{from_json, to_json};
use crate::{Error, Keyset, Result, Tenant, Transaction};
use domain::handoff::HandoffReason;
use domain::message::Decision;
use domain::trace::Trace;
use domain::{AssistantId, BatchId, CustomerId, OrganizationId, Time};
use serde_json::Value;
use sqlx::types::Json;

/// Batches of an organization at most; a new one takes the place of the oldest.
pub const BATCHES_MAX: i64 = 50;
/// Answers of a batch at most.
pub const ANSWERS_MAX: i64 = 200;

/// A batch to begin.
#[derive(Clone, Debug)]
pub struct NewBatch {
    /// Who answers.
    pub assistant_id: AssistantId,
    /// Whose facts are recalled.
    pub customer_id: Option<CustomerId>,
    /// What differs from the assistant as it is.
    pub setup: Value,
}

/// Questions asked together.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Batch {
    /// Its id.
    pub id: BatchId,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// Who answers.
    pub assistant_id: AssistantId,
    /// Whose facts are recalled.
    pub customer_id: Option<CustomerId>,
    /// What differs from the assistant as it is.
    #[sqlx(json)]
    pub setup: Value,
    /// When it began.
    pub created_at: Time,
    /// How many answers it has.
    pub answers: i64,
    /// How many of them are rated.
    pub rated: i64,
}

/// An answer to keep.
#[derive(Clone, Debug)]
pub struct NewBatchAnswer<'a> {
    /// The batch.
    pub batch_id: BatchId,
    /// What was asked.
    pub question: &'a str,
    /// What was answered.
    pub content: &'a str,
    /// What was decided.
    pub decision: Decision,
    /// Why a person is needed.
    pub handoff_reason: Option<HandoffReason>,
    /// How sure it is, 0 to 1.
    pub confidence: Option<f64>,
    /// Everything that led to it.
    pub trace: &'a Trace,
}

/// An answer of a batch.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct BatchAnswer {
    /// The batch.
    pub batch_id: BatchId,
    /// Its place in the batch, from 1.
    pub seq: i64,
    /// What was asked.
    pub question: String,
    /// What was answered.
    pub content: String,
    /// What was decided.
    pub decision: Decision,
    /// Why a person is needed.
    pub handoff_reason: Option<HandoffReason>,
    /// How sure it is, 0 to 1.
    pub confidence: Option<f64>,
    /// What a person thinks of it.
    pub rating: Option<Rating>,
    /// When it was given.
    pub created_at: Time,
}

impl Transaction {
    /// Begins a batch; beyond [`BATCHES_MAX`] the oldest go.
    pub async fn insert_batch(&mut self, new: NewBatch) -> Result<BatchId> {
        let organization_id = self.organization_id()?;
        let (id, now): (BatchId, Time) = (self.id(), self.now());
        let arguments = (id, organization_id, new.assistant_id, new.customer_id, Json(new.setup), now);
        self.run(
            "insert into playground_batches (id, organization_id, assistant_id, customer_id, setup, created_at)
             values ($1, $2, $3, $4, $5, $6)",
            arguments,
        )
        .await?;
        self.run(
            "delete from playground_batches where organization_id = $1 and id not in (
                 select id from playground_batches where organization_id = $1 order by created_at desc, id desc limit $2)",
            (organization_id, BATCHES_MAX),
        )
        .await?;
        Ok(id)
    }

    /// Keeps an answer as the next one of its batch, and gives its place.
    ///
    /// # Errors
    /// `NotFound` for a batch of nobody or somebody else; `Conflict` where it has [`ANSWERS_MAX`] answers.
    pub async fn insert_batch_answer(&mut self, new: NewBatchAnswer<'_>) -> Result<i64> {
        let organization_id = self.organization_id()?;
        // The lock keeps two answers of one batch from taking the same place.
        let lock = (organization_id, new.batch_id);
        let sql = "update playground_batches set created_at = created_at where organization_id = $1 and id = $2";
        if self.run(sql, lock).await? == 0 {
            return Err(Error::not_found("batch", new.batch_id));
        }
        let sql =
            "select coalesce(max(seq), 0) + 1 from playground_answers where organization_id = $1 and batch_id = $2";
        let seq: i64 = self.scalar(sql, lock).await?;
        if seq > ANSWERS_MAX {
            return Err(Error::Conflict(format!("a batch has at most {ANSWERS_MAX} answers")));
        }
        let arguments = (
            new.batch_id,
            organization_id,
            seq,
            new.question,
            new.content,
            new.decision,
            new.handoff_reason,
            new.confidence,
            to_json(new.trace)?,
            self.now(),
        );
        self.run(
            "insert into playground_answers (batch_id, organization_id, seq, question, content, decision, handoff_reason,
                confidence, trace, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            arguments,
        )
        .await?;
        Ok(seq)
    }

    /// Rates an answer of a batch, or takes the rating back.
    ///
    /// # Errors
    /// `NotFound` where there is no such answer.
    pub async fn rate_batch_answer(&mut self, id: BatchId, seq: i64, rating: Option<Rating>) -> Result<()> {
        let arguments = (self.organization_id()?, id, seq, rating);
        let sql = "update playground_answers set rating = $4 where organization_id = $1 and batch_id = $2 and seq = $3";
        if self.run(sql, arguments).await? == 0 { Err(Error::not_found("answer of batch", id)) } else { Ok(()) }
    }

    /// Deletes a batch with its answers.
    ///
    /// # Errors
    /// `NotFound` for a batch of nobody or somebody else.
    pub async fn delete_batch(&mut self, id: BatchId) -> Result<()> {
        let arguments = (self.organization_id()?, id);
        let sql = "delete from playground_batches where organization_id = $1 and id = $2";
        if self.run(sql, arguments).await? == 0 { Err(Error::not_found("batch", id)) } else { Ok(()) }
    }
}

impl Tenant<'_> {
    /// The batch with that id.
    pub async fn load_batch(self, id: BatchId) -> Result<Batch> {
        self.find(
            "select b.id, b.organization_id, b.assistant_id, b.customer_id, b.setup, b.created_at,
                count(a.seq) as answers, count(a.rating) as rated
             from playground_batches b left join playground_answers a on a.batch_id = b.id
             where b.organization_id = $1 and b.id = $2 group by b.id",
            (self.organization_id(), id),
        )
        .await?
        .ok_or_else(|| Error::not_found("batch", id))
    }

    /// Batches, the newest first.
    pub async fn list_batches(self, after: Keyset, limit: i64) -> Result<Vec<Batch>> {
        self.all(
            "select b.id, b.organization_id, b.assistant_id, b.customer_id, b.setup, b.created_at,
                count(a.seq) as answers, count(a.rating) as rated
             from playground_batches b left join playground_answers a on a.batch_id = b.id
             where b.organization_id = $1 and (b.created_at, b.id) < ($2, $3)
             group by b.id order by b.created_at desc, b.id desc limit $4",
            (self.organization_id(), after.time, after.id, limit),
        )
        .await
    }

    /// Answers of a batch with a place after `after`, in order.
    pub async fn list_batch_answers(self, id: BatchId, after: i64, limit: i64) -> Result<Vec<BatchAnswer>> {
        self.all(
            "select batch_id, seq, question, content, decision, handoff_reason, confidence, rating, created_at
             from playground_answers where organization_id = $1 and batch_id = $2 and seq > $3 order by seq limit $4",
            (self.organization_id(), id, after, limit),
        )
        .await
    }

    /// The answer at that place of a batch.
    pub async fn load_batch_answer(self, id: BatchId, seq: i64) -> Result<BatchAnswer> {
        let found = self.list_batch_answers(id, seq - 1, 1).await?.into_iter().find(|answer| answer.seq == seq);
        found.ok_or_else(|| Error::not_found("answer of batch", id))
    }

    /// The trace of an answer of a batch.
    pub async fn load_batch_trace(self, id: BatchId, seq: i64) -> Result<Trace> {
        let row: Option<(Vec<u8>,)> = self
            .find(
                "select trace from playground_answers where organization_id = $1 and batch_id = $2 and seq = $3",
                (self.organization_id(), id, seq),
            )
            .await?;
        let (trace,) = row.ok_or_else(|| Error::not_found("answer of batch", id))?;
        from_json(&trace)
    }
}
