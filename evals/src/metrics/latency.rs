//! How long an answer takes.

use crate::metrics::{Better, Judged, Metric};

/// Milliseconds from question to answer.
pub struct Latency;

impl Metric for Latency {
    fn name(&self) -> &'static str {
        "latency_ms"
    }

    fn about(&self) -> &'static str {
        "Milliseconds from question to answer"
    }

    fn better(&self) -> Better {
        Better::Lower
    }

    fn score(&self, judged: &Judged<'_>) -> Option<f64> {
        Some(judged.outcome.latency_ms)
    }
}
