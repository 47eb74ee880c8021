//! What is remembered of a customer: people read it, add to it and erase it.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path};
use crate::error::{Problem, Result};
use crate::list::List;
use axum::extract::State;
use axum::http::StatusCode;
use domain::memory::Fact;
use domain::{CustomerId, FactId, MessageId, Time};
use serde::{Deserialize, Serialize};
use storage::facts::NewFact;
use utoipa::ToSchema;

/// Facts of a customer that are shown at most.
const FACTS_MAX: i64 = 1_000;
/// Characters of a fact at most.
const TEXT_CHARS_MAX: usize = 1_000;
/// Characters of a kind at most.
const KIND_CHARS_MAX: usize = 40;

/// One thing known about a customer.
#[derive(Serialize, ToSchema)]
pub(crate) struct FactObject {
    #[schema(value_type = String)]
    id: FactId,
    /// Always `fact`.
    object: &'static str,
    #[schema(value_type = String)]
    customer_id: CustomerId,
    /// `name`, `order`, `plan`, `preference` or `other`.
    kind: String,
    /// The fact in a sentence.
    text: String,
    /// How much it matters, 0 to 1.
    importance: f64,
    /// How sure it is, 0 to 1.
    confidence: f64,
    /// The message it was learned from; `null` where a person wrote it down.
    #[schema(value_type = Option<String>)]
    source_message_id: Option<MessageId>,
    #[schema(value_type = String, format = DateTime)]
    valid_from: Time,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Time>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
}

impl From<Fact> for FactObject {
    fn from(fact: Fact) -> Self {
        Self {
            id: fact.id,
            object: "fact",
            customer_id: fact.customer_id,
            kind: fact.kind,
            text: fact.text,
            importance: fact.importance,
            confidence: fact.confidence,
            source_message_id: fact.source_message_id,
            valid_from: fact.valid_from,
            expires_at: fact.expires_at,
            last_used_at: fact.last_used_at,
            created_at: fact.created_at,
        }
    }
}

/// Lists what is remembered of a customer now, the most important first.
#[utoipa::path(get, path = "/v1/customers/{id}/facts", tag = "customers", params(("id" = String, Path)),
    responses((status = 200, description = "The facts", body = List<FactObject>)))]
pub(crate) async fn list_facts(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<CustomerId>,
) -> Result<axum::Json<List<FactObject>>> {
    let tenant = app.of(caller.organization_id());
    tenant.load_customer(id).await?;
    let facts = tenant.list_facts(id, tenant.now(), FACTS_MAX).await?;
    Ok(axum::Json(List::whole(facts.into_iter().map(FactObject::from).collect())))
}

/// A fact to remember.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateFact {
    /// The fact in a sentence.
    text: String,
    #[serde(default = "other")]
    kind: String,
    /// How much it matters, 0 to 1.
    #[serde(default = "half")]
    importance: f64,
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Time>,
}

fn other() -> String {
    "other".to_owned()
}

fn half() -> f64 {
    0.5
}

/// Remembers a fact.
#[utoipa::path(post, path = "/v1/customers/{id}/facts", tag = "customers", params(("id" = String, Path)),
    request_body = CreateFact,
    responses((status = 201, description = "It is remembered", body = FactObject)))]
pub(crate) async fn create_fact(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<CustomerId>,
    Json(body): Json<CreateFact>,
) -> Result<(StatusCode, axum::Json<FactObject>)> {
    check(&body)?;
    let mut transaction = app.of(caller.organization_id()).begin().await?;
    let fact = transaction
        .insert_fact(NewFact {
            customer_id: id,
            kind: body.kind,
            text: body.text,
            importance: body.importance,
            confidence: 1.0,
            source_message_id: None,
            expires_at: body.expires_at,
        })
        .await?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, axum::Json(fact.into())))
}

/// Erases a fact.
#[utoipa::path(delete, path = "/v1/customers/{id}/facts/{fact}", tag = "customers",
    params(("id" = String, Path), ("fact" = String, Path)),
    responses((status = 204, description = "It is erased")))]
pub(crate) async fn delete_fact(
    State(app): State<App>,
    caller: Caller,
    Path((id, fact_id)): Path<(CustomerId, FactId)>,
) -> Result<StatusCode> {
    let tenant = app.of(caller.organization_id());
    let facts = tenant.list_facts(id, tenant.now(), FACTS_MAX).await?;
    if !facts.iter().any(|fact| fact.id == fact_id) {
        return Err(Problem::not_found("fact", fact_id));
    }
    let mut transaction = tenant.begin().await?;
    transaction.delete_fact(fact_id).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn check(body: &CreateFact) -> Result<()> {
    let characters = body.text.trim().chars().count();
    if characters == 0 || characters > TEXT_CHARS_MAX {
        return Err(Problem::invalid(format!("`text` has from 1 to {TEXT_CHARS_MAX} characters")).at("/text"));
    }
    if body.kind.is_empty() || body.kind.chars().count() > KIND_CHARS_MAX {
        return Err(Problem::invalid(format!("`kind` has from 1 to {KIND_CHARS_MAX} characters")).at("/kind"));
    }
    if !(0.0..=1.0).contains(&body.importance) {
        return Err(Problem::invalid("`importance` is from 0 to 1").at("/importance"));
    }
    Ok(())
}
