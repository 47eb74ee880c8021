//! What `frontdesk eval` prints.

use crate::output::{Output, Tone, table};
use domain::calibration::{Quality, Tried};
use domain::comparison::Comparison;
use domain::evaluation::{EvalRun, Verdict};
use evals::gate::Check;
use evals::report::{Report, Score, Shown};
use serde::Serialize;
use std::collections::BTreeMap;

/// Flips that a terminal shows.
const FLIPS_SHOWN: usize = 20;

/// What `eval run --json` prints; report.json has the cases too.
#[derive(Serialize)]
pub(super) struct Summary<'r> {
    run: &'r Shown,
    metrics: &'r [Score],
    verdicts: &'r BTreeMap<Verdict, usize>,
    calibration: Option<CalibrationShown<'r>>,
    comparison: Option<&'r Comparison>,
    gate: &'r [Check],
    passed: bool,
}

#[derive(Serialize)]
struct CalibrationShown<'r> {
    version: i64,
    method: String,
    labels: usize,
    before: Quality,
    after: Quality,
    promises: &'r [domain::calibration::Promise],
    tried: &'r [Tried],
}

impl<'r> Summary<'r> {
    pub(super) fn new(report: &'r Report) -> Self {
        let calibration = report.calibration.as_ref().map(|fitted| CalibrationShown {
            version: fitted.calibration.version,
            method: fitted.calibration.method.to_string(),
            labels: fitted.calibration.labels,
            before: fitted.before,
            after: fitted.after,
            promises: &fitted.calibration.promises,
            tried: &fitted.tried,
        });
        Self {
            run: &report.run,
            metrics: &report.metrics,
            verdicts: &report.verdicts,
            calibration,
            comparison: report.comparison.as_ref(),
            gate: &report.gate,
            passed: report.gate.iter().all(|check| check.passed),
        }
    }
}

pub(super) fn in_words(report: &Report, output: Output) -> String {
    let rows: Vec<Vec<String>> = report.metrics.iter().map(metric).collect();
    let verdicts: Vec<String> =
        report.verdicts.iter().rev().map(|(verdict, cases)| format!("{cases} {}", words(*verdict))).collect();
    let mut lines = vec![
        format!("{} · {} cases · {}", report.run.id, report.run.cases, report.run.dataset),
        verdicts.join(" · "),
        String::new(),
        table(&["metric", "value", "95 % interval", "cases"], &rows),
        String::new(),
    ];
    lines.extend(calibration(report));
    lines.extend(report.comparison.iter().map(comparison));
    for check in &report.gate {
        let mark = if check.passed { output.paint(Tone::Good, "✓") } else { output.paint(Tone::Bad, "✗") };
        let found = check.found.map_or("nothing".to_owned(), |found| format!("{found:.4}"));
        lines.push(format!("{mark} gate {}: {found}", check.rule));
    }
    lines.join("\n")
}

fn metric(score: &Score) -> Vec<String> {
    let digits = if score.value >= 20.0 { 1 } else { 4 };
    let interval = score
        .interval
        .map_or(String::new(), |interval| format!("{:.digits$} … {:.digits$}", interval.low, interval.high));
    vec![score.name.clone(), format!("{:.digits$}", score.value), interval, score.cases.to_string()]
}

fn calibration(report: &Report) -> Vec<String> {
    let Some(fitted) = &report.calibration else { return report.calibration_refused.clone().into_iter().collect() };
    let (before, after) = (fitted.before, fitted.after);
    let mut lines = vec![format!(
        "calibration {} ({}, {} labels): ECE {:.4} → {:.4} (chance alone makes {:.4}) · Brier {:.4} → {:.4} · \
         log loss {:.4} → {:.4} · AURC {:.4} → {:.4}, cross-validated",
        fitted.calibration.version,
        fitted.calibration.method,
        fitted.calibration.labels,
        before.calibration_error,
        after.calibration_error,
        after.calibration_error_by_chance,
        before.brier,
        after.brier,
        before.log_loss,
        after.log_loss,
        before.aurc,
        after.aurc
    )];
    for tried in &fitted.tried {
        let promise = fitted.calibration.promises.iter().find(|promise| same(promise.target_error, tried.target_error));
        let made = promise.and_then(|promise| Some((promise.threshold?, promise.coverage)));
        let promised = match (made, fitted.calibration.refusal(tried.target_error)) {
            (Some((threshold, coverage)), _) => {
                format!("answer from confidence {threshold:.3}, {:.0} % answered", coverage * 100.0)
            }
            (None, Some(refusal)) => refusal,
            (None, None) => "covered by a stricter promise".to_owned(),
        };
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        let halves = match tried.met_error {
            Some(met) => format!(
                "; promised in {} of {} halvings, met {} on the other halves, broken in {}",
                tried.made,
                tried.tried,
                percent(met),
                tried.broken
            ),
            None => String::new(),
        };
        lines.push(format!("at most {} wrong: {promised}{halves}", percent(tried.target_error)));
    }
    lines
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

pub(super) fn comparison(comparison: &Comparison) -> String {
    let rows: Vec<Vec<String>> = comparison
        .metrics
        .iter()
        .map(|metric| {
            let interval = metric
                .interval
                .map_or(String::new(), |interval| format!("{:+.4} … {:+.4}", interval.low, interval.high));
            let mark = if metric.is_significant { "found" } else { "" };
            vec![
                metric.metric.clone(),
                format!("{:.4}", metric.before),
                format!("{:.4}", metric.after),
                format!("{:+.4}", metric.difference),
                interval,
                format!("{:.4}", metric.p_adjusted),
                mark.to_owned(),
            ]
        })
        .collect();
    let mut lines: Vec<String> = comparison
        .flips
        .iter()
        .take(FLIPS_SHOWN)
        .map(|flip| {
            format!("{:<9} {}  {} → {}", flip.change.to_string(), flip.case_id, words(flip.before), words(flip.after))
        })
        .collect();
    if comparison.flips.len() > FLIPS_SHOWN {
        lines.push(format!("… and {} more; --json has them all", comparison.flips.len() - FLIPS_SHOWN));
    }
    if lines.is_empty() {
        lines.push("no case went otherwise".to_owned());
    }
    lines.push(String::new());
    lines.push(table(&["metric", "before", "after", "difference", "95 % interval", "p (Holm)", ""], &rows));
    lines.join("\n")
}

pub(super) fn runs(rows: &[(EvalRun, String)]) -> String {
    if rows.is_empty() {
        return "no runs yet: `frontdesk eval run DATASET` makes one".to_owned();
    }
    let score = |run: &EvalRun, name: &str| run.summary.get(name).map_or(String::new(), |value| format!("{value:.3}"));
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|(run, dataset)| {
            vec![
                run.id.to_string(),
                dataset.clone(),
                run.state.to_string(),
                format!("{}/{}", run.cases_done, run.cases_total),
                score(run, "good_rate"),
                score(run, "answer_error"),
                score(run, "ndcg@10"),
                run.created_at.to_string(),
            ]
        })
        .collect();
    table(&["run", "dataset", "state", "cases", "good", "answer error", "ndcg@10", "began"], &rows)
}

fn words(verdict: Verdict) -> String {
    verdict.to_string().replace('_', " ")
}
