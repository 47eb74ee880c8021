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

use behaviours::{ROWS, prepare, site};
use desk::TestDesk;
use domain::page::{ScanSettings, ScanState};
use server::{Inner, serve};

/// How much a scan may add to the memory of its process, in KiB.
const GROWTH_KIB_MAX: u64 = 64 * 1024;
/// Pages of the whole hostile site that are read at most.
const PAGES_MAX: usize = 600;
/// How long the scan of the whole hostile site may take.
const SITE_SECONDS_MAX: f64 = 120.0;

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
    prepare();
    let inner = Inner::listen().await;
    let start = serve(&inner, site).await;
    let desk = TestDesk::new(&[&start]).await;
    // The peak is counted from here on.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = kib("VmRSS:");
    let scanned = desk.scan(&start, ScanSettings { pages_max: PAGES_MAX, ..ScanSettings::default() }).await;
    let growth = kib("VmHWM:").saturating_sub(before);
    println!("{} pages, {:.1} s, {} MiB more memory at most", scanned.pages.len(), scanned.seconds, growth / 1024);
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
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(scanned.scan.state, ScanState::Completed);
    assert_eq!(inner.hits(), 0, "the inner network was reached");
    assert!(growth <= GROWTH_KIB_MAX, "memory grew by {} MiB", growth / 1024);
    assert!(scanned.seconds <= SITE_SECONDS_MAX, "it took {} s", scanned.seconds);
    assert!(scanned.pages.len() <= PAGES_MAX + 500, "{} rows", scanned.pages.len());
}

#[test]
fn the_site_has_many_behaviours_and_each_has_an_address_of_its_own() {
    let mut paths: Vec<&str> = ROWS.iter().map(|row| row.path).collect();
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths.len(), ROWS.len());
    assert!(ROWS.len() >= 30);
}
