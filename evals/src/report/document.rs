//! The report as one HTML file: nothing is loaded, nothing runs, it follows light and dark.

use crate::report::cases::{case, words};
use crate::report::plot::escape;
use crate::report::plots::{calibration_in_words, figures, metric_row, table};
use crate::report::{Report, Slice, regressions};
use domain::evaluation::Verdict;
use strum::VariantArray;

const STYLE: &str = include_str!("style.css");

/// The report as HTML.
pub fn html(report: &Report) -> String {
    let title = format!("{} · {}", report.run.dataset, report.run.id);
    let sections = [
        head(report),
        gate(report),
        comparison(report),
        format!("<section class=\"figures\"><h2>Pictures</h2>{}</section>", figures(report).concat()),
        metrics(report),
        promises(report),
        slices(report),
        cases(report),
        setup(report),
    ];
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"><meta name=\"color-scheme\" content=\"light dark\"><title>{}</title><style>{STYLE}</style></head><body><main>{}</main></body></html>\n",
        escape(&title),
        sections.concat()
    )
}

fn head(report: &Report) -> String {
    let run = &report.run;
    let tiles: Vec<String> = Verdict::VARIANTS
        .iter()
        .rev()
        .map(|verdict| {
            let cases = report.verdicts.get(verdict).copied().unwrap_or(0);
            format!("<div class=\"tile {verdict}\"><b>{cases}</b><span>{}</span></div>", words(&verdict.to_string()))
        })
        .collect();
    let model = run.setup.model.as_deref().unwrap_or("extractive answers");
    format!(
        "<header><h1>{}</h1><p>{} cases · {} · {} · {}</p></header><section class=\"tiles\" aria-label=\"Cases by how they went\">{}</section>",
        escape(&run.dataset),
        run.cases,
        escape(model),
        escape(&run.created_at.to_string()),
        taken_over(report),
        tiles.concat()
    )
}

fn taken_over(report: &Report) -> String {
    match (report.run.cached, report.run.failed) {
        (0, 0) => "all asked anew".to_owned(),
        (cached, 0) => format!("{cached} outcomes taken over from earlier runs"),
        (cached, failed) => format!("{cached} outcomes taken over, {failed} failed"),
    }
}

fn gate(report: &Report) -> String {
    if report.gate.is_empty() {
        return String::new();
    }
    let passed = report.gate.iter().all(|check| check.passed);
    let rows: Vec<Vec<String>> = report
        .gate
        .iter()
        .map(|check| {
            let mark = if check.passed { "✓ holds" } else { "✗ fails" };
            let found = check.found.map_or("nothing".to_owned(), |found| format!("{found:.4}"));
            vec![mark.to_owned(), check.rule.clone(), found]
        })
        .collect();
    let outcome = if passed { "passed" } else { "failed" };
    format!("<section><h2>Gate {outcome}</h2>{}</section>", table(&["", "bound", "found"], &rows))
}

fn comparison(report: &Report) -> String {
    let Some(comparison) = &report.comparison else { return String::new() };
    let metrics: Vec<Vec<String>> = comparison
        .metrics
        .iter()
        .map(|metric| {
            let interval = metric
                .interval
                .map_or(String::new(), |interval| format!("{:+.4} … {:+.4}", interval.low, interval.high));
            vec![
                metric.metric.clone(),
                format!("{:.4}", metric.before),
                format!("{:.4}", metric.after),
                format!("{:+.4}", metric.difference),
                interval,
                format!("{:.4}", metric.p_adjusted),
                if metric.is_significant { "yes" } else { "no" }.to_owned(),
            ]
        })
        .collect();
    let flips: Vec<Vec<String>> = comparison
        .flips
        .iter()
        .map(|flip| {
            vec![
                flip.change.to_string(),
                flip.case_id.clone(),
                words(&flip.before.to_string()),
                words(&flip.after.to_string()),
                flip.answer_before.clone(),
                flip.answer_after.clone(),
            ]
        })
        .collect();
    format!(
        "<section><h2>Against the baseline</h2><p>{} cases in both runs, {} got worse. Differences are tested on pairs (sign flips), p values are raised for the number of metrics (Holm).</p><h3>Cases that went otherwise</h3>{}<h3>Scores</h3>{}</section>",
        comparison.cases,
        regressions(comparison),
        table(&["change", "case", "before", "after", "answer before", "answer after"], &flips),
        table(&["metric", "before", "after", "difference", "95 % interval", "p", "found"], &metrics)
    )
}

