//! How good confidences are: calibration error, proper scores, ranking.

use crate::statistics::{Random, count, mean};
use serde::{Deserialize, Serialize};

/// Bins of the calibration error and the reliability diagram at most; they are of equal size.
const BINS_MAX: usize = 10;
/// Labels in a bin at least: the share that is right among fewer is mostly chance.
const LABELS_PER_BIN_MIN: usize = 20;
/// Draws behind what chance alone makes of the calibration error.
const DRAWS: usize = 400;
const SEED: u64 = 20_261_121;
/// Probabilities are kept this far from 0 and 1 before their logarithm is taken.
const CLIP: f64 = 1e-6;

/// A confidence with what turned out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Label {
    /// 0 to 1.
    pub confidence: f64,
    /// Whether the answer was, or would have been, right.
    pub right: bool,
}

impl Label {
    /// 1 for right, 0 for wrong.
    pub fn outcome(&self) -> f64 {
        if self.right { 1.0 } else { 0.0 }
    }
}

/// A bin of the reliability diagram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Labels in it.
    pub labels: usize,
    /// Their mean confidence.
    pub confidence: f64,
    /// The share that was right.
    pub right: f64,
}

/// The labels in up to ten bins of equal size, as many as there are labels for, from the least sure on; equal confidences may share two bins.
pub fn bins(labels: &[Label]) -> Vec<Bin> {
    let mut sorted = labels.to_vec();
    sorted.sort_by(|a, b| a.confidence.total_cmp(&b.confidence));
    let size = sorted.len().div_ceil((sorted.len() / LABELS_PER_BIN_MIN).clamp(1, BINS_MAX)).max(1);
    let bin = |members: &[Label]| Bin {
        labels: members.len(),
        confidence: members.iter().map(|label| label.confidence).sum::<f64>() / count(members.len()),
        right: members.iter().map(Label::outcome).sum::<f64>() / count(members.len()),
    };
    sorted.chunks(size).map(bin).collect()
}

/// Expected calibration error (Naeini et al. 2015) over bins of equal size.
pub fn calibration_error(labels: &[Label]) -> Option<f64> {
    let gaps = bins(labels).into_iter().map(|bin| count(bin.labels) * (bin.confidence - bin.right).abs());
    (!labels.is_empty()).then(|| gaps.sum::<f64>() / count(labels.len()))
}

/// The calibration error that chance alone makes: its mean where each confidence is exactly the probability of being
/// right. An error that is no larger says nothing against the confidences; the fewer labels, the larger it is.
pub fn calibration_error_by_chance(labels: &[Label]) -> Option<f64> {
    let mut sorted = labels.to_vec();
    sorted.sort_by(|a, b| a.confidence.total_cmp(&b.confidence));
    let mut random = Random::seeded(SEED);
    let mut drawn = || count(random.below(1 << 20)) / count(1 << 20);
    let errors: Vec<f64> = (0..DRAWS)
        .filter_map(|_| {
            let again = sorted.iter().map(|label| Label { right: drawn() < label.confidence, ..*label });
            calibration_error(&again.collect::<Vec<_>>())
        })
        .collect();
    mean(&errors)
}

/// The mean squared distance between confidence and outcome (Brier 1950).
pub fn brier(labels: &[Label]) -> Option<f64> {
    mean(&labels.iter().map(|label| (label.confidence - label.outcome()).powi(2)).collect::<Vec<_>>())
}

/// The mean negative logarithm of the probability given to what turned out.
pub fn log_loss(labels: &[Label]) -> Option<f64> {
    let loss = |label: &Label| {
        let clipped = label.confidence.clamp(CLIP, 1.0 - CLIP);
        -(if label.right { clipped } else { 1.0 - clipped }).ln()
    };
    mean(&labels.iter().map(loss).collect::<Vec<_>>())
}

/// The probability that a right one is surer than a wrong one; ties count half. `None` where one kind is missing.
pub fn auroc(labels: &[Label]) -> Option<f64> {
    let mut sorted = labels.to_vec();
    sorted.sort_by(|a, b| a.confidence.total_cmp(&b.confidence));
    let (mut below, mut pairs, mut wrong) = (0.0, 0.0, 0.0);
    for tied in sorted.chunk_by(|a, b| a.confidence.total_cmp(&b.confidence).is_eq()) {
        let right_here = count(tied.iter().filter(|label| label.right).count());
        let wrong_here = count(tied.len()) - right_here;
        below += right_here * (wrong + wrong_here / 2.0);
        wrong += wrong_here;
        pairs += right_here;
    }
    let pairs = pairs * wrong;
    (pairs > 0.0).then(|| below / pairs)
}

/// A place on the risk–coverage curve: answer the surest so many.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// The confidence from which on is answered.
    pub threshold: f64,
    /// The share that is answered.
    pub coverage: f64,
    /// The share of wrong ones among them.
    pub risk: f64,
}

