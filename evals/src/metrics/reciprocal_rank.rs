//! How soon the first relevant document comes.

use crate::metrics::{Judged, Metric};

/// Reciprocal rank of the first relevant document.
pub struct ReciprocalRank;

impl Metric for ReciprocalRank {
    fn name(&self) -> &'static str {
        "mrr"
    }

    fn about(&self) -> &'static str {
        "One divided by the place of the first relevant document"
    }

    fn score(&self, judged: &Judged<'_>) -> Option<f64> {
        let mut places = judged.outcome.ranking.iter().zip(1_u32..);
        let first = places.find(|(document, _)| judged.is_relevant(document));
        judged.has_relevant().then(|| first.map_or(0.0, |(_, place)| 1.0 / f64::from(place)))
    }
}
