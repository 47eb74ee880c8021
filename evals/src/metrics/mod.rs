//! Metrics: one file each, one line in the registry.

mod citation_precision;
mod citation_recall;
mod cost;
mod draft_support;
mod expressions;
mod groundedness;
mod key_fact_recall;
mod latency;
mod ndcg;
mod recall;
mod reciprocal_rank;
mod sets;
mod token_f1;
mod tokens;
mod verdict;

use domain::evaluation::{Case, Outcome};
use domain::message::Decision;
use std::collections::{BTreeMap, HashMap};

pub use citation_precision::CitationPrecision;
pub use citation_recall::CitationRecall;
pub use cost::Cost;
pub use draft_support::DraftSupport;
pub use expressions::Expressions;
pub(crate) use expressions::compile;
pub use groundedness::Groundedness;
pub use key_fact_recall::{KeyFactRecall, held_share};
pub use latency::Latency;
pub use ndcg::Ndcg;
pub use recall::Recall;
pub use reciprocal_rank::ReciprocalRank;
pub use sets::{Row, SET_SCORES, SetScore};
pub use token_f1::TokenF1;
pub use tokens::Tokens;
pub use verdict::{is_right, verdict};

/// Which way a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
}

/// A case with what became of it.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// What was asked and what is right.
    pub case: &'a Case,
    /// What the pipeline made of it.
    pub outcome: &'a Outcome,
    /// How relevant documents are, where that is known.
    pub relevant: &'a HashMap<String, i64>,
}

impl Judged<'_> {
    /// Whether it was answered: questions back and handoffs are not.
    pub fn is_answered(&self) -> bool {
        self.outcome.decision == Some(Decision::Answer)
    }

    /// Whether a relevant document is known.
    pub fn has_relevant(&self) -> bool {
        self.relevant.values().any(|relevance| *relevance > 0)
    }

    /// Whether the document is relevant.
    pub fn is_relevant(&self, document: &str) -> bool {
        self.relevant.get(document).is_some_and(|relevance| *relevance > 0)
    }
}

/// Scores one case.
pub trait Metric: Send + Sync {
    /// Its name as it is reported.
    fn name(&self) -> &'static str;

    /// What it measures, in a sentence for people.
    fn about(&self) -> &'static str;

    /// Which way is better.
    fn better(&self) -> Better {
        Better::Higher
    }

    /// The score of a case; `None` where it does not apply. Where more is better it is from 0 to 1.
    fn score(&self, judged: &Judged<'_>) -> Option<f64>;
}

/// Every metric there is; a new one is one line here.
pub fn all() -> Vec<Box<dyn Metric>> {
    vec![
        Box::new(Recall { cut: 1 }),
        Box::new(Recall { cut: 5 }),
        Box::new(Recall { cut: 10 }),
        Box::new(ReciprocalRank),
        Box::new(Ndcg),
        Box::new(TokenF1),
        Box::new(KeyFactRecall),
        Box::new(Expressions),
        Box::new(CitationPrecision),
        Box::new(CitationRecall),
        Box::new(Groundedness),
        Box::new(DraftSupport),
        Box::new(Latency),
        Box::new(Tokens),
        Box::new(Cost),
    ]
}

/// The relevance of a case's documents: each counts alike.
pub fn relevance(case: &Case) -> HashMap<String, i64> {
    case.documents.iter().map(|document| (document.clone(), 1)).collect()
}

/// Every score of a case that applies.
pub fn scores(case: &Case, outcome: &Outcome) -> BTreeMap<String, f64> {
    let relevant = relevance(case);
    let judged = Judged { case, outcome, relevant: &relevant };
    let scored = all().into_iter().filter_map(|metric| Some((metric.name().to_owned(), metric.score(&judged)?)));
    scored.filter(|(_, score)| score.is_finite()).collect()
}

/// A part of a whole, 0 to 1.
fn share(part: usize, whole: usize) -> f64 {
    domain::statistics::count(part) / domain::statistics::count(whole.max(1))
}

/// What every metric must hold: where more is better a score is from 0 to 1, the best outcome is not worse than
/// the worst one, and an outcome of nothing does no harm.
#[cfg(test)]
pub(crate) fn exercise(metric: &dyn Metric) {
    let case = Case {
        id: "a".into(),
        question: "How long do refunds take?".into(),
        answer: Some("Refunds take 14 days.".into()),
        documents: vec!["a".into(), "b".into()],
        answerable: Some(true),
        must_match: vec!["14 days".into()],
        ..Case::default()
    };
    let best = Outcome {
        answer: "Refunds take 14 days [1].".into(),
        draft: "Refunds take 14 days [1].".into(),
        decision: Some(Decision::Answer),
        ranking: vec!["a".into(), "b".into(), "c".into()],
        cited: vec!["a".into(), "b".into()],
        would_cite: vec!["a".into(), "b".into()],
        claims: 1,
        claims_proved: 1,
        sentences: 1,
        sentences_grounded: 1,
        ..Outcome::default()
    };
    let worst = Outcome {
        answer: "Bicycles are blue.".into(),
        decision: Some(Decision::Answer),
        ranking: vec!["x".into()],
        cited: vec!["x".into()],
        claims: 1,
        sentences: 1,
        latency_ms: 9.0,
        cost_micro_usd: 9,
        usage: domain::usage::TokenUsage { input_tokens: 9, output_tokens: 9, estimated: false },
        ..Outcome::default()
    };
    let relevant = relevance(&case);
    let score = |outcome: &Outcome| metric.score(&Judged { case: &case, outcome, relevant: &relevant });
    let (good, bad) = (score(&best).expect("it applies"), score(&worst).expect("it applies"));
    match metric.better() {
        Better::Higher => {
            assert!(bad.abs() < 1e-9 && good > 0.4 && good <= 1.0, "{}: {bad} {good}", metric.name());
        }
        Better::Lower => assert!(good < bad, "{}: {bad} {good}", metric.name()),
    }
    let nothing = Outcome::default();
    let empty = HashMap::new();
    let of_nothing = metric.score(&Judged { case: &Case::default(), outcome: &nothing, relevant: &empty });
    assert!(of_nothing.is_none_or(f64::is_finite), "{}", metric.name());
    assert!(!metric.about().is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_metric_keeps_its_range_and_has_a_name_of_its_own() {
        let mut names = HashSet::new();
        for metric in all() {
            exercise(metric.as_ref());
            assert!(names.insert(metric.name()), "{}", metric.name());
        }
    }
}
