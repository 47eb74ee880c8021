//! Cuts Markdown into the units that answers quote and claims are checked by.

use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation;

/// What a unit is in its Markdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitKind {
    /// A sentence of a paragraph.
    Sentence,
    /// A heading line.
    Heading,
    /// A list item with its continuation lines.
    ListItem,
    /// A row of a table.
    TableRow,
    /// A fenced code block, whole.
    Code,
}

/// A sentence, heading, list item, table row or code block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its bytes in the text, without the white space around it.
    pub range: Range<usize>,
    /// What it is.
    pub kind: UnitKind,
    /// The paragraph, list or table it belongs to, counted from 0.
    pub block: usize,
}

impl Unit {
    /// Its text, taken from the text it was cut from.
    pub fn text<'a>(&self, source: &'a str) -> &'a str {
        source.get(self.range.clone()).unwrap_or_default()
    }
}

/// The units of a Markdown text in order; together they hold every word of it.
pub fn sentences(text: &str) -> Vec<Unit> {
    let mut cutter = Cutter { text, units: Vec::new(), block: 0, open: None, fence: None };
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        cutter.line(start..start + line.len());
        start += line.len();
    }
    cutter.close();
    cutter.units
}

/// A block that further lines may still join.
struct Open {
    range: Range<usize>,
    kind: UnitKind,
}

struct Cutter<'a> {
    text: &'a str,
    units: Vec<Unit>,
    block: usize,
    open: Option<Open>,
    /// The mark of the code block that is open: its backticks or tildes.
    fence: Option<String>,
}

impl Cutter<'_> {
    fn line(&mut self, range: Range<usize>) {
        let line = self.text.get(range.clone()).unwrap_or_default();
        let trimmed = line.trim();
        if let Some(fence) = &self.fence {
            // Code may hold shorter marks than its own, and marks with words behind them.
            let is_end = trimmed.starts_with(fence.as_str()) && trimmed.trim_matches(['`', '~']).is_empty();
            self.extend(range.end);
            if is_end {
                self.fence = None;
                self.close();
            }
            return;
        }
        match line_kind(trimmed) {
            LineKind::Blank => self.close(),
            LineKind::Fence(fence) => {
                self.begin(range, UnitKind::Code);
                self.fence = Some(fence.to_owned());
            }
            LineKind::Own(kind) => {
                let same = self.units.last().is_some_and(|unit| unit.kind == kind)
                    && self.open.is_none()
                    && kind == UnitKind::TableRow;
                if same {
                    self.block = self.block.saturating_sub(1);
                }
                self.begin(range, kind);
                self.close();
            }
            LineKind::Item => self.item(range),
            LineKind::Text if self.open.is_some() => self.extend(range.end),
            LineKind::Text => self.begin(range, UnitKind::Sentence),
        }
    }

    /// Opens a list item in the block of the item before it.
    fn item(&mut self, range: Range<usize>) {
        let follows_item = self.open.as_ref().is_some_and(|open| open.kind == UnitKind::ListItem);
        self.begin(range, UnitKind::ListItem);
        if follows_item {
            self.block = self.block.saturating_sub(1);
        }
    }

    fn begin(&mut self, range: Range<usize>, kind: UnitKind) {
        self.close();
        self.open = Some(Open { range, kind });
    }

    fn extend(&mut self, end: usize) {
        if let Some(open) = &mut self.open {
            open.range.end = end;
        }
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let block = self.block;
        self.block += 1;
        if open.kind == UnitKind::Sentence {
            let paragraph = self.text.get(open.range.clone()).unwrap_or_default();
            for range in paragraph_sentences(paragraph) {
                let range = open.range.start + range.start..open.range.start + range.end;
                self.units.push(Unit { range, kind: open.kind, block });
            }
        } else if let Some(range) = trimmed(self.text, open.range) {
            self.units.push(Unit { range, kind: open.kind, block });
        }
    }
}

enum LineKind<'a> {
    Blank,
    Fence(&'a str),
    Own(UnitKind),
    Item,
    Text,
}

fn line_kind(line: &str) -> LineKind<'_> {
    if line.is_empty() {
        return LineKind::Blank;
    }
    for mark in ['`', '~'] {
        let marks = line.len() - line.trim_start_matches(mark).len();
        if marks >= 3 {
            return LineKind::Fence(line.get(..marks).unwrap_or_default());
        }
    }
    let hashes = line.len() - line.trim_start_matches('#').len();
    if (1..=6).contains(&hashes) && line.trim_start_matches('#').starts_with(' ') {
        return LineKind::Own(UnitKind::Heading);
    }
    if line.starts_with('|') {
        return LineKind::Own(UnitKind::TableRow);
    }
    if item_marker(line) > 0 { LineKind::Item } else { LineKind::Text }
}

/// How many bytes of the line are a list marker (`- `, `* `, `1. `, `2) `), 0 where none is.
pub fn item_marker(line: &str) -> usize {
    for bullet in ["- ", "* ", "+ ", "• "] {
        if line.starts_with(bullet) {
            return bullet.len();
        }
    }
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let after = line.get(digits..).unwrap_or_default();
    let marked = (1..=3).contains(&digits) && (after.starts_with(". ") || after.starts_with(") "));
    if marked { digits + 2 } else { 0 }
}

/// The sentences of one paragraph: Unicode's rule, and joined again where it cuts too early.
fn paragraph_sentences(paragraph: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut joins = false;
    for (start, piece) in paragraph.split_sentence_bound_indices() {
        let end = start + piece.len();
        match found.last_mut() {
            Some(last) if joins => last.end = end,
            _ => found.push(start..end),
        }
        joins = !ends_sentence(piece) || is_within_address(piece);
    }
    found.into_iter().filter_map(|range| trimmed(paragraph, range)).collect()
}

