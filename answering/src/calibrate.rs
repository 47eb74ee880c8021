//! Calibration from conversations: how people rated answers, and which of them a person of the desk stepped in after.

use crate::{Desk, Error, Result, confidence};
use domain::assistant::{Assistant, AssistantSettings};
use domain::calibration::{Calibration, Fitted, LABELS_MIN, Label, Logistic, fit, pooled};
use domain::evaluation::PastTurn;
use domain::{AssistantId, ErrorKind, Kinded, MessageId, OrganizationId};
use std::collections::BTreeMap;
use std::time::Duration;

/// Answers older than this are no longer what the assistant is.
const AGE_MAX: Duration = Duration::from_hours(24 * 90);

/// What people thought of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The answer.
    pub message_id: MessageId,
    /// Its raw confidence, and whether it was right.
    pub label: Label,
    /// Where that is known from: `ratings` or `corrections`.
    pub origin: &'static str,
}

/// What people thought of an assistant's answers of the last 90 days. A rating counts first: only a poor one says
/// that the answer was wrong. Without one, a person of the desk who wrote next had to correct it.
pub async fn told(desk: &Desk, organization_id: OrganizationId, assistant: AssistantId) -> Result<Vec<Told>> {
    let tenant = desk.database.of(organization_id);
    let mut all = Vec::new();
    for turn in tenant.list_judged_answers(assistant, tenant.now() - AGE_MAX).await? {
        let trace = match tenant.load_trace(turn.message_id).await {
            Ok(trace) => trace,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        // The parts tell what today's prior makes of them.
        let confidence = trace.confidence.map_or(0.0, |stored| confidence::raw(&stored.parts));
        if let Some((right, origin)) = judged(&turn)
            && confidence > 0.0
        {
            all.push(Told { message_id: turn.message_id, label: Label { confidence, right }, origin });
        }
    }
    Ok(all)
}

fn judged(turn: &PastTurn) -> Option<(bool, &'static str)> {
    match (turn.rating.as_deref(), &turn.correction) {
        (Some(rating), _) => Some((rating != "poor", "ratings")),
        (None, Some(_)) => Some((false, "corrections")),
        (None, None) => None,
    }
}

/// The curve that the assistant begins from.
pub async fn prior(desk: &Desk, organization_id: OrganizationId, assistant: AssistantId) -> Result<Logistic> {
    let newest = desk.database.of(organization_id).list_newest_calibrations().await?;
    let others: Vec<Calibration> =
        newest.into_iter().filter(|(of, _)| *of != assistant).map(|(_, calibration)| calibration).collect();
    Ok(pooled(&others))
}

/// Fits a calibration on what people thought of the assistant's answers alone; nothing is stored.
///
/// # Errors
/// `Invalid` below [`LABELS_MIN`] labels, with how many are missing.
pub async fn fitted(desk: &Desk, organization_id: OrganizationId, assistant: AssistantId) -> Result<Fitted> {
    let told = told(desk, organization_id, assistant).await?;
    let labels: Vec<Label> = told.iter().map(|told| told.label).collect();
    let missing = LABELS_MIN.saturating_sub(labels.len());
    let too_few =
        format!("{} answers were rated or corrected; at least {missing} more are needed to calibrate", labels.len());
    let prior = prior(desk, organization_id, assistant).await?;
    // With thousands of labels it takes a second of a core.
    let fitted = tokio::task::spawn_blocking(move || fit(&labels, prior)).await;
    let fitted = fitted.map_err(|error| Error::Invalid(format!("the curve could not be fitted: {error}")))?;
    let mut fitted = fitted.ok_or(Error::Invalid(too_few))?;
    fitted.calibration.origins = origins(&told);
    Ok(fitted)
}

/// Stores a calibration that was fitted on what people thought, and lets the assistant use it.
///
/// # Errors
/// `Invalid` where it does not promise `target_error`; nothing is changed then.
pub async fn put_in_force(
    desk: &Desk,
    assistant: &Assistant,
    calibration: Calibration,
    target_error: Option<f64>,
    actor: &str,
) -> Result<AssistantSettings> {
    if let Some(refusal) = target_error.and_then(|target| calibration.refusal(target)) {
        return Err(Error::Invalid(refusal));
    }
    let mut transaction = desk.database.of(assistant.organization_id).begin().await?;
    let calibration = transaction.insert_calibration(assistant.id, None, calibration).await?;
    let settings = AssistantSettings { calibration: Some(calibration), target_error, ..assistant.settings.clone() };
    transaction.update_assistant(assistant.id, &assistant.name, &settings).await?;
    transaction.insert_audit(actor, "assistant.calibrated", &assistant.id.to_string()).await?;
    transaction.commit().await?;
    Ok(settings)
}

/// How many labels came from where.
pub fn origins(told: &[Told]) -> BTreeMap<String, usize> {
    let mut origins = BTreeMap::new();
    for told in told {
        *origins.entry(told.origin.to_owned()).or_default() += 1;
    }
    origins
}
