//! From an answer of the pipeline to what metrics read.

use crate::metrics::held_share;
use crate::retrieval::distinct;
use answering::Answer;
use answering::confidence::UNCALIBRATED;
use answering::sentences::{UnitKind, sentences};
use domain::evaluation::Outcome;
use domain::message::{Citation, Decision};
use domain::trace::{Candidate, Trace};
use std::fmt::Display;

/// A delivered sentence is grounded where the cited quotes hold at least this share of its content words.
const GROUNDED_SHARE_MIN: f64 = 0.6;

/// What the pipeline made of a case.
pub(crate) fn outcome(answer: &Answer) -> Outcome {
    let trace = &answer.trace;
    let answered = answer.decision == Decision::Answer;
    let draft = if answered { Some(answer.content.clone()) } else { answer.note.suggested_reply.clone() };
    let proved = || trace.claims.iter().filter(|claim| claim.supported);
    // A greeting needs no proof, and has no claims.
    let delivered = if answered && !trace.claims.is_empty() { answer.content.as_str() } else { "" };
    let (sentences, sentences_grounded) = grounded(delivered, &answer.citations);
    let signals = trace.confidence.as_ref().map(|confidence| confidence.parts.clone()).unwrap_or_default();
    let confidence = trace.confidence.as_ref().map_or(0.0, |confidence| confidence.value);
    Outcome {
        answer: answer.content.clone(),
        draft: draft.unwrap_or_default(),
        decision: Some(answer.decision),
        handoff_reason: answer.handoff_reason,
        confidence,
        uncalibrated: signals.get(UNCALIBRATED).copied().unwrap_or(confidence),
        signals,
        ranking: distinct(trace.candidates.iter().map(document)),
        cited: distinct(answer.citations.iter().map(cited)),
        would_cite: distinct(proved().filter_map(|claim| claim.citation.as_ref()).map(cited)),
        claims: trace.claims.len(),
        claims_proved: proved().count(),
        sentences,
        sentences_grounded,
        latency_ms: trace.timings_ms.get("total").copied().unwrap_or(0.0),
        usage: answer.usage,
        cost_micro_usd: answer.cost_micro_usd,
        model: answer.model.clone(),
        error: None,
    }
}

/// What is left of a case at which the pipeline failed.
pub(crate) fn failed(error: &dyn Display) -> (Outcome, Trace) {
    (Outcome { error: Some(error.to_string()), ..Outcome::default() }, Trace::default())
}

/// A text without its citation marks `[1]`.
pub(crate) fn without_marks(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        match after.get(digits..).and_then(|tail| tail.strip_prefix(']')) {
            Some(tail) if digits > 0 => {
                bare.push_str(before.trim_end_matches(' '));
                rest = tail;
            }
            _ => {
                bare.push_str(before);
                bare.push('[');
                rest = after;
            }
        }
    }
    bare.push_str(rest);
    bare
}

/// The sentences of a delivered text, and how many of them stand in the quotes.
fn grounded(text: &str, citations: &[Citation]) -> (usize, usize) {
    let bare = without_marks(text);
    let quotes: Vec<&str> = citations.iter().flat_map(|citation| [&*citation.title, &*citation.quote]).collect();
    let quotes = quotes.join("\n");
    let units = sentences(&bare);
    let told = units.iter().filter(|unit| unit.kind != UnitKind::Heading).map(|unit| unit.text(&bare));
    let told: Vec<&str> = told.filter(|sentence| sentence.chars().any(char::is_alphanumeric)).collect();
    let stand = told.iter().filter(|sentence| held_share(sentence, &quotes) >= GROUNDED_SHARE_MIN).count();
    (told.len(), stand)
}

fn document(candidate: &Candidate) -> String {
    candidate.external_id.clone().unwrap_or_else(|| candidate.document_id.to_string())
}

fn cited(citation: &Citation) -> String {
    citation.external_id.clone().unwrap_or_else(|| citation.document_id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::DocumentId;

    #[test]
    fn only_citation_marks_are_taken_out() {
        assert_eq!(without_marks("Refunds [1] take [x] days [12]."), "Refunds take [x] days.");
        assert_eq!(without_marks("[1"), "[1");
    }

    #[test]
    fn a_sentence_with_a_number_that_no_quote_has_is_not_grounded() {
        let citation = Citation {
            index: 1,
            document_id: DocumentId::from_uuid(uuid::Uuid::nil()),
            version: 1,
            external_id: None,
            url: None,
            title: "Refunds".into(),
            quote: "Refunds take 14 days after we receive the bike.".into(),
            start: 0,
            end: 10,
        };
        assert_eq!(grounded("Refunds take 14 days [1]. They take 15 days [1].", &[citation]), (2, 1));
    }
}
