//! What to do with a turn: answer, ask one question back, or hand off with a reason.

use crate::Passage;
use crate::understand::{Kind, Wish};
use crate::words::content_stems;
use domain::handoff::HandoffReason;
use domain::message::Decision;

/// Questions with more content words than this are clear enough to answer.
const AMBIGUOUS_WORDS_MAX: usize = 3;
/// Two documents split the evidence where the second scores at least this share of the first.
const SPLIT_SHARE_MIN: f64 = 0.93;

/// What became of the model call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelOutcome {
    /// It wrote a draft, or the extractive answer did.
    Drafted,
    /// It said that the passages do not answer, or no sentence did.
    NoAnswer,
    /// It could not be reached in time.
    Unavailable,
    /// A budget or limit of the organization is used up.
    LimitReached,
}

/// How much of the draft the passages prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// No sentence of it.
    None,
    /// Something of it: the rest was dropped.
    Partial,
    /// All of it.
    Full,
}

/// Everything that the decision depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Situation {
    /// What the customer explicitly wishes.
    pub wish: Wish,
    /// Why a rule of the desk wants a person, where one does.
    pub rule: Option<HandoffReason>,
    /// What kind of message it is.
    pub kind: Kind,
    /// Whether no passage was found at all.
    pub retrieval_empty: bool,
    /// Whether the evidence splits over two documents (see [`ambiguity`]).
    pub ambiguous: bool,
    /// What became of the model call.
    pub model: ModelOutcome,
    /// How much of the draft is proved.
    pub support: Support,
    /// Whether the draft promised what no action stands behind.
    pub blocked: bool,
    /// How sure the answer is, 0 to 1.
    pub confidence: f64,
    /// Below this a person takes over, 0 to 1.
    pub threshold: f64,
    /// Questions back asked in a row.
    pub clarifications: i64,
    /// Questions back in a row at most.
    pub clarifications_max: i64,
}

/// What is done, and why where it is a handoff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What is done.
    pub decision: Decision,
    /// Why it is handed off.
    pub reason: Option<HandoffReason>,
}

/// Decides; the first rule that matches counts.
pub fn decide(situation: &Situation) -> Outcome {
    let may_ask = situation.clarifications < situation.clarifications_max;
    if situation.wish == Wish::Person {
        return hand_off(HandoffReason::CustomerRequest);
    }
    if let Some(reason) = situation.rule {
        return hand_off(reason);
    }
    match situation.kind {
        Kind::Greeting | Kind::Thanks | Kind::Declined => return done(Decision::Answer),
        Kind::Empty if may_ask => return done(Decision::Clarify),
        Kind::Empty => return hand_off(HandoffReason::PendingClarification),
        Kind::Question => {}
    }
    if situation.retrieval_empty {
        return hand_off(HandoffReason::MissingKnowledge);
    }
    if situation.ambiguous && may_ask {
        return done(Decision::Clarify);
    }
    match situation.model {
        ModelOutcome::Unavailable => return hand_off(HandoffReason::ModelUnavailable),
        ModelOutcome::LimitReached => return hand_off(HandoffReason::UsageLimit),
        ModelOutcome::NoAnswer => return hand_off(HandoffReason::MissingKnowledge),
        ModelOutcome::Drafted => {}
    }
    if situation.blocked || situation.support == Support::None {
        return hand_off(HandoffReason::UnsupportedClaim);
    }
    // Not a number is not sure.
    let sure = situation.confidence >= situation.threshold;
    match (sure, situation.ambiguous && situation.clarifications > 0) {
        (true, _) => done(Decision::Answer),
        (false, true) => hand_off(HandoffReason::PendingClarification),
        (false, false) => hand_off(HandoffReason::LowConfidence),
    }
}

/// Asks first where the AI cannot help; what customers wish and rules demand is done at once.
pub fn offered_first(outcome: Outcome) -> Outcome {
    match outcome.reason {
        Some(
            HandoffReason::MissingKnowledge
            | HandoffReason::LowConfidence
            | HandoffReason::UnsupportedClaim
            | HandoffReason::PendingClarification,
        ) => done(Decision::Clarify),
        _ => outcome,
    }
}

/// The titles of two documents between which the evidence splits for a short question, if it does.
pub fn ambiguity<'a>(question: &str, language: Option<&str>, passages: &'a [Passage]) -> Option<(&'a str, &'a str)> {
    let asked = content_stems(question, language);
    let first = passages.first()?;
    let second = passages.iter().find(|passage| passage.document_id != first.document_id)?;
    let (best, next) = (first.fused?.score, second.fused?.score);
    let close = best > 0.0 && next >= best * SPLIT_SHARE_MIN;
    if asked.len() > AMBIGUOUS_WORDS_MAX || !close || first.title == second.title {
        return None;
    }
    // A title that holds more of the question's words than the other settles it.
    let named = |title: &str| {
        let stems = content_stems(title, language);
        asked.iter().filter(|stem| stems.contains(stem)).count()
    };
    // Titles without a word of the question are no alternatives that the customer could choose from.
    (named(&first.title) == named(&second.title) && named(&first.title) > 0)
        .then_some((first.title.as_str(), second.title.as_str()))
}

