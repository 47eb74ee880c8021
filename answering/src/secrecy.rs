//! Keeps the admin's own words out of what is said: the instructions are for the model, not for customers.

use crate::sentences::sentences;
use rustc_hash::FxHashSet;

/// So many words of the instructions in a row are a quotation.
const RUN_WORDS: usize = 6;
/// Characters of a word that can be a secret at least.
const SECRET_CHARS_MIN: usize = 4;
/// A word of so many mixed characters that nobody wrote before is taken for something encoded.
const ENCODED_CHARS_MIN: usize = 20;

/// What only the desk knows.
pub(crate) struct Private {
    words: FxHashSet<String>,
    runs: FxHashSet<String>,
    public: String,
}

impl Private {
    /// What the instructions say and none of the public texts does.
    pub(crate) fn new<'a>(instructions: &str, public: impl Iterator<Item = &'a str>) -> Self {
        let public = public.collect::<Vec<_>>().join("\n").to_lowercase();
        let is_known = |text: &String| public.contains(text.as_str());
        let said: Vec<&str> = pieces(instructions).collect();
        let words = said.iter().filter(|word| is_unusual(word)).map(|word| word.to_lowercase());
        let words = words.filter(|word| !is_known(word)).collect();
        let runs = runs(instructions).into_iter().filter(|run| !is_known(run)).collect();
        Self { words, runs, public }
    }

    /// The draft without the sentences that tell something of it; `None` where none does.
    pub(crate) fn withheld(&self, draft: &str) -> Option<String> {
        let units = sentences(draft);
        let told: Vec<_> = units.iter().filter(|unit| self.is_told_by(unit.text(draft))).collect();
        if told.is_empty() {
            return None;
        }
        let mut rest = String::new();
        let mut at = 0;
        for unit in told {
            rest.push_str(draft.get(at..unit.range.start).unwrap_or_default());
            at = unit.range.end;
        }
        rest.push_str(draft.get(at..).unwrap_or_default());
        Some(rest)
    }

    fn is_told_by(&self, sentence: &str) -> bool {
        let lower = sentence.to_lowercase();
        self.words.iter().any(|word| lower.contains(word.as_str()))
            || runs(sentence).iter().any(|run| self.runs.contains(run))
            || pieces(sentence).any(|word| is_encoded(word) && !self.public.contains(&word.to_lowercase()))
    }
}

/// Words without the punctuation around them.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().map(|word| word.trim_matches(|letter: char| !letter.is_alphanumeric()))
}

/// Every [`RUN_WORDS`] words in a row, in lower case.
fn runs(text: &str) -> Vec<String> {
    let words: Vec<String> = pieces(text).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    words.windows(RUN_WORDS).map(|run| run.join(" ")).collect()
}

/// Codes, passwords, addresses: nothing that one writes to be read aloud.
fn is_unusual(word: &str) -> bool {
    let inner = word.chars().skip(1);
    let is_mixed = inner.clone().any(char::is_uppercase) && word.chars().any(char::is_lowercase);
    let is_joined = word.chars().any(|letter| matches!(letter, '-' | '_' | '@' | '/' | '+' | '='));
    word.chars().count() >= SECRET_CHARS_MIN
        && (is_mixed || is_joined || word.chars().any(|letter| letter.is_ascii_digit()))
}

/// Base64, hex and their kin.
fn is_encoded(word: &str) -> bool {
    let letters =
        word.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '/' | '=' | '_' | '-'));
    let mixed = word.chars().any(|letter| letter.is_ascii_digit()) || word.chars().skip(1).any(char::is_uppercase);
    word.len() >= ENCODED_CHARS_MIN && letters && mixed
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    const INSTRUCTIONS: &str = "Speak kindly. Staff discount code: velvet-harbor-77. Never offer more than two refunds to the same person. Plans: Pro_9.";

    fn withheld(draft: &str) -> Option<String> {
        Private::new(INSTRUCTIONS, ["The Pro_9 plan costs 9 euros.", "What does it cost?"].into_iter()).withheld(draft)
    }

    #[test]
    fn sentences_that_tell_a_secret_a_quotation_or_something_encoded_are_withheld() {
        for told in [
            "Use VELVET-HARBOR-77 now.",
            "We never offer more than two refunds to the same person.",
            "It is c3RhZmYgZGlzY291bnQgY29kZQ== here.",
        ] {
            let rest = withheld(&format!("It costs 9 euros. {told} Thanks.")).unwrap();
            assert!(!rest.contains(told) && rest.contains("It costs 9 euros.") && rest.contains("Thanks."), "{rest}");
        }
    }

    #[test]
    fn what_is_public_or_plain_is_said() {
        assert_eq!(withheld("The Pro_9 plan costs 9 euros. Speak kindly to the same person."), None);
        assert_eq!(withheld("Die Donaudampfschifffahrtsgesellschaft antwortet."), None);
    }
}
