//! Which addresses belong to a scan: normalised so that one page has one address, inside the scan's
//! scope, and outside the traps that make a website endless. Each refusal has its reason.

use crate::reason::Reason;
use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use std::collections::HashMap;
use url::Url;

/// The longest address, in bytes.
pub const ADDRESS_BYTES_MAX: usize = 2 * 1024;
/// Addresses that differ only behind the question mark, per path.
pub const VARIANTS_MAX: usize = 50;
/// How often one folder name may stand in a path.
const SEGMENT_REPEATS_MAX: usize = 3;
/// Folders in a path.
const SEGMENTS_MAX: usize = 30;
/// Patterns of one scan.
pub const GLOBS_MAX: usize = 200;
/// Parameters that say where a visitor came from, not what is shown.
const TRACKING: [&str; 18] = [
    "gclid", "gclsrc", "dclid", "wbraid", "gbraid", "fbclid", "msclkid", "yclid", "twclid", "ttclid", "igshid",
    "mc_cid", "mc_eid", "_ga", "_gl", "_hsenc", "_hsmi", "mkt_tok",
];
/// Parameters that carry a visitor's session.
const SESSIONS: [&str; 8] =
    ["phpsessid", "jsessionid", "aspsessionid", "sessionid", "session_id", "sid", "cfid", "cftoken"];
/// Parameters of calendars.
const CALENDARS: [&str; 8] = ["ical", "outlook-ical", "tribe-bar-date", "calendar", "year", "month", "day", "week"];
/// Endings of files that are no pages.
const FILES: [&str; 62] = [
    "7z", "apk", "avi", "avif", "bin", "bmp", "bz2", "css", "csv", "deb", "dmg", "doc", "docx", "eot", "epub", "exe",
    "flac", "flv", "gif", "gz", "heic", "ico", "ics", "iso", "jar", "jpeg", "jpg", "js", "json", "m4a", "m4v", "map",
    "mjs", "mkv", "mov", "mp3", "mp4", "mpeg", "msi", "odt", "ogg", "otf", "pdf", "pkg", "png", "ppt", "pptx", "rar",
    "rpm", "rss", "svg", "tar", "tgz", "ttf", "wasm", "wav", "webm", "webp", "woff", "woff2", "xls", "zip",
];

/// Gives an address the one form under which its page is known: no fragment, no tracking, the same
/// percent-encoding, parameters in a fixed order.
pub fn normalize(url: &Url) -> Url {
    let mut normal = url.clone();
    normal.set_fragment(None);
    let path = same_encoding(url.path());
    normal.set_path(&path);
    if let Some(host) = url.host_str().and_then(|host| host.strip_suffix('.')).filter(|host| !host.is_empty()) {
        // Cannot fail: it was a host with its dot.
        let _ = normal.set_host(Some(host));
    }
    // The same encoding comes first: names are compared and put in order as they are written in the end.
    let query = same_encoding(url.query().unwrap_or_default());
    let mut parameters: Vec<&str> =
        query.split('&').filter(|parameter| !parameter.is_empty() && !is_tracking(parameter)).collect();
    // Stable, so that repeated parameters keep their order, which may mean something.
    parameters.sort_by_key(|parameter| name_of(parameter).to_owned());
    let query = parameters.join("&");
    normal.set_query((!query.is_empty()).then_some(query.as_str()));
    normal
}

fn name_of(parameter: &str) -> &str {
    parameter.split('=').next().unwrap_or_default()
}

fn is_tracking(parameter: &str) -> bool {
    let name = name_of(parameter).to_ascii_lowercase();
    name.starts_with("utm_") || TRACKING.contains(&name.as_str())
}

/// Decodes what needs no percent-encoding (RFC 3986, 6.2.2) and writes the rest in capitals.
fn same_encoding(text: &str) -> String {
    let mut same = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, encoded) = rest.split_at(at);
        same.push_str(before);
        let octet = encoded.get(1..3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match octet {
            Some(octet) if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) => {
                same.push(char::from(octet));
            }
            Some(octet) => same.extend(['%', hex_digit(octet >> 4), hex_digit(octet & 15)]),
            None => same.push('%'),
        }
        rest = encoded.get(if octet.is_some() { 3 } else { 1 }..).unwrap_or_default();
    }
    same.push_str(rest);
    same
}

fn hex_digit(value: u8) -> char {
    char::from_digit(value.into(), 16).unwrap_or('0').to_ascii_uppercase()
}

