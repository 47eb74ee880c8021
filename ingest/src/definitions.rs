//! Finds lists of terms with their descriptions, as definition lists are written in Markdown: each term an
//! item of its own, the description indented below it.

use std::ops::Range;

/// Terms that make a list of them.
const TERMS_MIN: usize = 3;
/// Words of a term.
const TERM_WORDS_MAX: usize = 6;
/// Words of a description.
const DESCRIPTION_WORDS_MIN: usize = 5;
/// Share of a section's words that stand in the list where the section is one.
const SHARE_MIN_PERCENT: usize = 80;

/// The terms of a section that is such a list, with the bytes of their descriptions; none of any other.
pub(crate) fn definitions(text: &str, section: Range<usize>) -> Vec<(String, Range<usize>)> {
    let Some(inside) = text.get(section.clone()) else { return Vec::new() };
    let mut found: Vec<(String, Range<usize>)> = Vec::new();
    let mut outside_words = 0;
    let mut at = section.start;
    for line in inside.split_inclusive('\n') {
        let range = at..at + line.len();
        at = range.end;
        let is_indented = line.starts_with("  ");
        if let Some(term) = line.strip_prefix("- ") {
            found.push((term.trim().to_owned(), range.end..range.end));
        } else if is_indented && let Some((_, description)) = found.last_mut() {
            description.end = range.end;
        } else if !line.trim().is_empty() {
            outside_words += line.split_whitespace().count();
        }
    }
    let words = |range: &Range<usize>| text.get(range.clone()).map_or(0, |text| text.split_whitespace().count());
    let is_term = |term: &str| {
        let count = term.split_whitespace().count();
        (1..=TERM_WORDS_MAX).contains(&count) && !term.ends_with(['.', ':', '!', ',', ';', '…'])
    };
    let holds = found.iter().all(|(term, description)| is_term(term) && words(description) >= DESCRIPTION_WORDS_MIN);
    let all: usize = found.iter().map(|(_, description)| words(description)).sum();
    let fills = all * 100 >= (all + outside_words) * SHARE_MIN_PERCENT;
    if found.len() >= TERMS_MIN && holds && fills { found } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::string_slice, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn a_list_of_terms_is_told_from_a_list_of_steps() {
        let terms = "- Bounce rate\n  The share of visits with one page.\n- Visit\n  A set of actions of one visitor.\n\n- Visitor\n  A person, counted once in a day.\n  Not by cookies.\n";
        let found = definitions(terms, 0..terms.len());
        let shown: Vec<(&str, &str)> =
            found.iter().map(|(term, range)| (term.as_str(), terms[range.clone()].trim())).collect();
        assert_eq!(shown[2], ("Visitor", "A person, counted once in a day.\n  Not by cookies."));
        assert_eq!(shown.len(), 3);
        for other in [
            "- Open the settings.\n  You find them at the top right.\n- Press save.\n  Nothing else is needed here.\n- Wait.\n  It takes a minute or two.\n",
            "- One\n- Two\n- Three\n",
            "- Visit\n  A set of actions of one visitor.\n- Visitor\n  A person, counted once in a day.\n",
        ] {
            assert!(definitions(other, 0..other.len()).is_empty(), "{other}");
        }
    }
}
