//! How people rate an answer.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path};
use crate::error::{Problem, Result};
use axum::extract::State;
use domain::message::Sender;
use domain::{MessageId, Time};
use serde::{Deserialize, Serialize};
use storage::feedback::Rating;
use utoipa::ToSchema;

/// Characters of a comment at most.
const COMMENT_CHARS_MAX: usize = 4_000;

/// A rating to give.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateFeedback {
    /// `good`, `acceptable` or `poor`.
    #[schema(value_type = String, example = "good")]
    rating: Rating,
    /// Why, in their words.
    #[serde(default)]
    comment: Option<String>,
}

/// A rating; the newest counts.
#[derive(Serialize, ToSchema)]
pub(crate) struct FeedbackObject {
    /// Always `feedback`.
    object: &'static str,
    #[schema(value_type = String)]
    message_id: MessageId,
    #[schema(value_type = String)]
    rating: Rating,
    comment: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
}

/// Rates an answer.
#[utoipa::path(post, path = "/v1/messages/{id}/feedback", tag = "messages", params(("id" = String, Path)),
    request_body = CreateFeedback,
    responses((status = 201, description = "The rating", body = FeedbackObject)))]
pub(crate) async fn create_feedback(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<MessageId>,
    Json(body): Json<CreateFeedback>,
) -> Result<(axum::http::StatusCode, axum::Json<FeedbackObject>)> {
    if body.comment.as_ref().is_some_and(|comment| comment.chars().count() > COMMENT_CHARS_MAX) {
        let detail = format!("`comment` has more than {COMMENT_CHARS_MAX} characters");
        return Err(Problem::invalid(detail).at("/comment"));
    }
    let tenant = app.of(caller.organization_id());
    if tenant.load_message(id).await?.sender == Sender::Customer {
        return Err(Problem::invalid("only answers are rated, and this message is the customer's"));
    }
    let mut transaction = tenant.begin().await?;
    transaction.upsert_feedback(id, body.rating, body.comment.clone()).await?;
    let created_at = transaction.now();
    transaction.commit().await?;
    let feedback =
        FeedbackObject { object: "feedback", message_id: id, rating: body.rating, comment: body.comment, created_at };
    Ok((axum::http::StatusCode::CREATED, axum::Json(feedback)))
}
