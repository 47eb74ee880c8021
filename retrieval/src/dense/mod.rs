//! The vector side: one trait, an index in files beside the database, and Qdrant.

#[cfg(test)]
mod conformance;
mod embedded;
mod qdrant;

pub(crate) use embedded::EmbeddedIndex;
pub(crate) use qdrant::{QdrantIndex, QdrantSettings};

use crate::error::Result;
use crate::fuse::Scored;
use crate::space::VectorSpace;
use domain::{ChunkId, DocumentId, OrganizationId, SourceId};
use futures::future::BoxFuture;

/// Nearest neighbours of one organization at a time. Every call names the organization; nothing of
/// another one is ever returned or changed. An organization or space that was never written is
/// empty at seq 0.
pub(crate) trait VectorIndex: Send + Sync {
    /// Finds the `limit` nearest passages, best first, with their cosine.
    fn search<'a>(&'a self, nearest: &'a Nearest) -> BoxFuture<'a, Result<Neighbours>>;
    /// Replaces and removes documents and moves the seq, all of it readable when it returns. A
    /// batch that was applied already changes nothing.
    fn apply<'a>(
        &'a self,
        organization_id: OrganizationId,
        space: &'a VectorSpace,
        batch: DenseBatch,
    ) -> BoxFuture<'a, Result<()>>;
    /// The seq of the last batch; 0 before the first.
    fn applied_seq<'a>(&'a self, organization_id: OrganizationId, space: &'a VectorSpace)
    -> BoxFuture<'a, Result<i64>>;
    /// Forgets the organization in all spaces.
    fn erase(&self, organization_id: OrganizationId) -> BoxFuture<'_, Result<()>>;
    /// Every passage held, by chunk id.
    fn held<'a>(
        &'a self,
        organization_id: OrganizationId,
        space: &'a VectorSpace,
    ) -> BoxFuture<'a, Result<Vec<(ChunkId, i64)>>>;
}

/// What is looked for.
#[derive(Clone, Debug)]
pub(crate) struct Nearest {
    pub(crate) organization_id: OrganizationId,
    pub(crate) space: VectorSpace,
    /// Unit length.
    pub(crate) vector: Vec<f32>,
    pub(crate) limit: usize,
}

/// What is near, and the seq it was found at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Neighbours {
    pub(crate) passages: Vec<Scored>,
    pub(crate) applied_seq: i64,
}

/// A stretch of the change log for one space. Documents are distinct, and none is deleted too.
#[derive(Clone, Debug, Default)]
pub(crate) struct DenseBatch {
    pub(crate) after_seq: i64,
    pub(crate) upto_seq: i64,
    pub(crate) documents: Vec<DenseDocument>,
    pub(crate) deletes: Vec<DocumentId>,
}

/// A document's passages that have vectors.
#[derive(Clone, Debug)]
pub(crate) struct DenseDocument {
    pub(crate) document_id: DocumentId,
    pub(crate) source_id: SourceId,
    pub(crate) version: i64,
    pub(crate) language: Option<String>,
    pub(crate) chunks: Vec<DenseChunk>,
}

/// A passage with its vector.
#[derive(Clone, Debug)]
pub(crate) struct DenseChunk {
    pub(crate) chunk_id: ChunkId,
    pub(crate) fingerprint: u64,
    /// Unit length.
    pub(crate) vector: Vec<f32>,
}
