//! The cases of a report, each to be opened up: what was asked, said, cited, found, and how sure it was.

use crate::report::CaseShown;
use crate::report::plot::escape;
use crate::report::plots::table;
use domain::trace::{Candidate, Claim, Rank, Trace};

/// Passages of a trace that are shown.
const CANDIDATES_SHOWN: usize = 6;
/// Characters of a summary line.
const SUMMARY_CHARS_MAX: usize = 110;

/// One case as HTML.
pub(super) fn case(shown: &CaseShown) -> String {
    let question: String = shown.case.question.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = question.chars().take(SUMMARY_CHARS_MAX).collect();
    let ellipsis = if short.len() < question.len() { "…" } else { "" };
    let decision = shown.outcome.decision.map_or("failed".to_owned(), |decision| decision.to_string());
    let reason = shown.outcome.handoff_reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    let mut body = String::new();
    for said in &shown.case.history {
        body.push_str(&block(&said.role, &said.content));
    }
    body.push_str(&block("question", &shown.case.question));
    body.push_str(&block(&format!("{decision}{reason}"), &shown.outcome.answer));
    if shown.outcome.draft != shown.outcome.answer {
        body.push_str(&block("draft", &shown.outcome.draft));
    }
    if let Some(right) = &shown.case.answer {
        body.push_str(&block("right answer", right));
    }
    if let Some(error) = &shown.outcome.error {
        body.push_str(&block("failed", error));
    }
    body.push_str(&numbers(shown));
    if let Some(trace) = &shown.trace {
        body.push_str(&opened(trace));
    }
    format!(
        "<details class=\"case\" id=\"case-{}\"><summary><b class=\"verdict {}\">{}</b> <code>{}</code> {}{ellipsis} <small>confidence {:.2}</small></summary>{body}</details>",
        escape(&shown.case.id),
        shown.verdict,
        words(&shown.verdict.to_string()),
        escape(&shown.case.id),
        escape(&short),
        shown.outcome.confidence
    )
}

/// A stored word as people read it.
pub(super) fn words(stored: &str) -> String {
    stored.replace('_', " ")
}

fn block(name: &str, text: &str) -> String {
    if text.trim().is_empty() {
        return String::new();
    }
    format!("<div class=\"said\"><span>{}</span><div>{}</div></div>", escape(&words(name)), escape(text))
}

fn numbers(shown: &CaseShown) -> String {
    let documents = |ids: &[String]| if ids.is_empty() { "–".to_owned() } else { ids.join(", ") };
    let mut rows = vec![
        vec!["relevant documents".to_owned(), documents(&shown.case.documents)],
        vec!["cited documents".to_owned(), documents(&shown.outcome.cited)],
        vec!["documents of the draft".to_owned(), documents(&shown.outcome.would_cite)],
    ];
    rows.extend(shown.scores.iter().map(|(name, score)| vec![name.clone(), format!("{score:.3}")]));
    let signals =
        shown.outcome.signals.iter().map(|(name, value)| vec![format!("signal {name}"), format!("{value:.3}")]);
    rows.extend(signals);
    table(&["", ""], &rows)
}

fn opened(trace: &Trace) -> String {
    let mut html = String::from("<h4>Trace</h4>");
    html.push_str(&block("understood", &trace.standalone_query));
    html.push_str(&block("degraded", trace.degraded.as_deref().unwrap_or_default()));
    let candidates: Vec<Vec<String>> = trace.candidates.iter().take(CANDIDATES_SHOWN).map(candidate).collect();
    html.push_str(&table(&["", "passage", "dense", "bm25", "fused"], &candidates));
    if !trace.claims.is_empty() {
        html.push_str(&table(&["", "support", "sentence"], &trace.claims.iter().map(claim).collect::<Vec<_>>()));
    }
    let timings: Vec<String> = trace.timings_ms.iter().map(|(step, ms)| format!("{step} {ms:.1}")).collect();
    html.push_str(&block("milliseconds", &timings.join(" · ")));
    html
}

fn candidate(candidate: &Candidate) -> Vec<String> {
    let rank = |rank: Option<Rank>| rank.map_or("–".to_owned(), |rank| format!("#{} {:.3}", rank.rank, rank.score));
    let path = [candidate.title.as_str(), candidate.heading_path.as_str()];
    let path: Vec<&str> = path.into_iter().filter(|part| !part.is_empty()).collect();
    let id = candidate.external_id.clone().unwrap_or_else(|| candidate.document_id.to_string());
    vec![
        if candidate.in_prompt { "▸" } else { "" }.to_owned(),
        format!("{} ({id})", path.join(" › ")),
        rank(candidate.dense),
        rank(candidate.bm25),
        rank(candidate.fused),
    ]
}

fn claim(claim: &Claim) -> Vec<String> {
    let mark = if claim.supported { "✓" } else { "✗" };
    vec![mark.to_owned(), format!("{:.2}", claim.support_score), claim.sentence.clone()]
}
