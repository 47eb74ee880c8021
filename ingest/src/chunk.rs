//! Cuts a document into chunks along its headings. A chunk is a range of bytes of the text, so that
//! what is searched and cited is always the document's own words.

use crate::sections::heading;
use crate::tokens;
use std::ops::Range;
use text_splitter::{ChunkConfig, ChunkSizer, MarkdownSplitter};

/// Characters of a heading that chunks carry on their paths.
const HEADING_CHARS_MAX: usize = 200;

/// How large chunks are, in tokens as `tokens::estimate` counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkSettings {
    /// Neighbouring parts are joined up to this size: about 180 words.
    pub tokens_target: usize,
    /// No chunk is larger, unless a single word is.
    pub tokens_max: usize,
    /// A document of this size stays whole.
    pub document_tokens_max: usize,
}

impl Default for ChunkSettings {
    fn default() -> Self {
        Self { tokens_target: 250, tokens_max: 320, document_tokens_max: 400 }
    }
}

/// One chunk: `text[start..end]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its first byte.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// The headings above it, outermost first, joined with ` › `; the document's title is not repeated.
    pub heading_path: String,
}

/// Cuts a document. The pieces are in order, do not overlap, and leave out nothing but white space.
pub fn chunk(title: &str, text: &str, settings: &ChunkSettings) -> Vec<Piece> {
    // A token has at least one byte, so the shortest documents need no count.
    if text.len() <= settings.document_tokens_max || tokens::estimate(text) <= settings.document_tokens_max {
        return piece(text, 0..text.len(), "").into_iter().collect();
    }
    let mut pieces = Vec::new();
    let mut open: Option<Open> = None;
    for part in parts(title, text) {
        let tokens = tokens::estimate(text.get(part.range.clone()).unwrap_or_default());
        open = match open {
            Some(open) if open.takes(&part, tokens, settings) => Some(open.with(part, tokens)),
            before => {
                pieces.extend(before.into_iter().flat_map(|open| open.pieces(text, settings)));
                Some(Open { range: part.range, path: part.path, tokens, is_heading_only: part.is_heading })
            }
        };
    }
    pieces.extend(open.into_iter().flat_map(|open| open.pieces(text, settings)));
    pieces
}

/// A block of the text (a paragraph, a list, a table, code) or a heading.
struct Part {
    range: Range<usize>,
    /// The headings above it; a heading is among its own.
    path: Vec<String>,
    is_heading: bool,
}

/// A chunk in the making.
struct Open {
    range: Range<usize>,
    path: Vec<String>,
    tokens: usize,
    is_heading_only: bool,
}

impl Open {
    fn takes(&self, part: &Part, tokens: usize, settings: &ChunkSettings) -> bool {
        let sum = self.tokens + tokens;
        if self.is_heading_only && part.path.starts_with(&self.path) {
            // A heading stays with what it heads, unless that must be cut anyway.
            return sum <= settings.tokens_max;
        }
        if sum > settings.tokens_target {
            return false;
        }
        if !part.is_heading {
            return part.path == self.path || part.path.starts_with(&self.path);
        }
        // A new section joins a small one that is its parent or its sibling.
        let parent = part.path.split_last().map_or(&[][..], |(_, parent)| parent);
        let is_small = self.tokens * 2 <= settings.tokens_target;
        is_small
            && !parent.is_empty()
            && (self.path.starts_with(parent) || parent.starts_with(&self.path) && !self.path.is_empty())
    }

    fn with(self, part: Part, tokens: usize) -> Self {
        let shared = self.path.iter().zip(&part.path).take_while(|(one, other)| one == other).count();
        // A heading alone gives its path to what it heads; otherwise only what both share holds for both.
        let path = if self.is_heading_only && part.path.starts_with(&self.path) {
            part.path
        } else {
            self.path.into_iter().take(shared).collect()
        };
        Self {
            range: self.range.start..part.range.end,
            path,
            tokens: self.tokens + tokens,
            is_heading_only: self.is_heading_only && part.is_heading,
        }
    }

