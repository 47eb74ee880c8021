//! Makes one ranking of two and drops what repeats: pure functions.

use crate::fingerprint;
use crate::search::{Fusion, Hit, Search};
use domain::trace::Rank;
use domain::{ChunkId, DocumentId};
use std::collections::{HashMap, HashSet};

/// The rank constant of reciprocal rank fusion (Cormack et al. 2009).
const RECIPROCAL_RANK_K: f64 = 60.0;

/// A passage with one retriever's score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scored {
    pub(crate) chunk_id: ChunkId,
    pub(crate) document_id: DocumentId,
    pub(crate) version: i64,
    pub(crate) fingerprint: u64,
    pub(crate) score: f64,
}

/// Orders by falling score; equal scores by chunk id, so that the same search answers the same.
pub(crate) fn by_score(left: &Scored, right: &Scored) -> std::cmp::Ordering {
    right.score.total_cmp(&left.score).then(left.chunk_id.cmp(&right.chunk_id))
}

struct Candidate {
    hit: Hit,
    fingerprint: u64,
}

/// Fuses two rankings into the best `search.k` hits. `None` is a retriever that was not asked or
/// did not answer: the other one has all the weight then. A passage that one retriever did not
/// return counts 0 there; its real cosine, below the ranking's worst, would count the same.
pub(crate) fn fuse(search: &Search, dense: Option<Vec<Scored>>, bm25: Option<Vec<Scored>>) -> Vec<Hit> {
    let (dense_weight, bm25_weight) = match (&dense, &bm25) {
        (Some(_), Some(_)) => {
            let weight = search.dense_weight.clamp(0.0, 1.0);
            (weight, 1.0 - weight)
        }
        _ => (1.0, 1.0),
    };
    let mut candidates = HashMap::new();
    let mut rankings = [
        (dense.unwrap_or_default(), dense_weight, Retriever::Dense),
        (bm25.unwrap_or_default(), bm25_weight, Retriever::Bm25),
    ];
    for (ranking, weight, retriever) in &mut rankings {
        ranking.sort_unstable_by(by_score);
        add(&mut candidates, ranking, *weight, *retriever, search.fusion);
    }
    let mut candidates: Vec<Candidate> = candidates.into_values().collect();
    candidates.sort_unstable_by(|left, right| {
        right.hit.fused.score.total_cmp(&left.hit.fused.score).then(left.hit.chunk_id.cmp(&right.hit.chunk_id))
    });
    distinct(candidates, search.k, search.one_per_document)
}

#[derive(Clone, Copy)]
enum Retriever {
    Dense,
    Bm25,
}

fn add(
    candidates: &mut HashMap<ChunkId, Candidate>,
    ranking: &[Scored],
    weight: f64,
    retriever: Retriever,
    fusion: Fusion,
) {
    let best = ranking.first().map_or(0.0, |scored| scored.score);
    let worst = ranking.last().map_or(0.0, |scored| scored.score);
    for (position, scored) in ranking.iter().enumerate() {
        let place = Rank { rank: position + 1, score: scored.score };
        let share = match fusion {
            Fusion::Convex => weight * normalised(scored.score, worst, best),
            #[expect(clippy::cast_precision_loss, reason = "ranks are small")]
            Fusion::ReciprocalRank => 1.0 / (RECIPROCAL_RANK_K + place.rank as f64),
        };
        let candidate = candidates.entry(scored.chunk_id).or_insert_with(|| Candidate {
            fingerprint: scored.fingerprint,
            hit: Hit {
                chunk_id: scored.chunk_id,
                document_id: scored.document_id,
                version: scored.version,
                dense: None,
                bm25: None,
                fused: Rank { rank: 0, score: 0.0 },
                reranked: None,
            },
        });
        candidate.hit.fused.score += share;
        match retriever {
            Retriever::Dense => candidate.hit.dense = Some(place),
            Retriever::Bm25 => candidate.hit.bm25 = Some(place),
        }
    }
}

/// The score's place between the worst (0) and the best (1) of its ranking.
fn normalised(score: f64, worst: f64, best: f64) -> f64 {
    let spread = best - worst;
    if spread > 0.0 { (score - worst) / spread } else { 1.0 }
}

