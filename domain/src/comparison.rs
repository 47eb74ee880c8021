//! Two runs over the same cases, side by side: paired tests by metric, and the cases that flipped.

use crate::evaluation::{CaseResult, Verdict};
use crate::statistics::{Interval, holm, mean, mean_interval, sign_flip_p};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Seed of the resampling, so that the same runs compare alike every time.
const SEED: u64 = 20_261_121;
/// Below this p value, raised for the number of metrics, a difference counts as found.
const SIGNIFICANT_P: f64 = 0.05;

/// Two runs over the same cases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Cases that both runs have.
    pub cases: usize,
    /// Cases of only one of them.
    pub unmatched: usize,
    /// Each metric that both have scores of.
    pub metrics: Vec<MetricDifference>,
    /// Cases that went otherwise, those that got worse first.
    pub flips: Vec<Flip>,
}

/// A metric over the cases that both runs scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricDifference {
    /// Its name.
    pub metric: String,
    /// Cases with a score in both.
    pub cases: usize,
    /// The mean of the first run.
    pub before: f64,
    /// The mean of the second.
    pub after: f64,
    /// The mean difference with its 95 % interval over pairs.
    pub difference: f64,
    /// That interval.
    pub interval: Option<Interval>,
    /// The p value of a sign-flip test on pairs.
    pub p: f64,
    /// The same, raised for the number of metrics.
    pub p_adjusted: f64,
    /// Whether it is found: the adjusted p value is below 0.05.
    pub is_significant: bool,
}

/// A case that went otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flip {
    /// The case.
    pub case_id: String,
    /// What became of it.
    pub change: Change,
    /// How it went in the first run.
    pub before: Verdict,
    /// How it went in the second.
    pub after: Verdict,
    /// What the first run said.
    pub answer_before: String,
    /// What the second run said.
    pub answer_after: String,
}

/// What became of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Change {
    /// It went well and does no more.
    Regressed,
    /// It went wrong and goes wrong in another way, or cannot be judged.
    Changed,
    /// It goes well now.
    Improved,
}

/// Compares two runs case by case.
pub fn compare(before: &[CaseResult], after: &[CaseResult]) -> Comparison {
    let by_id: BTreeMap<&str, &CaseResult> = after.iter().map(|result| (result.case_id.as_str(), result)).collect();
    let pairs: Vec<(&CaseResult, &CaseResult)> =
        before.iter().filter_map(|result| Some((result, *by_id.get(result.case_id.as_str())?))).collect();
    let mut flips: Vec<Flip> = pairs.iter().filter_map(|(before, after)| flip(before, after)).collect();
    flips.sort_by(|a, b| (a.change, &a.case_id).cmp(&(b.change, &b.case_id)));
    Comparison {
        cases: pairs.len(),
        unmatched: before.len() + after.len() - 2 * pairs.len(),
        metrics: differences(&pairs),
        flips,
    }
}

fn differences(pairs: &[(&CaseResult, &CaseResult)]) -> Vec<MetricDifference> {
    let names: BTreeSet<&String> = pairs.iter().flat_map(|(before, _)| before.scores.keys()).collect();
    let mut found: Vec<MetricDifference> = names.into_iter().filter_map(|name| difference(name, pairs)).collect();
    let adjusted = holm(&found.iter().map(|metric| metric.p).collect::<Vec<_>>());
    for (metric, p) in found.iter_mut().zip(adjusted) {
        metric.p_adjusted = p;
        metric.is_significant = p < SIGNIFICANT_P;
    }
    found
}

fn difference(name: &str, pairs: &[(&CaseResult, &CaseResult)]) -> Option<MetricDifference> {
    let scores: Vec<(f64, f64)> = pairs
        .iter()
        .filter_map(|(before, after)| Some((*before.scores.get(name)?, *after.scores.get(name)?)))
        .collect();
    let (first, second): (Vec<f64>, Vec<f64>) = scores.iter().copied().unzip();
    let differences: Vec<f64> = scores.iter().map(|(before, after)| after - before).collect();
    let p = sign_flip_p(&differences, SEED);
    Some(MetricDifference {
        metric: name.to_owned(),
        cases: scores.len(),
        before: mean(&first)?,
        after: mean(&second)?,
        difference: mean(&differences)?,
        interval: mean_interval(&differences, SEED),
        p,
        p_adjusted: p,
        is_significant: false,
    })
}

fn flip(before: &CaseResult, after: &CaseResult) -> Option<Flip> {
    if before.verdict == after.verdict {
        return None;
    }
    let change = match (before.verdict.is_good(), after.verdict.is_good()) {
        (Some(true), Some(false)) => Change::Regressed,
        (Some(false), Some(true)) => Change::Improved,
        _ => Change::Changed,
    };
    Some(Flip {
        case_id: before.case_id.clone(),
        change,
        before: before.verdict,
        after: after.verdict,
        answer_before: before.outcome.answer.clone(),
        answer_after: after.outcome.answer.clone(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests fail by panicking")]
    use super::*;
    use crate::evaluation::Outcome;
    use crate::{RunId, Time};

    fn result(case: &str, verdict: Verdict, score: Option<f64>) -> CaseResult {
        CaseResult {
            run_id: RunId::from_uuid(uuid::Uuid::nil()),
            seq: 1,
            case_id: case.to_owned(),
            fingerprint: String::new(),
            cached: false,
            verdict,
            outcome: Outcome::default(),
            scores: score.map(|score| ("token_f1".to_owned(), score)).into_iter().collect(),
            created_at: Time::from_micros(0),
        }
    }

    #[test]
    fn what_got_worse_comes_first_and_what_stayed_is_left_out() {
        let before = [
            result("a", Verdict::NeedlessHandoff, None),
            result("b", Verdict::RightAnswer, None),
            result("c", Verdict::RightAnswer, None),
            result("d", Verdict::RightAnswer, None),
        ];
        let after = [
            result("a", Verdict::RightAnswer, None),
            result("b", Verdict::RightAnswer, None),
            result("c", Verdict::WrongAnswer, None),
            result("e", Verdict::RightAnswer, None),
        ];
        let compared = compare(&before, &after);
        let flips: Vec<(&str, Change)> =
            compared.flips.iter().map(|flip| (flip.case_id.as_str(), flip.change)).collect();
        assert_eq!(flips, [("c", Change::Regressed), ("a", Change::Improved)]);
        assert_eq!((compared.cases, compared.unmatched), (3, 2));
    }

    #[test]
    fn a_metric_that_falls_on_most_cases_is_found() {
        let ids: Vec<String> = (0..30).map(|n| format!("case {n}")).collect();
        let before: Vec<_> = ids.iter().map(|id| result(id, Verdict::RightAnswer, Some(0.8))).collect();
        let fallen = |n: usize| Some(if n.is_multiple_of(5) { 0.9 } else { 0.5 });
        let after: Vec<_> = ids.iter().enumerate().map(|(n, id)| result(id, Verdict::RightAnswer, fallen(n))).collect();
        let metric = &compare(&before, &after).metrics[0];
        assert!(metric.is_significant && metric.difference < -0.2, "{metric:?}");
        assert!(metric.interval.unwrap().high < 0.0);
        assert!(!compare(&before, &before).metrics[0].is_significant);
    }
}