    fn pieces(self, text: &str, settings: &ChunkSettings) -> Vec<Piece> {
        let path = self.path.join(" › ");
        if self.tokens <= settings.tokens_max {
            return piece(text, self.range, &path).into_iter().collect();
        }
        let Some(inside) = text.get(self.range.clone()) else { return Vec::new() };
        let capacity = text_splitter::ChunkCapacity::new(settings.tokens_target);
        let splitter = MarkdownSplitter::new(ChunkConfig::new(capacity).with_sizer(Estimated));
        let ranges = splitter
            .chunk_indices(inside)
            .map(|(offset, cut)| self.range.start + offset..self.range.start + offset + cut.len());
        ranges.filter_map(|range| piece(text, range, &path)).collect()
    }
}

struct Estimated;

impl ChunkSizer for Estimated {
    fn size(&self, chunk: &str) -> usize {
        tokens::estimate(chunk)
    }
}

/// The range without the white space around it, or nothing where there is nothing else.
fn piece(text: &str, range: Range<usize>, path: &str) -> Option<Piece> {
    let inside = text.get(range.clone())?;
    let start = range.start + (inside.len() - inside.trim_start().len());
    let end = start + inside.trim().len();
    (start < end).then(|| Piece { start, end, heading_path: path.to_owned() })
}

