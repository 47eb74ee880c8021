//! Scans of websites: look before, start, follow, hold, go on, call off.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path, Query};
use crate::error::Result;
use crate::list::{self, List};
use axum::extract::State;
use axum::http::StatusCode;
use domain::page::{Page, PageDecision, PageState, Scan, ScanSettings, ScanState};
use domain::{DocumentId, PageId, ScanId, SourceId, Time};
use ingest::preview::Preview;
use ingest::progress::progress;
use ingest::scan::{cancel, pause, resume, start};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use storage::pages::PageFilter;
use utoipa::{IntoParams, ToSchema};

/// A scan to start, or to look at before.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateScan {
    /// Where it starts; without a scheme it is `https`.
    url: String,
    /// Only addresses that match one of these globs; empty means all below the start.
    #[serde(default)]
    include: Vec<String>,
    /// No addresses that match one of these globs.
    #[serde(default)]
    exclude: Vec<String>,
    /// Pages read at most.
    #[serde(default)]
    pages_max: Option<usize>,
    /// Links followed in a row at most.
    #[serde(default)]
    depth_max: Option<usize>,
    /// Draft articles and questions with answers from the pages, for review; `true` where absent.
    #[serde(default)]
    generate: Option<bool>,
    /// Publish what is generated without review, as far as every sentence of it is proved.
    #[serde(default)]
    publish: bool,
    /// Minutes after which the scan ends; pages not read by then are skipped. Time on hold does not count.
    #[serde(default)]
    deadline_minutes: Option<u32>,
}

impl CreateScan {
    fn settings(self) -> ScanSettings {
        let default = ScanSettings::default();
        ScanSettings {
            include: self.include,
            exclude: self.exclude,
            pages_max: self.pages_max.unwrap_or(default.pages_max),
            depth_max: self.depth_max.unwrap_or(default.depth_max),
            generate: self.generate.unwrap_or(default.generate),
            publish: self.publish,
            deadline_minutes: self.deadline_minutes.unwrap_or(default.deadline_minutes),
        }
    }
}

/// One pass over a website.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScanObject {
    #[schema(value_type = String, example = "scan_01jd3q5w8hf3k9m2n4p6r8t0vx")]
    id: ScanId,
    /// Always `scan`.
    object: &'static str,
    /// The source its pages become documents of.
    #[schema(value_type = String)]
    source_id: SourceId,
    url: String,
    #[schema(value_type = Object)]
    settings: ScanSettings,
    /// `discovering`, `running`, `paused`, `concluding`, `completed`, `cancelled` or `failed`.
    #[schema(value_type = String, example = "running")]
    state: ScanState,
    /// Why it failed, in a sentence for people.
    error: Option<String>,
    /// Why changes wait for a person, in a sentence for people.
    held_because: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    /// Pages that are not read by then are skipped.
    #[schema(value_type = Option<String>, format = DateTime)]
    deadline_at: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Time>,
}

impl From<Scan> for ScanObject {
    fn from(scan: Scan) -> Self {
        Self {
            id: scan.id,
            object: "scan",
            source_id: scan.source_id,
            url: scan.url,
            settings: scan.settings,
            state: scan.state,
            error: scan.error,
            held_because: scan.held_because,
            created_at: scan.created_at,
            deadline_at: scan.deadline_at,
            finished_at: scan.finished_at,
        }
    }
}

/// Lists what a scan would read, and what it would skip and why; nothing is stored.
#[utoipa::path(post, path = "/v1/scans/preview", tag = "knowledge", request_body = CreateScan,
    responses((status = 200, description = "Folders with pages and tokens, and what is skipped by reason", body = Object)))]
pub(crate) async fn create_scan_preview(
    State(app): State<App>,
    _: Caller,
    Json(body): Json<CreateScan>,
) -> Result<axum::Json<Preview>> {
    let url = body.url.clone();
    Ok(axum::Json(ingest::preview::preview(&app.library, &url, &body.settings()).await?))
}

/// Starts a scan.
#[utoipa::path(post, path = "/v1/scans", tag = "knowledge", request_body = CreateScan,
    responses((status = 201, description = "It is going on", body = ScanObject)))]
pub(crate) async fn create_scan(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateScan>,
) -> Result<(StatusCode, axum::Json<ScanObject>)> {
    let url = body.url.clone();
    let scan = start(&app.library, caller.organization_id(), &url, body.settings()).await?;
    Ok((StatusCode::CREATED, axum::Json(scan.into())))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListScans {
    /// From 1 to 100; 20 where absent.
    limit: Option<i64>,
    /// The `next_cursor` of the stretch before.
    after: Option<String>,
}

/// Lists scans, the newest first.
#[utoipa::path(get, path = "/v1/scans", tag = "knowledge", params(ListScans),
    responses((status = 200, description = "A stretch of the list", body = List<ScanObject>)))]
pub(crate) async fn list_scans(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListScans>,
) -> Result<axum::Json<List<ScanObject>>> {
    let limit = list::limit(query.limit)?;
    let after = list::keyset(query.after.as_deref())?;
    let rows = app.of(caller.organization_id()).list_scans(after, limit + 1).await?;
    let cursor = |row: &Scan| list::cursor(row.created_at, row.id);
    Ok(axum::Json(List::stretch(rows, limit, cursor, ScanObject::from)))
}

