//! The lines of PDF pages become paragraphs: running heads and page numbers go, words cut at a line's end
//! are joined, and the headings that the outline names are marked.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt::Write;

/// Pages from which on running heads can be told.
const PAGES_MIN: usize = 4;
/// Lines at the top and at the bottom of a page that can be running heads.
const EDGE_LINES: usize = 2;
/// Characters of a line that may be a heading.
const HEADING_CHARS_MAX: usize = 200;
/// The deepest heading of Markdown.
const LEVEL_MAX: usize = 6;

/// A page as it was read.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Page {
    /// Its lines; a blank one stands where a gap is.
    pub(super) text: String,
    /// What the outline of the file names on it, with the level from 1.
    pub(super) headings: Vec<(usize, String)>,
}

/// The pages as Markdown, and the line that a title can be made of.
pub(super) fn as_markdown(pages: &[Page]) -> (String, String) {
    let running = running_lines(pages);
    let has_outline = pages.iter().any(|page| !page.headings.is_empty());
    let mut out = String::new();
    let mut first_line = String::new();
    for (number, page) in (1..).zip(pages) {
        if !has_outline && pages.len() > 1 {
            let _ = write!(out, "\n\n## Page {number}\n\n"); // writing into a string cannot fail
        }
        let mut paragraph = String::new();
        for line in kept_lines(page, &running) {
            if first_line.is_empty() {
                line.clone_into(&mut first_line);
            }
            match heading_level(page, &line) {
                Some(level) => {
                    end_paragraph(&mut paragraph, &mut out);
                    let _ = write!(out, "\n\n{} {line}\n\n", "#".repeat(level));
                }
                None if line.is_empty() => end_paragraph(&mut paragraph, &mut out),
                None => add_line(&mut paragraph, &line),
            }
        }
        end_paragraph(&mut paragraph, &mut out);
    }
    (first_line, out)
}

/// Lines at the edges of pages that most pages have, numbers aside.
fn running_lines(pages: &[Page]) -> HashMap<String, usize> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for page in pages {
        let lines = lines(page);
        let edges = lines.iter().take(EDGE_LINES).chain(lines.iter().rev().take(EDGE_LINES.min(lines.len() / 2)));
        let mut edges: Vec<String> = edges.map(|line| without_numbers(line)).collect();
        edges.sort_unstable();
        edges.dedup();
        for edge in edges {
            *seen.entry(edge).or_insert(0) += 1;
        }
    }
    seen.retain(|_, count| pages.len() >= PAGES_MIN && *count * 2 > pages.len());
    seen
}

fn lines(page: &Page) -> Vec<&str> {
    page.text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

fn without_numbers(line: &str) -> String {
    line.chars().filter(|c| !c.is_ascii_digit() && !c.is_whitespace()).collect()
}

fn kept_lines(page: &Page, running: &HashMap<String, usize>) -> Vec<String> {
    let all = lines(page).len();
    let mut number = 0;
    let mut kept = Vec::new();
    for line in page.text.lines() {
        let line: String = line.split_whitespace().collect::<Vec<_>>().join(" ");
        let line: String = line.chars().filter(|c| !c.is_control() && *c != '\u{ad}').collect();
        if !line.is_empty() {
            number += 1;
            let is_edge = number <= EDGE_LINES || number + EDGE_LINES > all;
            let is_number = line.chars().all(|c| c.is_ascii_digit());
            if is_edge
                && heading_level(page, &line).is_none()
                && (is_number || running.contains_key(&without_numbers(&line)))
            {
                continue;
            }
        }
        kept.push(line);
    }
    kept
}

fn heading_level(page: &Page, line: &str) -> Option<usize> {
    if line.is_empty() || line.len() > HEADING_CHARS_MAX {
        return None;
    }
    let words =
        |text: &str| text.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect::<String>();
    let wanted = words(line);
    let named = page.headings.iter().find(|(_, title)| !wanted.is_empty() && words(title) == wanted)?;
    Some((named.0 + 1).min(LEVEL_MAX))
}

fn add_line(paragraph: &mut String, line: &str) {
    let begins_item = line.starts_with(['•', '◦', '▪', '–', '‣', '●']) || is_numbered(line);
    if paragraph.is_empty() {
    } else if begins_item {
        paragraph.push('\n');
    } else if paragraph.ends_with('-') && line.starts_with(char::is_lowercase) && is_cut_word(paragraph) {
        paragraph.pop();
    } else {
        paragraph.push(' ');
    }
    match line.strip_prefix(['•', '◦', '▪', '‣', '●']) {
        Some(item) => {
            paragraph.push_str("- ");
            paragraph.push_str(item.trim_start());
        }
        None => paragraph.push_str(line),
    }
}

fn is_numbered(line: &str) -> bool {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.len() < line.len() && (rest.starts_with(". ") || rest.starts_with(") "))
}

fn is_cut_word(paragraph: &str) -> bool {
    paragraph.trim_end_matches('-').ends_with(char::is_alphabetic) && !paragraph.ends_with("--")
}

fn end_paragraph(paragraph: &mut String, out: &mut String) {
    if paragraph.is_empty() {
        return;
    }
    if !out.is_empty() && !out.ends_with("\n\n") {
        out.push_str("\n\n");
    }
    if paragraph.starts_with('#') {
        out.push('\\');
    }
    out.push_str(paragraph);
    paragraph.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_heads_go_words_are_joined_and_named_headings_are_marked() {
        let page = |number: usize| Page {
            text: format!(
                "Handbook of Billing\n\nInvoices {number}\nEvery invoice is sent by elec-\ntronic mail on the first\nday.\n\n• One\n• Two\n\nAcme Limited\n\n{number}\n"
            ),
            headings: if number == 1 { vec![(1, "Invoices 1".to_owned())] } else { Vec::new() },
        };
        let (_, text) = as_markdown(&(1..=5).map(page).collect::<Vec<_>>());
        assert!(
            text.trim_start().starts_with(
                "## Invoices 1\n\nEvery invoice is sent by electronic mail on the first day.\n\n- One\n- Two"
            ),
            "{text}"
        );
        assert!(!text.contains("Handbook") && !text.contains("Acme"), "{text}");
    }

    #[test]
    fn pages_are_headings_where_there_is_no_outline() {
        let page = |text: &str| Page { text: text.to_owned(), headings: Vec::new() };
        let (first, text) = as_markdown(&[page("Terms of use\n\nWords."), page("More.")]);
        assert_eq!(
            (first.as_str(), text.trim()),
            ("Terms of use", "## Page 1\n\nTerms of use\n\nWords.\n\n## Page 2\n\nMore.")
        );
    }
}
