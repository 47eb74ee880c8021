//! Fetches one address: guarded at every hop, polite, and within stated limits of time and size.

use crate::answer::{all_of, connection_reason, is_smuggled, redirect, retry_after};
use crate::answer::{status_reason, stopped_reason, text_of};
use crate::charset::is_binary;
use crate::frontier::is_same_site;
use crate::guard::{Guard, GuardedClient};
use crate::politeness::{PoliteSettings, Politeness, Turn};
use crate::reason::Reason;
use crate::robots::Rules;
use crate::room::{Held, LARGE_BODY_BYTES, Room};
use crate::sitemap::SITEMAP_BYTES_MAX;
use crate::unpack::{Bounds, Stopped, Unpacker};
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Response, StatusCode};
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

/// Hops of redirects followed.
pub const REDIRECTS_MAX: usize = 5;
/// Headers of an answer, names and values together.
pub const HEADER_BYTES_MAX: usize = 64 * 1024;
/// How much of a sitemap is read, as sent and as unpacked.
const SITEMAP_BOUNDS: Bounds = Bounds { raw_bytes_max: SITEMAP_BYTES_MAX, unpacked_bytes_max: SITEMAP_BYTES_MAX };
/// How much of a robots.txt is read; the rest is ignored, as RFC 9309 allows beyond 500 KiB.
const ROBOTS_BOUNDS: Bounds = Bounds { raw_bytes_max: 512 * 1024, unpacked_bytes_max: 512 * 1024 };
/// What a page may be.
const PAGE_TYPES: [&str; 5] = ["text/html", "application/xhtml+xml", "text/plain", "text/markdown", "text/x-markdown"];
/// What a sitemap may be, beside plain text.
const SITEMAP_TYPES: [&str; 7] = [
    "text/xml",
    "application/xml",
    "text/plain",
    "application/gzip",
    "application/x-gzip",
    "application/octet-stream",
    "application/rss+xml",
];

/// How requests are made; the defaults are the stated limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchSettings {
    /// How we introduce ourselves; its first word is the name robots.txt knows us by.
    pub user_agent: String,
    /// Until the connection stands.
    pub connect_timeout: Duration,
    /// Until the first byte of the answer, connection included.
    pub first_byte_timeout: Duration,
    /// Until the last byte, all redirects included.
    pub total_timeout: Duration,
    /// How large a body may be.
    pub bounds: Bounds,
    /// How hard one host may be asked.
    pub polite: PoliteSettings,
}

impl Default for FetchSettings {
    fn default() -> Self {
        Self {
            user_agent: "frontdesk/0.1".to_owned(),
            connect_timeout: Duration::from_secs(5),
            first_byte_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(30),
            bounds: Bounds { raw_bytes_max: 6 * 1024 * 1024, unpacked_bytes_max: 6 * 1024 * 1024 },
            polite: PoliteSettings::default(),
        }
    }
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Get {
    /// The address.
    pub url: Url,
    /// What kind of answer is wanted.
    pub want: Want,
    /// The `ETag` of the version at hand.
    pub etag: Option<String>,
    /// The `Last-Modified` of the version at hand.
    pub last_modified: Option<String>,
    /// The pause that the site's robots.txt asks for.
    pub crawl_delay: Option<Duration>,
}

/// What kind of answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// HTML, XHTML, Markdown or plain text.
    Page,
    /// XML or plain text, possibly gzipped.
    Sitemap,
    /// A robots.txt, whatever it claims to be.
    Robots,
}

impl Want {
    fn accepted(self) -> &'static str {
        match self {
            Self::Page => "text/html, application/xhtml+xml, text/markdown, text/plain;q=0.5",
            Self::Sitemap => "application/xml, text/xml, text/plain, application/gzip",
            Self::Robots => "text/plain, */*;q=0.1",
        }
    }
}

impl Get {
    /// Asks for a page of which no version is at hand.
    pub fn page(url: Url) -> Self {
        Self { url, want: Want::Page, etag: None, last_modified: None, crawl_delay: None }
    }
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "the large variant is the usual one")]
pub enum Fetched {
    /// The version at hand is still the present one.
    NotModified,
    /// A body.
    Body(Body),
}

/// A body with what is needed to read it and to ask for it again.
#[derive(Debug, PartialEq, Eq)]
pub struct Body {
    /// Where it was found, after redirects.
    pub url: Url,
    /// The whole body, unpacked.
    pub bytes: Vec<u8>,
    /// As sent.
    pub content_type: Option<String>,
    /// For the next time.
    pub etag: Option<String>,
    /// For the next time.
    pub last_modified: Option<String>,
    /// Whether the headers ask that the page be neither indexed nor its links followed.
    pub robots_tag: Option<String>,
    /// Whether only its beginning was read, which is said of sitemaps and robots.txt only.
    pub is_cut: bool,
    /// The room it takes up in memory, if it is large.
    pub(crate) held: Held,
}

