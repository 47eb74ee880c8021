//! The trace of an answer: everything that led to it.

use crate::app::App;
use crate::auth::Caller;
use crate::body::Path;
use crate::error::Result;
use axum::extract::State;
use domain::MessageId;
use domain::trace::Trace;

/// Opens an answer up.
#[utoipa::path(get, path = "/v1/messages/{id}/trace", tag = "messages", params(("id" = String, Path)),
    responses((status = 200, description = "Question, passages with every rank and score, prompt, completion, \
        claims, confidence, decision, timings", body = Object)))]
pub(crate) async fn get_trace(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<MessageId>,
) -> Result<axum::Json<Trace>> {
    Ok(axum::Json(app.of(caller.organization_id()).load_trace(id).await?))
}