/// The risk–coverage curve (El-Yaniv and Wiener 2010), from the surest on; ties are answered together.
pub fn risk_coverage(labels: &[Label]) -> Vec<Place> {
    let mut sorted = labels.to_vec();
    sorted.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let (mut answered, mut wrong) = (0, 0);
    let mut curve = Vec::new();
    for tied in sorted.chunk_by(|a, b| a.confidence.total_cmp(&b.confidence).is_eq()) {
        answered += tied.len();
        wrong += tied.iter().filter(|label| !label.right).count();
        curve.push(Place {
            threshold: tied.first().map_or(0.0, |label| label.confidence),
            coverage: count(answered) / count(labels.len()),
            risk: count(wrong) / count(answered),
        });
    }
    curve
}

/// The area under the risk–coverage curve: the mean risk over all coverages (Geifman and El-Yaniv 2017).
pub fn aurc(labels: &[Label]) -> Option<f64> {
    let mut covered = 0.0;
    let mut area = 0.0;
    for place in risk_coverage(labels) {
        area += (place.coverage - covered) * place.risk;
        covered = place.coverage;
    }
    (!labels.is_empty()).then_some(area)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(pairs: &[(f64, bool)]) -> Vec<Label> {
        pairs.iter().map(|(confidence, right)| Label { confidence: *confidence, right: *right }).collect()
    }

    #[test]
    fn scores_of_a_small_set_worked_out_by_hand() {
        let set = labels(&[(0.9, true), (0.8, false), (0.3, true), (0.1, false)]);
        assert!((auroc(&set).unwrap() - 0.75).abs() < 1e-9, "3 of 4 pairs are in order");
        assert!((brier(&set).unwrap() - (0.01 + 0.64 + 0.49 + 0.01) / 4.0).abs() < 1e-9);
        assert!((aurc(&set).unwrap() - (0.0 + 0.5 + 1.0 / 3.0 + 0.5) / 4.0).abs() < 1e-9);
        assert!((calibration_error(&set).unwrap() - (0.525 - 0.5)).abs() < 1e-9, "four labels are one bin");
        assert!((auroc(&labels(&[(0.5, true), (0.5, false)])).unwrap() - 0.5).abs() < 1e-9);
        assert_eq!((auroc(&labels(&[(0.5, true)])), aurc(&[])), (None, None));
    }

    #[test]
    fn the_fewer_labels_the_more_of_the_calibration_error_is_chance() {
        // Each confidence is exactly the share that is right: what error there is, is chance.
        let exact = |times: usize| -> Vec<Label> {
            let one = |n: usize| Label { confidence: 0.7, right: n % 10 < 7 };
            (0..10 * times).map(one).collect()
        };
        assert_eq!(
            [19, 39, 40, 80, 199, 200, 5_000].map(|size| bins(&exact(500)[..size]).len()),
            [1, 1, 2, 4, 9, 10, 10]
        );
        let by_chance = |times: usize| calibration_error_by_chance(&exact(times)).unwrap();
        assert!(by_chance(8) > 0.06 && by_chance(400) < 0.03, "{} {}", by_chance(8), by_chance(400));
        assert_eq!(by_chance(8).to_bits(), by_chance(8).to_bits());
        assert_eq!(calibration_error_by_chance(&[]), None);
        let sure = labels(&[(1.0, true), (0.0, false)]);
        assert!(calibration_error_by_chance(&sure).unwrap() < 1e-9, "who is sure leaves nothing to chance");
    }

    proptest! {
        #[test]
        fn scores_stay_in_their_range(pairs in prop::collection::vec((0.0..=1.0, any::<bool>()), 1..80)) {
            let set = labels(&pairs);
            for score in [auroc(&set).unwrap_or(0.5), brier(&set).unwrap(), aurc(&set).unwrap(), calibration_error(&set).unwrap()] {
                prop_assert!((0.0..=1.0).contains(&score));
            }
            let curve = risk_coverage(&set);
            prop_assert!((curve.last().unwrap().coverage - 1.0).abs() < 1e-9);
            prop_assert!(curve.is_sorted_by(|a, b| a.coverage < b.coverage && a.threshold > b.threshold));
        }

        #[test]
        fn a_monotone_change_of_confidence_keeps_the_ranking(pairs in prop::collection::vec((0.0..=1.0, any::<bool>()), 1..60)) {
            let set = labels(&pairs);
            let bent: Vec<Label> = set.iter().map(|label| Label { confidence: label.confidence.powi(3), ..*label }).collect();
            prop_assert!((auroc(&set).unwrap_or(0.0) - auroc(&bent).unwrap_or(0.0)).abs() < 1e-9);
            prop_assert!((aurc(&set).unwrap() - aurc(&bent).unwrap()).abs() < 1e-9);
        }
    }
}