impl Body {
    /// A body that needs no more to be read.
    #[cfg(test)]
    pub(crate) fn of(url: Url, bytes: Vec<u8>) -> Self {
        let (content_type, etag, last_modified, robots_tag) = (None, None, None, None);
        Self { url, bytes, content_type, etag, last_modified, robots_tag, is_cut: false, held: Held::default() }
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refused {
    /// Why.
    pub reason: Reason,
    /// When the site wants to be asked again.
    pub retry_after: Option<Duration>,
}

impl From<Reason> for Refused {
    fn from(reason: Reason) -> Self {
        Self { reason, retry_after: None }
    }
}

/// Fetches addresses. Cheap to share; it keeps the pace of each host for its whole process.
#[derive(Debug)]
pub struct Fetcher {
    client: GuardedClient,
    politeness: Politeness,
    settings: FetchSettings,
    room: Room,
}

impl Fetcher {
    /// A fetcher behind a guard.
    pub fn new(guard: &Guard, settings: FetchSettings) -> std::io::Result<Self> {
        let client = guard.client(|builder| {
            // Unpacking is ours, since only then is the size as sent known.
            builder
                .user_agent(&settings.user_agent)
                .connect_timeout(settings.connect_timeout)
                .no_gzip()
                .no_brotli()
                .no_deflate()
                .referer(false)
                .http2_max_header_list_size(64 * 1024)
        });
        let client = client.map_err(std::io::Error::other)?;
        Ok(Self { client, politeness: Politeness::new(settings.polite), settings, room: Room::new()? })
    }

    /// The name that robots.txt knows us by.
    pub fn robots_name(&self) -> &str {
        self.settings.user_agent.split(['/', ' ']).next().unwrap_or_default()
    }

    /// Fetches an address, following redirects, each hop guarded and polite.
    pub async fn get(&self, request: &Get) -> Result<Fetched, Refused> {
        self.follow(request, None).await
    }

    /// Does the same, but goes only where the rules of the site lead: redirects to another website, or to
    /// what its robots.txt forbids, end there.
    pub async fn get_within(&self, request: &Get, rules: &Rules) -> Result<Fetched, Refused> {
        self.follow(request, Some(rules)).await
    }

    /// Runs blocking work on what was fetched, one piece after the other. Nothing, if it panics.
    pub(crate) async fn take_apart<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        self.room.take_apart(work).await
    }

    async fn follow(&self, request: &Get, rules: Option<&Rules>) -> Result<Fetched, Refused> {
        let mut url = request.url.clone();
        let mut deadline = None;
        for _ in 0..=REDIRECTS_MAX {
            let _turn = self.turn(&url, request.crawl_delay).await?;
            // Waiting for one's turn is politeness, not the site's slowness.
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + self.settings.total_timeout);
            let response = self.send(&url, request, deadline).await?;
            match redirect(&response)? {
                Some(next) => {
                    if let Some(rules) = rules {
                        self.check_hop(&request.url, &next, rules)?;
                    }
                    url = next;
                }
                None => return self.read(response, request, deadline).await,
            }
        }
        Err(Reason::TooManyRedirects(REDIRECTS_MAX).into())
    }

    fn check_hop(&self, from: &Url, next: &Url, rules: &Rules) -> Result<(), Reason> {
        self.client.for_url(next)?;
        if !is_same_site(from, next) {
            return Err(Reason::LeadsElsewhere(next.host_str().unwrap_or_default().to_owned()));
        }
        rules.check(next)
    }

    async fn turn(&self, url: &Url, crawl_delay: Option<Duration>) -> Result<Turn, Reason> {
        // A refused address is refused before it has cost anyone a wait.
        self.client.for_url(url)?;
        Ok(self.politeness.wait(url, crawl_delay).await)
    }

    async fn send(&self, url: &Url, request: &Get, deadline: Instant) -> Result<Response, Reason> {
        let mut builder = self
            .client
            .for_url(url)?
            .get(url.clone())
            .header(header::ACCEPT, request.want.accepted())
            .header(header::ACCEPT_ENCODING, "gzip");
        // Validators belong to the address they came from, not to where it redirects.
        if *url == request.url {
            for (name, value) in
                [(header::IF_NONE_MATCH, &request.etag), (header::IF_MODIFIED_SINCE, &request.last_modified)]
            {
                if let Some(value) = value.as_deref().and_then(|value| HeaderValue::from_str(value).ok()) {
                    builder = builder.header(name, value);
                }
            }
        }
        let limit = self.settings.first_byte_timeout.min(deadline.saturating_duration_since(Instant::now()));
        let response =
            timeout(limit, builder.send()).await.map_err(|_| Reason::SlowAnswer(self.settings.first_byte_timeout))?;
        let response = response.map_err(|error| connection_reason(&error, url))?;
        let header_bytes: usize =
            response.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if header_bytes > HEADER_BYTES_MAX { Err(Reason::HeadersTooLarge(HEADER_BYTES_MAX)) } else { Ok(response) }
    }

