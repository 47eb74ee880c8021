//! Fits a curve on labelled outcomes, chooses it by cross-validation, and says what it can promise.

use super::curve::{isotonic, platt, points};
use super::promise::promise;
use super::scores::{
    Bin, Label, Place, aurc, bins, brier, calibration_error, calibration_error_by_chance, log_loss, risk_coverage,
};
use super::{Calibration, Logistic, Method, Promise};
use crate::statistics::{Random, count, mean};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Labels below which nothing is fitted.
pub const LABELS_MIN: usize = 20;
/// Labels below which only the logistic curve, which has two parameters, is fitted.
const ISOTONIC_LABELS_MIN: usize = 60;
/// Parts of the labels, each predicted by a curve that never saw it.
const FOLDS: usize = 10;
/// Random divisions into folds that the cross-validated confidences are averaged over.
const ROUNDS: usize = 5;
/// Random halves on which promises are tried.
const HALVINGS: usize = 100;
/// How strongly a logistic curve may be drawn towards its prior; cross-validation chooses. With few labels the prior is
/// mostly the better guess, and where it is right already, many labels need not move it.
const PRIOR_WEIGHTS: [f64; 3] = [100.0, 10.0, 1.0];
const SEED: u64 = 20_261_121;
/// Error rates that promises are made for.
pub const TARGETS: [f64; 8] = [0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2];
/// Error rates whose promises are tried on halves.
const TRIED_TARGETS: [f64; 3] = [0.03, 0.05, 0.1];

/// How good confidences are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Expected calibration error over up to ten bins of equal size.
    pub calibration_error: f64,
    /// What chance alone makes of it at so many labels, were every confidence exactly right.
    #[serde(default)]
    pub calibration_error_by_chance: f64,
    /// Mean squared error.
    pub brier: f64,
    /// Mean negative log probability.
    pub log_loss: f64,
    /// Area under the risk–coverage curve.
    pub aurc: f64,
}

/// A promise tried on labels it was not made from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// The promised error rate.
    pub target_error: f64,
    /// Halvings in which it could be promised.
    pub made: usize,
    /// Halvings in all.
    pub tried: usize,
    /// Halvings in which it was promised and the other half had more wrong answers: at most a tenth by design, up to
    /// the chance of which questions the other half holds.
    #[serde(default)]
    pub broken: usize,
    /// The mean error on the other halves, each weighing alike; `None` where it was never promised.
    pub met_error: Option<f64>,
    /// The mean share of the other halves that is answered.
    pub coverage: Option<f64>,
}

/// A fitted curve with what it is worth on labels it did not see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fitted {
    /// The curve, fitted on all labels.
    pub calibration: Calibration,
    /// Raw confidences as they are.
    pub before: Quality,
    /// The chosen curve, cross-validated. The area under the risk–coverage curve is that of the one fitted curve: it
    /// only knows the order, which curves of different folds would mix.
    pub after: Quality,
    /// The mean log loss of each method, cross-validated: the least was chosen.
    pub log_loss_by_method: BTreeMap<String, f64>,
    /// How strongly the logistic curve is drawn towards its prior.
    #[serde(default)]
    pub prior_weight: f64,
    /// The reliability diagram of raw confidences.
    pub bins_before: Vec<Bin>,
    /// That of the cross-validated ones.
    pub bins_after: Vec<Bin>,
    /// The risk–coverage curve of the calibrated confidences.
    pub risk_coverage: Vec<Place>,
    /// Promises tried on halves.
    pub tried: Vec<Tried>,
}

