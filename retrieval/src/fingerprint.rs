//! A 64-bit simhash (Charikar 2002) of a passage's word pairs: near-duplicates differ in few bits.

/// Passages whose fingerprints differ in at most so many bits count as the same text: about nine
/// in ten word pairs are shared.
const NEAR_BITS_MAX: u32 = 6;

/// Offset basis of FNV-1a with 64 bits.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
/// Prime of FNV-1a with 64 bits.
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// For each byte, its eight bits as eight bytes of 0 or 1.
const SPREAD: [u64; 256] = spread();

/// Computes the fingerprint; letter case, punctuation and white space do not count.
pub(crate) fn of(text: &str) -> u64 {
    let mut votes = Votes::default();
    let mut previous = FNV_OFFSET;
    let mut word = FNV_OFFSET;
    let mut letters = 0usize;
    for byte in text.bytes().chain(std::iter::once(b' ')) {
        if byte.is_ascii_alphanumeric() || !byte.is_ascii() {
            word = (word ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(FNV_PRIME);
            letters += 1;
        } else if letters > 0 {
            votes.add(mixed(previous.rotate_left(23) ^ word));
            (previous, word, letters) = (word, FNV_OFFSET, 0);
        }
    }
    votes.majority()
}

/// Whether two fingerprints are of nearly the same text.
pub(crate) fn near(left: u64, right: u64) -> bool {
    (left ^ right).count_ones() <= NEAR_BITS_MAX
}

/// How many hashes had each bit set. Eight counters share a word, and are emptied before they are full.
#[derive(Default)]
struct Votes {
    counters: [u64; 8],
    pending: u32,
    set: [[u32; 8]; 8],
    hashes: u32,
}

impl Votes {
    fn add(&mut self, hash: u64) {
        for (counters, byte) in self.counters.iter_mut().zip(hash.to_le_bytes()) {
            *counters += SPREAD.get(usize::from(byte)).copied().unwrap_or_default();
        }
        self.pending += 1;
        if self.pending == u32::from(u8::MAX) {
            self.empty();
        }
    }

    fn empty(&mut self) {
        for (set, counters) in self.set.iter_mut().zip(&mut self.counters) {
            for (set, counted) in set.iter_mut().zip(counters.to_le_bytes()) {
                *set += u32::from(counted);
            }
            *counters = 0;
        }
        self.hashes += std::mem::take(&mut self.pending);
    }

    fn majority(mut self) -> u64 {
        self.empty();
        let half = self.hashes / 2;
        self.set.as_flattened().iter().rev().fold(0, |bits, set| (bits << 1) | u64::from(*set > half))
    }
}

const fn spread() -> [u64; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut bit = 0;
        while bit < 8 {
            #[expect(clippy::indexing_slicing, reason = "the loop ends at the table's length")]
            if byte >> bit & 1 == 1 {
                table[byte] |= 1 << (8 * bit);
            }
            bit += 1;
        }
        byte += 1;
    }
    table
}

/// Spreads a hash over all 64 bits: the finalizer of splitmix64.
fn mixed(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSAGE: &str = "To change the address of an order, open your orders, choose the order, press Change \
        address and save. Orders that were handed to the carrier cannot be changed any more; write to us and \
        we try to reach the carrier. A change of country is a new order because taxes and customs differ, so \
        cancel the present one first. You get the money back within three working days on the same card.";

    #[test]
    fn case_and_spacing_do_not_matter() {
        assert_eq!(of("Reset  your password!"), of("reset your\npassword"));
    }

    #[test]
    fn one_changed_word_in_a_passage_is_near_and_another_passage_is_not() {
        assert!(near(of(PASSAGE), of(&PASSAGE.replace("three", "five"))));
        let other: String = PASSAGE.split(' ').rev().collect::<Vec<_>>().join(" ");
        assert!(!near(of(PASSAGE), of(&other)));
        assert!(!near(of(PASSAGE), of(PASSAGE.split_at(PASSAGE.len() / 2).0)));
    }
}
