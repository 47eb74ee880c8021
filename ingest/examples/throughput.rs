//! Measures what a page costs on its way from the network to chunks: processor time of this process per
//! page, fetching, taking apart and cutting together. The site is served by another process.
//!
//! `cargo run --release -p frontdesk-ingest --example throughput -- FOLDER [START_PATH]` serves the folder
//! itself; `… throughput -- http://127.0.0.1:8000/start` reads a site that is served already.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    reason = "a program for developers that reports on its standard output"
)]

use ingest::boilerplate::SiteProfile;
use ingest::chunk::{ChunkSettings, chunk};
use ingest::extract::{RawPage, extract};
use ingest::fetch::{FetchSettings, Fetched, Fetcher, Get};
use ingest::frontier::Scope;
use ingest::guard::Guard;
use ingest::politeness::PoliteSettings;
use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use url::Url;

/// Pages that are read at a time.
const PAGES_AT_ONCE: usize = 4;
/// What error pages and broken parsers leave behind; no stored page may begin so.
const ERROR_TEXTS: [&str; 4] = ["XML parsing error", "error on line", "Unicode strings with encoding", "404 Not Found"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--serve", folder] => serve(Path::new(folder)),
        [url] if url.starts_with("http") => measure(&Url::parse(url).unwrap()),
        [folder, rest @ ..] => {
            let (mut server, url) = start_server(folder);
            let start = url.join(rest.first().unwrap_or(&"index.html")).unwrap();
            measure(&start);
            server.kill().unwrap();
            server.wait().unwrap();
        }
        [] => println!("throughput FOLDER [START_PATH] | throughput URL"),
    }
}

fn measure(start: &Url) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for name in ["first scan", "again"] {
        let (begin, cpu) = (Instant::now(), cpu_seconds());
        let tally = runtime.block_on(scan(start));
        let (cpu, seconds) = (cpu_seconds() - cpu, begin.elapsed().as_secs_f64());
        println!(
            "{name}: {} pages, {:.3} CPU-ms a page, {:.0} pages/s; {:.1} MB of HTML, {:.1} MB of text, {} chunks, {} error texts",
            tally.pages,
            cpu * 1e3 / tally.pages.max(1) as f64,
            tally.pages as f64 / seconds,
            tally.html_bytes as f64 / 1e6,
            tally.text_bytes as f64 / 1e6,
            tally.chunks,
            tally.error_texts
        );
        for (reason, number) in tally.not_read {
            println!("  not read {number}: {reason}");
        }
    }
}

#[derive(Default)]
struct Tally {
    pages: usize,
    html_bytes: usize,
    text_bytes: usize,
    chunks: usize,
    error_texts: usize,
    not_read: BTreeMap<String, usize>,
}

async fn scan(start: &Url) -> Tally {
    let host = format!("{}:{}", start.host_str().unwrap(), start.port_or_known_default().unwrap());
    let settings = FetchSettings {
        polite: PoliteSettings { requests_at_once: PAGES_AT_ONCE, delay: Duration::ZERO, ..PoliteSettings::default() },
        ..FetchSettings::default()
    };
    let fetcher = Arc::new(Fetcher::new(&Guard::new(vec![host.parse().unwrap()]), settings).unwrap());
    let scope = Scope::new(start, &[], &[], 100).unwrap();
    let mut profile = Arc::new(SiteProfile::default());
    let (mut waiting, mut seen) = (vec![start.clone()], HashSet::from([start.clone()]));
    let (mut running, mut tally) = (JoinSet::new(), Tally::default());
    loop {
        while running.len() < PAGES_AT_ONCE
            && let Some(url) = waiting.pop()
        {
            running.spawn(page(Arc::clone(&fetcher), url, Arc::clone(&profile)));
        }
        let Some(read) = running.join_next().await else { return tally };
        match read.unwrap() {
            Err(reason) => *tally.not_read.entry(reason).or_default() += 1,
            Ok(read) => {
                tally.pages += 1;
                tally.html_bytes += read.html_bytes;
                tally.text_bytes += read.text.len();
                tally.chunks += read.chunks;
                tally.error_texts += usize::from(
                    ERROR_TEXTS.iter().any(|text| read.text.lines().take(3).any(|line| line.contains(text))),
                );
                Arc::make_mut(&mut profile).learn(&read.block_hashes);
                for url in read.links.iter().filter_map(|link| scope.admit(link, 0).ok()) {
                    if seen.insert(url.clone()) {
                        waiting.push(url);
                    }
                }
            }
        }
    }
}

struct ReadPage {
    html_bytes: usize,
    text: String,
    chunks: usize,
    links: Vec<Url>,
    block_hashes: Vec<u64>,
}

async fn page(fetcher: Arc<Fetcher>, url: Url, profile: Arc<SiteProfile>) -> Result<ReadPage, String> {
    let Fetched::Body(body) = fetcher.get(&Get::page(url)).await.map_err(|refused| refused.to_string())? else {
        return Err("not modified".to_owned());
    };
    let taken = tokio::task::spawn_blocking(move || {
        let raw = RawPage {
            url: &body.url,
            content_type: body.content_type.as_deref(),
            robots_tag: None,
            bytes: &body.bytes,
        };
        let page =
            extract(&raw, Some(&*profile).filter(|profile| profile.is_ready())).map_err(|reason| reason.to_string())?;
        let chunks = chunk(&page.title, &page.text, &ChunkSettings::default()).len();
        let html_bytes = body.bytes.len();
        Ok(ReadPage { html_bytes, text: page.text, chunks, links: page.links, block_hashes: page.block_hashes })
    });
    taken.await.unwrap()
}

/// User and system time of this process.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    // Fields 14 and 15 of the whole line, in ticks of 10 ms.
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

fn start_server(folder: &str) -> (Child, Url) {
    let own = std::env::current_exe().unwrap();
    let mut server = Command::new(own).args(["--serve", folder]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (server, Url::parse(line.trim()).unwrap())
}

fn serve(folder: &Path) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("http://{}/", listener.local_addr().unwrap());
    for stream in listener.incoming() {
        let (stream, folder) = (stream.unwrap(), folder.to_owned());
        std::thread::spawn(move || answer_all(stream, &folder));
    }
}

/// Answers the requests of one connection, one after the other.
fn answer_all(mut stream: TcpStream, folder: &Path) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut path = String::new();
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            if reader.by_ref().take(64 * 1024).read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if path.is_empty() {
                line.split(' ').nth(1).unwrap_or("/").clone_into(&mut path);
            }
        }
        let mut file: PathBuf = folder.join(path.split('?').next().unwrap().trim_start_matches('/'));
        if file.is_dir() {
            file = file.join("index.html");
        }
        let (status, body) = std::fs::read(&file).map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
        let head = format!("HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\r\n", body.len());
        if stream.write_all(&[head.into_bytes(), body].concat()).is_err() {
            return;
        }
    }
}
