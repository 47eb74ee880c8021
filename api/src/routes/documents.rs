//! Documents: the exact texts that answers cite.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Path, Query};
use crate::error::Result;
use crate::list::{self, List};
use axum::extract::State;
use domain::knowledge::{Document, DocumentState};
use domain::{DocumentId, SourceId, Time};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// One text of a source.
#[derive(Serialize, ToSchema)]
pub(crate) struct DocumentObject {
    #[schema(value_type = String)]
    id: DocumentId,
    /// Always `document`.
    object: &'static str,
    #[schema(value_type = String)]
    source_id: SourceId,
    /// The id it was imported under, or its canonical address.
    external_id: Option<String>,
    url: Option<String>,
    title: String,
    /// ISO 639-1, as far as it was recognised.
    language: Option<String>,
    /// `published` or `archived`.
    #[schema(value_type = String)]
    state: DocumentState,
    /// The present version, from 1.
    version: i64,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Time,
}

impl From<Document> for DocumentObject {
    fn from(document: Document) -> Self {
        Self {
            id: document.id,
            object: "document",
            source_id: document.source_id,
            external_id: document.external_id,
            url: document.url,
            title: document.title,
            language: document.language,
            state: document.state,
            version: document.version,
            created_at: document.created_at,
            updated_at: document.updated_at,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListDocuments {
    /// A source's id.
    #[param(value_type = Option<String>)]
    source: Option<SourceId>,
    /// `published` or `archived`.
    #[param(value_type = Option<String>)]
    state: Option<DocumentState>,
    /// From 1 to 100; 20 where absent.
    limit: Option<i64>,
    /// The `next_cursor` of the stretch before.
    after: Option<String>,
}

/// Lists documents, the last changed first.
#[utoipa::path(get, path = "/v1/documents", tag = "knowledge", params(ListDocuments),
    responses((status = 200, description = "A stretch of the list", body = List<DocumentObject>)))]
pub(crate) async fn list_documents(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListDocuments>,
) -> Result<axum::Json<List<DocumentObject>>> {
    let limit = list::limit(query.limit)?;
    let after = list::keyset(query.after.as_deref())?;
    let tenant = app.of(caller.organization_id());
    let rows = tenant.list_documents(query.source, query.state, after, limit + 1).await?;
    let cursor = |row: &Document| list::cursor(row.updated_at, row.id);
    Ok(axum::Json(List::stretch(rows, limit, cursor, DocumentObject::from)))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct GetDocument {
    /// The version to read; the present one where absent.
    version: Option<i64>,
}

/// A document with its text at one version.
#[derive(Serialize, ToSchema)]
pub(crate) struct DocumentOpened {
    #[serde(flatten)]
    document: DocumentObject,
    text_version: i64,
    /// The text that byte ranges of citations of that version point into, as Markdown.
    text: String,
}

/// Reads a document with its text.
#[utoipa::path(get, path = "/v1/documents/{id}", tag = "knowledge", params(("id" = String, Path), GetDocument),
    responses((status = 200, description = "The document", body = DocumentOpened)))]
pub(crate) async fn get_document(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<DocumentId>,
    Query(query): Query<GetDocument>,
) -> Result<axum::Json<DocumentOpened>> {
    let tenant = app.of(caller.organization_id());
    let document = tenant.load_document(id).await?;
    let wanted = query.version.unwrap_or(document.version);
    let version = tenant.load_document_version(id, wanted).await?;
    Ok(axum::Json(DocumentOpened { document: document.into(), text_version: version.version, text: version.text }))
}
