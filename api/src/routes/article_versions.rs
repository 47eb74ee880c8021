//! The versions of an article: listed, compared, brought back.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path, Query};
use crate::error::Result;
use crate::list::List;
use crate::routes::articles::ArticleObject;
use axum::extract::State;
use domain::suggestion::{SentenceLink, VersionOrigin};
use domain::{ArticleId, Time};
use ingest::compare::compare;
use ingest::review::relink;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use storage::articles::{ArticleText, ArticleVersion};
use utoipa::{IntoParams, ToSchema};

/// The text of an article at one version.
#[derive(Serialize, ToSchema)]
pub(crate) struct ArticleVersionObject {
    /// Always `article_version`.
    object: &'static str,
    #[schema(value_type = String)]
    article_id: ArticleId,
    /// From 1.
    version: i64,
    title: String,
    body: String,
    /// `written`, `generated`, `merged` or `restored`.
    #[schema(value_type = String, example = "written")]
    origin: VersionOrigin,
    /// The id of a key or agent, or `system`.
    author: String,
    /// Its sentences with their quotes, as far as they have one.
    #[schema(value_type = Vec<Object>)]
    links: Vec<SentenceLink>,
    /// Who approved it; `system` where it was published without review.
    reviewer: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    reviewed_at: Option<Time>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
}

impl From<ArticleVersion> for ArticleVersionObject {
    fn from(version: ArticleVersion) -> Self {
        Self {
            object: "article_version",
            article_id: version.article_id,
            version: version.version,
            title: version.title,
            body: version.body,
            origin: version.origin,
            author: version.author,
            links: version.links,
            reviewer: version.reviewer,
            reviewed_at: version.reviewed_at,
            created_at: version.created_at,
        }
    }
}

/// Lists the versions of an article, the newest first.
#[utoipa::path(get, path = "/v1/articles/{id}/versions", tag = "knowledge", params(("id" = String, Path)),
    operation_id = "list_article_versions",
    responses((status = 200, description = "All versions", body = List<ArticleVersionObject>)))]
pub(crate) async fn list_versions(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ArticleId>,
) -> Result<axum::Json<List<ArticleVersionObject>>> {
    let tenant = app.of(caller.organization_id());
    tenant.load_article(id).await?;
    let versions = tenant.list_article_versions(id).await?;
    Ok(axum::Json(List::whole(versions.into_iter().map(ArticleVersionObject::from).collect())))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CompareVersions {
    /// The older version; the one before `to` where absent.
    from: Option<i64>,
    /// The newer version; the present one where absent.
    to: Option<i64>,
}

/// The difference between two versions.
#[derive(Serialize, ToSchema)]
pub(crate) struct ArticleDiff {
    /// Always `article_diff`.
    object: &'static str,
    from: i64,
    to: i64,
    /// Stretches of the title with changes: `from_line to_line lines[{change, pieces[{text, changed}]}]`.
    #[schema(value_type = Vec<Object>)]
    title: Value,
    /// The same of the text.
    #[schema(value_type = Vec<Object>)]
    body: Value,
}

/// Compares two versions of an article, line by line, and within changed lines word by word.
#[utoipa::path(get, path = "/v1/articles/{id}/diff", tag = "knowledge", params(("id" = String, Path), CompareVersions),
    operation_id = "compare_article_versions",
    responses((status = 200, description = "What differs", body = ArticleDiff)))]
pub(crate) async fn compare_versions(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ArticleId>,
    Query(query): Query<CompareVersions>,
) -> Result<axum::Json<ArticleDiff>> {
    let tenant = app.of(caller.organization_id());
    let article = tenant.load_article(id).await?;
    let to = query.to.unwrap_or(article.version);
    let from = query.from.unwrap_or((to - 1).max(1));
    let (older, newer) = (tenant.load_article_version(id, from).await?, tenant.load_article_version(id, to).await?);
    let hunks = |from: &str, to: &str| serde_json::to_value(compare(from, to)).unwrap_or_default();
    Ok(axum::Json(ArticleDiff {
        object: "article_diff",
        from,
        to,
        title: hunks(&older.title, &newer.title),
        body: hunks(&older.body, &newer.body),
    }))
}

/// Which version comes back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestoreVersion {
    version: i64,
}

/// Brings the text of an older version back, as the next version. Answers use it once it is published again.
#[utoipa::path(post, path = "/v1/articles/{id}/restore", tag = "knowledge", params(("id" = String, Path)),
    operation_id = "restore_article_version", request_body = RestoreVersion,
    responses((status = 200, description = "The article as it is now", body = ArticleObject)))]
pub(crate) async fn restore_version(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ArticleId>,
    Json(body): Json<RestoreVersion>,
) -> Result<axum::Json<ArticleObject>> {
    let tenant = app.of(caller.organization_id());
    let version = tenant.load_article_version(id, body.version).await?;
    let links = relink(&version.body, &version.links);
    let author = caller.actor();
    let text = ArticleText {
        title: &version.title,
        body: &version.body,
        origin: VersionOrigin::Restored,
        author: &author,
        links: &links,
    };
    let mut transaction = tenant.begin().await?;
    let article = transaction.update_article(id, text).await?;
    transaction.insert_audit(&author, "article.restored", &id.to_string()).await?;
    transaction.commit().await?;
    ArticleObject::of(tenant, article).await
}
