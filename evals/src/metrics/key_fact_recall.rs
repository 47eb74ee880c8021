//! How much of what a right answer says is said.

use crate::metrics::{Judged, Metric};
use answering::sentences::sentences;
use answering::words::content_stems;
use domain::evaluation::Case;
use domain::statistics::mean;
use std::collections::HashSet;

/// A fact is said where at least this share of its content words is.
const SAID_SHARE_MIN: f64 = 0.6;
/// Sentences of a right answer with fewer content words say nothing that could be looked for.
const FACT_WORDS_MIN: usize = 2;

/// Share of the key facts that a given answer says.
pub struct KeyFactRecall;

impl Metric for KeyFactRecall {
    fn name(&self) -> &'static str {
        "key_fact_recall"
    }

    fn about(&self) -> &'static str {
        "Share of the key facts (the right answer's sentences where none are listed) that a given answer says"
    }

    fn score(&self, judged: &Judged<'_>) -> Option<f64> {
        if judged.is_answered() { said_share(judged.case, &judged.outcome.answer) } else { None }
    }
}

/// Share of the case's facts that the text says; `None` where the case has none.
pub(crate) fn said_share(case: &Case, text: &str) -> Option<f64> {
    let facts: Vec<String> = if case.key_facts.is_empty() {
        let answer = case.answer.as_deref()?;
        let units = sentences(answer);
        let told = units.iter().map(|unit| unit.text(answer).to_owned());
        told.filter(|unit| content_stems(unit, None).len() >= FACT_WORDS_MIN).collect()
    } else {
        case.key_facts.clone()
    };
    let said: Vec<f64> =
        facts.iter().map(|fact| if held_share(fact, text) >= SAID_SHARE_MIN { 1.0 } else { 0.0 }).collect();
    mean(&said)
}

/// Share of the statement's content words that the text holds; 0 where a number of the statement is not there.
pub fn held_share(statement: &str, text: &str) -> f64 {
    let held: HashSet<String> = content_stems(text, None).into_iter().collect();
    let wanted = content_stems(statement, None);
    let is_number = |stem: &str| stem.bytes().all(|byte| byte.is_ascii_digit());
    if wanted.iter().any(|stem| is_number(stem) && !held.contains(stem)) {
        return 0.0;
    }
    super::share(wanted.iter().filter(|stem| held.contains(*stem)).count(), wanted.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_is_said_in_other_words_but_not_with_another_number() {
        let case = Case {
            key_facts: vec!["Refunds take 14 days".into(), "Express shipping costs 9 euros".into()],
            ..Case::default()
        };
        let share = |text| said_share(&case, text).unwrap();
        assert!((share("A refund takes up to 14 days.") - 0.5).abs() < 1e-9);
        assert!(share("A refund takes up to 15 days.").abs() < 1e-9);
        assert!((share("Refunds take 14 days. Express shipping costs 9 euros.") - 1.0).abs() < 1e-9);
        assert_eq!(said_share(&Case::default(), "x"), None);
    }
}
