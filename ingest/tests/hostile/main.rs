//! A website that does all that websites should not, scanned through the real jobs.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::large_stack_arrays,
    reason = "tests fail by panicking"
)]

mod behaviours;
mod desk;
mod server;

use behaviours::{ROWS, gzip, prepare, site};
use desk::TestDesk;
use domain::page::{PageState, ScanSettings, ScanState};
use server::{Answer, Behaviour, Inner, Request, ok, page, serve, status, to};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use url::Url;

/// How much a scan may add to the memory of its process, in KiB.
const GROWTH_KIB_MAX: u64 = 64 * 1024;
/// Pages of the whole hostile site that are read at most.
const PAGES_MAX: usize = 600;
/// How long the scan of the whole hostile site may take.
const SITE_SECONDS_MAX: f64 = 120.0;

/// What a preview may take: what is promised, and half of it again for a busy machine.
const PREVIEW_TIME_MAX: Duration = Duration::from_millis(7_500);

/// Tells the process that serves the site where the inner network is.
const INNER: &str = "HOSTILE_INNER";

/// One at a time: the memory of the process is measured.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn kib(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everything_a_hostile_site_does_ends_in_a_reason_within_time_and_memory() {
    let _alone = ALONE.lock().await;
    let inner = Inner::listen().await;
    let apart = serve_apart(&inner);
    let start = apart.start.clone();
    let desk = TestDesk::new(&[&start]).await;
    // The peak is counted from here on.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = kib("VmRSS:");
    let scanned = desk.scan(&start, ScanSettings { pages_max: PAGES_MAX, ..ScanSettings::default() }).await;
    let growth = kib("VmHWM:").saturating_sub(before);
    apart.end();
    let mut wrong = Vec::new();
    for row in ROWS {
        let Some(page) = scanned.page(row.path) else {
            wrong.push(format!("{} ({}): there is no row", row.path, row.does));
            continue;
        };
        let reason = page.reason.as_deref().unwrap_or_default();
        if page.state != row.state || !reason.contains(row.says) || row.says.is_empty() && !reason.is_empty() {
            wrong.push(format!("{} ({}): {} {reason}", row.path, row.does, page.state));
        }
    }
    let summary =
        format!("{} pages, {:.1} s, {} MiB more memory at most", scanned.pages.len(), scanned.seconds, growth / 1024);
    assert!(wrong.is_empty(), "{summary}\n{}", wrong.join("\n"));
    assert_eq!(scanned.scan.state, ScanState::Completed);
    assert_eq!(inner.hits(), 0, "the inner network was reached");
    assert!(growth <= GROWTH_KIB_MAX, "{summary}");
    assert!(scanned.seconds <= SITE_SECONDS_MAX, "{summary}");
    assert!(scanned.pages.len() <= PAGES_MAX + 2_500, "{summary}");
}

/// The site in a process of its own, whose memory is not that of the scan. It ends with ours.
struct Apart {
    start: Url,
    process: Child,
}

fn serve_apart(inner: &Inner) -> Apart {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "the_site_stands_in_a_process_of_its_own", "--nocapture"]);
    command.env(INNER, inner.url.as_str()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let start = lines.map(Result::unwrap).find_map(|line| line.find("http://").map(|at| line[at..].to_owned()));
    Apart { start: start.unwrap().parse().unwrap(), process }
}

