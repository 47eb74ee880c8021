//! From text to terms: words are cut, folded, freed of stop words and stemmed in the text's language.
//!
//! tantivy binds a tokenizer to a field, but the language belongs to the document; so the text
//! carries it in front (`en␟…`, see `tagged`). A query is reduced in every language that the index
//! holds, which makes it independent of a wrong guess on a short question.

use rustc_hash::FxHashMap;
use std::str::Chars;
use tantivy::tokenizer::{
    Language, RawTokenizer, Stemmer, StopWordFilter, TextAnalyzer, Token, TokenStream, Tokenizer,
};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The language assumed where none is known: its stemmer touches other languages' words least of
/// all we have, and on both sides alike.
const LANGUAGE_UNKNOWN: &str = "en";
/// Bytes of a word; longer runs (base64, hashes) are cut off there.
const WORD_BYTES_MAX: usize = 64;
/// Reduced words remembered per language while indexing, about 6 MB.
const WORDS_REMEMBERED_MAX: usize = 65_536;
/// Separates the language from the text; never part of a word.
const TAG_END: char = '\u{1f}';

/// English words that questions are made of, beyond the few that are kept out of the index: they say that
/// something is asked, not what. The lists of the other languages have them already.
const ENGLISH_ASKING: [&str; 64] = [
    "about",
    "after",
    "all",
    "also",
    "am",
    "any",
    "anyone",
    "because",
    "been",
    "before",
    "can",
    "could",
    "did",
    "do",
    "does",
    "doing",
    "don",
    "every",
    "from",
    "get",
    "getting",
    "got",
    "had",
    "has",
    "have",
    "having",
    "hello",
    "help",
    "hi",
    "how",
    "i",
    "just",
    "know",
    "like",
    "ll",
    "m",
    "me",
    "my",
    "need",
    "our",
    "please",
    "re",
    "s",
    "should",
    "so",
    "somebody",
    "someone",
    "something",
    "t",
    "thanks",
    "trying",
    "ve",
    "want",
    "we",
    "were",
    "what",
    "when",
    "where",
    "which",
    "who",
    "why",
    "would",
    "you",
    "your",
];

/// The language code that texts of this language are reduced under: ISO 639-1 without region.
pub(crate) fn code(language: Option<&str>) -> String {
    let code: String = language
        .unwrap_or(LANGUAGE_UNKNOWN)
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    if code.is_empty() { LANGUAGE_UNKNOWN.to_owned() } else { code }
}

/// A text with its language in front, as the tokenizer reads it.
pub(crate) fn tagged(code: &str, context: &str, body: &str) -> String {
    let mut text = String::with_capacity(code.len() + context.len() + body.len() + 2);
    text.push_str(code);
    text.push(TAG_END);
    text.push_str(context);
    text.push('\n');
    text.push_str(body);
    text
}

/// The tokenizer of tagged texts.
#[derive(Clone, Default)]
pub(crate) struct Analyzer {
    reducers: FxHashMap<String, Reducer>,
    token: Token,
}

impl Analyzer {
    /// The distinct terms of a query in each of the languages that an index holds. A stop word of
    /// the query's own language is left out in all of them; a word that only asks, unless it is all there is.
    pub(crate) fn query_terms(
        &mut self,
        text: &str,
        language: Option<&str>,
        index_languages: &[String],
    ) -> Vec<String> {
        let own = language.map(|language| code(Some(language)));
        let is_english = own.as_deref().unwrap_or(LANGUAGE_UNKNOWN) == LANGUAGE_UNKNOWN;
        let mut words = Words::new(text);
        let mut word = String::new();
        let (mut terms, mut asking) = (Vec::new(), Vec::new());
        while words.next_word(&mut word) {
            if own.as_ref().is_some_and(|own| self.reducer(own).reduced(&word).is_none()) {
                continue;
            }
            let only_asks = is_english && ENGLISH_ASKING.binary_search(&word.as_str()).is_ok();
            let terms = if only_asks { &mut asking } else { &mut terms };
            for code in index_languages {
                if let Some(term) = self.reducer(code).reduced(&word)
                    && !terms.iter().any(|known| known == term)
                {
                    terms.push(term.to_owned());
                }
            }
        }
        if terms.is_empty() { asking } else { terms }
    }

    fn reducer(&mut self, code: &str) -> &mut Reducer {
        self.reducers.entry(code.to_owned()).or_insert_with(|| Reducer::new(code))
    }
}

