//! Texts become documents: cut into passages, embedded, stored with their change in one transaction.

use crate::chunk::chunk;
use crate::{Library, Result};
use domain::knowledge::{ChangeKind, Chunk};
use domain::{ChunkId, DocumentId, OrganizationId, SourceId};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use storage::Transaction;
use storage::documents::{NewChunk, NewDocument, Put};

/// Passages that are embedded in one call.
const EMBED_BATCH: usize = 64;

/// A text to take in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The id it is known by in its source.
    pub external_id: String,
    /// Its address.
    pub url: Option<String>,
    /// Its title.
    pub title: String,
    /// The text, as Markdown.
    pub text: String,
    /// ISO 639-1 code, as far as it is known.
    pub language: Option<String>,
}

/// Vectors by the hash of what was embedded.
pub type Vectors = Vec<([u8; 32], Vec<f32>)>;

/// Cuts a text into a document with its passages.
pub fn cut(library: &Library, text: Text) -> NewDocument {
    let pieces = chunk(&text.title, &text.text, &library.chunking)
        .into_iter()
        .map(|piece| {
            let words = text.text.get(piece.start..piece.end).unwrap_or_default();
            let embedded = Chunk::embedded_text(&text.title, &piece.heading_path, words);
            NewChunk {
                start: piece.start,
                end: piece.end,
                embedding_hash: Sha256::digest(embedded.as_bytes()).into(),
                heading_path: piece.heading_path,
            }
        })
        .collect();
    NewDocument {
        external_id: text.external_id,
        url: text.url,
        title: text.title,
        text: text.text,
        language: text.language,
        pieces,
    }
}

/// The vectors that the passages of these documents lack, computed. Empty without an embedding model.
pub async fn missing_vectors(
    library: &Library,
    organization_id: OrganizationId,
    documents: &[NewDocument],
) -> Result<Vectors> {
    let Some(embedder) = library.embedder() else { return Ok(Vec::new()) };
    let mut texts: HashMap<[u8; 32], String> = documents.iter().flat_map(embedded_texts).collect();
    let hashes: Vec<[u8; 32]> = texts.keys().copied().collect();
    let known = library.database.of(organization_id).find_embeddings(embedder.model_id(), &hashes).await?;
    texts.retain(|hash, _| !known.contains_key(hash));
    let (hashes, texts): (Vec<_>, Vec<_>) = texts.into_iter().unzip();
    let mut vectors = Vec::with_capacity(texts.len());
    for (hashes, texts) in hashes.chunks(EMBED_BATCH).zip(texts.chunks(EMBED_BATCH)) {
        vectors.extend(hashes.iter().copied().zip(embedder.embed(texts).await?));
    }
    Ok(vectors)
}

fn embedded_texts(document: &NewDocument) -> impl Iterator<Item = ([u8; 32], String)> + '_ {
    document.pieces.iter().map(|piece| {
        let words = document.text.get(piece.start..piece.end).unwrap_or_default();
        (piece.embedding_hash, Chunk::embedded_text(&document.title, &piece.heading_path, words))
    })
}

/// Stores documents with their vectors in the caller's transaction.
pub async fn store(
    library: &Library,
    transaction: &mut Transaction,
    source_id: SourceId,
    documents: &[NewDocument],
    vectors: &Vectors,
) -> Result<Vec<Put>> {
    if let Some(embedder) = library.embedder()
        && !vectors.is_empty()
    {
        transaction.insert_embeddings(embedder.model_id(), vectors).await?;
    }
    Ok(transaction.put_documents(source_id, documents).await?)
}

/// Takes texts in with their vectors, in one transaction.
pub async fn put(
    library: &Library,
    organization_id: OrganizationId,
    source_id: SourceId,
    texts: Vec<Text>,
) -> Result<Vec<Put>> {
    let documents: Vec<NewDocument> = texts.into_iter().map(|text| cut(library, text)).collect();
    let vectors = missing_vectors(library, organization_id, &documents).await?;
    let mut transaction = library.database.of(organization_id).begin().await?;
    let put = store(library, &mut transaction, source_id, &documents, &vectors).await?;
    transaction.commit().await?;
    Ok(put)
}

/// Embeds passages that have no vector of the present model, batch by batch, each lasting; `done` hears
/// how many more have one. Stopped in the middle, it goes on where it was.
pub async fn embed_missing(
    library: &Library,
    organization_id: OrganizationId,
    mut done: impl FnMut(usize),
) -> Result<usize> {
    let Some(embedder) = library.embedder() else { return Ok(0) };
    let tenant = library.database.of(organization_id);
    let limit = i64::try_from(EMBED_BATCH).unwrap_or(i64::MAX);
    let (mut total, mut after) = (0, None);
    loop {
        let missing = tenant.list_missing_embeddings(embedder.model_id(), after, limit).await?;
        let Some(last) = missing.last() else { return Ok(total) };
        after = Some(last.chunk_id);
        let texts: Vec<String> = missing.iter().map(|missing| missing.text.clone()).collect();
        let vectors = embedder.embed(&texts).await?;
        let ids: Vec<ChunkId> = missing.iter().map(|missing| missing.chunk_id).collect();
        let vectors: Vectors = missing.iter().map(|missing| missing.hash).zip(vectors).collect();
        let mut documents: Vec<DocumentId> =
            tenant.load_chunks(&ids).await?.into_iter().map(|found| found.chunk.document_id).collect();
        documents.sort_unstable();
        documents.dedup();
        let mut transaction = tenant.begin().await?;
        transaction.insert_embeddings(embedder.model_id(), &vectors).await?;
        transaction.log_changes(ChangeKind::Upsert, &documents).await?;
        transaction.commit().await?;
        total += vectors.len();
        done(vectors.len());
    }
}
