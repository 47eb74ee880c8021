//! Answers without a model: the sentences of the passages that answer, quoted with their source.

use crate::Passage;
use crate::hint::{Hint, hint, hinted};
use crate::sentences::{Unit, UnitKind, sentences};
use crate::words::{content_stems, number, words};
use rustc_hash::{FxHashMap, FxHashSet};
use std::ops::Range;

/// Characters of an answer, about.
const CHARACTERS_MAX: usize = 600;
/// Sentences of an answer, the items of a list not counted.
const SENTENCES_MAX: usize = 3;
/// Items that follow a sentence which introduces them.
const ITEMS_MAX: usize = 8;
/// Characters of one unit at most; longer ones are no answer to read.
const UNIT_CHARACTERS_MAX: usize = 500;
/// Passages that sentences are taken from.
const PASSAGES_READ: usize = 5;
/// Share of the question's weight that the best passage must hold, for questions of up to
/// [`PLAIN_QUESTION_WORDS`] content words; longer ones tell a story of which less is found again.
const PASSAGE_COVERAGE_MIN: f64 = 0.38;
const PLAIN_QUESTION_WORDS: f64 = 6.0;
/// Where a sentence is so like the question, less of its words must be found again.
const LIKENESS_MIN: f64 = 0.55;
/// So much less.
const LIKE_COVERAGE_SHARE: f64 = 0.4;
/// A further sentence scores at least this share of the best.
const FURTHER_SHARE_MIN: f64 = 0.75;

/// Compares sentences with the question: one cosine each, same order.
pub type Similarity<'a> = &'a dyn Fn(&[String]) -> Vec<f32>;

/// A sentence that is quoted.
#[derive(Clone, Debug, PartialEq)]
pub struct Quoted {
    /// The number of its passage.
    pub index: usize,
    /// Its bytes in the passage's text; the passage's `start_byte` on top gives the document's.
    pub range: Range<usize>,
    /// Those bytes.
    pub text: String,
}

/// An answer made of quotes.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The quotes in reading order, each followed by its number: `… [1]`.
    pub text: String,
    /// The quotes.
    pub quoted: Vec<Quoted>,
    /// Share of the question's weight that the quotes and their headings hold, 0 to 1.
    pub coverage: f64,
}

/// A unit that may be quoted.
struct Candidate<'a> {
    passage: usize,
    unit: usize,
    text: &'a str,
    score: f64,
}

/// The best-supported sentences for the question, or nothing where support is weak.
pub fn extract(
    question: &str,
    language: Option<&str>,
    passages: &[Passage],
    similarity: Option<Similarity<'_>>,
) -> Option<Draft> {
    let read = passages.get(..passages.len().min(PASSAGES_READ))?;
    let held: Vec<FxHashSet<String>> = read.iter().map(|passage| passage.stems(language)).collect();
    let asked = Asked::new(question, language, &held);
    let units: Vec<Vec<Unit>> = read.iter().map(|passage| sentences(&passage.text)).collect();
    let coverages: Vec<f64> = held.iter().map(|stems| asked.coverage(&[stems])).collect();
    let coverage = coverages.iter().copied().fold(0.0, f64::max);
    // Without any shared word, likeness alone is no support.
    if asked.weights.is_empty() || coverage < asked.coverage_min() * LIKE_COVERAGE_SHARE {
        return None;
    }
    let mut candidates = candidates(read, &units, &coverages, &asked);
    let likeness = add_similarity(&mut candidates, similarity);
    if coverage < asked.coverage_min() && likeness < LIKENESS_MIN {
        return None;
    }
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score).then((a.passage, a.unit).cmp(&(b.passage, b.unit))));
    keep_to_the_subject(&mut candidates, read, &asked);
    let chosen = choose(&candidates, &units, read, asked.hint);
    (!chosen.is_empty()).then(|| draft(&chosen, &units, read, &asked))
}

/// The question's terms with their weights over the passages, and what kind of answer it wants.
struct Asked<'a> {
    weights: FxHashMap<String, f64>,
    language: Option<&'a str>,
    hint: Hint,
}

impl<'a> Asked<'a> {
    /// `held` are the stems of each passage.
    fn new(question: &str, language: Option<&'a str>, held: &[FxHashSet<String>]) -> Self {
        let weigh = |stem: &String| {
            let holding = held.iter().filter(|stems| stems.contains(stem)).count();
            // A term of no passage weighs like one of a single passage: it may be said in other words.
            (1.0 + (number(held.len()) + 1.0) / (number(holding.max(1)) + 0.5)).ln()
        };
        let weights = content_stems(question, language).into_iter().map(|stem| (stem.clone(), weigh(&stem))).collect();
        Self { weights, language, hint: hint(question) }
    }

