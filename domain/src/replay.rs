//! Replays: the customers' turns of a period against something changed, and what becomes otherwise.

use crate::assistant::AssistantSettings;
use crate::evaluation::Outcome;
use crate::message::Decision;
use crate::sentences::sentences;
use crate::{AssistantId, MessageId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A text that holds this share of the words of what was right says the same.
const SAME_SHARE_MIN: f64 = 0.6;

/// Which knowledge a replayed turn is answered from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Knowledge {
    /// What is known now: it is searched again.
    #[default]
    Now,
    /// The passages that were read then, in the versions of then.
    Then,
}

/// What a run changes of what is in use; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Trial {
    /// A version of the answer prompt, published or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_version: Option<i64>,
    /// A template in place of a version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_text: Option<String>,
    /// Another model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The admin's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// Passages in the prompt at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passages_max: Option<usize>,
    /// Weight of the dense retriever in the fusion, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dense_weight: Option<f64>,
    /// Below this confidence a person takes over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence_min: Option<f64>,
    /// Which knowledge is searched.
    pub knowledge: Knowledge,
    /// Whether the cases are past turns, asked as they were asked then.
    pub replays: bool,
}

impl Trial {
    /// The settings with what is changed.
    pub fn applied(&self, settings: &AssistantSettings) -> AssistantSettings {
        let mut changed = settings.clone();
        changed.model = self.model.clone().or(changed.model);
        changed.passages_max = self.passages_max.unwrap_or(changed.passages_max);
        changed.dense_weight = self.dense_weight.unwrap_or(changed.dense_weight);
        changed.instructions = self.instructions.clone().unwrap_or(changed.instructions);
        if let Some(least) = self.confidence_min {
            // A threshold that is tried counts, whatever was promised.
            (changed.confidence_min, changed.target_error) = (least, None);
        }
        changed
    }

    /// What is wrong with it, the field first.
    pub fn problem(&self) -> Option<String> {
        let is_share = |value: Option<f64>| value.is_none_or(|value| (0.0..=1.0).contains(&value));
        let rules = [
            (self.passages_max.is_none_or(|most| (1..=50).contains(&most)), "`passages_max` is from 1 to 50"),
            (is_share(self.dense_weight), "`dense_weight` is from 0 to 1"),
            (is_share(self.confidence_min), "`confidence_min` is from 0 to 1"),
            (
                self.prompt_text.is_none() || self.prompt_version.is_none(),
                "`prompt_text` and `prompt_version` exclude each other",
            ),
        ];
        rules.into_iter().find(|(kept, _)| !kept).map(|(_, rule)| rule.to_owned())
    }

    /// The trial that a run was asked for with, as its set-up holds it before it begins.
    pub fn of_setup(setup: &serde_json::Value) -> Self {
        setup.get("trial").and_then(|trial| serde_json::from_value(trial.clone()).ok()).unwrap_or_default()
    }
}

/// What becomes of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Became {
    /// It says less of what was right, or something else.
    Worse,
    /// It was answered and is handed off now.
    NewlyHandedOff,
    /// It reads otherwise and no measure tells which is better.
    Changed,
    /// It says more of what was right, or answers what was handed off.
    Better,
    /// It says the same.
    Same,
}

impl Became {
    /// Whether a gate lets it through.
    pub fn passes(self) -> bool {
        !matches!(self, Self::Worse | Self::NewlyHandedOff)
    }
}

/// A turn as it went.
#[derive(Clone, Copy, Debug)]
pub struct Then<'a> {
    /// The reply.
    pub message_id: MessageId,
    /// What the customer wrote.
    pub question: &'a str,
    /// What was done.
    pub decision: Option<Decision>,
    /// What was said.
    pub content: &'a str,
    /// What a person of the desk wrote after it.
    pub correction: Option<&'a str>,
    /// Whether it was rated poor.
    pub was_poor: bool,
}

/// A turn that becomes otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turned {
    /// The reply as it was given.
    pub message_id: MessageId,
    /// What the customer wrote.
    pub question: String,
    /// What becomes of it.
    pub became: Became,
    /// Why, one line a measure.
    pub because: Vec<String>,
    /// What was done then.
    pub decision_before: Option<Decision>,
    /// What is done now.
    pub decision_after: Option<Decision>,
    /// What was said then.
    pub before: String,
    /// What is said now.
    pub after: String,
}

/// What a replay is going to be, before it begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Who answers.
    pub assistant_id: AssistantId,
    /// Turns in the period.
    pub turns: usize,
    /// Tokens that the model calls use.
    pub tokens: i64,
    /// What they cost, in millionths of a US dollar.
    pub cost_micro_usd: i64,
    /// Whether the price of the model is known; without it the cost is 0.
    pub cost_known: bool,
    /// How long it takes.
    pub seconds: f64,
}