/// Cuts a text at its headings and blank lines, in one pass. Code keeps its blank lines.
fn parts(title: &str, text: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut headings: Vec<(usize, String)> = Vec::new();
    let mut fence: Option<&str> = None;
    let mut begins_new = true;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let range = at..at + line.len();
        at = range.end;
        let bare = line.trim();
        let heading = if fence.is_none() { heading(line) } else { None };
        if let Some((level, words)) = heading {
            headings.retain(|(above, _)| *above < level);
            headings.push((level, words.chars().take(HEADING_CHARS_MAX).collect()));
        }
        match fence {
            Some(mark) if bare.starts_with(mark) && bare.trim_matches(['`', '~']).is_empty() => {
                fence = None;
            }
            Some(_) => {}
            None => fence = ["`````", "```", "~~~"].into_iter().find(|mark| bare.starts_with(mark)),
        }
        match parts.last_mut() {
            Some(part) if !begins_new && heading.is_none() => part.range.end = range.end,
            _ if bare.is_empty() => {}
            _ => {
                let path = headings
                    .iter()
                    .map(|(_, words)| words)
                    .filter(|words| !words.eq_ignore_ascii_case(title))
                    .cloned()
                    .collect();
                parts.push(Part { range, path, is_heading: heading.is_some() });
            }
        }
        begins_new = fence.is_none() && (bare.is_empty() || heading.is_some());
    }
    parts
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::string_slice, reason = "tests fail by panicking")]
    use super::*;
    use proptest::prelude::*;

    const SMALL: ChunkSettings = ChunkSettings { tokens_target: 24, tokens_max: 32, document_tokens_max: 10 };

    fn cut(title: &str, text: &str) -> Vec<(String, String)> {
        chunk(title, text, &SMALL)
            .into_iter()
            .map(|piece| (piece.heading_path, text[piece.start..piece.end].to_owned()))
            .collect()
    }

    #[test]
    fn a_short_document_stays_whole() {
        let text = "\n# Title\n\nA sentence.\n\n## Part\n\nAnother.\n";
        let pieces = chunk("Title", text, &ChunkSettings::default());
        assert_eq!(pieces, [Piece { start: 1, end: text.len() - 1, heading_path: String::new() }]);
        assert!(chunk("", " \n\n ", &SMALL).is_empty());
    }

    #[test]
    fn chunks_follow_headings_and_carry_their_path() {
        let words = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen";
        let text =
            format!("# Title\n\n{words}\n\n## Plans\n\n{words}\n\n### Yearly\n\n{words}\n\n## Invoices\n\n{words}\n");
        let paths: Vec<String> = cut("title", &text).into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["", "Plans", "Plans › Yearly", "Invoices"]);
        assert!(cut("title", &text).iter().all(|(_, text)| text.starts_with('#')));
    }

    #[test]
    fn small_sections_under_one_parent_are_joined_and_a_heading_is_never_left_alone() {
        let text = "# Guide\n\n## Install\n\n### Linux\n\nUse apt.\n\n### Mac\n\nUse brew.\n\n### Windows\n\nRun the installer and follow what it says on every page until it is done, then restart.\n";
        let settings = ChunkSettings { tokens_target: 34, tokens_max: 44, document_tokens_max: 10 };
        let pieces = chunk("Guide", text, &settings);
        let shown: Vec<(&str, &str)> =
            pieces.iter().map(|piece| (piece.heading_path.as_str(), &text[piece.start..piece.end])).collect();
        assert_eq!(
            shown.first(),
            Some(&("Install", "# Guide\n\n## Install\n\n### Linux\n\nUse apt.\n\n### Mac\n\nUse brew."))
        );
        assert_eq!(shown.get(1).unwrap().0, "Install › Windows");
    }

    #[test]
    fn a_heading_without_end_is_not_repeated_in_every_chunk() {
        let text = format!("# {}\n\n{}", "word ".repeat(10_000), "a sentence of seven words is here. ".repeat(200));
        assert!(cut("", &text).iter().all(|(path, _)| path.chars().count() <= HEADING_CHARS_MAX));
    }

    #[test]
    fn what_looks_like_a_heading_in_code_is_code() {
        let text = "# A\n\nSome words to begin with, enough of them to be a chunk.\n\n```sh\n# not a heading\n\nmake all the things that can be made here today\n```\n\nAnd the end of the text after it, also long enough to count.\n";
        assert!(cut("", text).iter().all(|(path, _)| path == "A"), "{:?}", cut("", text));
    }

    #[test]
    fn a_long_block_is_cut_within_its_limit() {
        let text = format!("# A\n\n{}\n", "a sentence of seven words is here. ".repeat(50));
        let pieces = chunk("", &text, &SMALL);
        assert!(pieces.len() > 10);
        for piece in &pieces {
            assert!(tokens::estimate(&text[piece.start..piece.end]) <= SMALL.tokens_max);
        }
    }

    fn markdown() -> impl Strategy<Value = String> {
        let block = prop_oneof![
            "#{1,4} [a-zé]{1,8}( [a-z]{1,6}){0,3}",
            "[a-zA-Z0-9äß日本.,]{1,12}( [a-z日]{1,9}){0,60}",
            "(- [a-z]{1,9}( [a-z]{1,9}){0,9}\n){1,8}",
            "```[a-z]{0,3}\n([a-z# ]{0,20}\n){0,6}```",
            "\\| [a-z]{1,5} \\| b \\|\n\\| --- \\| --- \\|\n(\\| [a-z]{1,9} \\| c \\|\n){1,9}",
            "[ \t]{0,3}",
        ];
        prop::collection::vec(block, 0..14).prop_map(|blocks| blocks.join("\n\n"))
    }

    proptest! {
        #[test]
        fn pieces_are_in_order_and_leave_out_only_white_space(text in markdown(), title in "[a-z]{0,5}") {
            let pieces = chunk(&title, &text, &SMALL);
            let mut last = 0;
            for piece in &pieces {
                prop_assert!(piece.start >= last && piece.end > piece.start);
                prop_assert!(text.is_char_boundary(piece.start) && text.is_char_boundary(piece.end));
                prop_assert!(text[last..piece.start].trim().is_empty(), "left out: {:?}", &text[last..piece.start]);
                last = piece.end;
            }
            prop_assert!(text[last..].trim().is_empty());
        }

        #[test]
        fn any_text_at_all_can_be_cut(text in "\\PC{0,400}") {
            let pieces = chunk("", &text, &SMALL);
            let kept: String = pieces.iter().flat_map(|piece| text[piece.start..piece.end].split_whitespace()).collect();
            prop_assert_eq!(kept, text.split_whitespace().collect::<String>());
        }
    }
}