    fn coverage_min(&self) -> f64 {
        PASSAGE_COVERAGE_MIN * (PLAIN_QUESTION_WORDS / number(self.weights.len().max(1))).min(1.0).powf(0.25)
    }

    /// Share of the question's weight that the stems of these texts hold.
    fn coverage(&self, texts: &[&FxHashSet<String>]) -> f64 {
        let total: f64 = self.weights.values().sum();
        let is_held = |stem: &String| texts.iter().any(|stems| stems.contains(stem));
        let held: f64 = self.weights.iter().filter(|(stem, _)| is_held(stem)).map(|(_, weight)| weight).sum();
        if total > 0.0 { held / total } else { 0.0 }
    }

    /// The stems of a text.
    fn stems(&self, text: &str) -> FxHashSet<String> {
        content_stems(text, self.language).into_iter().collect()
    }
}

/// Every unit that can be quoted, scored by the question's terms in it, in what stands above it, and in its whole
/// passage (`coverages`).
fn candidates<'a>(
    passages: &'a [Passage],
    units: &[Vec<Unit>],
    coverages: &[f64],
    asked: &Asked<'_>,
) -> Vec<Candidate<'a>> {
    let best =
        passages.iter().filter_map(|passage| passage.fused).map(|fused| fused.score).fold(f64::MIN_POSITIVE, f64::max);
    let mut found = Vec::new();
    for (number, ((passage, units), about)) in passages.iter().zip(units).zip(coverages).enumerate() {
        let mut above = asked.stems(&format!("{}\n{}", passage.title, passage.heading_path));
        let mut before = FxHashSet::default();
        let place = passage.fused.map_or(0.5, |fused| (fused.score / best).clamp(0.0, 1.0));
        for (position, unit) in units.iter().enumerate() {
            let text = unit.text(&passage.text);
            if unit.kind == UnitKind::Heading {
                above = asked.stems(&format!("{}\n{text}", passage.title));
                continue;
            }
            if !quotable(unit, text) {
                continue;
            }
            let stems = asked.stems(text);
            let own = asked.coverage(&[&stems]);
            let context = asked.coverage(&[&above, &before, &stems]);
            let score = 0.45 * own + 0.2 * context + 0.15 * about + 0.2 * place + hinted(asked.hint, unit, text);
            found.push(Candidate { passage: number, unit: position, text, score: score * plain(text) });
            before = stems;
        }
    }
    found
}

fn quotable(unit: &Unit, text: &str) -> bool {
    let words = words(text, None).len();
    let rule = unit.kind == UnitKind::TableRow && words == 0;
    words >= 3 && !rule && text.chars().count() <= UNIT_CHARACTERS_MAX && unit.kind != UnitKind::Code
}

/// Questions, pointers elsewhere and fragments are worth less than statements.
fn plain(text: &str) -> f64 {
    let trimmed = text.trim_end();
    let lower = trimmed.to_lowercase();
    if trimmed.ends_with('?') {
        0.55
    } else if lower.starts_with("see ")
        || lower.contains("learn more")
        || lower.contains("read more")
        || lower.contains("click here")
    {
        0.7
    } else {
        1.0
    }
}

/// Adds each candidate's likeness to the question to its score, and returns the greatest.
fn add_similarity(candidates: &mut [Candidate<'_>], similarity: Option<Similarity<'_>>) -> f64 {
    let Some(similarity) = similarity else { return 0.0 };
    let mut greatest = 0.0;
    let texts: Vec<String> = candidates.iter().map(|candidate| candidate.text.to_owned()).collect();
    for (candidate, cosine) in candidates.iter_mut().zip(similarity(&texts)) {
        let likeness = f64::from(cosine).clamp(0.0, 1.0);
        candidate.score += 0.5 * likeness;
        greatest = f64::max(greatest, likeness);
    }
    greatest
}

/// Leaves out sentences of other passages that do not speak of what the best one speaks of: the
/// heaviest of the question's terms that it holds.
fn keep_to_the_subject(candidates: &mut Vec<Candidate<'_>>, passages: &[Passage], asked: &Asked<'_>) {
    let stems = |candidate: &Candidate<'_>| -> Vec<String> {
        let above =
            passages.get(candidate.passage).map(|passage| format!("{}\n{}", passage.title, passage.heading_path));
        content_stems(&format!("{}\n{}", above.unwrap_or_default(), candidate.text), asked.language)
    };
    let Some(best) = candidates.first() else { return };
    let weight = |stem: &String| asked.weights.get(stem).copied().unwrap_or(0.0);
    let held = stems(best).into_iter().filter(|stem| weight(stem) > 0.0);
    let Some(subject) = held.max_by(|a, b| weight(a).total_cmp(&weight(b)).then(b.cmp(a))) else { return };
    let home = best.passage;
    candidates.retain(|candidate| candidate.passage == home || stems(candidate).contains(&subject));
}