impl Tokenizer for Analyzer {
    type TokenStream<'a> = Terms<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Terms<'a> {
        let (code, text) = text.split_once(TAG_END).unwrap_or((LANGUAGE_UNKNOWN, text));
        if !self.reducers.contains_key(code) {
            self.reducers.insert(code.to_owned(), Reducer::new(code));
        }
        self.token.reset();
        Terms {
            words: Words::new(text),
            word: String::new(),
            reducer: self.reducers.get_mut(code),
            token: &mut self.token,
        }
    }
}

/// The terms of one text.
pub(crate) struct Terms<'a> {
    words: Words<'a>,
    word: String,
    reducer: Option<&'a mut Reducer>,
    token: &'a mut Token,
}

impl TokenStream for Terms<'_> {
    fn advance(&mut self) -> bool {
        let Some(reducer) = self.reducer.as_mut() else { return false };
        while self.words.next_word(&mut self.word) {
            if let Some(term) = reducer.reduced(&self.word) {
                self.token.text.clear();
                self.token.text.push_str(term);
                self.token.position = self.token.position.wrapping_add(1);
                return true;
            }
        }
        false
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

/// Reduces words of one language and remembers the results: words repeat, stemming is slow.
#[derive(Clone)]
struct Reducer {
    chain: TextAnalyzer,
    /// Empty for a stop word.
    remembered: FxHashMap<Box<str>, Box<str>>,
}

impl Reducer {
    fn new(code: &str) -> Self {
        let raw = TextAnalyzer::builder(RawTokenizer::default());
        let chain = match stemmed(code) {
            None => raw.build(),
            Some(language) => match StopWordFilter::new(language) {
                None => raw.filter(Stemmer::new(language)).build(),
                Some(stop_words) => raw.filter(stop_words).filter(Stemmer::new(language)).build(),
            },
        };
        Self { chain, remembered: FxHashMap::default() }
    }

    /// The word's term; `None` for a stop word.
    fn reduced(&mut self, word: &str) -> Option<&str> {
        if !self.remembered.contains_key(word) {
            if self.remembered.len() >= WORDS_REMEMBERED_MAX {
                self.remembered.clear();
            }
            let mut term = String::new();
            self.chain.token_stream(word).process(&mut |token| term.push_str(&without_accents(&token.text)));
            self.remembered.insert(word.into(), term.into());
        }
        self.remembered.get(word).map(Box::as_ref).filter(|term| !term.is_empty())
    }
}

/// Removes combining accents, so that `résumé` and `resume` meet.
fn without_accents(term: &str) -> String {
    if term.is_ascii() {
        return term.to_owned();
    }
    term.nfd().filter(|letter| !('\u{300}'..='\u{36f}').contains(letter)).nfc().collect()
}

/// Cuts a text into lowercase words; scripts without spaces into pairs of letters.
struct Words<'a> {
    rest: Chars<'a>,
    /// The letter before, while inside a run of a script without spaces.
    pair: Option<char>,
}

impl<'a> Words<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text.chars(), pair: None }
    }

    /// Writes the next word; false at the end.
    fn next_word(&mut self, word: &mut String) -> bool {
        word.clear();
        if self.next_pair(word) {
            return true;
        }
        let mut ascii = true;
        loop {
            let before = self.rest.clone();
            match self.rest.next() {
                Some(letter) if letter.is_ascii_alphanumeric() => {
                    if word.len() < WORD_BYTES_MAX {
                        word.push(letter.to_ascii_lowercase());
                    }
                }
                Some(letter) if is_unspaced(letter) => {
                    if !word.is_empty() {
                        self.rest = before;
                        break;
                    }
                    self.pair = Some(letter);
                    let followed = self.rest.clone().next().is_some_and(is_unspaced);
                    if followed {
                        return self.next_pair(word);
                    }
                    self.pair = None;
                    word.push(letter);
                    return true;
                }
                Some(letter) if !letter.is_ascii() && (letter.is_alphanumeric() || is_combining_mark(letter)) => {
                    ascii = false;
                    if word.len() < WORD_BYTES_MAX {
                        word.extend(letter.to_lowercase());
                    }
                }
                Some(_) if word.is_empty() => {}
                None if word.is_empty() => return false,
                Some(_) | None => break,
            }
        }
        if !ascii {
            *word = word.nfkc().collect();
        }
        true
    }

    /// Writes the next pair of a run of unspaced letters; false where none goes on.
    fn next_pair(&mut self, word: &mut String) -> bool {
        let Some(first) = self.pair else { return false };
        if let Some(second) = self.rest.clone().next().filter(|letter| is_unspaced(*letter)) {
            self.rest.next();
            word.extend([first, second]);
            self.pair = Some(second);
            return true;
        }
        self.pair = None;
        false
    }
}

