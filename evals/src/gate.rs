//! The gate: what a run must hold so that a build passes.

use crate::metrics::{SET_SCORES, all};
use crate::report::Report;
use crate::{Error, Result};
use domain::comparison::Comparison;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// A gate file: bounds by metric, and what a comparison with the baseline may show.
///
/// ```toml
/// [min]
/// key_fact_recall = 0.6
/// [max]
/// answer_error = 0.05
/// [baseline]
/// regressions = 0
/// significant_losses = 0
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gate {
    /// The least that each metric's value may be.
    pub min: BTreeMap<String, f64>,
    /// The most that each metric's value may be.
    pub max: BTreeMap<String, f64>,
    /// Bounds on the comparison with the baseline.
    pub baseline: Option<BaselineGate>,
}

/// Bounds on the comparison with the baseline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BaselineGate {
    /// Cases that may have got worse.
    pub regressions: Option<usize>,
    /// Metrics that may be significantly worse.
    pub significant_losses: Option<usize>,
}

/// One bound with what was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The bound, `key_fact_recall ≥ 0.6`.
    pub rule: String,
    /// What was found; `None` where the run has no such value.
    pub found: Option<f64>,
    /// Whether it holds; a value that is not there does not.
    pub passed: bool,
}

/// Reads a gate file; TOML.
///
/// # Errors
/// `Dataset` with the place, for an unknown metric too.
pub fn read(path: &Path) -> Result<Gate> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| Error::File { file: file.clone(), source })?;
    let gate: Gate = toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        Error::Dataset {
            file: file.clone(),
            line: before.matches('\n').count() + 1,
            message: error.message().to_owned(),
        }
    })?;
    let known: Vec<String> = known_metrics();
    if let Some(unknown) = gate.min.keys().chain(gate.max.keys()).find(|name| !known.contains(name)) {
        let line = text.lines().position(|line| line.contains(unknown.as_str())).map_or(1, |at| at + 1);
        let message = format!("unknown metric `{unknown}`; known are {}", known.join(", "));
        return Err(Error::Dataset { file, line, message });
    }
    Ok(gate)
}

/// Every metric that a report can have a value of.
pub fn known_metrics() -> Vec<String> {
    let of_cases = all().into_iter().map(|metric| metric.name().to_owned());
    of_cases.chain(SET_SCORES.iter().map(|score| score.name.to_owned())).collect()
}

/// Holds the gate against a report.
pub fn check(gate: &Gate, report: &Report) -> Vec<Check> {
    let summary = report.summary();
    let bound = |name: &String, sign: &str, bound: f64, holds: fn(f64, f64) -> bool| {
        let found = summary.get(name).copied();
        let passed = found.is_some_and(|found| holds(found, bound));
        Check { rule: format!("{name} {sign} {bound}"), found, passed }
    };
    let least = gate.min.iter().map(|(name, least)| bound(name, "≥", *least, |found, bound| found >= bound));
    let most = gate.max.iter().map(|(name, most)| bound(name, "≤", *most, |found, bound| found <= bound));
    let mut checks: Vec<Check> = least.chain(most).collect();
    if let Some(baseline) = &gate.baseline {
        checks.extend(against_baseline(*baseline, report.comparison.as_ref()));
    }
    checks
}

fn against_baseline(gate: BaselineGate, comparison: Option<&Comparison>) -> Vec<Check> {
    let bound = |what: &str, most: usize, found: Option<usize>| Check {
        rule: format!("{what} ≤ {most}"),
        found: found.map(domain::statistics::count),
        passed: found.is_some_and(|found| found <= most),
    };
    let regressions = comparison.map(crate::report::regressions);
    let losses = comparison.map(crate::report::significant_losses);
    let checks = [
        gate.regressions.map(|most| bound("baseline regressions", most, regressions)),
        gate.significant_losses.map(|most| bound("baseline significant losses", most, losses)),
    ];
    checks.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Gate> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gate.toml");
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn a_gate_is_read_and_unknown_words_are_refused_with_their_line() {
        let gate = read_text("[min]\nkey_fact_recall = 0.6\n[baseline]\nregressions = 0\n").unwrap();
        assert_eq!(gate.baseline.unwrap().regressions, Some(0));
        let said = read_text("[max]\n\nrouge = 0.6\n").unwrap_err().to_string();
        assert!(said.contains("line 3: unknown metric `rouge`") && said.contains("token_f1"), "{said}");
        let said = read_text("[min]\n\n[most]\nx = 1\n").unwrap_err().to_string();
        assert!(said.contains("line 3") && said.contains("unknown field `most`"), "{said}");
    }

    #[test]
    fn without_a_baseline_its_bounds_fail() {
        let gate = BaselineGate { regressions: Some(0), significant_losses: None };
        let checks = against_baseline(gate, None);
        assert_eq!((checks.len(), checks[0].passed), (1, false));
    }
}
