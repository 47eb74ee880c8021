//! Puts a text together from pieces of a document, and knows for each sentence of it where it stands there.

use domain::sentences::{UnitKind, sentences};
use std::ops::Range;

/// A text put together from a document's own words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Linked {
    /// The text, as Markdown.
    pub body: String,
    /// Its sentences, list items, table rows and code blocks, in order.
    pub sentences: Vec<Placed>,
    /// Sentences that stood in the draft and were left out because nothing proved them.
    pub dropped: usize,
    /// All words, headings aside.
    pub words: usize,
    /// Words in whole sentences: what a mere list of links lacks.
    pub sentence_words: usize,
}

/// A sentence and the place in the document that says it.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// The sentence as the text has it.
    pub sentence: String,
    /// The bytes of the document that say it; `None` where none do.
    pub place: Option<Range<usize>>,
    /// How far that place proves it, 0 to 1.
    pub support: f64,
}

/// Collects pieces of a document.
pub(crate) struct Composer<'a> {
    text: &'a str,
    body: String,
    pieces: Vec<(usize, Range<usize>)>,
}

impl<'a> Composer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, body: String::new(), pieces: Vec::new() }
    }

    /// Adds a heading.
    pub(crate) fn heading(&mut self, level: usize, words: &str) {
        self.part();
        self.body.push_str("######".get(..level.clamp(1, 6)).unwrap_or("##"));
        self.body.push(' ');
        self.body.push_str(words);
    }

    /// Adds those bytes of the document, without the white space around them.
    pub(crate) fn content(&mut self, range: Range<usize>) {
        let Some(inside) = self.text.get(range.clone()) else { return };
        let start = range.start + (inside.len() - inside.trim_start().len());
        let inside = inside.trim();
        if inside.is_empty() {
            return;
        }
        self.part();
        self.pieces.push((self.body.len(), start..start + inside.len()));
        self.body.push_str(inside);
    }

    /// Adds those bytes line by line, without what the lines are indented by.
    pub(crate) fn outdented(&mut self, range: Range<usize>) {
        let Some(inside) = self.text.get(range.clone()) else { return };
        let indent = inside
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| line.len() - line.trim_start().len())
            .min()
            .unwrap_or(0);
        let mut at = range.start;
        for line in inside.split_inclusive('\n') {
            let cut = indent.min(line.len() - line.trim_start_matches([' ', '\t']).len());
            let kept = line.get(cut..).unwrap_or(line).trim_end();
            if !self.body.is_empty() {
                self.body.push('\n');
            }
            if !kept.is_empty() {
                self.pieces.push((self.body.len(), at + cut..at + cut + kept.len()));
                self.body.push_str(kept);
            }
            at += line.len();
        }
    }

    fn part(&mut self) {
        if !self.body.is_empty() {
            self.body.push_str("\n\n");
        }
    }

    pub(crate) fn finish(self) -> Linked {
        let body = self.body.trim_end().to_owned();
        let place = |range: &Range<usize>| {
            let (begin, of) = self.pieces.iter().rev().find(|(begin, _)| *begin <= range.start)?;
            let (end_begin, end_of) = self.pieces.iter().rev().find(|(begin, _)| *begin < range.end)?;
            let start = of.start + (range.start - begin);
            let end = end_of.start + (range.end - end_begin);
            (start < end && end <= end_of.end).then_some(start..end)
        };
        linked(body.clone(), |range, sentence| {
            let place = place(range)?;
            // Only white space may differ: what the lines were indented by.
            let quote = self.text.get(place.clone())?;
            quote.split_whitespace().eq(sentence.split_whitespace()).then_some((place, 1.0))
        })
    }
}

/// A body with the places that `prove` finds for its sentences. Headings state nothing.
pub(crate) fn linked(
    body: String,
    mut prove: impl FnMut(&Range<usize>, &str) -> Option<(Range<usize>, f64)>,
) -> Linked {
    let mut linked = Linked::default();
    for unit in sentences(&body) {
        let sentence = unit.text(&body);
        if unit.kind == UnitKind::Heading || !sentence.contains(char::is_alphanumeric) {
            continue;
        }
        let words = sentence.split_whitespace().count();
        linked.words += words;
        if unit.kind == UnitKind::Sentence || words >= SENTENCE_WORDS {
            linked.sentence_words += words;
        }
        let (place, support) =
            prove(&unit.range, sentence).map_or((None, 0.0), |(place, support)| (Some(place), support));
        linked.sentences.push(Placed { sentence: sentence.to_owned(), place, support });
    }
    linked.body = body;
    linked
}

/// Words from which a list item, a row or code says as much as a sentence.
const SENTENCE_WORDS: usize = 8;
