//! How sure an answer is: signals of retrieval and support, combined by a fixed logistic.

use crate::Passage;
use crate::words::{content_stems, number, share};
use domain::calibration::Calibration;
use domain::confidence::Confidence;
use domain::trace::Claim;
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;

/// How many of each retriever's best are compared.
const AGREEMENT_DEPTH: usize = 5;
/// A BM25 score of so much per term of the question is half sure.
const BM25_HALF: f64 = 2.0;

/// The shipped prior: name, weight, and the value that stands in for a signal that is not there.
///
/// Weights of `bm25`, `margin` and `coverage` were fitted by logistic regression on public help-desk
/// questions (was the cited document the right one?) over BM25 hits; those of `dense`, `agreement` and
/// the supports are set by judgement. A calibration on own outcomes replaces all of it.
const PRIOR: &[(&str, f64, f64)] = &[
    ("agreement", 0.5, 0.3),
    ("bm25", 2.8, 0.5),
    ("coverage", 1.2, 0.6),
    ("dense", 1.5, 0.45),
    ("margin", 2.1, 0.15),
    ("support_mean", 1.0, 0.0),
    ("support_min", 0.5, 0.0),
];
/// Fitted as -4.6; lowered because a wrong answer costs more than a handoff, so that the default
/// threshold of 0.5 stands where a quarter of the questions without an answer still get one.
const BIAS: f64 = -5.0;

/// The name under which a calibrated confidence keeps its raw value.
pub const UNCALIBRATED: &str = "uncalibrated";

