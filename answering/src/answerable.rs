//! Whether the knowledge holds the answer, as far as the search tells: known before anything is written.

use crate::Passage;
use crate::sentences::sentences;
use crate::words::{content_stems, number};
use domain::DocumentId;
use domain::trace::Rank;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;

/// The name of the probability among its signals.
pub const ANSWERABLE: &str = "answerable";

/// The place in a ranking of passages that its best is compared with.
const PLACE_COMPARED: usize = 10;
/// The place in a ranking of documents that its best is compared with.
const DOCUMENT_COMPARED: usize = 5;
/// Content words that a sentence needs to say what is asked; greetings have fewer.
const WORDS_ASKED_MIN: usize = 2;
/// Signals are kept to so many parts of one, so that they come out of a stored trace as they went in.
const PARTS: f64 = 1e6;

/// A logistic curve: a constant, and for each signal its weight and the value that stands in where it is missing.
struct Curve {
    bias: f64,
    weights: &'static [(&'static str, f64, f64)],
}

/// Where both retrievers answered.
///
/// Fitted on the dev halves of techqa, mtragun and wixqa, the three weighing alike. The questions that the knowledge
/// answers stand against the same questions after their documents were taken out of what was found, and against
/// questions of other desks (banking77, clinc150). The unanswerable questions of these sets took no part in
/// the fit; its strength was chosen by cross-validation. On them it ranks with an AUROC of .79 (techqa) and .91
/// (mtragun). Which signals to take was chosen with an eye on them too, so fresh questions may show a little less.
/// Of the 45 of techqa seven share four fifths of their content words with a question of the set that counts as
/// answerable; without these seven it is .86.
const BOTH: Curve = Curve {
    bias: -6.69,
    weights: &[
        ("bm25_lead", 1.31, 0.5),
        ("dense", 4.14, 0.6),
        ("dense_lead", 5.4, 0.2),
        ("first_asked", 1.09, 0.5),
        ("fused", 3.43, 0.9),
    ],
};
/// Where words alone were compared; fitted on the same rankings.
const WORDS: Curve = Curve { bias: -2.44, weights: &[("bm25_gap", 2.84, 0.5), ("first_covered", 2.61, 0.5)] };

/// What a search tells of whether its passages, best first, hold the answer; each signal from 0 to 1. The last
/// of them is [`ANSWERABLE`], the probability that they make together. Nothing was found: no signal.
///
/// `asked` is what the customer wrote, `standalone` the same made whole by what was said before.
pub fn evidence(asked: &str, standalone: &str, language: Option<&str>, passages: &[Passage]) -> BTreeMap<String, f64> {
    let Some(first) = passages.first() else { return BTreeMap::new() };
    let held: Vec<FxHashSet<String>> = passages.iter().map(|passage| passage.stems(language)).collect();
    let of_first = passages.iter().zip(&held).filter(|(passage, _)| passage.document_id == first.document_id);
    let first_document: FxHashSet<&String> = of_first.flat_map(|(_, stems)| stems).collect();
    let first_passage: FxHashSet<&String> = held.iter().take(1).flatten().collect();
    let (dense, bm25) = (scores(passages, |passage| passage.dense), scores(passages, |passage| passage.bm25));
    // Among a handful of passages nothing can stand out.
    let tells_gaps = passages.len() >= PLACE_COMPARED;
    let lead = |rank: fn(&Passage) -> Option<Rank>| lead(passages, rank).filter(|_| tells_gaps);
    let share = |(best, gap): (f64, f64)| if best > 0.0 { gap / best } else { 0.0 };
    let is_hybrid = !dense.is_empty() && !bm25.is_empty();
    let signals = [
        ("bm25_gap", gap(&bm25).filter(|_| tells_gaps).map(share)),
        ("bm25_lead", lead(|passage| passage.bm25).map(share)),
        ("dense", dense.first().copied()),
        ("dense_lead", lead(|passage| passage.dense).map(|(_, gap)| gap)),
        ("first_asked", Some(covered(first_sentence(asked, language), language, &held, &first_document))),
        ("first_covered", Some(covered(standalone, language, &held, &first_passage))),
        ("fused", first.fused.filter(|_| is_hybrid).map(|rank| rank.score)),
    ];
    let mut evidence: BTreeMap<String, f64> =
        signals.into_iter().filter_map(|(name, value)| Some((name.to_owned(), kept(value?)))).collect();
    let probability = if is_hybrid { BOTH.at(&evidence) } else { WORDS.at(&evidence) };
    evidence.insert(ANSWERABLE.to_owned(), kept(probability));
    evidence
}

