//! How many tokens a text has: exactly for models whose tokenizer is known, by a stated rule else.

use domain::trace::PromptMessage;
use tiktoken_rs::tokenizer::{Tokenizer, get_tokenizer};

/// Tokens that chat endpoints add around each message (role and separators).
const MESSAGE_OVERHEAD_TOKENS: usize = 4;

/// Texts are tokenized in pieces of this size: the tokenizer's time grows faster than its input.
const PIECE_BYTES_MAX: usize = 32 * 1024;

/// Counts tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenCounter {
    /// The model's own tokenizer, loaded at the first count (up to 0.5 s and 55 MB).
    Tiktoken(Tokenizer),
    /// Four Latin letters a token, three letters of other alphabets, one CJK sign, two for an emoji,
    /// one for each sign of punctuation. It needs no memory.
    Estimate,
}

impl TokenCounter {
    /// The counter for a model by name; `None` (no model is configured) never loads a tokenizer.
    pub fn for_model(model: Option<&str>) -> Self {
        model.and_then(get_tokenizer).map_or(Self::Estimate, Self::Tiktoken)
    }

    /// Tokens of a text.
    pub fn count(self, text: &str) -> usize {
        match self {
            Self::Estimate => estimate(text),
            Self::Tiktoken(tokenizer) => match tiktoken_rs::bpe_for_tokenizer(tokenizer) {
                Ok(bpe) => pieces(text).map(|piece| bpe.encode_ordinary(piece).len()).sum(),
                Err(_) => estimate(text),
            },
        }
    }

    /// Tokens of a prompt, with what endpoints add around each message.
    pub fn count_messages(self, messages: &[PromptMessage]) -> usize {
        messages.iter().map(|message| self.count(&message.content) + MESSAGE_OVERHEAD_TOKENS).sum()
    }
}

fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (piece, later) = rest.split_at(rest.floor_char_boundary(PIECE_BYTES_MAX));
        rest = later;
        (!piece.is_empty()).then_some(piece)
    })
}

fn estimate(text: &str) -> usize {
    // Twelfths of a token, so that the sum stays a whole number.
    let twelfths: usize = text.chars().map(twelfths_of_a_token).sum();
    twelfths.div_ceil(12)
}

fn twelfths_of_a_token(character: char) -> usize {
    match character {
        'a'..='z' | 'A'..='Z' => 3,
        ' ' | '\n' | '\r' | '\t' => 1,
        '0'..='9' => 5,
        // Accented Latin and every other alphabet.
        '\u{80}'..='\u{10ff}' | '\u{1200}'..='\u{1fff}' => 4,
        '\0'..='\u{7f}' => 10,
        // Punctuation and symbols.
        '\u{2000}'..='\u{2bff}' => 12,
        // CJK, Kana, Hangul.
        '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{ffff}' | '\u{20000}'..='\u{3ffff}' => 11,
        _ => 24,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: &[(&str, &str)] = &[
        (
            "English",
            "You can return an item within 30 days. Open your orders, choose the item and \
            select “Return”. We refund the original payment method once it has arrived.",
        ),
        (
            "German",
            "Sie können einen Artikel innerhalb von 30 Tagen zurückgeben. Öffnen Sie Ihre \
            Bestellungen, wählen Sie den Artikel aus und klicken Sie auf „Zurücksenden“.",
        ),
        (
            "Russian",
            "Вы можете вернуть товар в течение тридцати дней. Откройте свои заказы и \
            выберите товар, который хотите вернуть.",
        ),
        ("Chinese", "您可以在三十天内退货。打开您的订单，选择要退回的商品，然后点击退货。"),
        ("Japanese", "商品は三十日以内であれば返品できます。注文履歴を開き、返品する商品を選んでください。"),
        ("code", "curl -X POST https://api.example.com/v1/orders -H 'Accept: application/json'"),
    ];

    #[test]
    fn the_estimate_is_within_a_third_of_the_real_count_in_six_kinds_of_text() {
        let exact = TokenCounter::for_model(Some("gpt-4o-mini"));
        assert!(matches!(exact, TokenCounter::Tiktoken(_)));
        for (kind, text) in TEXTS {
            let (real, estimated) = (exact.count(text), TokenCounter::Estimate.count(text));
            assert!(
                estimated * 3 >= real * 2 && estimated * 2 <= real * 3,
                "{kind}: {real} tokens, estimated {estimated}"
            );
        }
    }

    #[test]
    fn no_model_or_an_unknown_one_is_estimated() {
        assert_eq!(TokenCounter::for_model(None), TokenCounter::Estimate);
        assert_eq!(TokenCounter::for_model(Some("llama-3.3-70b")), TokenCounter::Estimate);
        assert_eq!(TokenCounter::Estimate.count(""), 0);
        assert_eq!(TokenCounter::Estimate.count("word"), 1);
    }

    #[test]
    fn a_megabyte_of_one_letter_is_counted_in_pieces_without_loss() {
        let text = "é".repeat(500_000);
        assert_eq!(pieces(&text).map(str::len).sum::<usize>(), text.len());
        assert!(TokenCounter::for_model(Some("gpt-4o")).count(&text) > 1000);
    }
}
