//! Judges what a re-scan found: which differences repeat on the whole site, and whether the rest is small
//! enough to be applied without a person.

use crate::diff::Replaced;
use crate::risk;
use domain::page::RescanSettings;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Pages that must show the same changed line before it can count as part of the site's frame.
const FRAME_PAGES_MIN: u32 = 4;
/// The part of a source's pages, in percent, that must show it.
const FRAME_PERCENT_MIN: u32 = 50;
/// Different changed lines that are counted; beyond it those of one page are forgotten.
const LINES_COUNTED_MAX: usize = 200_000;

/// Counts on how many pages each changed line stands: a new year in every footer is no change of any page.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    pages_by_line: HashMap<u64, u32>,
}

impl Frame {
    /// Adds what differs on one page.
    pub(crate) fn add(&mut self, places: &[Replaced]) {
        let lines: HashSet<u64> =
            places.iter().flat_map(|place| place.before.iter().chain(&place.after)).map(hash).collect();
        for line in lines {
            *self.pages_by_line.entry(line).or_insert(0) += 1;
        }
        if self.pages_by_line.len() > LINES_COUNTED_MAX {
            self.pages_by_line.retain(|_, pages| *pages > 1);
        }
    }

    /// What differs on a page beside the frame. A line about money, or one that says no, is never frame.
    pub(crate) fn without(&self, places: Vec<Replaced>, known_pages: usize) -> Vec<Replaced> {
        let own = |line: &String| {
            let pages = self.pages_by_line.get(&hash(line)).copied().unwrap_or(0);
            let everywhere = percent(pages as usize, known_pages) >= FRAME_PERCENT_MIN as usize;
            pages < FRAME_PAGES_MIN || !everywhere || risk::is_delicate(line)
        };
        places
            .into_iter()
            .map(|mut place| {
                place.before.retain(own);
                place.after.retain(own);
                place
            })
            .filter(|place| place.before != place.after)
            .collect()
    }
}

/// Why all changes of a scan wait for a person, if they do: `removed` and `changed` are of `known` pages.
pub(crate) fn held_because(rules: &RescanSettings, known: usize, removed: usize, changed: usize) -> Option<String> {
    let too_many = |count: usize, percent_max: u32| count * 100 > percent_max as usize * known;
    let said = |count: usize, what: &str, percent_max: u32| {
        format!(
            "{count} of {known} pages {what} ({} %), more than the {percent_max} % that are applied without a person",
            percent(count, known)
        )
    };
    if too_many(removed, rules.removed_percent_max) {
        Some(said(removed, "are gone", rules.removed_percent_max))
    } else if too_many(changed, rules.changed_percent_max) {
        Some(said(changed, "changed", rules.changed_percent_max))
    } else {
        None
    }
}

fn percent(count: usize, known: usize) -> usize {
    count * 100 / known.max(1)
}

fn hash(line: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    line.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::replaced;

    #[test]
    fn few_changes_pass_and_many_wait() {
        let rules = RescanSettings::default();
        assert_eq!(held_because(&rules, 200, 40, 60), None, "exactly the limits");
        let removed = held_because(&rules, 200, 41, 0);
        assert!(removed.is_some_and(|why| why.starts_with("41 of 200 pages are gone (20 %)")));
        assert!(held_because(&rules, 200, 0, 61).is_some_and(|why| why.contains("changed (30 %)")));
        assert_eq!(held_because(&rules, 0, 0, 0), None);
        let strict = RescanSettings { changed_percent_max: 0, ..rules };
        assert!(held_because(&strict, 1_000, 0, 1).is_some());
    }

    #[test]
    fn a_line_that_changed_on_most_pages_is_no_change_of_any() {
        let page = |own: &str, year: &str| format!("{own}\n\n© {year} Example\n");
        let changed =
            |number: usize| replaced(&page("text", "2025"), &page(&format!("text{}", "!".repeat(number % 2)), "2026"));
        let mut frame = Frame::default();
        (0..6).for_each(|number| frame.add(&changed(number)));
        assert_eq!(frame.without(changed(0), 10), [], "only the footer changed");
        assert_eq!(frame.without(changed(1), 10).len(), 1, "its own text changed too");
        assert_eq!(frame.without(changed(0), 100).len(), 1, "six of a hundred pages are not everywhere");
    }

    #[test]
    fn a_promise_on_every_page_is_no_frame() {
        let mut frame = Frame::default();
        let places = || replaced("Returns are possible.\n", "Returns are not possible.\n");
        (0..10).for_each(|_| frame.add(&places()));
        assert_eq!(frame.without(places(), 10).len(), 1);
    }
}
