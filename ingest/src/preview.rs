//! What a scan would read and what not and why, in seconds; nothing is stored.

use crate::extract::{RawPage, extract};
use crate::fetch::{Body, Fetched, Get};
use crate::frontier::Scope;
use crate::discover::discover_pages;
use crate::scan::parse_start;
use crate::{Error, Library, Result, tokens};
use domain::page::ScanSettings;
use futures::StreamExt;
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;
use url::Url;

/// Pages that are read to estimate sizes and to find links where there is no sitemap.
const SAMPLES_MAX: usize = 8;
/// Samples that are read at a time.
const SAMPLES_AT_ONCE: usize = 4;
/// How long samples may take together.
const SAMPLES_TIMEOUT: Duration = Duration::from_millis(3_500);
/// How long sitemaps are read.
const SITEMAPS_TIME_MAX: Duration = Duration::from_secs(2);
/// Addresses shown of each skip reason.
const EXAMPLES_MAX: usize = 5;

/// What a scan would do.
#[derive(Clone, Debug, Serialize)]
pub struct Preview {
    /// The start, as it is understood.
    pub url: String,
    /// The sitemaps that were read; empty where links are followed instead.
    pub sitemaps: Vec<String>,
    /// Pages that would be read, as far as they are known before reading.
    pub pages: usize,
    /// Whether following links will find more.
    pub more_by_links: bool,
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
    /// Their tokens, estimated from a few pages of the site.
    pub tokens_estimated: usize,
}

/// Addresses that would be skipped for one reason.
#[derive(Clone, Debug, Serialize)]
pub struct Skipped {
    /// The reason, in a sentence.
    pub reason: String,
    /// How many.
    pub pages: usize,
    /// Some of them.
    pub examples: Vec<String>,
}

/// Looks at a site as a scan would.
pub async fn preview(library: &Library, url: &str, settings: &ScanSettings) -> Result<Preview> {
    let start = parse_start(library, url)?;
    let scope = Scope::new(&start, &settings.include, &settings.exclude, settings.depth_max)?;
    let rules = library.rules(&start).await;
    rules.check(&start).map_err(|reason| Error::Address { url: url.to_owned(), reason })?;
    let mut discovered = discover_pages(library, &start, &scope, (settings.pages_max, SITEMAPS_TIME_MAX)).await;
    let by_links = discovered.sitemaps.is_empty();
    let samples = sample(library, &discovered.pages).await;
    if samples.is_empty() && by_links {
        let reason = match library.fetcher.get(&Get::page(start.clone())).await {
            Err(refused) => refused.reason,
            Ok(_) => crate::Reason::Empty,
        };
        return Err(Error::Address { url: url.to_owned(), reason });
    }
    if by_links {
        let known: HashSet<Url> = discovered.pages.iter().cloned().collect();
        let mut found = HashSet::new();
        for link in samples.iter().flat_map(|sample| &sample.links) {
            match scope.admit(link, 1).and_then(|url| rules.check(&url).map(|()| url)) {
                Ok(url) if !known.contains(&url) && found.insert(url.clone()) => discovered.pages.push(url),
                Err(reason) if found.insert(link.clone()) => discovered.skipped.push((link.clone(), reason)),
                Ok(_) | Err(_) => {}
            }
        }
    }
    let tokens_mean = samples.iter().map(|sample| sample.tokens).sum::<usize>() / samples.len().max(1);
    Ok(Preview {
        url: start.to_string(),
        sitemaps: discovered.sitemaps.iter().map(Url::to_string).collect(),
        pages: discovered.pages.len().min(settings.pages_max),
        more_by_links: by_links,
        folders: folders(&discovered.pages, tokens_mean),
        skipped: skipped(&discovered.skipped),
    })
}

struct Sample {
    tokens: usize,
    links: Vec<Url>,
}

/// A few pages, spread over the list. Whatever has not come in time is left out.
async fn sample(library: &Library, pages: &[Url]) -> Vec<Sample> {
    let step = (pages.len() / SAMPLES_MAX).max(1);
    let chosen = pages.iter().step_by(step).take(SAMPLES_MAX).cloned();
    let reads = futures::stream::iter(chosen)
        .map(|url| async move {
            match library.fetcher.get(&Get::page(url)).await {
                Ok(Fetched::Body(body)) => tokio::task::spawn_blocking(move || measure(&body)).await.ok().flatten(),
                _ => None,
            }
        })
        .buffer_unordered(SAMPLES_AT_ONCE);
    reads.take_until(tokio::time::sleep(SAMPLES_TIMEOUT)).filter_map(std::future::ready).collect().await
}

fn measure(body: &Body) -> Option<Sample> {
    let raw = RawPage {
        url: &body.url,
        content_type: body.content_type.as_deref(),
        robots_tag: body.robots_tag.as_deref(),
        bytes: &body.bytes,
    };
    let extraction = extract(&raw, None).ok()?;
    Some(Sample { tokens: tokens::estimate(&extraction.text), links: extraction.links })
}

fn folders(pages: &[Url], tokens_mean: usize) -> Vec<Folder> {
    let mut by_path: BTreeMap<String, usize> = BTreeMap::new();
    for page in pages {
        let mut segments = page.path().trim_matches('/').split('/');
        let path = match (segments.next(), segments.next()) {
            (Some(folder), Some(_)) => format!("/{folder}/"),
            _ => "/".to_owned(),
        };
        *by_path.entry(path).or_insert(0) += 1;
    }
    let mut folders: Vec<Folder> = by_path
        .into_iter()
        .map(|(path, pages)| Folder { path, pages, tokens_estimated: pages * tokens_mean })
        .collect();
    folders.sort_by(|a, b| b.pages.cmp(&a.pages).then(a.path.cmp(&b.path)));
    folders
}

fn skipped(skipped: &[(Url, crate::Reason)]) -> Vec<Skipped> {
    let mut by_reason: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (url, reason) in skipped {
        by_reason.entry(reason.to_string()).or_default().push(url.to_string());
    }
    let mut groups: Vec<Skipped> = by_reason
        .into_iter()
        .map(|(reason, mut urls)| {
            let pages = urls.len();
            urls.truncate(EXAMPLES_MAX);
            Skipped { reason, pages, examples: urls }
        })
        .collect();
    groups.sort_by(|a, b| b.pages.cmp(&a.pages).then(a.reason.cmp(&b.reason)));
    groups
}
