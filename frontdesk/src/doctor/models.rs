//! The models: the one that embeds and those that write.

use super::{Finding, counted};
use crate::probe;
use crate::settings::{Environment, Settings};
use crate::wiring;
use llm::EmbedderSlot;
use llm::weights::{self, Search};
use storage::Database;

/// Models of organizations that are looked at.
const OWN_MAX: i64 = 100;
/// Those of them that are asked for a word, the newest first.
const OWN_ASKED: usize = 3;

pub(super) async fn check_embedding(
    settings: &Settings,
    environment: &Environment,
    slot: &EmbedderSlot,
) -> Vec<Finding> {
    const CHECK: &str = "embedding";
    if !settings.embedding.enabled {
        return vec![
            Finding::warning(CHECK, "lexical only: `embedding.enabled` is false")
                .because("questions are matched by their words alone")
                .fix("set `embedding.enabled = true`"),
        ];
    }
    let weights = wiring::weights_settings(settings, environment);
    let remote = !settings.llm.embedding_model.is_empty() && settings.llm.endpoint().is_some();
    let mut findings = Vec::new();
    if !remote {
        let search = {
            let weights = weights.clone();
            tokio::task::spawn_blocking(move || weights::find(&weights)).await.unwrap_or_default()
        };
        findings.extend(judge_files(&search));
        if search.files.is_none() {
            return findings;
        }
    }
    if let Err(failure) = wiring::fill_embedder(settings, &weights, slot) {
        findings.push(Finding::failed(CHECK, failure));
        return findings;
    }
    let Some(embedder) = slot.embedder() else { return findings };
    findings.push(match probe::embedding(embedder.as_ref()).await {
        Ok(trial) => {
            let what = format!("{}: {} dimensions, {:.0} ms", trial.model, trial.dimensions, trial.duration_ms);
            Finding::ok(CHECK, what)
        }
        Err(failure) => Finding::failed(CHECK, failure),
    });
    findings
}

/// A file that is there but not what it should be is damage, even where another place has a good one.
fn judge_files(search: &Search) -> Option<Finding> {
    const CHECK: &str = "embedding_files";
    let damaged: Vec<String> =
        search.misses.iter().filter(|miss| miss.reason != weights::NO_SUCH_FILE).map(ToString::to_string).collect();
    let fix = "remove the file, then run `frontdesk models pull`";
    match (damaged.is_empty(), search.files.is_some()) {
        (true, true) => None,
        (true, false) => Some(
            Finding::warning(CHECK, "lexical only: no embedding model is on this machine")
                .because("questions are matched by their words alone")
                .fix("run `frontdesk models pull`; `up` and `worker` fetch it too where `embedding.download` is true"),
        ),
        (false, true) => Some(
            Finding::warning(CHECK, "a model file is damaged; a good one is used from elsewhere")
                .because(damaged.join("; "))
                .fix(fix),
        ),
        (false, false) => Some(
            Finding::problem(CHECK, "the embedding model is damaged: lexical only")
                .because(damaged.join("; "))
                .fix(fix),
        ),
    }
}

pub(super) async fn check_chat(settings: &Settings) -> Vec<Finding> {
    const CHECK: &str = "llm";
    let Some(endpoint) = settings.llm.endpoint() else {
        return vec![Finding::ok(CHECK, "none configured: answers quote the knowledge")];
    };
    let models = match wiring::chat_models(settings) {
        Ok(models) => models,
        Err(failure) => return vec![Finding::failed(CHECK, failure)],
    };
    let mut findings = Vec::new();
    for model in models {
        findings.push(match probe::completion(endpoint, model.as_ref()).await {
            Ok(completed) => {
                Finding::ok(CHECK, format!("{endpoint} {}: {:.0} ms", completed.model, completed.duration_ms))
            }
            Err(failure) => Finding::failed(CHECK, failure),
        });
    }
    findings
}

/// The models that organizations connected by themselves: whether their keys open, and whether the newest answer.
pub(super) async fn check_own(settings: &Settings, database: &Database) -> Vec<Finding> {
    const CHECK: &str = "own_models";
    let models = match wiring::models(settings) {
        Ok(models) => models,
        Err(failure) => return vec![Finding::failed(CHECK, failure)],
    };
    let endpoints = match database.list_model_endpoints(OWN_MAX).await {
        Ok(endpoints) => endpoints,
        Err(error) => {
            return vec![Finding::problem(CHECK, "the models of organizations cannot be read").because(error)];
        }
    };
    let mut findings = Vec::new();
    let is_sealed_here =
        settings.secrets.key.is_empty() && endpoints.iter().any(|endpoint| endpoint.sealed_key.is_some());
    if database.is_postgres() && is_sealed_here {
        findings.push(
            Finding::warning(
                CHECK,
                "the keys of connected models are sealed with secret.key, a file of this data folder",
            )
            .because("processes with another data folder cannot open them, and answer without these models")
            .fix("set `secrets.key` in every process to what that file holds"),
        );
    }
    for (place, endpoint) in endpoints.iter().enumerate() {
        let whose = format!("{} at {} of {}", endpoint.model, endpoint.base_url, endpoint.organization_id);
        match models.open(endpoint) {
            Err(error) => findings.push(
                Finding::problem(CHECK, format!("{whose} cannot be used: answers go without it"))
                    .because(error)
                    .fix("see the reason; or connect the model again in the console, under Settings › Model"),
            ),
            Ok(model) if place < OWN_ASKED => {
                if let Err(failure) = probe::completion(&endpoint.base_url, model.as_ref()).await {
                    findings.push(
                        Finding::problem(CHECK, format!("{whose} does not answer"))
                            .because(failure.why.unwrap_or(failure.what))
                            .fix("is it running? or correct it in the console, under Settings › Model"),
                    );
                }
            }
            Ok(_) => {}
        }
    }
    if findings.is_empty() && !endpoints.is_empty() {
        let count = i64::try_from(endpoints.len()).unwrap_or(i64::MAX);
        findings.push(Finding::ok(CHECK, format!("{} connected in the console", counted(count, "model"))));
    }
    findings
}
