//! What a run showed, in figures and words.

use serde::Serialize;

/// What the run showed.
#[derive(Debug, Default, Serialize)]
pub(super) struct Shown {
    pub(super) engine: String,
    pub(super) seed: u64,
    pub(super) pages: usize,
    pub(super) first_scan_pages: i64,
    pub(super) first_scan_chunks_embedded: i64,
    /// Of a second scan in which nothing but footers changed.
    pub(super) second_scan_same: i64,
    pub(super) second_scan_chunks_embedded: i64,
    pub(super) kills: usize,
    /// Scans that were going on when the worker was killed.
    pub(super) scans_hit: usize,
    pub(super) vanished: usize,
    pub(super) rows: usize,
    pub(super) keywords: usize,
    pub(super) vectors: usize,
    /// Passages that one holds and another does not.
    pub(super) unequal: usize,
    /// Passages that are there twice.
    pub(super) doubled: usize,
    /// Pages whose present wording is not what a search finds.
    pub(super) stale: usize,
    /// Vanished pages that a document, a search or an answer still shows.
    pub(super) ghosts: usize,
    pub(super) articles: usize,
    /// Articles whose text is not what a person wrote.
    pub(super) articles_changed: usize,
    /// Suggestions beside another one about the same article or of the same text.
    pub(super) suggested_twice: usize,
    pub(super) level_ms: u128,
    pub(super) seconds: u64,
    pub(super) kept: bool,
}

impl Shown {
    pub(super) fn promises(&self) -> [(&'static str, bool); 8] {
        [
            ("every page was found", usize::try_from(self.first_scan_pages).is_ok_and(|read| read > self.pages)),
            (
                "a scan without changes embeds nothing",
                self.second_scan_chunks_embedded == 0 && self.second_scan_same == self.first_scan_pages,
            ),
            ("rows, words and vectors are the same", self.unequal == 0 && self.rows > 0),
            ("nothing is there twice", self.doubled == 0),
            ("no vanished page is shown", self.ghosts == 0),
            ("every present page is found as it is", self.stale == 0),
            ("what people wrote is intact", self.articles_changed == 0 && self.articles > 0),
            ("nothing is suggested twice", self.suggested_twice == 0),
        ]
    }
}

pub(super) fn in_words(shown: &Shown) -> String {
    let rows = [
        ("engine", shown.engine.clone()),
        (
            "first scan",
            format!("{} pages, {} passages embedded", shown.first_scan_pages, shown.first_scan_chunks_embedded),
        ),
        (
            "second scan",
            format!("{} same, {} passages embedded", shown.second_scan_same, shown.second_scan_chunks_embedded),
        ),
        (
            "kill -9",
            format!("{} within {} re-scans, in each of which half of the pages changed", shown.kills, shown.scans_hit),
        ),
        ("vanished pages", shown.vanished.to_string()),
        (
            "passages",
            format!(
                "{} rows = {} by words = {} vectors, {} unequal",
                shown.rows, shown.keywords, shown.vectors, shown.unequal
            ),
        ),
        ("level after", format!("{} ms", shown.level_ms)),
        ("there twice", shown.doubled.to_string()),
        ("ghosts", format!("{} of {} vanished pages in a document, search or answer", shown.ghosts, shown.vanished)),
        ("stale", format!("{} of {} present pages", shown.stale, shown.pages - shown.vanished)),
        ("articles", format!("{} written or edited by people, {} changed", shown.articles, shown.articles_changed)),
        ("suggested twice", shown.suggested_twice.to_string()),
        ("took", format!("{} s", shown.seconds)),
    ];
    let mut lines: Vec<String> = rows.into_iter().map(|(name, value)| format!("{name:<20}{value}")).collect();
    let broken: Vec<&str> =
        shown.promises().into_iter().filter(|(_, kept)| !kept).map(|(promise, _)| promise).collect();
    lines.push(if broken.is_empty() {
        "every promise was kept".to_owned()
    } else {
        format!("✗ broken: {}", broken.join("; "))
    });
    lines.join("\n")
}
