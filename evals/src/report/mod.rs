//! What a run showed, in one value: written as JSON, as one HTML file, and for build servers.

mod build;
mod cases;
mod document;
mod junit;
mod plot;
mod plots;

pub use build::{Source, build, drilled};
pub use document::html;
pub use junit::junit;

use crate::gate::Check;
use crate::metrics::Better;
use crate::run::Setup;
use crate::{Error, Result};
use domain::calibration::{Fitted, Label, Place, Quality};
use domain::comparison::{Change, Comparison};
use domain::evaluation::{Case, Outcome, Verdict};
use domain::statistics::Interval;
use domain::trace::Trace;
use domain::{DatasetId, RunId, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a run showed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Which run.
    pub run: Shown,
    /// Means over cases and scores of the whole set, each with its interval.
    pub metrics: Vec<Score>,
    /// Cases by how they went.
    pub verdicts: BTreeMap<Verdict, usize>,
    /// The same by tag, the commonest first.
    pub slices: Vec<Slice>,
    /// Confidence and outcome of every case where the right answer is known.
    pub labels: Vec<Label>,
    /// How good confidences were as they were given.
    pub confidence: Option<Quality>,
    /// The risk–coverage curve of confidences as they were given.
    pub risk_coverage: Vec<Place>,
    /// The calibration that was fitted on raw confidences, with what it is worth.
    pub calibration: Option<Fitted>,
    /// Why none was fitted.
    pub calibration_refused: Option<String>,
    /// The same dataset's runs, this one last: name, cost a case in micro-USD, share of good cases.
    pub history: Vec<Past>,
    /// Every case, those that went wrong first.
    pub cases: Vec<CaseShown>,
    /// Against the baseline, where one was named.
    pub comparison: Option<Comparison>,
    /// The gate's bounds, where one was given.
    pub gate: Vec<Check>,
}

/// Which run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// Its id.
    pub id: RunId,
    /// The dataset's id.
    pub dataset_id: DatasetId,
    /// The dataset's name.
    pub dataset: String,
    /// Cases.
    pub cases: usize,
    /// Cases whose outcome was taken over from an earlier run.
    pub cached: usize,
    /// Cases at which the pipeline failed.
    pub failed: usize,
    /// When it began.
    pub created_at: Time,
    /// What the answers depended on.
    pub setup: Setup,
}

/// A metric of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Its name.
    pub name: String,
    /// What it measures.
    pub about: String,
    /// Which way is better.
    pub better: Better,
    /// Cases behind it.
    pub cases: usize,
    /// The mean, or the score of the set.
    pub value: f64,
    /// Its 95 % bootstrap interval over cases.
    pub interval: Option<Interval>,
}

/// The cases of one tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// The tag.
    pub tag: String,
    /// Cases by how they went.
    pub verdicts: BTreeMap<Verdict, usize>,
}

/// A run of the same dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Past {
    /// Its id.
    pub id: RunId,
    /// The model that wrote, `extractive` where none did.
    pub model: String,
    /// Millionths of a US dollar a case.
    pub cost_micro_usd: f64,
    /// Share of the judged cases that went as they should.
    pub good_rate: f64,
}

/// A case as the report shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseShown {
    /// What was asked, and what is right.
    pub case: Case,
    /// How it went.
    pub verdict: Verdict,
    /// What the pipeline made of it.
    pub outcome: Outcome,
    /// Its scores.
    pub scores: BTreeMap<String, f64>,
    /// Everything that led to it, for as many cases as a report has room for.
    pub trace: Option<Trace>,
}

impl Report {
    /// Values by metric: what lists of runs show and gates look at.
    pub fn summary(&self) -> BTreeMap<String, f64> {
        self.metrics.iter().map(|score| (score.name.clone(), score.value)).collect()
    }
}

/// The report as JSON.
pub fn to_json(report: &Report) -> Result<Vec<u8>> {
    serde_json::to_vec(report).map_err(|error| Error::Invalid(format!("the report cannot be written: {error}")))
}

/// Cases that got worse.
pub fn regressions(comparison: &Comparison) -> usize {
    comparison.flips.iter().filter(|flip| flip.change == Change::Regressed).count()
}

/// Metrics that are significantly worse.
pub fn significant_losses(comparison: &Comparison) -> usize {
    let lower: Vec<String> = crate::metrics::all()
        .iter()
        .filter(|metric| metric.better() == Better::Lower)
        .map(|metric| metric.name().to_owned())
        .collect();
    let is_loss =
        |name: &String, difference: f64| if lower.contains(name) { difference > 0.0 } else { difference < 0.0 };
    let lost =
        comparison.metrics.iter().filter(|metric| metric.is_significant && is_loss(&metric.metric, metric.difference));
    lost.count()
}