impl Apart {
    fn end(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// The test, and the process that it starts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_site_stands_in_a_process_of_its_own() {
    if let Ok(inner) = std::env::var(INNER) {
        prepare();
        let start = serve(&Inner::at(inner.parse().unwrap()), site).await;
        writeln!(std::io::stdout(), "{start}").unwrap();
        let end = || std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        tokio::task::spawn_blocking(end).await.unwrap().unwrap();
        return;
    }
    let inner = Inner::listen().await;
    let apart = serve_apart(&inner);
    let mut stream = tokio::net::TcpStream::connect(apart.start.authority()).await.unwrap();
    stream.write_all(b"GET /redirect/inner HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    apart.end();
    assert!(answer.contains(&format!("location: {}", inner.url)), "{answer}");
}

/// What a robots.txt does, and what the scan says of it; nothing where the site is read.
type RobotsRow = (&'static str, &'static str, Behaviour);

const ROBOTS_ROWS: &[RobotsRow] = &[
    ("is broken", "robots.txt could not be read (the website answered with status 500)", |request| {
        robots(request, || status("500 Oops", ""))
    }),
    ("is busy", "robots.txt could not be read (the website asks to come back later (status 503))", |request| {
        robots(request, || status("503 Busy", "retry-after: 31536000\r\n"))
    }),
    ("never comes", "robots.txt could not be read (the website did not answer", |request| {
        robots(request, || Answer::Silence)
    }),
    ("breaks off", "robots.txt could not be read (the page broke off", |request| {
        robots(request, || Answer::Bytes(ok("content-length: 100\r\n", b"User-agent: *\n")))
    }),
    ("leads into the inner network", "is on a private network", |request| {
        robots(request, || to(request.inner.as_str()))
    }),
    ("forbids all", "robots.txt forbids the page (rule `Disallow: /`)", |request| {
        robots(request, || Answer::Bytes(ok("", b"User-agent: *\nDisallow: /\n")))
    }),
    ("leads to itself for ever, which is as if it were not there", "", |request| robots(request, || to("/robots.txt"))),
    ("never ends", "", |request| {
        let head = ok("content-type: text/plain\r\n", b"User-agent: *\nDisallow: /forbidden\n");
        robots(request, || Answer::Endless { head: head.clone(), piece: b"# and on it goes\n", every: Duration::ZERO })
    }),
    ("is a bomb", "", |request| {
        robots(request, || Answer::Bytes(ok("content-encoding: gzip\r\n", &gzip(&vec![b'#'; 8 * 1024 * 1024]))))
    }),
    ("is a picture", "", |request| {
        robots(request, || Answer::Bytes(ok("content-type: image/png\r\n", b"\x89PNG\r\n\0\x01\x02")))
    }),
];

/// A site of one page behind such a robots.txt.
fn robots(request: &Request<'_>, answer: impl Fn() -> Answer) -> Answer {
    match request.path {
        "/robots.txt" => answer(),
        "/" => Answer::Bytes(page("A page", "<p>Some words that can be read.")),
        _ => status("404 Not Found", ""),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_a_robots_file_does_the_scan_ends_and_says_why() {
    let _alone = ALONE.lock().await;
    let inner = Inner::listen().await;
    for (does, says, behaviour) in ROBOTS_ROWS {
        let start = serve(&inner, *behaviour).await;
        let scanned = TestDesk::new(&[&start]).await.scan(&start, ScanSettings::default()).await;
        let error = scanned.scan.error.as_deref().unwrap_or_default();
        if says.is_empty() {
            assert_eq!(scanned.scan.state, ScanState::Completed, "robots.txt {does}: {error}");
            assert_eq!(scanned.page("/").map(|page| page.state), Some(PageState::New), "robots.txt {does}");
        } else {
            assert_eq!(scanned.scan.state, ScanState::Failed, "robots.txt {does}");
            assert!(error.contains(says), "robots.txt {does}: {error}");
        }
    }
    assert_eq!(inner.hits(), 0, "the inner network was reached");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_preview_of_the_hostile_site_ends_in_seconds_and_stores_nothing() {
    let _alone = ALONE.lock().await;
    prepare();
    let inner = Inner::listen().await;
    let start = serve(&inner, site).await;
    let desk = TestDesk::new(&[&start]).await;
    let begin = std::time::Instant::now();
    let preview = ingest::preview::preview(&desk.library, start.as_str(), &ScanSettings::default()).await.unwrap();
    assert!(begin.elapsed() < PREVIEW_TIME_MAX, "{:?}", begin.elapsed());
    assert!(preview.looked_at > 0 && preview.pages > 20, "{preview}");
    for kind in ["sitemap", "endless links"] {
        assert!(preview.skipped.iter().any(|group| group.kind == kind && !group.examples.is_empty()), "{preview}");
    }
    let tenant = desk.library.database.of(desk.organization_id);
    assert_eq!(tenant.count_documents(None).await.unwrap(), 0);
    assert_eq!(inner.hits(), 0, "the inner network was reached");
}

#[test]
fn the_site_has_many_behaviours_and_each_has_an_address_of_its_own() {
    let mut paths: Vec<&str> = ROWS.iter().map(|row| row.path).collect();
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths.len(), ROWS.len());
    assert!(ROWS.len() >= 30);
}
