//! The review queue: generated articles with the proof of every sentence, approved or rejected by people.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path, Query};
use crate::error::{Problem, Result};
use crate::list::{self, List};
use axum::extract::State;
use domain::knowledge::ArticleState;
use domain::suggestion::{ArticleKind, SentenceLink, Suggestion, SuggestionState};
use domain::{ArticleId, DocumentId, Kinded, SourceId, SuggestionId, Time};
use ingest::compare::compare;
use ingest::review::{Edit, approve, reject, unlinked};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use storage::Keyset;
use storage::suggestions::{SuggestionCount, SuggestionFilter};
use utoipa::{IntoParams, ToSchema};

/// Suggestions that one request may judge.
const JUDGED_MAX: usize = 100;
/// Characters of a reason.
const REASON_CHARS_MAX: usize = 1_000;

/// A generated text that waits for a person, or was judged by one.
#[derive(Serialize, ToSchema)]
pub(crate) struct SuggestionObject {
    #[schema(value_type = String, example = "sug_01jd3q5w8hf3k9m2n4p6r8t0vx")]
    id: SuggestionId,
    /// Always `suggestion`.
    object: &'static str,
    /// The article it becomes, or changes.
    #[schema(value_type = String)]
    article_id: ArticleId,
    #[schema(value_type = Option<String>)]
    source_id: Option<SourceId>,
    /// `article` or `faq`: a question as title, and its answer.
    #[schema(value_type = String, example = "faq")]
    kind: ArticleKind,
    /// `waiting`, `approved`, `rejected` or `withdrawn`.
    #[schema(value_type = String, example = "waiting")]
    state: SuggestionState,
    title: String,
    /// Markdown.
    body: String,
    /// Support of its weakest sentence, 0 to 1.
    support: f64,
    /// Sentences that state something.
    sentences: i64,
    /// Sentences of these that have a quote.
    linked: i64,
    /// Sentences of the draft that were left out because nothing proved them.
    dropped: i64,
    /// What wrote it.
    generator: String,
    /// Why it should be looked at, or why it was rejected.
    reason: Option<String>,
    /// The id of a key or agent; `system` where it was published without review.
    reviewer: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    reviewed_at: Option<Time>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Time,
}

impl From<Suggestion> for SuggestionObject {
    fn from(suggestion: Suggestion) -> Self {
        Self {
            id: suggestion.id,
            object: "suggestion",
            article_id: suggestion.article_id,
            source_id: suggestion.source_id,
            kind: suggestion.kind,
            state: suggestion.state,
            title: suggestion.title,
            body: suggestion.body,
            support: suggestion.support,
            sentences: suggestion.sentences,
            linked: suggestion.linked,
            dropped: suggestion.dropped,
            generator: suggestion.generator,
            reason: suggestion.reason,
            reviewer: suggestion.reviewer,
            reviewed_at: suggestion.reviewed_at,
            created_at: suggestion.created_at,
            updated_at: suggestion.updated_at,
        }
    }
}

/// A suggestion with everything that a reviewer needs beside it.
#[derive(Serialize, ToSchema)]
pub(crate) struct SuggestionOpened {
    #[serde(flatten)]
    suggestion: SuggestionObject,
    /// Its sentences with their quotes: `sentence document_id version start end quote support`.
    #[schema(value_type = Vec<Object>)]
    links: Vec<SentenceLink>,
    /// Sentences without a quote.
    unlinked: Vec<String>,
    /// The documents that it is drafted from; several say the same where near-duplicates were merged.
    documents: Vec<SourceDocument>,
    /// Where it changes a published article: the lines that differ.
    #[schema(value_type = Option<Vec<Object>>)]
    diff: Option<Value>,
}

