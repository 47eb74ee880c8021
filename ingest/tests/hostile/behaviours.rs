//! Everything the hostile site does, and what a scan must say of it.

use crate::server::{Answer, Request, ok, page, status, to};
use domain::page::PageState::{self, Failed, New, Skipped};
use flate2::{Compression, write::GzEncoder};
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::LazyLock;
use std::time::Duration;

/// An address, what it does, what becomes of it, and words of the reason that is shown.
pub(crate) struct Row {
    pub(crate) path: &'static str,
    pub(crate) does: &'static str,
    pub(crate) state: PageState,
    pub(crate) says: &'static str,
    pub(crate) answer: fn(&Request<'_>) -> Answer,
}

const fn row(
    path: &'static str,
    does: &'static str,
    (state, says): (PageState, &'static str),
    answer: fn(&Request<'_>) -> Answer,
) -> Row {
    Row { path, does, state, says, answer }
}

const HTML: &str = "content-type: text/html; charset=utf-8\r\n";
const PRIVATE: &str = "is on a private network, which must not be reached";
const NOT_SLOWLY: Duration = Duration::ZERO;

/// A gigabyte of zeros would do as well; this is enough to be noticed in the memory of the test.
static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| bomb(b"", 128, 0, b""));
static NESTED_BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| gzip(&BOMB));
static SITEMAP_BOMB: LazyLock<Vec<u8>> =
    LazyLock::new(|| bomb(b"<urlset><url><loc>/a</loc></url>", 96, b' ', b"</urlset>"));

/// A packed body: so many MiB of one byte between two ends. It is never whole in memory.
fn bomb(begin: &[u8], mebibytes: usize, byte: u8, end: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(begin).unwrap();
    for _ in 0..mebibytes * 16 {
        encoder.write_all(&[byte; 64 * 1024]).unwrap();
    }
    encoder.write_all(end).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn prepare() {
    for bomb in [&BOMB, &NESTED_BOMB, &SITEMAP_BOMB] {
        assert!(!LazyLock::force(bomb).is_empty());
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn html(body: &str) -> Answer {
    Answer::Bytes(page("A page", body))
}

fn raw(headers: &str, body: &[u8]) -> Answer {
    Answer::Bytes(ok(headers, body))
}

fn endless(headers: &str, piece: &'static [u8], every: Duration) -> Answer {
    Answer::Endless { head: format!("HTTP/1.1 200 OK\r\n{headers}\r\n").into_bytes(), piece, every }
}

/// The number at the end of a path.
fn number(request: &Request<'_>) -> u64 {
    let path = request.path.trim_end_matches(".xml");
    let digits = path.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().unwrap_or(0)
}

/// The inner listener under another spelling of its host.
fn inner_as(request: &Request<'_>, host: &str) -> Answer {
    to(&format!("http://{host}:{}/", request.inner.port().unwrap()))
}

pub(crate) const ROWS: &[Row] = &[
    // Bodies
    row("/body/bomb", "unpacks to 128 MiB", (Failed, "larger than 6 MiB once unpacked"), |_| {
        raw(&format!("{HTML}content-encoding: gzip\r\n"), &BOMB)
    }),
    row("/body/bomb-twice", "packs a bomb twice and says so", (Failed, "packed as `gzip, gzip`"), |_| {
        raw(&format!("{HTML}content-encoding: gzip, gzip\r\n"), &NESTED_BOMB)
    }),
    row("/body/bomb-inside", "packs a packed bomb", (Skipped, "not text"), |_| {
        raw(&format!("{HTML}content-encoding: gzip\r\n"), &NESTED_BOMB)
    }),
    row("/body/brotli", "packs as nobody asked", (Failed, "packed as `br`"), |_| {
        raw(&format!("{HTML}content-encoding: br\r\n"), &[0x5b; 64])
    }),
    row("/body/endless", "never ends", (Failed, "larger than 6 MiB"), |_| {
        endless(HTML, &[b'x'; 64 * 1024], NOT_SLOWLY)
    }),
    row("/body/endless-chunks", "never ends, in chunks", (Failed, "larger than 6 MiB"), |_| {
        const CHUNK: [u8; 4_104] = {
            let mut chunk = [b'x'; 4_104];
            let marks = b"1000\r\n";
            let mut at = 0;
            while at < marks.len() {
                chunk[at] = marks[at];
                at += 1;
            }
            chunk[4_102] = b'\r';
            chunk[4_103] = b'\n';
            chunk
        };
        endless(&format!("{HTML}transfer-encoding: chunked\r\n"), &CHUNK, NOT_SLOWLY)
    }),
    row("/body/announced", "announces five gigabytes", (Failed, "larger than 6 MiB"), |_| {
        raw(&format!("{HTML}content-length: 5368709120\r\n"), b"x")
    }),
    row("/body/tags", "is nothing but tags", (New, ""), |_| raw(HTML, &b"<b>x".repeat(16 * 1024))),
    row("/body/text", "is five megabytes of text", (Failed, "more than 4 MiB of text"), |_| {
        const PIECE: &[u8] = &[b'x'; 2_048];
        Answer::Repeated { head: ok(HTML, b"<p>"), piece: PIECE, times: 2_500 }
    }),
    row("/body/slow", "sends a byte at a time", (Failed, "took longer than 2 seconds"), |_| {
        endless(HTML, b"x", Duration::from_millis(200))
    }),
    row("/body/cut", "breaks off", (Failed, "broke off before its end"), |_| {
        raw(&format!("{HTML}content-length: 5000\r\n"), b"<p>Half a")
    }),
    row("/body/bad-chunk", "counts its chunks wrong", (Failed, "broke off before its end"), |_| {
        raw(&format!("{HTML}transfer-encoding: chunked\r\n"), b"5\r\n<p>Ha\r\nzz\r\nlf\r\n0\r\n\r\n")
    }),
    row("/body/endless-chunk-size", "has a chunk of a size without end", (Failed, "broke off before its end"), |_| {
        endless(&format!("{HTML}transfer-encoding: chunked\r\n"), b"1;x=yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy", NOT_SLOWLY)
    }),
    row("/body/two-lengths", "has two lengths", (Failed, "cannot be understood"), |_| {
        raw(&format!("{HTML}content-length: 7\r\ncontent-length: 70\r\n"), b"<p>Half")
    }),
    row("/body/length-and-chunks", "has a length and chunks", (Failed, "cannot be understood"), |_| {
        raw(
            &format!("{HTML}content-length: 4\r\ntransfer-encoding: chunked\r\n"),
            b"8\r\n<p>Smug!\r\n0\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n<p>in",
        )
    }),
    // Headers
    row("/header/silence", "never answers", (Failed, "did not answer within 1 seconds"), |_| Answer::Silence),
    row("/header/endless", "has headers without end", (Failed, "headers of the page are larger"), |_| {
        Answer::Endless {
            head: b"HTTP/1.1 200 OK\r\n".to_vec(),
            piece: b"x-filler: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n",
            every: NOT_SLOWLY,
        }
    }),
    row("/header/slow", "sends its headers letter by letter", (Failed, "did not answer within"), |_| Answer::Endless {
        head: b"HTTP/1.1 200 OK\r\nx-slow: ".to_vec(),
        piece: b"x",
        every: Duration::from_millis(100),
    }),
    row("/header/long", "has a header of 100 KiB", (Failed, "headers of the page are larger"), |_| {
        raw(&format!("{HTML}x-filler: {}\r\n", "x".repeat(100 * 1024)), b"<p>Hi")
    }),
    row("/header/newline", "has a line break in a header", (Failed, "cannot be understood"), |_| {
        raw("content-type: text/html\r\nx-a: b\rset-cookie: c\r\n", b"<p>Hi")
    }),
    row("/header/continue", "only ever says that it will go on", (Failed, "did not answer within"), |_| {
        Answer::Endless { head: Vec::new(), piece: b"HTTP/1.1 100 Continue\r\n\r\n", every: Duration::from_millis(50) }
    }),
    row("/header/noise", "does not speak HTTP", (Failed, "cannot be understood"), |_| {
        Answer::Bytes(b"\x16\x03\x01\x02\x00 what is this\r\n\r\n".to_vec())
    }),
    row("/header/nothing", "hangs up", (Failed, "broke off before its end"), |_| Answer::Bytes(Vec::new())),
    row("/header/noindex", "asks not to be indexed, in its second such header", (Skipped, "noindex"), |_| {
        raw(&format!("{HTML}x-robots-tag: max-snippet: 20\r\nx-robots-tag: noindex\r\n"), b"<p>Do not read me.")
    }),
    // Statuses
    row("/status/not-modified", "has not changed since nobody asked", (Failed, "status 304"), |_| {
        status("304 Not Modified", "")
    }),
    row("/status/part", "sends a part that nobody asked for", (Failed, "status 206"), |_| {
        Answer::Bytes(
            b"HTTP/1.1 206 Partial Content\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<p>Hi".to_vec(),
        )
    }),
    row("/status/busy", "asks to come back next year", (Failed, "come back later (status 429)"), |_| {
        status("429 Slow Down", "retry-after: 31536000\r\n")
    }),
    row("/status/down", "is down for ever", (Failed, "come back later (status 503)"), |_| {
        status("503 Unavailable", "retry-after: 0\r\n")
    }),
    row("/status/broken", "is broken", (Failed, "status 500"), |_| status("500 Oops", "")),
    row("/status/gone", "is gone", (Failed, "does not exist (status 410)"), |_| status("410 Gone", "")),
    row("/status/strange", "answers with a status that does not exist", (Failed, "status 799"), |_| {
        status("799 What", "")
    }),
    // Redirects
    row("/redirect/loop", "leads to itself", (Failed, "redirects more than 5 times"), |_| to("/redirect/loop")),
    row("/redirect/chain-6", "leads on six times", (Failed, "redirects more than 5 times"), |request| {
        match number(request) {
            0 => html("<p>The end of the chain."),
            hops => to(&format!("/redirect/chain-{}", hops - 1)),
        }
    }),
    row("/redirect/cookies", "leads to itself until a cookie comes", (Failed, "redirects more than 5 times"), |_| {
        Answer::Bytes(
            b"HTTP/1.1 302 Found\r\nset-cookie: seen=1\r\nlocation: /redirect/cookies\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                .to_vec(),
        )
    }),
    row("/redirect/nowhere", "leads to no address", (Failed, "an address that does not exist"), |_| to("http://[")),
    row("/redirect/no-location", "leads without saying where", (Failed, "an address that does not exist"), |_| {
        status("302 Found", "")
    }),
    row("/redirect/forbidden", "leads to where robots may not go", (Skipped, "robots.txt forbids"), |_| {
        to("/forbidden/page")
    }),
    row("/redirect/elsewhere", "leads to another website", (Skipped, "another website (`elsewhere.invalid`)"), |_| {
        to("http://elsewhere.invalid/")
    }),
    row("/redirect/file", "leads to a file", (Failed, "only http and https"), |_| to("file:///etc/passwd")),
    row("/redirect/script", "leads to a script", (Failed, "only http and https"), |_| to("javascript:alert(1)")),
    row("/redirect/password", "leads to an address with a password", (Failed, "user name or password"), |request| {
        to(&format!("http://user:secret@{}/", request.own.authority()))
    }),
    row("/redirect/inner", "leads to another port of this machine", (Failed, PRIVATE), |request| {
        to(request.inner.as_str())
    }),
    row("/redirect/inner-in-two", "leads there by a detour", (Failed, PRIVATE), |_| to("/redirect/inner")),
    row("/redirect/localhost", "leads to localhost", (Failed, PRIVATE), |request| inner_as(request, "localhost")),
    row(
        "/redirect/name",
        "leads to a name for this machine",
        (Skipped, "another website (`ip6-localhost`)"),
        |request| inner_as(request, "ip6-localhost"),
    ),
    row("/redirect/decimal", "writes the host as a number", (Failed, PRIVATE), |request| {
        inner_as(request, "2130706433")
    }),
    row("/redirect/hex", "writes the host in hex", (Failed, PRIVATE), |request| inner_as(request, "0x7f000001")),
    row("/redirect/octal", "writes the host in octal", (Failed, PRIVATE), |request| inner_as(request, "0177.0.0.1")),
    row("/redirect/short", "writes the host in short", (Failed, PRIVATE), |request| inner_as(request, "127.1")),
    row("/redirect/wide", "writes the host in wide digits", (Failed, PRIVATE), |request| {
        inner_as(request, "%ef%bc%91%ef%bc%92%ef%bc%97.0.0.1")
    }),
    row("/redirect/escaped", "writes the host in percent signs", (Failed, PRIVATE), |request| {
        inner_as(request, "%31%32%37.0.0.1")
    }),
    row("/redirect/any", "leads to no address in particular", (Failed, PRIVATE), |request| {
        inner_as(request, "0.0.0.0")
    }),
    row("/redirect/mapped", "maps the host into IPv6", (Failed, PRIVATE), |request| {
        inner_as(request, "[::ffff:127.0.0.1]")
    }),
    row("/redirect/translated", "translates the host into IPv6", (Failed, PRIVATE), |request| {
        inner_as(request, "[64:ff9b::7f00:1]")
    }),
    row("/redirect/loopback6", "leads to IPv6's loopback", (Failed, PRIVATE), |request| inner_as(request, "[::1]")),
    row("/redirect/link-local6", "leads to IPv6's neighbours", (Failed, PRIVATE), |request| {
        inner_as(request, "[fe80::1]")
    }),
    row("/redirect/metadata", "leads to the cloud's secrets", (Failed, PRIVATE), |_| {
        to("http://169.254.169.254/latest/meta-data/")
    }),
    row("/redirect/carrier", "leads into a carrier's network", (Failed, PRIVATE), |_| to("http://100.64.0.1/")),
    row("/redirect/private", "leads into a private network", (Failed, PRIVATE), |_| to("http://10.1.2.3/")),
    // Content
    row("/content/deep", "nests 100,000 deep", (New, ""), |_| {
        html(&format!("{}The bottom of it all.", "<div>".repeat(100_000)))
    }),
    row("/content/attributes", "has an element with 100,000 attributes", (Failed, "takes too long to read"), |_| {
        let mut attributes = String::new();
        for number in 0..100_000 {
            write!(attributes, " a{number}=1").unwrap();
        }
        html(&format!("<p{attributes}>Hi"))
    }),
    row("/content/formatting", "opens formats that multiply", (Failed, "takes too long to read"), |_| {
        let mut formats = String::new();
        for number in 0..400 {
            write!(formats, "<font size={number}>").unwrap();
        }
        html(&format!("<p>{formats}{}", "<p>x".repeat(40_000)))
    }),
    row("/content/binary", "calls a picture a page", (Skipped, "not text"), |_| {
        raw(HTML, &[b"\x89PNG\r\n\x1a\n".as_slice(), &[7, 0, 200, 3, 0, 90, 0, 1].repeat(500)].concat())
    }),
    row("/content/noise", "calls noise a page", (Skipped, "not text"), |_| {
        raw("content-type: text/plain\r\n", &(0..=255).collect::<Vec<u8>>().repeat(40))
    }),
    row("/content/download", "calls a page a download", (Skipped, "of the type `application/octet-stream`"), |_| {
        raw("content-type: application/octet-stream\r\n", b"<title>A page</title><p>A page.")
    }),
    row("/content/picture", "is a picture", (Skipped, "of the type `image/png`"), |_| {
        raw("content-type: image/png\r\n", b"\x89PNG")
    }),
    row("/content/utf16", "says it is UTF-16 and is not", (New, ""), |_| {
        raw("content-type: text/html; charset=utf-16\r\n", "<title>Größe</title><p>Die Größe zählt.".as_bytes())
    }),
    row("/content/latin", "says it is Latin-1 and is UTF-8", (New, ""), |_| {
        raw("content-type: text/html; charset=iso-8859-1\r\n", "<title>Größe</title><p>Die Größe zählt.".as_bytes())
    }),
    row("/content/mixed", "mixes two charsets", (New, ""), |_| {
        raw(HTML, &["<p>Größe, größer, am größten, gr".as_bytes(), b"\xfc", "n und schön.".as_bytes()].concat())
    }),
    row("/content/nulls", "has null bytes in its text", (New, ""), |_| {
        raw("content-type: text/plain\r\n", b"A text with \0 in it, and \0 again, is still a text that can be read.")
    }),
    row("/content/empty", "is empty", (Skipped, "no text of its own"), |_| raw(HTML, b"")),
    row(
        "/content/not-found",
        "says it does not exist, with status 200",
        (Skipped, "says that it does not exist"),
        |_| Answer::Bytes(page("Page not found", "<p>We looked everywhere.")),
    ),
    row("/content/cookie-wall", "shows only a wall of cookies", (Skipped, "only a wall"), |_| {
        Answer::Bytes(page("Before you continue", "<p>We value your privacy. Please accept all cookies to continue."))
    }),
    row("/content/script-wall", "shows nothing without scripts", (Skipped, "only a wall"), |_| {
        Answer::Bytes(page("Help", "<p>You need to enable JavaScript to run this app."))
    }),
    row("/content/canonical", "says that it is a page elsewhere", (New, ""), |_| {
        html("<link rel=canonical href='https://elsewhere.invalid/'><p>A page that would be another's.")
    }),
    row("/content/base", "moves its links to the inner network", (New, ""), |request| {
        raw(HTML, format!("<base href='{}'><p>See <a href=secret>this</a> page.", request.inner).as_bytes())
    }),
    row("/content/links", "links to what must not be reached", (New, ""), |request| {
        let inner = request.inner;
        html(&format!(
            "<p>A page with <a href='{inner}'>many</a> <a href='file:///etc/passwd'>bad</a> <a href='http://a:b@{}/'>links</a> \
             <a href='data:text/html,x'>in</a> <a href='http://169.254.169.254/'>it</a>.",
            inner.authority()
        ))
    }),
    row("/content/refresh-a", "sends its readers round and round", (Skipped, "no text of its own"), |_| {
        raw(HTML, b"<title>Wait</title><meta http-equiv=refresh content='0; url=/content/refresh-b'>")
    }),
    row("/content/refresh-b", "sends them back", (Skipped, "no text of its own"), |_| {
        raw(HTML, b"<title>Wait</title><meta http-equiv=refresh content='0; url=/content/refresh-a'>")
    }),
    row("/content/title", "has a title of a megabyte", (New, ""), |_| {
        Answer::Bytes(page(&"title ".repeat(200_000), "<p>A short text."))
    }),
    // Traps
    row("/calendar/2026-11-21", "is a day of an endless calendar", (Skipped, "endless calendar"), |request| {
        html(&format!("<p>Today. <a href='/calendar/2026-11-{}'>Tomorrow</a>", number(request) + 1))
    }),
    row("/days?day=1", "is a calendar in disguise", (New, ""), |request| {
        html(&format!("<p>Day {0}. <a href='/days?day={0}'>Tomorrow</a>", number(request) + 1))
    }),
    row("/session?sid=1", "gives each visitor an address", (Skipped, "visitor's session id"), |request| {
        html(&format!("<p>Welcome. <a href='/session?sid={}'>On</a>", number(request) + 1))
    }),
    row("/echo/a/", "makes its own path longer and longer", (New, ""), |_| html("<p>A page. <a href='echo/a/'>On</a>")),
    row("/steps/1", "leads on step by step for ever", (New, ""), |request| {
        html(&format!("<p>Step {}. <a href='/steps/{}'>On</a>", number(request), number(request) + 1))
    }),
    row("/long", "links to an address of 10,000 characters", (New, ""), |_| {
        html(&format!("<p>A page. <a href='/long/{}'>On</a>", "x".repeat(10_000)))
    }),
    row("/many", "links to 10,000 pages", (New, ""), |_| {
        let mut links = String::from("<p>A page with links.");
        for number in 0..10_000 {
            write!(links, "<a href='/many/{number}'>{number}</a> ").unwrap();
        }
        html(&links)
    }),
    // Sitemaps, which robots.txt names
    row(
        "/sitemaps/bomb.xml.gz",
        "is a sitemap that unpacks to 96 MiB",
        (Skipped, "only its beginning was read"),
        |_| raw("content-type: application/gzip\r\n", &SITEMAP_BOMB),
    ),
    row(
        "/sitemaps/loop-4.xml",
        "is an index of itself and ever more",
        (Skipped, "point at each other without end"),
        |_| unreachable!("sitemaps are followed three deep"),
    ),
    row("/sitemaps/entities.xml", "is a sitemap of entities that multiply", (Skipped, "lists no page"), |_| {
        let entities = r#"<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>"#;
        raw(
            "content-type: text/xml\r\n",
            format!("{entities}<urlset>&b;<url><loc>&c;&b;</loc></url></urlset>").as_bytes(),
        )
    }),
    row("/sitemaps/page.xml", "is no sitemap", (Skipped, "sitemap cannot be read"), |_| {
        raw("content-type: text/xml\r\n", b"<html><p>A page.</html>")
    }),
    row("/sitemaps/missing.xml", "is a sitemap that is not there", (Skipped, "does not exist (status 404)"), |_| {
        status("404 Not Found", "")
    }),
];

/// An index that lists itself and the next one.
fn sitemap_index(next: u64) -> Answer {
    let entry = |number: u64| format!("<sitemap><loc>/sitemaps/loop-{number}.xml</loc></sitemap>");
    let index = format!("<sitemapindex>{}{}</sitemapindex>", entry(next - 1), entry(next));
    raw("content-type: text/xml\r\n", index.as_bytes())
}

/// The whole hostile site: a start that links to every row, and the rows.
pub(crate) fn site(request: &Request<'_>) -> Answer {
    if let Some(row) = ROWS.iter().find(|row| row.path == request.path && !row.path.contains("/loop-")) {
        return (row.answer)(request);
    }
    let path = request.path;
    let family = |prefix: &str| {
        ROWS.iter()
            .find(|row| row.path.starts_with(prefix) && path.starts_with(prefix))
            .map(|row| (row.answer)(request))
    };
    let known = ["/redirect/chain-", "/days", "/session", "/calendar", "/steps/", "/echo/"]
        .iter()
        .find_map(|prefix| family(prefix));
    if let Some(answer) = known {
        return answer;
    }
    match path {
        "/robots.txt" => {
            let sitemaps: Vec<String> = ROWS
                .iter()
                .filter(|row| row.path.starts_with("/sitemaps/"))
                .map(|row| row.path.replace("loop-4", "loop-0"))
                .map(|path| format!("Sitemap: {}{}\n", request.own, path.trim_start_matches('/')))
                .collect();
            raw(
                "content-type: text/plain\r\n",
                format!("{}User-agent: *\nDisallow: /forbidden/\n", sitemaps.concat()).as_bytes(),
            )
        }
        "/" => {
            let links: Vec<String> = ROWS
                .iter()
                .filter(|row| !row.path.starts_with("/sitemaps/"))
                .map(|row| format!("<li><a href='{}'>{}</a>", row.path, row.does))
                .collect();
            html(&format!("<p>A site that does all that sites should not.<ul>{}</ul>", links.concat()))
        }
        _ if path.starts_with("/sitemaps/loop-") => sitemap_index(number(request) + 1),
        _ if path.starts_with("/many/") => html(&format!("<p>One of many pages: {path}.")),
        _ => status("404 Not Found", ""),
    }
}
