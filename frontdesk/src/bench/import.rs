//! `frontdesk bench import`: what importing costs without embedding, durable, indexes included.

use super::meter::{Meter, peak_mb, per};
use crate::bench::bed::{Bed, broken};
use crate::failure::Failure;
use crate::output::{Exit, Output};
use serde::Serialize;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

/// Flags of `bench import`.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Documents, one JSON object a line
    #[arg(value_name = "FILE.jsonl")]
    file: PathBuf,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Shown {
    documents: usize,
    documents_per_second: f64,
    documents_per_cpu_second: f64,
    /// The same with the search index built.
    documents_per_cpu_second_indexed: f64,
    peak_mb: f64,
}

/// Imports the file into a throw-away desk.
pub(super) async fn run(options: &Options, output: Output) -> Result<Exit, Failure> {
    let bed = Bed::open(None, toml::Table::new()).await?;
    let file = BufReader::new(File::open(&options.file)?);
    let organization_id = bed.wired.organization_id();
    let meter = Meter::start()?;
    let imported = ingest::import::import(&bed.wired.library, organization_id, "bench", file, |_| {}).await;
    let imported = imported.map_err(|error| broken("the file is not imported whole", &error))?;
    let stored = meter.stop()?;
    let meter = Meter::start()?;
    bed.wired.catch_up().await?;
    let mut indexed = meter.stop()?;
    indexed.add(stored);
    let documents = imported.total();
    let shown = Shown {
        documents,
        documents_per_second: per(documents) / stored.wall_s,
        documents_per_cpu_second: per(documents) * 1000.0 / stored.cpu_ms,
        documents_per_cpu_second_indexed: per(documents) * 1000.0 / indexed.cpu_ms,
        peak_mb: peak_mb()?,
    };
    output.result(&shown, |shown| {
        format!(
            "{} documents\n{:.0} documents/s · {:.0} a CPU-second · {:.0} a CPU-second with the index · {:.0} MB at most",
            shown.documents,
            shown.documents_per_second,
            shown.documents_per_cpu_second,
            shown.documents_per_cpu_second_indexed,
            shown.peak_mb
        )
    })?;
    Ok(Exit::Ok)
}
