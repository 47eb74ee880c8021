//! Keeps the indexes of this process at the change log of storage.

use crate::{Library, Result};
use domain::knowledge::ChangeKind;
use domain::{DocumentId, ErrorKind, Kinded, OrganizationId};
use retrieval::{Batch, IndexedChunk, IndexedDocument, VectorSpace};
use std::collections::HashMap;
use std::time::Duration;
use storage::Signal;
use storage::chunks::FoundChunk;
use tokio_util::sync::CancellationToken;

/// Changes that are applied in one batch.
const CHANGES_PER_BATCH: i64 = 2_000;
/// After so long another process may write the vectors of a shared server: the one before it has crashed.
const TURN_MAX: Duration = Duration::from_mins(2);
/// How often the logs are looked at when no signal comes.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Applies what the log holds beyond the indexes. Returns the seq that the indexes then have.
///
/// Words are each process's own; vectors in a server are all processes' and one of them writes at a time. Words
/// follow first, so that they do so while that server is down.
///
/// # Errors
/// `Unavailable` when the vector server cannot be reached: words have followed all the same.
pub async fn catch_up(library: &Library, organization_id: OrganizationId) -> Result<i64> {
    let space = library.vector_space();
    if space.is_none() || !library.retrieval.shares_vectors() {
        return follow_log(library, organization_id, space).await;
    }
    let words = follow_log(library, organization_id, None).await?;
    let both = library.retrieval.applied_seq(organization_id, space.as_ref()).await?;
    if both >= words {
        return Ok(both);
    }
    let turn = format!("vectors:{organization_id}");
    if !take_turn(library, &turn).await? {
        return Ok(both);
    }
    let followed = follow_log(library, organization_id, space).await;
    return_turn(library, &turn).await?;
    followed
}

/// Makes findable what was published a moment ago. It is published whatever happens here: what cannot be reached
/// now is caught up with later.
pub async fn make_findable(library: &Library, organization_id: OrganizationId) -> Result<()> {
    match catch_up(library, organization_id).await {
        Err(error) if error.kind() == ErrorKind::Unavailable => {
            tracing::warn!(%error, "what was published is found by its words only for now");
            Ok(())
        }
        followed => followed.map(drop),
    }
}

async fn take_turn(library: &Library, name: &str) -> Result<bool> {
    let mut transaction = library.database.begin().await?;
    let taken = transaction.take_schedule(name, TURN_MAX).await?;
    transaction.commit().await?;
    Ok(taken)
}

async fn return_turn(library: &Library, name: &str) -> Result<()> {
    let mut transaction = library.database.begin().await?;
    transaction.return_schedule(name).await?;
    Ok(transaction.commit().await?)
}

async fn follow_log(library: &Library, organization_id: OrganizationId, space: Option<VectorSpace>) -> Result<i64> {
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
    let mut failing = None;
    while !stop.is_cancelled() {
        let failed = follow_once(&library, &mut applied).await.err().map(|error| error.to_string());
        match &failed {
            Some(error) if failing != failed => {
                tracing::warn!(error, "the indexes cannot follow the change log; this is tried again every second");
            }
            None if failing.is_some() => tracing::info!("the indexes follow the change log again"),
            _ => {}
        }
        failing = failed;
        tokio::select! {
            () = stop.clone().cancelled_owned() => return,
            () = signal.wait(LOOK_EVERY) => {}
        }
    }
}

/// What fails for one organization holds up no other.
async fn follow_once(library: &Library, applied: &mut HashMap<OrganizationId, i64>) -> Result<()> {
    let mut followed = Ok(());
    for organization in library.database.list_organizations().await? {
        if applied.get(&organization.id).copied().unwrap_or(0) < organization.change_seq {
            match catch_up(library, organization.id).await {
                Ok(seq) => drop(applied.insert(organization.id, seq)),
                Err(error) => followed = Err(error),
            }
        }
    }
    followed
}

/// Builds the indexes of an organization anew from storage.
pub async fn rebuild(library: &Library, organization_id: OrganizationId) -> Result<i64> {
    library.retrieval.erase(organization_id).await?;
    catch_up(library, organization_id).await
}