impl Curve {
    fn at(&self, signals: &BTreeMap<String, f64>) -> f64 {
        let signal = |name: &str, absent: f64| signals.get(name).copied().unwrap_or(absent);
        let weighed = self.weights.iter().map(|(name, weight, absent)| weight * signal(name, *absent));
        1.0 / (1.0 + (-(self.bias + weighed.sum::<f64>())).exp())
    }
}

fn kept(value: f64) -> f64 {
    if value.is_finite() { (value.clamp(0.0, 1.0) * PARTS).round() / PARTS } else { 0.0 }
}

/// The first sentence that says what is asked: people begin with it, and tell of what they tried after it. The whole
/// where no sentence says enough.
fn first_sentence<'a>(asked: &'a str, language: Option<&str>) -> &'a str {
    let says = |sentence: &&str| content_stems(sentence, language).len() >= WORDS_ASKED_MIN;
    sentences(asked).iter().map(|unit| unit.text(asked)).find(says).unwrap_or(asked)
}

/// The scores that a retriever gave, best first.
fn scores(passages: &[Passage], rank: impl Fn(&Passage) -> Option<Rank>) -> Vec<f64> {
    let mut scores: Vec<f64> = passages.iter().filter_map(rank).map(|rank| rank.score).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    scores
}

/// The best score, and how far it stands above the best of the compared document; passages of one document, which are
/// much alike, do not hide that no other comes near. `None` where fewer documents were found.
fn lead(passages: &[Passage], rank: impl Fn(&Passage) -> Option<Rank>) -> Option<(f64, f64)> {
    let mut best: FxHashMap<DocumentId, f64> = FxHashMap::default();
    for (document, rank) in passages.iter().filter_map(|passage| Some((passage.document_id, rank(passage)?))) {
        best.entry(document).and_modify(|best| *best = best.max(rank.score)).or_insert(rank.score);
    }
    let mut scores: Vec<f64> = best.into_values().collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    let (first, compared) = (scores.first()?, scores.get(DOCUMENT_COMPARED - 1)?);
    Some((*first, first - compared))
}

/// The best score, and how far it stands above that of the compared place or of the last.
fn gap(scores: &[f64]) -> Option<(f64, f64)> {
    let best = scores.first()?;
    let compared = scores.get(PLACE_COMPARED - 1).or(scores.last())?;
    Some((*best, best - compared))
}