/// A scan with its progress.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScanOpened {
    #[serde(flatten)]
    scan: ScanObject,
    /// How many pages are in each state; states without a page are absent.
    pages: BTreeMap<String, i64>,
    /// How many changes have each decision; decisions without a change are absent.
    changes: BTreeMap<String, i64>,
    /// Pages found so far.
    pages_found: i64,
    /// Pages that have their outcome.
    pages_done: i64,
    /// Pages that ended in a second, lately; of an ended scan over its whole time.
    pages_per_second: f64,
    /// Seconds until the pages found so far are done; absent when nothing moves.
    seconds_left: Option<u64>,
    /// Passages that had to be embedded; those whose text was known were not.
    chunks_embedded: i64,
}

/// Reads a scan with its progress.
#[utoipa::path(get, path = "/v1/scans/{id}", tag = "knowledge", params(("id" = String, Path)),
    responses((status = 200, description = "The scan", body = ScanOpened)))]
pub(crate) async fn get_scan(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ScanId>,
) -> Result<axum::Json<ScanOpened>> {
    let scan = app.of(caller.organization_id()).load_scan(id).await?;
    let progress = progress(&app.library, caller.organization_id(), &scan).await?;
    Ok(axum::Json(ScanOpened {
        scan: scan.into(),
        pages: progress.pages,
        changes: progress.changes,
        pages_found: progress.pages_found,
        pages_done: progress.pages_done,
        pages_per_second: progress.pages_per_second,
        seconds_left: progress.seconds_left,
        chunks_embedded: progress.chunks_embedded,
    }))
}

/// One address of a scan.
#[derive(Serialize, ToSchema)]
pub(crate) struct PageObject {
    #[schema(value_type = String)]
    id: PageId,
    /// Always `page`.
    object: &'static str,
    #[schema(value_type = String)]
    scan_id: ScanId,
    url: String,
    /// Links followed to reach it.
    depth: i64,
    /// `pending`, `new`, `same`, `changed`, `removed`, `skipped` or `failed`.
    #[schema(value_type = String, example = "new")]
    state: PageState,
    /// Why it was skipped or failed, in a sentence for people.
    reason: Option<String>,
    #[schema(value_type = Option<String>)]
    document_id: Option<DocumentId>,
    /// Of a change: `unconfirmed`, `waiting`, `approved`, `applied`, `rejected` or `superseded`.
    #[schema(value_type = Option<String>, example = "waiting")]
    decision: Option<PageDecision>,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Time>,
}

impl From<Page> for PageObject {
    fn from(page: Page) -> Self {
        Self {
            id: page.id,
            object: "page",
            scan_id: page.scan_id,
            url: page.url,
            depth: page.depth,
            state: page.state,
            reason: page.reason,
            document_id: page.document_id,
            decision: page.decision,
            finished_at: page.finished_at,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListPages {
    /// Only pages in that state.
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

/// Lists the pages of a scan in the order they were found.
#[utoipa::path(get, path = "/v1/scans/{id}/pages", operation_id = "list_scan_pages", tag = "knowledge", params(("id" = String, Path), ListPages),
    responses((status = 200, description = "A stretch of the list", body = List<PageObject>)))]
pub(crate) async fn list_pages(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ScanId>,
    Query(query): Query<ListPages>,
) -> Result<axum::Json<List<PageObject>>> {
    let tenant = app.of(caller.organization_id());
    let limit = list::limit(query.limit)?;
    let after = list::id(query.after.as_deref())?;
    tenant.load_scan(id).await?;
    let filter = PageFilter { state: query.state, decision: query.decision, differs: false };
    let rows = tenant.list_pages(id, filter, after, limit + 1).await?;
    let cursor = |row: &Page| list::id_cursor(row.id);
    Ok(axum::Json(List::stretch(rows, limit, cursor, PageObject::from)))
}

/// Holds a scan; pages that are not read yet wait.
#[utoipa::path(post, path = "/v1/scans/{id}/pause", tag = "knowledge", params(("id" = String, Path)),
    responses((status = 200, description = "The scan as it is now", body = ScanObject)))]
pub(crate) async fn pause_scan(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ScanId>,
) -> Result<axum::Json<ScanObject>> {
    Ok(axum::Json(pause(&app.library, caller.organization_id(), id).await?.into()))
}

/// Goes on with a held scan.
#[utoipa::path(post, path = "/v1/scans/{id}/resume", tag = "knowledge", params(("id" = String, Path)),
    responses((status = 200, description = "The scan as it is now", body = ScanObject)))]
pub(crate) async fn resume_scan(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ScanId>,
) -> Result<axum::Json<ScanObject>> {
    Ok(axum::Json(resume(&app.library, caller.organization_id(), id).await?.into()))
}

/// Calls a scan off; what was read stays.
#[utoipa::path(post, path = "/v1/scans/{id}/cancel", tag = "knowledge", params(("id" = String, Path)),
    responses((status = 200, description = "The scan as it is now", body = ScanObject)))]
pub(crate) async fn cancel_scan(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ScanId>,
) -> Result<axum::Json<ScanObject>> {
    Ok(axum::Json(cancel(&app.library, caller.organization_id(), id).await?.into()))
}