/// Fits a calibration; `None` below [`LABELS_MIN`] labels. Its version is given when it is stored.
pub fn fit(labels: &[Label], prior: Logistic) -> Option<Fitted> {
    if labels.len() < LABELS_MIN {
        return None;
    }
    let platt = PRIOR_WEIGHTS.map(|weight| Recipe { method: Method::Platt, prior, weight });
    let predicted: Vec<(Recipe, Vec<Label>)> =
        platt.into_iter().map(|recipe| (recipe, cross_validated(labels, recipe))).collect();
    let loss = |(_, labels): &&(Recipe, Vec<Label>)| log_loss(labels).unwrap_or(f64::INFINITY);
    let best = |of: Vec<(Recipe, Vec<Label>)>| of.into_iter().min_by(|a, b| loss(&a).total_cmp(&loss(&b)));
    let logistic = best(predicted)?;
    let weight = logistic.0.weight;
    let isotonic = (labels.len() >= ISOTONIC_LABELS_MIN).then(|| {
        let recipe = Recipe { method: Method::Isotonic, ..logistic.0 };
        (recipe, cross_validated(labels, recipe))
    });
    let methods: Vec<(Recipe, Vec<Label>)> = std::iter::once(logistic).chain(isotonic).collect();
    let log_loss_by_method = methods.iter().map(|each| (each.0.method.to_string(), loss(&each))).collect();
    let (recipe, predicted) = best(methods)?;
    let curve = recipe.curve(labels);
    let mut calibration = Calibration { logistic: Some(recipe.logistic(labels)), ..curve };
    let calibrated = applied(&calibration, labels);
    calibration.promises = promises(&calibrated);
    Some(Fitted {
        calibration,
        before: quality(labels)?,
        after: Quality { aurc: aurc(&calibrated)?, ..quality(&predicted)? },
        log_loss_by_method,
        prior_weight: weight,
        bins_before: bins(labels),
        bins_after: bins(&predicted),
        risk_coverage: risk_coverage(&calibrated),
        tried: TRIED_TARGETS.iter().map(|target| tried(labels, *target, recipe)).collect(),
    })
}

/// How a curve is fitted.
#[derive(Clone, Copy)]
struct Recipe {
    method: Method,
    prior: Logistic,
    /// How strongly a logistic curve is drawn towards the prior.
    weight: f64,
}

impl Recipe {
    fn logistic(self, labels: &[Label]) -> Logistic {
        platt(&proved(labels), self.prior, self.weight)
    }

    fn curve(self, labels: &[Label]) -> Calibration {
        let knots = match self.method {
            Method::Platt => points(self.logistic(labels)),
            Method::Isotonic => isotonic(&proved(labels)),
        };
        let (origins, promises) = (BTreeMap::new(), Vec::new());
        Calibration { version: 0, method: self.method, labels: labels.len(), origins, logistic: None, knots, promises }
    }
}

/// How good confidences are; `None` of nothing.
pub fn quality(labels: &[Label]) -> Option<Quality> {
    Some(Quality {
        calibration_error: calibration_error(labels)?,
        calibration_error_by_chance: calibration_error_by_chance(labels)?,
        brier: brier(labels)?,
        log_loss: log_loss(labels)?,
        aurc: aurc(labels)?,
    })
}

fn promises(calibrated: &[Label]) -> Vec<Promise> {
    TARGETS.iter().map(|target| promise(calibrated, *target)).collect()
}

/// Those labels that something was proved of: what nothing proves keeps its confidence of 0.
fn proved(labels: &[Label]) -> Vec<Label> {
    labels.iter().filter(|label| label.confidence > 0.0).copied().collect()
}

fn applied(calibration: &Calibration, labels: &[Label]) -> Vec<Label> {
    let apply = |raw: f64| if raw > 0.0 { calibration.apply(raw) } else { 0.0 };
    labels.iter().map(|label| Label { confidence: apply(label.confidence), ..*label }).collect()
}

/// Each label with the confidence that curves fitted without it give it, averaged over several divisions.
fn cross_validated(labels: &[Label], recipe: Recipe) -> Vec<Label> {
    let mut random = Random::seeded(SEED);
    let mut sums = vec![0.0; labels.len()];
    for _ in 0..ROUNDS {
        let order = random.shuffled(labels.len());
        for fold in 0..FOLDS {
            let held_out = order.iter().copied().skip(fold).step_by(FOLDS);
            let rest = (0..order.len()).filter(|at| at % FOLDS != fold).filter_map(|at| order.get(at).copied());
            let curve = recipe.curve(&taken(labels, rest));
            for place in held_out {
                let raw = labels.get(place).map_or(0.0, |label| label.confidence);
                if let Some(sum) = sums.get_mut(place) {
                    *sum += if raw > 0.0 { curve.apply(raw) } else { 0.0 };
                }
            }
        }
    }
    labels.iter().zip(sums).map(|(label, sum)| Label { confidence: sum / count(ROUNDS), ..*label }).collect()
}

fn taken(labels: &[Label], places: impl Iterator<Item = usize>) -> Vec<Label> {
    places.filter_map(|place| labels.get(place).copied()).collect()
}

