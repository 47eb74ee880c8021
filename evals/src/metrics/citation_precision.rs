//! How much of what is cited is relevant.

use crate::metrics::{Judged, Metric, share};

/// Share of the cited documents that are relevant, over given answers to cases with known documents.
pub struct CitationPrecision;

impl Metric for CitationPrecision {
    fn name(&self) -> &'static str {
        "citation_precision"
    }

    fn about(&self) -> &'static str {
        "Share of the documents that a given answer cites which hold the answer"
    }

    fn score(&self, judged: &Judged<'_>) -> Option<f64> {
        let cited = &judged.outcome.cited;
        let right = cited.iter().filter(|document| judged.is_relevant(document)).count();
        (judged.is_answered() && judged.has_relevant()).then(|| share(right, cited.len()))
    }
}
