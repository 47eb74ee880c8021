//! `frontdesk sources list`: where the knowledge comes from, and how much of it.

use crate::cli;
use crate::failure::Failure;
use crate::output::{Exit, Output, table};
use crate::wiring::Wired;
use domain::knowledge::Source;
use serde::Serialize;
use storage::Keyset;

/// Sources that are listed at most.
const LISTED_MAX: i64 = 1_000;

#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    source: Source,
    documents: i64,
}

pub(crate) async fn run(wired: Wired, command: &cli::Sources, output: Output) -> Result<Exit, Failure> {
    let cli::Sources::List = command;
    let problem = |error: storage::Error| {
        Failure::new(Exit::Problem, "the sources cannot be listed").because(error).fix("run `frontdesk doctor`")
    };
    let tenant = wired.desk.database.of(wired.organization_id());
    let mut listed = Vec::new();
    for source in tenant.list_sources(Keyset::start(), LISTED_MAX).await.map_err(problem)? {
        let documents = tenant.count_documents(Some(source.id)).await.map_err(problem)?;
        listed.push(Listed { source, documents });
    }
    output.result(&listed, |listed| {
        if listed.is_empty() {
            return "no sources yet: `frontdesk scan URL` or `frontdesk import FILE.jsonl` adds one".to_owned();
        }
        let rows: Vec<Vec<String>> = listed.iter().map(row).collect();
        table(&["id", "kind", "documents", "name", "address"], &rows)
    })?;
    Ok(Exit::Ok)
}

fn row(listed: &Listed) -> Vec<String> {
    let source = &listed.source;
    vec![
        source.id.to_string(),
        source.kind.clone(),
        listed.documents.to_string(),
        source.name.clone(),
        source.url.clone().unwrap_or_default(),
    ]
}
