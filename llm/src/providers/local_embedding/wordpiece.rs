//! Texts to token ids as BERT's uncased models expect them.
//!
//! rten-text's whole tokenizer is not `Sync`, skips BERT's text cleaning and reads a text to its end
//! before cutting it; its three steps are public, so they are put together here.

use rten_text::models::{Model, WordPiece, WordPieceOptions};
use rten_text::normalizers::{Bert as Normalizer, BertOptions, Normalizer as _};
use rten_text::pre_tokenizers::{Bert as Splitter, PreTokenizer as _};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::Path;

/// The id that fills rows up; the mask hides it.
pub(super) const PADDING_ID: i32 = 0;

/// Bytes read for each token wanted: no text that people write needs more.
const BYTES_PER_TOKEN_MAX: usize = 64;

#[derive(Deserialize)]
struct TokenizerFile {
    model: Vocabulary,
}

#[derive(Deserialize)]
struct Vocabulary {
    vocab: HashMap<String, u32>,
}

/// The vocabulary with the steps that lead to it.
pub(super) struct WordPieces {
    normalizer: Normalizer,
    splitter: Splitter,
    pieces: WordPiece,
    start_id: i32,
    end_id: i32,
}

impl WordPieces {
    /// Reads a `tokenizer.json`; its own limits on length are left aside.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let text =
            std::fs::read_to_string(path).map_err(|error| format!("`{}` cannot be read: {error}", path.display()))?;
        let file: TokenizerFile =
            serde_json::from_str(&text).map_err(|error| format!("`{}` is no tokenizer: {error}", path.display()))?;
        let pieces = WordPiece::from_vocab(file.model.vocab, WordPieceOptions::default());
        let id = |name: &str| {
            let id = pieces.get_token_id(name).and_then(|id| i32::try_from(id).ok());
            id.ok_or_else(|| format!("`{}` has no token {name}", path.display()))
        };
        Ok(Self {
            start_id: id("[CLS]")?,
            end_id: id("[SEP]")?,
            normalizer: Normalizer::new(BertOptions { lowercase: true, strip_accents: true }),
            splitter: Splitter::new(),
            pieces,
        })
    }

    /// The ids of a text, start and end marks included, `tokens_max` at most.
    pub(super) fn encode(&self, text: &str, tokens_max: usize) -> Vec<i32> {
        let mut ids = vec![self.start_id];
        let start = text.floor_char_boundary(tokens_max.saturating_mul(BYTES_PER_TOKEN_MAX));
        let cleaned = clean(text.get(..start).unwrap_or(text));
        if let Ok((normalized, _)) = self.normalizer.normalize(&cleaned) {
            for word in self.splitter.pre_tokenize(&normalized).unwrap_or_default() {
                // It fails only without an [UNK] in the vocabulary; such a word is passed over.
                let _ = self.pieces.encode_with_offsets(word, &mut |_, id| {
                    ids.extend(i32::try_from(id));
                });
                if ids.len() >= tokens_max {
                    break;
                }
            }
        }
        ids.truncate(tokens_max.saturating_sub(1));
        ids.push(self.end_id);
        ids
    }
}

/// BERT's cleaning: invisible signs go, every white space is a space, CJK signs stand alone.
fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len() + text.len() / 8);
    for character in text.chars() {
        if character.is_whitespace() {
            cleaned.push(' ');
        } else if is_ideograph(character) {
            cleaned.extend([' ', character, ' ']);
        } else if !is_invisible(character) {
            cleaned.push(character);
        }
    }
    cleaned
}

fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
                | '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{fffd}'
        )
}

fn is_ideograph(character: char) -> bool {
    matches!(
        character,
        '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{20000}'..='\u{2a6df}'
            | '\u{2a700}'..='\u{2ceaf}' | '\u{f900}'..='\u{faff}' | '\u{2f800}'..='\u{2fa1f}'
    )
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn cleaning_drops_invisible_signs_and_sets_ideographs_apart() {
        assert_eq!(clean("a\u{200b}b\u{0}\tc\u{feff}"), "ab c");
        assert_eq!(clean("退货ok"), " 退  货 ok");
    }
}
