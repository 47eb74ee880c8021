//! From outcomes to the report.

use crate::metrics::{Row, SET_SCORES, all, scores, verdict};
use crate::report::{CaseShown, Past, Report, Score, Shown, Slice};
use crate::run::Setup;
use answering::calibrate::{Told, origins};
use domain::calibration::{LABELS_MIN, Label, Logistic, fit, quality, risk_coverage};
use domain::evaluation::{Case, CaseResult, Dataset, EvalRun, Verdict};
use domain::statistics::{bootstrap, mean, mean_interval};
use domain::trace::Trace;
use std::collections::{BTreeMap, BTreeSet};

/// Cases whose traces a report holds.
const TRACES_MAX: usize = 500;
/// Tags a report is sliced by.
const SLICES_MAX: usize = 20;
const SEED: u64 = 20_261_121;

/// Everything a report is made of.
pub struct Source {
    /// The run.
    pub run: EvalRun,
    /// What its answers depended on.
    pub setup: Setup,
    /// Its dataset.
    pub dataset: Dataset,
    /// The cases by place.
    pub cases: BTreeMap<i64, Case>,
    /// The outcomes.
    pub results: Vec<CaseResult>,
    /// Traces by place, of those that [`drilled`] names.
    pub traces: BTreeMap<i64, Trace>,
    /// Earlier completed runs of the dataset, oldest first.
    pub earlier: Vec<EvalRun>,
    /// What people thought of the assistant's answers: labels beside those of the cases.
    pub told: Vec<Told>,
    /// The curve that the calibration begins from.
    pub prior: Logistic,
}

/// The outcomes whose traces are worth their room, those that went wrong first.
pub fn drilled(results: &[CaseResult]) -> Vec<&CaseResult> {
    let mut order: Vec<&CaseResult> = results.iter().collect();
    order.sort_by_key(|result| (result.verdict, result.seq));
    order.truncate(TRACES_MAX);
    order
}

/// Builds the report. Scores are computed anew from the outcomes, so that an outcome that was taken over is judged
/// by today's metrics.
pub fn build(source: &Source) -> Report {
    let mut cases: Vec<(i64, CaseShown)> =
        source.results.iter().filter_map(|result| Some((result.seq, shown(source, result)?))).collect();
    let rows: Vec<Row> = cases.iter().map(|(_, shown)| Row::new(&shown.case, &shown.outcome, shown.verdict)).collect();
    let labels: Vec<Label> = rows.iter().filter_map(|row| row.label).collect();
    let mut raw: Vec<Label> = rows.iter().filter_map(|row| row.raw_label).collect();
    let evaluated = raw.len();
    let told = told_elsewhere(source);
    raw.extend(told.iter().map(|told| told.label));
    let mut metrics = set_scores(&rows);
    metrics.extend(case_scores(&cases));
    let mut calibration = fit(&raw, source.prior);
    if let Some(fitted) = &mut calibration {
        fitted.calibration.origins = origins(&told);
        fitted.calibration.origins.insert("evaluation".to_owned(), evaluated);
    }
    let refused = format!(
        "{} cases and rated answers tell what was right; at least {} more are needed to calibrate",
        raw.len(),
        LABELS_MIN.saturating_sub(raw.len())
    );
    cases.sort_by_key(|(seq, shown)| (shown.verdict, *seq));
    let cases: Vec<CaseShown> = cases.into_iter().map(|(_, shown)| shown).collect();
    let mut report = Report {
        run: Shown {
            id: source.run.id,
            dataset_id: source.dataset.id,
            dataset: source.dataset.name.clone(),
            cases: cases.len(),
            cached: source.results.iter().filter(|result| result.cached).count(),
            failed: cases.iter().filter(|shown| shown.outcome.error.is_some()).count(),
            created_at: source.run.created_at,
            setup: source.setup.clone(),
        },
        metrics,
        verdicts: count_verdicts(cases.iter()),
        slices: slices(&cases),
        confidence: quality(&labels),
        risk_coverage: risk_coverage(&labels),
        labels,
        calibration_refused: calibration.is_none().then_some(refused),
        calibration,
        history: Vec::new(),
        cases,
        comparison: None,
        gate: Vec::new(),
    };
    report.history = history(source, &report.summary());
    report
}

