//! A Markdown document as the tree of its sections: byte ranges of the text, found in one pass.

use std::ops::Range;

/// Headings of one document that are looked at; what follows belongs to the last.
const SECTIONS_MAX: usize = 2_000;

/// A heading with what stands below it, up to the next heading of whatever level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// 1 to 6; 0 for what stands before the first heading.
    pub level: usize,
    /// The words of the heading.
    pub heading: String,
    /// The whole line of the heading; empty before the first.
    pub line: Range<usize>,
    /// What stands below the heading, before the next one.
    pub content: Range<usize>,
}

/// Cuts a text at its headings; what looks like one in code is code. The first section is always what
/// stands before the first heading, even where that is nothing.
pub fn sections(text: &str) -> Vec<Section> {
    let mut sections = vec![Section { level: 0, heading: String::new(), line: 0..0, content: 0..0 }];
    let mut fence: Option<&str> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let range = at..at + line.len();
        at = range.end;
        let bare = line.trim();
        match fence {
            // Code may hold shorter marks than its own.
            Some(mark) if bare.starts_with(mark) && bare.trim_matches(['`', '~']).is_empty() => fence = None,
            Some(_) => {}
            None => fence = opens_code(bare),
        }
        let heading = if fence.is_none() && sections.len() < SECTIONS_MAX { heading(line) } else { None };
        if let Some((level, words)) = heading {
            let content = range.end..range.end;
            sections.push(Section { level, heading: words.to_owned(), line: range, content });
        } else if let Some(open) = sections.last_mut() {
            open.content.end = range.end;
        }
    }
    sections
}

/// The sections below the one at `index`: all that follow with a deeper level.
pub fn below(sections: &[Section], index: usize) -> Range<usize> {
    let level = sections.get(index).map_or(0, |section| section.level);
    let rest = sections.iter().skip(index + 1);
    let count = if level == 0 { 0 } else { rest.take_while(|section| section.level > level).count() };
    index + 1..index + 1 + count
}

/// The backticks or tildes that a line opens a code block with.
fn opens_code(line: &str) -> Option<&str> {
    let marks = |mark: char| line.len() - line.trim_start_matches(mark).len();
    let count = marks('`').max(marks('~'));
    if count >= 3 { line.get(..count) } else { None }
}

/// Level and words of a heading line.
pub fn heading(line: &str) -> Option<(usize, &str)> {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    let words = line.get(level..)?.strip_prefix(' ')?.trim().trim_end_matches('#').trim_end();
    ((1..=6).contains(&level) && !words.is_empty()).then_some((level, words))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::string_slice, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn sections_hold_every_byte_once_and_know_what_is_below_them() {
        let text = "Lead.\n\n# One\n\nA.\n\n## Two ##\nB.\n````\n```\n# code\n````\n### Three\n\n## Four\nC.";
        let found = sections(text);
        let headings: Vec<(usize, &str)> =
            found.iter().map(|section| (section.level, section.heading.as_str())).collect();
        assert_eq!(headings, [(0, ""), (1, "One"), (2, "Two"), (3, "Three"), (2, "Four")]);
        let whole: String = found
            .iter()
            .map(|section| [&text[section.line.clone()], &text[section.content.clone()]].concat())
            .collect();
        assert_eq!(whole, text);
        assert_eq!((below(&found, 1), below(&found, 2), below(&found, 0)), (2..5, 3..4, 1..1));
        assert_eq!(sections("").len(), 1);
    }
}