fn done(decision: Decision) -> Outcome {
    Outcome { decision, reason: None }
}

fn hand_off(reason: HandoffReason) -> Outcome {
    Outcome { decision: Decision::HandOff, reason: Some(reason) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passage::fixtures::passage;
    use domain::trace::Rank;

    const GOOD: Situation = Situation {
        wish: Wish::None,
        rule: None,
        kind: Kind::Question,
        retrieval_empty: false,
        ambiguous: false,
        model: ModelOutcome::Drafted,
        support: Support::Full,
        blocked: false,
        confidence: 0.8,
        threshold: 0.5,
        clarifications: 0,
        clarifications_max: 1,
    };

    #[test]
    fn the_table() {
        use Decision::{Answer, Clarify};
        use HandoffReason as Reason;
        let answer = done(Answer);
        let clarify = done(Clarify);
        for (name, situation, expected) in [
            ("good", GOOD, answer),
            ("partly proved", Situation { support: Support::Partial, ..GOOD }, answer),
            ("at the threshold", Situation { confidence: 0.5, ..GOOD }, answer),
            ("a wish beats a good answer", Situation { wish: Wish::Person, ..GOOD }, hand_off(Reason::CustomerRequest)),
            (
                "a wish beats a greeting",
                Situation { wish: Wish::Person, kind: Kind::Greeting, ..GOOD },
                hand_off(Reason::CustomerRequest),
            ),
            (
                "a rule beats a good answer",
                Situation { rule: Some(Reason::PolicyRestriction), ..GOOD },
                hand_off(Reason::PolicyRestriction),
            ),
            (
                "a wish beats a rule",
                Situation { wish: Wish::Person, rule: Some(Reason::PolicyRestriction), ..GOOD },
                hand_off(Reason::CustomerRequest),
            ),
            ("greeting needs no knowledge", Situation { kind: Kind::Greeting, retrieval_empty: true, ..GOOD }, answer),
            ("thanks", Situation { kind: Kind::Thanks, confidence: 0.0, ..GOOD }, answer),
            ("empty", Situation { kind: Kind::Empty, ..GOOD }, clarify),
            (
                "empty again",
                Situation { kind: Kind::Empty, clarifications: 1, ..GOOD },
                hand_off(Reason::PendingClarification),
            ),
            (
                "nothing found",
                Situation { retrieval_empty: true, model: ModelOutcome::NoAnswer, ..GOOD },
                hand_off(Reason::MissingKnowledge),
            ),
            (
                "nothing found is not the model's fault",
                Situation { retrieval_empty: true, model: ModelOutcome::Unavailable, ..GOOD },
                hand_off(Reason::MissingKnowledge),
            ),
            ("ambiguous", Situation { ambiguous: true, ..GOOD }, clarify),
            ("ambiguous, asked, sure", Situation { ambiguous: true, clarifications: 1, ..GOOD }, answer),
            (
                "ambiguous, asked, unsure",
                Situation { ambiguous: true, clarifications: 1, confidence: 0.2, ..GOOD },
                hand_off(Reason::PendingClarification),
            ),
            (
                "ambiguous, asking forbidden",
                Situation { ambiguous: true, clarifications_max: 0, confidence: 0.2, ..GOOD },
                hand_off(Reason::LowConfidence),
            ),
            ("model down", Situation { model: ModelOutcome::Unavailable, ..GOOD }, hand_off(Reason::ModelUnavailable)),
            ("limit", Situation { model: ModelOutcome::LimitReached, ..GOOD }, hand_off(Reason::UsageLimit)),
            ("no answer", Situation { model: ModelOutcome::NoAnswer, ..GOOD }, hand_off(Reason::MissingKnowledge)),
            ("promise", Situation { blocked: true, ..GOOD }, hand_off(Reason::UnsupportedClaim)),
            ("nothing proved", Situation { support: Support::None, ..GOOD }, hand_off(Reason::UnsupportedClaim)),
            ("unsure", Situation { confidence: 0.49, ..GOOD }, hand_off(Reason::LowConfidence)),
            ("not a number", Situation { confidence: f64::NAN, ..GOOD }, hand_off(Reason::LowConfidence)),
        ] {
            assert_eq!(decide(&situation), expected, "{name}");
        }
    }

    #[test]
    fn evidence_splits_only_for_short_questions_with_near_scores() {
        let scored = |index, title, score| {
            let mut passage = passage(index, title, "x");
            passage.fused = Some(Rank { rank: index, score });
            passage
        };
        let even = [scored(1, "Import from GA", 0.9), scored(2, "Import CSV", 0.88)];
        assert_eq!(ambiguity("how do I import?", None, &even), Some(("Import from GA", "Import CSV")));
        assert_eq!(ambiguity("how do I import CSV?", None, &even), None, "the title settles it");
        assert_eq!(ambiguity("how do I import my old visitor numbers and goals", None, &even), None);
        let uneven = [scored(1, "Import from GA", 0.9), scored(2, "Import CSV", 0.5)];
        assert_eq!(ambiguity("how do I import?", None, &uneven), None);
        assert_eq!(ambiguity("import", None, &even[..1]), None);
        assert_eq!(ambiguity("the first one", None, &even), None, "neither is what was asked for");
    }
}
