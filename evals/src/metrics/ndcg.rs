//! Normalised discounted cumulative gain (Järvelin and Kekäläinen 2002), with the linear gain of `trec_eval`.

use crate::metrics::Metric;
use std::collections::HashMap;

/// Hits that count.
const CUT: usize = 10;

/// nDCG@10.
pub struct Ndcg;

impl Metric for Ndcg {
    fn name(&self) -> &'static str {
        "ndcg@10"
    }

    fn score(&self, ranking: &[String], relevant: &HashMap<String, i64>) -> f64 {
        let gain = |document: &String| relevant.get(document).copied().unwrap_or(0);
        let mut ideal: Vec<i64> = relevant.values().copied().collect();
        ideal.sort_unstable_by(|a, b| b.cmp(a));
        let best = discounted(ideal.into_iter());
        if best > 0.0 { discounted(ranking.iter().map(gain)) / best } else { 0.0 }
    }
}

fn discounted(gains: impl Iterator<Item = i64>) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "relevance is a small number")]
    let each = gains.take(CUT).zip(2_u32..).map(|(gain, place)| gain.max(0) as f64 / f64::from(place).log2());
    each.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relevant_document_in_second_place_counts_by_the_logarithm() {
        let relevant = HashMap::from([("a".to_owned(), 1)]);
        let score = Ndcg.score(&["x".to_owned(), "a".to_owned()], &relevant);
        assert!((score - 1.0 / 3.0_f64.log2()).abs() < 1e-9);
    }
}
