//! What a scan would read and what not and why, in seconds; nothing is stored.

use crate::boilerplate::BlockHash;
use crate::discover::{Discovered, discover_pages};
use crate::extract::{Extraction, RawPage, extract};
use crate::fetch::{Fetched, Get};
use crate::frontier::{Scope, normalize};
use crate::reason::Reason;
use crate::robots::Rules;
use crate::scan::parse_start;
use crate::{Error, Library, Result, tokens};
use domain::page::ScanSettings;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

/// How long a preview may take in all.
const PREVIEW_TIME_MAX: Duration = Duration::from_millis(4_500);
/// How long robots.txt may take of it.
const ROBOTS_TIME_MAX: Duration = Duration::from_millis(2_500);
/// How long sitemaps may take of it.
const SITEMAPS_TIME_MAX: Duration = Duration::from_millis(1_500);
/// Pages that are looked at: they tell sizes, duplicates and what asks not to be indexed, and they are what
/// links are found in where there is no sitemap.
const LOOKS_MAX: usize = 48;
/// Pages that are looked at at a time.
const LOOKS_AT_ONCE: usize = 4;
/// Addresses that are known of a site without a sitemap.
const ADDRESSES_MAX: usize = 20_000;
/// Texts shorter than this, in bytes, may be the same by chance.
const DUPLICATE_BYTES_MIN: usize = 200;
/// Folders shown.
const FOLDERS_MAX: usize = 20;
/// Addresses shown of each skip reason.
const EXAMPLES_MAX: usize = 5;

/// What a scan would do. `Display` is what people see on a terminal.
#[derive(Clone, Debug, Serialize)]
pub struct Preview {
    /// The start, as it is understood.
    pub url: String,
    /// The sitemaps that were read; empty where links are followed instead.
    pub sitemaps: Vec<String>,
    /// Addresses that the sitemaps list, or that links led to.
    pub listed: usize,
    /// Pages that would be read, as far as they are known before reading.
    pub pages: usize,
    /// Whether links lead to pages that no sitemap lists, so that a scan will find more.
    pub more_by_links: bool,
    /// How many pages were looked at: only of these it is known whether they are duplicates, too large,
    /// no pages, or ask not to be indexed.
    pub looked_at: usize,
    /// By folder of the site.
    pub folders: Vec<Folder>,
    /// What would be skipped, by reason.
    pub skipped: Vec<Skipped>,
}

/// The pages of one folder.
#[derive(Clone, Debug, Serialize)]
pub struct Folder {
    /// Its path.
    pub path: String,
    /// Its pages.
    pub pages: usize,
    /// Their tokens, estimated from the pages that were looked at.
    pub tokens_estimated: usize,
}

/// Addresses that would be skipped for one reason.
#[derive(Clone, Debug, Serialize)]
pub struct Skipped {
    /// The reason in one or two words.
    pub kind: &'static str,
    /// The reason, in a sentence.
    pub reason: String,
    /// How many.
    pub pages: usize,
    /// Some of them.
    pub examples: Vec<String>,
}

/// Looks at a site as a scan would.
pub async fn preview(library: &Library, url: &str, settings: &ScanSettings) -> Result<Preview> {
    let deadline = Instant::now() + PREVIEW_TIME_MAX;
    let start = parse_start(library, url)?;
    let scope = Scope::new(&start, &settings.include, &settings.exclude, settings.depth_max)?;
    let fail = |reason| Error::Address { url: url.to_owned(), reason };
    let rules = timeout(ROBOTS_TIME_MAX, library.rules(&start)).await;
    let rules = rules.map_err(|_| fail(Reason::SlowAnswer(ROBOTS_TIME_MAX)))?;
    rules.check(&start).map_err(fail)?;
    let discovered = discover_pages(library, &start, &scope, (settings.pages_max, SITEMAPS_TIME_MAX)).await;
    let by_links = discovered.sitemaps.is_empty();
    let mut draft = Draft::new(discovered, settings.pages_max);
    look_around(library, &mut draft, &Site { scope: &scope, rules: &rules, by_links, deadline }).await;
    let start = normalize(&start);
    let refused = draft.skipped.iter().find(|(address, _)| *address == start).map(|(_, reason)| reason.clone());
    let is_late = by_links && draft.looked_at == 0;
    let preview = draft.preview(&start, &scope);
    match refused.or(is_late.then_some(Reason::SlowPage(PREVIEW_TIME_MAX))) {
        Some(reason) if preview.pages == 0 || is_late => Err(fail(reason)),
        _ => Ok(preview),
    }
}

