//! Whether the knowledge holds the answer, as far as the search tells: known before anything is written.

use crate::Passage;
use crate::words::{content_stems, number};
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;

/// The name of the probability among its signals.
pub const ANSWERABLE: &str = "answerable";

/// Passages that must hold what was asked.
const PASSAGES_BEST: usize = 3;
/// The place in a ranking that its best is compared with.
const PLACE_COMPARED: usize = 10;
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
/// the fit: on them it ranks with an AUROC of .77 (techqa) and .91 (mtragun). Which signals to take was chosen with an
/// eye on them, so fresh questions may show a little less.
const BOTH: Curve = Curve {
    bias: -7.94,
    weights: &[
        ("asked_covered", 1.06, 0.5),
        ("bm25_gap", 1.3, 0.5),
        ("dense", 5.65, 0.6),
        ("dense_gap", 3.44, 0.2),
        ("fused", 3.75, 0.9),
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
    let best = held.iter().take(PASSAGES_BEST);
    let scores = |rank: fn(&Passage) -> Option<domain::trace::Rank>| -> Vec<f64> {
        let mut scores: Vec<f64> = passages.iter().filter_map(rank).map(|rank| rank.score).collect();
        scores.sort_by(|a, b| b.total_cmp(a));
        scores
    };
    let (dense, bm25) = (scores(|passage| passage.dense), scores(|passage| passage.bm25));
    // Among a handful of passages nothing can stand out.
    let tells_gaps = passages.len() >= PLACE_COMPARED;
    let is_hybrid = !dense.is_empty() && !bm25.is_empty();
    let signals = [
        ("asked_covered", Some(covered(asked, language, &held, &best.flatten().collect()))),
        ("first_covered", Some(covered(standalone, language, &held, &held.iter().take(1).flatten().collect()))),
        ("bm25_gap", gap(&bm25).filter(|_| tells_gaps).map(|(best, gap)| if best > 0.0 { gap / best } else { 0.0 })),
        ("dense", dense.first().copied()),
        ("dense_gap", gap(&dense).filter(|_| tells_gaps).map(|(_, gap)| gap)),
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
    use domain::trace::Rank;

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
        assert!((known["asked_covered"] - 1.0).abs() < 1e-9);
        assert!(unknown["asked_covered"] < 0.5, "the unknown word weighs more than the known one");
        assert!(unknown[ANSWERABLE] < known[ANSWERABLE]);
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
