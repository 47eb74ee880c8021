//! Fits the curve from raw confidence to probability: isotonic or logistic.

use super::{Calibration, Label, Logistic};
use crate::statistics::count;

/// Points of a logistic curve that are kept.
const LOGISTIC_POINTS: usize = 65;
/// Points of an isotonic curve at most.
const ISOTONIC_POINTS_MAX: usize = 64;
/// Newton steps at most.
const STEPS_MAX: usize = 50;
/// A change of the parameters below this ends the fit.
const SETTLED: f64 = 1e-10;
/// Confidences are kept this far from 0 and 1 before their log odds are taken.
const CLIP: f64 = 1e-4;
/// So many labels stand behind the shipped curve.
const SHIPPED_LABELS: f64 = 20.0;
/// A logistic curve never falls: its slope is at least this.
const SLOPE_MIN: f64 = 1e-3;

/// A logistic curve as points.
pub fn points(curve: Logistic) -> Vec<(f64, f64)> {
    let at = |point: usize| count(point) / count(LOGISTIC_POINTS - 1);
    (0..LOGISTIC_POINTS).map(|point| (at(point), apply(curve, at(point)))).collect()
}

/// The curve that an assistant begins from: that of the desk's other assistants and the shipped one, each weighing
/// as many labels as stand behind it.
pub fn pooled(others: &[Calibration]) -> Logistic {
    let curves = others.iter().filter_map(|other| Some((other.logistic?, count(other.labels))));
    let curves = curves.chain(std::iter::once((Logistic::IDENTITY, SHIPPED_LABELS)));
    let (mut pooled, mut labels) = (Logistic { slope: 0.0, shift: 0.0 }, 0.0);
    for (curve, weight) in curves {
        pooled.slope += weight * curve.slope;
        pooled.shift += weight * curve.shift;
        labels += weight;
    }
    Logistic { slope: pooled.slope / labels, shift: pooled.shift / labels }
}

fn apply(curve: Logistic, raw: f64) -> f64 {
    sigmoid(curve.slope * logit(raw) + curve.shift)
}

/// The logistic curve that explains the labels best (Platt 1999), drawn towards `prior` as strongly as `weight`
/// says (the precision of a normal distribution around it), so that few labels move it little.
pub fn platt(labels: &[Label], prior: Logistic, weight: f64) -> Logistic {
    let points: Vec<(f64, f64)> = labels.iter().map(|label| (logit(label.confidence), label.outcome())).collect();
    let mut curve = prior;
    for _ in 0..STEPS_MAX {
        let mut gradient = (weight * (curve.slope - prior.slope), weight * (curve.shift - prior.shift));
        let mut hessian = (weight, 0.0, weight);
        for (x, y) in &points {
            let p = sigmoid(curve.slope * x + curve.shift);
            let spread = (p * (1.0 - p)).max(1e-9);
            gradient.0 += (p - y) * x;
            gradient.1 += p - y;
            hessian.0 += spread * x * x;
            hessian.1 += spread * x;
            hessian.2 += spread;
        }
        let determinant = hessian.0 * hessian.2 - hessian.1 * hessian.1;
        if determinant.abs() < 1e-12 {
            break;
        }
        let step = (
            (hessian.2 * gradient.0 - hessian.1 * gradient.1) / determinant,
            (hessian.0 * gradient.1 - hessian.1 * gradient.0) / determinant,
        );
        // A bounded step keeps far-off starts from overshooting.
        curve.slope -= step.0.clamp(-2.0, 2.0);
        curve.shift -= step.1.clamp(-2.0, 2.0);
        if step.0.abs() + step.1.abs() < SETTLED {
            break;
        }
    }
    Logistic { slope: curve.slope.max(SLOPE_MIN), shift: curve.shift }
}

/// The growing curve with the least squared error: pool adjacent violators (Ayer et al. 1955), as points at the
/// mean confidence of each pool.
pub fn isotonic(labels: &[Label]) -> Vec<(f64, f64)> {
    let mut sorted = labels.to_vec();
    sorted.sort_by(|a, b| a.confidence.total_cmp(&b.confidence));
    let mut pools: Vec<Pool> = Vec::new();
    for tied in sorted.chunk_by(|a, b| a.confidence.total_cmp(&b.confidence).is_eq()) {
        let mut pool = Pool::of(tied);
        while let Some(last) = pools.pop_if(|last| last.mean() >= pool.mean()) {
            pool = pool.with(last);
        }
        pools.push(pool);
    }
    // Neighbours are joined where there are more pools than points; their order stays.
    let joined = pools.len().div_ceil(ISOTONIC_POINTS_MAX).max(1);
    let join = |pools: &[Pool]| pools.iter().copied().reduce(Pool::with);
    pools.chunks(joined).filter_map(join).map(|pool| (pool.confidence / pool.labels, pool.mean())).collect()
}

