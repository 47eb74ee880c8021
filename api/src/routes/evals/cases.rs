//! Cases of a dataset. Datasets do not change: one with one more case is a new one of the same name.

use super::datasets::{DatasetObject, check};
use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path, Query};
use crate::error::Result;
use crate::list::{self, List};
use axum::extract::State;
use axum::http::StatusCode;
use domain::DatasetId;
use domain::evaluation::Case;
use serde::{Deserialize, Serialize};
use storage::evals::CASES_MAX;
use utoipa::{IntoParams, ToSchema};

/// A case: a question with what is known of its right answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct CaseObject {
    /// Always `case`.
    object: &'static str,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    case: Case,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListCases {
    /// From 1 to 100; 20 where absent.
    limit: Option<i64>,
    /// The `next_cursor` of the stretch before.
    after: Option<String>,
}

/// Lists the cases of a dataset, in its order.
#[utoipa::path(get, path = "/v1/evals/datasets/{id}/cases", tag = "evals", params(("id" = String, Path), ListCases),
    responses((status = 200, description = "A stretch of the list", body = List<CaseObject>)))]
pub(crate) async fn list_cases(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<DatasetId>,
    Query(query): Query<ListCases>,
) -> Result<axum::Json<List<CaseObject>>> {
    let tenant = app.of(caller.organization_id());
    let limit = list::limit(query.limit)?;
    let after = list::seq(query.after.as_deref())?;
    tenant.load_dataset(id).await?;
    let rows = tenant.list_cases(id, after, limit + 1).await?;
    let cursor = |row: &(i64, Case)| list::seq_cursor(row.0);
    Ok(axum::Json(List::stretch(rows, limit, cursor, |(_, case)| CaseObject { object: "case", case })))
}

/// Adds a case to a dataset; the one before stays for the runs that asked it.
#[utoipa::path(post, path = "/v1/evals/datasets/{id}/cases", tag = "evals", params(("id" = String, Path)),
    operation_id = "create_case", request_body = Object,
    responses((status = 201, description = "The dataset with the case", body = DatasetObject)))]
pub(crate) async fn create_case(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<DatasetId>,
    Json(case): Json<Case>,
) -> Result<(StatusCode, axum::Json<DatasetObject>)> {
    let tenant = app.of(caller.organization_id());
    let dataset = tenant.load_dataset(id).await?;
    let most = i64::try_from(CASES_MAX).unwrap_or(i64::MAX);
    let present = tenant.list_cases(id, 0, most).await?;
    let mut cases: Vec<Case> = present.into_iter().map(|(_, case)| case).collect();
    cases.push(case);
    check(&app, &caller, &cases).await?;
    let mut transaction = tenant.begin().await?;
    let (dataset, _) = transaction.put_dataset(&dataset.name, &dataset.origin, &cases).await?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, axum::Json(dataset.into())))
}
