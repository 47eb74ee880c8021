//! How soon the first relevant document comes.

use crate::metrics::Metric;
use std::collections::HashMap;

/// Reciprocal rank of the first relevant document.
pub struct ReciprocalRank;

impl Metric for ReciprocalRank {
    fn name(&self) -> &'static str {
        "mrr"
    }

    fn score(&self, ranking: &[String], relevant: &HashMap<String, i64>) -> f64 {
        let first = ranking
            .iter()
            .zip(1_u32..)
            .find(|(document, _)| relevant.get(*document).is_some_and(|relevance| *relevance > 0));
        first.map_or(0.0, |(_, place)| 1.0 / f64::from(place))
    }
}
