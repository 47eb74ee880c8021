//! Reads sitemaps: plain, gzipped, text, and indexes of sitemaps, within stated limits.

use crate::charset;
use crate::fetch::Body;
use crate::reason::Reason;
use crate::unpack::{Bounds, unpack_if_gzip};
use quick_xml::Reader;
use quick_xml::events::Event;
use std::collections::HashSet;
use url::Url;

/// Addresses of one sitemap (the protocol's own limit).
pub const URLS_MAX: usize = 50_000;
/// How much of one sitemap is read, unpacked. The protocol allows six times as much, but 50,000 usual addresses
/// fit in, and all of it at once would be most of what a scan may take up.
pub const SITEMAP_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Indexes inside one another.
pub const NESTING_MAX: usize = 3;
/// Sitemaps read for one scan.
pub const SITEMAPS_MAX: usize = 500;
/// The text of one element; addresses are shorter.
const ELEMENT_BYTES_MAX: usize = 8 * 1024;

/// What a sitemap lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sitemap {
    /// Pages.
    Pages(Vec<Entry>),
    /// Other sitemaps.
    Index(Vec<Entry>),
}

/// One address of a sitemap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The address.
    pub url: Url,
    /// When it changed last, as the site wrote it.
    pub last_modified: Option<String>,
}

/// A sitemap that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// What it lists.
    pub sitemap: Sitemap,
    /// Whether only its beginning was read.
    pub is_cut: bool,
}

/// Reads one sitemap that was fetched; of one that is too large the beginning.
pub fn read(body: Body) -> Result<Listing, Reason> {
    let bounds = Bounds { raw_bytes_max: SITEMAP_BYTES_MAX, unpacked_bytes_max: SITEMAP_BYTES_MAX };
    let damaged = |_| Reason::BadSitemap("it is damaged".to_owned());
    let (bytes, is_cut) = unpack_if_gzip(body.bytes, bounds).map_err(damaged)?;
    let is_cut = is_cut || body.is_cut;
    let sitemap = parse(&bytes, &body.url)?;
    let is_empty = matches!(&sitemap, Sitemap::Pages(entries) | Sitemap::Index(entries) if entries.is_empty());
    match (is_empty, is_cut) {
        (true, false) => Err(Reason::BadSitemap("it lists no page".to_owned())),
        (true, true) => Err(Reason::SitemapCut(SITEMAP_BYTES_MAX)),
        (false, _) => Ok(Listing { sitemap, is_cut }),
    }
}

fn parse(bytes: &[u8], url: &Url) -> Result<Sitemap, Reason> {
    let text = charset::decode(bytes, None);
    if text.trim_start().starts_with('<') { xml(&text, url) } else { Ok(Sitemap::Pages(lines(&text, url))) }
}

fn lines(text: &str, url: &Url) -> Vec<Entry> {
    let absolute =
        text.lines().map(str::trim).filter(|line| line.len() <= ELEMENT_BYTES_MAX && line.starts_with("http"));
    absolute
        .filter_map(|line| url.join(line).ok())
        .take(URLS_MAX)
        .map(|url| Entry { url, last_modified: None })
        .collect()
}

fn xml(text: &str, url: &Url) -> Result<Sitemap, Reason> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    let mut draft = Draft::default();
    loop {
        // Entities of the document's own are never expanded: only the five of XML and character references are.
        match reader.read_event() {
            Ok(Event::Start(start)) => draft.open(start.local_name().as_ref()),
            Ok(Event::Text(piece)) => draft.push(&piece),
            Ok(Event::CData(piece)) => draft.push(&piece),
            Ok(Event::GeneralRef(reference)) => {
                let character = reference.resolve_char_ref().ok().flatten();
                let known = || quick_xml::escape::resolve_predefined_entity(&reference);
                match character {
                    Some(character) => draft.push(character.encode_utf8(&mut [0; 4])),
                    None => draft.push(known().unwrap_or_default()),
                }
            }
            Ok(Event::End(end)) => draft.close(end.local_name().as_ref(), url),
            Ok(Event::Eof) => break,
            Ok(_) => {}
            // What was read before the damage is worth having.
            Err(_) if !draft.entries.is_empty() => break,
            Err(error) => {
                return Err(Reason::BadSitemap(error.to_string().chars().take(200).collect()));
            }
        }
        if draft.entries.len() >= URLS_MAX {
            break;
        }
    }
    match draft.is_index {
        Some(true) => Ok(Sitemap::Index(draft.entries)),
        Some(false) => Ok(Sitemap::Pages(draft.entries)),
        None => Err(Reason::BadSitemap("it is another kind of file".to_owned())),
    }
}

