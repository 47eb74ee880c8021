//! The story of a search, and of keeping both indexes in step with the change log.

use crate::batch::{Batch, Held, IndexedDocument};
use crate::dense::{
    DenseBatch, DenseChunk, DenseDocument, EmbeddedIndex, Nearest, Neighbours, QdrantIndex, QdrantSettings, VectorIndex,
};
use crate::error::Result;
use crate::fingerprint;
use crate::folder::Folders;
use crate::fuse::fuse;
use crate::keyword::{KeywordIndexes, Matches};
use crate::search::{Found, Mode, Search};
use crate::searching::searching;
use crate::space::VectorSpace;
use domain::{DocumentId, OrganizationId};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Candidates of each retriever, at most.
const CANDIDATES_MAX: usize = 1_000;
/// Bytes of a query that are read; a longer one is a document.
const QUERY_BYTES_MAX: usize = 8_192;
/// How long vectors are waited for before words answer alone, where nothing else is said.
const VECTOR_TIMEOUT: Duration = Duration::from_secs(2);
/// Organizations whose indexes are kept open, where nothing else is said.
const INDEXES_OPEN_MAX: usize = 256;

/// What `Retrieval` needs to know once.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the index files of this process live.
    pub directory: PathBuf,
    /// Which engine holds the vectors.
    pub dense: DenseEngine,
    /// Organizations whose indexes are kept open.
    pub indexes_open_max: usize,
    /// How long a search waits for vectors before words answer alone.
    pub vector_timeout: Duration,
}

impl Settings {
    /// The embedded engine with the default limits.
    pub fn embedded(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            dense: DenseEngine::Embedded,
            indexes_open_max: INDEXES_OPEN_MAX,
            vector_timeout: VECTOR_TIMEOUT,
        }
    }
}

/// Which engine holds the vectors.
#[derive(Clone)]
pub enum DenseEngine {
    /// Files in the directory, scanned exactly.
    Embedded,
    /// A Qdrant server.
    Qdrant {
        /// Its gRPC address, `http://localhost:6334`.
        url: String,
        /// Its key, where it wants one.
        api_key: Option<String>,
    },
}

impl fmt::Debug for DenseEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => f.write_str("Embedded"),
            Self::Qdrant { url, api_key } => {
                f.debug_struct("Qdrant").field("url", url).field("api_key", &api_key.as_ref().map(|_| "••••")).finish()
            }
        }
    }
}

/// Both indexes of all organizations. Open it once per process; clones share everything.
#[derive(Clone)]
pub struct Retrieval {
    keyword: Arc<KeywordIndexes>,
    dense: Arc<dyn VectorIndex>,
    shares_vectors: bool,
    vector_timeout: Duration,
}

impl fmt::Debug for Retrieval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retrieval").finish_non_exhaustive()
    }
}

impl Retrieval {
    /// Prepares the engines. A vector server that is down is met at the first search, not here.
    pub async fn open(settings: Settings) -> Result<Self> {
        let directory = settings.directory;
        let folders = tokio::task::spawn_blocking(move || Folders::open(directory)).await??;
        let shares_vectors = matches!(settings.dense, DenseEngine::Qdrant { .. });
        let dense: Arc<dyn VectorIndex> = match settings.dense {
            DenseEngine::Embedded => Arc::new(EmbeddedIndex::new(folders.clone(), settings.indexes_open_max)),
            DenseEngine::Qdrant { url, api_key } => {
                let connect_timeout = settings.vector_timeout;
                Arc::new(QdrantIndex::new(QdrantSettings { url, api_key, connect_timeout })?)
            }
        };
        let keyword = Arc::new(KeywordIndexes::new(folders, settings.indexes_open_max));
        Ok(Self { keyword, dense, shares_vectors, vector_timeout: settings.vector_timeout })
    }

    /// Whether other processes write the same vectors.
    pub fn shares_vectors(&self) -> bool {
        self.shares_vectors
    }

    /// Finds the best passages of one organization. When one side fails, the other answers and
    /// `degraded` says why; a vector that does not fit its space is refused.
    pub async fn search(&self, search: &Search) -> Result<Found> {
        let nearest = nearest(search)?;
        let (bm25, dense, degraded) = match search.mode {
            Mode::Bm25 => (Some(self.by_words(search).await?), None, None),
            Mode::Dense => match self.by_vector(nearest).await {
                Ok(dense) => (None, Some(dense), None),
                Err(reason) => (Some(self.by_words(search).await?), None, Some(format!("lexical only: {reason}"))),
            },
            Mode::Hybrid => match tokio::join!(self.by_words(search), self.by_vector(nearest)) {
                (Ok(bm25), Ok(dense)) => (Some(bm25), Some(dense), None),
                (Ok(bm25), Err(reason)) => (Some(bm25), None, Some(format!("lexical only: {reason}"))),
                (Err(error), Ok(dense)) => (None, Some(dense), Some(format!("vectors only: {error}"))),
                (Err(error), Err(_)) => return Err(error),
            },
        };
        if let Some(reason) = &degraded {
            tracing::debug!(organization.id = %search.organization_id, reason, "search is degraded");
        }
        let seqs = [bm25.as_ref().map(|bm25| bm25.applied_seq), dense.as_ref().map(|dense| dense.applied_seq)];
        Ok(Found {
            hits: fuse(search, dense.map(|dense| dense.passages), bm25.map(|bm25| bm25.passages)),
            degraded,
            applied_seq: seqs.into_iter().flatten().min().unwrap_or(0),
        })
    }

