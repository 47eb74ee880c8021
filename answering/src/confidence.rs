//! How sure an answer is: what the search told and how far the draft is proved, combined by a fixed logistic.

use crate::Passage;
use crate::answerable::ANSWERABLE;
use crate::words::{number, share};
use domain::calibration::Calibration;
use domain::confidence::Confidence;
use domain::trace::Claim;
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;

/// How many of each retriever's best are compared.
const AGREEMENT_DEPTH: usize = 5;
/// Probabilities are kept this far from 0 and 1 before their log odds are taken.
const CLIP: f64 = 1e-3;

/// The shipped prior: name, weight, and the value that stands in for a signal that is not there.
///
/// Weights of [`ANSWERABLE`] (over its log odds), `agreement` and `margin` were fitted by logistic regression on the
/// dev halves of techqa, mtragun and wixqa and on questions of other desks (was the cited document a right one?),
/// the three sets weighing alike; those of the supports are set by judgement, because quoted sentences are always
/// supported. A calibration on own outcomes corrects what comes out.
const PRIOR: &[(&str, f64, f64)] = &[
    (ANSWERABLE, 0.87, 0.3),
    ("agreement", 1.0, 0.3),
    ("margin", 1.0, 0.15),
    ("support_mean", 1.0, 0.0),
    ("support_min", 0.5, 0.0),
];
/// Fitted as -0.98 over sentences that are fully supported.
const BIAS: f64 = -2.48;

/// The name under which the model's own certainty stands among the parts.
pub const MODEL: &str = "model";

/// The name under which a calibrated confidence keeps its raw value.
pub const UNCALIBRATED: &str = "uncalibrated";

/// The confidence of an answer from `passages`, best first, with its checked `claims`; `evidence` is what the search
/// told (see [`crate::answerable::evidence`]).
///
/// Without a supported claim it is 0. It is uncalibrated: `calibration_version` is `None`.
pub fn confidence(evidence: &BTreeMap<String, f64>, passages: &[Passage], claims: &[Claim]) -> Confidence {
    let parts = parts(evidence, passages, claims);
    Confidence { value: raw(&parts), parts, calibration_version: None }
}

/// The raw confidence that the parts make together, whichever version of the prior made them: 0 where nothing was
/// proved.
pub fn raw(parts: &BTreeMap<String, f64>) -> f64 {
    if !parts.contains_key("support_mean") {
        return 0.0;
    }
    let weighed = PRIOR.iter().map(|(name, weight, absent)| {
        let part = parts.get(*name).copied().unwrap_or(*absent);
        weight * if *name == ANSWERABLE { log_odds(part) } else { part }
    });
    1.0 / (1.0 + (-(BIAS + weighed.sum::<f64>())).exp())
}

/// The confidence with what the model thought of its own words: the geometric mean of its tokens' probabilities stands
/// among the parts. It weighs nothing in the shipped prior: small models are as sure of what is wrong.
pub fn with_model(mut confidence: Confidence, logprobs_mean: Option<f64>) -> Confidence {
    if let Some(mean) = logprobs_mean.filter(|mean| mean.is_finite()) {
        confidence.parts.insert(MODEL.to_owned(), mean.exp().clamp(0.0, 1.0));
    }
    confidence
}

/// The confidence as a probability, where a calibration turns it into one; the raw value stays among the parts.
pub fn calibrated(mut confidence: Confidence, calibration: Option<&Calibration>) -> Confidence {
    let Some(calibration) = calibration else { return confidence };
    confidence.parts.insert(UNCALIBRATED.to_owned(), confidence.value);
    // What nothing proves is not worth a probability.
    if confidence.value > 0.0 {
        confidence.value = calibration.apply(confidence.value);
    }
    confidence.calibration_version = Some(calibration.version);
    confidence
}

fn parts(evidence: &BTreeMap<String, f64>, passages: &[Passage], claims: &[Claim]) -> BTreeMap<String, f64> {
    let supports = || claims.iter().filter(|claim| claim.supported).map(|claim| claim.support_score);
    let count = number(supports().count());
    let signals = [
        ("agreement", agreement(passages)),
        ("margin", margin(passages)),
        ("support_mean", (count > 0.0).then(|| supports().sum::<f64>() / count)),
        ("support_min", supports().reduce(f64::min)),
    ];
    let clean = |value: f64| if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.0 };
    let own = signals.into_iter().filter_map(|(name, value)| Some((name.to_owned(), clean(value?))));
    evidence.iter().map(|(name, value)| (name.clone(), *value)).chain(own).collect()
}

fn log_odds(probability: f64) -> f64 {
    let clipped = probability.clamp(CLIP, 1.0 - CLIP);
    (clipped / (1.0 - clipped)).ln()
}

/// How far the best passage stands above the best of another document, as a share of its score.
fn margin(passages: &[Passage]) -> Option<f64> {
    let first = passages.first()?;
    let best = first.fused?.score;
    let other =
        passages.iter().filter(|passage| passage.document_id != first.document_id).filter_map(|passage| passage.fused);
    let next = other.map(|rank| rank.score).reduce(f64::max).unwrap_or(0.0);
    (best > 0.0).then(|| (best - next) / best)
}

