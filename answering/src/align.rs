//! Finds the place in a passage that a sentence says the same as.

use crate::Passage;
use crate::sentences::{Unit, item_marker, sentences};
use crate::words::{Word, number as amount, share, word_list, words};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::OnceCell;
use std::ops::Range;
use std::sync::LazyLock;

/// Units of a passage that one claim may rest on together.
const SPAN_UNITS_MAX: usize = 3;
/// What every further unit of a span costs, so that the shortest proof is taken.
const UNIT_COST: f64 = 0.03;
/// What a content word is worth that only title or headings hold.
const TITLE_WORTH: f64 = 0.7;
const COVERAGE_WEIGHT: f64 = 0.7;

/// A place that a claim was compared with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Span {
    /// Its bytes in the passage's text.
    pub(crate) range: Range<usize>,
    /// How much of the claim it holds, 0 to 1; 0 where a number or a negation disagrees.
    pub(crate) support: f64,
}

/// A sentence ready to be compared.
pub(crate) struct Compared {
    text: String,
    content: Vec<String>,
    pairs: FxHashSet<(String, String)>,
    numbers: FxHashSet<String>,
    negated: bool,
}

impl Compared {
    pub(crate) fn new(text: &str, language: Option<&str>) -> Self {
        let text = plain(text);
        let all = words(&text, language);
        let content: Vec<String> = all.iter().filter(|word| word.content).map(|word| word.stem.clone()).collect();
        let pairs = content.iter().cloned().zip(content.iter().skip(1).cloned()).collect();
        Self { numbers: numbers(&text), negated: negated(&text, &all), text, content, pairs }
    }

    /// Whether it has no word that says anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.content.is_empty() && self.numbers.is_empty()
    }
}

/// A passage that claims are compared with: cut into sentences once, and only where one is not found word for word.
pub(crate) struct Ground<'p> {
    passage: &'p Passage,
    language: Option<&'p str>,
    cut: OnceCell<Cut>,
}

/// A passage's sentences, ready to be compared.
struct Cut {
    /// Words of its title and headings.
    title: FxHashSet<String>,
    units: Vec<Unit>,
    singles: Vec<Compared>,
}

impl<'p> Ground<'p> {
    pub(crate) fn new(passage: &'p Passage, language: Option<&'p str>) -> Self {
        Self { passage, language, cut: OnceCell::new() }
    }

    /// Its number in the prompt.
    pub(crate) fn index(&self) -> usize {
        self.passage.index
    }

    fn cut(&self) -> &Cut {
        self.cut.get_or_init(|| {
            let Passage { title, heading_path, text, .. } = self.passage;
            let title = words(&format!("{title} {heading_path}"), self.language);
            let units = sentences(text);
            let singles = units.iter().map(|unit| Compared::new(unit.text(text), self.language)).collect();
            Cut { title: title.into_iter().map(|word| word.stem).collect(), units, singles }
        })
    }

    /// The best span for a claim.
    pub(crate) fn align(&self, claim: &Compared) -> Option<Span> {
        if let Some(range) = verbatim(&claim.text, &self.passage.text) {
            return Some(Span { range, support: 1.0 });
        }
        let cut = self.cut();
        let mut best: Option<Span> = None;
        for first in 0..cut.units.len() {
            for count in 1..=SPAN_UNITS_MAX.min(cut.units.len() - first) {
                let Some(span) = cut.span(claim, first..first + count) else { continue };
                if best.as_ref().is_none_or(|best| span.support > best.support) {
                    best = Some(span);
                }
            }
        }
        best
    }
}

impl Cut {
    fn span(&self, claim: &Compared, of: Range<usize>) -> Option<Span> {
        let (first, last) = (self.units.get(of.start)?, self.units.get(of.end - 1)?);
        let range = first.range.start..last.range.end;
        let parts = self.singles.get(of.clone())?;
        let held: FxHashSet<&String> = parts.iter().flat_map(|part| &part.content).collect();
        let worth = |stem: &String| {
            if held.contains(stem) {
                1.0
            } else if self.title.contains(stem) {
                TITLE_WORTH
            } else {
                0.0
            }
        };
        let own = claim.content.iter().filter(|stem| held.contains(stem)).count();
        let coverage = claim.content.iter().map(worth).sum::<f64>() / amount(claim.content.len().max(1));
        let shared = claim.pairs.iter().filter(|pair| parts.iter().any(|part| part.pairs.contains(pair))).count();
        let pairs = if claim.pairs.is_empty() { coverage } else { share(shared, claim.pairs.len()) };
        let agrees = numbers_agree(claim, parts) && negation_agrees(claim, parts) && own * 2 >= claim.content.len();
        let support = COVERAGE_WEIGHT * coverage + (1.0 - COVERAGE_WEIGHT) * pairs - UNIT_COST * amount(of.len() - 1);
        Some(Span { range, support: if agrees { support.clamp(0.0, 1.0) } else { 0.0 } })
    }
}

fn numbers_agree(claim: &Compared, parts: &[Compared]) -> bool {
    claim.numbers.iter().all(|number| parts.iter().any(|part| part.numbers.contains(number)))
}

/// The part that shares most words with the claim must say yes or no as the claim does.
fn negation_agrees(claim: &Compared, parts: &[Compared]) -> bool {
    let shared = |part: &&Compared| part.content.iter().filter(|stem| claim.content.contains(stem)).count();
    // The first of equals: `max_by_key` would take the last.
    parts.iter().rev().max_by_key(shared).is_none_or(|part| part.negated == claim.negated)
}