    /// Applies a stretch of the change log to both indexes; in each, content and seq move together.
    /// Every vector is checked before anything is written.
    pub async fn apply(&self, organization_id: OrganizationId, batch: Batch) -> Result<()> {
        let Prepared { batch, fingerprints, dense } = tokio::task::spawn_blocking(move || prepared(batch)).await??;
        if let (Some(space), Some(dense)) = (&batch.space, dense) {
            self.dense.apply(organization_id, space, dense).await?;
        }
        let keyword = Arc::clone(&self.keyword);
        tokio::task::spawn_blocking(move || keyword.apply(organization_id, &batch, &fingerprints)).await?
    }

    /// The seq that both the BM25 index and, where it is named, the space have; 0 before the first batch.
    pub async fn applied_seq(&self, organization_id: OrganizationId, space: Option<&VectorSpace>) -> Result<i64> {
        let keyword = Arc::clone(&self.keyword);
        let applied = tokio::task::spawn_blocking(move || keyword.applied_seq(organization_id)).await??;
        match space {
            None => Ok(applied),
            Some(space) => Ok(applied.min(self.dense.applied_seq(organization_id, space).await?)),
        }
    }

    /// Deletes everything the indexes hold of the organization, all spaces: when it is erased, and
    /// before its log is applied again from the beginning.
    pub async fn erase(&self, organization_id: OrganizationId) -> Result<()> {
        let keyword = Arc::clone(&self.keyword);
        tokio::task::spawn_blocking(move || keyword.erase(organization_id)).await??;
        self.dense.erase(organization_id).await
    }

    /// What each index holds, for comparing with storage.
    pub async fn check(&self, organization_id: OrganizationId, space: Option<&VectorSpace>) -> Result<Held> {
        let keyword = Arc::clone(&self.keyword);
        let keyword = tokio::task::spawn_blocking(move || keyword.held(organization_id)).await??;
        let dense = match space {
            None => None,
            Some(space) => Some(self.dense.held(organization_id, space).await?),
        };
        Ok(Held { keyword, dense })
    }

    async fn by_words(&self, search: &Search) -> Result<Matches> {
        let keyword = Arc::clone(&self.keyword);
        let (organization_id, limit) = (search.organization_id, candidates(search));
        let text = search.text.get(..search.text.floor_char_boundary(QUERY_BYTES_MAX)).unwrap_or_default().to_owned();
        let language = search.language.clone();
        searching(move || keyword.search(organization_id, &text, language.as_deref(), limit)).await
    }

    /// The nearest passages, or in words why there are none.
    async fn by_vector(&self, nearest: Option<Nearest>) -> std::result::Result<Neighbours, String> {
        let Some(nearest) = nearest else { return Err("the query has no vector".to_owned()) };
        match tokio::time::timeout(self.vector_timeout, self.dense.search(&nearest)).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err(format!("vectors took longer than {} ms", self.vector_timeout.as_millis())),
        }
    }
}

fn candidates(search: &Search) -> usize {
    search.candidates.max(search.k).clamp(1, CANDIDATES_MAX)
}

fn nearest(search: &Search) -> Result<Option<Nearest>> {
    let Some(vector) = &search.vector else { return Ok(None) };
    Ok(Some(Nearest {
        organization_id: search.organization_id,
        vector: vector.space.unit(&vector.values)?,
        space: vector.space.clone(),
        limit: candidates(search),
    }))
}

/// A batch ready for both indexes.
struct Prepared {
    batch: Batch,
    /// By document and chunk of the batch.
    fingerprints: Vec<Vec<u64>>,
    dense: Option<DenseBatch>,
}

fn prepared(mut batch: Batch) -> Result<Prepared> {
    keep_last(&mut batch);
    let fingerprints: Vec<Vec<u64>> = batch
        .upserts
        .iter()
        .map(|document| document.chunks.iter().map(|chunk| fingerprint::of(&chunk.text)).collect())
        .collect();
    let dense = match &batch.space {
        None => None,
        Some(space) => Some(DenseBatch {
            after_seq: batch.after_seq,
            upto_seq: batch.upto_seq,
            documents: batch
                .upserts
                .iter()
                .zip(&fingerprints)
                .map(|(document, fingerprints)| dense_document(space, document, fingerprints))
                .collect::<Result<_>>()?,
            deletes: batch.deletes.clone(),
        }),
    };
    Ok(Prepared { batch, fingerprints, dense })
}

/// Leaves each document once: deleted, or as it stands last.
fn keep_last(batch: &mut Batch) {
    let deleted: HashSet<DocumentId> = batch.deletes.iter().copied().collect();
    let last: HashMap<DocumentId, usize> =
        batch.upserts.iter().enumerate().map(|(place, document)| (document.document_id, place)).collect();
    let mut place = 0;
    batch.upserts.retain(|document| {
        let keep = last.get(&document.document_id) == Some(&place) && !deleted.contains(&document.document_id);
        place += 1;
        keep
    });
}

fn dense_document(space: &VectorSpace, document: &IndexedDocument, fingerprints: &[u64]) -> Result<DenseDocument> {
    let chunks = document.chunks.iter().zip(fingerprints).filter_map(|(chunk, fingerprint)| {
        let vector = chunk.vector.as_ref()?;
        Some(space.unit(vector).map(|vector| DenseChunk {
            chunk_id: chunk.chunk_id,
            fingerprint: *fingerprint,
            vector,
        }))
    });
    Ok(DenseDocument {
        document_id: document.document_id,
        source_id: document.source_id,
        version: document.version,
        language: document.language.clone(),
        chunks: chunks.collect::<Result<_>>()?,
    })
}