/// Share of the documents among the best of both retrievers that both have there.
fn agreement(passages: &[Passage]) -> Option<f64> {
    let best = |rank: fn(&Passage) -> Option<domain::trace::Rank>| -> FxHashSet<_> {
        let high = |passage: &&Passage| rank(passage).is_some_and(|rank| rank.rank <= AGREEMENT_DEPTH);
        passages.iter().filter(high).map(|passage| passage.document_id).collect()
    };
    let (dense, bm25) = (best(|passage| passage.dense), best(|passage| passage.bm25));
    let both = dense.intersection(&bm25).count();
    (!dense.is_empty() && !bm25.is_empty()).then(|| share(both, dense.union(&bm25).count()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests fail by panicking")]
    use super::*;
    use crate::answerable::evidence;
    use crate::passage::fixtures::passage;
    use crate::verify::verify;
    use domain::trace::Rank;

    const QUESTION: &str = "How long do refunds take?";
    const ANSWER: &str = "Refunds take 14 days [1].";

    fn passages(bm25: f64, dense: f64) -> Vec<Passage> {
        let mut found =
            vec![passage(1, "Billing", "Refunds take 14 days."), passage(2, "Plans", "Business costs more.")];
        for passage in &mut found {
            passage.bm25 = Some(Rank { rank: passage.index, score: bm25 / number(passage.index) });
            passage.dense = Some(Rank { rank: passage.index, score: dense / number(passage.index) });
        }
        found
    }

    fn sure(question: &str, passages: &[Passage], draft: &str) -> Confidence {
        let claims = verify(draft, passages, Some("en")).claims;
        confidence(&evidence(question, question, Some("en"), passages), passages, &claims)
    }

    fn value(question: &str, bm25: f64, dense: f64, draft: &str) -> f64 {
        sure(question, &passages(bm25, dense), draft).value
    }

    #[test]
    fn every_signal_that_speaks_for_the_answer_raises_it() {
        let good = value(QUESTION, 12.0, 0.8, ANSWER);
        assert!(good > 0.5, "{good}");
        let mut close = passages(12.0, 0.8);
        close[1].fused = close[0].fused;
        for (name, other) in [
            ("dense", value(QUESTION, 12.0, 0.1, ANSWER)),
            ("coverage", value("How long do warranty claims for bicycles last?", 12.0, 0.8, ANSWER)),
            ("margin", sure(QUESTION, &close, ANSWER).value),
        ] {
            assert!(other < good, "{name}: {other} {good}");
        }
    }

    #[test]
    fn nothing_proved_is_no_confidence() {
        assert!(value(QUESTION, 12.0, 0.8, "The moon is made of cheese.").abs() < f64::EPSILON);
        assert!(confidence(&BTreeMap::new(), &[], &[]).value.abs() < f64::EPSILON);
    }

    #[test]
    fn the_same_input_gives_the_same_bits_and_odd_scores_do_no_harm() {
        let first = value("refunds", f64::NAN, f64::INFINITY, ANSWER);
        let again = value("refunds", f64::NAN, f64::INFINITY, ANSWER);
        assert_eq!(first.to_bits(), again.to_bits());
        assert!((0.0..=1.0).contains(&first));
    }

    #[test]
    fn what_the_model_thinks_of_itself_is_told_and_weighs_nothing() {
        let plain = sure(QUESTION, &passages(12.0, 0.8), ANSWER);
        let told = with_model(plain.clone(), Some(-0.5));
        assert!((told.parts[MODEL] - 0.606_53).abs() < 1e-4);
        assert_eq!(raw(&told.parts).to_bits(), plain.value.to_bits());
        for nothing in [None, Some(f64::NAN), Some(f64::NEG_INFINITY)] {
            assert_eq!(with_model(plain.clone(), nothing), plain);
        }
    }

    #[test]
    fn a_calibration_turns_the_value_into_a_probability_and_keeps_the_raw_one() {
        let raw_one = sure(QUESTION, &passages(12.0, 0.8), ANSWER);
        let curve = Calibration {
            version: 4,
            method: domain::calibration::Method::Platt,
            labels: 100,
            origins: BTreeMap::new(),
            logistic: None,
            knots: vec![(0.0, 0.0), (1.0, 0.5)],
            promises: Vec::new(),
        };
        let calibrated = calibrated(raw_one.clone(), Some(&curve));
        assert!((calibrated.value - raw_one.value / 2.0).abs() < 1e-9);
        assert_eq!((calibrated.calibration_version, calibrated.parts[UNCALIBRATED]), (Some(4), raw_one.value));
        assert_eq!(raw(&calibrated.parts).to_bits(), raw_one.value.to_bits(), "it is told from the parts again");
        assert_eq!(super::calibrated(raw_one.clone(), None), raw_one);
    }

    #[test]
    fn without_a_dense_retriever_its_signals_are_missing_and_words_decide() {
        let mut passages = passages(12.0, 0.5);
        for passage in &mut passages {
            passage.dense = None;
        }
        let confidence = sure(QUESTION, &passages, ANSWER);
        assert!(!confidence.parts.contains_key("dense") && !confidence.parts.contains_key("agreement"));
        assert!(confidence.value > 0.5 && confidence.calibration_version.is_none());
    }
}
