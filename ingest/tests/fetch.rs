//! Fetching against a stub server that behaves and misbehaves as real ones do.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use flate2::{Compression, write::GzEncoder};
use ingest::Reason;
use ingest::fetch::{Body, FetchSettings, Fetched, Fetcher, Get, Refused, Want};
use ingest::guard::{Guard, Refusal};
use ingest::politeness::PoliteSettings;
use ingest::unpack::Bounds;
use std::io::Write;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

/// Answers each request by its path with the bytes that `answer` gives; no bytes means silence.
async fn serve(answer: impl Fn(&str, &str) -> Vec<u8> + Clone + Send + 'static) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    tokio::task::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::task::spawn(async move {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => request.push(byte),
                        Err(_) => return,
                    }
                }
                let request = String::from_utf8(request).unwrap();
                let path = request.split(' ').nth(1).unwrap_or_default();
                let bytes = answer(path, &request.to_ascii_lowercase());
                if bytes.is_empty() {
                    std::future::pending::<()>().await;
                }
                // A client that has seen enough hangs up; that is not the server's failure.
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    url
}

fn fetcher(site: &Url) -> Fetcher {
    let host = format!("127.0.0.1:{}", site.port().unwrap()).parse().unwrap();
    let settings = FetchSettings {
        first_byte_timeout: Duration::from_millis(300),
        total_timeout: Duration::from_secs(2),
        bounds: Bounds { raw_bytes_max: 10_000, unpacked_bytes_max: 50_000 },
        polite: PoliteSettings { requests_at_once: 4, delay: Duration::ZERO, ..PoliteSettings::default() },
        ..FetchSettings::default()
    };
    Fetcher::new(&Guard::new(vec![host]), settings).unwrap()
}

async fn get(site: &Url, path: &str) -> Result<Fetched, Refused> {
    fetcher(site).get(&Get::page(site.join(path).unwrap())).await
}

async fn body(site: &Url, path: &str) -> Body {
    match get(site, path).await.unwrap() {
        Fetched::Body(body) => body,
        Fetched::NotModified => panic!("not modified"),
    }
}

async fn reason(site: &Url, path: &str) -> Reason {
    get(site, path).await.unwrap_err().reason
}

fn ok(headers: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\n{headers}connection: close\r\n\r\n").as_bytes(), body].concat()
}