#[derive(Clone, Copy)]
struct Pool {
    labels: f64,
    right: f64,
    confidence: f64,
}

impl Pool {
    fn of(labels: &[Label]) -> Self {
        Self {
            labels: count(labels.len()),
            right: labels.iter().map(Label::outcome).sum(),
            confidence: labels.iter().map(|label| label.confidence).sum(),
        }
    }

    fn with(self, other: Self) -> Self {
        Self {
            labels: self.labels + other.labels,
            right: self.right + other.right,
            confidence: self.confidence + other.confidence,
        }
    }

    fn mean(self) -> f64 {
        self.right / self.labels
    }
}

fn logit(raw: f64) -> f64 {
    let clipped = raw.clamp(CLIP, 1.0 - CLIP);
    (clipped / (1.0 - clipped)).ln()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests fail by panicking")]
    use super::*;
    use crate::statistics::Random;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn drawn(seed: u64, labels: usize, truth: impl Fn(f64) -> f64) -> Vec<Label> {
        let mut random = Random::seeded(seed);
        let mut uniform = || count(random.below(1_000_000)) / 1_000_000.0;
        (0..labels)
            .map(|_| uniform())
            .collect::<Vec<_>>()
            .into_iter()
            .map(|confidence| Label { confidence, right: uniform() < truth(confidence) })
            .collect()
    }

    #[test]
    fn a_logistic_fit_finds_the_curve_that_made_the_labels() {
        let truth = Logistic { slope: 0.5, shift: -1.0 };
        let found = platt(&drawn(1, 4_000, |raw| apply(truth, raw)), Logistic::IDENTITY, 1.0);
        assert!((found.slope - 0.5).abs() < 0.1 && (found.shift + 1.0).abs() < 0.1, "{found:?}");
    }

    #[test]
    fn no_labels_leave_the_prior_and_few_move_it_little() {
        assert_eq!(platt(&[], Logistic::IDENTITY, 1.0), Logistic::IDENTITY);
        let few = vec![Label { confidence: 0.9, right: false }; 2];
        let moved = apply(platt(&few, Logistic::IDENTITY, 10.0), 0.9);
        let moved_more = apply(platt(&few, Logistic::IDENTITY, 0.1), 0.9);
        assert!(moved < 0.9 && moved_more < moved && moved > 0.7, "{moved} {moved_more}");
    }

    #[test]
    fn an_assistant_begins_from_the_others_of_its_desk_as_far_as_labels_stand_behind_them() {
        assert_eq!(pooled(&[]), Logistic::IDENTITY);
        let other = |labels: usize, logistic: Option<Logistic>| Calibration {
            version: 1,
            method: crate::calibration::Method::Isotonic,
            labels,
            origins: BTreeMap::new(),
            logistic,
            knots: Vec::new(),
            promises: Vec::new(),
        };
        let steep = Logistic { slope: 3.0, shift: -2.0 };
        let half = pooled(&[other(20, Some(steep)), other(500, None)]);
        assert!((half.slope - 2.0).abs() < 1e-9 && (half.shift + 1.0).abs() < 1e-9, "{half:?}");
        assert!(pooled(&[other(2_000, Some(steep))]).slope > 2.9);
    }

    #[test]
    fn violators_are_pooled() {
        let labels: Vec<Label> = [(0.1, false), (0.2, true), (0.3, false), (0.9, true)]
            .map(|(confidence, right)| Label { confidence, right })
            .to_vec();
        let knots = isotonic(&labels);
        assert_eq!(knots.len(), 3);
        assert!((knots[1].0 - 0.25).abs() < 1e-9 && (knots[1].1 - 0.5).abs() < 1e-9, "{knots:?}");
    }

    proptest! {
        #[test]
        fn curves_grow_and_stay_probabilities(pairs in prop::collection::vec((0.0..=1.0, any::<bool>()), 1..300)) {
            let labels: Vec<Label> = pairs.into_iter().map(|(confidence, right)| Label { confidence, right }).collect();
            for knots in [isotonic(&labels), points(platt(&labels, Logistic::IDENTITY, 1.0))] {
                prop_assert!(knots.len() <= LOGISTIC_POINTS);
                prop_assert!(knots.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1));
                prop_assert!(knots.iter().all(|(_, y)| (0.0..=1.0).contains(y)));
            }
        }

        #[test]
        fn an_isotonic_curve_keeps_the_share_of_right_answers(pairs in prop::collection::vec((0_u8..50, any::<bool>()), 1..60)) {
            let labels: Vec<Label> = pairs.iter().map(|(confidence, right)| Label { confidence: f64::from(*confidence) / 50.0, right: *right }).collect();
            let knots = isotonic(&labels);
            let right = count(labels.iter().filter(|label| label.right).count()) / count(labels.len());
            prop_assert!(knots[0].1 <= right + 1e-9 && right <= knots.last().unwrap().1 + 1e-9);
        }
    }
}
