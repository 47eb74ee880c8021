//! Keeps the indexes of this process at the change log of storage.

use crate::{Library, Result};
use domain::knowledge::ChangeKind;
use domain::{DocumentId, OrganizationId};
use retrieval::{Batch, IndexedChunk, IndexedDocument};
use std::collections::HashMap;
use std::time::Duration;
use storage::Signal;
use storage::chunks::FoundChunk;
use tokio_util::sync::CancellationToken;

/// Changes that are applied in one batch.
const CHANGES_PER_BATCH: i64 = 2_000;
/// How often the logs are looked at when no signal comes.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Applies what the log holds beyond the indexes. Returns the seq that the indexes then have.
pub async fn catch_up(library: &Library, organization_id: OrganizationId) -> Result<i64> {
    let space = library.vector_space();
    let mut applied = library.retrieval.applied_seq(organization_id, space.as_ref()).await?;
    loop {
        let changes = library.database.of(organization_id).list_changes(applied, CHANGES_PER_BATCH).await?;
        let Some(newest) = changes.iter().map(|change| change.seq).max() else { return Ok(applied) };
        let upserted: Vec<DocumentId> = changes
            .iter()
            .filter(|change| change.kind == ChangeKind::Upsert)
            .map(|change| change.document_id)
            .collect();
        let upserts = indexed_documents(library, organization_id, &upserted).await?;
        let deletes = changes
            .iter()
            .map(|change| change.document_id)
            .filter(|id| !upserts.iter().any(|document| document.document_id == *id))
            .collect();
        let batch = Batch { after_seq: applied, upto_seq: newest, upserts, deletes, space: space.clone() };
        library.retrieval.apply(organization_id, batch).await?;
        let lag = changes.iter().map(|change| library.database.clock().now().since(change.created_at)).max();
        metrics::gauge!("frontdesk_index_lag_seconds").set(lag.unwrap_or_default().as_secs_f64());
        applied = newest;
    }
}

/// What the indexes hold of these documents; one that is gone or not published is left out.
async fn indexed_documents(
    library: &Library,
    organization_id: OrganizationId,
    ids: &[DocumentId],
) -> Result<Vec<IndexedDocument>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let tenant = library.database.of(organization_id);
    let chunks = tenant.load_chunks_of_documents(ids).await?;
    let mut vectors = HashMap::new();
    if let Some(embedder) = library.embedder() {
        let hashes: Vec<[u8; 32]> = chunks.iter().filter_map(embedding_hash).collect();
        vectors = tenant.find_embeddings(embedder.model_id(), &hashes).await?;
    }
    let mut documents: Vec<IndexedDocument> = Vec::new();
    for found in chunks {
        let vector = embedding_hash(&found).and_then(|hash| vectors.get(&hash).cloned());
        let id = found.chunk.document_id;
        let chunk = IndexedChunk {
            chunk_id: found.chunk.id,
            heading_path: found.chunk.heading_path,
            text: found.chunk.text,
            vector,
        };
        match documents.last_mut() {
            Some(document) if document.document_id == id => document.chunks.push(chunk),
            _ => documents.push(IndexedDocument {
                document_id: id,
                source_id: found.source_id,
                version: found.chunk.version,
                language: found.language,
                title: found.title,
                chunks: vec![chunk],
            }),
        }
    }
    Ok(documents)
}

fn embedding_hash(found: &FoundChunk) -> Option<[u8; 32]> {
    found.chunk.embedding_hash.as_slice().try_into().ok()
}

/// Follows the logs of all organizations until `stop`, woken by commits.
pub async fn follow(library: Library, stop: CancellationToken) {
    let mut signal = library.database.signals().listen(Signal::Changes);
    let mut applied: HashMap<OrganizationId, i64> = HashMap::new();
    while !stop.is_cancelled() {
        if let Err(error) = follow_once(&library, &mut applied).await {
            tracing::warn!(%error, "the indexes could not follow the change log");
        }
        tokio::select! {
            () = stop.clone().cancelled_owned() => return,
            () = signal.wait(LOOK_EVERY) => {}
        }
    }
}

async fn follow_once(library: &Library, applied: &mut HashMap<OrganizationId, i64>) -> Result<()> {
    for organization in library.database.list_organizations().await? {
        if applied.get(&organization.id).copied().unwrap_or(0) < organization.change_seq {
            let seq = catch_up(library, organization.id).await?;
            applied.insert(organization.id, seq);
        }
    }
    Ok(())
}

/// Builds the indexes of an organization anew from storage.
pub async fn rebuild(library: &Library, organization_id: OrganizationId) -> Result<i64> {
    library.retrieval.erase(organization_id).await?;
    catch_up(library, organization_id).await
}
