//! The five pictures of a report, each with title, description and its numbers as a table.

use crate::metrics::Better;
use crate::report::Report;
use crate::report::plot::{Bar, Plot, bars, escape, round_up};
use domain::calibration::{Bin, Place};
use domain::statistics::{count, quantile};

/// Points of a curve that a table shows at most.
const TABLE_ROWS_MAX: usize = 40;

/// A picture with everything around it; `None` where there is nothing to draw.
pub(super) fn figures(report: &Report) -> Vec<String> {
    [metric_bars(report), reliability(report), coverage(report), latency(report), cost(report)]
        .into_iter()
        .flatten()
        .collect()
}

struct Figure<'a> {
    id: &'a str,
    title: &'a str,
    description: String,
    legend: &'a [(&'a str, &'a str)],
    svg: String,
    head: &'a [&'a str],
    rows: Vec<Vec<String>>,
}

impl Figure<'_> {
    fn html(&self) -> String {
        let legend: Vec<String> = self
            .legend
            .iter()
            .map(|(class, name)| format!("<span class=\"key\"><i class=\"{class}\"></i>{}</span>", escape(name)))
            .collect();
        format!(
            "<figure id=\"{}\"><h3>{}</h3><p>{}</p><div class=\"legend\">{}</div>{}<details><summary>Data</summary>{}</details></figure>",
            self.id,
            escape(self.title),
            escape(&self.description),
            legend.concat(),
            self.svg,
            table(self.head, &self.rows)
        )
    }
}

/// A table of texts.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().map(|name| format!("<th scope=\"col\">{}</th>", escape(name))).collect();
    let cell = |cell: &String| format!("<td>{}</td>", escape(cell));
    let row = |row: &Vec<String>| format!("<tr>{}</tr>", row.iter().map(cell).collect::<Vec<_>>().concat());
    let (head, rows) = (head.concat(), rows.iter().map(row).collect::<Vec<_>>().concat());
    format!("<div class=\"wide\"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>")
}

fn metric_bars(report: &Report) -> Option<String> {
    let shown: Vec<_> = report.metrics.iter().filter(|score| is_share(&score.name)).collect();
    let drawn: Vec<Bar> = shown
        .iter()
        .map(|score| Bar {
            name: score.name.clone(),
            value: score.value,
            interval: score.interval.map(|interval| (interval.low, interval.high)),
            class: if score.better == Better::Higher { "first" } else { "second" },
        })
        .collect();
    let description = "Each bar is a mean over cases or a score of the whole set; the whiskers are 95 % bootstrap intervals over cases.".to_owned();
    let figure = Figure {
        id: "metrics",
        title: "Scores with their intervals",
        svg: bars(&drawn, "Scores with their intervals", &description),
        description,
        legend: &[("first", "more is better"), ("second", "less is better")],
        head: &["metric", "value", "95 % from", "to", "cases", "what it measures"],
        rows: report.metrics.iter().map(metric_row).collect(),
    };
    (!drawn.is_empty()).then(|| figure.html())
}

fn is_share(name: &str) -> bool {
    !["latency", "tokens", "cost"].iter().any(|unit| name.starts_with(unit))
}

/// A metric as a row of a table.
pub(super) fn metric_row(score: &crate::report::Score) -> Vec<String> {
    let digits = if is_share(&score.name) { 4 } else { 1 };
    let end = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.digits$}"));
    vec![
        score.name.clone(),
        end(Some(score.value)),
        end(score.interval.map(|interval| interval.low)),
        end(score.interval.map(|interval| interval.high)),
        score.cases.to_string(),
        score.about.clone(),
    ]
}

fn reliability(report: &Report) -> Option<String> {
    let (before, after) = match &report.calibration {
        Some(fitted) => (fitted.bins_before.clone(), fitted.bins_after.clone()),
        None => (domain::calibration::bins(&report.labels), Vec::new()),
    };
    if before.is_empty() {
        return None;
    }
    let mut plot = Plot::new((0.0, 1.0), (0.0, 1.0), ("confidence", "share of right drafts"), (true, true));
    plot.line(&[(0.0, 0.0), (1.0, 1.0)], "ideal");
    for (bins, class) in [(&before, "second"), (&after, "first")] {
        plot.line(&bins.iter().map(|bin| (bin.confidence, bin.right)).collect::<Vec<_>>(), class);
        for bin in bins {
            let title = format!("{} cases, confidence {:.2}, right {:.2}", bin.labels, bin.confidence, bin.right);
            plot.dot((bin.confidence, bin.right), 4.0, class, &title);
        }
    }
    let description = format!(
        "Cases in ten bins of equal size by confidence. On the diagonal, confidence is the share that is right. {}",
        calibration_in_words(report)
    );
    let row = |kind: &str, bin: &Bin| {
        vec![kind.to_owned(), bin.labels.to_string(), format!("{:.3}", bin.confidence), format!("{:.3}", bin.right)]
    };
    let rows = before.iter().map(|bin| row("raw", bin)).chain(after.iter().map(|bin| row("calibrated", bin))).collect();
    let figure = Figure {
        id: "reliability",
        title: "Reliability",
        svg: plot.svg("Reliability", &description),
        description,
        legend: &[("second", "raw"), ("first", "calibrated, cross-validated"), ("ideal", "ideal")],
        head: &["confidence", "cases", "mean confidence", "share right"],
        rows,
    };
    Some(figure.html())
}

