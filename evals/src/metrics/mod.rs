//! Metrics: one file each, one line in the registry.

mod ndcg;
mod recall;
mod reciprocal_rank;

use std::collections::HashMap;

pub use ndcg::Ndcg;
pub use recall::Recall;
pub use reciprocal_rank::ReciprocalRank;

/// Scores one ranking against what is relevant.
pub trait Metric: Send + Sync {
    /// Its name as it is reported.
    fn name(&self) -> &'static str;

    /// The score of one question, 0 to 1. `ranking` holds document ids, best first, each once;
    /// `relevant` their relevance, where it is known.
    fn score(&self, ranking: &[String], relevant: &HashMap<String, i64>) -> f64;
}

/// Every retrieval metric there is; a new one is one line here.
pub fn all() -> Vec<Box<dyn Metric>> {
    vec![Box::new(Ndcg), Box::new(Recall), Box::new(ReciprocalRank)]
}

/// What every metric must hold: the ideal ranking scores 1, an empty one 0, and everything between.
#[cfg(test)]
pub(crate) fn exercise(metric: &dyn Metric) {
    let relevant = HashMap::from([("a".to_owned(), 1), ("b".to_owned(), 1)]);
    let ranking = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    let score = |ids: &[&str]| metric.score(&ranking(ids), &relevant);
    assert!((score(&["a", "b", "c"]) - 1.0).abs() < 1e-9, "{}: the ideal", metric.name());
    assert!(score(&[]).abs() < 1e-9, "{}: nothing found", metric.name());
    assert!(score(&["x", "y"]).abs() < 1e-9, "{}: nothing relevant", metric.name());
    assert!(score(&["x", "a"]) > 0.0 && score(&["x", "a"]) < 1.0, "{}: a part", metric.name());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_keeps_its_range() {
        for metric in all() {
            exercise(metric.as_ref());
        }
    }
}
