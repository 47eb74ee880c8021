//! What is written into the indexes: a stretch of an organization's change log with its content.

use crate::space::VectorSpace;
use domain::{ChunkId, DocumentId, SourceId};

/// A stretch of an organization's change log. Applying it twice changes nothing.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The seq the indexes had when the batch was built, as `applied_seq` said it.
    pub after_seq: i64,
    /// The seq they have once it is applied.
    pub upto_seq: i64,
    /// Documents whose chunks replace what the indexes hold of them. The last one counts when a
    /// document stands here twice.
    pub upserts: Vec<IndexedDocument>,
    /// Documents that leave the indexes; they win over `upserts`.
    pub deletes: Vec<DocumentId>,
    /// The space of the chunks' vectors; `None` writes the BM25 index only.
    pub space: Option<VectorSpace>,
}

/// A document as the indexes see it.
#[derive(Clone, Debug)]
pub struct IndexedDocument {
    /// Its id.
    pub document_id: DocumentId,
    /// The source it comes from.
    pub source_id: SourceId,
    /// The version its chunks are cut from.
    pub version: i64,
    /// ISO 639-1 code; decides how its words are reduced.
    pub language: Option<String>,
    /// Its title.
    pub title: String,
    /// All its chunks.
    pub chunks: Vec<IndexedChunk>,
}

/// A chunk as the indexes see it.
#[derive(Clone, Debug)]
pub struct IndexedChunk {
    /// Its id.
    pub chunk_id: ChunkId,
    /// The headings above it, joined with ` › `.
    pub heading_path: String,
    /// Its text.
    pub text: String,
    /// Its vector, of any length but zero; without one it is found by words only.
    pub vector: Option<Vec<f32>>,
}

/// What the indexes of an organization hold, for comparing with storage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Chunk and version of every passage found by words, by chunk id.
    pub keyword: Vec<(ChunkId, i64)>,
    /// The same for vectors; `None` when no space was asked for.
    pub dense: Option<Vec<(ChunkId, i64)>>,
}
