//! Scores that only a whole run has: handoff precision, calibration error, area under the risk–coverage curve.

use crate::metrics::{Better, is_right};
use answering::answerable::ANSWERABLE;
use domain::calibration::{Label, aurc, auroc, brier, calibration_error};
use domain::evaluation::{Case, Outcome, Verdict};
use domain::message::Decision;
use domain::statistics::{count, quantile};

/// What set scores read of a case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Whether it was answered.
    pub answered: bool,
    /// Whether a person took over.
    pub handed_off: bool,
    /// Whether one should have, where that is known.
    pub needs_person: Option<bool>,
    /// Whether the knowledge holds the answer, where that is known.
    pub answerable: Option<bool>,
    /// Confidence and whether the draft was right, where that is known.
    pub label: Option<Label>,
    /// The same with the uncalibrated confidence.
    pub raw_label: Option<Label>,
    /// How likely the knowledge holds the answer, as far as the search told.
    pub answerable_chance: f64,
    /// How it went.
    pub verdict: Verdict,
    /// How long it took.
    pub latency_ms: f64,
}

impl Row {
    /// The row of a case.
    pub fn new(case: &Case, outcome: &Outcome, verdict: Verdict) -> Self {
        let right = is_right(case, outcome).filter(|_| outcome.error.is_none());
        let label = |confidence: f64| right.map(|right| Label { confidence, right });
        Self {
            answered: outcome.decision == Some(Decision::Answer),
            handed_off: matches!(outcome.decision, Some(Decision::HandOff) | None),
            needs_person: case.needs_person(),
            answerable: case.answerable,
            label: label(outcome.confidence),
            raw_label: label(outcome.uncalibrated),
            answerable_chance: outcome.signals.get(ANSWERABLE).copied().unwrap_or(0.0),
            verdict,
            latency_ms: outcome.latency_ms,
        }
    }
}

/// A score of a whole run.
pub struct SetScore {
    /// Its name as it is reported.
    pub name: &'static str,
    /// What it measures, in a sentence for people.
    pub about: &'static str,
    /// Which way is better.
    pub better: Better,
    /// The score; `None` where it does not apply.
    pub score: fn(&[Row]) -> Option<f64>,
}

const fn higher(name: &'static str, about: &'static str, score: fn(&[Row]) -> Option<f64>) -> SetScore {
    SetScore { name, about, better: Better::Higher, score }
}

const fn lower(name: &'static str, about: &'static str, score: fn(&[Row]) -> Option<f64>) -> SetScore {
    SetScore { name, about, better: Better::Lower, score }
}

/// Every set score there is; a new one is one entry here.
pub const SET_SCORES: &[SetScore] = &[
    higher("good_rate", "Share of the cases that went as they should, among those that can be judged", |rows| {
        let judged: Vec<bool> = rows.iter().filter_map(|row| row.verdict.is_good()).collect();
        share(judged.iter().filter(|good| **good).count(), judged.len())
    }),
    higher("answer_rate", "Share of the cases that were answered", |rows| {
        share(rows.iter().filter(|row| row.answered).count(), rows.len())
    }),
    lower("answer_error", "Share of the given answers that are wrong, among those that can be judged", |rows| {
        let judged = rows.iter().filter(|row| row.answered && row.verdict != Verdict::Unjudged);
        share(rows.iter().filter(|row| row.verdict == Verdict::WrongAnswer).count(), judged.count())
    }),
    higher("handoff_precision", "Share of the handoffs that were needed, among those that can be judged", |rows| {
        let judged = rows.iter().filter(|row| row.handed_off && row.needs_person.is_some());
        share(needed_handoffs(rows), judged.count())
    }),
    higher("handoff_recall", "Share of the cases that need a person which were handed off", |rows| {
        share(needed_handoffs(rows), rows.iter().filter(|row| row.needs_person == Some(true)).count())
    }),
    higher(
        "answerable_auroc",
        "How well the search alone tells answerable questions from others, 0.5 is chance",
        |rows| {
            let label = |row: &Row| Some(Label { confidence: row.answerable_chance, right: row.answerable? });
            auroc(&rows.iter().filter_map(label).collect::<Vec<_>>())
        },
    ),
    higher("right_auroc", "How well confidence tells right drafts from wrong ones, 0.5 is chance", |rows| {
        auroc(&labels(rows))
    }),
    lower("ece", "Expected calibration error: how far confidence is from the share of right drafts", |rows| {
        calibration_error(&labels(rows))
    }),
    lower("brier", "Mean squared distance of confidence from what turned out", |rows| brier(&labels(rows))),
    lower("aurc", "Area under the risk–coverage curve: mean share of wrong drafts over all thresholds", |rows| {
        aurc(&labels(rows))
    }),
    lower("latency_ms_p50", "Milliseconds that half of the answers take at most", |rows| latency(rows, 0.5)),
    lower("latency_ms_p95", "Milliseconds that nineteen of twenty answers take at most", |rows| latency(rows, 0.95)),
];

fn needed_handoffs(rows: &[Row]) -> usize {
    rows.iter().filter(|row| row.handed_off && row.needs_person == Some(true)).count()
}

fn labels(rows: &[Row]) -> Vec<Label> {
    rows.iter().filter_map(|row| row.label).collect()
}

fn latency(rows: &[Row], at: f64) -> Option<f64> {
    let mut sorted: Vec<f64> = rows.iter().map(|row| row.latency_ms).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    quantile(&sorted, at)
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| count(part) / count(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(answered: bool, needs_person: bool, right: bool) -> Row {
        let label = Some(Label { confidence: if right { 0.9 } else { 0.2 }, right });
        let verdict = match (answered, right) {
            (true, true) => Verdict::RightAnswer,
            (true, false) => Verdict::WrongAnswer,
            (false, _) => Verdict::RightHandoff,
        };
        Row {
            answered,
            handed_off: !answered,
            needs_person: Some(needs_person),
            answerable: Some(!needs_person),
            label,
            raw_label: label,
            answerable_chance: if right { 0.8 } else { 0.1 },
            verdict,
            latency_ms: 1.0,
        }
    }

    #[test]
    fn set_scores_worked_out_by_hand() {
        let rows = [row(true, false, true), row(true, true, false), row(false, true, false), row(false, false, true)];
        let score = |name: &str| {
            let found = SET_SCORES.iter().find(|score| score.name == name).expect("it is there");
            (found.score)(&rows)
        };
        for name in ["answer_rate", "answer_error", "handoff_precision", "handoff_recall"] {
            assert_eq!(score(name), Some(0.5), "{name}");
        }
        assert_eq!((score("right_auroc"), score("answerable_auroc")), (Some(1.0), Some(1.0)));
        assert!(SET_SCORES.iter().all(|score| (score.score)(&[]).is_none()), "nothing has no score");
    }
}