/// What a scan reads: where it starts, which patterns it follows, how far it goes.
#[derive(Clone, Debug)]
pub struct Scope {
    start: Url,
    folder: String,
    include: Option<GlobSet>,
    exclude: GlobSet,
    exclude_patterns: Vec<String>,
    depth_max: usize,
}

/// A pattern that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// It is not a glob.
    #[error("the pattern `{pattern}` cannot be read: {error}")]
    Syntax {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        error: String,
    },
    /// There are too many.
    #[error("more than {GLOBS_MAX} patterns")]
    TooMany,
}

impl Scope {
    /// A scope around a start. Patterns that begin with `/` are matched with the path, others with the
    /// whole address without its scheme; `*` stays inside a folder, `**` does not.
    pub fn new(start: &Url, include: &[String], exclude: &[String], depth_max: usize) -> Result<Self, InvalidPattern> {
        let start = normalize(start);
        let folder = start.path().rsplit_once('/').map_or("/", |(folder, _)| folder).to_owned() + "/";
        Ok(Self {
            folder,
            include: if include.is_empty() { None } else { Some(globs(include)?) },
            exclude: globs(exclude)?,
            exclude_patterns: exclude.to_vec(),
            depth_max,
            start,
        })
    }

    /// The folder of the start, with a slash at its end.
    pub(crate) fn folder(&self) -> &str {
        &self.folder
    }

    /// Takes an address in, in its normal form, or says why not. `depth` counts the links that led to it.
    pub fn admit(&self, url: &Url, depth: usize) -> Result<Url, Reason> {
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(Reason::NotAnAddress);
        }
        if url.as_str().len() > ADDRESS_BYTES_MAX {
            return Err(Reason::AddressTooLong(ADDRESS_BYTES_MAX));
        }
        let mut url = normalize(url);
        self.check_site(&mut url)?;
        self.check_patterns(&url)?;
        check_file(&url)?;
        check_traps(&url)?;
        if depth > self.depth_max { Err(Reason::TooFar(self.depth_max)) } else { Ok(url) }
    }

    /// Another host is another site, but for `www.` and https: those lead to the start's own form.
    fn check_site(&self, url: &mut Url) -> Result<(), Reason> {
        if !is_same_site(&self.start, url) {
            return Err(Reason::OtherSite);
        }
        // Cannot fail: both are web addresses with hosts.
        let _ = url.set_scheme(self.start.scheme());
        let _ = url.set_host(self.start.host_str());
        Ok(())
    }

    fn check_patterns(&self, url: &Url) -> Result<(), Reason> {
        let address = url.as_str().split_once("://").map_or(url.as_str(), |(_, address)| address);
        let path = &url[url::Position::BeforePath..];
        let matching = |globs: &GlobSet| globs.matches(path).into_iter().chain(globs.matches(address)).min();
        if let Some(index) = matching(&self.exclude) {
            return Err(Reason::Excluded(self.exclude_patterns.get(index).cloned().unwrap_or_default()));
        }
        match &self.include {
            Some(include) if matching(include).is_none() => Err(Reason::NotIncluded),
            None if !url.path().starts_with(&self.folder) && format!("{}/", url.path()) != self.folder => {
                Err(Reason::OutsideStart)
            }
            _ => Ok(()),
        }
    }
}

/// Whether two addresses belong to one website: the same host and port, `www.` and https aside.
pub(crate) fn is_same_site(one: &Url, other: &Url) -> bool {
    fn bare(url: &Url) -> Option<&str> {
        url.host_str().map(|host| host.strip_prefix("www.").unwrap_or(host))
    }
    let usual_ports = one.port().is_none() && other.port().is_none();
    bare(one) == bare(other) && (usual_ports || one.port_or_known_default() == other.port_or_known_default())
}

fn globs(patterns: &[String]) -> Result<GlobSet, InvalidPattern> {
    if patterns.len() > GLOBS_MAX {
        return Err(InvalidPattern::TooMany);
    }
    let invalid = |pattern: &str, error: globset::Error| InvalidPattern::Syntax {
        pattern: pattern.to_owned(),
        error: error.kind().to_string(),
    };
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let without_scheme = pattern.split_once("://").map_or(pattern.as_str(), |(_, rest)| rest);
        let glob: Glob = GlobBuilder::new(without_scheme)
            .literal_separator(true)
            .build()
            .map_err(|error| invalid(pattern, error))?;
        set.add(glob);
    }
    set.build().map_err(|error| invalid(patterns.first().map_or("", String::as_str), error))
}

