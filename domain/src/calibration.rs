//! Calibration: from a raw confidence to a probability, and what error rate a threshold can promise.

mod curve;
mod fit;
mod promise;
mod scores;

pub use curve::{isotonic, platt, points, pooled};
pub use fit::{Fitted, LABELS_MIN, Quality, TARGETS, Tried, fit, quality};
pub use promise::{RISK_OF_BREAKING, answers_needed, error_bound, promise};
pub use scores::{
    Bin, Label, Place, aurc, auroc, bins, brier, calibration_error, calibration_error_by_chance, log_loss,
    risk_coverage,
};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How the curve was fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Method {
    /// A logistic curve over the log odds (Platt 1999).
    Platt,
    /// A monotone curve through pooled neighbours (Ayer et al. 1955), linear between their means.
    Isotonic,
}

/// A logistic curve over log odds: probability = σ(slope · logit(raw) + shift).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Logistic {
    /// 1 leaves confidences as they are.
    pub slope: f64,
    /// 0 leaves confidences as they are.
    pub shift: f64,
}

impl Logistic {
    /// The curve that changes nothing: the shipped prior.
    pub const IDENTITY: Self = Self { slope: 1.0, shift: 0.0 };
}

/// A curve from raw confidence to the share of right answers, with the promises that its labels bear.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Counted per assistant, from 1.
    pub version: i64,
    /// How it was fitted.
    pub method: Method,
    /// Labelled outcomes behind it.
    pub labels: usize,
    /// How many of them came from where: `evaluation`, `ratings`, `corrections`.
    #[serde(default)]
    pub origins: BTreeMap<String, usize>,
    /// The logistic curve through the labels, whichever method was chosen: what other assistants of the desk begin
    /// from.
    #[serde(default)]
    pub logistic: Option<Logistic>,
    /// Points of the curve: raw confidence and probability, both growing, linear between.
    pub knots: Vec<(f64, f64)>,
    /// For each error rate that was looked at: the threshold, or what is missing.
    pub promises: Vec<Promise>,
}

/// What can be said about a target error rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Promise {
    /// At most this share of the given answers is wrong.
    pub target_error: f64,
    /// Answer from this calibrated confidence on; `None` where the labels do not bear the promise.
    pub threshold: Option<f64>,
    /// Share of the labelled questions that are answered at this threshold.
    pub coverage: f64,
    /// Share of wrong answers among these.
    pub observed_error: f64,
    /// The upper confidence bound of that share.
    pub error_bound: f64,
    /// Labels that are missing at least before the promise could be made; 0 where it is made, or where
    /// more labels alone would not help.
    pub labels_missing: usize,
}

impl Calibration {
    /// The probability behind a raw confidence; the same input gives the same bits.
    pub fn apply(&self, raw: f64) -> f64 {
        let raw = if raw.is_finite() { raw.clamp(0.0, 1.0) } else { 0.0 };
        let after = self.knots.partition_point(|(x, _)| *x < raw);
        let value = match (after.checked_sub(1).and_then(|before| self.knots.get(before)), self.knots.get(after)) {
            (Some((x0, y0)), Some((x1, y1))) if x1 > x0 => y0 + (y1 - y0) * (raw - x0) / (x1 - x0),
            (_, Some((_, y))) | (Some((_, y)), None) => *y,
            (None, None) => raw,
        };
        value.clamp(0.0, 1.0)
    }

    /// The strictest promise that covers the target: that of the target itself, or of the next smaller one.
    pub fn promise(&self, target_error: f64) -> Option<&Promise> {
        let covers = |promise: &&Promise| promise.threshold.is_some() && promise.target_error <= target_error + 1e-9;
        self.promises.iter().filter(covers).max_by(|a, b| a.target_error.total_cmp(&b.target_error))
    }

    /// Why there is no promise for the target, in a sentence.
    pub fn refusal(&self, target_error: f64) -> Option<String> {
        if self.promise(target_error).is_some() {
            return None;
        }
        let percent = target_error * 100.0;
        let looked_at = self.promises.iter().filter(|promise| promise.target_error <= target_error + 1e-9);
        Some(match looked_at.max_by(|a, b| a.target_error.total_cmp(&b.target_error)) {
            Some(promise) if promise.labels_missing > 0 => format!(
                "{} labelled answers cannot bear the promise of at most {percent:.0} % wrong answers: at least {} more are needed",
                self.labels, promise.labels_missing
            ),
            Some(_) => format!(
                "no threshold keeps wrong answers at or below {percent:.0} % on the {} labelled answers: better knowledge is needed, or a higher target",
                self.labels
            ),
            None => format!("a target of {percent:.1} % is below what was looked at"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn promise(target_error: f64, threshold: Option<f64>, labels_missing: usize) -> Promise {
        Promise {
            target_error,
            threshold,
            coverage: 0.5,
            observed_error: 0.0,
            error_bound: target_error,
            labels_missing,
        }
    }

    fn calibration() -> Calibration {
        Calibration {
            version: 1,
            method: Method::Isotonic,
            labels: 40,
            origins: BTreeMap::new(),
            logistic: None,
            knots: vec![(0.2, 0.1), (0.6, 0.5), (0.8, 0.9)],
            promises: vec![promise(0.03, None, 60), promise(0.05, Some(0.9), 0), promise(0.1, Some(0.7), 0)],
        }
    }

    #[test]
    fn the_curve_is_linear_between_its_points_and_flat_beyond() {
        let calibration = calibration();
        for (raw, value) in [(0.0, 0.1), (0.2, 0.1), (0.4, 0.3), (0.7, 0.7), (0.8, 0.9), (1.0, 0.9), (f64::NAN, 0.1)] {
            assert!((calibration.apply(raw) - value).abs() < 1e-9, "{raw}: {}", calibration.apply(raw));
        }
    }

    #[test]
    fn a_target_takes_the_next_stricter_promise_or_is_refused_with_what_is_missing() {
        let calibration = calibration();
        assert_eq!(calibration.promise(0.07).unwrap().threshold, Some(0.9));
        assert_eq!(calibration.promise(0.1).unwrap().threshold, Some(0.7));
        assert!(calibration.promise(0.04).is_none());
        assert!(calibration.refusal(0.03).unwrap().contains("at least 60 more"));
        assert_eq!(calibration.refusal(0.1), None);
    }
}
