//! What differs between two versions of a text, line by line.

use serde::Serialize;
use similar::{ChangeTag, DiffOp, DiffTag};
use std::time::Duration;

/// Lines around a difference that are shown with it.
const CONTEXT_LINES: usize = 2;
/// Lines of one difference that are shown.
const LINES_MAX: usize = 400;
/// Characters of one line that are shown.
const LINE_CHARS_MAX: usize = 2_000;
/// How long the shortest difference is looked for; then a longer one does.
const SEARCH_MAX: Duration = Duration::from_millis(200);

/// A difference as people read it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Places that differ, each with a few lines around.
    pub hunks: Vec<Hunk>,
    /// Whether more differs than is shown.
    pub cut: bool,
}

/// One place that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hunk {
    /// Its first line in the text before, from 1.
    pub before_line: usize,
    /// Its first line in the text after, from 1.
    pub after_line: usize,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// One line of a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Where the line stands.
    pub kind: LineKind,
    /// The line.
    pub text: String,
}

/// Where a line of a difference stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// In both texts.
    Same,
    /// Only in the text before.
    Removed,
    /// Only in the text after.
    Added,
}

/// Lines that were taken out in one place, and those that came in there; empty lines do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replaced {
    pub before: Vec<String>,
    pub after: Vec<String>,
}

/// Shows what differs.
pub fn difference(before: &str, after: &str) -> Difference {
    let diff = lines_of(before, after);
    let mut shown = Difference::default();
    let mut room = LINES_MAX;
    for group in diff.grouped_ops(CONTEXT_LINES) {
        let Some(first) = group.first() else { continue };
        let mut hunk = Hunk {
            before_line: first.old_range().start + 1,
            after_line: first.new_range().start + 1,
            lines: Vec::new(),
        };
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            if room == 0 {
                shown.cut = true;
                break;
            }
            room -= 1;
            let kind = match change.tag() {
                ChangeTag::Equal => LineKind::Same,
                ChangeTag::Delete => LineKind::Removed,
                ChangeTag::Insert => LineKind::Added,
            };
            let text = change.value().trim_end_matches(['\n', '\r']).chars().take(LINE_CHARS_MAX).collect();
            hunk.lines.push(Line { kind, text });
        }
        if !hunk.lines.is_empty() {
            shown.hunks.push(hunk);
        }
    }
    shown
}

/// The places that differ, without what is around them.
pub(crate) fn replaced(before: &str, after: &str) -> Vec<Replaced> {
    let diff = lines_of(before, after);
    let lines = |slices: &[&str]| -> Vec<String> {
        slices.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    };
    diff.ops()
        .iter()
        .filter(|op| op.tag() != DiffTag::Equal)
        .map(|op: &DiffOp| Replaced {
            before: lines(diff.old_slices().get(op.old_range()).unwrap_or_default()),
            after: lines(diff.new_slices().get(op.new_range()).unwrap_or_default()),
        })
        .filter(|place| place.before != place.after)
        .collect()
}

fn lines_of<'t>(before: &'t str, after: &'t str) -> similar::TextDiff<'t, 't, 't, str> {
    similar::TextDiff::configure().timeout(SEARCH_MAX).diff_lines(before, after)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn a_difference_shows_the_lines_around_and_where_they_stand() {
        let before = "# Refunds\n\none\ntwo\nthree\nfour\nfive\n";
        let after = "# Refunds\n\none\ntwo\n3\nfour\nfive\n";
        let shown = difference(before, after);
        assert_eq!((shown.hunks.len(), shown.cut), (1, false));
        assert_eq!((shown.hunks[0].before_line, shown.hunks[0].after_line), (3, 3));
        let kinds: Vec<_> = shown.hunks[0].lines.iter().map(|line| (line.kind, line.text.as_str())).collect();
        let (same, removed, added) = (LineKind::Same, LineKind::Removed, LineKind::Added);
        let expected = [(same, "one"), (same, "two"), (removed, "three"), (added, "3"), (same, "four"), (same, "five")];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn a_long_difference_is_cut_and_says_so() {
        let after = (0..LINES_MAX + 10).map(|line| format!("line {line}")).collect::<Vec<_>>().join("\n");
        let shown = difference("", &after);
        assert!(shown.cut);
        assert_eq!(shown.hunks.iter().map(|hunk| hunk.lines.len()).sum::<usize>(), LINES_MAX);
    }

    #[test]
    fn moved_white_space_replaces_nothing() {
        assert!(replaced("one\n\ntwo\n", "one\ntwo  \n").is_empty());
        assert_eq!(
            replaced("one\ntwo\n", "one\n2\n"),
            [Replaced { before: vec!["two".into()], after: vec!["2".into()] }]
        );
    }
}