/// What calibration changed, in a sentence.
pub(super) fn calibration_in_words(report: &Report) -> String {
    match (&report.calibration, &report.calibration_refused) {
        (Some(fitted), _) => format!(
            "Calibration (method {}) on {} labels takes the expected calibration error from {:.3} to {:.3}, \
             cross-validated; at so many labels chance alone makes {:.3} of it.",
            fitted.calibration.method,
            fitted.calibration.labels,
            fitted.before.calibration_error,
            fitted.after.calibration_error,
            fitted.after.calibration_error_by_chance
        ),
        (None, Some(refused)) => format!("{refused}."),
        (None, None) => String::new(),
    }
}

fn coverage(report: &Report) -> Option<String> {
    let curve = report.calibration.as_ref().map_or(&report.risk_coverage, |fitted| &fitted.risk_coverage);
    let highest = curve.iter().map(|place| place.risk).fold(0.0, f64::max);
    let aurc = report.calibration.as_ref().map(|fitted| fitted.after).or(report.confidence)?.aurc;
    let mut plot = Plot::new(
        (0.0, 1.0),
        (0.0, round_up(highest.clamp(0.05, 1.0))),
        ("share answered", "share wrong"),
        (true, true),
    );
    plot.line(&curve.iter().map(|place| (place.coverage, place.risk)).collect::<Vec<_>>(), "first");
    let promised = report.calibration.iter().flat_map(|fitted| &fitted.calibration.promises);
    for promise in promised.filter(|promise| promise.threshold.is_some()) {
        let name = format!("≤ {:.0} %", promise.target_error * 100.0);
        plot.dot((promise.coverage, promise.observed_error), 5.0, "second", &format!("promised {name}"));
        plot.label((promise.coverage, promise.observed_error), &name);
    }
    let description = format!(
        "How many of the drafts are wrong if only the surest are given, from the strictest threshold on the left to none on the right. The area under the curve (AURC) is {aurc:.4}. Dots are error rates that can be promised at 90 % confidence."
    );
    let row = |place: &Place| {
        vec![format!("{:.3}", place.threshold), format!("{:.3}", place.coverage), format!("{:.3}", place.risk)]
    };
    let step = curve.len().div_ceil(TABLE_ROWS_MAX).max(1);
    let figure = Figure {
        id: "risk-coverage",
        title: "Risk and coverage",
        svg: plot.svg("Risk and coverage", &description),
        description,
        legend: &[("first", "share wrong"), ("second", "promised error rates")],
        head: &["threshold", "share answered", "share wrong"],
        rows: curve.iter().step_by(step).map(row).collect(),
    };
    (!curve.is_empty()).then(|| figure.html())
}

fn latency(report: &Report) -> Option<String> {
    let mut sorted: Vec<f64> = report.cases.iter().map(|shown| shown.outcome.latency_ms).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let (median, most) = (quantile(&sorted, 0.5)?, quantile(&sorted, 1.0)?);
    let at = |share: f64| quantile(&sorted, share).map(|value| (value, share));
    let curve: Vec<(f64, f64)> = (0_u32..=100).filter_map(|percent| at(f64::from(percent) / 100.0)).collect();
    let mut plot = Plot::new((0.0, round_up(most)), (0.0, 1.0), ("milliseconds", "share of answers"), (false, true));
    plot.line(&curve, "first");
    let description = format!(
        "Share of the answers that took at most so long. Half took at most {median:.1} ms, nineteen of twenty {:.1} ms.",
        quantile(&sorted, 0.95)?
    );
    let rows = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0].into_iter().filter_map(at);
    let figure = Figure {
        id: "latency",
        title: "Latency",
        svg: plot.svg("Latency", &description),
        description,
        legend: &[("first", "this run")],
        head: &["share of answers", "milliseconds at most"],
        rows: rows.map(|(ms, share)| vec![format!("{:.0} %", share * 100.0), format!("{ms:.2}")]).collect(),
    };
    Some(figure.html())
}

fn cost(report: &Report) -> Option<String> {
    let runs = &report.history;
    let dearest = runs.iter().map(|past| past.cost_micro_usd).fold(0.0, f64::max);
    let mut plot = Plot::new(
        (0.0, round_up(dearest.max(1.0))),
        (0.0, 1.0),
        ("micro-USD a case", "share of good cases"),
        (false, true),
    );
    for (place, past) in runs.iter().enumerate() {
        let class = if place + 1 == runs.len() { "first" } else { "second" };
        plot.dot((past.cost_micro_usd, past.good_rate), 6.0, class, &format!("{} {}", past.id, past.model));
    }
    let last = runs.last()?;
    plot.label((last.cost_micro_usd, last.good_rate), &last.model);
    let description = format!(
        "What a case cost against how many went as they should, for this run and {} earlier of the same dataset.",
        count(runs.len() - 1)
    );
    let row = |past: &crate::report::Past| {
        vec![
            past.id.to_string(),
            past.model.clone(),
            format!("{:.1}", past.cost_micro_usd),
            format!("{:.4}", past.good_rate),
        ]
    };
    let figure = Figure {
        id: "cost",
        title: "Cost and quality",
        svg: plot.svg("Cost and quality", &description),
        description,
        legend: &[("first", "this run"), ("second", "earlier runs")],
        head: &["run", "model", "micro-USD a case", "share of good cases"],
        rows: runs.iter().map(row).collect(),
    };
    Some(figure.html())
}
