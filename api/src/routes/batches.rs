//! Batches of the playground: questions asked together, kept with what people think of the answers.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path, Query};
use crate::error::Result;
use crate::list::{self, List};
use crate::routes::answers::answer;
use crate::routes::assistants::AssistantSettingsObject;
use crate::routes::playground::{Trial, prepared};
use axum::extract::State;
use axum::http::StatusCode;
use domain::handoff::HandoffReason;
use domain::message::Decision;
use domain::trace::Trace;
use domain::{AssistantId, BatchId, CustomerId, Time};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use storage::batches::{Batch, BatchAnswer, NewBatch, NewBatchAnswer};
use storage::feedback::Rating;
use utoipa::{IntoParams, ToSchema};

/// Questions asked together. A desk keeps its newest 50 batches, each for as long as traces are kept.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlaygroundBatchObject {
    #[schema(value_type = String, example = "bat_01jd3q5w8hf3k9m2n4p6r8t0vx")]
    id: BatchId,
    /// Always `playground_batch`.
    object: &'static str,
    /// Who answers.
    #[schema(value_type = String)]
    assistant_id: AssistantId,
    /// Whose facts are recalled.
    #[schema(value_type = Option<String>)]
    customer_id: Option<CustomerId>,
    /// Settings in place of the assistant's own.
    #[schema(value_type = AssistantSettingsObject)]
    settings: Map<String, Value>,
    prompt_version: Option<i64>,
    prompt_text: Option<String>,
    /// How many answers it has.
    answers: i64,
    /// How many of them are rated.
    rated: i64,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
}

impl From<Batch> for PlaygroundBatchObject {
    fn from(batch: Batch) -> Self {
        let trial = trial(&batch);
        Self {
            id: batch.id,
            object: "playground_batch",
            assistant_id: batch.assistant_id,
            customer_id: batch.customer_id,
            settings: trial.settings,
            prompt_version: trial.prompt_version,
            prompt_text: trial.prompt_text,
            answers: batch.answers,
            rated: batch.rated,
            created_at: batch.created_at,
        }
    }
}

/// What the answers of a batch try; what cannot be read any more is left out.
fn trial(batch: &Batch) -> Trial {
    let stored: Trial = serde_json::from_value(batch.setup.clone()).unwrap_or_default();
    Trial { assistant: Some(batch.assistant_id), customer: batch.customer_id, ..stored }
}

/// An answer of a batch.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlaygroundAnswerObject {
    /// Always `playground_answer`.
    object: &'static str,
    #[schema(value_type = String)]
    batch_id: BatchId,
    /// Its place in the batch, from 1.
    seq: i64,
    question: String,
    content: String,
    /// `answer`, `clarify` or `hand_off`.
    #[schema(value_type = String, example = "answer")]
    decision: Decision,
    #[schema(value_type = Option<String>)]
    handoff_reason: Option<HandoffReason>,
    /// How sure it is, 0 to 1.
    confidence: Option<f64>,
    /// `good`, `acceptable` or `poor`.
    #[schema(value_type = Option<String>, example = "good")]
    rating: Option<Rating>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    /// Everything that led to it; lists leave it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    trace: Option<Trace>,
}

impl PlaygroundAnswerObject {
    fn new(answer: BatchAnswer, trace: Option<Trace>) -> Self {
        Self {
            object: "playground_answer",
            batch_id: answer.batch_id,
            seq: answer.seq,
            question: answer.question,
            content: answer.content,
            decision: answer.decision,
            handoff_reason: answer.handoff_reason,
            confidence: answer.confidence,
            rating: answer.rating,
            created_at: answer.created_at,
            trace,
        }
    }
}

/// Begins a batch; all its answers try the same.
#[utoipa::path(post, path = "/v1/playground/batches", tag = "playground", request_body = Trial,
    operation_id = "create_playground_batch",
    responses((status = 201, description = "The batch", body = PlaygroundBatchObject)))]
pub(crate) async fn create_batch(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<Trial>,
) -> Result<(StatusCode, axum::Json<PlaygroundBatchObject>)> {
    let tenant = app.of(caller.organization_id());
    let setup =
        json!({ "settings": body.settings, "prompt_version": body.prompt_version, "prompt_text": body.prompt_text });
    let customer_id = body.customer;
    let (assistant, _) = prepared(tenant, body, String::new()).await?;
    let mut transaction = tenant.begin().await?;
    let id = transaction.insert_batch(NewBatch { assistant_id: assistant.id, customer_id, setup }).await?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, axum::Json(tenant.load_batch(id).await?.into())))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListBatches {
    /// From 1 to 100; 20 where absent.
    limit: Option<i64>,
    /// The `next_cursor` of the stretch before.
    after: Option<String>,
}

/// Lists batches, the newest first.
#[utoipa::path(get, path = "/v1/playground/batches", tag = "playground", params(ListBatches),
    operation_id = "list_playground_batches",
    responses((status = 200, description = "A stretch of the list", body = List<PlaygroundBatchObject>)))]
pub(crate) async fn list_batches(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListBatches>,
) -> Result<axum::Json<List<PlaygroundBatchObject>>> {
    let limit = list::limit(query.limit)?;
    let after = list::keyset(query.after.as_deref())?;
    let rows = app.of(caller.organization_id()).list_batches(after, limit + 1).await?;
    let cursor = |row: &Batch| list::cursor(row.created_at, row.id);
    Ok(axum::Json(List::stretch(rows, limit, cursor, PlaygroundBatchObject::from)))
}