#[derive(Default)]
struct Draft {
    is_index: Option<bool>,
    entries: Vec<Entry>,
    /// The element whose text is being collected; extensions (`image:loc`) lie deeper than `url`.
    field: Option<Field>,
    depth_in_entry: usize,
    text: String,
    location: String,
    last_modified: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Location,
    LastModified,
}

impl Draft {
    fn open(&mut self, name: &str) {
        match name {
            "urlset" if self.is_index.is_none() => self.is_index = Some(false),
            "sitemapindex" if self.is_index.is_none() => self.is_index = Some(true),
            "url" | "sitemap" if self.depth_in_entry == 0 => self.depth_in_entry = 1,
            _ if self.depth_in_entry > 0 => {
                self.depth_in_entry += 1;
                self.field = match name {
                    "loc" if self.depth_in_entry == 2 => Some(Field::Location),
                    "lastmod" if self.depth_in_entry == 2 => Some(Field::LastModified),
                    _ => None,
                };
                self.text.clear();
            }
            _ => {}
        }
    }

    fn push(&mut self, text: &str) {
        if self.field.is_some() && self.text.len() + text.len() <= ELEMENT_BYTES_MAX {
            self.text.push_str(text);
        }
    }

    fn close(&mut self, name: &str, base: &Url) {
        match self.field.take() {
            Some(Field::Location) => self.location = std::mem::take(&mut self.text),
            Some(Field::LastModified) => self.last_modified = std::mem::take(&mut self.text),
            None => {}
        }
        self.depth_in_entry = self.depth_in_entry.saturating_sub(1);
        if self.depth_in_entry == 0 && matches!(name, "url" | "sitemap") {
            let last_modified = Some(std::mem::take(&mut self.last_modified))
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty());
            let location = std::mem::take(&mut self.location);
            if let Ok(url) = base.join(location.trim())
                && !location.trim().is_empty()
            {
                self.entries.push(Entry { url, last_modified });
            }
        }
    }
}

/// Walks through sitemaps that point at sitemaps: each once, so deep, and so many. Holds no connection:
/// its caller fetches what `take` names and gives back what was found.
#[derive(Debug, Default)]
pub struct Walk {
    waiting: Vec<(Url, usize)>,
    seen: HashSet<Url>,
    refused: Vec<(Url, Reason)>,
}

impl Walk {
    /// Begins with the sitemaps that robots.txt names, or with the usual place.
    pub fn new(starts: impl IntoIterator<Item = Url>) -> Self {
        let mut walk = Self::default();
        for url in starts {
            walk.add(url, 0);
        }
        walk.waiting.reverse();
        walk
    }

    /// The next sitemap to fetch, and how deep it lies.
    pub fn take(&mut self) -> Option<(Url, usize)> {
        self.waiting.pop()
    }

    /// Adds the sitemaps of an index that lay at a depth.
    pub fn found(&mut self, index: Vec<Entry>, depth: usize) {
        for entry in index {
            self.add(entry.url, depth + 1);
        }
    }

    /// What was not followed, and why.
    pub fn into_refused(self) -> Vec<(Url, Reason)> {
        self.refused
    }

