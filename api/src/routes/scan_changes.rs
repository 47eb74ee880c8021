//! What a scan found other than before: look at it, apply it, refuse it.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path, Query};
use crate::error::{Problem, Result};
use crate::list::{self, List};
use crate::routes::scans::ScanObject;
use axum::extract::State;
use axum::http::StatusCode;
use domain::page::{Page, PageDecision, PageState, Risk};
use domain::{DocumentId, PageId, ScanId};
use ingest::conclude::{Review, review, texts};
use ingest::diff::{Difference, difference};
use serde::{Deserialize, Serialize};
use storage::pages::PageFilter;
use utoipa::{IntoParams, ToSchema};

/// Pages that one request decides about, at most.
const PAGES_MAX: usize = 1_000;

/// What a page was before and is now.
#[derive(Serialize, ToSchema)]
pub(crate) struct PageChangeObject {
    /// The page's id.
    #[schema(value_type = String)]
    id: PageId,
    /// Always `page_change`.
    object: &'static str,
    url: String,
    /// `new`, `changed` or `removed`.
    #[schema(value_type = String, example = "changed")]
    state: PageState,
    /// `unconfirmed`, `waiting`, `approved`, `applied`, `rejected` or `superseded`; absent for new pages.
    #[schema(value_type = Option<String>, example = "waiting")]
    decision: Option<PageDecision>,
    /// Why it counts as gone, in a sentence for people.
    reason: Option<String>,
    #[schema(value_type = Option<String>)]
    document_id: Option<DocumentId>,
    /// The version its document had.
    version_before: Option<i64>,
    /// The version it has since the change was applied.
    version_after: Option<i64>,
    /// Prices, dates, amounts and negations that differ: `{"kind","before":[…],"after":[…]}`.
    #[schema(value_type = Vec<Object>)]
    risks: Vec<Risk>,
    /// `{"hunks":[{"before_line","after_line","lines":[{"kind":"same|removed|added","text"}]}],"cut"}`.
    #[schema(value_type = Object)]
    diff: Difference,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListChanges {
    /// Only `new`, `changed` or `removed`.
    #[param(value_type = Option<String>)]
    state: Option<PageState>,
    /// Only changes with that decision.
    #[param(value_type = Option<String>)]
    decision: Option<PageDecision>,
    /// From 1 to 100; 20 where absent.
    limit: Option<i64>,
    /// The `next_cursor` of the stretch before.
    after: Option<String>,
}

/// Lists what a scan found new, changed or removed, each with the lines that differ.
#[utoipa::path(get, path = "/v1/scans/{id}/diff", operation_id = "list_scan_changes", tag = "knowledge",
    params(("id" = String, Path), ListChanges),
    responses((status = 200, description = "A stretch of the list", body = List<PageChangeObject>)))]
pub(crate) async fn list_changes(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ScanId>,
    Query(query): Query<ListChanges>,
) -> Result<axum::Json<List<PageChangeObject>>> {
    let tenant = app.of(caller.organization_id());
    let limit = list::limit(query.limit)?;
    let after = list::id(query.after.as_deref())?;
    tenant.load_scan(id).await?;
    let filter = PageFilter { state: query.state, decision: query.decision, differs: true };
    let rows = tenant.list_pages(id, filter, after, limit + 1).await?;
    let mut found = Vec::with_capacity(rows.len());
    for page in rows {
        let (before, after) = texts(tenant, &page).await?;
        let shown =
            tokio::task::spawn_blocking(move || difference(&before.unwrap_or_default(), &after.unwrap_or_default()));
        found.push((page, shown.await.unwrap_or_default()));
    }
    let cursor = |(page, _): &(Page, Difference)| list::id_cursor(page.id);
    Ok(axum::Json(List::stretch(found, limit, cursor, PageChangeObject::from)))
}

impl From<(Page, Difference)> for PageChangeObject {
    fn from((page, diff): (Page, Difference)) -> Self {
        Self {
            id: page.id,
            object: "page_change",
            url: page.url,
            state: page.state,
            decision: page.decision,
            reason: page.reason,
            document_id: page.document_id,
            version_before: page.version_before,
            version_after: page.version_after,
            risks: page.risks,
            diff,
        }
    }
}

/// Which changes are decided about.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecideChanges {
    /// Ids of pages; absent means every change that waits.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    pages: Option<Vec<PageId>>,
}

/// Applies changes that wait: of the pages named, or all. A worker does it; the scan shows how far it is.
#[utoipa::path(post, path = "/v1/scans/{id}/apply", operation_id = "apply_scan_changes", tag = "knowledge",
    params(("id" = String, Path)), request_body = DecideChanges,
    responses((status = 202, description = "They are being applied", body = ScanObject)))]
pub(crate) async fn apply_changes(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ScanId>,
    Json(body): Json<DecideChanges>,
) -> Result<(StatusCode, axum::Json<ScanObject>)> {
    decide(&app, &caller, id, body, Review::Apply).await
}

/// Refuses changes that wait: of the pages named, or all. The earlier texts stay, and the same change is
/// not proposed again.
#[utoipa::path(post, path = "/v1/scans/{id}/reject", operation_id = "reject_scan_changes", tag = "knowledge",
    params(("id" = String, Path)), request_body = DecideChanges,
    responses((status = 202, description = "They are refused", body = ScanObject)))]
pub(crate) async fn reject_changes(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ScanId>,
    Json(body): Json<DecideChanges>,
) -> Result<(StatusCode, axum::Json<ScanObject>)> {
    decide(&app, &caller, id, body, Review::Reject).await
}

async fn decide(
    app: &App,
    caller: &Caller,
    id: ScanId,
    body: DecideChanges,
    decision: Review,
) -> Result<(StatusCode, axum::Json<ScanObject>)> {
    if body.pages.as_ref().is_some_and(|pages| pages.is_empty() || pages.len() > PAGES_MAX) {
        return Err(Problem::invalid(format!("`pages` names from 1 to {PAGES_MAX} pages")).at("/pages"));
    }
    let scan = review(&app.library, caller.organization_id(), id, body.pages.as_deref(), decision).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(scan.into())))
}
