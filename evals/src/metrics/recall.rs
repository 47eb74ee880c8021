//! How much of what is relevant was found.

use crate::metrics::Metric;
use std::collections::HashMap;

/// Hits that count.
const CUT: usize = 10;

/// Recall@10.
pub struct Recall;

impl Metric for Recall {
    fn name(&self) -> &'static str {
        "recall@10"
    }

    fn score(&self, ranking: &[String], relevant: &HashMap<String, i64>) -> f64 {
        let wanted = relevant.values().filter(|relevance| **relevance > 0).count();
        let found = ranking
            .iter()
            .take(CUT)
            .filter(|document| relevant.get(*document).is_some_and(|relevance| *relevance > 0))
            .count();
        #[expect(clippy::cast_precision_loss, reason = "counts are small")]
        let share = found as f64 / wanted.max(1) as f64;
        share
    }
}