/// Reads a batch.
#[utoipa::path(get, path = "/v1/playground/batches/{id}", tag = "playground", params(("id" = String, Path)),
    operation_id = "get_playground_batch",
    responses((status = 200, description = "The batch", body = PlaygroundBatchObject)))]
pub(crate) async fn get_batch(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<BatchId>,
) -> Result<axum::Json<PlaygroundBatchObject>> {
    Ok(axum::Json(app.of(caller.organization_id()).load_batch(id).await?.into()))
}

/// Deletes a batch with its answers.
#[utoipa::path(delete, path = "/v1/playground/batches/{id}", tag = "playground", params(("id" = String, Path)),
    operation_id = "delete_playground_batch", responses((status = 204, description = "It is deleted")))]
pub(crate) async fn delete_batch(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<BatchId>,
) -> Result<StatusCode> {
    let mut transaction = app.of(caller.organization_id()).begin().await?;
    transaction.delete_batch(id).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A question to ask.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreatePlaygroundAnswer {
    question: String,
}

/// Asks a question and keeps the answer as the next one of the batch, of which there are 200 at most.
#[utoipa::path(post, path = "/v1/playground/batches/{id}/answers", tag = "playground", params(("id" = String, Path)),
    operation_id = "create_playground_answer", request_body = CreatePlaygroundAnswer,
    responses((status = 201, description = "The answer with its trace", body = PlaygroundAnswerObject)))]
pub(crate) async fn create_batch_answer(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<BatchId>,
    Json(body): Json<CreatePlaygroundAnswer>,
) -> Result<(StatusCode, axum::Json<PlaygroundAnswerObject>)> {
    let tenant = app.of(caller.organization_id());
    let trial = trial(&tenant.load_batch(id).await?);
    let (assistant, asked) = prepared(tenant, trial, body.question.clone()).await?;
    let answer = answer(&app, caller.organization_id(), assistant, asked).await?;
    let mut transaction = tenant.begin().await?;
    let new = NewBatchAnswer {
        batch_id: id,
        question: &body.question,
        content: &answer.content,
        decision: answer.decision,
        handoff_reason: answer.handoff_reason,
        confidence: answer.confidence,
        trace: &answer.trace,
    };
    let seq = transaction.insert_batch_answer(new).await?;
    transaction.commit().await?;
    let kept = tenant.load_batch_answer(id, seq).await?;
    Ok((StatusCode::CREATED, axum::Json(PlaygroundAnswerObject::new(kept, Some(answer.trace)))))
}

/// Lists the answers of a batch, in their order.
#[utoipa::path(get, path = "/v1/playground/batches/{id}/answers", tag = "playground",
    params(("id" = String, Path), ListBatches), operation_id = "list_playground_answers",
    responses((status = 200, description = "A stretch of the list", body = List<PlaygroundAnswerObject>)))]
pub(crate) async fn list_batch_answers(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<BatchId>,
    Query(query): Query<ListBatches>,
) -> Result<axum::Json<List<PlaygroundAnswerObject>>> {
    let tenant = app.of(caller.organization_id());
    let limit = list::limit(query.limit)?;
    let after = list::seq(query.after.as_deref())?;
    tenant.load_batch(id).await?;
    let rows = tenant.list_batch_answers(id, after, limit + 1).await?;
    let cursor = |row: &BatchAnswer| list::seq_cursor(row.seq);
    Ok(axum::Json(List::stretch(rows, limit, cursor, |row| PlaygroundAnswerObject::new(row, None))))
}

/// Reads an answer of a batch with its trace.
#[utoipa::path(get, path = "/v1/playground/batches/{id}/answers/{seq}", tag = "playground",
    params(("id" = String, Path), ("seq" = i64, Path)), operation_id = "get_playground_answer",
    responses((status = 200, description = "The answer with its trace", body = PlaygroundAnswerObject)))]
pub(crate) async fn get_batch_answer(
    State(app): State<App>,
    caller: Caller,
    Path((id, seq)): Path<(BatchId, i64)>,
) -> Result<axum::Json<PlaygroundAnswerObject>> {
    let tenant = app.of(caller.organization_id());
    let answer = tenant.load_batch_answer(id, seq).await?;
    let trace = tenant.load_batch_trace(id, seq).await?;
    Ok(axum::Json(PlaygroundAnswerObject::new(answer, Some(trace))))
}

/// What a person thinks of an answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetPlaygroundRating {
    /// `good`, `acceptable` or `poor`; `null` takes the rating back.
    #[schema(value_type = Option<String>, example = "good")]
    rating: Option<Rating>,
}

/// Rates an answer of a batch.
#[utoipa::path(put, path = "/v1/playground/batches/{id}/answers/{seq}/rating", tag = "playground",
    params(("id" = String, Path), ("seq" = i64, Path)), operation_id = "set_playground_rating",
    request_body = SetPlaygroundRating,
    responses((status = 200, description = "The answer as it is now", body = PlaygroundAnswerObject)))]
pub(crate) async fn set_batch_rating(
    State(app): State<App>,
    caller: Caller,
    Path((id, seq)): Path<(BatchId, i64)>,
    Json(body): Json<SetPlaygroundRating>,
) -> Result<axum::Json<PlaygroundAnswerObject>> {
    let tenant = app.of(caller.organization_id());
    let mut transaction = tenant.begin().await?;
    transaction.rate_batch_answer(id, seq, body.rating).await?;
    transaction.commit().await?;
    Ok(axum::Json(PlaygroundAnswerObject::new(tenant.load_batch_answer(id, seq).await?, None)))
}
