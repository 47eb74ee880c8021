//! Sources: where documents come from.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{File, Json, Path, Query};
use crate::error::{Problem, Result};
use crate::list::{self, List};
use axum::extract::State;
use axum::http::StatusCode;
use domain::job::DraftArticles;
use domain::knowledge::Source;
use domain::page::RescanSettings;
use domain::{DocumentId, SourceId, Time};
use ingest::files::put_file;
use ingest::sources::{self, Intake, Refusal};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;
use storage::documents::{Put, PutOutcome};
use storage::sources::NewSource;
use utoipa::{IntoParams, ToSchema};

/// Characters of a name or an address at most.
const NAME_CHARS_MAX: usize = 2_000;
/// Documents of a file that are shown when it was taken.
const DOCUMENTS_SHOWN_MAX: usize = 100;

/// Where documents come from.
#[derive(Serialize, ToSchema)]
pub(crate) struct SourceObject {
    #[schema(value_type = String)]
    id: SourceId,
    /// Always `source`.
    object: &'static str,
    /// A word that `GET /v1/source_kinds` lists, or `articles`.
    kind: String,
    name: String,
    url: Option<String>,
    settings: Map<String, Value>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Time,
}

impl From<Source> for SourceObject {
    fn from(source: Source) -> Self {
        Self {
            id: source.id,
            object: "source",
            kind: source.kind,
            name: source.name,
            url: source.url,
            settings: source.settings,
            created_at: source.created_at,
            updated_at: source.updated_at,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListSources {
    /// From 1 to 100; 20 where absent.
    limit: Option<i64>,
    /// The `next_cursor` of the stretch before.
    after: Option<String>,
}

/// Lists sources, the newest first.
#[utoipa::path(get, path = "/v1/sources", tag = "knowledge", params(ListSources),
    responses((status = 200, description = "A stretch of the list", body = List<SourceObject>)))]
pub(crate) async fn list_sources(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListSources>,
) -> Result<axum::Json<List<SourceObject>>> {
    let limit = list::limit(query.limit)?;
    let after = list::keyset(query.after.as_deref())?;
    let rows = app.of(caller.organization_id()).list_sources(after, limit + 1).await?;
    let cursor = |row: &Source| list::cursor(row.created_at, row.id);
    Ok(axum::Json(List::stretch(rows, limit, cursor, SourceObject::from)))
}

/// A source to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateSource {
    /// A word that `GET /v1/source_kinds` lists.
    kind: String,
    name: String,
    /// A website's address.
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    settings: Map<String, Value>,
}

/// Adds a source.
#[utoipa::path(post, path = "/v1/sources", tag = "knowledge", request_body = CreateSource,
    responses((status = 201, description = "It was added", body = SourceObject)))]
pub(crate) async fn create_source(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateSource>,
) -> Result<(StatusCode, axum::Json<SourceObject>)> {
    check_name(&body.name)?;
    let kind = sources::source(&body.kind).map_err(|refusal| refused(refusal, "/kind"))?;
    if (kind.intake() == Intake::Address) != body.url.is_some() {
        return Err(Problem::invalid("`url` is what a `website` has, and only that").at("/url"));
    }
    if body.url.as_ref().is_some_and(|url| !is_http(url)) {
        return Err(Problem::invalid("`url` does not start with http:// or https://").at("/url"));
    }
    sources::check(kind, &body.settings).map_err(|refusal| refused(refusal, "/settings"))?;
    let every = rescan_every(&body.kind, &body.settings)?;
    let new = NewSource { kind: body.kind, name: body.name, url: body.url, settings: body.settings };
    let mut transaction = app.of(caller.organization_id()).begin().await?;
    let source = transaction.insert_source(new).await?;
    let next = every.map(|every| transaction.now() + every);
    transaction.schedule_rescan(source.id, next).await?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, axum::Json(source.into())))
}

/// A source with how much came from it.
#[derive(Serialize, ToSchema)]
pub(crate) struct SourceOpened {
    #[serde(flatten)]
    source: SourceObject,
    /// Its documents that may be used in answers.
    documents: i64,
}

