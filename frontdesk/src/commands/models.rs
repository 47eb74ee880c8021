//! `frontdesk models`: the files of the local embedding model, where they are and whether they work.

use crate::cli;
use crate::failure::Failure;
use crate::output::{Exit, Output};
use crate::probe;
use crate::settings::{Environment, Settings};
use crate::wiring;
use llm::weights::{self, Search};
use serde::Serialize;
use std::path::PathBuf;

#[derive(Serialize)]
struct Listed {
    model: &'static str,
    ready: bool,
    sha256: Option<String>,
    files: Vec<PathBuf>,
    tried: Vec<String>,
}

pub(crate) async fn run(
    settings: Settings,
    environment: &Environment,
    command: &cli::Models,
    output: Output,
) -> Result<Exit, Failure> {
    wiring::install_tls();
    let weights = wiring::weights_settings(&settings, environment);
    match command {
        cli::Models::List => list(weights, output).await,
        cli::Models::Pull => pull(&weights, output).await,
        cli::Models::Test => test(&settings, &weights, output).await,
    }
}

async fn list(weights: weights::Settings, output: Output) -> Result<Exit, Failure> {
    let search = tokio::task::spawn_blocking(move || weights::find(&weights)).await;
    let search =
        search.map_err(|error| Failure::new(Exit::Problem, "the files cannot be looked for").because(error))?;
    output.result(&listed(search), in_words)?;
    Ok(Exit::Ok)
}

fn listed(search: Search) -> Listed {
    let (sha256, files) = match search.files {
        Some(files) => (Some(files.model_sha256), vec![files.model, files.tokenizer]),
        None => (None, Vec::new()),
    };
    let tried = search.misses.iter().map(ToString::to_string).collect();
    Listed { model: weights::MODEL_FOLDER, ready: sha256.is_some(), sha256, files, tried }
}

fn in_words(listed: &Listed) -> String {
    let mut lines = Vec::new();
    if listed.ready {
        lines.push(format!("{}  ready", listed.model));
        lines.extend(listed.files.iter().map(|file| format!("  {}", file.display())));
    } else {
        lines.push(format!("{}  missing: only words are compared", listed.model));
        lines.extend(listed.tried.iter().map(|miss| format!("  {miss}")));
        lines.push("  → `frontdesk models pull` fetches it".to_owned());
    }
    lines.join("\n")
}

async fn pull(weights: &weights::Settings, output: Output) -> Result<Exit, Failure> {
    let unfetched = |why: &dyn std::fmt::Display| {
        Failure::unreachable("the embedding model could not be fetched")
            .because(why)
            .fix("check the network, or put model.onnx and tokenizer.json into a folder and set `embedding.path`")
    };
    let http = weights::http_client().map_err(|error| unfetched(&error))?;
    let bar = output.progress("embedding model", 0);
    let search = weights::fetch(weights, &http, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })
    .await;
    bar.finish_and_clear();
    let listed = listed(search);
    if !listed.ready {
        return Err(unfetched(&listed.tried.join("\n  ")));
    }
    output.result(&listed, in_words)?;
    Ok(Exit::Ok)
}

async fn test(settings: &Settings, weights: &weights::Settings, output: Output) -> Result<Exit, Failure> {
    let slot = llm::EmbedderSlot::default();
    wiring::fill_embedder(settings, weights, &slot)?;
    let Some(embedder) = slot.embedder() else {
        return Err(Failure::new(Exit::Problem, "there is no embedding model to test")
            .because(if settings.embedding.enabled {
                "its files are not on this machine"
            } else {
                "`embedding.enabled` is false"
            })
            .fix("`frontdesk models pull` fetches it; `frontdesk models list` says where it was looked for"));
    };
    let trial = probe::embedding(embedder.as_ref()).await?;
    output.result(&trial, |trial| {
        format!(
            "{}\n{} dimensions · {:.1} ms for two sentences · cosine {:.3} (alike) · {:.3} (unlike)",
            trial.model, trial.dimensions, trial.duration_ms, trial.cosine_alike, trial.cosine_unlike
        )
    })?;
    Ok(Exit::Ok)
}
