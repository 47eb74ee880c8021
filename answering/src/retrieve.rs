//! Finds the passages for a question and re-reads them from storage under their organization.

use crate::understand::Understood;
use crate::{Desk, Passage, Question, Result};
use domain::trace::Candidate;
use retrieval::{Found, Hit, QueryVector, Search, VectorSpace};
use rustc_hash::FxHashMap;
use std::time::Duration;
use storage::chunks::FoundChunk;

/// Passages that are kept for the trace, beside those in the prompt.
const CANDIDATES_TRACED: usize = 20;
/// How long the vector of a query is waited for before words alone answer.
const VECTOR_TIMEOUT: Duration = Duration::from_secs(3);

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Retrieved {
    /// Passages, best first, numbered from 1.
    pub passages: Vec<Passage>,
    /// Why retrieval was not at full strength.
    pub degraded: Option<String>,
    /// The change-log seq that the indexes had applied.
    pub knowledge_version: i64,
}

/// Searches, and drops every hit that storage does not confirm: it is gone, changed or not published.
pub async fn retrieve(desk: &Desk, question: &Question, understood: &Understood) -> Result<Retrieved> {
    let settings = &question.assistant.settings;
    let (vector, degraded) = query_vector(desk, &understood.search).await;
    let mut search = Search::new(question.organization_id, understood.search.clone());
    search.language.clone_from(&understood.language);
    search.vector = vector;
    search.k = settings.passages_max.max(CANDIDATES_TRACED);
    search.dense_weight = settings.dense_weight;
    let found = desk.retrieval.search(&search).await?;
    let ids: Vec<_> = found.hits.iter().map(|hit| hit.chunk_id).collect();
    let chunks = desk.database.of(question.organization_id).load_chunks(&ids).await?;
    Ok(Retrieved {
        degraded: degraded.or_else(|| found.degraded.clone()),
        knowledge_version: found.applied_seq,
        passages: confirmed(found, chunks),
    })
}

/// The vector of the query, or why there is none.
pub async fn query_vector(desk: &Desk, text: &str) -> (Option<QueryVector>, Option<String>) {
    let Some(queries) = desk.embedder.queries() else {
        return (None, Some("lexical only: no embedding model is loaded".to_owned()));
    };
    let embedder = queries.embedder();
    let space = VectorSpace { model_id: embedder.model_id().to_owned(), dimensions: embedder.dimensions() };
    match tokio::time::timeout(VECTOR_TIMEOUT, queries.vector(text)).await {
        Ok(Ok(values)) => (Some(QueryVector { space, values }), None),
        Ok(Err(error)) => (None, Some(format!("lexical only: {error}"))),
        Err(_) => (None, Some("lexical only: the embedding model is too slow".to_owned())),
    }
}

fn confirmed(found: Found, chunks: Vec<FoundChunk>) -> Vec<Passage> {
    let mut by_id: FxHashMap<_, _> = chunks.into_iter().map(|found| (found.chunk.id, found)).collect();
    found
        .hits
        .into_iter()
        .filter_map(|hit| by_id.remove(&hit.chunk_id).map(|chunk| (hit, chunk)))
        .enumerate()
        .map(|(position, (hit, chunk))| passage(position + 1, &hit, chunk))
        .collect()
}

fn passage(index: usize, hit: &Hit, found: FoundChunk) -> Passage {
    Passage {
        index,
        chunk_id: found.chunk.id,
        document_id: found.chunk.document_id,
        version: found.chunk.version,
        external_id: found.external_id,
        url: found.url,
        title: found.title,
        heading_path: found.chunk.heading_path,
        text: found.chunk.text,
        start_byte: usize::try_from(found.chunk.start_byte).unwrap_or(0),
        dense: hit.dense,
        bm25: hit.bm25,
        fused: Some(hit.fused),
    }
}

/// The passages as the trace shows them; the first `in_prompt` of them were read.
pub fn candidates(passages: &[Passage], in_prompt: usize) -> Vec<Candidate> {
    passages
        .iter()
        .enumerate()
        .map(|(position, passage)| Candidate {
            chunk_id: passage.chunk_id,
            document_id: passage.document_id,
            version: passage.version,
            external_id: passage.external_id.clone(),
            url: passage.url.clone(),
            title: passage.title.clone(),
            heading_path: passage.heading_path.clone(),
            start: passage.start_byte,
            end: passage.start_byte + passage.text.len(),
            dense: passage.dense,
            bm25: passage.bm25,
            fused: passage.fused,
            reranked: None,
            in_prompt: position < in_prompt,
            dropped_because: (position >= in_prompt).then(|| "beyond the passages that fit into the prompt".to_owned()),
        })
        .collect()
}
