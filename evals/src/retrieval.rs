//! Runs questions through the product's own search and scores the rankings.

use crate::Result;
use crate::dataset::{Judgements, Query};
use crate::metrics::{self, Judged, Metric};
use ::retrieval::{Mode, Search};
use answering::Desk;
use answering::retrieve::query_vector;
use domain::OrganizationId;
use domain::evaluation::{Case, Outcome};
use domain::statistics::mean;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Documents in a ranking at most.
const DOCUMENTS_MAX: usize = 100;
/// Candidates of each retriever: passages, of which several may be of one document.
const CANDIDATES: usize = 200;

/// The metrics that a ranking alone has.
const RETRIEVAL_METRICS: [&str; 5] = ["mrr", "ndcg@10", "recall@1", "recall@5", "recall@10"];

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
        ranking.insert(query.id.clone(), distinct(chunks.into_iter().filter_map(|chunk| chunk.external_id)));
    }
    Ok(ranking)
}

/// Each id at its best place. Two sources may have imported the same document; a ranking names it once, or its relevance
/// would count twice.
pub(crate) fn distinct(ids: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = HashSet::new();
    ids.filter(|id| seen.insert(id.clone())).collect()
}

/// The mean of every retrieval metric over the questions that have a relevant document.
pub fn score(ranking: &Ranking, judgements: &Judgements) -> Scores {
    let judged: Vec<_> =
        judgements.iter().filter(|(_, relevant)| relevant.values().any(|relevance| *relevance > 0)).collect();
    let case = Case::default();
    let of = |metric: &dyn Metric| {
        let scores = judged.iter().filter_map(|(query, relevant)| {
            let outcome = Outcome { ranking: ranking.get(*query).cloned().unwrap_or_default(), ..Outcome::default() };
            metric.score(&Judged { case: &case, outcome: &outcome, relevant })
        });
        mean(&scores.collect::<Vec<f64>>())
    };
    let ranked = metrics::all().into_iter().filter(|metric| RETRIEVAL_METRICS.contains(&metric.name()));
    ranked.filter_map(|metric| Some((metric.name(), of(metric.as_ref())?))).collect()
}
