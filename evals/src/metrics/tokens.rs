//! What model calls used.

use crate::metrics::{Better, Judged, Metric};

/// Tokens of the model calls, in and out.
pub struct Tokens;

impl Metric for Tokens {
    fn name(&self) -> &'static str {
        "tokens"
    }

    fn about(&self) -> &'static str {
        "Tokens of the model calls, in and out"
    }

    fn better(&self) -> Better {
        Better::Lower
    }

    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    fn score(&self, judged: &Judged<'_>) -> Option<f64> {
        Some((judged.outcome.usage.input_tokens + judged.outcome.usage.output_tokens) as f64)
    }
}
