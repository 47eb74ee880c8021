//! How much of what was drafted could be proved.

use crate::metrics::{Judged, Metric, share};

/// Share of the drafted sentences that a passage proves, whatever was delivered in the end.
pub struct DraftSupport;

impl Metric for DraftSupport {
    fn name(&self) -> &'static str {
        "draft_support"
    }

    fn about(&self) -> &'static str {
        "Share of the drafted sentences that a passage proves, before the unproved ones are dropped"
    }

    fn score(&self, judged: &Judged<'_>) -> Option<f64> {
        let outcome = judged.outcome;
        (outcome.claims > 0).then(|| share(outcome.claims_proved, outcome.claims))
    }
}
