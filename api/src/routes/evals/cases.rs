//! One more case: datasets do not change, so the dataset with the case is a new one of the same name.

use super::datasets::{DatasetObject, check};
use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path};
use crate::error::Result;
use axum::extract::State;
use axum::http::StatusCode;
use domain::DatasetId;
use domain::evaluation::Case;
use storage::evals::CASES_MAX;

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