/// Keeps the first of near-equal passages (and of each document, where wanted) and numbers them.
fn distinct(candidates: Vec<Candidate>, k: usize, one_per_document: bool) -> Vec<Hit> {
    let mut documents = HashSet::new();
    let mut fingerprints: Vec<u64> = Vec::new();
    let mut hits = Vec::new();
    for Candidate { mut hit, fingerprint } in candidates {
        if hits.len() == k {
            break;
        }
        if one_per_document && documents.contains(&hit.document_id)
            || fingerprints.iter().any(|known| fingerprint::near(*known, fingerprint))
        {
            continue;
        }
        documents.insert(hit.document_id);
        fingerprints.push(fingerprint);
        hit.fused.rank = hits.len() + 1;
        hits.push(hit);
    }
    hits
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::float_cmp, reason = "tests fail by panicking")]
    use super::*;
    use domain::OrganizationId;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn scored(number: u128, score: f64) -> Scored {
        Scored {
            chunk_id: ChunkId::from_uuid(Uuid::from_u128(number)),
            document_id: DocumentId::from_uuid(Uuid::from_u128(number / 2)),
            version: 1,
            fingerprint: fingerprint::of(&format!("passage {number} about the matter {number}")),
            score,
        }
    }

    fn search(fusion: Fusion, dense_weight: f64) -> Search {
        Search { dense_weight, fusion, ..Search::new(OrganizationId::from_uuid(Uuid::nil()), "") }
    }

    fn ids(hits: &[Hit]) -> Vec<u128> {
        hits.iter().map(|hit| hit.chunk_id.uuid().as_u128()).collect()
    }

    #[test]
    fn a_convex_sum_weighs_the_normalised_scores() {
        let dense = vec![scored(1, 0.9), scored(2, 0.5), scored(3, 0.1)];
        let bm25 = vec![scored(2, 12.0), scored(4, 7.0), scored(1, 2.0)];
        let hits = fuse(&search(Fusion::Convex, 0.5), Some(dense), Some(bm25));
        assert_eq!(ids(&hits), [2, 1, 4, 3]);
        assert_eq!(hits[0].fused, Rank { rank: 1, score: 0.75 });
        assert_eq!(hits[0].dense, Some(Rank { rank: 2, score: 0.5 }));
        assert_eq!(hits[0].bm25, Some(Rank { rank: 1, score: 12.0 }));
        assert_eq!((hits[2].dense, hits[3].bm25), (None, None));
    }

    #[test]
    fn a_retriever_that_did_not_answer_leaves_its_weight_to_the_other() {
        let hits = fuse(&search(Fusion::Convex, 0.9), None, Some(vec![scored(1, 3.0), scored(2, 1.0)]));
        assert_eq!(hits[0].fused.score, 1.0);
    }

    #[test]
    fn reciprocal_rank_adds_the_ranks() {
        let hits = fuse(
            &search(Fusion::ReciprocalRank, 0.5),
            Some(vec![scored(1, 0.9), scored(2, 0.8)]),
            Some(vec![scored(2, 4.0)]),
        );
        assert_eq!(ids(&hits), [2, 1]);
        assert!((hits[0].fused.score - (1.0 / 61.0 + 1.0 / 62.0)).abs() < 1e-12);
    }

    #[test]
    fn the_same_text_comes_once_and_a_document_once_where_wanted() {
        let copy = Scored { fingerprint: scored(2, 0.0).fingerprint, ..scored(9, 2.0) };
        let all = vec![scored(2, 3.0), copy, scored(3, 1.0)];
        let mut search = search(Fusion::Convex, 0.5);
        assert_eq!(ids(&fuse(&search, None, Some(all.clone()))), [2, 3]);
        search.one_per_document = true;
        assert_eq!(ids(&fuse(&search, None, Some(all))), [2]);
    }

    fn ranking() -> impl Strategy<Value = Vec<Scored>> {
        proptest::collection::btree_map(0..60u128, -1.0..40.0f64, 0..30)
            .prop_map(|scores| scores.into_iter().map(|(number, score)| scored(number, score)).collect())
    }

    proptest! {
        #[test]
        fn the_order_of_arrival_never_matters(dense in ranking(), bm25 in ranking(), weight in 0.0..1.0f64, convex: bool) {
            let search = search(if convex { Fusion::Convex } else { Fusion::ReciprocalRank }, weight);
            let reversed = |ranking: &[Scored]| ranking.iter().rev().copied().collect::<Vec<_>>();
            let hits = fuse(&search, Some(dense.clone()), Some(bm25.clone()));
            prop_assert_eq!(&hits, &fuse(&search, Some(reversed(&dense)), Some(reversed(&bm25))));
            prop_assert!(hits.len() <= search.k);
            for (place, hit) in hits.iter().enumerate() {
                prop_assert_eq!(hit.fused.rank, place + 1);
                prop_assert!((0.0..=1.0 + 1e-9).contains(&hit.fused.score));
                prop_assert!(hit.dense.is_some() || hit.bm25.is_some());
            }
        }

        #[test]
        fn being_better_in_both_rankings_is_being_better(first in ranking(), second in ranking(), weight in 0.01..0.99f64) {
            let mut search = search(Fusion::Convex, weight);
            search.k = 100;
            let hits = fuse(&search, Some(first), Some(second));
            for (place, hit) in hits.iter().enumerate() {
                for later in &hits[place + 1..] {
                    if let (Some(d1), Some(b1), Some(d2), Some(b2)) = (hit.dense, hit.bm25, later.dense, later.bm25) {
                        prop_assert!(!(d2.score > d1.score && b2.score > b1.score));
                    }
                }
            }
        }
    }
}
