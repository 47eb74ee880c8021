//! robots.txt as RFC 9309 has it: a table of files, answers and paths, run through the real fetcher and rules.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use ingest::fetch::{FetchSettings, Fetcher, Get, Want};
use ingest::guard::Guard;
use ingest::politeness::PoliteSettings;
use ingest::robots::Rules;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

const CASES_MIN: usize = 60;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    what: String,
    #[serde(default)]
    robots: String,
    #[serde(default = "ok")]
    status: u16,
    /// Answers of `status` ahead of the file.
    redirects: Option<u32>,
    allowed: Vec<String>,
    forbidden: Vec<String>,
    delay_ms: Option<u64>,
    sitemaps: Option<Vec<String>>,
}

fn ok() -> u16 {
    200
}

/// Serves the case under its own number: `/7/robots.txt`, its redirects at `/7/r3`.
async fn serve(cases: Arc<Vec<Case>>) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    tokio::task::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.unwrap());
            }
            let request = String::from_utf8(request).unwrap();
            let mut path = request.split(' ').nth(1).unwrap().trim_start_matches('/').split('/');
            let case = &cases[path.next().unwrap().parse::<usize>().unwrap()];
            let hop = path.next().unwrap().trim_start_matches('r').parse::<u32>().ok();
            let answer = match (case.redirects, hop) {
                (None, _) => format!("HTTP/1.1 {} As it is\r\n", case.status),
                (Some(_), Some(0)) => "HTTP/1.1 200 OK\r\n".to_owned(),
                (Some(all), hop) => {
                    let next = hop.unwrap_or(all) - 1;
                    format!("HTTP/1.1 {} As it is\r\nlocation: r{next}\r\n", case.status)
                }
            };
            let answer =
                format!("{answer}content-length: {}\r\nconnection: close\r\n\r\n{}", case.robots.len(), case.robots);
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    url
}

#[tokio::test]
async fn every_case_is_read_as_the_standard_says() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("cases.json")).unwrap();
    assert!(cases.len() >= CASES_MIN, "{} cases", cases.len());
    let cases = Arc::new(cases);
    let site = serve(Arc::clone(&cases)).await;
    let settings = FetchSettings {
        polite: PoliteSettings { delay: Duration::ZERO, pause_max: Duration::ZERO, ..PoliteSettings::default() },
        ..FetchSettings::default()
    };
    let host = format!("127.0.0.1:{}", site.port().unwrap()).parse().unwrap();
    let fetcher = Fetcher::new(&Guard::new(vec![host]), settings).unwrap();
    let mut wrong = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let address = site.join(&format!("{number}/robots.txt")).unwrap();
        let answer = fetcher.get(&Get { want: Want::Robots, ..Get::page(address) }).await;
        let rules = Rules::of(answer, fetcher.robots_name());
        let allows = |path: &str| rules.check(&Url::parse("https://site.example").unwrap().join(path).unwrap()).is_ok();
        wrong.extend(
            case.allowed.iter().filter(|path| !allows(path)).map(|path| format!("{}: {path} is forbidden", case.what)),
        );
        wrong.extend(
            case.forbidden.iter().filter(|path| allows(path)).map(|path| format!("{}: {path} is allowed", case.what)),
        );
        let delay = rules.crawl_delay().map(|delay| u64::try_from(delay.as_millis()).unwrap());
        if case.delay_ms != delay {
            wrong.push(format!("{}: the delay is {delay:?}", case.what));
        }
        let sitemaps: Vec<String> = rules.sitemaps().iter().map(Url::to_string).collect();
        if case.sitemaps.as_ref().is_some_and(|expected| *expected != sitemaps) {
            wrong.push(format!("{}: the sitemaps are {sitemaps:?}", case.what));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
