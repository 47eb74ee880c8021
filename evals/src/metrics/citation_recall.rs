//! How much of what is relevant is cited.

use crate::metrics::{Judged, Metric, share};

/// Share of the relevant documents that are cited, over given answers to cases with known documents.
pub struct CitationRecall;

impl Metric for CitationRecall {
    fn name(&self) -> &'static str {
        "citation_recall"
    }

    fn about(&self) -> &'static str {
        "Share of the documents that hold the answer which a given answer cites"
    }

    fn score(&self, judged: &Judged<'_>) -> Option<f64> {
        let wanted = judged.relevant.values().filter(|relevance| **relevance > 0).count();
        let right = judged.outcome.cited.iter().filter(|document| judged.is_relevant(document)).count();
        (judged.is_answered() && wanted > 0).then(|| share(right, wanted))
    }
}
