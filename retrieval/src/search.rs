//! What is asked and what is found.

use crate::space::QueryVector;
use domain::trace::Rank;
use domain::{ChunkId, DocumentId, OrganizationId};

/// Candidates asked of each retriever where nothing else is said.
pub(crate) const CANDIDATES: usize = 50;
/// Hits where nothing else is said.
const HITS: usize = 10;

/// A search of one organization's knowledge.
#[derive(Clone, Debug)]
pub struct Search {
    /// Whose knowledge is searched.
    pub organization_id: OrganizationId,
    /// What is looked for.
    pub text: String,
    /// Language of the text, ISO 639-1, where it is known.
    pub language: Option<String>,
    /// The text's vector; without one, words alone answer.
    pub vector: Option<QueryVector>,
    /// Which retrievers are asked.
    pub mode: Mode,
    /// Hits wanted, best first.
    pub k: usize,
    /// Candidates asked of each retriever, at least `k`.
    pub candidates: usize,
    /// Weight of the vectors in a convex fusion, from 0 to 1; words have the rest.
    pub dense_weight: f64,
    /// How the two rankings become one.
    pub fusion: Fusion,
    /// Whether only the best chunk of each document is returned.
    pub one_per_document: bool,
}

impl Search {
    /// A hybrid search with the defaults: 10 hits of 50 candidates each, equal weights.
    pub fn new(organization_id: OrganizationId, text: impl Into<String>) -> Self {
        Self {
            organization_id,
            text: text.into(),
            language: None,
            vector: None,
            mode: Mode::Hybrid,
            k: HITS,
            candidates: CANDIDATES,
            dense_weight: 0.5,
            fusion: Fusion::Convex,
            one_per_document: false,
        }
    }
}

/// Which retrievers are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Both, fused.
    #[default]
    Hybrid,
    /// Vectors only.
    Dense,
    /// Words only.
    Bm25,
}

/// How two rankings become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fusion {
    /// The weighted sum of min-max normalised scores.
    #[default]
    Convex,
    /// Reciprocal rank fusion, Cormack et al. 2009, k = 60.
    ReciprocalRank,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The hits, best first.
    pub hits: Vec<Hit>,
    /// Why the search was not at full strength, where it was not.
    pub degraded: Option<String>,
    /// The change-log seq of the slower index that answered.
    pub applied_seq: i64,
}

/// A passage that was found, with its place in every ranking.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The passage.
    pub chunk_id: ChunkId,
    /// Its document.
    pub document_id: DocumentId,
    /// The document's version that the index holds.
    pub version: i64,
    /// Place by vector: cosine, from -1 to 1.
    pub dense: Option<Rank>,
    /// Place by words: BM25, from 0.
    pub bm25: Option<Rank>,
    /// Place after fusion; a convex score is from 0 to 1.
    pub fused: Rank,
    /// Place after reranking, where a reranker is in use.
    pub reranked: Option<Rank>,
}