/// Whether the letter belongs to a script that writes no spaces between words.
fn is_unspaced(letter: char) -> bool {
    matches!(letter,
        '\u{0e00}'..='\u{0eff}' // Thai, Lao
        | '\u{1000}'..='\u{109f}' // Burmese
        | '\u{1780}'..='\u{17ff}' // Khmer
        | '\u{3040}'..='\u{30ff}' // Hiragana, Katakana
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' // Han
        | '\u{20000}'..='\u{2fa1f}')
}

/// The languages with a stemmer.
fn stemmed(code: &str) -> Option<Language> {
    Some(match code {
        "ar" => Language::Arabic,
        "da" => Language::Danish,
        "de" => Language::German,
        "el" => Language::Greek,
        "en" => Language::English,
        "es" => Language::Spanish,
        "fi" => Language::Finnish,
        "fr" => Language::French,
        "hu" => Language::Hungarian,
        "it" => Language::Italian,
        "nl" => Language::Dutch,
        "no" | "nb" | "nn" => Language::Norwegian,
        "pt" => Language::Portuguese,
        "ro" => Language::Romanian,
        "ru" => Language::Russian,
        "sv" => Language::Swedish,
        "ta" => Language::Tamil,
        "tr" => Language::Turkish,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(code: &str, text: &str) -> Vec<String> {
        let mut analyzer = Analyzer::default();
        let text = tagged(code, "", text);
        let mut stream = analyzer.token_stream(&text);
        let mut terms = Vec::new();
        stream.process(&mut |token| terms.push(token.text.clone()));
        terms
    }

    #[test]
    fn words_are_reduced_in_the_language_of_their_text() {
        assert_eq!(terms("en", "The cancelled Subscriptions, and refunds!"), ["cancel", "subscript", "refund"]);
        assert_eq!(terms("de", "Die Kündigungen der Verträge"), ["kundig", "vertrag"]);
        assert_eq!(terms("fr", "l'annulation"), ["annul"]);
        assert_eq!(terms("pl", "zwroty i REKLAMACJE"), ["zwroty", "i", "reklamacje"]);
    }

    #[test]
    fn accents_composition_and_width_do_not_matter() {
        assert_eq!(terms("pl", "café"), terms("pl", "cafe\u{301}"));
        assert_eq!(terms("pl", "ＡＰＩ"), ["api"]);
    }

    #[test]
    fn scripts_without_spaces_become_pairs() {
        assert_eq!(terms("zh", "重置密码 API 码"), ["重置", "置密", "密码", "api", "码"]);
        assert_eq!(terms("ja", "API設定v2"), ["api", "設定", "v2"]);
    }

    #[test]
    fn a_query_is_reduced_in_every_language_of_the_index() {
        let mut analyzer = Analyzer::default();
        let index = ["de".to_owned(), "en".to_owned()];
        assert_eq!(analyzer.query_terms("refunds", None, &index), ["refund"]);
        assert_eq!(analyzer.query_terms("the cancellations", Some("en-GB"), &index), ["cancellation", "cancel"]);
    }

    #[test]
    fn words_that_only_ask_count_only_where_nothing_else_is_said() {
        let mut analyzer = Analyzer::default();
        let index = ["en".to_owned()];
        assert!(ENGLISH_ASKING.is_sorted());
        assert_eq!(analyzer.query_terms("How do I cancel my order?", None, &index), ["cancel", "order"]);
        assert_eq!(analyzer.query_terms("How do you do?", Some("en"), &index), ["how", "do", "you"]);
        assert_eq!(analyzer.query_terms("How so?", Some("pl"), &index), ["how", "so"]);
    }

    #[test]
    fn endless_words_are_cut() {
        assert_eq!(terms("pl", &"x".repeat(500)), ["x".repeat(WORD_BYTES_MAX)]);
        assert_eq!(terms("en", ""), Vec::<String>::new());
    }
}