fn check_file(url: &Url) -> Result<(), Reason> {
    let file = url.path().rsplit('/').next().unwrap_or_default();
    match file.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()) {
        Some(ending) if FILES.contains(&ending.as_str()) => Err(Reason::NotAPage(ending)),
        _ => Ok(()),
    }
}

fn check_traps(url: &Url) -> Result<(), Reason> {
    let segments: Vec<&str> = url.path().split('/').filter(|segment| !segment.is_empty()).collect();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let repeats = segments.iter().any(|segment| {
        let times = seen.entry(segment).or_insert(0);
        *times += 1;
        *times > SEGMENT_REPEATS_MAX
    });
    // `/a/b/a/b/a/b`: a relative link that lacks its slash.
    let is_echo = |length: usize| {
        segments
            .windows(length * 3)
            .any(|window| window.chunks(length).all(|chunk| window.get(..length) == Some(chunk)))
    };
    if repeats || segments.len() > SEGMENTS_MAX || [1, 2, 3].into_iter().any(is_echo) {
        return Err(Reason::RepeatingPath);
    }
    let names: Vec<String> =
        url.query().unwrap_or_default().split('&').map(|parameter| name_of(parameter).to_ascii_lowercase()).collect();
    if url.path().to_ascii_lowercase().contains(";jsessionid=")
        || names.iter().any(|name| SESSIONS.contains(&name.as_str()))
    {
        return Err(Reason::SessionAddress);
    }
    let in_calendar = segments
        .iter()
        .any(|segment| matches!(segment.to_ascii_lowercase().as_str(), "calendar" | "events" | "kalender" | "agenda"));
    if names.iter().filter(|name| CALENDARS.contains(&name.as_str())).count() >= 2
        || in_calendar && (segments.iter().any(|segment| is_date(segment)) || has_year_and_month(&segments))
    {
        return Err(Reason::Calendar);
    }
    Ok(())
}

/// `2026-11` or `2026-11-21`.
fn is_date(segment: &str) -> bool {
    let parts: Vec<&str> = segment.split('-').collect();
    matches!(parts.as_slice(), [year, rest @ ..] if is_number(year, 4) && (1..=2).contains(&rest.len()) && rest.iter().all(|part| is_number(part, 2)))
}

fn has_year_and_month(segments: &[&str]) -> bool {
    segments
        .windows(2)
        .any(|pair| matches!(pair, [year, month] if is_number(year, 4) && (is_number(month, 2) || is_number(month, 1))))
}

