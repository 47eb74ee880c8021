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
    /// Whether following links will find more.
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
    if by_links && draft.looks.is_empty() {
        let reason = draft.skipped.into_iter().rev().find(|(address, _)| *address == normalize(&start));
        return Err(fail(reason.map_or(Reason::SlowPage(PREVIEW_TIME_MAX), |(_, reason)| reason)));
    }
    Ok(draft.preview(&start, by_links))
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
        if site.by_links {
            waiting.extend(draft.follow(&links, site));
        }
    }
}

async fn look(library: &Library, rules: &Rules, url: Url) -> (Url, Result<(Url, Extraction), Reason>) {
    let get = Get { crawl_delay: rules.crawl_delay(), ..Get::page(url.clone()) };
    let body = match library.fetcher.get_within(&get, rules).await {
        Ok(Fetched::Body(body)) => body,
        Ok(Fetched::NotModified) => return (url, Err(Reason::BadAnswer)),
        Err(refused) => return (url, Err(refused.reason)),
    };
    let room = library.fetcher.room_to_parse(body.bytes.len()).await;
    let taken = tokio::task::spawn_blocking(move || {
        let _room = room;
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
            sitemaps: discovered.sitemaps,
            listed: discovered.listed,
            known: discovered.pages.iter().cloned().collect(),
            pages: discovered.pages,
            skipped: discovered.skipped,
            looks: HashMap::new(),
            looked_at: 0,
            texts: HashMap::new(),
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

    /// Adds pages that links lead to; gives back those that are new.
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
            self.listed += 1;
            match admitted {
                Ok(url) if self.pages.len() < self.pages_max => {
                    self.pages.push(url.clone());
                    found.push(url);
                }
                Ok(url) => self.skipped.push((url, Reason::TooManyPages(self.pages_max))),
                Err(reason) => self.skipped.push((link.clone(), reason)),
            }
        }
        found
    }

    fn preview(self, start: &Url, by_links: bool) -> Preview {
        let refused: HashSet<&Url> = self.skipped.iter().map(|(url, _)| url).collect();
        let pages: Vec<&Url> = self.pages.iter().filter(|url| !refused.contains(url)).collect();
        Preview {
            url: start.to_string(),
            sitemaps: self.sitemaps.iter().map(Url::to_string).collect(),
            listed: self.listed.max(self.pages.len()),
            pages: pages.len(),
            more_by_links: by_links,
            looked_at: self.looked_at,
            folders: folders(&pages, &self.looks),
            skipped: skipped(&self.skipped),
        }
    }
}

fn hash(text: &str) -> u64 {
    let mut hash = BlockHash::default();
    hash.add(text);
    hash.value()
}

fn folder_of(page: &Url) -> String {
    let mut segments = page.path().trim_start_matches('/').split('/');
    match (segments.next(), segments.next()) {
        (Some(folder), Some(_)) => format!("/{folder}/"),
        _ => "/".to_owned(),
    }
}

/// Counts pages by folder; of folders that were not looked into, the sizes are those of the others.
fn folders(pages: &[&Url], looks: &HashMap<Url, usize>) -> Vec<Folder> {
    let mean = |sum: usize, number: usize| sum.checked_div(number).unwrap_or(0);
    let mean_of_all = mean(looks.values().sum(), looks.len());
    let mut by_path: BTreeMap<String, (usize, usize, usize)> = BTreeMap::new();
    for page in pages {
        let (pages, looked_at, tokens) = by_path.entry(folder_of(page)).or_default();
        *pages += 1;
        if let Some(estimate) = looks.get(page) {
            *looked_at += 1;
            *tokens += estimate;
        }
    }
    let mut folders: Vec<Folder> = by_path
        .into_iter()
        .map(|(path, (pages, looked_at, tokens))| {
            let each = if looked_at == 0 { mean_of_all } else { mean(tokens, looked_at) };
            Folder { path, pages, tokens_estimated: pages * each }
        })
        .collect();
    folders.sort_by(|a, b| b.pages.cmp(&a.pages).then(a.path.cmp(&b.path)));
    folders
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
        let noticed = "duplicates, noindex and sizes are known of these";
        write!(f, "\n  {:<width$} {:>6}   {noticed}", "looked at", self.looked_at)
    }
}

fn thousands(tokens: usize) -> String {
    if tokens < 1_000 { tokens.to_string() } else { format!("{}k", (tokens + 500) / 1_000) }
}
