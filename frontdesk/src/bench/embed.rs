//! `frontdesk bench embed`: tokens that the local model embeds in a second of processor time.

use super::meter::{Meter, peak_mb, per};
use crate::bench::bed::broken;
use crate::failure::Failure;
use crate::output::{Exit, Output};
use crate::wiring::Wired;
use llm::providers::local_embedding::{LocalEmbedding, Settings};
use llm::{Embedder, weights};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Flags of `bench embed`.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Texts, a file with {"text", "title"?} a line
    #[arg(value_name = "FILE.jsonl")]
    file: PathBuf,
    /// Texts at most
    #[arg(long, value_name = "N", default_value_t = 500)]
    limit: usize,
}

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    title: String,
    text: String,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Shown {
    texts: usize,
    tokens: usize,
    tokens_per_second: f64,
    tokens_per_cpu_second: f64,
    peak_mb: f64,
}

/// Embeds the texts with the model that is on this machine.
pub(super) async fn run(wired: Wired, options: &Options, output: Output) -> Result<Exit, Failure> {
    let files = weights::find(&wired.weights).files.ok_or_else(|| {
        Failure::new(Exit::Unreachable, "no embedding model is on this machine")
            .fix("`frontdesk models pull` fetches it")
    })?;
    let settings = Settings { threads: wired.settings.embedding.threads, ..Settings::default() };
    let model = LocalEmbedding::new(files, settings).map_err(|error| broken("the model cannot be loaded", &error))?;
    let lines = std::fs::read_to_string(&options.file)?;
    let texts = lines.lines().take(options.limit).map(|line| {
        let line: Line = serde_json::from_str(line).map_err(|error| broken("a line holds no text", &error))?;
        Ok(format!("{}\n{}", line.title, line.text))
    });
    let texts: Vec<String> = texts.collect::<Result<_, Failure>>()?;
    let unreadable = |error: llm::Error| broken("the texts cannot be embedded", &error);
    let batches = model.padded_batches(&texts).map_err(unreadable)?;
    let tokens: usize = batches.iter().flat_map(|batch| &batch.lengths).sum();
    model.load().await.map_err(unreadable)?;
    let meter = Meter::start()?;
    model.embed(&texts).await.map_err(unreadable)?;
    let spent = meter.stop()?;
    let shown = Shown {
        texts: texts.len(),
        tokens,
        tokens_per_second: per(tokens) / spent.wall_s,
        tokens_per_cpu_second: per(tokens) * 1000.0 / spent.cpu_ms,
        peak_mb: peak_mb()?,
    };
    output.result(&shown, |shown| {
        format!(
            "{} texts, {} tokens\n{:.0} tokens/s · {:.0} a CPU-second · {:.0} MB at most",
            shown.texts, shown.tokens, shown.tokens_per_second, shown.tokens_per_cpu_second, shown.peak_mb
        )
    })?;
    Ok(Exit::Ok)
}
