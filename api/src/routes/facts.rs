//! What is remembered of a customer: people read it, add to it and erase it.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Change, Json, Path, Query};
use crate::error::{Problem, Result};
use crate::list::List;
use answering::worth::holds_secret;
use axum::extract::State;
use axum::http::StatusCode;
use domain::memory::Fact;
use domain::{CustomerId, FactId, MessageId, Time};
use serde::{Deserialize, Serialize};
use storage::facts::NewFact;
use utoipa::{IntoParams, ToSchema};

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
    /// `name`, `language`, `contact`, `phone`, `email`, `address`, `plan`, `product`, `order`, `preference` or `other`.
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
    /// Since when it is no longer so.
    #[schema(value_type = Option<String>, format = DateTime)]
    valid_until: Option<Time>,
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
            valid_until: fact.valid_until,
            expires_at: fact.expires_at,
            last_used_at: fact.last_used_at,
            created_at: fact.created_at,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListFacts {
    /// Whether to show what is no longer so too, the newest first.
    #[serde(default)]
    ended: bool,
}

/// Lists what is remembered of a customer now, the most important first.
#[utoipa::path(get, path = "/v1/customers/{id}/facts", tag = "customers", params(("id" = String, Path), ListFacts),
    responses((status = 200, description = "The facts", body = List<FactObject>)))]
pub(crate) async fn list_facts(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<CustomerId>,
    Query(query): Query<ListFacts>,
) -> Result<axum::Json<List<FactObject>>> {
    let tenant = app.of(caller.organization_id());
    tenant.load_customer(id).await?;
    let facts = if query.ended {
        tenant.list_all_facts(id, FACTS_MAX).await?
    } else {
        tenant.list_facts(id, tenant.now(), FACTS_MAX).await?
    };
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
    check(&body.text, &body.kind, body.importance)?;
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

/// Reads a fact.
#[utoipa::path(get, path = "/v1/customers/{id}/facts/{fact}", tag = "customers",
    params(("id" = String, Path), ("fact" = String, Path)),
    responses((status = 200, description = "The fact", body = FactObject)))]
pub(crate) async fn get_fact(
    State(app): State<App>,
    caller: Caller,
    Path((id, fact_id)): Path<(CustomerId, FactId)>,
) -> Result<axum::Json<FactObject>> {
    Ok(axum::Json(app.of(caller.organization_id()).load_fact(id, fact_id).await?.into()))
}

/// Corrections of a fact: what is absent stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateFact {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    /// How much it matters, 0 to 1.
    #[serde(default)]
    importance: Option<f64>,
    /// `null` keeps it until it is contradicted.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Change<Time>,
}

/// Corrects a fact; what a person says is sure.
#[utoipa::path(patch, path = "/v1/customers/{id}/facts/{fact}", tag = "customers",
    params(("id" = String, Path), ("fact" = String, Path)), request_body = UpdateFact,
    responses((status = 200, description = "The fact as it is now", body = FactObject)))]
pub(crate) async fn update_fact(
    State(app): State<App>,
    caller: Caller,
    Path((id, fact_id)): Path<(CustomerId, FactId)>,
    Json(body): Json<UpdateFact>,
) -> Result<axum::Json<FactObject>> {
    let tenant = app.of(caller.organization_id());
    let present = tenant.load_fact(id, fact_id).await?;
    let fact = Fact {
        text: body.text.unwrap_or(present.text),
        kind: body.kind.unwrap_or(present.kind),
        importance: body.importance.unwrap_or(present.importance),
        expires_at: body.expires_at.over(present.expires_at),
        confidence: 1.0,
        ..present
    };
    check(&fact.text, &fact.kind, fact.importance)?;
    let mut transaction = tenant.begin().await?;
    transaction.update_fact(&fact).await?;
    transaction.commit().await?;
    Ok(axum::Json(fact.into()))
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
    tenant.load_fact(id, fact_id).await?;
    let mut transaction = tenant.begin().await?;
    transaction.delete_fact(fact_id).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn check(text: &str, kind: &str, importance: f64) -> Result<()> {
    let characters = text.trim().chars().count();
    if characters == 0 || characters > TEXT_CHARS_MAX {
        return Err(Problem::invalid(format!("`text` has from 1 to {TEXT_CHARS_MAX} characters")).at("/text"));
    }
    if kind.is_empty() || kind.chars().count() > KIND_CHARS_MAX {
        return Err(Problem::invalid(format!("`kind` has from 1 to {KIND_CHARS_MAX} characters")).at("/kind"));
    }
    if !(0.0..=1.0).contains(&importance) {
        return Err(Problem::invalid("`importance` is from 0 to 1").at("/importance"));
    }
    if holds_secret(text) {
        return Err(Problem::invalid(
            "`text` looks like a password, a card or an account number, which is never remembered",
        )
        .at("/text"));
    }
    Ok(())
}
