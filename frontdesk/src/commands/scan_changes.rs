//! `frontdesk scan --diff`, `--apply` and `--reject`: what the last scan of a website found other than before.

use crate::cli;
use crate::commands::scan::{failure, storage_failure, with_worker};
use crate::failure::Failure;
use crate::output::{Exit, Output};
use crate::wiring::Wired;
use domain::ScanId;
use domain::page::{PageDecision, PageState, Risk, Scan};
use ingest::conclude::{Review, review, texts};
use ingest::diff::{Difference, LineKind, difference};
use ingest::scan::parse_start;
use serde::Serialize;
use std::time::Duration;
use storage::pages::PageFilter;

/// Changes that are shown.
const CHANGES_MAX: i64 = 500;
/// How often it is looked whether what was approved is applied.
const LOOK_EVERY: Duration = Duration::from_millis(100);

#[derive(Serialize)]
struct Change {
    url: String,
    state: PageState,
    decision: Option<PageDecision>,
    reason: Option<String>,
    risks: Vec<Risk>,
    diff: Difference,
}

#[derive(Serialize)]
struct Changes {
    scan: Scan,
    changes: Vec<Change>,
}

pub(crate) async fn run(wired: Wired, options: &cli::Scan, output: Output) -> Result<Exit, Failure> {
    let scan = last_scan(&wired, options).await?;
    if options.diff {
        let changes = changes(&wired, scan).await.map_err(|error| failure(options, &error))?;
        output.result(&changes, in_words)?;
        return Ok(Exit::Ok);
    }
    let decision = if options.apply { Review::Apply } else { Review::Reject };
    let organization_id = wired.organization_id();
    review(&wired.library, organization_id, scan.id, None, decision).await.map_err(|error| {
        Failure::new(Exit::Problem, "nothing was decided")
            .because(error)
            .fix(format!("`frontdesk scan {} --diff` shows what the last scan found", options.url))
    })?;
    with_worker(&wired, settled(&wired, scan.id)).await?;
    wired.catch_up().await?;
    let counts = wired.desk.database.of(organization_id).count_decisions(scan.id).await;
    let counts = counts.map_err(|error| storage_failure(&error))?;
    let words: std::collections::BTreeMap<String, i64> =
        counts.iter().map(|(decision, count)| (decision.to_string(), *count)).collect();
    output.result(&serde_json::json!({ "scan_id": scan.id, "changes": words }), |_| {
        let counts: Vec<String> = words.iter().map(|(decision, count)| format!("{count} {decision}")).collect();
        format!("changes of the last scan: {}", counts.join(" · "))
    })?;
    Ok(Exit::Ok)
}

async fn last_scan(wired: &Wired, options: &cli::Scan) -> Result<Scan, Failure> {
    let start = parse_start(&wired.library, &options.url).map_err(|error| failure(options, &error))?;
    let tenant = wired.desk.database.of(wired.organization_id());
    let source = tenant.find_source_by_url(start.as_str()).await.map_err(|error| storage_failure(&error))?;
    let missing = || {
        Failure::new(Exit::Problem, format!("{start} was not scanned yet"))
            .fix(format!("run `frontdesk scan {}` first", options.url))
    };
    let source = source.ok_or_else(missing)?;
    let scan = tenant.find_newest_scan(source.id).await.map_err(|error| storage_failure(&error))?;
    scan.ok_or_else(missing)
}

async fn changes(wired: &Wired, scan: Scan) -> ingest::Result<Changes> {
    let tenant = wired.desk.database.of(wired.organization_id());
    let filter = PageFilter { differs: true, ..PageFilter::default() };
    let mut changes = Vec::new();
    for page in tenant.list_pages(scan.id, filter, None, CHANGES_MAX).await? {
        let (before, after) = texts(tenant, &page).await?;
        changes.push(Change {
            url: page.url,
            state: page.state,
            decision: page.decision,
            reason: page.reason,
            risks: page.risks,
            diff: difference(&before.unwrap_or_default(), &after.unwrap_or_default()),
        });
    }
    Ok(Changes { scan, changes })
}

/// Waits until no approved change of the scan is left to apply.
async fn settled(wired: &Wired, id: ScanId) -> Result<(), Failure> {
    let tenant = wired.desk.database.of(wired.organization_id());
    loop {
        let counts = tenant.count_decisions(id).await.map_err(|error| storage_failure(&error))?;
        let scan = tenant.load_scan(id).await.map_err(|error| storage_failure(&error))?;
        let is_open = scan.held_because.is_some() && !counts.contains_key(&PageDecision::Waiting);
        if !counts.contains_key(&PageDecision::Approved) && !is_open {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn in_words(changes: &Changes) -> String {
    let mut lines = vec![format!("{}, scanned at {}", changes.scan.url, changes.scan.created_at)];
    lines.extend(changes.scan.held_because.iter().map(|why| format!("waits: {why}")));
    if changes.changes.is_empty() {
        lines.push("nothing is other than before".to_owned());
    }
    for change in &changes.changes {
        let decision = change.decision.map(|decision| format!(" ({decision})")).unwrap_or_default();
        lines.push(String::new());
        lines.push(format!("{}{decision} {}", change.state, change.url));
        lines.extend(change.reason.iter().map(|reason| format!("  {reason}")));
        for risk in &change.risks {
            lines.push(format!("  ! {}: {} → {}", risk.kind, risk.before.join(", "), risk.after.join(", ")));
        }
        if change.state == PageState::Changed {
            lines.extend(change.diff.hunks.iter().flat_map(|hunk| &hunk.lines).map(|line| {
                let sign = match line.kind {
                    LineKind::Same => ' ',
                    LineKind::Removed => '-',
                    LineKind::Added => '+',
                };
                format!("  {sign} {}", line.text)
            }));
        }
    }
    lines.join("\n")
}
