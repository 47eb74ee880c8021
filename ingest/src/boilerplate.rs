//! What a website repeats: texts that stand on many of its pages are menus, banners and footers,
//! whatever they are marked up as. The profile is learned page by page and stored with the source.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};

/// Pages that must have shown a text before it can count as boilerplate.
const PAGES_MIN: u32 = 4;
/// The part of all pages that must have shown it.
const SHARE_MIN: f64 = 0.3;
/// Texts remembered; the rarest are forgotten beyond it.
const TEXTS_MAX: usize = 20_000;

/// How often each text of a website was seen, by hash. Stored as JSON with its source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SiteProfile {
    /// Pages seen.
    pages: u32,
    /// Pages on which a text was seen, by its hash in hex (JSON has no keys of 64 bits).
    #[serde(with = "hex_keys")]
    texts: BTreeMap<u64, u32>,
}

impl SiteProfile {
    /// Adds one page, given the hashes of its block texts. A page that is added twice counts twice: leave
    /// pages that are as they were at the last scan out.
    pub fn learn(&mut self, block_hashes: &[u64]) {
        self.pages += 1;
        let distinct: HashSet<u64> = block_hashes.iter().copied().collect();
        for hash in distinct {
            *self.texts.entry(hash).or_insert(0) += 1;
        }
        // The bar rises until enough room is free: texts of one page only go first.
        let mut seen_min = 2;
        while self.texts.len() > TEXTS_MAX {
            self.texts.retain(|_, seen| *seen >= seen_min);
            seen_min += 1;
        }
    }

    /// Pages seen so far.
    pub fn pages(&self) -> u32 {
        self.pages
    }

    /// Whether enough pages were seen for the profile to say anything.
    pub fn is_ready(&self) -> bool {
        self.pages >= PAGES_MIN
    }

    /// The part of the pages that show a text, where that is enough to call it boilerplate; else zero.
    pub fn share(&self, hash: u64) -> f64 {
        let seen = self.texts.get(&hash).copied().unwrap_or(0);
        let share = f64::from(seen) / f64::from(self.pages.max(1));
        if seen >= PAGES_MIN && share >= SHARE_MIN { share } else { 0.0 }
    }
}

/// Hashes the text of a block, white space aside: FNV-1a, which stays the same between versions and machines.
#[derive(Clone, Copy, Debug)]
pub struct BlockHash(u64);

impl Default for BlockHash {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl BlockHash {
    /// Adds more of the block's text.
    pub fn add(&mut self, text: &str) {
        for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// The hash of all that was added.
    pub fn value(self) -> u64 {
        self.0
    }
}

mod hex_keys {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::collections::BTreeMap;

    pub(super) fn serialize<S: Serializer>(texts: &BTreeMap<u64, u32>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(texts.iter().map(|(hash, seen)| (format!("{hash:x}"), seen)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<u64, u32>, D::Error> {
        let texts = BTreeMap::<String, u32>::deserialize(deserializer)?;
        texts
            .into_iter()
            .map(|(hash, seen)| {
                u64::from_str_radix(&hash, 16).map(|hash| (hash, seen)).map_err(serde::de::Error::custom)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn a_text_on_many_pages_is_boilerplate_and_one_on_few_is_not() {
        let mut profile = SiteProfile::default();
        for page in 0..10 {
            profile.learn(&[1, 1, 1_000 + page, if page < 3 { 2 } else { 3 }]);
        }
        assert!((profile.share(1) - 1.0).abs() < f64::EPSILON);
        assert!(profile.share(2).abs() < f64::EPSILON, "three pages are too few");
        assert!((profile.share(3) - 0.7).abs() < 1e-9);
        assert!(profile.share(1_003).abs() < f64::EPSILON);
    }

    #[test]
    fn it_survives_json_and_stays_small() {
        let mut profile = SiteProfile::default();
        for page in 0..100_u64 {
            let hashes: Vec<u64> =
                (0..500).map(|block| if block == 0 { u64::MAX } else { page * 1_000 + block }).collect();
            profile.learn(&hashes);
        }
        assert!(profile.texts.len() <= TEXTS_MAX);
        let json = serde_json::to_string(&profile).unwrap();
        assert_eq!(serde_json::from_str::<SiteProfile>(&json).unwrap(), profile);
        assert!(profile.share(u64::MAX) > 0.99);
    }

    #[test]
    fn white_space_does_not_change_a_hash() {
        let (mut one, mut two) = (BlockHash::default(), BlockHash::default());
        one.add("Skip  to\n content");
        two.add("Skip to");
        two.add(" content ");
        assert_eq!(one.value(), two.value());
    }
}