/// A document that an article is drafted from.
#[derive(Serialize, ToSchema)]
pub(crate) struct SourceDocument {
    #[schema(value_type = String)]
    document_id: DocumentId,
    version: i64,
    title: String,
    url: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListReview {
    /// `waiting` where absent; `approved`, `rejected`, `withdrawn`, or `any`.
    state: Option<String>,
    /// Only from that source.
    #[param(value_type = Option<String>)]
    source: Option<SourceId>,
    /// Only of that kind: `article` or `faq`.
    #[param(value_type = Option<String>)]
    kind: Option<ArticleKind>,
    /// From 1 to 100; 20 where absent.
    limit: Option<i64>,
    /// The `next_cursor` of the stretch before.
    after: Option<String>,
}

/// A stretch of the queue with what is in it altogether.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReviewList {
    #[serde(flatten)]
    list: List<SuggestionObject>,
    /// How many suggestions there are by `state` and `kind`.
    #[schema(value_type = Vec<Object>)]
    counts: Vec<SuggestionCount>,
}

/// Lists suggestions, the newest first; those that wait where nothing else is asked.
#[utoipa::path(get, path = "/v1/review", tag = "knowledge", params(ListReview), operation_id = "list_suggestions",
    responses((status = 200, description = "A stretch of the queue", body = ReviewList)))]
pub(crate) async fn list_review(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListReview>,
) -> Result<axum::Json<ReviewList>> {
    let state = match query.state.as_deref() {
        None => Some(SuggestionState::Waiting),
        Some("any") => None,
        Some(word) => Some(word.parse().map_err(|_| {
            Problem::invalid(format!("`state` is `{word}`; it is waiting, approved, rejected, withdrawn or any"))
        })?),
    };
    let limit = list::limit(query.limit)?;
    let after: Keyset = list::keyset(query.after.as_deref())?;
    let filter = SuggestionFilter { state, source_id: query.source, kind: query.kind, article_id: None };
    let tenant = app.of(caller.organization_id());
    let rows = tenant.list_suggestions(filter, after, limit + 1).await?;
    let counts = tenant.count_suggestions(query.source).await?;
    let cursor = |row: &Suggestion| list::cursor(row.created_at, row.id);
    Ok(axum::Json(ReviewList { list: List::stretch(rows, limit, cursor, SuggestionObject::from), counts }))
}

/// Reads a suggestion with the quotes of its sentences, its documents, and what it changes.
#[utoipa::path(get, path = "/v1/review/{id}", tag = "knowledge", params(("id" = String, Path)),
    operation_id = "get_suggestion",
    responses((status = 200, description = "The suggestion", body = SuggestionOpened)))]
pub(crate) async fn get_review(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<SuggestionId>,
) -> Result<axum::Json<SuggestionOpened>> {
    let tenant = app.of(caller.organization_id());
    let suggestion = tenant.load_suggestion(id).await?;
    let article = tenant.load_article(suggestion.article_id).await?;
    let documents = tenant.list_article_documents(article.id).await?;
    let is_update = article.state == ArticleState::Published && suggestion.state == SuggestionState::Waiting;
    let diff = is_update.then(|| serde_json::to_value(compare(&article.body, &suggestion.body)).unwrap_or_default());
    Ok(axum::Json(SuggestionOpened {
        links: suggestion.links.clone(),
        unlinked: unlinked(&suggestion.body, &suggestion.links).into_iter().map(str::to_owned).collect(),
        documents: documents
            .into_iter()
            .map(|document| SourceDocument {
                document_id: document.document_id,
                version: document.version,
                title: document.title,
                url: document.url,
            })
            .collect(),
        diff,
        suggestion: suggestion.into(),
    }))
}

/// What a reviewer changes while approving; what is absent stays as it is suggested.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ApproveSuggestion {
    title: Option<String>,
    /// Markdown.
    body: Option<String>,
}

/// Publishes a suggestion, with changes where some are sent: answers may cite it when this returns.
#[utoipa::path(post, path = "/v1/review/{id}/approve", tag = "knowledge", params(("id" = String, Path)),
    operation_id = "approve_suggestion", request_body = ApproveSuggestion,
    responses((status = 200, description = "The suggestion as it is now", body = SuggestionObject)))]
pub(crate) async fn approve_review(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<SuggestionId>,
    Json(body): Json<ApproveSuggestion>,
) -> Result<axum::Json<SuggestionObject>> {
    super::articles::check(body.title.as_deref().unwrap_or("unchanged"), body.body.as_deref().unwrap_or_default())?;
    let edit = Edit { title: body.title, body: body.body };
    let approved = approve(&app.library, caller.organization_id(), id, edit, &caller.actor()).await?;
    Ok(axum::Json(approved.into()))
}