/// The units to quote as (passage, unit), in reading order; the passage of the best one comes first.
fn choose(candidates: &[Candidate<'_>], units: &[Vec<Unit>], passages: &[Passage], hint: Hint) -> Vec<(usize, usize)> {
    let Some(best) = candidates.first() else { return Vec::new() };
    let mut chosen: Vec<(usize, usize)> = Vec::new();
    let mut said: FxHashSet<String> = FxHashSet::default();
    let mut characters = 0;
    let enough = candidates.iter().take_while(|candidate| candidate.score >= best.score * FURTHER_SHARE_MIN);
    for candidate in enough.take(SENTENCES_MAX) {
        let here = (candidate.passage, candidate.unit);
        let length = candidate.text.chars().count();
        let fresh = !chosen.contains(&here) && said.insert(candidate.text.to_lowercase());
        if !fresh || (characters > 0 && characters + length > CHARACTERS_MAX) {
            continue;
        }
        characters += length;
        chosen.push(here);
        for item in introduced(here, units, passages, hint) {
            let length = unit_text(item, units, passages).chars().count();
            if characters + length <= CHARACTERS_MAX && !chosen.contains(&item) {
                characters += length;
                chosen.push(item);
            }
        }
    }
    let first = best.passage;
    chosen.sort_by_key(|(passage, unit)| (*passage != first, *passage, *unit));
    chosen
}

/// The list that a sentence leads into, or the rest of the list that an item of steps begins.
fn introduced(
    (passage, unit): (usize, usize),
    units: &[Vec<Unit>],
    passages: &[Passage],
    hint: Hint,
) -> Vec<(usize, usize)> {
    let Some(all) = units.get(passage) else { return Vec::new() };
    let lead = unit_text((passage, unit), units, passages);
    let numbered = hint == Hint::Steps
        && lead.starts_with(|c: char| c.is_ascii_digit())
        && all.get(unit).is_some_and(|unit| unit.kind == UnitKind::ListItem);
    if !lead.trim_end_matches('*').ends_with(':') && !numbered {
        return Vec::new();
    }
    let follows = |position: &usize| all.get(*position).is_some_and(|unit| unit.kind == UnitKind::ListItem);
    (unit + 1..all.len()).take_while(follows).take(ITEMS_MAX).map(|position| (passage, position)).collect()
}

fn unit_text<'a>((passage, unit): (usize, usize), units: &[Vec<Unit>], passages: &'a [Passage]) -> &'a str {
    let unit = units.get(passage).and_then(|units| units.get(unit));
    unit.zip(passages.get(passage)).map_or("", |(unit, passage)| unit.text(&passage.text))
}

fn draft(chosen: &[(usize, usize)], units: &[Vec<Unit>], passages: &[Passage], asked: &Asked<'_>) -> Draft {
    let mut draft = Draft { text: String::new(), quoted: Vec::new(), coverage: 0.0 };
    let mut held = String::new();
    let mut last: Option<(usize, UnitKind, &str)> = None;
    for (passage_number, unit_number) in chosen {
        let Some(passage) = passages.get(*passage_number) else { continue };
        let Some(unit) = units.get(*passage_number).and_then(|units| units.get(*unit_number)) else { continue };
        let text = unit.text(&passage.text);
        draft.text.push_str(match last {
            None => "",
            Some((before, UnitKind::Sentence, said))
                if before == *passage_number && unit.kind == UnitKind::Sentence && stay_apart(said, text) =>
            {
                " "
            }
            Some((_, kind, _)) if kind == unit.kind && kind != UnitKind::Sentence => "\n",
            Some(_) => "\n\n",
        });
        draft.text.extend([text, " [", &passage.index.to_string(), "]"]);
        held.extend([&passage.title, "\n", &passage.heading_path, "\n", text, "\n"]);
        draft.quoted.push(Quoted { index: passage.index, range: unit.range.clone(), text: text.to_owned() });
        last = Some((*passage_number, unit.kind, text));
    }
    draft.coverage = asked.coverage(&[&asked.stems(&held)]);
    draft
}