/// Where a preview looks, and until when.
struct Site<'a> {
    scope: &'a Scope,
    rules: &'a Rules,
    by_links: bool,
    deadline: Instant,
}

/// What a preview knows so far.
struct Draft {
    sitemaps: Vec<Url>,
    listed: usize,
    pages: Vec<Url>,
    known: HashSet<Url>,
    skipped: Vec<(Url, Reason)>,
    looks: HashMap<Url, usize>,
    looked_at: usize,
    texts: HashMap<u64, Url>,
    more_by_links: bool,
    pages_max: usize,
}

/// Reads pages spread over the list, or those that links lead to, until there are enough or time is up.
async fn look_around(library: &Library, draft: &mut Draft, site: &Site<'_>) {
    let step = draft.pages.len().div_ceil(LOOKS_MAX).max(1);
    let mut waiting: VecDeque<Url> = draft.pages.iter().step_by(step).cloned().collect();
    let mut running = FuturesUnordered::new();
    let mut started = 0;
    loop {
        while running.len() < LOOKS_AT_ONCE
            && started < LOOKS_MAX
            && let Some(url) = waiting.pop_front()
        {
            started += 1;
            running.push(look(library, site.rules, url));
        }
        let Ok(Some((url, looked))) = timeout_at(site.deadline, running.next()).await else { return };
        draft.looked_at += 1;
        let links = draft.take(url, looked, site);
        waiting.extend(draft.follow(&links, site));
    }
}

async fn look(library: &Library, rules: &Rules, url: Url) -> (Url, Result<(Url, Extraction), Reason>) {
    let get = Get { crawl_delay: rules.crawl_delay(), ..Get::page(url.clone()) };
    let body = match library.fetcher.get_within(&get, rules).await {
        Ok(Fetched::Body(body)) => body,
        Ok(Fetched::NotModified) => return (url, Err(Reason::BadAnswer)),
        Err(refused) => return (url, Err(refused.reason)),
    };
    let taken = library.fetcher.take_apart(move || {
        let raw = RawPage {
            url: &body.url,
            content_type: body.content_type.as_deref(),
            robots_tag: body.robots_tag.as_deref(),
            bytes: &body.bytes,
        };
        extract(&raw, None).map(|extraction| (body.url.clone(), extraction))
    });
    (url, taken.await.unwrap_or(Err(Reason::TooComplex)))
}

impl Draft {
    fn new(discovered: Discovered, pages_max: usize) -> Self {
        Self {
            listed: discovered.listed,
            known: discovered.pages.iter().cloned().collect(),
            pages: discovered.pages,
            skipped: discovered.skipped,
            looks: HashMap::new(),
            looked_at: 0,
            texts: HashMap::new(),
            more_by_links: discovered.sitemaps.is_empty(),
            sitemaps: discovered.sitemaps,
            pages_max,
        }
    }

    /// Takes in what a page turned out to be; gives its links back.
    fn take(&mut self, url: Url, looked: Result<(Url, Extraction), Reason>, site: &Site<'_>) -> Vec<Url> {
        let (found_at, extraction) = match looked {
            Ok(looked) => looked,
            Err(reason) => {
                self.skipped.push((url, reason));
                return Vec::new();
            }
        };
        let mut links = extraction.links;
        let canonical = extraction.canonical.and_then(|canonical| site.scope.admit(&canonical, 0).ok());
        let found_at = normalize(&found_at);
        let hash = hash(&extraction.text);
        let twin = self.texts.get(&hash).filter(|_| extraction.text.len() >= DUPLICATE_BYTES_MIN);
        let elsewhere = [Some(found_at), canonical].into_iter().flatten().find(|address| *address != url);
        let refused = if extraction.noindex {
            Some(Reason::NoIndex)
        } else if extraction.seems_gone {
            Some(Reason::SoftGone)
        } else if extraction.seems_walled {
            Some(Reason::Wall)
        } else if extraction.text.trim().is_empty() {
            Some(Reason::Empty)
        } else {
            elsewhere.as_ref().or(twin).map(|other| Reason::Duplicate(other.to_string()))
        };
        links.extend(elsewhere);
        if let Some(reason) = refused {
            self.skipped.push((url, reason));
        } else {
            self.texts.insert(hash, url.clone());
            self.looks.insert(url, tokens::estimate(&extraction.text));
        }
        links
    }