fn is_number(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Counts the addresses of one path that differ only behind the question mark. For scans whose pages
/// are rows, storage counts instead, by the same key.
#[derive(Clone, Debug, Default)]
pub struct Variants {
    seen: HashMap<String, usize>,
}

impl Variants {
    /// The part of an address that its variants share.
    pub fn key(url: &Url) -> &str {
        &url[..url::Position::AfterPath]
    }

    /// Counts an address that was not seen before; addresses without a question mark always pass.
    pub fn admit(&mut self, url: &Url) -> Result<(), Reason> {
        if url.query().is_none() {
            return Ok(());
        }
        let seen = self.seen.entry(Self::key(url).to_owned()).or_insert(0);
        *seen += 1;
        if *seen > VARIANTS_MAX { Err(Reason::TooManyVariants(VARIANTS_MAX)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use proptest::prelude::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn scope(start: &str, include: &[&str], exclude: &[&str]) -> Scope {
        let owned = |patterns: &[&str]| patterns.iter().map(|pattern| (*pattern).to_owned()).collect::<Vec<_>>();
        Scope::new(&url(start), &owned(include), &owned(exclude), 3).unwrap()
    }

    #[test]
    fn one_page_has_one_address() {
        for (given, normal) in [
            ("HTTPS://Site.Example:443/a/../b/./c#part", "https://site.example/b/c"),
            ("https://site.example", "https://site.example/"),
            ("https://site.example./x", "https://site.example/x"),
            ("https://site.example/%7euser/%e3%83%84?", "https://site.example/~user/%E3%83%84"),
            ("https://site.example/a?utm_source=x&b=2&a=1&gclid=y&fbclid=z", "https://site.example/a?a=1&b=2"),
            ("https://site.example/a?b=2&b=1", "https://site.example/a?b=2&b=1"),
            ("https://site.example/a?%6a&0", "https://site.example/a?0&j"),
            ("https://site.example/a/index.html", "https://site.example/a/index.html"),
            ("https://site.example/100%/%zz%e", "https://site.example/100%/%zz%e"),
        ] {
            assert_eq!(normalize(&url(given)).as_str(), normal);
        }
    }

    #[test]
    fn the_scope_is_the_start_and_what_is_below_its_folder() {
        let scope = scope("https://www.site.example/docs/start.html", &[], &[]);
        let admitted = |address: &str| scope.admit(&url(address), 0).map(|url| url.to_string());
        assert_eq!(
            admitted("http://site.example/docs/a#x"),
            Ok("https://www.site.example/docs/a".into()),
            "www and https lead to the start's own form"
        );
        assert_eq!(admitted("https://www.site.example/docs"), Ok("https://www.site.example/docs".into()));
        assert_eq!(admitted("https://www.site.example/documents/"), Err(Reason::OutsideStart));
        assert_eq!(admitted("https://www.site.example/"), Err(Reason::OutsideStart));
        assert_eq!(admitted("https://blog.site.example/docs/a"), Err(Reason::OtherSite));
        assert_eq!(admitted("https://www.site.example:8443/docs/a"), Err(Reason::OtherSite));
        assert_eq!(admitted("mailto:a@site.example"), Err(Reason::NotAnAddress));
        assert_eq!(scope.admit(&url("https://www.site.example/docs/a"), 4), Err(Reason::TooFar(3)));
    }

    #[test]
    fn patterns_choose_and_exclusion_wins() {
        let scope = scope("https://site.example/docs/", &["/help/**", "site.example/faq/*"], &["/help/old/**"]);
        let admit = |address: &str| scope.admit(&url(address), 0).map(drop);
        assert_eq!(admit("https://site.example/help/a/b"), Ok(()));
        assert_eq!(admit("https://site.example/faq/a"), Ok(()));
        assert_eq!(admit("https://site.example/faq/a/b"), Err(Reason::NotIncluded), "one star stays inside a folder");
        assert_eq!(admit("https://site.example/docs/a"), Err(Reason::NotIncluded));
        assert_eq!(admit("https://site.example/help/old/a"), Err(Reason::Excluded("/help/old/**".into())));
        assert!(matches!(
            Scope::new(&url("https://site.example/"), &["/a[".into()], &[], 1),
            Err(InvalidPattern::Syntax { .. })
        ));
    }

    #[test]
    fn traps_are_seen_and_real_addresses_are_not_taken_for_them() {
        let scope = scope("https://site.example/", &[], &[]);
        let admit = |path: &str| scope.admit(&url(&format!("https://site.example{path}")), 0).map(drop);
        for (path, reason) in [
            ("/a/b/a/b/a/b/c", Reason::RepeatingPath),
            ("/x/x/x", Reason::RepeatingPath),
            ("/a/1/a/2/a/3/a/4", Reason::RepeatingPath),
            ("/page;jsessionid=AB12", Reason::SessionAddress),
            ("/page?PHPSESSID=1", Reason::SessionAddress),
            ("/calendar/2026-11-21", Reason::Calendar),
            ("/events/2026/11/", Reason::Calendar),
            ("/x?year=2026&month=3", Reason::Calendar),
            ("/guide.PDF", Reason::NotAPage("pdf".into())),
        ] {
            assert_eq!(admit(path), Err(reason), "{path}");
        }
        assert_eq!(
            admit(&format!("/{}", "x".repeat(ADDRESS_BYTES_MAX))),
            Err(Reason::AddressTooLong(ADDRESS_BYTES_MAX))
        );
        for path in [
            "/blog/2026/11/a-post",
            "/v1.2/guide",
            "/docs/api/docs/guide",
            "/en/en/x",
            "/report?year=2026",
            "/events/summer",
            "/a.b/c",
            "/release-2.0.html",
        ] {
            assert_eq!(admit(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn only_so_many_variants_of_a_path_pass() {
        let mut variants = Variants::default();
        for number in 0..VARIANTS_MAX {
            assert_eq!(variants.admit(&url(&format!("https://site.example/list?page={number}"))), Ok(()));
        }
        assert_eq!(
            variants.admit(&url("https://site.example/list?page=last")),
            Err(Reason::TooManyVariants(VARIANTS_MAX))
        );
        assert_eq!(variants.admit(&url("https://site.example/list")), Ok(()));
    }

    proptest! {
        #[test]
        fn a_normal_address_stays_as_it_is(path in "[a-zA-Z0-9/%._~?&=+-]{0,60}") {
            let once = normalize(&url(&format!("https://site.example/{path}")));
            prop_assert_eq!(normalize(&once), once);
        }
    }
}
