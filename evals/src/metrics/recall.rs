//! How much of what is relevant was found.

use crate::metrics::{Judged, Metric, share};

/// Recall among the first `cut` documents: 1, 5 or 10.
pub struct Recall {
    /// Documents that count.
    pub cut: usize,
}

impl Metric for Recall {
    fn name(&self) -> &'static str {
        match self.cut {
            1 => "recall@1",
            5 => "recall@5",
            _ => "recall@10",
        }
    }

    fn about(&self) -> &'static str {
        "Share of the relevant documents among the first found"
    }

    fn score(&self, judged: &Judged<'_>) -> Option<f64> {
        let wanted = judged.relevant.values().filter(|relevance| **relevance > 0).count();
        let first = judged.outcome.ranking.iter().take(self.cut);
        let found = first.filter(|document| judged.is_relevant(document)).count();
        (wanted > 0).then(|| share(found, wanted))
    }
}