/// Whether two quotes in one paragraph are still read as two: each has a proof of its own. What does not end like a
/// sentence, or does not begin like one, would run into its neighbour.
fn stay_apart(before: &str, next: &str) -> bool {
    let joined = format!("{before} {next}");
    let boundary = before.len() + 1;
    before.ends_with(['.', '!', '?', '…', '。']) && sentences(&joined).iter().any(|unit| unit.range.start == boundary)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use crate::passage::fixtures::passage;

    fn answer(question: &str, passages: &[Passage]) -> Option<String> {
        extract(question, Some("en"), passages, None).map(|draft| draft.text)
    }

    #[test]
    fn the_sentence_that_answers_is_quoted_with_its_number() {
        let passages = [
            passage(
                1,
                "Login management",
                "You can manage sessions here. A login session expires after 14 days of inactivity. Colours are blue.",
            ),
            passage(2, "Billing", "We accept cards."),
        ];
        let draft = extract("How long does a login session stay valid?", Some("en"), &passages, None).unwrap();
        assert!(draft.text.contains("A login session expires after 14 days of inactivity. [1]"), "{}", draft.text);
        for quoted in &draft.quoted {
            let source = passages.iter().find(|passage| passage.index == quoted.index).unwrap();
            assert_eq!(source.text.get(quoted.range.clone()), Some(quoted.text.as_str()));
        }
    }

    #[test]
    fn the_steps_after_a_lead_in_come_with_it() {
        let passages = [passage(
            1,
            "Cancel",
            "To cancel your subscription:\n\n1. Open Billing.\n2. Click Cancel subscription.\n\nGoodbye.",
        )];
        assert_eq!(
            answer("How do I cancel my subscription?", &passages).unwrap(),
            "To cancel your subscription: [1]\n\n1. Open Billing. [1]\n2. Click Cancel subscription. [1]"
        );
    }

    #[test]
    fn another_passage_adds_nothing_off_the_subject() {
        let passages = [
            passage(1, "Refunds", "We refund within 5 working days of receiving the item."),
            passage(2, "Charging the battery", "A full charge takes 3 hours for the small bike."),
        ];
        assert_eq!(
            answer("How long do refunds take?", &passages).unwrap(),
            "We refund within 5 working days of receiving the item. [1]"
        );
    }

    #[test]
    fn lines_that_do_not_end_like_sentences_stay_apart() {
        let text =
            "Utility Company Emergency Assistance\n\nSome offer plans.\n\nWater Company Emergency Assistance\n\nCall.";
        let passages = [passage(1, "Help with bills", text)];
        assert_eq!(
            answer("Is there company emergency assistance for water or a utility?", &passages).unwrap(),
            "Utility Company Emergency Assistance [1]\n\nWater Company Emergency Assistance [1]"
        );
    }

    #[test]
    fn a_quote_that_begins_in_small_letters_does_not_run_into_the_one_before() {
        let text =
            "The trigger fires once on a date.\n\nNothing here.\n\n/alarms/interval fires the trigger on a date.";
        let passages = [passage(1, "Alarms", text)];
        let draft = answer("When does the alarms trigger fire on a date?", &passages).unwrap();
        assert_eq!(draft, "The trigger fires once on a date. [1]\n\n/alarms/interval fires the trigger on a date. [1]");
        let claims = crate::verify::verify(&draft, &passages, Some("en")).claims;
        assert_eq!(claims.len(), 2, "each has a proof of its own: {claims:?}");
    }

    #[test]
    fn weak_support_is_no_answer() {
        let passages = [passage(1, "Login", "A login session expires after 14 days.")];
        assert_eq!(answer("What is the phone number of your office in Tokyo?", &passages), None);
        assert_eq!(answer("", &passages), None);
        assert_eq!(answer("is it?", &passages), None);
        assert_eq!(answer("login", &[]), None);
    }

    #[test]
    fn similarity_can_find_what_words_do_not() {
        let passages =
            [passage(1, "Payment", "Cryptocurrency is not accepted here. Payment works with cards at once.")];
        let similar =
            |texts: &[String]| texts.iter().map(|text| if text.contains("Crypto") { 0.9 } else { 0.1 }).collect();
        let draft = extract("payment by bitcoin", Some("en"), &passages, Some(&similar)).unwrap();
        assert!(draft.text.starts_with("Cryptocurrency is not accepted here."), "{}", draft.text);
    }
}