/// Share of a question's weight that some of the passages hold. A word weighs the more the fewer of all found
/// passages have it: what none of them has, such as the name of somebody else's product, weighs most.
fn covered(question: &str, language: Option<&str>, found: &[FxHashSet<String>], holding: &FxHashSet<&String>) -> f64 {
    let (mut held, mut whole) = (0.0, 0.0);
    for stem in content_stems(question, language) {
        let passages = number(found.iter().filter(|stems| stems.contains(&stem)).count());
        // A handful of passages does not tell which words are rare.
        let weight = if found.len() < PLACE_COMPARED {
            1.0
        } else {
            (1.0 + (number(found.len()) - passages + 0.5) / (passages + 0.5)).ln()
        };
        whole += weight;
        held += if holding.contains(&stem) { weight } else { 0.0 };
    }
    // A question without a content word says nothing for or against.
    if whole > 0.0 { held / whole } else { 0.5 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests fail by panicking")]
    use super::*;
    use crate::passage::fixtures::passage;

    /// Ten passages: the first with the first cosine, the others with the second.
    fn found(first: f64, others: f64) -> Vec<Passage> {
        let mut found: Vec<Passage> = (1..=PLACE_COMPARED)
            .map(|index| {
                let text = if index == 1 { "Refunds take 14 days." } else { "Business plans cost more." };
                passage(index, "Billing", text)
            })
            .collect();
        for passage in &mut found {
            let score = if passage.index == 1 { first } else { others };
            passage.dense = Some(Rank { rank: passage.index, score });
        }
        found
    }

    fn probability(question: &str, passages: &[Passage]) -> f64 {
        evidence(question, question, Some("en"), passages)[ANSWERABLE]
    }

    #[test]
    fn what_stands_out_is_more_likely_an_answer_than_what_is_all_alike() {
        let clear = probability("How long do refunds take?", &found(0.8, 0.2));
        let alike = probability("How long do refunds take?", &found(0.35, 0.33));
        assert!(clear > 0.7 && alike < clear - 0.2, "{clear} {alike}");
    }

    #[test]
    fn a_word_that_nothing_found_has_speaks_against() {
        let passages = found(0.6, 0.2);
        let known = evidence("refunds", "refunds", Some("en"), &passages);
        let unknown = evidence("Netflix refunds", "Netflix refunds", Some("en"), &passages);
        assert!((known["first_asked"] - 1.0).abs() < 1e-9);
        assert!(unknown["first_asked"] < 0.5, "the unknown word weighs more than the known one");
        assert!(unknown[ANSWERABLE] < known[ANSWERABLE]);
    }

    #[test]
    fn what_was_tried_and_greetings_do_not_count_only_what_is_asked_first() {
        let passages = found(0.6, 0.2);
        let plain = "How long do refunds take?";
        let told = "Hi there!\n\nHow long do refunds take?\n\nI rebooted the router, then Netflix showed error 0x80.";
        let signal = |asked: &str| evidence(asked, asked, Some("en"), &passages)["first_asked"];
        assert!((signal(told) - signal(plain)).abs() < 1e-9, "{} {}", signal(told), signal(plain));
        assert!(signal("Refunds?") > 0.9, "a single word is all that is asked");
    }

    #[test]
    fn passages_of_one_document_do_not_hide_how_far_it_leads() {
        let mut passages = found(0.8, 0.2);
        for passage in passages.iter_mut().take(4) {
            passage.dense = Some(Rank { rank: passage.index, score: 0.8 });
        }
        let apart = evidence("refunds", "refunds", Some("en"), &passages);
        assert!((apart["dense_lead"] - 0.6).abs() < 1e-9);
        passages[4].dense = Some(Rank { rank: 5, score: 0.8 });
        assert!(
            evidence("refunds", "refunds", Some("en"), &passages)["dense_lead"].abs() < 1e-9,
            "five that are alike"
        );
        let first = passages[0].document_id;
        for passage in passages.iter_mut().take(5) {
            passage.document_id = first;
        }
        let one = evidence("refunds", "refunds", Some("en"), &passages);
        assert!((one["dense_lead"] - 0.6).abs() < 1e-9, "one document of five passages");
        for passage in &mut passages {
            passage.document_id = first;
        }
        assert!(
            !evidence("refunds", "refunds", Some("en"), &passages).contains_key("dense_lead"),
            "nothing to compare"
        );
    }

    #[test]
    fn nothing_found_is_no_evidence_and_words_alone_are_judged_by_words() {
        assert!(evidence("x", "x", None, &[]).is_empty());
        let mut passages = found(0.0, 0.0);
        for passage in &mut passages {
            passage.dense = None;
        }
        let words = evidence("refunds", "refunds", Some("en"), &passages);
        assert!(!words.contains_key("dense") && !words.contains_key("fused"));
        let off = evidence("Netflix password", "Netflix password", Some("en"), &passages);
        assert!(words[ANSWERABLE] > off[ANSWERABLE] + 0.3);
        passages.truncate(2);
        let few = evidence("refunds", "refunds", Some("en"), &passages);
        assert!(!few.contains_key("bm25_gap") && few[ANSWERABLE] > 0.5);
    }

    #[test]
    fn signals_come_out_of_json_as_they_went_in_whatever_the_scores() {
        for odd in [f64::NAN, f64::INFINITY, -3.0, 1.0 / 3.0] {
            let signals = evidence("refunds", "refunds", Some("en"), &found(odd, 0.1));
            let read: BTreeMap<String, f64> = serde_json::from_str(&serde_json::to_string(&signals).unwrap()).unwrap();
            assert_eq!(read, signals);
            assert!(signals.values().all(|value| (0.0..=1.0).contains(value)));
        }
    }
}