/// Reads a source.
#[utoipa::path(get, path = "/v1/sources/{id}", tag = "knowledge", params(("id" = String, Path)),
    responses((status = 200, description = "The source", body = SourceOpened)))]
pub(crate) async fn get_source(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<SourceId>,
) -> Result<axum::Json<SourceOpened>> {
    let tenant = app.of(caller.organization_id());
    let source = tenant.load_source(id).await?.into();
    Ok(axum::Json(SourceOpened { source, documents: tenant.count_documents(Some(id)).await? }))
}

/// Changes of a source; what is absent stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateSource {
    #[serde(default)]
    name: Option<String>,
    /// Replaces all settings.
    #[serde(default)]
    settings: Option<Map<String, Value>>,
}

/// Changes a source.
#[utoipa::path(patch, path = "/v1/sources/{id}", tag = "knowledge", params(("id" = String, Path)),
    request_body = UpdateSource,
    responses((status = 200, description = "The source as it is now", body = SourceObject)))]
pub(crate) async fn update_source(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<SourceId>,
    Json(body): Json<UpdateSource>,
) -> Result<axum::Json<SourceObject>> {
    let tenant = app.of(caller.organization_id());
    let present = tenant.load_source(id).await?;
    let name = body.name.unwrap_or(present.name);
    check_name(&name)?;
    let is_rescheduled = body.settings.is_some();
    if let (Some(settings), Ok(kind)) = (&body.settings, sources::source(&present.kind)) {
        sources::check(kind, settings).map_err(|refusal| refused(refusal, "/settings"))?;
    }
    let settings = body.settings.unwrap_or(present.settings);
    let every = if is_rescheduled { rescan_every(&present.kind, &settings)? } else { None };
    let mut transaction = tenant.begin().await?;
    transaction.update_source(id, &name, &settings).await?;
    if is_rescheduled {
        let next = every.map(|every| transaction.now() + every);
        transaction.schedule_rescan(id, next).await?;
    }
    transaction.commit().await?;
    Ok(axum::Json(tenant.load_source(id).await?.into()))
}

/// What becomes of what is drafted.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CreateDrafts {
    /// Publish without review what is proved well enough.
    publish: bool,
}

/// Has articles drafted from the documents of a source that were not drafted from yet; a job does it.
#[utoipa::path(post, path = "/v1/sources/{id}/drafts", tag = "knowledge", params(("id" = String, Path)),
    operation_id = "create_drafts", request_body = CreateDrafts,
    responses((status = 202, description = "A job is on its way; the review queue shows what it finds")))]
pub(crate) async fn create_drafts(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<SourceId>,
    Json(body): Json<CreateDrafts>,
) -> Result<StatusCode> {
    let tenant = app.of(caller.organization_id());
    tenant.load_source(id).await?;
    let mut transaction = tenant.begin().await?;
    let now = transaction.now();
    transaction.enqueue(&DraftArticles { source_id: id, publish: body.publish }, now).await?;
    transaction.commit().await?;
    Ok(StatusCode::ACCEPTED)
}

/// Deletes a source with its scans and documents; nothing of it is found from now on.
#[utoipa::path(delete, path = "/v1/sources/{id}", tag = "knowledge", params(("id" = String, Path)),
    responses((status = 204, description = "It is deleted")))]
