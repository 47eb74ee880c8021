//! One row of the scanned file: the vector in bytes, then what it is.
//!
//! ```text
//! codes      dimensions × i8, padded to a multiple of 4
//! scale      f32   vector ≈ codes × scale
//! fingerprint u64
//! chunk      16 bytes
//! document   16 bytes
//! version    i64
//! values_crc u32   of the exact vector in the other file
//! row_crc    u32   of everything before
//! ```

use crate::dense::DenseChunk;
use domain::{ChunkId, DocumentId};
use uuid::Uuid;
use zerocopy::little_endian::{F32, I64, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The largest code: one bit is the sign.
const CODE_MAX: f32 = 127.0;

/// Everything of a row behind its codes.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Tail {
    scale: F32,
    pub(super) fingerprint: U64,
    chunk: [u8; 16],
    document: [u8; 16],
    version: I64,
    pub(super) values_crc: U32,
    row_crc: U32,
}

impl Tail {
    pub(super) fn scale(&self) -> f32 {
        self.scale.get()
    }

    pub(super) fn chunk_id(&self) -> ChunkId {
        ChunkId::from_uuid(Uuid::from_bytes(self.chunk))
    }

    pub(super) fn document_id(&self) -> DocumentId {
        DocumentId::from_uuid(Uuid::from_bytes(self.document))
    }

    pub(super) fn version(&self) -> i64 {
        self.version.get()
    }
}

/// Bytes of the codes with their padding.
pub(super) fn codes_bytes(dimensions: usize) -> usize {
    dimensions.next_multiple_of(4)
}

/// Bytes of a row.
pub(super) fn row_bytes(dimensions: usize) -> usize {
    codes_bytes(dimensions) + size_of::<Tail>()
}

/// Appends the row of a passage.
pub(super) fn write(rows: &mut Vec<u8>, document_id: DocumentId, version: i64, chunk: &DenseChunk) {
    let start = rows.len();
    let (codes, scale) = quantised(&chunk.vector);
    rows.extend_from_slice(codes.as_bytes());
    rows.resize(start + codes_bytes(codes.len()), 0);
    let mut tail = Tail {
        scale: F32::new(scale),
        fingerprint: U64::new(chunk.fingerprint),
        chunk: *chunk.chunk_id.uuid().as_bytes(),
        document: *document_id.uuid().as_bytes(),
        version: I64::new(version),
        values_crc: U32::new(crc32fast::hash(chunk.vector.as_bytes())),
        row_crc: U32::new(0),
    };
    rows.extend_from_slice(tail.as_bytes());
    let checked = rows.len() - size_of::<U32>();
    tail.row_crc = U32::new(crc32fast::hash(rows.get(start..checked).unwrap_or_default()));
    rows.truncate(checked);
    rows.extend_from_slice(tail.row_crc.as_bytes());
}

/// Whether a row is as it was written.
pub(super) fn is_whole(row: &[u8]) -> bool {
    row.split_last_chunk::<4>().is_some_and(|(checked, crc)| u32::from_le_bytes(*crc) == crc32fast::hash(checked))
}

/// The codes and the rest of a row.
pub(super) fn split(row: &[u8], dimensions: usize) -> Option<(&[i8], &Tail)> {
    let (codes, rest) = row.split_at_checked(codes_bytes(dimensions))?;
    let codes = <[i8]>::ref_from_bytes(codes.get(..dimensions)?).ok()?;
    Some((codes, Tail::ref_from_bytes(rest).ok()?))
}

/// The vector in signed bytes, and what a byte is worth.
pub(super) fn quantised(vector: &[f32]) -> (Vec<i8>, f32) {
    let largest = vector.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    let scale = largest / CODE_MAX;
    #[expect(clippy::cast_possible_truncation, reason = "rounded values are between -127 and 127")]
    let codes = vector.iter().map(|value| (value / scale).round() as i8).collect();
    (codes, scale)
}
