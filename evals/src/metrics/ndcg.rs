//! Normalised discounted cumulative gain (Järvelin and Kekäläinen 2002), with the linear gain of `trec_eval`.

use crate::metrics::{Judged, Metric};

/// Hits that count.
const CUT: usize = 10;

/// nDCG@10.
pub struct Ndcg;

impl Metric for Ndcg {
    fn name(&self) -> &'static str {
        "ndcg@10"
    }

    fn about(&self) -> &'static str {
        "How high the relevant documents stand among the first ten found"
    }

    fn score(&self, judged: &Judged<'_>) -> Option<f64> {
        let gain = |document: &String| judged.relevant.get(document).copied().unwrap_or(0);
        let mut ideal: Vec<i64> = judged.relevant.values().copied().collect();
        ideal.sort_unstable_by(|a, b| b.cmp(a));
        let best = discounted(ideal.into_iter());
        (best > 0.0).then(|| discounted(judged.outcome.ranking.iter().map(gain)) / best)
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
    use domain::evaluation::{Case, Outcome};
    use std::collections::HashMap;

    #[test]
    fn a_relevant_document_in_second_place_counts_by_the_logarithm() {
        let relevant = HashMap::from([("a".to_owned(), 1)]);
        let outcome = Outcome { ranking: vec!["x".into(), "a".into()], ..Outcome::default() };
        let judged = Judged { case: &Case::default(), outcome: &outcome, relevant: &relevant };
        assert!((Ndcg.score(&judged).unwrap() - 1.0 / 3.0_f64.log2()).abs() < 1e-9);
    }
}
