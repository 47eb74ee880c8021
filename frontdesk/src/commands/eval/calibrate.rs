//! `frontdesk eval calibrate`: puts a run's calibration in force, with a target error rate where its labels bear it.

use super::{load_run, problem};
use crate::failure::Failure;
use crate::output::{Exit, Output};
use crate::wiring::Wired;
use answering::calibrate::put_in_force;
use domain::AssistantId;
use domain::assistant::{Assistant, AssistantSettings};
use domain::calibration::Calibration;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Shown {
    assistant: String,
    version: Option<i64>,
    labels: usize,
    origins: BTreeMap<String, usize>,
    target_error: Option<f64>,
    threshold: f64,
}

pub(super) async fn run(
    wired: &Wired,
    (run, assistant): (Option<&str>, Option<&str>),
    target_error: Option<f64>,
    off: bool,
    output: Output,
) -> Result<Exit, Failure> {
    let run = match run {
        Some(typed) => Some(load_run(wired, typed).await?),
        None => None,
    };
    let tenant = wired.desk.database.of(wired.organization_id());
    let assistant = tenant
        .load_assistant(match &run {
            Some(run) => run.assistant_id,
            None => super::assistant(wired, assistant)?,
        })
        .await
        .map_err(|error| problem(&error))?;
    let settings = match &run {
        _ if off => updated(wired, &assistant, None, None).await?,
        Some(run) => {
            let calibration = fitted(wired, run).await?;
            let target = target(&calibration, target_error)?;
            updated(wired, &assistant, Some(calibration), target).await?
        }
        None => {
            let calibration = told(wired, assistant.id).await?;
            let target = target(&calibration, target_error)?;
            let settings = put_in_force(&wired.desk, &assistant, calibration, target, "system").await;
            settings.map_err(|error| problem(&error))?
        }
    };
    let shown = Shown {
        assistant: assistant.name,
        version: settings.calibration.as_ref().map(|calibration| calibration.version),
        labels: settings.calibration.as_ref().map_or(0, |calibration| calibration.labels),
        origins: settings.calibration.as_ref().map(|calibration| calibration.origins.clone()).unwrap_or_default(),
        target_error: settings.target_error,
        threshold: settings.threshold(),
    };
    output.result(&shown, in_words)?;
    Ok(Exit::Ok)
}

/// The assistant with another calibration, or none.
async fn updated(
    wired: &Wired,
    assistant: &Assistant,
    calibration: Option<Calibration>,
    target_error: Option<f64>,
) -> Result<AssistantSettings, Failure> {
    let settings = AssistantSettings { calibration, target_error, ..assistant.settings.clone() };
    let tenant = wired.desk.database.of(wired.organization_id());
    let mut transaction = tenant.begin().await.map_err(|error| problem(&error))?;
    let changed = transaction.update_assistant(assistant.id, &assistant.name, &settings).await;
    changed.map_err(|error| problem(&error))?;
    let audited = transaction.insert_audit("system", "assistant.calibrated", &assistant.id.to_string()).await;
    audited.map_err(|error| problem(&error))?;
    transaction.commit().await.map_err(|error| problem(&error))?;
    Ok(settings)
}

async fn told(wired: &Wired, assistant: AssistantId) -> Result<Calibration, Failure> {
    let fitted = answering::calibrate::fitted(&wired.desk, wired.organization_id(), assistant).await;
    fitted.map(|fitted| fitted.calibration).map_err(|error| {
        Failure::new(Exit::Problem, "people's ratings do not bear a calibration")
            .because(error)
            .fix("rate more answers, or calibrate on a run: `frontdesk eval run DATASET`")
    })
}

async fn fitted(wired: &Wired, run: &domain::evaluation::EvalRun) -> Result<Calibration, Failure> {
    let tenant = wired.desk.database.of(wired.organization_id());
    let found = tenant.find_calibration(run.assistant_id, Some(run.id)).await.map_err(|error| problem(&error))?;
    found.ok_or_else(|| {
        Failure::new(Exit::Problem, format!("run `{}` has no calibration", run.id))
            .because(format!("fewer than {} of its cases have a known right answer", domain::calibration::LABELS_MIN))
            .fix("add cases with documents, key facts or answers to the dataset, and run it again")
    })
}

fn target(calibration: &Calibration, target_error: Option<f64>) -> Result<Option<f64>, Failure> {
    let Some(target) = target_error else { return Ok(None) };
    if !(target > 0.0 && target < 1.0) {
        return Err(Failure::new(Exit::Usage, format!("`{target}` is no share")).fix("write 0.03 for at most 3 %"));
    }
    match calibration.refusal(target) {
        Some(refusal) => Err(Failure::new(Exit::Problem, "this error rate cannot be promised")
            .because(refusal)
            .fix("label more cases, or choose a higher target; nothing was changed")),
        None => Ok(Some(target)),
    }
}

fn in_words(shown: &Shown) -> String {
    let labels = labels(shown);
    match (shown.version, shown.target_error) {
        (None, _) => format!("{} is uncalibrated and answers from confidence {:.3}", shown.assistant, shown.threshold),
        (Some(version), None) => format!(
            "{} uses calibration {version} ({labels}) and answers from confidence {:.3}",
            shown.assistant, shown.threshold
        ),
        (Some(version), Some(target)) => format!(
            "{} uses calibration {version} ({labels}): at most {:.1} % wrong answers, answers from confidence {:.3}",
            shown.assistant,
            target * 100.0,
            shown.threshold
        ),
    }
}

fn labels(shown: &Shown) -> String {
    let origins: Vec<String> = shown.origins.iter().map(|(origin, labels)| format!("{labels} of {origin}")).collect();
    format!("{} labels: {}", shown.labels, origins.join(", "))
}