fn page(body: &[u8]) -> Vec<u8> {
    ok(&format!("content-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n", body.len()), body)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_page_comes_with_what_is_needed_to_ask_again() {
    let site = serve(|path, request| match path {
        "/page" if request.contains("if-none-match: \"v1\"\r\n") => b"HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n".to_vec(),
        "/page" => ok("content-type: text/html\r\netag: \"v1\"\r\nlast-modified: Sat, 21 Nov 2026 07:00:00 GMT\r\nx-robots-tag: noindex\r\n", b"<p>Hi"),
        _ => b"HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n".to_vec(),
    })
    .await;
    let first = body(&site, "/page").await;
    assert_eq!(
        (first.bytes.as_slice(), first.etag.as_deref(), first.robots_tag.as_deref()),
        (b"<p>Hi".as_slice(), Some("\"v1\""), Some("noindex"))
    );
    let again = Get { etag: first.etag, last_modified: first.last_modified, ..Get::page(first.url) };
    assert_eq!(fetcher(&site).get(&again).await, Ok(Fetched::NotModified));
    assert_eq!(reason(&site, "/other").await, Reason::Gone(404));
}

#[tokio::test]
async fn redirects_are_followed_so_far_and_never_to_a_private_host() {
    let site = serve(|path, _| {
        let to = |target: &str| {
            format!("HTTP/1.1 302 Found\r\nlocation: {target}\r\nconnection: close\r\n\r\n").into_bytes()
        };
        match path.strip_prefix("/hop").and_then(|number| number.parse::<u32>().ok()) {
            Some(0) => page(b"there"),
            Some(number) => to(&format!("hop{}#part", number - 1)),
            None if path == "/metadata" => to("http://169.254.169.254/latest/"),
            None if path == "/local" => to("http://localhost:1/"),
            None if path == "/octal" => to("http://0177.1/"),
            None if path == "/file" => to("file:///etc/passwd"),
            None => to("http://["),
        }
    })
    .await;
    let found = body(&site, "/hop5").await;
    assert_eq!((found.bytes.as_slice(), found.url.path()), (b"there".as_slice(), "/hop0"));
    assert_eq!(reason(&site, "/hop6").await, Reason::TooManyRedirects(5));
    assert_eq!(reason(&site, "/metadata").await, Reason::Refused(Refusal::Private("169.254.169.254".into())));
    assert_eq!(reason(&site, "/local").await, Reason::Refused(Refusal::Private("localhost".into())));
    assert_eq!(reason(&site, "/octal").await, Reason::Refused(Refusal::Private("127.0.0.1".into())));
    assert_eq!(reason(&site, "/file").await, Reason::Refused(Refusal::Scheme));
    assert_eq!(reason(&site, "/nowhere").await, Reason::BadRedirect);
}

#[tokio::test]
async fn sizes_are_limited_as_sent_and_as_unpacked() {
    let site = serve(|path, _| match path {
        "/announced" => ok("content-type: text/html\r\ncontent-length: 999999\r\n", b"x"),
        "/endless" => ok("content-type: text/html\r\n", &vec![b'x'; 20_000]),
        "/bomb" => ok("content-type: text/html\r\ncontent-encoding: gzip\r\n", &gzip(&vec![0; 5_000_000])),
        "/packed" => ok("content-type: text/html\r\ncontent-encoding: gzip\r\n", &gzip(b"<p>packed")),
        "/brotli" => ok("content-type: text/html\r\ncontent-encoding: br\r\n", b"xxxx"),
        "/headers" => ok(&format!("content-type: text/html\r\nx-filler: {}\r\n", "x".repeat(70_000)), b"x"),
        _ => page(b"x"),
    })
    .await;
    assert_eq!(reason(&site, "/announced").await, Reason::TooLarge(10_000));
    assert_eq!(reason(&site, "/endless").await, Reason::TooLarge(10_000));
    assert_eq!(reason(&site, "/bomb").await, Reason::TooLargeUnpacked(50_000));
    assert_eq!(body(&site, "/packed").await.bytes, b"<p>packed");
    assert_eq!(reason(&site, "/brotli").await, Reason::UnknownPacking("br".into()));
    assert_eq!(reason(&site, "/headers").await, Reason::HeadersTooLarge(65_536));
}

#[tokio::test]
async fn what_breaks_off_or_makes_no_sense_is_never_taken_for_a_page() {
    let site = serve(|path, _| match path {
        "/short" => ok("content-type: text/html\r\ncontent-length: 500\r\n", b"<p>half"),
        "/chunked" => ok("content-type: text/html\r\ntransfer-encoding: chunked\r\n", b"5\r\n<p>ha\r\n"),
        "/gzip" => ok(
            "content-type: text/html\r\ncontent-encoding: gzip\r\n",
            gzip(b"<p>whole page that is cut").get(..20).unwrap(),
        ),
        "/noise" => b"\x16\x03\x01 this is no HTTP\r\n\r\n".to_vec(),
        "/closed" => b"HTTP/1.1".to_vec(),
        "/picture" => ok("content-type: image/png\r\n", b"x"),
        "/nothing" => b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".to_vec(),
        "/server" => b"HTTP/1.1 500 Oops\r\nconnection: close\r\n\r\n".to_vec(),
        _ => Vec::new(),
    })
    .await;
    for path in ["/short", "/chunked", "/gzip"] {
        assert_eq!(reason(&site, path).await, Reason::BrokenOff, "{path}");
    }
    assert_eq!(reason(&site, "/noise").await, Reason::BadAnswer);
    assert!(matches!(reason(&site, "/closed").await, Reason::BadAnswer | Reason::BrokenOff));
    assert_eq!(reason(&site, "/picture").await, Reason::WrongType("image/png".into()));
    assert_eq!(reason(&site, "/nothing").await, Reason::Status(204));
    assert!(reason(&site, "/server").await.is_temporary());
    assert_eq!(reason(&site, "/silence").await, Reason::SlowAnswer(Duration::from_millis(300)));
}

#[tokio::test]
async fn a_busy_site_says_when_to_come_back() {
    let site = serve(|path, _| {
        let after = if path == "/seconds" { "120" } else { "Sat, 21 Nov 2026 07:01:00 GMT" };
        format!("HTTP/1.1 429 Slow Down\r\ndate: Sat, 21 Nov 2026 07:00:00 GMT\r\nretry-after: {after}\r\nconnection: close\r\n\r\n").into_bytes()
    })
    .await;
    for (path, seconds) in [("/seconds", 120), ("/date", 60)] {
        let refused = get(&site, path).await.unwrap_err();
        assert_eq!(refused, Refused { reason: Reason::Busy(429), retry_after: Some(Duration::from_secs(seconds)) });
    }
}

#[tokio::test]
async fn a_robots_file_may_be_of_any_type_and_a_closed_port_is_unreachable() {
    let site = serve(|_, _| ok("content-type: application/octet-stream\r\n", b"User-agent: *\nDisallow: /x\n")).await;
    let request = Get { want: Want::Robots, ..Get::page(site.join("/robots.txt").unwrap()) };
    assert!(matches!(fetcher(&site).get(&request).await, Ok(Fetched::Body(_))));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    assert_eq!(reason(&closed, "/").await, Reason::Unreachable);
}
