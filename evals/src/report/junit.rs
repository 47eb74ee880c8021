//! The run as `JUnit` XML, so that build servers show which case went wrong.

use crate::gate::Check;
use crate::report::plot::escape;
use crate::report::{CaseShown, Report};
use domain::evaluation::Verdict;

/// Characters of an answer that a failure shows.
const ANSWER_CHARS_MAX: usize = 500;

/// The report as `JUnit`: a suite of cases and a suite of the gate's bounds. Without a gate, cases that went wrong
/// are shown as failures; with one, the gate alone decides and they are shown as skipped.
pub fn junit(report: &Report) -> String {
    let gated = !report.gate.is_empty();
    let wrong = report.cases.iter().filter(|shown| shown.verdict.is_good() == Some(false)).count();
    let (failures, skipped) = if gated { (0, wrong) } else { (wrong, 0) };
    let mut lines = vec![
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"frontdesk eval\">".to_owned(),
        format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" skipped=\"{skipped}\">",
            escape(&report.run.dataset),
            report.cases.len()
        ),
    ];
    lines.extend(report.cases.iter().map(|shown| case(shown, &report.run.dataset, gated)));
    lines.push("  </testsuite>".to_owned());
    if gated {
        let failed = report.gate.iter().filter(|check| !check.passed).count();
        let tests = report.gate.len();
        lines.push(format!("  <testsuite name=\"gate\" tests=\"{tests}\" failures=\"{failed}\">"));
        lines.extend(report.gate.iter().map(bound));
        lines.push("  </testsuite>".to_owned());
    }
    lines.push("</testsuites>\n".to_owned());
    lines.join("\n")
}

fn bound(check: &Check) -> String {
    let found = check.found.map_or("nothing".to_owned(), |found| format!("{found:.4}"));
    let failure = if check.passed { String::new() } else { format!("<failure message=\"found {found}\"/>") };
    format!("    <testcase classname=\"gate\" name=\"{}\">{failure}</testcase>", escape(&check.rule))
}

fn case(shown: &CaseShown, suite: &str, gated: bool) -> String {
    let head = format!(
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{:.4}\"",
        escape(suite),
        escape(&shown.case.id),
        shown.outcome.latency_ms / 1_000.0
    );
    if shown.verdict.is_good() != Some(false) {
        return format!("{head}/>");
    }
    let answer: String = shown.outcome.answer.chars().take(ANSWER_CHARS_MAX).collect();
    let what = match shown.verdict {
        Verdict::WrongAnswer => "wrong answer",
        Verdict::NeedlessHandoff => "needless handoff",
        Verdict::Unjudged | Verdict::RightHandoff | Verdict::RightAnswer => "",
    };
    let body = escape(&format!("{}\n→ {answer}", shown.case.question));
    if gated {
        return format!("{head}><skipped message=\"{what}\"/><system-out>{body}</system-out></testcase>");
    }
    format!("{head}><failure message=\"{what}\">{body}</failure></testcase>")
}