/// Why a suggestion is refused.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RejectSuggestion {
    reason: Option<String>,
}

/// Refuses a suggestion; the same text is not suggested again.
#[utoipa::path(post, path = "/v1/review/{id}/reject", tag = "knowledge", params(("id" = String, Path)),
    operation_id = "reject_suggestion", request_body = RejectSuggestion,
    responses((status = 200, description = "The suggestion as it is now", body = SuggestionObject)))]
pub(crate) async fn reject_review(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<SuggestionId>,
    Json(body): Json<RejectSuggestion>,
) -> Result<axum::Json<SuggestionObject>> {
    check_reason(body.reason.as_deref())?;
    let rejected = reject(&app.library, caller.organization_id(), id, body.reason, &caller.actor()).await?;
    Ok(axum::Json(rejected.into()))
}

/// Suggestions that are judged alike.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JudgeSuggestions {
    /// From 1 to 100.
    #[schema(value_type = Vec<String>)]
    ids: Vec<SuggestionId>,
    /// Why they are refused.
    #[serde(default)]
    reason: Option<String>,
}

/// What became of one of several suggestions.
#[derive(Serialize, ToSchema)]
pub(crate) struct Judged {
    #[schema(value_type = String)]
    id: SuggestionId,
    /// Whether it was judged as asked.
    done: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Judged {
    fn of(id: SuggestionId, outcome: ingest::Result<Suggestion>) -> Result<Self> {
        use domain::ErrorKind::{Conflict, Invalid, NotFound};
        match outcome {
            Ok(_) => Ok(Self { id, done: true, error: None }),
            Err(error) if matches!(error.kind(), Conflict | Invalid | NotFound) => {
                Ok(Self { id, done: false, error: Some(error.to_string()) })
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Publishes several suggestions as they are; each by itself, so one that cannot be leaves the others alone.
#[utoipa::path(post, path = "/v1/review/approve", tag = "knowledge", operation_id = "approve_suggestions",
    request_body = JudgeSuggestions,
    responses((status = 200, description = "What became of each", body = List<Judged>)))]
pub(crate) async fn approve_many(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<JudgeSuggestions>,
) -> Result<axum::Json<List<Judged>>> {
    check_ids(&body.ids)?;
    let mut judged = Vec::new();
    for id in body.ids {
        let outcome = approve(&app.library, caller.organization_id(), id, Edit::default(), &caller.actor()).await;
        judged.push(Judged::of(id, outcome)?);
    }
    Ok(axum::Json(List::whole(judged)))
}

/// Refuses several suggestions for one reason.
#[utoipa::path(post, path = "/v1/review/reject", tag = "knowledge", operation_id = "reject_suggestions",
    request_body = JudgeSuggestions,
    responses((status = 200, description = "What became of each", body = List<Judged>)))]
pub(crate) async fn reject_many(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<JudgeSuggestions>,
) -> Result<axum::Json<List<Judged>>> {
    check_ids(&body.ids)?;
    check_reason(body.reason.as_deref())?;
    let mut judged = Vec::new();
    for id in body.ids {
        let outcome = reject(&app.library, caller.organization_id(), id, body.reason.clone(), &caller.actor()).await;
        judged.push(Judged::of(id, outcome)?);
    }
    Ok(axum::Json(List::whole(judged)))
}

fn check_ids(ids: &[SuggestionId]) -> Result<()> {
    if (1..=JUDGED_MAX).contains(&ids.len()) {
        Ok(())
    } else {
        Err(Problem::invalid(format!("`ids` holds {}; from 1 to {JUDGED_MAX} are allowed", ids.len())).at("/ids"))
    }
}

fn check_reason(reason: Option<&str>) -> Result<()> {
    if reason.is_some_and(|reason| reason.chars().count() > REASON_CHARS_MAX) {
        return Err(Problem::invalid(format!("`reason` has at most {REASON_CHARS_MAX} characters")).at("/reason"));
    }
    Ok(())
}