/// Judges a turn: what was given then beside what is given now.
///
/// What a person of the desk wrote after the reply is what was right; without that, the reply itself is, unless
/// it was rated poor. Numbers must be kept, and most of the words.
pub fn judge(then: &Then<'_>, now: &Outcome) -> Turned {
    let (became, because) = verdict(then, now);
    Turned {
        message_id: then.message_id,
        question: then.question.to_owned(),
        became,
        because,
        decision_before: then.decision,
        decision_after: now.decision,
        before: then.content.to_owned(),
        after: now.answer.clone(),
    }
}

fn verdict(then: &Then<'_>, now: &Outcome) -> (Became, Vec<String>) {
    if let Some(error) = &now.error {
        return (Became::Worse, vec![format!("it fails: {error}")]);
    }
    let answers = |decision: Option<Decision>| decision == Some(Decision::Answer);
    match (answers(then.decision), answers(now.decision)) {
        (true, false) => (Became::NewlyHandedOff, vec![not_answered(now)]),
        (false, true) => newly_answered(then.correction, now),
        (false, false) if then.decision == now.decision => (Became::Same, Vec::new()),
        (false, false) => (Became::Changed, vec!["another question back or handoff".to_owned()]),
        (true, true) => both_answered(then, now),
    }
}

fn not_answered(now: &Outcome) -> String {
    let reason = now.handoff_reason.map_or("a question back".to_owned(), |reason| reason.to_string());
    format!("not answered any more: {reason}")
}

fn newly_answered(correction: Option<&str>, now: &Outcome) -> (Became, Vec<String>) {
    let dropped = now.claims.saturating_sub(now.claims_proved);
    match correction.map(|right| kept(right, &now.answer)) {
        Some(kept) if !kept.numbers_missing.is_empty() || kept.words < SAME_SHARE_MIN => {
            (Became::Worse, kept.lines("the person who answered"))
        }
        Some(_) => (Became::Better, vec!["answered now, as the person did".to_owned()]),
        None if dropped > 0 => (
            Became::Worse,
            vec![format!("answered now, but {dropped} of {} drafted sentences had no proof", now.claims)],
        ),
        None => (Became::Better, vec!["answered now, every sentence proved".to_owned()]),
    }
}

fn both_answered(then: &Then<'_>, now: &Outcome) -> (Became, Vec<String>) {
    if words(then.content) == words(&now.answer) {
        return (Became::Same, Vec::new());
    }
    if let Some(right) = then.correction {
        let (before, after) = (kept(right, then.content), kept(right, &now.answer));
        let became = if after.is_less_than(&before) {
            Became::Worse
        } else if before.is_less_than(&after) {
            Became::Better
        } else {
            Became::Changed
        };
        return (became, after.lines("the person who corrected it"));
    }
    if then.was_poor {
        return (Became::Changed, vec!["it was rated poor and reads otherwise now".to_owned()]);
    }
    let kept = kept(then.content, &now.answer);
    let less_proved = now.claims_proved < now.claims;
    if !kept.numbers_missing.is_empty() || kept.words < SAME_SHARE_MIN {
        return (Became::Worse, kept.lines("the answer of then"));
    }
    if !kept.numbers_new.is_empty() {
        let line = format!("says numbers that the answer of then had not: {}", kept.numbers_new.join(", "));
        return (Became::Worse, vec![line]);
    }
    if less_proved {
        let line = format!("{} of {} drafted sentences have a proof", now.claims_proved, now.claims);
        return (Became::Worse, vec![line]);
    }
    (Became::Changed, vec![format!("other words, the same numbers; {:.0} % of the words are kept", kept.words * 100.0)])
}

/// What one text keeps of another.
struct Kept {
    numbers_missing: Vec<String>,
    numbers_new: Vec<String>,
    words: f64,
}

impl Kept {
    fn is_less_than(&self, other: &Self) -> bool {
        let (mine, theirs) = (self.numbers_missing.len(), other.numbers_missing.len());
        mine > theirs || (mine == theirs && self.words + 0.1 < other.words)
    }

    fn lines(&self, of: &str) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.numbers_missing.is_empty() {
            lines.push(format!("no longer says {}", self.numbers_missing.join(", ")));
        }
        if !self.numbers_new.is_empty() {
            lines.push(format!("says {} instead", self.numbers_new.join(", ")));
        }
        lines.push(format!("keeps {:.0} % of the words of {of}", self.words * 100.0));
        lines
    }
}