/// Whether a piece ends in a full stop that is one, or another end mark.
fn ends_sentence(piece: &str) -> bool {
    let piece = piece.trim_end().trim_end_matches(['"', '\'', '”', '’', '»', ')', ']', '*', '_']);
    let Some(end) = piece.chars().next_back() else { return false };
    if end != '.' {
        return matches!(end, '!' | '?' | '…' | '。' | '！' | '？' | '؟' | '।' | '．');
    }
    let last = piece.rsplit([' ', '\u{a0}', '(', '\n']).next().unwrap_or_default().trim_end_matches('.');
    let lower = last.to_lowercase();
    let initial = last.chars().count() == 1 && last.chars().all(char::is_uppercase);
    !initial && !ABBREVIATIONS.contains(&lower.as_str())
}

/// Whether a piece breaks off within an address (`…/show.cgi?id=7`): no white space follows its end mark.
fn is_within_address(piece: &str) -> bool {
    let last = piece.rsplit(char::is_whitespace).next().unwrap_or_default();
    last.ends_with(['?', '!', '.']) && last.contains('/')
}

/// Abbreviations that a sentence rarely ends with, without their last full stop.
const ABBREVIATIONS: &[&str] = &[
    "e.g", "i.e", "mr", "mrs", "ms", "dr", "prof", "st", "vs", "cf", "approx", "no", "fig", "inc", "ltd", "dept",
    "est", "incl", "excl", "min", "max", "z.b", "d.h", "u.a", "bzw", "ca", "evtl", "ggf", "inkl", "nr", "str", "usw",
    "vgl", "zzgl", "p.ex", "mme", "m", "art", "sr", "sra", "dra", "p.ej", "ud", "uds", "sig", "sig.ra", "dott", "bijv",
    "d.w.z", "o.a", "np", "tj", "tzn", "ul", "jan", "feb", "mar", "apr", "aug", "sept", "sep", "oct", "nov", "dec",
];

/// The range without the white space at its ends; `None` where nothing else is in it.
fn trimmed(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let inner = text.get(range.clone())?;
    let start = range.start + (inner.len() - inner.trim_start().len());
    let end = range.start + inner.trim_end().len();
    (start < end).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> Vec<&str> {
        sentences(text).iter().map(|unit| text.get(unit.range.clone()).unwrap_or("?")).collect()
    }

    #[test]
    fn paragraphs_are_cut_into_sentences_and_abbreviations_are_not_ends() {
        for (text, expected) in [
            ("One. Two!  Three?", vec!["One.", "Two!", "Three?"]),
            ("Use e.g. Chrome. Ask Dr. Smith.", vec!["Use e.g. Chrome.", "Ask Dr. Smith."]),
            ("It costs $9.99 a month. Pay J. Doe.", vec!["It costs $9.99 a month.", "Pay J. Doe."]),
            ("Das gilt z.B. Montags. Nr. 5 nicht.", vec!["Das gilt z.B. Montags.", "Nr. 5 nicht."]),
            ("A line that\nwraps once. And on.", vec!["A line that\nwraps once.", "And on."]),
            ("He said “Stop.” Then he left.", vec!["He said “Stop.”", "Then he left."]),
            (
                "See [http://a.example/show.cgi?name=CVE-7] for more. Is it there? Yes.",
                vec!["See [http://a.example/show.cgi?name=CVE-7] for more.", "Is it there?", "Yes."],
            ),
            ("Open https://a.example/help. Then click.", vec!["Open https://a.example/help.", "Then click."]),
            ("返金できます。いつですか？", vec!["返金できます。", "いつですか？"]),
            ("", vec![]),
            (" \n\t\n", vec![]),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn headings_items_rows_and_code_are_units_of_their_own() {
        let text = "# Refunds\nTo get one:\n\n1. Open *Billing*.\n   Then wait.\n2) Click.\n- x\n\n| Plan | Price |\n|---|---|\n| A | 9 |\n\n```sh\n# no heading. Really.\n\nrun\n```\nDone.";
        assert_eq!(
            shown(text),
            [
                "# Refunds",
                "To get one:",
                "1. Open *Billing*.\n   Then wait.",
                "2) Click.",
                "- x",
                "| Plan | Price |",
                "|---|---|",
                "| A | 9 |",
                "```sh\n# no heading. Really.\n\nrun\n```",
                "Done.",
            ]
        );
        let blocks: Vec<usize> = sentences(text).iter().map(|unit| unit.block).collect();
        assert_eq!(blocks, [0, 1, 2, 2, 2, 3, 3, 3, 4, 5]);
    }

    #[test]
    fn an_open_code_block_ends_with_the_text() {
        assert_eq!(shown("```\nx. Y"), ["```\nx. Y"]);
        let nested = "`````\n```sh\nrun\n```\n`````";
        assert_eq!(shown(&format!("{nested}\nDone.")), [nested, "Done."]);
    }

    proptest! {
        #[test]
        fn units_are_in_order_on_characters_and_hold_every_visible_character(text in "(?s)([a-zA-Z.!? \n#|`*0-9-]|\\PC){0,200}") {
            let mut end = 0;
            let mut held = String::new();
            for unit in sentences(&text) {
                prop_assert!(unit.range.start >= end && unit.range.end > unit.range.start);
                held.push_str(text.get(unit.range.clone()).expect("a range on characters"));
                end = unit.range.end;
            }
            let visible = |s: &str| s.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(visible(&held), visible(&text));
        }
    }
}
