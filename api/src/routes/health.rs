//! For those who operate a desk: is it alive, is it ready, what does it count.

use crate::app::App;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::job::JobState;
use serde_json::json;
use std::time::Duration;
use strum::VariantArray;

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

/// Reads the queue into its gauges: a figure nobody looks at costs nothing.
async fn gauge_jobs(app: &App) {
    let Ok(Ok(counts)) = tokio::time::timeout(CHECK_TIMEOUT, app.database().count_jobs()).await else { return };
    let now = app.database().clock().now();
    let mut oldest = std::time::Duration::ZERO;
    for state in JobState::VARIANTS {
        let count = counts.iter().find(|count| count.state == *state);
        let word: &'static str = state.into();
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        metrics::gauge!("frontdesk_jobs_depth", "state" => word).set(count.map_or(0.0, |count| count.count as f64));
        if let (JobState::Available | JobState::Retryable, Some(count)) = (state, count) {
            oldest = oldest.max(now.since(count.oldest_run_at));
        }
    }
    metrics::gauge!("frontdesk_jobs_oldest_age_seconds").set(oldest.as_secs_f64());
}

async fn metrics(State(app): State<App>) -> Response {
    gauge_jobs(&app).await;
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, app.metrics.render()).into_response()
}
