//! Measures how well the main text of pages is found: token F1 against a gold text per page.
//!
//! `cargo run --release --example extraction_f1 -- SITE_FOLDER [html|html_divsoup …]`, where the folder
//! holds the built pages and `gold.jsonl` with `{"id", "url", "title", "text"}` a line.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    reason = "a program for developers that reports on its standard output"
)]

use ingest::boilerplate::SiteProfile;
use ingest::extract::{Extraction, RawPage, extract};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;
use url::Url;

struct Page {
    id: String,
    gold: String,
    bytes: Vec<u8>,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| ".".to_owned()));
    let variants: Vec<String> = arguments.collect();
    let variants = if variants.is_empty() { vec!["html".to_owned(), "html_divsoup".to_owned()] } else { variants };
    for variant in variants {
        let pages = load(&folder, &variant);
        let mut profile = SiteProfile::default();
        for page in &pages {
            profile.learn(&take_apart(page, None).block_hashes);
        }
        for (name, profile) in [("alone", None), ("with the site's profile", Some(&profile))] {
            let begin = Instant::now();
            let extractions: Vec<Extraction> = pages.iter().map(|page| take_apart(page, profile)).collect();
            let milliseconds = begin.elapsed().as_secs_f64() * 1e3 / pages.len() as f64;
            let mut scores: Vec<(f64, f64, f64, &str)> = pages
                .iter()
                .zip(&extractions)
                .map(|(page, extraction)| {
                    let (p, r, f) = f1(&plain(&page.gold), &plain(&extraction.text));
                    (f, p, r, page.id.as_str())
                })
                .collect();
            let raw = pages
                .iter()
                .zip(&extractions)
                .map(|(page, extraction)| f1(&page.gold, &extraction.text).2)
                .sum::<f64>()
                / pages.len() as f64;
            let mean =
                |part: fn(&(f64, f64, f64, &str)) -> f64| scores.iter().map(part).sum::<f64>() / scores.len() as f64;
            println!(
                "{variant} {name}: F1 {:.4}, precision {:.4}, recall {:.4}, F1 with link targets {raw:.4}, {milliseconds:.2} ms a page, {} pages",
                mean(|s| s.0),
                mean(|s| s.1),
                mean(|s| s.2),
                pages.len()
            );
            scores.sort_by(|a, b| a.0.total_cmp(&b.0));
            let worst: Vec<String> =
                scores.iter().take(8).map(|(f, p, r, id)| format!("{id} {f:.3} (p {p:.3} r {r:.3})")).collect();
            println!("  worst: {}", worst.join(", "));
        }
    }
}

fn load(folder: &Path, variant: &str) -> Vec<Page> {
    let gold = std::fs::read_to_string(folder.join("gold.jsonl")).unwrap();
    let pages = gold.lines().filter_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let file = folder.join(variant).join(line["url"].as_str().unwrap().trim_matches('/')).join("index.html");
        let bytes = std::fs::read(&file).ok()?;
        Some(Page {
            id: line["id"].as_str().unwrap().to_owned(),
            gold: line["text"].as_str().unwrap().to_owned(),
            bytes,
        })
    });
    pages.collect()
}

fn take_apart(page: &Page, profile: Option<&SiteProfile>) -> Extraction {
    let url = Url::parse("http://site.example/page/").unwrap();
    extract(&RawPage { url: &url, content_type: Some("text/html"), robots_tag: None, bytes: &page.bytes }, profile)
        .unwrap_or_default()
}

/// The text without the targets of links and pictures, which are not read.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("](") {
        let (before, target) = rest.split_at(start);
        plain.push_str(before);
        rest = target.find(')').map_or("", |end| &target[end..]);
    }
    plain + rest
}

fn f1(gold: &str, text: &str) -> (f64, f64, f64) {
    let count = |text: &str| {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            *counts.entry(word.to_lowercase()).or_insert(0) += 1;
        }
        counts
    };
    let (gold, text) = (count(gold), count(text));
    let both: usize = gold.iter().map(|(word, seen)| (*seen).min(text.get(word).copied().unwrap_or(0))).sum();
    let part = |whole: &HashMap<String, usize>| both as f64 / whole.values().sum::<usize>().max(1) as f64;
    let (precision, recall) = (part(&text), part(&gold));
    (precision, recall, if both == 0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) })
}