    fn add(&mut self, url: Url, depth: usize) {
        if self.seen.contains(&url) {
            return;
        }
        if depth > NESTING_MAX || self.seen.len() >= SITEMAPS_MAX {
            self.refused.push((url, Reason::SitemapLoop));
            self.refused.truncate(SITEMAPS_MAX);
        } else {
            self.seen.insert(url.clone());
            self.waiting.push((url, depth));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
    use super::*;
    use std::io::Write;

    fn url() -> Url {
        Url::parse("https://site.example/sitemap.xml").unwrap()
    }

    fn read(text: &str) -> Result<Sitemap, Reason> {
        parse(text.as_bytes(), &url())
    }

    fn packed(bytes: Vec<u8>) -> Result<Listing, Reason> {
        super::read(Body::of(url(), bytes))
    }

    fn pages(text: &str) -> Vec<String> {
        match read(text).unwrap() {
            Sitemap::Pages(entries) => entries.into_iter().map(|entry| entry.url.to_string()).collect(),
            Sitemap::Index(_) => panic!("an index"),
        }
    }

    #[test]
    fn reads_pages_with_their_dates_and_leaves_extensions_alone() {
        let text = r#"<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://x">
          <url><loc> https://site.example/a?x=1&amp;y=&#50; </loc><lastmod>2026-01-02</lastmod><image:image><image:loc>https://site.example/a.png</image:loc></image:image></url>
          <url><loc><![CDATA[https://site.example/b]]></loc></url><url><lastmod>2026</lastmod></url></urlset>"#;
        let Sitemap::Pages(entries) = read(text).unwrap() else { panic!("an index") };
        assert_eq!(
            entries.iter().map(|entry| entry.url.as_str()).collect::<Vec<_>>(),
            ["https://site.example/a?x=1&y=2", "https://site.example/b"]
        );
        assert_eq!(entries.first().unwrap().last_modified.as_deref(), Some("2026-01-02"));
    }

    #[test]
    fn reads_text_gzip_and_indexes() {
        assert_eq!(
            pages("https://site.example/a\r\nnonsense\nhttps://site.example/b\n"),
            ["https://site.example/a", "https://site.example/b"]
        );
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(b"<urlset><url><loc>/x</loc></url></urlset>").unwrap();
        let listing = packed(encoder.finish().unwrap()).unwrap();
        assert!(matches!(listing.sitemap, Sitemap::Pages(entries) if entries.len() == 1) && !listing.is_cut);
        assert!(
            matches!(read("<sitemapindex><sitemap><loc>https://site.example/1.xml.gz</loc></sitemap></sitemapindex>"), Ok(Sitemap::Index(entries)) if entries.len() == 1)
        );
    }

    #[test]
    fn entities_of_the_document_are_not_expanded() {
        let bomb = r#"<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>
          <urlset><url><loc>https://site.example/&b;&f;x</loc></url></urlset>"#;
        assert_eq!(pages(bomb), ["https://site.example/x"]);
    }

    #[test]
    fn other_files_and_damaged_ones_are_refused_with_words() {
        assert!(matches!(read("<!doctype html><html><body>no</body></html>"), Err(Reason::BadSitemap(_))));
        assert_eq!(
            pages("<urlset><url><loc>https://site.example/a</loc></url><url><loc>https://site.exa"),
            ["https://site.example/a"]
        );
        assert!(matches!(packed(vec![0x1f, 0x8b, 0, 0]), Err(Reason::BadSitemap(_))));
    }

    #[test]
    fn of_a_sitemap_that_is_too_large_the_beginning_is_read() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(b"<urlset><url><loc>/x</loc></url>").unwrap();
        encoder.write_all(&vec![b' '; SITEMAP_BYTES_MAX]).unwrap();
        let listing = packed(encoder.finish().unwrap()).unwrap();
        assert!(matches!(listing.sitemap, Sitemap::Pages(entries) if entries.len() == 1) && listing.is_cut);
    }

    #[test]
    fn no_more_than_the_limit_is_read() {
        let text = format!("<urlset>{}</urlset>", "<url><loc>/x</loc></url>".repeat(URLS_MAX + 10));
        assert_eq!(pages(&text).len(), URLS_MAX);
    }

    #[test]
    fn sitemaps_that_point_at_each_other_end() {
        let site = |name: &str| Url::parse(&format!("https://site.example/{name}")).unwrap();
        let entry = |name: &str| Entry { url: site(name), last_modified: None };
        let mut walk = Walk::new([site("a")]);
        let mut fetched = 0;
        while let Some((_, depth)) = walk.take() {
            fetched += 1;
            walk.found(vec![entry("a"), entry(&format!("deeper{depth}"))], depth);
        }
        assert_eq!(fetched, 1 + NESTING_MAX);
        assert_eq!(walk.into_refused().len(), 1);
    }
}
