//! `frontdesk scan`: previews a website, or scans it with progress.

use crate::cli;
use crate::commands::review;
use crate::commands::scan_changes;
use crate::failure::Failure;
use crate::output::{Exit, Format, Output};
use crate::wiring::Wired;
use domain::page::{Page, PageState, Scan, ScanSettings, ScanState};
use ingest::preview::Preview;
use ingest::progress::{Progress, progress};
use ingest::{preview, scan};
use serde::Serialize;
use std::time::{Duration, Instant};
use storage::pages::PageFilter;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How often progress is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Failed and skipped pages that are printed.
const PAGES_SHOWN: i64 = 20;
/// Events that are read at once.
const EVENTS_PER_READ: i64 = 200;

#[derive(Serialize)]
struct Outcome {
    scan: Scan,
    #[serde(flatten)]
    progress: Progress,
    seconds: f64,
    not_read: Vec<Page>,
}

pub(crate) async fn run(wired: Wired, options: &cli::Scan, output: Output) -> Result<Exit, Failure> {
    if options.diff || options.apply || options.reject {
        return scan_changes::run(wired, options, output).await;
    }
    let settings = ScanSettings {
        include: options.include.clone(),
        exclude: options.exclude.clone(),
        pages_max: options.max_pages.unwrap_or(wired.settings.scan.pages_max) as usize,
        depth_max: options.max_depth.unwrap_or(wired.settings.scan.depth_max) as usize,
        generate: !options.no_drafts,
        publish: options.publish,
        ..ScanSettings::default()
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
    let scan = start_or_join(&wired, options, settings, output).await?;
    let (scan, progress) = with_worker(&wired, read(&wired, &scan, output)).await?;
    wired.catch_up().await?;
    let not_read = not_read(&wired, &scan).await?;
    let outcome = Outcome { progress, seconds: started.elapsed().as_secs_f64(), scan, not_read };
    output.result(&outcome, in_words)?;
    Ok(if outcome.scan.state == ScanState::Completed { Exit::Ok } else { Exit::Problem })
}

/// Starts a scan; one of this website that has not ended is gone on with instead.
async fn start_or_join(
    wired: &Wired,
    options: &cli::Scan,
    settings: ScanSettings,
    output: Output,
) -> Result<Scan, Failure> {
    let organization_id = wired.organization_id();
    let open = scan::find_open(&wired.library, organization_id, &options.url).await;
    let Some(open) = open.map_err(|error| failure(options, &error))? else {
        let started = scan::start(&wired.library, organization_id, &options.url, settings).await;
        return started.map_err(|error| failure(options, &error));
    };
    output.say(&format!("the scan that began at {} goes on, with its own settings", open.created_at));
    if open.state == ScanState::Paused {
        return scan::resume(&wired.library, organization_id, open.id).await.map_err(|error| failure(options, &error));
    }
    Ok(open)
}

/// Waits for something while a worker of this process works.
pub(super) async fn with_worker<T>(wired: &Wired, wait: impl Future<Output = T>) -> T {
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    tasks.spawn(wired.worker().run(stop.clone()));
    tasks.spawn(ingest::index::follow(wired.library.clone(), stop.clone()));
    tasks.close();
    let seen = wait.await;
    stop.cancel();
    tasks.wait().await;
    seen
}

/// Waits until the scan has ended and what it brought is drafted from.
async fn read(wired: &Wired, scan: &Scan, output: Output) -> Result<(Scan, Progress), Failure> {
    let seen = watch(wired, scan, output).await?;
    if scan.settings.generate {
        review::await_drafts(wired, scan.source_id, output).await?;
    }
    Ok(seen)
}

/// Shows progress until the scan has ended: a bar for people, a line of JSON for each page for machines.
async fn watch(wired: &Wired, scan: &Scan, output: Output) -> Result<(Scan, Progress), Failure> {
    let tenant = wired.desk.database.of(wired.organization_id());
    let bar = output.progress("pages", 1);
    let mut seen = tenant.event_seq().await.map_err(|error| storage_failure(&error))?;
    loop {
        let present = tenant.load_scan(scan.id).await.map_err(|error| storage_failure(&error))?;
        if output.format() == Format::Json {
            seen = print_pages(wired, scan, seen, output).await?;
        }
        let ended = present.finished_at.is_some();
        let progress = progress(&wired.library, wired.organization_id(), &present).await;
        let progress = progress.map_err(|error| failure_of(&error))?;
        bar.set_length(u64::try_from(progress.pages_found).unwrap_or(0));
        bar.set_position(u64::try_from(progress.pages_done).unwrap_or(0));
        bar.set_message(pace(&progress));
        if ended {
            bar.finish_and_clear();
            return Ok((present, progress));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn pace(progress: &Progress) -> String {
    let left = progress.seconds_left.map(|seconds| format!(", {} left", in_minutes(seconds))).unwrap_or_default();
    format!("{:.1} pages/s{left}", progress.pages_per_second)
}

fn in_minutes(seconds: u64) -> String {
    if seconds < 60 { format!("{seconds} s") } else { format!("{} min {} s", seconds / 60, seconds % 60) }
}

/// Prints the pages that ended since an event; the newest event that was read.
async fn print_pages(wired: &Wired, scan: &Scan, mut seen: i64, output: Output) -> Result<i64, Failure> {
    let tenant = wired.desk.database.of(wired.organization_id());
    loop {
        let events = tenant.list_events(seen, None, EVENTS_PER_READ).await.map_err(|error| storage_failure(&error))?;
        let Some(last) = events.last() else { return Ok(seen) };
        seen = last.seq;
        let scan_id = scan.id.to_string();
        for event in events.iter().filter(|event| event.kind == "scan.page") {
            if event.payload.get("scan_id").and_then(|id| id.as_str()) == Some(scan_id.as_str()) {
                output.line(&serde_json::json!({ "page": event.payload }).to_string())?;
            }
        }
    }
}

async fn not_read(wired: &Wired, scan: &Scan) -> Result<Vec<Page>, Failure> {
    let tenant = wired.desk.database.of(wired.organization_id());
    let mut pages = Vec::new();
    for state in [PageState::Failed, PageState::Skipped] {
        let filter = PageFilter { state: Some(state), ..PageFilter::default() };
        let listed = tenant.list_pages(scan.id, filter, None, PAGES_SHOWN).await;
        pages.extend(listed.map_err(|error| storage_failure(&error))?);
    }
    Ok(pages)
}

pub(super) fn failure(options: &cli::Scan, error: &ingest::Error) -> Failure {
    let failure = Failure::new(Exit::Problem, format!("cannot scan {}", options.url)).because(error);
    if matches!(error, ingest::Error::Address { reason: ingest::Reason::Refused(_), .. }) {
        failure.fix("a private address must be allowed by name: scan.allow_private_hosts = [\"host:port\"]")
    } else {
        failure.fix("check the address in a browser")
    }
}

fn failure_of(error: &ingest::Error) -> Failure {
    Failure::new(Exit::Problem, "the scan cannot be followed").because(error)
}

pub(super) fn storage_failure(error: &storage::Error) -> Failure {
    Failure::new(Exit::Problem, "the scan cannot be followed")
        .because(error)
        .fix("it goes on where it was with `frontdesk worker`")
}

fn in_words(outcome: &Outcome) -> String {
    let progress = &outcome.progress;
    let counts: Vec<String> = progress.pages.iter().map(|(state, count)| format!("{count} {state}")).collect();
    let counts = if counts.is_empty() { "no page".to_owned() } else { counts.join(" · ") };
    let mut lines = vec![format!(
        "{} {}: {counts} · {} passages embedded · {:.1} s",
        outcome.scan.url, outcome.scan.state, progress.chunks_embedded, outcome.seconds
    )];
    lines.extend(outcome.scan.error.iter().map(|error| format!("  {error}")));
    if let Some(why) = &outcome.scan.held_because {
        let waiting = progress.changes.get("waiting").copied().unwrap_or(0);
        lines.push(format!("  {waiting} changes wait for you: {why}"));
        let url = &outcome.scan.url;
        lines.push(format!("  → `frontdesk scan {url} --diff` shows them, `--apply` or `--reject` decides"));
    }
    if let Some(count) = progress.changes.get("unconfirmed") {
        lines.push(format!("  {count} gone for the first time: the next scan takes them out if they are still gone"));
    }
    lines.extend(
        outcome
            .not_read
            .iter()
            .map(|page| format!("  {:<8} {}  {}", page.state, page.url, page.reason.as_deref().unwrap_or_default())),
    );
    lines.join("\n")
}