/// Makes the promise from one random half and looks at the other, many times.
fn tried(labels: &[Label], target_error: f64, recipe: Recipe) -> Tried {
    let mut random = Random::seeded(SEED);
    let (mut errors, mut coverages) = (Vec::new(), Vec::new());
    for _ in 0..HALVINGS {
        let order = random.shuffled(labels.len());
        let (first, second) = order.split_at(labels.len() / 2);
        let first = taken(labels, first.iter().copied());
        let second = taken(labels, second.iter().copied());
        let curve = recipe.curve(&first);
        let Some(threshold) = promise(&applied(&curve, &first), target_error).threshold else { continue };
        let answered: Vec<Label> =
            applied(&curve, &second).into_iter().filter(|label| label.confidence >= threshold).collect();
        let wrong = answered.iter().filter(|label| !label.right).count();
        errors.push(count(wrong) / count(answered.len().max(1)));
        coverages.push(count(answered.len()) / count(second.len().max(1)));
    }
    Tried {
        target_error,
        made: errors.len(),
        tried: HALVINGS,
        broken: errors.iter().filter(|error| **error > target_error).count(),
        met_error: mean(&errors),
        coverage: mean(&coverages),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk(labels: usize) -> Vec<Label> {
        let mut random = Random::seeded(9);
        let mut uniform = || count(random.below(1_000_000)) / 1_000_000.0;
        (0..labels)
            .map(|_| {
                let confidence = uniform();
                // Overconfident: the square of what it says.
                Label { confidence, right: uniform() < confidence * confidence }
            })
            .collect()
    }

    #[test]
    fn an_overconfident_desk_is_corrected_and_keeps_its_ranking() {
        let fitted = fit(&desk(600), Logistic::IDENTITY).unwrap();
        assert!(fitted.before.calibration_error > 0.1, "{:?}", fitted.before);
        assert!(fitted.after.calibration_error < 0.05, "{:?}", fitted.after);
        assert!(fitted.after.brier < fitted.before.brier);
        assert!((fitted.after.aurc - fitted.before.aurc).abs() < 0.02);
        assert_eq!(fitted.log_loss_by_method.len(), 2);
        assert!((fitted.calibration.apply(0.7) - 0.49).abs() < 0.08, "{}", fitted.calibration.apply(0.7));
    }

    #[test]
    fn the_same_labels_give_the_same_curve_and_few_give_none() {
        let labels = desk(80);
        assert_eq!(fit(&labels, Logistic::IDENTITY), fit(&labels, Logistic::IDENTITY));
        assert!(fit(&labels[..LABELS_MIN - 1], Logistic::IDENTITY).is_none());
        let few = fit(&labels[..30], Logistic::IDENTITY).unwrap();
        assert_eq!(few.calibration.method, Method::Platt);
        assert!(few.calibration.refusal(0.03).unwrap().contains("more are needed"));
    }

    #[test]
    fn a_prior_that_is_right_already_is_kept_and_one_that_is_wrong_is_left_as_far_as_labels_say_so() {
        let mut random = Random::seeded(3);
        let mut uniform = || count(random.below(1_000_000)) / 1_000_000.0;
        let right: Vec<Label> = (0..80)
            .map(|_| {
                let confidence = uniform();
                Label { confidence, right: uniform() < confidence }
            })
            .collect();
        let fitted = fit(&right, Logistic::IDENTITY).unwrap();
        assert!((fitted.prior_weight - 100.0).abs() < 1e-9, "{}", fitted.prior_weight);
        assert!(fitted.after.log_loss < fitted.before.log_loss + 0.01, "{:?} {:?}", fitted.before, fitted.after);
        let wrong = fit(&desk(600), Logistic { slope: 1.0, shift: 3.0 }).unwrap();
        assert!(wrong.prior_weight < 2.0, "{}", wrong.prior_weight);
    }

    #[test]
    fn promises_hold_on_the_other_half() {
        let mut labels = desk(1_500);
        labels.iter_mut().filter(|label| label.confidence > 0.5).for_each(|label| label.right = true);
        let fitted = fit(&labels, Logistic::IDENTITY).unwrap();
        for tried in &fitted.tried {
            let met = tried.met_error.unwrap();
            assert!(met <= tried.target_error && tried.coverage.unwrap() > 0.4, "{tried:?}");
        }
    }
}
