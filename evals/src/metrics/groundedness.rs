//! How much of what was delivered stands in what it cites.

use crate::metrics::{Judged, Metric, share};

/// Share of the delivered sentences whose content words and numbers stand in the cited quotes. It looks at the
/// delivered text again and does not trust the pipeline's own check.
pub struct Groundedness;

impl Metric for Groundedness {
    fn name(&self) -> &'static str {
        "groundedness"
    }

    fn about(&self) -> &'static str {
        "Share of the delivered sentences whose words and numbers stand in the quotes that the answer cites"
    }

    fn score(&self, judged: &Judged<'_>) -> Option<f64> {
        let outcome = judged.outcome;
        (judged.is_answered() && outcome.sentences > 0).then(|| share(outcome.sentences_grounded, outcome.sentences))
    }
}
