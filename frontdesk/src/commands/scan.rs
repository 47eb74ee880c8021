//! `frontdesk scan`: previews a website, or scans it with progress.

use crate::cli;
use crate::failure::Failure;
use crate::output::{Exit, Output};
use crate::wiring::Wired;
use domain::page::{Page, PageState, Scan, ScanSettings, ScanState};
use ingest::preview::Preview;
use ingest::{preview, scan};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How often progress is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Failed and skipped pages that are printed.
const PAGES_SHOWN: i64 = 20;

#[derive(Serialize)]
struct Outcome {
    scan: Scan,
    pages: BTreeMap<String, i64>,
    seconds: f64,
    not_read: Vec<Page>,
}

pub(crate) async fn run(wired: Wired, options: &cli::Scan, output: Output) -> Result<Exit, Failure> {
    let settings = ScanSettings {
        include: options.include.clone(),
        exclude: options.exclude.clone(),
        pages_max: options.max_pages.unwrap_or(wired.settings.scan.pages_max) as usize,
        depth_max: options.max_depth.unwrap_or(wired.settings.scan.depth_max) as usize,
        publish: options.publish,
    };
    if options.preview {
        let preview = preview::preview(&wired.library, &options.url, &settings)
            .await
            .map_err(|error| failure(options, &error))?;
        output.result(&preview, Preview::to_string)?;
        return Ok(Exit::Ok);
    }
    wired.say_if_lexical(output);
    let started = Instant::now();
    let organization_id = wired.organization_id();
    let scan = scan::start(&wired.library, organization_id, &options.url, settings)
        .await
        .map_err(|error| failure(options, &error))?;
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    tasks.spawn(wired.worker().run(stop.clone()));
    tasks.spawn(ingest::index::follow(wired.library.clone(), stop.clone()));
    tasks.close();
    let ended = watch(&wired, &scan, output).await;
    stop.cancel();
    tasks.wait().await;
    let (scan, counts) = ended?;
    wired.catch_up().await?;
    let not_read = not_read(&wired, &scan).await?;
    let outcome = Outcome {
        pages: counts.iter().map(|(state, count)| (state.to_string(), *count)).collect(),
        seconds: started.elapsed().as_secs_f64(),
        scan,
        not_read,
    };
    output.result(&outcome, in_words)?;
    let read = [PageState::New, PageState::Same, PageState::Changed].iter().any(|state| counts.contains_key(state));
    Ok(if outcome.scan.state == ScanState::Completed && read { Exit::Ok } else { Exit::Problem })
}

/// Shows progress until the scan has ended.
async fn watch(wired: &Wired, scan: &Scan, output: Output) -> Result<(Scan, HashMap<PageState, i64>), Failure> {
    let tenant = wired.desk.database.of(wired.organization_id());
    let bar = output.progress("pages", 1);
    let started = Instant::now();
    loop {
        let present = tenant.load_scan(scan.id).await.map_err(|error| storage_failure(&error))?;
        let counts = tenant.count_pages(scan.id).await.map_err(|error| storage_failure(&error))?;
        let total: i64 = counts.values().sum();
        let done = total - counts.get(&PageState::Pending).copied().unwrap_or(0);
        bar.set_length(u64::try_from(total).unwrap_or(0));
        bar.set_position(u64::try_from(done).unwrap_or(0));
        #[expect(clippy::cast_precision_loss, reason = "page counts are small")]
        let rate = done as f64 / started.elapsed().as_secs_f64().max(0.001);
        bar.set_message(format!("{rate:.1} pages/s"));
        if present.finished_at.is_some() {
            bar.finish_and_clear();
            return Ok((present, counts));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn not_read(wired: &Wired, scan: &Scan) -> Result<Vec<Page>, Failure> {
    let tenant = wired.desk.database.of(wired.organization_id());
    let mut pages = Vec::new();
    for state in [PageState::Failed, PageState::Skipped] {
        let listed = tenant.list_pages(scan.id, Some(state), None, PAGES_SHOWN).await;
        pages.extend(listed.map_err(|error| storage_failure(&error))?);
    }
    Ok(pages)
}

fn failure(options: &cli::Scan, error: &ingest::Error) -> Failure {
    let failure = Failure::new(Exit::Problem, format!("cannot scan {}", options.url)).because(error);
    if matches!(error, ingest::Error::Address { reason: ingest::Reason::Refused(_), .. }) {
        failure.fix("a private address must be allowed by name: scan.allow_private_hosts = [\"host:port\"]")
    } else {
        failure.fix("check the address in a browser")
    }
}

fn storage_failure(error: &storage::Error) -> Failure {
    Failure::new(Exit::Problem, "the scan cannot be followed")
        .because(error)
        .fix("it goes on where it was with `frontdesk worker`")
}

fn in_words(outcome: &Outcome) -> String {
    let counts: Vec<String> = outcome.pages.iter().map(|(state, count)| format!("{count} {state}")).collect();
    let mut lines =
        vec![format!("{} {}: {} · {:.1} s", outcome.scan.url, outcome.scan.state, counts.join(" · "), outcome.seconds)];
    lines.extend(outcome.scan.error.iter().map(|error| format!("  {error}")));
    lines.extend(
        outcome
            .not_read
            .iter()
            .map(|page| format!("  {:<8} {}  {}", page.state, page.url, page.reason.as_deref().unwrap_or_default())),
    );
    lines.join("\n")
}