fn metrics(report: &Report) -> String {
    let rows: Vec<Vec<String>> = report.metrics.iter().map(metric_row).collect();
    let head = ["metric", "value", "95 % from", "to", "cases", "what it measures"];
    format!("<section><h2>All scores</h2>{}</section>", table(&head, &rows))
}

fn promises(report: &Report) -> String {
    let Some(fitted) = &report.calibration else {
        return format!("<section><h2>Calibration</h2><p>{}</p></section>", escape(&calibration_in_words(report)));
    };
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let promised: Vec<Vec<String>> = fitted
        .calibration
        .promises
        .iter()
        .map(|promise| {
            let missing = match (promise.threshold, promise.labels_missing) {
                (Some(_), _) => String::new(),
                (None, 0) => "no threshold keeps it".to_owned(),
                (None, missing) => format!("{missing} more labels at least"),
            };
            let given = |text: String| if promise.threshold.is_some() { text } else { "–".to_owned() };
            vec![
                percent(promise.target_error),
                promise.threshold.map_or("–".to_owned(), |threshold| format!("{threshold:.3}")),
                given(percent(promise.coverage)),
                given(percent(promise.observed_error)),
                given(percent(promise.error_bound)),
                missing,
            ]
        })
        .collect();
    let tried: Vec<Vec<String>> = fitted
        .tried
        .iter()
        .map(|tried| {
            let shown = |share: Option<f64>| share.map_or("–".to_owned(), percent);
            vec![
                percent(tried.target_error),
                shown(tried.met_error),
                shown(tried.coverage),
                format!("{} of {}", tried.made, tried.tried),
                tried.broken.to_string(),
            ]
        })
        .collect();
    format!(
        "<section><h2>Calibration</h2><p>{}</p><h3>Error rates that can be promised</h3>{}<h3>Promised on one half, met on the other</h3>{}</section>",
        escape(&calibration_in_words(report)),
        table(
            &["at most wrong", "answer from confidence", "answered", "wrong among them", "upper bound", "missing"],
            &promised
        ),
        table(&["promised", "met", "answered", "halvings with a promise", "broken"], &tried)
    )
}

fn slices(report: &Report) -> String {
    if report.slices.is_empty() {
        return String::new();
    }
    let row = |slice: &Slice| {
        let counts =
            Verdict::VARIANTS.iter().map(|verdict| slice.verdicts.get(verdict).copied().unwrap_or(0).to_string());
        std::iter::once(slice.tag.clone()).chain(counts).collect::<Vec<_>>()
    };
    let names: Vec<String> = Verdict::VARIANTS.iter().map(|verdict| words(&verdict.to_string())).collect();
    let head: Vec<&str> = std::iter::once("tag").chain(names.iter().map(String::as_str)).collect();
    format!("<section><h2>By tag</h2>{}</section>", table(&head, &report.slices.iter().map(row).collect::<Vec<_>>()))
}

fn cases(report: &Report) -> String {
    let cases: String = report.cases.iter().map(case).collect();
    format!("<section><h2>Cases</h2><p>Those that went wrong come first. Each opens.</p>{cases}</section>")
}

fn setup(report: &Report) -> String {
    let setup = serde_json::to_string_pretty(&report.run.setup).unwrap_or_default();
    format!(
        "<section><h2>Set-up</h2><details><summary>What the answers depended on</summary><pre>{}</pre></details></section>",
        escape(&setup)
    )
}
