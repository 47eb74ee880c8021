//! Articles: readable text that people edit, with every version of it.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path, Query};
use crate::error::{Problem, Result};
use crate::list::{self, List};
use axum::extract::State;
use axum::http::StatusCode;
use domain::knowledge::{Article, ArticleState};
use domain::suggestion::{ArticleKind, ArticleOrigin};
use domain::{ArticleId, DocumentId, SourceId, Time};
use ingest::articles::{archive, publish};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::slice;
use std::time::Duration;
use storage::Tenant;
use storage::articles::ArticleText;
use utoipa::{IntoParams, ToSchema};

/// Characters of a title at most.
const TITLE_CHARS_MAX: usize = 300;
/// Characters of a text at most.
const BODY_CHARS_MAX: usize = 500_000;
/// How far back the uses of an article are counted.
const USES_PERIOD: Duration = Duration::from_hours(30 * 24);

/// Readable text; publishing makes it a document that answers may cite.
#[derive(Serialize, ToSchema)]
pub(crate) struct ArticleObject {
    #[schema(value_type = String, example = "art_01jd3q5w8hf3k9m2n4p6r8t0vx")]
    id: ArticleId,
    /// Always `article`.
    object: &'static str,
    /// The document that carries its published text.
    #[schema(value_type = Option<String>)]
    document_id: Option<DocumentId>,
    title: String,
    /// Markdown.
    body: String,
    /// `draft`, `in_review`, `published` or `archived`.
    #[schema(value_type = String, example = "draft")]
    state: ArticleState,
    /// Grows with every change.
    version: i64,
    /// `article` or `faq`.
    #[schema(value_type = String, example = "article")]
    kind: ArticleKind,
    /// `written` by a person or `generated` from documents.
    #[schema(value_type = String, example = "written")]
    origin: ArticleOrigin,
    /// The source it is generated from.
    #[schema(value_type = Option<String>)]
    source_id: Option<SourceId>,
    /// The version that holds what the generator said last.
    base_version: Option<i64>,
    /// How many of the AI's messages of the last 30 days cite it.
    used_in_answers: i64,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Time,
}

impl ArticleObject {
    /// The article with how often it was used lately.
    pub(crate) async fn of(tenant: Tenant<'_>, article: Article) -> Result<axum::Json<Self>> {
        let uses = uses(tenant, slice::from_ref(&article)).await?;
        Ok(axum::Json(Self::new(article, &uses)))
    }

    fn new(article: Article, uses: &HashMap<DocumentId, i64>) -> Self {
        Self {
            id: article.id,
            object: "article",
            document_id: article.document_id,
            title: article.title,
            body: article.body,
            state: article.state,
            version: article.version,
            kind: article.kind,
            origin: article.origin,
            source_id: article.source_id,
            base_version: article.base_version,
            used_in_answers: article.document_id.and_then(|id| uses.get(&id)).copied().unwrap_or_default(),
            created_at: article.created_at,
            updated_at: article.updated_at,
        }
    }
}

/// How many of the AI's messages cite the documents of the articles lately.
async fn uses(tenant: Tenant<'_>, articles: &[Article]) -> Result<HashMap<DocumentId, i64>> {
    let documents: Vec<DocumentId> = articles.iter().filter_map(|article| article.document_id).collect();
    if documents.is_empty() {
        return Ok(HashMap::new());
    }
    let counted = tenant.count_citing_messages(&documents, tenant.now() - USES_PERIOD).await?;
    Ok(counted.into_iter().collect())
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListArticles {
    /// Only articles in that state.
    #[param(value_type = Option<String>)]
    state: Option<ArticleState>,
    /// From 1 to 100; 20 where absent.
    limit: Option<i64>,
    /// The `next_cursor` of the stretch before.
    after: Option<String>,
}

/// Lists articles, the last changed first.
#[utoipa::path(get, path = "/v1/articles", tag = "knowledge", params(ListArticles),
    responses((status = 200, description = "A stretch of the list", body = List<ArticleObject>)))]
pub(crate) async fn list_articles(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListArticles>,
) -> Result<axum::Json<List<ArticleObject>>> {
    let limit = list::limit(query.limit)?;
    let after = list::keyset(query.after.as_deref())?;
    let tenant = app.of(caller.organization_id());
    let rows = tenant.list_articles(query.state, after, limit + 1).await?;
    let uses = uses(tenant, &rows).await?;
    let cursor = |row: &Article| list::cursor(row.updated_at, row.id);
    Ok(axum::Json(List::stretch(rows, limit, cursor, |article| ArticleObject::new(article, &uses))))
}

