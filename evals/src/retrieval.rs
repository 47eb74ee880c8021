//! Runs questions through the product's own search and scores the rankings.

use crate::Result;
use crate::dataset::{Judgements, Query};
use crate::metrics;
use ::retrieval::{Mode, Search};
use answering::Desk;
use answering::retrieve::query_vector;
use domain::OrganizationId;
use std::collections::{BTreeMap, HashMap};

/// Documents in a ranking at most.
const DOCUMENTS_MAX: usize = 100;
/// Candidates of each retriever: passages, of which several may be of one document.
const CANDIDATES: usize = 200;

/// Document ids by question, best first.
pub type Ranking = HashMap<String, Vec<String>>;

/// Means by metric.
pub type Scores = BTreeMap<&'static str, f64>;

/// Ranks documents for every question, by the ids they were imported under.
pub async fn rank(
    desk: &Desk,
    organization_id: OrganizationId,
    queries: &[Query],
    mode: Mode,
    dense_weight: f64,
) -> Result<Ranking> {
    let mut ranking = Ranking::new();
    for query in queries {
        let mut search = Search::new(organization_id, query.text.clone());
        search.mode = mode;
        search.k = DOCUMENTS_MAX;
        search.candidates = CANDIDATES;
        search.one_per_document = true;
        search.dense_weight = dense_weight;
        search.language = answering::understand::language_of(&query.text).map(str::to_owned);
        if mode != Mode::Bm25 {
            search.vector = query_vector(desk, &query.text).await.0;
        }
        let found = desk.retrieval.search(&search).await?;
        let ids: Vec<_> = found.hits.iter().map(|hit| hit.chunk_id).collect();
        let chunks = desk.database.of(organization_id).load_chunks(&ids).await?;
        let documents = chunks.into_iter().filter_map(|chunk| chunk.external_id).collect();
        ranking.insert(query.id.clone(), documents);
    }
    Ok(ranking)
}

/// The mean of every metric over the questions that have a relevant document.
pub fn score(ranking: &Ranking, judgements: &Judgements) -> Scores {
    let judged: Vec<_> =
        judgements.iter().filter(|(_, relevant)| relevant.values().any(|relevance| *relevance > 0)).collect();
    let nothing = Vec::new();
    metrics::all()
        .iter()
        .map(|metric| {
            let sum: f64 = judged
                .iter()
                .map(|(query, relevant)| metric.score(ranking.get(*query).unwrap_or(&nothing), relevant))
                .sum();
            #[expect(clippy::cast_precision_loss, reason = "counts are small")]
            let mean = sum / judged.len().max(1) as f64;
            (metric.name(), mean)
        })
        .collect()
}
