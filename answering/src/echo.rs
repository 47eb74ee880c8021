//! Sentences that only tell what was asked. Small models write them in place of an answer, and a passage on the topic
//! holds their words without answering anything.

use regex::RegexSet;
use std::sync::LazyLock;

/// Whether a sentence reports the question.
pub(crate) fn reports_question(sentence: &str) -> bool {
    REPORTS.is_match(sentence.trim_start_matches(|c: char| !c.is_alphanumeric()))
}

#[expect(clippy::expect_used, reason = "the patterns are constants and every test compiles them")]
static REPORTS: LazyLock<RegexSet> = LazyLock::new(|| {
    RegexSet::new([
        r"(?i)^(?:the|this|our) (?:customer|user|client|visitor)(?:['’]s (?:question|message|request|query|issue|problem) is\b| (?:is|was) (?:asking|wondering|looking|requesting|inquiring)\b| (?:has asked|asks|asked|wants|wanted|wonders|would like|inquires|requests)\b)",
        r"(?i)^(?:the|this|your) (?:question|query|message) (?:is about|asks|was|is whether|is how|concerns)\b",
        r"(?i)^you (?:are asking|asked|have asked|want to know|would like to know)\b",
        r"(?i)^(?:der kunde|die kundin|der nutzer|die nutzerin|der benutzer) (?:fragt|möchte|will wissen|hat gefragt|erkundigt sich)\b",
        r"(?i)^(?:le client|la cliente|l['’]utilisateur|l['’]utilisatrice) (?:demande|souhaite|veut savoir|voudrait)\b",
        r"(?i)^(?:el cliente|la cliente|el usuario|la usuaria) (?:pregunta|quiere saber|desea|solicita)\b",
    ])
    .expect("the patterns are valid")
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_tells_the_question_is_told_from_an_answer() {
        for sentence in [
            "The customer asks: is version 9.0 supported?",
            "**The customer is asking** how to reset the password.",
            "The user's question is about refunds.",
            "You asked how long refunds take.",
            "Der Kunde fragt nach einer Erstattung.",
            "Le client demande un remboursement.",
            "El cliente pregunta por su pedido.",
        ] {
            assert!(reports_question(sentence), "{sentence}");
        }
        for sentence in [
            "The customer portal shows your invoices.",
            "Users can ask for a refund within 30 days.",
            "You can ask for a refund within 30 days.",
            "The customer pays the return shipping.",
            "Der Kunde trägt die Kosten der Rücksendung.",
            "The question mark opens the list of keys.",
        ] {
            assert!(!reports_question(sentence), "{sentence}");
        }
    }
}