/// The confidence of an answer to `question` from `passages`, best first, with its checked `claims`.
///
/// Without a supported claim it is 0. It is uncalibrated: `calibration_version` is `None`.
pub fn confidence(question: &str, language: Option<&str>, passages: &[Passage], claims: &[Claim]) -> Confidence {
    let parts = parts(question, language, passages, claims);
    let sum: f64 =
        PRIOR.iter().map(|(name, weight, absent)| weight * parts.get(*name).copied().unwrap_or(*absent)).sum();
    let proved = claims.iter().any(|claim| claim.supported);
    let value = if proved { 1.0 / (1.0 + (-(BIAS + sum)).exp()) } else { 0.0 };
    Confidence { value, parts, calibration_version: None }
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

fn parts(question: &str, language: Option<&str>, passages: &[Passage], claims: &[Claim]) -> BTreeMap<String, f64> {
    let asked = content_stems(question, language);
    let dense = passages.iter().filter_map(|passage| passage.dense).map(|rank| rank.score).reduce(f64::max);
    let bm25 = passages.iter().filter_map(|passage| passage.bm25).map(|rank| rank.score).reduce(f64::max);
    let supports = || claims.iter().filter(|claim| claim.supported).map(|claim| claim.support_score);
    let count = number(supports().count());
    let bm25 = bm25.map(|score| score / number(asked.len().max(1))).map(|each| each / (each + BM25_HALF));
    let signals = [
        ("agreement", agreement(passages)),
        ("bm25", bm25),
        ("coverage", Some(coverage(&asked, language, passages, claims))),
        ("dense", dense),
        ("margin", margin(passages)),
        ("support_mean", (count > 0.0).then(|| supports().sum::<f64>() / count)),
        ("support_min", supports().reduce(f64::min)),
    ];
    let clean = |value: f64| if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.0 };
    signals.into_iter().filter_map(|(name, value)| Some((name.to_owned(), clean(value?)))).collect()
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

/// Share of the question's content words that the cited passages hold; the best one where none is cited.
fn coverage(asked: &[String], language: Option<&str>, passages: &[Passage], claims: &[Claim]) -> f64 {
    let cited: Vec<_> = claims.iter().filter_map(|claim| claim.citation.as_ref()).collect();
    let holds = |passage: &&Passage| {
        let end = passage.start_byte + passage.text.len();
        cited.iter().any(|citation| {
            citation.document_id == passage.document_id && citation.start >= passage.start_byte && citation.end <= end
        })
    };
    let mut used: Vec<&Passage> = passages.iter().filter(holds).collect();
    if used.is_empty() {
        used.extend(passages.first());
    }
    let texts = used.iter().flat_map(|passage| [&passage.title, &passage.heading_path, &passage.text]);
    let held: FxHashSet<String> = texts.flat_map(|text| content_stems(text, language)).collect();
    let found = asked.iter().filter(|stem| held.contains(*stem)).count();
    share(found, asked.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests fail by panicking")]
    use super::*;
    use crate::passage::fixtures::passage;
    use crate::verify::verify;
    use domain::trace::Rank;

    fn passages(bm25: f64, dense: f64) -> Vec<Passage> {
        let mut found =
            vec![passage(1, "Billing", "Refunds take 14 days."), passage(2, "Plans", "Business costs more.")];
        for passage in &mut found {
            passage.bm25 = Some(Rank { rank: passage.index, score: bm25 / number(passage.index) });
            passage.dense = Some(Rank { rank: passage.index, score: dense });
        }
        found
    }

    fn value(question: &str, bm25: f64, dense: f64, draft: &str) -> f64 {
        let passages = passages(bm25, dense);
        let claims = verify(draft, &passages, Some("en")).claims;
        confidence(question, Some("en"), &passages, &claims).value
    }

    #[test]
    fn every_signal_that_speaks_for_the_answer_raises_it() {
        let good = value("How long do refunds take?", 12.0, 0.8, "Refunds take 14 days [1].");
        assert!(good > 0.5, "{good}");
        for (name, other) in [
            ("bm25", value("How long do refunds take?", 1.0, 0.8, "Refunds take 14 days [1].")),
            ("dense", value("How long do refunds take?", 12.0, 0.1, "Refunds take 14 days [1].")),
            (
                "coverage",
                value("How long do warranty claims for bicycles last?", 12.0, 0.8, "Refunds take 14 days [1]."),
            ),
        ] {
            assert!(other < good, "{name}: {other} {good}");
        }
    }

    #[test]
    fn nothing_proved_is_no_confidence() {
        assert!(value("How long do refunds take?", 12.0, 0.8, "The moon is made of cheese.").abs() < f64::EPSILON);
        assert!(confidence("x", None, &[], &[]).value.abs() < f64::EPSILON);
    }

    #[test]
    fn the_same_input_gives_the_same_bits_and_odd_scores_do_no_harm() {
        let first = value("refunds", f64::NAN, f64::INFINITY, "Refunds take 14 days [1].");
        let again = value("refunds", f64::NAN, f64::INFINITY, "Refunds take 14 days [1].");
        assert_eq!(first.to_bits(), again.to_bits());
        assert!((0.0..=1.0).contains(&first));
    }

    #[test]
    fn a_calibration_turns_the_value_into_a_probability_and_keeps_the_raw_one() {
        let passages = passages(12.0, 0.8);
        let claims = verify("Refunds take 14 days [1].", &passages, Some("en")).claims;
        let raw = confidence("How long do refunds take?", Some("en"), &passages, &claims);
        let curve = Calibration {
            version: 4,
            method: domain::calibration::Method::Platt,
            labels: 100,
            knots: vec![(0.0, 0.0), (1.0, 0.5)],
            promises: Vec::new(),
        };
        let calibrated = calibrated(raw.clone(), Some(&curve));
        assert!((calibrated.value - raw.value / 2.0).abs() < 1e-9);
        assert_eq!((calibrated.calibration_version, calibrated.parts[UNCALIBRATED]), (Some(4), raw.value));
        assert_eq!(super::calibrated(raw.clone(), None), raw);
    }

    #[test]
    fn without_a_dense_retriever_its_part_is_missing_and_neutral() {
        let mut passages = passages(12.0, 0.5);
        let claims = verify("Refunds take 14 days [1].", &passages, Some("en")).claims;
        for passage in &mut passages {
            passage.dense = None;
        }
        let confidence = confidence("How long do refunds take?", Some("en"), &passages, &claims);
        assert!(!confidence.parts.contains_key("dense") && !confidence.parts.contains_key("agreement"));
        assert!(confidence.value > 0.5 && confidence.calibration_version.is_none());
    }
}
