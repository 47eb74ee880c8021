//! What model calls cost.

use crate::metrics::{Better, Judged, Metric};

/// Price of the model calls, in millionths of a US dollar.
pub struct Cost;

impl Metric for Cost {
    fn name(&self) -> &'static str {
        "cost_micro_usd"
    }

    fn about(&self) -> &'static str {
        "Price of the model calls, in millionths of a US dollar"
    }

    fn better(&self) -> Better {
        Better::Lower
    }

    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    fn score(&self, judged: &Judged<'_>) -> Option<f64> {
        Some(judged.outcome.cost_micro_usd as f64)
    }
}
