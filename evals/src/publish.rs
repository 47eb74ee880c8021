//! Publishing a version of the prompt behind a gate: a run over a dataset decides.

use crate::gate::{Check, Gate, check};
use crate::report::Report;
use crate::{Error, Result, gate};
use answering::Desk;
use domain::assistant::{Assistant, PublishGate};
use domain::evaluation::Dataset;
use domain::prompt::PromptVersion;
use domain::{OrganizationId, RunId};
use storage::prompts::Publication;

/// The dataset of a gate.
///
/// # Errors
/// `Invalid` where the dataset or a metric of the gate is not there.
pub async fn dataset(desk: &Desk, assistant: &Assistant, gate: &PublishGate) -> Result<Dataset> {
    let known = gate::known_metrics();
    if let Some(unknown) = gate.min.keys().chain(gate.max.keys()).find(|name| !known.contains(name)) {
        return Err(Error::Invalid(format!(
            "`publish_gate` of `{}` has the unknown metric `{unknown}`; known are {}",
            assistant.name,
            known.join(", ")
        )));
    }
    let found = desk.database.of(assistant.organization_id).find_dataset_by_name(&gate.dataset).await?;
    found.ok_or_else(|| {
        Error::Invalid(format!(
            "`publish_gate` of `{}` names the dataset `{}`, which is not there",
            assistant.name, gate.dataset
        ))
    })
}

/// Ends the wait of the version that waits for a run, if one does: it goes live, or stays a draft with what the
/// run did not hold. Gives the version with the checks.
pub async fn conclude(
    desk: &Desk,
    organization_id: OrganizationId,
    run: RunId,
    report: &Report,
) -> Result<Option<(PromptVersion, Vec<Check>)>> {
    let tenant = desk.database.of(organization_id);
    let Some(version) = tenant.find_prompt_of_run(run).await? else { return Ok(None) };
    let assistant = tenant.load_assistant(version.assistant_id).await?;
    let bounds = assistant.settings.publish_gate.unwrap_or_default();
    let gate = Gate { min: bounds.min, max: bounds.max, baseline: None };
    let checks = check(&gate, report);
    let broken: Vec<String> = checks.iter().filter(|check| !check.passed).map(in_words).collect();
    let mut transaction = tenant.begin().await?;
    if broken.is_empty() {
        let publication = Publication {
            assistant_id: version.assistant_id,
            name: &version.name,
            version: version.version,
            share: version.share,
        };
        transaction.publish_prompt(publication).await?;
        transaction.insert_audit("system", "prompt.published", &place(&version)).await?;
    } else {
        transaction.refuse_prompt(run, &broken.join("; ")).await?;
        transaction.insert_audit("system", "prompt.refused", &place(&version)).await?;
    }
    transaction.commit().await?;
    let version = tenant.load_prompt_version(version.assistant_id, &version.name, version.version).await?;
    Ok(Some((version, checks)))
}

/// Makes the version that waits for a run that gave up a draft again.
pub async fn give_up(desk: &Desk, organization_id: OrganizationId, run: RunId) -> Result<()> {
    let mut transaction = desk.database.of(organization_id).begin().await?;
    transaction.refuse_prompt(run, "the run could not be carried out").await?;
    Ok(transaction.commit().await?)
}

fn in_words(check: &Check) -> String {
    let found = check.found.map_or("nothing".to_owned(), |found| format!("{found:.4}"));
    format!("{} found {found}", check.rule)
}

fn place(version: &PromptVersion) -> String {
    format!("{} {} version {}", version.assistant_id, version.name, version.version)
}
