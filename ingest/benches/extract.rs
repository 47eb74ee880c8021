//! What it costs to take pages apart and cut them. `SITE=folder cargo bench -p frontdesk-ingest` measures the
//! HTML files of a folder; without it, a page that is written here.
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use ingest::boilerplate::SiteProfile;
use ingest::chunk::{ChunkSettings, chunk};
use ingest::extract::{RawPage, extract};
use std::path::Path;
use std::sync::LazyLock;
use url::Url;

#[expect(clippy::disallowed_methods, reason = "a benchmark has no settings")]
static PAGES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut pages = Vec::new();
    if let Some(folder) = std::env::vars().find(|(name, _)| name == "SITE").map(|(_, folder)| folder) {
        collect(Path::new(&folder), &mut pages);
    }
    if pages.is_empty() {
        let section = "<h2>Part</h2><p>Some words about <a href='x'>a thing</a> that people ask for, and <code>how</code> it is done.</p><ul><li>One<li>Two</ul>";
        pages.push(
            format!(
                "<title>Page</title><nav>{}</nav><main><h1>Page</h1>{}</main>",
                "<a href=y>Menu</a>".repeat(50),
                section.repeat(40)
            )
            .into_bytes(),
        );
    }
    pages
});

fn collect(folder: &Path, pages: &mut Vec<Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, pages);
        } else if path.extension().is_some_and(|extension| extension == "html") {
            pages.push(std::fs::read(path).unwrap());
        }
    }
}

fn main() {
    divan::main();
}

fn url() -> Url {
    Url::parse("https://site.example/docs/page.html").unwrap()
}

#[divan::bench(sample_count = 5)]
fn extract_all_pages(bencher: divan::Bencher<'_, '_>) {
    let url = url();
    let mut profile = SiteProfile::default();
    for bytes in PAGES.iter() {
        profile.learn(
            &extract(&RawPage { url: &url, content_type: None, robots_tag: None, bytes }, None)
                .unwrap_or_default()
                .block_hashes,
        );
    }
    bencher.counter(divan::counter::ItemsCount::new(PAGES.len())).bench_local(|| {
        PAGES
            .iter()
            .map(|bytes| {
                extract(&RawPage { url: &url, content_type: None, robots_tag: None, bytes }, Some(&profile))
                    .map_or(0, |page| page.text.len())
            })
            .sum::<usize>()
    });
}

#[divan::bench(sample_count = 5)]
fn chunk_all_pages(bencher: divan::Bencher<'_, '_>) {
    let url = url();
    let texts: Vec<String> = PAGES
        .iter()
        .filter_map(|bytes| extract(&RawPage { url: &url, content_type: None, robots_tag: None, bytes }, None).ok())
        .map(|page| page.text)
        .collect();
    bencher
        .counter(divan::counter::ItemsCount::new(texts.len()))
        .bench_local(|| texts.iter().map(|text| chunk("Page", text, &ChunkSettings::default()).len()).sum::<usize>());
}

#[divan::bench]
fn chunk_one_abstract(bencher: divan::Bencher<'_, '_>) {
    let text =
        "Cancellation takes effect at the end of the billing period, and unused months are refunded. ".repeat(16);
    bencher
        .counter(divan::counter::BytesCount::of_str(&text))
        .bench_local(|| chunk("A title", divan::black_box(&text), &ChunkSettings::default()).len());
}
