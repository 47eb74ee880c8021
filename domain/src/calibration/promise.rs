//! Which error rate a threshold can promise: exact bounds, tested from the strictest threshold on.

use super::{Label, Promise};
use crate::statistics::count;

/// How likely a promise may be broken by the chance of which questions were labelled.
pub const RISK_OF_BREAKING: f64 = 0.1;
/// Wrong answers that the first tested threshold may have, where there are labels enough.
const FIRST_WRONG_MAX: usize = 3;
/// Thresholds tested at most.
const TESTS_MAX: usize = 20;
/// Labels that are looked for at most when it is said how many are missing.
const LABELS_SEARCHED_MAX: usize = 100_000;

/// The largest share of wrong answers that is compatible with `wrong` of `answered` (Clopper and Pearson 1934),
/// one-sided, at the risk of breaking.
pub fn error_bound(wrong: usize, answered: usize) -> f64 {
    if wrong >= answered {
        return 1.0;
    }
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if at_most(wrong, answered, middle) > RISK_OF_BREAKING { low = middle } else { high = middle }
    }
    high
}

/// The probability of at most `wrong` of `answered` where each is wrong with probability `p`.
fn at_most(wrong: usize, answered: usize, p: f64) -> f64 {
    let (log_p, log_q) = (p.ln(), (1.0 - p).ln());
    let mut log_choices = 0.0;
    let mut sum = 0.0;
    for k in 0..=wrong {
        if k > 0 {
            log_choices += (count(answered - k + 1) / count(k)).ln();
        }
        sum += (log_choices + count(k) * log_p + count(answered - k) * log_q).exp();
    }
    sum
}

/// The fewest answers that bear the target with so many wrong ones among them.
pub fn answers_needed(target_error: f64, wrong: usize) -> Option<usize> {
    let (mut low, mut high) = (wrong + 1, LABELS_SEARCHED_MAX);
    if error_bound(wrong, high) > target_error {
        return None;
    }
    while low < high {
        let middle = usize::midpoint(low, high);
        if error_bound(wrong, middle) <= target_error { high = middle } else { low = middle + 1 }
    }
    Some(high)
}

/// The loosest threshold that keeps wrong answers at or below the target.
///
/// Thresholds are tested one after the other, from the strictest that could pass, and the first failure ends it
/// (fixed-sequence testing; Angelopoulos et al. 2021). Which thresholds are tested depends on how many labels there
/// are, never on what they say, so that the promise holds with the stated risk however many are tested.
pub fn promise(labels: &[Label], target_error: f64) -> Promise {
    let mut sorted: Vec<Label> = labels.iter().filter(|label| label.confidence > 0.0).copied().collect();
    sorted.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let mut promise = Promise {
        target_error,
        threshold: None,
        coverage: 0.0,
        observed_error: 0.0,
        error_bound: 1.0,
        labels_missing: 0,
    };
    let needed = answers_needed(target_error, 0).unwrap_or(LABELS_SEARCHED_MAX);
    if sorted.len() < needed {
        promise.labels_missing = needed - sorted.len();
        return promise;
    }
    for answered in tested(sorted.len(), needed, target_error) {
        let answered = with_ties(&sorted, answered);
        let taken = sorted.get(..answered).unwrap_or_default();
        let wrong = taken.iter().filter(|label| !label.right).count();
        let bound = error_bound(wrong, answered);
        if bound > target_error {
            break;
        }
        promise.threshold = taken.last().map(|label| label.confidence);
        promise.coverage = count(answered) / count(labels.len());
        promise.observed_error = count(wrong) / count(answered);
        promise.error_bound = bound;
    }
    promise
}

/// How many of the surest are answered at each test.
fn tested(candidates: usize, needed: usize, target_error: f64) -> Vec<usize> {
    // With plenty of labels the first test allows some wrong answers, so that one alone does not end it.
    let starts = (0..=FIRST_WRONG_MAX).rev().filter_map(|wrong| answers_needed(target_error, wrong));
    let first = starts.into_iter().find(|start| start * 2 <= candidates).unwrap_or(needed);
    let step = (candidates - first).div_ceil(TESTS_MAX).max(1);
    (first..=candidates).step_by(step).chain(std::iter::once(candidates)).collect()
}

/// Equal confidences are answered together.
fn with_ties(sorted: &[Label], answered: usize) -> usize {
    let last = answered.checked_sub(1).and_then(|place| sorted.get(place));
    let tied = |label: &&Label| last.is_some_and(|last| last.confidence.total_cmp(&label.confidence).is_eq());
    answered + sorted.iter().skip(answered).take_while(tied).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Random;

    #[test]
    fn exact_bounds_agree_with_the_closed_form_of_no_errors() {
        // With none wrong the bound is 1 - risk^(1/n).
        for answered in [10, 76, 200] {
            let closed = 1.0 - RISK_OF_BREAKING.powf(1.0 / count(answered));
            assert!((error_bound(0, answered) - closed).abs() < 1e-9);
        }
        assert!((error_bound(5, 5) - 1.0).abs() < 1e-9);
        assert_eq!([0.03, 0.05, 0.1].map(|target| answers_needed(target, 0)), [Some(76), Some(45), Some(22)]);
    }

    #[test]
    fn too_few_labels_are_refused_with_the_number_that_is_missing() {
        let labels = vec![Label { confidence: 0.9, right: true }; 50];
        let refused = promise(&labels, 0.03);
        assert_eq!((refused.threshold, refused.labels_missing), (None, 26));
        assert_eq!(promise(&labels, 0.05).threshold, Some(0.9));
    }

    #[test]
    fn a_hopeless_ranking_gets_no_promise_and_no_count() {
        let labels: Vec<Label> =
            (0..200).map(|n| Label { confidence: 0.2 + f64::from(n) / 400.0, right: n % 2 == 0 }).collect();
        let refused = promise(&labels, 0.05);
        assert_eq!((refused.threshold, refused.labels_missing), (None, 0));
    }

    /// Draws a desk whose surest answers are right more often.
    fn desk(random: &mut Random, labels: usize) -> Vec<Label> {
        let mut uniform = || count(random.below(1_000_000)) / 1_000_000.0;
        (0..labels)
            .map(|_| {
                let confidence = uniform();
                Label { confidence, right: uniform() < 0.6 + 0.4 * confidence.powf(0.3) }
            })
            .collect()
    }

    #[test]
    fn promises_are_broken_no_more_often_than_stated() {
        let mut random = Random::seeded(5);
        let everyone = desk(&mut random, 60_000);
        let (mut made, mut broken) = (0, 0);
        for _ in 0..300 {
            let found = promise(&desk(&mut random, 300), 0.1);
            let Some(threshold) = found.threshold else { continue };
            let answered: Vec<&Label> = everyone.iter().filter(|label| label.confidence >= threshold).collect();
            let wrong = answered.iter().filter(|label| !label.right).count();
            made += 1;
            broken += usize::from(count(wrong) / count(answered.len()) > 0.1);
        }
        assert!(made > 100, "{made}");
        assert!(count(broken) <= 0.13 * 300.0, "{broken} of {made}");
    }
}