/// An article to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateArticle {
    title: String,
    /// Markdown.
    #[serde(default)]
    body: String,
}

/// Adds an article as a draft.
#[utoipa::path(post, path = "/v1/articles", tag = "knowledge", request_body = CreateArticle,
    responses((status = 201, description = "The draft", body = ArticleObject)))]
pub(crate) async fn create_article(
    State(app): State<App>,
    caller: Caller,
    Json(new): Json<CreateArticle>,
) -> Result<(StatusCode, axum::Json<ArticleObject>)> {
    check(&new.title, &new.body)?;
    let tenant = app.of(caller.organization_id());
    let mut transaction = tenant.begin().await?;
    let article = transaction
        .insert_article(ArticleText::written(&new.title, &new.body, &caller.actor()), ArticleState::Draft)
        .await?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, ArticleObject::of(tenant, article).await?))
}

/// Reads an article.
#[utoipa::path(get, path = "/v1/articles/{id}", tag = "knowledge", params(("id" = String, Path)),
    responses((status = 200, description = "The article", body = ArticleObject)))]
pub(crate) async fn get_article(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ArticleId>,
) -> Result<axum::Json<ArticleObject>> {
    let tenant = app.of(caller.organization_id());
    ArticleObject::of(tenant, tenant.load_article(id).await?).await
}

/// Changes of an article; what is absent stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateArticle {
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    body: Option<String>,
}

/// Changes an article, as its next version. Answers use it once it is published again.
#[utoipa::path(patch, path = "/v1/articles/{id}", tag = "knowledge", params(("id" = String, Path)),
    request_body = UpdateArticle,
    responses((status = 200, description = "The article as it is now", body = ArticleObject)))]
pub(crate) async fn update_article(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ArticleId>,
    Json(changes): Json<UpdateArticle>,
) -> Result<axum::Json<ArticleObject>> {
    let tenant = app.of(caller.organization_id());
    let present = tenant.load_article(id).await?;
    let title = changes.title.unwrap_or(present.title);
    let body = changes.body.unwrap_or(present.body);
    check(&title, &body)?;
    let mut transaction = tenant.begin().await?;
    let article = transaction.update_article(id, ArticleText::written(&title, &body, &caller.actor())).await?;
    transaction.commit().await?;
    ArticleObject::of(tenant, article).await
}

/// Deletes an article with its versions and the document that carries its text.
#[utoipa::path(delete, path = "/v1/articles/{id}", tag = "knowledge", params(("id" = String, Path)),
    responses((status = 204, description = "It is deleted")))]
pub(crate) async fn delete_article(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ArticleId>,
) -> Result<StatusCode> {
    let mut transaction = app.of(caller.organization_id()).begin().await?;
    transaction.delete_article(id).await?;
    transaction.insert_audit(&caller.actor(), "article.deleted", &id.to_string()).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Publishes the present text of an article: answers may cite it when this returns.
#[utoipa::path(post, path = "/v1/articles/{id}/publish", tag = "knowledge", params(("id" = String, Path)),
    responses((status = 200, description = "The article as it is now", body = ArticleObject)))]
pub(crate) async fn publish_article(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ArticleId>,
) -> Result<axum::Json<ArticleObject>> {
    let article = publish(&app.library, caller.organization_id(), id, &caller.actor()).await?;
    ArticleObject::of(app.of(caller.organization_id()), article).await
}

/// Takes an article out of answers; its text stays.
#[utoipa::path(post, path = "/v1/articles/{id}/archive", tag = "knowledge", params(("id" = String, Path)),
    responses((status = 200, description = "The article as it is now", body = ArticleObject)))]
pub(crate) async fn archive_article(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ArticleId>,
) -> Result<axum::Json<ArticleObject>> {
    let article = archive(&app.library, caller.organization_id(), id, &caller.actor()).await?;
    ArticleObject::of(app.of(caller.organization_id()), article).await
}

pub(crate) fn check(title: &str, body: &str) -> Result<()> {
    let characters = title.trim().chars().count();
    if characters == 0 || characters > TITLE_CHARS_MAX {
        return Err(Problem::invalid(format!("`title` has from 1 to {TITLE_CHARS_MAX} characters")).at("/title"));
    }
    if body.chars().count() > BODY_CHARS_MAX {
        return Err(Problem::invalid(format!("`body` has more than {BODY_CHARS_MAX} characters")).at("/body"));
    }
    Ok(())
}
