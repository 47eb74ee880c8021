//! Whether a case went as it should have, and whether its draft would have been right.

use crate::metrics::{expressions, key_fact_recall};
use domain::evaluation::{Case, Outcome, Verdict};
use domain::message::Decision;

/// A draft is right where it says at least this share of the facts.
const FACTS_SHARE_MIN: f64 = 0.5;

/// Whether what was drafted answers the question, whatever was delivered; `None` where nobody knows.
///
/// Without a judge this is a stand-in, in this order: a question that the knowledge does not answer has no right
/// draft; expressions must all hold; a known document must be cited, and listed facts be half said; without
/// known documents half of the right answer's sentences must be said.
pub fn is_right(case: &Case, outcome: &Outcome) -> Option<bool> {
    if case.answerable == Some(false) || case.expected == Some(Decision::HandOff) {
        return Some(false);
    }
    if let Some(share) = expressions::held(case, &outcome.draft) {
        return Some(share >= 1.0);
    }
    let facts = || key_fact_recall::said_share(case, &outcome.draft).map(|share| share >= FACTS_SHARE_MIN);
    if case.documents.is_empty() {
        return facts();
    }
    let cites = outcome.would_cite.iter().any(|document| case.documents.contains(document));
    Some(cites && (case.key_facts.is_empty() || facts() != Some(false)))
}

/// How the case went.
pub fn verdict(case: &Case, outcome: &Outcome) -> Verdict {
    let answered = outcome.decision == Some(Decision::Answer);
    if !answered && case.expected.is_some() && case.expected == outcome.decision {
        return Verdict::RightHandoff;
    }
    match (answered, case.needs_person(), is_right(case, outcome)) {
        (true, Some(true), _) | (true, _, Some(false)) => Verdict::WrongAnswer,
        (true, _, Some(true)) => Verdict::RightAnswer,
        (true, _, None) | (false, None, _) => Verdict::Unjudged,
        (false, Some(true), _) => Verdict::RightHandoff,
        (false, Some(false), _) => Verdict::NeedlessHandoff,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(answerable: bool) -> Case {
        let documents = if answerable { vec!["a".to_owned()] } else { Vec::new() };
        Case { answerable: Some(answerable), documents, ..Case::default() }
    }

    fn outcome(decision: Decision, cites: &str) -> Outcome {
        Outcome { decision: Some(decision), would_cite: vec![cites.to_owned()], ..Outcome::default() }
    }

    #[test]
    fn the_table() {
        use Decision::{Answer, Clarify, HandOff};
        for (case, outcome, expected) in [
            (case(true), outcome(Answer, "a"), Verdict::RightAnswer),
            (case(true), outcome(Answer, "b"), Verdict::WrongAnswer),
            (case(true), outcome(HandOff, "a"), Verdict::NeedlessHandoff),
            (case(true), outcome(Clarify, "a"), Verdict::NeedlessHandoff),
            (case(false), outcome(Answer, "a"), Verdict::WrongAnswer),
            (case(false), outcome(HandOff, "a"), Verdict::RightHandoff),
            (Case::default(), outcome(Answer, "a"), Verdict::Unjudged),
            (Case { expected: Some(Clarify), ..case(true) }, outcome(Clarify, "a"), Verdict::RightHandoff),
            (Case { expected: Some(HandOff), ..case(true) }, outcome(Answer, "a"), Verdict::WrongAnswer),
        ] {
            assert_eq!(verdict(&case, &outcome), expected, "{case:?} {outcome:?}");
        }
    }

    #[test]
    fn listed_facts_must_be_said_besides_the_citation() {
        let case = Case { key_facts: vec!["Refunds take 14 days".into()], ..case(true) };
        let said = |draft: &str| is_right(&case, &Outcome { draft: draft.into(), ..outcome(Decision::Answer, "a") });
        assert_eq!(said("Refunds take 14 days."), Some(true));
        assert_eq!(said("Refunds are possible."), Some(false));
    }
}