/// What people thought of answers that are no cases of the run.
fn told_elsewhere(source: &Source) -> Vec<Told> {
    let cases: BTreeSet<&str> = source.cases.values().map(|case| case.id.as_str()).collect();
    source.told.iter().filter(|told| !cases.contains(told.message_id.to_string().as_str())).cloned().collect()
}

fn shown(source: &Source, result: &CaseResult) -> Option<CaseShown> {
    let case = source.cases.get(&result.seq)?.clone();
    Some(CaseShown {
        verdict: verdict(&case, &result.outcome),
        scores: scores(&case, &result.outcome),
        outcome: result.outcome.clone(),
        trace: source.traces.get(&result.seq).cloned(),
        case,
    })
}

fn case_scores(cases: &[(i64, CaseShown)]) -> Vec<Score> {
    let of = |metric: &dyn crate::metrics::Metric| {
        let values: Vec<f64> = cases.iter().filter_map(|(_, shown)| shown.scores.get(metric.name()).copied()).collect();
        Some(Score {
            name: metric.name().to_owned(),
            about: metric.about().to_owned(),
            better: metric.better(),
            cases: values.len(),
            value: mean(&values)?,
            interval: mean_interval(&values, SEED),
        })
    };
    all().iter().filter_map(|metric| of(metric.as_ref())).collect()
}

fn set_scores(rows: &[Row]) -> Vec<Score> {
    let of = |score: &crate::metrics::SetScore| {
        let resampled = |places: &[usize]| {
            let taken: Vec<Row> = places.iter().filter_map(|place| rows.get(*place).copied()).collect();
            (score.score)(&taken)
        };
        Some(Score {
            name: score.name.to_owned(),
            about: score.about.to_owned(),
            better: score.better,
            cases: rows.len(),
            value: (score.score)(rows)?,
            interval: bootstrap(rows.len(), SEED, resampled),
        })
    };
    SET_SCORES.iter().filter_map(of).collect()
}

fn count_verdicts<'c>(cases: impl Iterator<Item = &'c CaseShown>) -> BTreeMap<Verdict, usize> {
    let mut counts = BTreeMap::new();
    for shown in cases {
        *counts.entry(shown.verdict).or_default() += 1;
    }
    counts
}

fn slices(cases: &[CaseShown]) -> Vec<Slice> {
    let mut by_tag: BTreeMap<&String, Vec<&CaseShown>> = BTreeMap::new();
    for shown in cases {
        for tag in &shown.case.tags {
            by_tag.entry(tag).or_default().push(shown);
        }
    }
    let mut slices: Vec<(usize, Slice)> = by_tag
        .into_iter()
        .map(|(tag, members)| {
            (members.len(), Slice { tag: tag.clone(), verdicts: count_verdicts(members.into_iter()) })
        })
        .collect();
    slices.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.tag.cmp(&b.1.tag)));
    slices.into_iter().take(SLICES_MAX).map(|(_, slice)| slice).collect()
}

fn history(source: &Source, summary: &BTreeMap<String, f64>) -> Vec<Past> {
    let past = |run: &EvalRun, summary: &BTreeMap<String, f64>| {
        let model = run.setup.get("model").and_then(|model| model.as_str()).unwrap_or("extractive").to_owned();
        let cost_micro_usd = summary.get("cost_micro_usd").copied().unwrap_or(0.0);
        Some(Past { id: run.id, model, cost_micro_usd, good_rate: *summary.get("good_rate")? })
    };
    let earlier = source.earlier.iter().filter_map(|run| past(run, &run.summary));
    earlier.chain(past(&source.run, summary)).collect()
}
