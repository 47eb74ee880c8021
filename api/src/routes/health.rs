//! For those who operate a desk: is it alive, is it ready, what does it count.

use crate::app::App;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use std::time::Duration;

/// How long a check may take before it counts as failed.
const CHECK_TIMEOUT: Duration = Duration::from_secs(3);

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/healthz", get(async || axum::Json(json!({ "status": "ok" }))))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
}

/// Whether requests can be served now; says which part is missing.
async fn ready(State(app): State<App>) -> Response {
    let database = tokio::time::timeout(CHECK_TIMEOUT, app.database().ping()).await;
    let index = tokio::time::timeout(CHECK_TIMEOUT, open_index(&app)).await;
    let is_ready = matches!(database, Ok(Ok(()))) && matches!(index, Ok(Ok(())));
    let body = json!({
        "status": if is_ready { "ready" } else { "not_ready" },
        "checks": { "database": word(&database), "index": word(&index) },
    });
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(body)).into_response()
}

/// Opens the first organization's index: one that is damaged or out of reach is found here.
async fn open_index(app: &App) -> crate::error::Result<()> {
    let organizations = app.database().list_organizations().await?;
    let Some(organization) = organizations.first() else { return Ok(()) };
    app.desk.retrieval.applied_seq(organization.id, app.library.vector_space().as_ref()).await?;
    Ok(())
}

fn word<T, E>(outcome: &Result<Result<T, E>, tokio::time::error::Elapsed>) -> &'static str {
    match outcome {
        Ok(Ok(_)) => "ok",
        Ok(Err(_)) => "failed",
        Err(_) => "too slow",
    }
}

async fn metrics(State(app): State<App>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, app.metrics.render()).into_response()
}
