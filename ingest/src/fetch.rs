//! Fetches one address: guarded at every hop, polite, and within stated limits of time and size.

use crate::answer::{connection_reason, redirect, retry_after, status_reason, text_of};
use crate::guard::{Guard, GuardedClient};
use crate::politeness::{PoliteSettings, Politeness, Turn};
use crate::reason::Reason;
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
/// One sitemap, as sent and as unpacked: the protocol's own limit.
const SITEMAP_BOUNDS: Bounds = Bounds { raw_bytes_max: 50 * 1024 * 1024, unpacked_bytes_max: 50 * 1024 * 1024 };
/// How much of a robots.txt is read; the rest is ignored, as RFC 9309 allows beyond 500 KiB.
const ROBOTS_BYTES_MAX: usize = 512 * 1024;
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
            bounds: Bounds { raw_bytes_max: 8 * 1024 * 1024, unpacked_bytes_max: 16 * 1024 * 1024 },
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

impl Get {
    /// Asks for a page of which no version is at hand.
    pub fn page(url: Url) -> Self {
        Self { url, want: Want::Page, etag: None, last_modified: None, crawl_delay: None }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "the large variant is the usual one")]
pub enum Fetched {
    /// The version at hand is still the present one.
    NotModified,
    /// A body.
    Body(Body),
}

/// A body with what is needed to read it and to ask for it again.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

impl Fetcher {
    /// A fetcher behind a guard.
    pub fn new(guard: &Guard, settings: FetchSettings) -> reqwest::Result<Self> {
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
        })?;
        Ok(Self { client, politeness: Politeness::new(settings.polite), settings })
    }

    /// The name that robots.txt knows us by.
    pub fn robots_name(&self) -> &str {
        self.settings.user_agent.split(['/', ' ']).next().unwrap_or_default()
    }

    /// Fetches an address, following redirects, each hop guarded and polite.
    pub async fn get(&self, request: &Get) -> Result<Fetched, Refused> {
        let mut url = request.url.clone();
        let mut deadline = None;
        for _ in 0..=REDIRECTS_MAX {
            let _turn = self.turn(&url, request.crawl_delay).await?;
            // Waiting for one's turn is politeness, not the site's slowness.
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + self.settings.total_timeout);
            let response = self.send(&url, request, deadline).await?;
            match redirect(&response)? {
                Some(next) => url = next,
                None => return self.read(response, request.want, deadline).await,
            }
        }
        Err(Reason::TooManyRedirects(REDIRECTS_MAX).into())
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
            .header(header::ACCEPT, accepted(request.want))
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

    async fn read(&self, mut response: Response, want: Want, deadline: Instant) -> Result<Fetched, Refused> {
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(Fetched::NotModified);
        }
        if let Some(reason) = status_reason(response.status()) {
            let retry_after = retry_after(response.headers());
            if let Some(pause) = retry_after {
                self.politeness.hold_off(response.url(), pause);
            }
            return Err(Refused { reason, retry_after });
        }
        let content_type = text_of(response.headers(), &header::CONTENT_TYPE);
        check_type(content_type.as_deref(), want)?;
        let bounds = if want == Want::Sitemap { SITEMAP_BOUNDS } else { self.settings.bounds };
        let may_be_cut = want == Want::Robots;
        if !may_be_cut
            && response
                .content_length()
                .is_some_and(|length| usize::try_from(length).is_ok_and(|length| length > bounds.raw_bytes_max))
        {
            return Err(Reason::TooLarge(bounds.raw_bytes_max).into());
        }
        let mut unpacker = unpacker(response.headers(), bounds)?;
        loop {
            let piece = timeout_at(deadline, response.chunk())
                .await
                .map_err(|_| Reason::SlowPage(self.settings.total_timeout))?;
            match piece.map_err(|_| Reason::BrokenOff)? {
                Some(piece) => {
                    unpacker.push(&piece).map_err(|stopped| stopped_reason(stopped, bounds))?;
                }
                None => break,
            }
            if may_be_cut && unpacker.unpacked_bytes() >= ROBOTS_BYTES_MAX {
                break;
            }
        }
        let bytes = if may_be_cut { Ok(unpacker.so_far()) } else { unpacker.finish() };
        let bytes = bytes.map_err(|stopped| stopped_reason(stopped, bounds))?;
        let headers = response.headers();
        Ok(Fetched::Body(Body {
            url: response.url().clone(),
            bytes,
            content_type,
            etag: text_of(headers, &header::ETAG),
            last_modified: text_of(headers, &header::LAST_MODIFIED),
            robots_tag: headers.get("x-robots-tag").and_then(|value| value.to_str().ok()).map(str::to_owned),
        }))
    }
}

/// The media type without its parameters, in lower case.
pub fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn accepted(want: Want) -> &'static str {
    match want {
        Want::Page => "text/html, application/xhtml+xml, text/markdown, text/plain;q=0.5",
        Want::Sitemap => "application/xml, text/xml, text/plain, application/gzip",
        Want::Robots => "text/plain, */*;q=0.1",
    }
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

fn stopped_reason(stopped: Stopped, bounds: Bounds) -> Reason {
    match stopped {
        Stopped::RawTooLarge => Reason::TooLarge(bounds.raw_bytes_max),
        Stopped::UnpackedTooLarge => Reason::TooLargeUnpacked(bounds.unpacked_bytes_max),
        Stopped::Damaged => Reason::BrokenOff,
    }
}
