//! Tells whether a generated text was generated before: the same words, or nearly the same.
//!
//! Near-duplicates are found by the smallest hashes of their word triples (Broder 1997): the share of
//! them that two texts have in common estimates what their whole sets have in common.

use domain::ArticleId;
use rustc_hash::FxHasher;
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashMap};
use std::hash::{Hash, Hasher};

/// Hashes kept of a text.
const SKETCH_HASHES: usize = 128;
/// Of these, the ones that texts are found by.
const FINDING_HASHES: usize = 12;
/// Texts that one hash finds at most.
const FOUND_MAX: usize = 64;
/// Share of word triples in common from which two texts are one, in percent.
const ALIKE_PERCENT: usize = 85;
/// Words below which only the same words are the same text.
const WORDS_MIN: usize = 20;

/// The texts that were seen.
#[derive(Default)]
pub(crate) struct Alike {
    by_hash: HashMap<String, ArticleId>,
    sketches: Vec<(ArticleId, Sketch)>,
    finding: HashMap<u64, Vec<usize>>,
}

struct Sketch {
    hashes: BTreeSet<u64>,
    /// Numbers of the text: two that differ in one do not say the same, however like they are.
    numbers: BTreeSet<String>,
}

/// Of title and text, with letter case, punctuation and white space aside.
pub(crate) fn content_hash(title: &str, body: &str) -> String {
    let mut hasher = Sha256::new();
    for word in words(title).chain(std::iter::once("\n".to_owned())).chain(words(body)) {
        hasher.update(word.as_bytes());
        hasher.update(b" ");
    }
    hasher.finalize().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

impl Alike {
    /// Remembers a text.
    pub(crate) fn add(&mut self, id: ArticleId, title: &str, body: &str) {
        self.by_hash.entry(content_hash(title, body)).or_insert(id);
        let Some(sketch) = Sketch::of(title, body) else { return };
        let place = self.sketches.len();
        for hash in sketch.hashes.iter().take(FINDING_HASHES) {
            let found = self.finding.entry(*hash).or_default();
            if found.len() < FOUND_MAX {
                found.push(place);
            }
        }
        self.sketches.push((id, sketch));
    }

    /// The article that says the same, the first that was added where several do.
    pub(crate) fn find(&self, title: &str, body: &str) -> Option<ArticleId> {
        if let Some(id) = self.by_hash.get(&content_hash(title, body)) {
            return Some(*id);
        }
        let sketch = Sketch::of(title, body)?;
        let places: BTreeSet<usize> = sketch
            .hashes
            .iter()
            .take(FINDING_HASHES)
            .filter_map(|hash| self.finding.get(hash))
            .flatten()
            .copied()
            .collect();
        let known = |place: usize| self.sketches.get(place);
        places.into_iter().filter_map(known).find(|(_, known)| known.is_like(&sketch)).map(|(id, _)| *id)
    }
}

impl Sketch {
    fn of(title: &str, body: &str) -> Option<Self> {
        let words: Vec<String> = words(title).chain(words(body)).collect();
        if words.len() < WORDS_MIN {
            return None;
        }
        let mut hashes: BTreeSet<u64> = words.windows(3).map(hash).collect();
        if let Some(beyond) = hashes.iter().nth(SKETCH_HASHES).copied() {
            hashes.split_off(&beyond);
        }
        let numbers = words.into_iter().filter(|word| word.contains(|c: char| c.is_ascii_digit())).collect();
        Some(Self { hashes, numbers })
    }

    fn is_like(&self, other: &Self) -> bool {
        let union: Vec<&u64> = self.hashes.union(&other.hashes).take(SKETCH_HASHES).collect();
        let both = union.iter().filter(|hash| self.hashes.contains(hash) && other.hashes.contains(hash)).count();
        self.numbers == other.numbers && both * 100 >= union.len() * ALIKE_PERCENT
    }
}

fn hash(words: &[String]) -> u64 {
    let mut hasher = FxHasher::default();
    words.hash(&mut hasher);
    // Its low bits alone are poor; the smallest hashes must be a fair sample.
    let mixed = (hasher.finish() ^ (hasher.finish() >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 27)
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "To change the address of an order, open your orders, choose the order, press Change address \
        and save. Orders that were handed to the carrier cannot be changed any more; write to us and we try to reach \
        the carrier. A change of country is a new order because taxes and customs differ, so cancel the present one \
        first. You get the money back within 3 working days on the same card, and a note of it by mail.";

    fn known() -> (Alike, ArticleId) {
        let id = ArticleId::from_uuid(uuid::Uuid::from_u128(1));
        let mut alike = Alike::default();
        alike.add(id, "Change the address", TEXT);
        (alike, id)
    }

    #[test]
    fn the_same_words_and_nearly_the_same_are_found() {
        let (alike, id) = known();
        for (title, body) in [
            ("change  the ADDRESS", TEXT.replace(", ", " — ")),
            ("Change the address", TEXT.replace("by mail", "by post")),
            ("Change the address", TEXT.replace("To change", "Changing")),
        ] {
            assert_eq!(alike.find(title, &body), Some(id), "{title} {body}");
        }
    }

    #[test]
    fn another_number_and_another_text_are_not_the_same() {
        let (alike, _) = known();
        assert_eq!(alike.find("Change the address", &TEXT.replace('3', "5")), None);
        assert_eq!(alike.find("Change the address", &TEXT.split(' ').rev().collect::<Vec<_>>().join(" ")), None);
        assert_eq!(alike.find("Change the address", "Yes."), None);
    }

    #[test]
    fn short_texts_are_compared_word_by_word() {
        let (mut alike, _) = known();
        let id = ArticleId::from_uuid(uuid::Uuid::from_u128(2));
        alike.add(id, "Can I pay by card?", "Yes, you can.");
        assert_eq!(alike.find("Can I pay by card?", "yes you can"), Some(id));
        assert_eq!(alike.find("Can I pay by cheque?", "Yes, you can."), None);
    }
}