fn kept(right: &str, text: &str) -> Kept {
    let (wanted, held) = (words(right), words(text));
    let is_number = |word: &&String| word.chars().any(|letter| letter.is_ascii_digit());
    let wanted: BTreeSet<&String> = wanted.iter().collect();
    let held: BTreeSet<&String> = held.iter().collect();
    let missing = wanted.difference(&held).filter(|word| is_number(word)).map(|word| (*word).clone()).collect();
    let new = held.difference(&wanted).filter(|word| is_number(word)).map(|word| (*word).clone()).collect();
    let share =
        crate::statistics::count(wanted.intersection(&held).count()) / crate::statistics::count(wanted.len().max(1));
    Kept { numbers_missing: missing, numbers_new: new, words: share }
}

/// The words of a text in order, in lower case, numbers with their separators, without citation marks.
fn words(text: &str) -> Vec<String> {
    let units = sentences(text);
    let told = units.iter().map(|unit| unit.text(text));
    let pieces = told.flat_map(|sentence| sentence.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    pieces.flat_map(|piece| bare(&piece)).collect()
}

/// The words of a piece without white space, marks such as `[1]` left out.
fn bare(piece: &str) -> Vec<String> {
    let mut text = String::new();
    let mut rest = piece;
    while let Some((before, after)) = rest.split_once('[') {
        text.push_str(before);
        text.push(' ');
        match after.split_once(']') {
            Some((mark, tail)) if !mark.is_empty() && mark.bytes().all(|byte| byte.is_ascii_digit()) => rest = tail,
            _ => rest = after,
        }
    }
    text.push_str(rest);
    let is_edge = |letter: char| !letter.is_alphanumeric();
    text.split_whitespace()
        .map(|word| word.trim_matches(is_edge).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn became(before: &str, after: &str, correction: Option<&str>) -> Became {
        let now = Outcome {
            answer: after.to_owned(),
            decision: Some(Decision::Answer),
            claims: 1,
            claims_proved: 1,
            ..Outcome::default()
        };
        let then = Then {
            message_id: MessageId::from_uuid(uuid::Uuid::nil()),
            question: "?",
            decision: Some(Decision::Answer),
            content: before,
            correction,
            was_poor: false,
        };
        judge(&then, &now).became
    }

    #[test]
    fn numbers_count_more_than_words() {
        let before = "Refunds take 14 days after we receive the bike [1].";
        for (after, expected) in [
            ("Refunds take 14 days after we receive the bike [2].", Became::Same),
            ("Refunds take 30 days after we receive the bike [1].", Became::Worse),
            ("Refunds take days after we receive the bike [1].", Became::Worse),
            ("Refunds usually take 14 days after we receive the bike [1].", Became::Changed),
            ("Refunds take 14 days after we receive the bike and cost 5 euros [1].", Became::Worse),
            ("Bicycles are blue and have 14 gears [1].", Became::Worse),
        ] {
            assert_eq!(became(before, after, None), expected, "{after}");
        }
    }

    #[test]
    fn what_a_person_wrote_after_is_what_was_right() {
        let before = "Express shipping costs 9 euros.";
        let right = Some("Express shipping costs 12 euros since May.");
        assert_eq!(became(before, "Express shipping costs 12 euros.", right), Became::Better);
        assert_eq!(became("Express shipping costs 12 euros since May.", before, right), Became::Worse);
    }

    #[test]
    fn an_answer_that_was_a_handoff_is_judged_by_the_person_or_by_its_proof() {
        let now = |proved| Outcome {
            answer: "It costs 9 euros.".into(),
            claims: 2,
            claims_proved: proved,
            ..Outcome::default()
        };
        assert_eq!(newly_answered(None, &now(2)).0, Became::Better);
        assert_eq!(newly_answered(None, &now(1)).0, Became::Worse);
        assert_eq!(newly_answered(Some("It costs 12 euros."), &now(2)).0, Became::Worse);
        assert_eq!(newly_answered(Some("It costs 9 euros."), &now(2)).0, Became::Better);
    }

    #[test]
    fn a_trial_changes_what_it_names_and_refuses_what_cannot_be() {
        let trial = Trial { passages_max: Some(2), confidence_min: Some(0.9), ..Trial::default() };
        let settings = AssistantSettings { target_error: Some(0.05), ..AssistantSettings::default() };
        let changed = trial.applied(&settings);
        assert_eq!((changed.passages_max, changed.target_error, changed.model), (2, None, None));
        assert!(Trial { dense_weight: Some(1.5), ..Trial::default() }.problem().unwrap().contains("dense_weight"));
        assert_eq!(trial.problem(), None);
    }
}
