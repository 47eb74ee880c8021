//! Takes files into a source: read whole or refused, then stored with what left, in one transaction.

use crate::articles::named_source;
use crate::documents::{cut, store};
use crate::sources::{self, File, IMPORT, Reading};
use crate::{Error, Library, Result};
use domain::job::EmbedChunks;
use domain::knowledge::{DocumentState, Source};
use domain::{DocumentId, OrganizationId, SourceId};
use serde_json::{Map, Value};
use std::collections::HashSet;
use storage::documents::{NewDocument, Put, PutOutcome};
use storage::{Keyset, Tenant};

/// Documents that are written in one statement.
const DOCUMENTS_PER_PUT: usize = 512;
/// Documents that are looked through at once for those that left.
const DOCUMENTS_PER_LOOK: i64 = 1_000;
/// The longest name of a file, in bytes.
const NAME_BYTES_MAX: usize = 500;

/// What became of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct FileTaken {
    /// The kind that read it.
    pub kind: &'static str,
    /// Its documents, with their titles, in the order of the file.
    pub documents: Vec<(Put, String)>,
    /// How many documents it held before and holds no more.
    pub removed: usize,
}

impl FileTaken {
    /// How many of its documents had that outcome.
    pub fn count(&self, outcome: PutOutcome) -> usize {
        self.documents.iter().filter(|(put, _)| put.outcome == outcome).count()
    }
}

/// Takes one file into a source. The same file again changes nothing; a changed one makes new versions of
/// what changed. Vectors are made by the job that is enqueued, or by [`crate::documents::embed_missing`].
///
/// # Errors
/// `Invalid` with what is wrong and what to do; then nothing has changed.
pub async fn put_file(
    library: &Library,
    organization_id: OrganizationId,
    source: &Source,
    name: &str,
    bytes: Vec<u8>,
) -> Result<FileTaken> {
    let name = clean_name(name)?;
    let reading = read_apart(library, &source.kind, source.settings.clone(), &name, bytes).await?;
    store_reading(library, organization_id, source.id, &name, reading).await
}

/// Takes one file of any kind into the source of that name, which is added with its first file.
///
/// # Errors
/// As of [`put_file`].
pub async fn import_file(
    library: &Library,
    organization_id: OrganizationId,
    source_name: &str,
    name: &str,
    bytes: Vec<u8>,
) -> Result<FileTaken> {
    let name = clean_name(name)?;
    let reading = read_apart(library, IMPORT, Map::new(), &name, bytes).await?;
    let source = named_source(library, organization_id, IMPORT, source_name).await?;
    store_reading(library, organization_id, source.id, &name, reading).await
}

async fn store_reading(
    library: &Library,
    organization_id: OrganizationId,
    source_id: SourceId,
    name: &str,
    reading: Reading,
) -> Result<FileTaken> {
    let documents: Vec<NewDocument> = reading.texts.into_iter().map(|text| cut(library, text)).collect();
    let tenant = library.database.of(organization_id);
    let left = if reading.replaces { left_documents(tenant, source_id, name, &documents).await? } else { Vec::new() };
    let mut transaction = tenant.begin().await?;
    let mut puts = Vec::with_capacity(documents.len());
    for batch in documents.chunks(DOCUMENTS_PER_PUT) {
        puts.extend(store(library, &mut transaction, source_id, batch, &Vec::new()).await?);
    }
    let removed = transaction.delete_documents(&left).await?;
    if puts.iter().any(|put| put.outcome != PutOutcome::Same) {
        let now = transaction.now();
        transaction.enqueue(&EmbedChunks { organization_id }, now).await?;
    }
    transaction.commit().await?;
    let titles = documents.into_iter().map(|document| document.title);
    Ok(FileTaken { kind: reading.kind, documents: puts.into_iter().zip(titles).collect(), removed })
}

/// Reads the file where blocking is allowed.
async fn read_apart(
    library: &Library,
    kind: &str,
    settings: Map<String, Value>,
    name: &str,
    bytes: Vec<u8>,
) -> Result<Reading> {
    let refused = |refusal| Error::File { name: name.to_owned(), refusal };
    let source = sources::source(kind).map_err(refused)?;
    let (file_name, isolation) = (name.to_owned(), library.isolation.clone());
    let reading = tokio::task::spawn_blocking(move || {
        let file = File { name: &file_name, bytes: &bytes, settings: &settings, isolation: &isolation };
        sources::read(source, &file)
    });
    reading.await?.map_err(refused)
}

/// A name that is the same however a system writes paths.
fn clean_name(name: &str) -> Result<String> {
    let name = name.replace('\\', "/");
    let parts: Vec<&str> = name.split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect();
    let name: String = parts.join("/").chars().filter(|c| !c.is_control()).collect();
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Err(Error::Invalid(format!("`filename` has from 1 to {NAME_BYTES_MAX} bytes")));
    }
    Ok(name)
}

/// The documents of a file's earlier versions that it does not hold any more.
async fn left_documents(
    tenant: Tenant<'_>,
    source_id: SourceId,
    name: &str,
    documents: &[NewDocument],
) -> Result<Vec<DocumentId>> {
    let present: HashSet<&str> = documents.iter().map(|document| document.external_id.as_str()).collect();
    let prefix = format!("{name}#");
    let mut left = Vec::new();
    let mut after = Keyset::start();
    loop {
        let stretch =
            tenant.list_documents(Some(source_id), Some(DocumentState::Published), after, DOCUMENTS_PER_LOOK).await?;
        let Some(last) = stretch.last() else { return Ok(left) };
        after = Keyset::at(last.updated_at, last.id);
        let gone = stretch.iter().filter(|document| {
            document.external_id.as_deref().is_some_and(|id| id.starts_with(&prefix) && !present.contains(id))
        });
        left.extend(gone.map(|document| document.id));
    }
}