    /// Adds pages that links lead to, as the scan will; gives back those that are new.
    fn follow(&mut self, links: &[Url], site: &Site<'_>) -> Vec<Url> {
        let mut found = Vec::new();
        for link in links {
            if self.known.len() >= ADDRESSES_MAX {
                break;
            }
            let admitted = site.scope.admit(link, 0).and_then(|url| site.rules.check(&url).map(|()| url));
            let address = admitted.as_ref().unwrap_or(link).clone();
            if !self.known.insert(address) {
                continue;
            }
            match admitted {
                // A sitemap says what a site holds; that its pages link elsewhere is nobody's loss.
                Err(reason) if !site.by_links && reason.is_outside() => continue,
                Ok(url) if self.pages.len() < self.pages_max => {
                    self.more_by_links = true;
                    self.pages.push(url.clone());
                    found.push(url);
                }
                Ok(url) => self.skipped.push((url, Reason::TooManyPages(self.pages_max))),
                Err(reason) => self.skipped.push((link.clone(), reason)),
            }
            self.listed += 1;
        }
        found
    }

    fn preview(self, start: &Url, scope: &Scope) -> Preview {
        let refused: HashSet<&Url> = self.skipped.iter().map(|(url, _)| url).collect();
        let pages: Vec<&Url> = self.pages.iter().filter(|url| !refused.contains(url)).collect();
        Preview {
            url: start.to_string(),
            sitemaps: self.sitemaps.iter().map(Url::to_string).collect(),
            listed: self.listed.max(self.pages.len()),
            pages: pages.len(),
            more_by_links: self.more_by_links,
            looked_at: self.looked_at,
            folders: folders(&pages, &self.looks, scope.folder()),
            skipped: skipped(&self.skipped),
        }
    }
}

fn hash(text: &str) -> u64 {
    let mut hash = BlockHash::default();
    hash.add(text);
    hash.value()
}

/// The folder of a page: the first one below the folder of the start.
fn folder_of(page: &Url, base: &str) -> String {
    let path = page.path();
    let (above, below) = path.strip_prefix(base).map_or(("/", path.trim_start_matches('/')), |below| (base, below));
    below.split_once('/').map_or_else(|| above.to_owned(), |(folder, _)| format!("{above}{folder}/"))
}

#[derive(Default)]
struct Sum {
    pages: usize,
    looked_at: usize,
    tokens: usize,
}

impl Sum {
    fn add(&mut self, other: &Self) {
        self.pages += other.pages;
        self.looked_at += other.looked_at;
        self.tokens += other.tokens;
    }
}

/// Counts pages by folder; of folders that were not looked into, the sizes are those of the others. Folders
/// of one page, and those beyond the largest, are counted with the folder of the start.
fn folders(pages: &[&Url], looks: &HashMap<Url, usize>, base: &str) -> Vec<Folder> {
    let mut by_path: BTreeMap<String, Sum> = BTreeMap::new();
    for page in pages {
        let tokens = looks.get(page).copied();
        let one = Sum { pages: 1, looked_at: usize::from(tokens.is_some()), tokens: tokens.unwrap_or(0) };
        by_path.entry(folder_of(page, base)).or_default().add(&one);
    }
    let mut sums: Vec<(String, Sum)> = by_path.into_iter().collect();
    sums.sort_by(|(one, a), (other, b)| b.pages.cmp(&a.pages).then(one.cmp(other)));
    let mut rest = Sum::default();
    let mut number = 0;
    sums.retain(|(path, sum)| {
        number += 1;
        let is_shown = path != base && sum.pages > 1 && number <= FOLDERS_MAX;
        if !is_shown {
            rest.add(sum);
        }
        is_shown
    });
    if rest.pages > 0 {
        sums.push((base.to_owned(), rest));
    }
    let mean_of_all = looks.values().sum::<usize>().checked_div(looks.len()).unwrap_or(0);
    sums.into_iter()
        .map(|(path, sum)| {
            let each = sum.tokens.checked_div(sum.looked_at).unwrap_or(mean_of_all);
            Folder { path, pages: sum.pages, tokens_estimated: sum.pages * each }
        })
        .collect()
}