/// Where the passage has exactly these words, with white space aside.
fn verbatim(claim: &str, text: &str) -> Option<Range<usize>> {
    if claim.chars().count() < 4 {
        return None;
    }
    let start = text.find(claim)?;
    let end = start + claim.len();
    let alone = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    let free = alone(text.get(..start)?.chars().next_back()) && alone(text.get(end..)?.chars().next());
    free.then_some(start..end)
}

/// The text without list marker, heading marks and white space around it.
fn plain(text: &str) -> String {
    let text = text.trim();
    let text = text.get(item_marker(text)..).unwrap_or(text);
    text.trim_start_matches('#').trim().to_owned()
}

/// Numbers of a text, written alike: `1,000.50`, `1.000,5` and `48-hour` become digits and one point.
fn numbers(text: &str) -> FxHashSet<String> {
    let mut found = FxHashSet::default();
    for piece in text.split(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | ',')) {
        let piece = piece.trim_matches(['.', ',']);
        if !piece.is_empty() {
            found.insert(number(piece));
        }
    }
    for word in text.to_lowercase().split(|c: char| !c.is_alphabetic()) {
        found.extend(NUMBER_WORDS.get(word).map(ToString::to_string));
    }
    found
}

/// Number words from two on; `one` is too often an article.
static NUMBER_WORDS: LazyLock<FxHashMap<&str, u8>> = LazyLock::new(|| {
    let words = [
        "two twice zwei zweimal deux dos due dois duas twee",
        "three drei trois tres tre três drie",
        "four vier quatre cuatro quattro quatro",
        "five fünf cinq cinco cinque vijf",
        "six sechs seis sei zes",
        "seven sieben sept siete sette sete zeven",
        "eight acht huit ocho otto oito",
        "nine neun neuf nueve nove negen",
        "ten zehn dix diez dieci dez tien",
    ];
    (2..).zip(words).flat_map(|(value, words)| words.split(' ').map(move |word| (word, value))).collect()
});

fn number(piece: &str) -> String {
    let last = piece.rfind(['.', ',']);
    let decimals = last.and_then(|at| piece.get(at + 1..)).unwrap_or_default();
    // Three digits after the last mark are thousands; anything else is a fraction.
    let fraction = last.is_some() && decimals.len() != 3;
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    match last {
        Some(at) if fraction => {
            let decimals = decimals.trim_end_matches('0');
            let whole = digits(piece.get(..at).unwrap_or_default());
            if decimals.is_empty() { whole } else { format!("{whole}.{decimals}") }
        }
        _ => digits(piece),
    }
}

fn negated(text: &str, words: &[Word]) -> bool {
    static NEGATIONS: LazyLock<FxHashSet<&str>> = LazyLock::new(|| {
        word_list(
            "not no never none neither nor cannot without unable nicht kein keine keinen keinem keiner nie niemals ohne pas jamais aucun aucune sans nunca ningún ninguna ninguno sin não nunca sem nenhum nenhuma niet geen nooit zonder non mai nessun nessuna senza nie bez değil yok لا ليس لم لن не нет без",
        )
    });
    let mut said =
        words.iter().filter_map(|word| text.get(word.range.clone())).map(|word| word.to_lowercase().replace('’', "'"));
    // A leading yes or no answers the question; it negates nothing in the sentence.
    let first = said.next().unwrap_or_default();
    let interjection = text.get(first.len()..).is_some_and(|rest| rest.starts_with([',', ';', '.', ':', '!', '—']));
    let negates = |word: &str| word.ends_with("n't") || NEGATIONS.contains(word);
    (!interjection && negates(&first)) || said.any(|word| negates(&word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passage::fixtures::passage;

    fn support(claim: &str, text: &str) -> f64 {
        let passage = passage(1, "Billing", text);
        Ground::new(&passage, Some("en")).align(&Compared::new(claim, Some("en"))).map_or(0.0, |span| span.support)
    }

    #[test]
    fn numbers_and_negations_must_agree() {
        for (claim, text, supported) in [
            ("Refunds take 14 days.", "A refund takes 14 days.", true),
            ("Refunds take 15 days.", "A refund takes 14 days.", false),
            ("Refunds take two weeks.", "A refund takes weeks.", false),
            ("The plan costs $1,000.50 monthly.", "The plan costs 1000.50 dollars monthly.", true),
            ("The plan costs $9.90.", "The plan costs $9.9.", true),
            ("The plan costs $19.", "The plan costs $9.", false),
            ("You can pay with PayPal.", "You cannot pay with PayPal.", false),
            ("You can't pay with PayPal.", "You can pay with PayPal.", false),
            ("No, you cannot pay with PayPal.", "You cannot pay with PayPal.", true),
            ("Yes, you can pay with PayPal.", "You can pay with PayPal or card.", true),
            ("The moon is made of cheese.", "A refund takes 14 days.", false),
        ] {
            assert_eq!(support(claim, text) >= 0.6, supported, "{claim} / {text}: {}", support(claim, text));
        }
    }

    #[test]
    fn the_shortest_span_is_taken_and_longer_ones_where_needed() {
        let text = "We bill monthly. Cards are accepted. Refunds take 14 days. Goodbye.";
        let passage = passage(1, "Billing", text);
        let found = |claim: &str| {
            let span = Ground::new(&passage, Some("en")).align(&Compared::new(claim, Some("en")));
            span.and_then(|span| text.get(span.range)).unwrap_or_default().to_owned()
        };
        assert_eq!(found("Refunds take 14 days."), "Refunds take 14 days.");
        assert_eq!(found("It is billed monthly and accepts cards."), "We bill monthly. Cards are accepted.");
    }
}
