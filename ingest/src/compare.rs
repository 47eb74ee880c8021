//! The difference between two texts, line by line and within changed lines word by word.

use serde::Serialize;
use similar::{Algorithm, ChangeTag, TextDiff};
use std::time::Duration;

/// Lines around a change that are shown.
const CONTEXT_LINES: usize = 2;
/// Time that finding the smallest difference may take; after it a larger one is shown.
const TIME_MAX: Duration = Duration::from_millis(500);

/// A stretch of lines with its changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hunk {
    /// Its first line in the older text, from 1.
    pub from_line: usize,
    /// Its first line in the newer text, from 1.
    pub to_line: usize,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// A line of a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What became of it.
    pub change: Change,
    /// Its text in pieces; the ones that differ from the line it replaces are marked.
    pub pieces: Vec<Piece>,
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Piece {
    /// Its text.
    pub text: String,
    /// Whether the other text has something else here.
    pub changed: bool,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Both texts have it.
    Same,
    /// Only the older text has it.
    Removed,
    /// Only the newer text has it.
    Added,
}

impl Line {
    /// Its whole text.
    pub fn text(&self) -> String {
        self.pieces.iter().map(|piece| piece.text.as_str()).collect()
    }
}

/// The difference between two texts; empty where they are the same.
pub fn compare(from: &str, to: &str) -> Vec<Hunk> {
    let diff = TextDiff::configure().algorithm(Algorithm::Myers).timeout(TIME_MAX).diff_lines(from, to);
    let mut hunks = Vec::new();
    for group in diff.grouped_ops(CONTEXT_LINES) {
        let Some(first) = group.first() else { continue };
        let lines = group.iter().flat_map(|op| diff.iter_inline_changes(op)).map(|change| Line {
            change: match change.tag() {
                ChangeTag::Equal => Change::Same,
                ChangeTag::Delete => Change::Removed,
                ChangeTag::Insert => Change::Added,
            },
            pieces: change
                .iter_strings_lossy()
                .map(|(changed, text)| Piece { text: text.trim_end_matches(['\n', '\r']).to_owned(), changed })
                .filter(|piece| !piece.text.is_empty())
                .collect(),
        });
        hunks.push(Hunk {
            from_line: first.old_range().start + 1,
            to_line: first.new_range().start + 1,
            lines: lines.collect(),
        });
    }
    hunks
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn a_changed_word_is_marked_in_its_line() {
        let hunks = compare("One.\n\nRefunds take 5 days.\n", "One.\n\nRefunds take 14 days.\n");
        let lines = &hunks[0].lines;
        assert_eq!((hunks.len(), hunks[0].from_line, lines.len()), (1, 1, 4));
        assert_eq!((lines[2].change, lines[2].text().as_str()), (Change::Removed, "Refunds take 5 days."));
        let marked: Vec<&str> =
            lines[3].pieces.iter().filter(|piece| piece.changed).map(|piece| piece.text.as_str()).collect();
        assert_eq!(marked, ["14"]);
        assert!(compare("same", "same").is_empty());
        assert_eq!(compare("", "new")[0].lines[0].change, Change::Added);
    }
}