fn skipped(skipped: &[(Url, Reason)]) -> Vec<Skipped> {
    // Reasons of one kind name different pages; the first sentence stands for them.
    let mut by_kind: BTreeMap<&'static str, Skipped> = BTreeMap::new();
    for (url, reason) in skipped {
        let kind = reason.kind();
        let group = by_kind.entry(kind).or_insert_with(|| Skipped {
            kind,
            reason: reason.to_string(),
            pages: 0,
            examples: Vec::new(),
        });
        group.pages += 1;
        if group.examples.len() < EXAMPLES_MAX {
            group.examples.push(url.to_string());
        }
    }
    let mut groups: Vec<Skipped> = by_kind.into_values().collect();
    groups.sort_by(|a, b| b.pages.cmp(&a.pages).then(a.kind.cmp(b.kind)));
    groups
}

impl fmt::Display for Preview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let site = self.url.split_once("://").map_or(self.url.as_str(), |(_, site)| site).trim_end_matches('/');
        let from = match self.sitemaps.as_slice() {
            [] => "no sitemap, following links".to_owned(),
            [one] => one.rsplit('/').next().unwrap_or_default().to_owned(),
            several => format!("{} sitemaps", several.len()),
        };
        write!(f, "{site}  {from}: {} URLs → {} in scope", self.listed, self.pages)?;
        if self.more_by_links {
            write!(f, " so far, more will be found while scanning")?;
        }
        let width = self.folders.iter().map(|folder| folder.path.chars().count()).max().unwrap_or(0).clamp(12, 40);
        for folder in &self.folders {
            write!(
                f,
                "\n  {:<width$} {:>6}   ~{} tokens",
                folder.path,
                folder.pages,
                thousands(folder.tokens_estimated)
            )?;
        }
        if !self.skipped.is_empty() {
            let all: usize = self.skipped.iter().map(|group| group.pages).sum();
            let kinds: Vec<String> =
                self.skipped.iter().map(|group| format!("{} {}", group.kind, group.pages)).collect();
            write!(f, "\n  {:<width$} {all:>6}   {}", "skipped", kinds.join(" · "))?;
        }
        let noticed = "pages; only of these it is known whether they are duplicates, noindex or too large";
        write!(f, "\n  {:<width$} {:>6}   {noticed}", "looked at", self.looked_at)
    }
}

fn thousands(tokens: usize) -> String {
    if tokens < 1_000 { tokens.to_string() } else { format!("{}k", (tokens + 500) / 1_000) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn pages_are_counted_by_the_folders_below_the_start() {
        let urls: Vec<Url> = ["", "guides/a", "guides/b/c", "api/x", "about", "guides/"]
            .iter()
            .map(|path| Url::parse("https://site.example/docs/").unwrap().join(path).unwrap())
            .collect();
        let looks = HashMap::from([(urls.get(1).unwrap().clone(), 100), (urls.get(4).unwrap().clone(), 10)]);
        let folders = folders(&urls.iter().collect::<Vec<_>>(), &looks, "/docs/");
        let shown: Vec<(&str, usize, usize)> =
            folders.iter().map(|folder| (folder.path.as_str(), folder.pages, folder.tokens_estimated)).collect();
        assert_eq!(shown, [("/docs/guides/", 3, 300), ("/docs/", 3, 30)]);
    }

    #[test]
    fn it_reads_as_people_expect() {
        let preview = Preview {
            url: "https://docs.example.com/".to_owned(),
            sitemaps: vec!["https://docs.example.com/sitemap.xml".to_owned()],
            listed: 412,
            pages: 287,
            more_by_links: false,
            looked_at: 40,
            folders: vec![Folder { path: "/guides/".to_owned(), pages: 148, tokens_estimated: 209_700 }],
            skipped: vec![
                Skipped { kind: "duplicate", reason: "duplicate of x".to_owned(), pages: 61, examples: Vec::new() },
                Skipped { kind: "robots.txt", reason: "forbidden".to_owned(), pages: 3, examples: Vec::new() },
            ],
        };
        let expected = "docs.example.com  sitemap.xml: 412 URLs → 287 in scope
  /guides/        148   ~210k tokens
  skipped          64   duplicate 61 · robots.txt 3
  looked at        40   pages; only of these it is known whether they are duplicates, noindex or too large";
        assert_eq!(preview.to_string(), expected);
    }
}
