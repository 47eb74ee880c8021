//! Finds the passages of an organization's knowledge that answer a text: dense vectors and BM25,
//! fused, with the rank and score of each.
//!
//! It never reads SQL and never sees an embedder: documents and vectors are passed in with the
//! seq of the change log they come from, and hits are ids that the caller re-reads from storage.
//! Both indexes are derived; deleting the folder and applying the log again rebuilds them. There is
//! deliberately no filter beside the organization: what may not be found is not in the index.
//! Read `retrieval.rs` first.

mod batch;
mod dense;
mod error;
mod fingerprint;
mod folder;
mod fuse;
mod keyword;
mod retrieval;
mod search;
mod searching;
mod space;

pub use batch::{Batch, Held, IndexedChunk, IndexedDocument};
pub use error::{Error, Result};
pub use retrieval::{DenseEngine, Retrieval, Settings};
pub use search::{Found, Fusion, Hit, Mode, Search};
pub use space::{QueryVector, VectorSpace};
