//! What a vector index is: every implementation passes this.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

use super::{DenseBatch, DenseChunk, DenseDocument, Nearest, VectorIndex};
use crate::error::Error;
use crate::space::VectorSpace;
use domain::{ChunkId, DocumentId, OrganizationId, SourceId};
use uuid::Uuid;

/// Scores may differ in the last digits of an f32.
const TOLERANCE: f64 = 1e-5;

/// A document with a chunk for each vector; its chunks are new with every version.
pub(super) fn document(document_id: DocumentId, version: i64, vectors: &[[f32; 3]]) -> DenseDocument {
    let space = space("conformance");
    DenseDocument {
        document_id,
        source_id: SourceId::from_uuid(Uuid::now_v7()),
        version,
        language: Some("en".to_owned()),
        chunks: vectors
            .iter()
            .enumerate()
            .map(|(place, vector)| DenseChunk {
                chunk_id: ChunkId::from_uuid(Uuid::now_v7()),
                fingerprint: u64::MAX - place as u64,
                vector: space.unit(vector).unwrap(),
            })
            .collect(),
    }
}

pub(super) fn space(model_id: &str) -> VectorSpace {
    VectorSpace { model_id: model_id.to_owned(), dimensions: 3 }
}

pub(super) fn batch(after_seq: i64, upto_seq: i64, documents: Vec<DenseDocument>) -> DenseBatch {
    DenseBatch { after_seq, upto_seq, documents, deletes: Vec::new() }
}

/// Documents and cosines found, best first.
pub(super) async fn found(
    index: &dyn VectorIndex,
    organization_id: OrganizationId,
    space: &VectorSpace,
    vector: [f32; 3],
) -> Vec<(DocumentId, i64, f64)> {
    let nearest = Nearest { organization_id, space: space.clone(), vector: space.unit(&vector).unwrap(), limit: 3 };
    let found = index.search(&nearest).await.unwrap();
    assert_eq!(found.applied_seq, index.applied_seq(organization_id, space).await.unwrap());
    found.passages.iter().map(|passage| (passage.document_id, passage.version, passage.score)).collect()
}

pub(super) fn fresh_organization() -> OrganizationId {
    OrganizationId::from_uuid(Uuid::now_v7())
}

pub(super) fn fresh_document() -> DocumentId {
    DocumentId::from_uuid(Uuid::now_v7())
}

/// Runs every promise of the trait against an index; its organizations and spaces are new. Returns the spaces.
pub(super) async fn exercise(index: &dyn VectorIndex) -> [VectorSpace; 2] {
    let space = space(&format!("conformance-{}", Uuid::now_v7()));
    let (ours, theirs) = (fresh_organization(), fresh_organization());
    let (first, second, foreign) = (fresh_document(), fresh_document(), fresh_document());

    assert_eq!(found(index, ours, &space, [1.0, 0.0, 0.0]).await, []);
    assert_eq!(index.applied_seq(ours, &space).await.unwrap(), 0);

    let documents =
        vec![document(first, 1, &[[1.0, 0.0, 0.0], [0.0, 0.0, 2.0]]), document(second, 1, &[[1.0, 1.0, 0.0]])];
    index.apply(ours, &space, batch(0, 2, documents.clone())).await.unwrap();
    index.apply(theirs, &space, batch(0, 7, vec![document(foreign, 1, &[[1.0, 0.0, 0.0]])])).await.unwrap();
    nearest_comes_first(index, ours, &space, first, second).await;
    assert_eq!(found(index, theirs, &space, [0.0, 0.0, 1.0]).await.len(), 1);
    assert_eq!(found(index, theirs, &space, [1.0, 0.0, 0.0]).await[0].0, foreign);

    index.apply(ours, &space, batch(0, 2, documents)).await.unwrap();
    assert_eq!(index.held(ours, &space).await.unwrap().len(), 3);
    let gap = index.apply(ours, &space, batch(5, 6, Vec::new())).await;
    assert!(matches!(gap, Err(Error::Gap { applied: 2, after: 5, .. })), "{gap:?}");

    index.apply(ours, &space, batch(2, 3, vec![document(first, 2, &[[0.0, 1.0, 0.0]])])).await.unwrap();
    let replaced = found(index, ours, &space, [0.0, 1.0, 0.0]).await;
    assert_eq!(replaced.iter().map(|hit| (hit.0, hit.1)).collect::<Vec<_>>(), [(first, 2), (second, 1)]);
    index.apply(ours, &space, batch(0, 1, vec![document(second, 9, &[[0.0, 0.0, 1.0]])])).await.unwrap();
    assert_eq!(index.applied_seq(ours, &space).await.unwrap(), 3);

    let delete = DenseBatch { after_seq: 3, upto_seq: 4, documents: Vec::new(), deletes: vec![first, foreign] };
    index.apply(ours, &space, delete).await.unwrap();
    assert_eq!(index.held(ours, &space).await.unwrap().len(), 1);
    assert_eq!(found(index, theirs, &space, [1.0, 0.0, 0.0]).await.len(), 1, "another tenant's document stays");

    let next = VectorSpace { model_id: format!("{}-next", space.model_id), ..space.clone() };
    assert_eq!(index.applied_seq(ours, &next).await.unwrap(), 0);
    index.apply(ours, &next, batch(0, 4, vec![document(second, 1, &[[0.0, 0.0, 1.0]])])).await.unwrap();
    assert_eq!(found(index, ours, &space, [0.0, 0.0, 1.0]).await.len(), 1);

    index.erase(ours).await.unwrap();
    for space in [&space, &next] {
        assert_eq!(index.applied_seq(ours, space).await.unwrap(), 0);
        assert_eq!(index.held(ours, space).await.unwrap(), []);
    }
    assert_eq!(found(index, theirs, &space, [1.0, 0.0, 0.0]).await.len(), 1);
    index.erase(theirs).await.unwrap();
    [space, next]
}

async fn nearest_comes_first(
    index: &dyn VectorIndex,
    organization_id: OrganizationId,
    space: &VectorSpace,
    first: DocumentId,
    second: DocumentId,
) {
    let hits = found(index, organization_id, space, [2.0, 0.0, 0.0]).await;
    assert_eq!(hits.iter().map(|hit| hit.0).collect::<Vec<_>>(), [first, second, first]);
    for (hit, cosine) in hits.iter().zip([1.0, std::f64::consts::FRAC_1_SQRT_2, 0.0]) {
        assert!((hit.2 - cosine).abs() < TOLERANCE, "{hit:?}");
    }
}