pub(crate) async fn delete_source(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<SourceId>,
) -> Result<StatusCode> {
    let mut transaction = app.of(caller.organization_id()).begin().await?;
    transaction.delete_source(id).await?;
    transaction.insert_audit(&caller.actor(), "source.deleted", &id.to_string()).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How often a website is scanned again, as its settings say; settings that cannot be are refused.
fn rescan_every(kind: &str, settings: &Map<String, Value>) -> Result<Option<Duration>> {
    if kind != "website" {
        return Ok(None);
    }
    let settings = RescanSettings::of(settings).map_err(|reason| Problem::invalid(reason).at("/settings"))?;
    Ok(settings.rescan_every_hours.map(|hours| Duration::from_hours(u64::from(hours))))
}

/// One file as a source took it.
#[derive(Serialize, ToSchema)]
pub(crate) struct FileObject {
    /// Always `file`.
    object: &'static str,
    filename: String,
    /// The kind that read it.
    kind: &'static str,
    /// Documents that were not there before.
    new: usize,
    /// Documents with a new version.
    changed: usize,
    /// Documents that are as they were.
    same: usize,
    /// Documents that the file held before and holds no more; they are deleted.
    removed: usize,
    /// The first hundred of them, in the order of the file.
    documents: Vec<FileDocument>,
}

/// A document of a file.
#[derive(Serialize, ToSchema)]
pub(crate) struct FileDocument {
    #[schema(value_type = String)]
    id: DocumentId,
    title: String,
    version: i64,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PutFile {
    /// The file's name with its ending. The same name again replaces what it held.
    filename: String,
}

/// Adds a file to a source: Markdown, HTML, text, PDF, DOCX, CSV of questions and answers, or JSONL. The
/// body is the file as it is. What it says is found by words at once, by meaning as soon as it is embedded.
#[utoipa::path(post, path = "/v1/sources/{id}/files", tag = "knowledge", params(("id" = String, Path), PutFile),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, description = "Its documents are published", body = FileObject)))]
pub(crate) async fn create_file(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<SourceId>,
    Query(query): Query<PutFile>,
    File(bytes): File,
) -> Result<(StatusCode, axum::Json<FileObject>)> {
    let organization_id = caller.organization_id();
    let source = app.of(organization_id).load_source(id).await?;
    let library = &app.library;
    let taken = put_file(library, organization_id, &source, &query.filename, bytes).await.map_err(|error| {
        if let ingest::Error::File { refusal, .. } = error {
            return Problem::invalid(refusal.why).hint(refusal.fix);
        }
        error.into()
    })?;
    ingest::index::make_findable(library, organization_id).await?;
    let file = FileObject {
        object: "file",
        filename: query.filename,
        kind: taken.kind,
        new: taken.count(PutOutcome::New),
        changed: taken.count(PutOutcome::Changed),
        same: taken.count(PutOutcome::Same),
        removed: taken.removed,
        documents: taken.documents.into_iter().take(DOCUMENTS_SHOWN_MAX).map(FileDocument::from).collect(),
    };
    Ok((StatusCode::CREATED, axum::Json(file)))
}

impl From<(Put, String)> for FileDocument {
    fn from((put, title): (Put, String)) -> Self {
        Self { id: put.document_id, title, version: put.version }
    }
}

/// A kind of source.
#[derive(Serialize, ToSchema)]
pub(crate) struct SourceKindObject {
    /// Always `source_kind`.
    object: &'static str,
    kind: &'static str,
    /// What it is, for people.
    about: &'static str,
    /// How its files' names end; none where it takes no files, `*` where it takes every kind.
    extensions: Vec<&'static str>,
    /// The JSON Schema of its settings.
    #[schema(value_type = Object)]
    settings_schema: Value,
}

/// Lists the kinds of sources there are.
#[utoipa::path(get, path = "/v1/source_kinds", tag = "knowledge",
    responses((status = 200, description = "All of them", body = List<SourceKindObject>)))]
pub(crate) async fn list_source_kinds() -> axum::Json<List<SourceKindObject>> {
    let kinds = sources::all().map(|source| SourceKindObject {
        object: "source_kind",
        kind: source.kind(),
        about: source.about(),
        extensions: match source.intake() {
            Intake::Address => Vec::new(),
            Intake::Files(extensions) => extensions.to_vec(),
            Intake::AnyFile => vec!["*"],
        },
        settings_schema: sources::schema(source),
    });
    axum::Json(List::whole(kinds.collect()))
}

fn refused(refusal: Refusal, pointer: &str) -> Problem {
    Problem::invalid(refusal.why).hint(refusal.fix).at(pointer)
}

fn check_name(name: &str) -> Result<()> {
    let characters = name.trim().chars().count();
    if characters == 0 || characters > NAME_CHARS_MAX {
        return Err(Problem::invalid(format!("`name` has from 1 to {NAME_CHARS_MAX} characters")).at("/name"));
    }
    Ok(())
}

fn is_http(url: &str) -> bool {
    url.len() <= NAME_CHARS_MAX && (url.starts_with("http://") || url.starts_with("https://"))
}
