//! Lists what a website says there is to read: the start and the pages of its sitemaps.

use crate::Library;
use crate::fetch::{Fetched, Get, Want};
use crate::frontier::Scope;
use crate::reason::Reason;
use crate::robots::Rules;
use crate::sitemap::{self, Listing, SITEMAP_BYTES_MAX, Sitemap, Walk};
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use url::Url;

/// How long a scan reads sitemaps.
pub const SITEMAPS_TIME_MAX: Duration = Duration::from_mins(5);
/// Addresses that are looked at, of all sitemaps together.
const ADDRESSES_MAX: usize = 100_000;

/// What robots.txt and the sitemaps of a site say there is to read.
#[derive(Debug, Default)]
pub struct Discovered {
    /// Addresses to read, each once, the start first.
    pub pages: Vec<Url>,
    /// Addresses not to read, each once, and why.
    pub skipped: Vec<(Url, Reason)>,
    /// The sitemaps that were read.
    pub sitemaps: Vec<Url>,
    /// Addresses of the sitemaps that were looked at, each once.
    pub listed: usize,
    seen: HashSet<Url>,
}

/// Lists what there is to read: the start and the sitemaps' pages, up to a number of pages and within a
/// time. Links are followed page by page.
pub async fn discover_pages(
    library: &Library,
    start: &Url,
    scope: &Scope,
    (pages_max, time_max): (usize, Duration),
) -> Discovered {
    let deadline = Instant::now() + time_max;
    let rules = library.rules(start).await;
    let mut discovered = Discovered::default();
    if let Ok(start) = scope.admit(start, 0) {
        discovered.seen.insert(start.clone());
        discovered.pages.push(start);
    }
    let named = rules.sitemaps();
    // The usual places too: what robots.txt names may lie on a host that the site has moved away from.
    let usual = [start.join("/sitemap.xml"), start.join("sitemap.xml")].into_iter().flatten();
    let mut walk = Walk::new(named.iter().cloned().chain(usual));
    while let Some((url, depth)) = walk.take() {
        let is_guess = depth == 0 && !named.contains(&url);
        let read = timeout_at(deadline, read_sitemap(library, &url, &rules)).await;
        match read.unwrap_or(Err(Reason::SlowSitemaps(time_max))) {
            Ok(Listing { sitemap: Sitemap::Index(entries), .. }) => walk.found(entries, depth),
            Ok(Listing { sitemap: Sitemap::Pages(entries), is_cut }) => {
                for entry in entries {
                    discovered.add(entry.url, scope, &rules, pages_max);
                }
                if is_cut {
                    discovered.skipped.push((url.clone(), Reason::SitemapCut(SITEMAP_BYTES_MAX)));
                }
                discovered.sitemaps.push(url);
            }
            // Where nobody said that there is a sitemap, there may be none.
            Err(_) if is_guess => {}
            Err(reason) => discovered.skipped.push((url, reason)),
        }
        if Instant::now() >= deadline || discovered.seen.len() >= ADDRESSES_MAX {
            break;
        }
    }
    discovered.skipped.extend(walk.into_refused());
    discovered
}

impl Discovered {
    fn add(&mut self, listed: Url, scope: &Scope, rules: &Rules, pages_max: usize) {
        let admitted = scope.admit(&listed, 0).and_then(|url| rules.check(&url).map(|()| url));
        let address = admitted.as_ref().unwrap_or(&listed).clone();
        let is_start = self.listed == 0 && self.pages.first() == Some(&address);
        if self.seen.len() >= ADDRESSES_MAX || !self.seen.insert(address) {
            self.listed += usize::from(is_start);
            return;
        }
        self.listed += 1;
        match admitted {
            Ok(url) if self.pages.len() >= pages_max => {
                self.skipped.push((url, Reason::TooManyPages(pages_max)));
            }
            Ok(url) => self.pages.push(url),
            Err(reason) => self.skipped.push((listed, reason)),
        }
    }
}

async fn read_sitemap(library: &Library, url: &Url, rules: &Rules) -> Result<Listing, Reason> {
    let get = Get {
        url: url.clone(),
        want: Want::Sitemap,
        etag: None,
        last_modified: None,
        crawl_delay: rules.crawl_delay(),
    };
    match library.fetcher.get(&get).await.map_err(|refused| refused.reason)? {
        Fetched::Body(body) => {
            let read = library.fetcher.take_apart(move || sitemap::read(body)).await;
            read.unwrap_or_else(|| Err(Reason::BadSitemap("it takes too long to read".to_owned())))
        }
        Fetched::NotModified => Err(Reason::BadAnswer),
    }
}
