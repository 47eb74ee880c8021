//! `frontdesk doctor`: prints what is wrong and the fix.

use crate::doctor::{self, Finding, State};
use crate::failure::Failure;
use crate::output::{Exit, Output, Tone};
use crate::settings::{Environment, Settings};

pub(crate) async fn run(settings: Settings, environment: &Environment, output: Output) -> Result<Exit, Failure> {
    let findings = doctor::examine(&settings, environment).await;
    let worst = doctor::worst(&findings);
    output.result(&serde_json::json!({ "state": worst, "findings": findings }), |_| in_words(&findings, output))?;
    Ok(if worst == State::Problem { Exit::Problem } else { Exit::Ok })
}

fn in_words(findings: &[Finding], output: Output) -> String {
    let mut lines: Vec<String> = findings.iter().flat_map(|finding| lines(finding, output)).collect();
    let count = |state| findings.iter().filter(|finding| finding.state == state).count();
    lines.push(match (count(State::Problem), count(State::Warning)) {
        (0, 0) => "all is well".to_owned(),
        (problems, warnings) => format!("{problems} to repair, {warnings} to look at"),
    });
    lines.join("\n")
}

fn lines(finding: &Finding, output: Output) -> Vec<String> {
    let (mark, tone) = match finding.state {
        State::Ok => ("✓", Tone::Good),
        State::Warning => ("!", Tone::Warning),
        State::Problem => ("✗", Tone::Bad),
    };
    let mut lines = vec![format!(" {} {:<16} {}", output.paint(tone, mark), finding.check, finding.what)];
    lines.extend(finding.why.as_ref().map(|why| format!("     {why}")));
    lines.extend(finding.fix.as_ref().map(|fix| format!("     → {fix}")));
    lines
}
