//! Datasets: cases with known right answers, sent or picked from past conversations.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path, Query};
use crate::error::{Problem, Result};
use crate::list::{self, List};
use axum::extract::State;
use axum::http::StatusCode;
use domain::evaluation::{Case, Dataset};
use domain::{DatasetId, Time};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::time::Duration;
use storage::evals::{CASES_MAX, TurnFilter};
use utoipa::{IntoParams, ToSchema};

/// Characters of a dataset's name at most.
const NAME_CHARS_MAX: usize = 200;
/// Days that cases are collected from at most.
const DAYS_MAX: u32 = 3_650;
const DAY: Duration = Duration::from_hours(24);

/// A dataset to be: cases, or a rule that picks past conversations.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateDataset {
    name: String,
    /// Questions with what is known of their right answers: `id`, `question`, and any of `history`, `answer`,
    /// `key_facts`, `documents`, `answerable`, `expected`, `must_match`, `must_not_match`, `tags`.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    cases: Vec<Case>,
    /// Instead of cases: which past replies become cases.
    #[serde(default)]
    conversations: Option<Conversations>,
}

/// Which past replies become cases; every condition that is set must hold.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Conversations {
    /// Replies of so many days until now.
    days: u32,
    /// `good`, `acceptable` or `poor`.
    #[serde(default)]
    rating: Option<String>,
    /// Handed off, or not.
    #[serde(default)]
    handed_off: Option<bool>,
    /// Only replies after which a person of the desk wrote.
    #[serde(default)]
    corrected: bool,
}

/// A set of cases.
#[derive(Serialize, ToSchema)]
pub(crate) struct DatasetObject {
    #[schema(value_type = String, example = "ds_01jd3q5w8hf3k9m2n4p6r8t0vx")]
    id: DatasetId,
    /// Always `dataset`.
    object: &'static str,
    name: String,
    /// SHA-256 of its cases, in hex.
    content_hash: String,
    /// `file`, `api` or `conversations`.
    origin: String,
    cases: i64,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
}

impl From<Dataset> for DatasetObject {
    fn from(dataset: Dataset) -> Self {
        Self {
            id: dataset.id,
            object: "dataset",
            name: dataset.name,
            content_hash: dataset.content_hash,
            origin: dataset.origin,
            cases: dataset.cases,
            created_at: dataset.created_at,
        }
    }
}

/// Adds a dataset; the same cases under the same name are the same dataset.
#[utoipa::path(post, path = "/v1/evals/datasets", tag = "evals", request_body = CreateDataset,
    responses((status = 201, description = "The dataset", body = DatasetObject)))]
pub(crate) async fn create_dataset(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateDataset>,
) -> Result<(StatusCode, axum::Json<DatasetObject>)> {
    let characters = body.name.trim().chars().count();
    if characters == 0 || characters > NAME_CHARS_MAX {
        return Err(Problem::invalid(format!("`name` has from 1 to {NAME_CHARS_MAX} characters")).at("/name"));
    }
    let tenant = app.of(caller.organization_id());
    let (origin, cases) = match (body.conversations, body.cases.is_empty()) {
        (Some(_), false) => {
            return Err(Problem::invalid("`conversations` stands beside `cases`; one of them is enough"));
        }
        (Some(conversations), true) => ("conversations", tenant.collect_cases(&filter(&app, conversations)?).await?),
        (None, _) => ("api", body.cases),
    };
    check(&app, &caller, &cases).await?;
    let mut transaction = tenant.begin().await?;
    let (dataset, _) = transaction.put_dataset(body.name.trim(), origin, &cases).await?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, axum::Json(dataset.into())))
}

fn filter(app: &App, conversations: Conversations) -> Result<TurnFilter> {
    let at = |field: &str, detail: &str| Problem::invalid(detail).at(format!("/conversations/{field}"));
    if !(1..=DAYS_MAX).contains(&conversations.days) {
        return Err(at("days", &format!("`days` is from 1 to {DAYS_MAX}")));
    }
    if conversations.rating.as_ref().is_some_and(|rating| !["good", "acceptable", "poor"].contains(&rating.as_str())) {
        return Err(at("rating", "`rating` is good, acceptable or poor"));
    }
    let now = app.database().clock().now();
    Ok(TurnFilter {
        from: now - DAY * conversations.days,
        to: now,
        rating: conversations.rating,
        handed_off: conversations.handed_off,
        corrected: conversations.corrected,
        assistant: None,
    })
}

/// Refuses cases that cannot be asked or scored, with the place of the first.
pub(crate) async fn check(app: &App, caller: &Caller, cases: &[Case]) -> Result<()> {
    if cases.is_empty() || cases.len() > CASES_MAX {
        let detail = format!("`cases` has {} entries; it has from 1 to {CASES_MAX}", cases.len());
        return Err(Problem::invalid(detail).at("/cases"));
    }
    let mut ids = HashSet::new();
    for (place, case) in cases.iter().enumerate() {
        let doubled = || (!ids.insert(&case.id)).then(|| format!("`id` `{}` is there twice", case.id));
        if let Some(problem) = case.problem().or_else(|| broken_expression(case)).or_else(doubled) {
            return Err(Problem::invalid(problem).at(format!("/cases/{place}")));
        }
    }
    let named: Vec<&str> = cases.iter().flat_map(|case| &case.documents).map(String::as_str).collect();
    let unknown = app.of(caller.organization_id()).list_unknown_documents(&named).await?;
    let is_unknown = |case: &Case| case.documents.iter().any(|document| unknown.contains(document));
    match (cases.iter().position(is_unknown), unknown.first()) {
        (Some(place), Some(document)) => {
            let detail = format!("document `{document}` is not in the knowledge");
            Err(Problem::invalid(detail).at(format!("/cases/{place}/documents")))
        }
        _ => Ok(()),
    }
}

fn broken_expression(case: &Case) -> Option<String> {
    let broken = |pattern: &String| regex::Regex::new(pattern).err();
    let error = case.must_match.iter().chain(&case.must_not_match).find_map(broken)?;
    Some(format!("`must_match` or `must_not_match` holds an expression that cannot be read: {error}"))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListDatasets {
    /// From 1 to 100; 20 where absent.
    limit: Option<i64>,
    /// The `next_cursor` of the stretch before.
    after: Option<String>,
}

/// Lists datasets, the newest first.
#[utoipa::path(get, path = "/v1/evals/datasets", tag = "evals", params(ListDatasets),
    responses((status = 200, description = "A stretch of the list", body = List<DatasetObject>)))]
pub(crate) async fn list_datasets(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListDatasets>,
) -> Result<axum::Json<List<DatasetObject>>> {
    let limit = list::limit(query.limit)?;
    let after = list::keyset(query.after.as_deref())?;
    let rows = app.of(caller.organization_id()).list_datasets(after, limit + 1).await?;
    let cursor = |row: &Dataset| list::cursor(row.created_at, row.id);
    Ok(axum::Json(List::stretch(rows, limit, cursor, DatasetObject::from)))
}

/// Reads a dataset.
#[utoipa::path(get, path = "/v1/evals/datasets/{id}", tag = "evals", params(("id" = String, Path)),
    responses((status = 200, description = "The dataset", body = DatasetObject)))]
pub(crate) async fn get_dataset(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<DatasetId>,
) -> Result<axum::Json<DatasetObject>> {
    Ok(axum::Json(app.of(caller.organization_id()).load_dataset(id).await?.into()))
}