    async fn read(&self, response: Response, request: &Get, deadline: Instant) -> Result<Fetched, Refused> {
        let has_validators = request.etag.is_some() || request.last_modified.is_some();
        if response.status() == StatusCode::NOT_MODIFIED && has_validators {
            return Ok(Fetched::NotModified);
        }
        if let Some(reason) = status_reason(response.status()) {
            let retry_after = retry_after(response.headers());
            if let Some(pause) = retry_after {
                self.politeness.hold_off(response.url(), pause);
            }
            return Err(Refused { reason, retry_after });
        }
        if is_smuggled(response.headers()) {
            return Err(Reason::BadAnswer.into());
        }
        let content_type = text_of(response.headers(), &header::CONTENT_TYPE);
        check_type(content_type.as_deref(), request.want)?;
        let bounds = self.bounds(request.want);
        let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
        if request.want == Want::Page && announced.is_some_and(|length| length > bounds.raw_bytes_max) {
            return Err(Reason::TooLarge(bounds.raw_bytes_max).into());
        }
        let (headers, url) = (response.headers().clone(), response.url().clone());
        let collected = self.collect(response, unpacker(&headers, bounds)?, request.want, deadline).await?;
        if request.want == Want::Page && is_binary(&collected.bytes, content_type.as_deref()) {
            return Err(Reason::NotText.into());
        }
        Ok(Fetched::Body(Body {
            url,
            bytes: collected.bytes,
            content_type,
            etag: text_of(&headers, &header::ETAG),
            last_modified: text_of(&headers, &header::LAST_MODIFIED),
            robots_tag: all_of(&headers, "x-robots-tag"),
            is_cut: collected.is_cut,
            held: collected.held,
        }))
    }

    /// Reads a body to its end, or, of what may be cut, as much as the bounds allow.
    async fn collect(
        &self,
        mut response: Response,
        mut unpacker: Unpacker,
        want: Want,
        mut deadline: Instant,
    ) -> Result<Collected, Reason> {
        let bounds = self.bounds(want);
        let may_be_cut = want != Want::Page;
        let mut held = None;
        loop {
            let piece = timeout_at(deadline, response.chunk())
                .await
                .map_err(|_| Reason::SlowPage(self.settings.total_timeout))?;
            let Some(piece) = piece.map_err(|_| Reason::BrokenOff)? else { break };
            match unpacker.push(&piece) {
                Err(Stopped::RawTooLarge | Stopped::UnpackedTooLarge) if may_be_cut => {
                    return Ok(Collected { bytes: unpacker.so_far(), is_cut: true, held: held.unwrap_or_default() });
                }
                pushed => pushed.map_err(|stopped| stopped_reason(stopped, bounds))?,
            }
            if held.is_none() && unpacker.unpacked_bytes() > LARGE_BODY_BYTES {
                let waited = Instant::now();
                held = Some(self.room.for_large_body().await?);
                // Waiting for room is no slowness of the site.
                deadline += waited.elapsed();
            }
        }
        let held = held.unwrap_or_default();
        match unpacker.finish_or_cut() {
            Ok((bytes, is_cut)) if may_be_cut || !is_cut => Ok(Collected { bytes, is_cut, held }),
            Ok(_) => Err(Reason::TooLargeUnpacked(bounds.unpacked_bytes_max)),
            Err(stopped) => Err(stopped_reason(stopped, bounds)),
        }
    }

    fn bounds(&self, want: Want) -> Bounds {
        match want {
            Want::Page => self.settings.bounds,
            Want::Sitemap => SITEMAP_BOUNDS,
            Want::Robots => ROBOTS_BOUNDS,
        }
    }
}

/// A body that was read.
struct Collected {
    bytes: Vec<u8>,
    is_cut: bool,
    held: Held,
}

/// The media type without its parameters, in lower case.
pub fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn check_type(content_type: Option<&str>, want: Want) -> Result<(), Reason> {
    // A body without a type is looked at: the charset and the first bytes say what it is.
    let Some(content_type) = content_type else { return Ok(()) };
    let media_type = media_type(content_type);
    let is_wanted = match want {
        Want::Page => PAGE_TYPES.contains(&media_type.as_str()),
        Want::Sitemap => SITEMAP_TYPES.contains(&media_type.as_str()) || media_type.ends_with("+xml"),
        Want::Robots => true,
    };
    if is_wanted || media_type.is_empty() {
        Ok(())
    } else {
        Err(Reason::WrongType(media_type.chars().take(100).collect()))
    }
}

fn unpacker(headers: &HeaderMap, bounds: Bounds) -> Result<Unpacker, Reason> {
    match text_of(headers, &header::CONTENT_ENCODING).map(|packing| packing.trim().to_ascii_lowercase()).as_deref() {
        None | Some("" | "identity") => Ok(Unpacker::plain(bounds)),
        Some("gzip" | "x-gzip") => Ok(Unpacker::gzip(bounds)),
        Some(other) => Err(Reason::UnknownPacking(other.chars().take(100).collect())),
    }
}
