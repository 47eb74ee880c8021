//! The calibration of an assistant: what is in force, and one of how people rated and corrected its answers.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path};
use crate::error::{Problem, Result};
use crate::routes::assistants::AssistantObject;
use answering::calibrate::{fitted, origins, put_in_force, told};
use axum::extract::State;
use axum::http::StatusCode;
use domain::AssistantId;
use domain::assistant::AssistantSettings;
use domain::calibration::{Calibration, LABELS_MIN, TARGETS};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// How the confidence of an assistant becomes a probability.
#[derive(Serialize, ToSchema)]
pub(crate) struct CalibrationObject {
    /// Always `calibration`.
    object: &'static str,
    #[schema(value_type = String)]
    assistant_id: AssistantId,
    /// What is in force; `null` is uncalibrated: confidences are an estimate.
    in_force: Option<InForce>,
    /// At most this share of the given answers may be wrong; `null` answers from `confidence_min` on.
    target_error: Option<f64>,
    /// The confidence below which a person takes over.
    threshold: f64,
    /// Answers of the last 90 days of which people told whether they were right: `ratings` and `corrections`.
    labels: BTreeMap<String, usize>,
    /// So many more are needed to calibrate on them alone.
    labels_missing: usize,
}

/// The calibration that is in force.
#[derive(Serialize, ToSchema)]
pub(crate) struct InForce {
    version: i64,
    /// `platt` or `isotonic`.
    method: String,
    /// Labelled outcomes behind it.
    labels: usize,
    /// How many of them came from where: `evaluation`, `ratings`, `corrections`.
    origins: BTreeMap<String, usize>,
    /// Points of the curve: uncalibrated confidence and probability.
    #[schema(value_type = Vec<Vec<f64>>)]
    curve: Vec<(f64, f64)>,
    /// What can be promised, by error rate.
    promises: Vec<PromiseObject>,
}

/// An error rate, and from which confidence on it holds.
#[derive(Serialize, ToSchema)]
pub(crate) struct PromiseObject {
    target_error: f64,
    /// `null` where it cannot be promised.
    threshold: Option<f64>,
    /// Share of the labelled questions that is answered at this threshold.
    coverage: f64,
    /// Why it cannot be promised.
    refusal: Option<String>,
}

impl From<&Calibration> for InForce {
    fn from(calibration: &Calibration) -> Self {
        let promise = |target: &f64| {
            let promise = calibration.promise(*target);
            PromiseObject {
                target_error: *target,
                threshold: promise.and_then(|promise| promise.threshold),
                coverage: promise.map_or(0.0, |promise| promise.coverage),
                refusal: calibration.refusal(*target),
            }
        };
        Self {
            version: calibration.version,
            method: calibration.method.to_string(),
            labels: calibration.labels,
            origins: calibration.origins.clone(),
            curve: calibration.knots.clone(),
            promises: TARGETS.iter().map(promise).collect(),
        }
    }
}

/// Reads the calibration of an assistant, and what people's ratings and corrections would bear.
#[utoipa::path(get, path = "/v1/assistants/{id}/calibration", tag = "assistants",
    operation_id = "get_assistant_calibration", params(("id" = String, Path)),
    responses((status = 200, description = "The calibration", body = CalibrationObject)))]
pub(crate) async fn get_calibration(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<AssistantId>,
) -> Result<axum::Json<CalibrationObject>> {
    let assistant = app.of(caller.organization_id()).load_assistant(id).await?;
    let told = told(&app.desk, caller.organization_id(), id).await?;
    let settings = &assistant.settings;
    Ok(axum::Json(CalibrationObject {
        object: "calibration",
        assistant_id: id,
        in_force: settings.calibration.as_ref().map(InForce::from),
        target_error: settings.target_error,
        threshold: settings.threshold(),
        labels: origins(&told),
        labels_missing: LABELS_MIN.saturating_sub(told.len()),
    }))
}

/// A calibration to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateAssistantCalibration {
    /// At most this share of the given answers may be wrong, such as 0.05; absent keeps `confidence_min`.
    #[serde(default)]
    target_error: Option<f64>,
}

/// Calibrates an assistant on how people rated and corrected its answers of the last 90 days, and puts it in force. It is
/// refused below 20 such answers, and where a target error rate cannot be promised; nothing is changed then.
#[utoipa::path(post, path = "/v1/assistants/{id}/calibration", tag = "assistants",
    operation_id = "create_assistant_calibration", params(("id" = String, Path)),
    request_body = CreateAssistantCalibration,
    responses((status = 201, description = "The assistant as it is now", body = AssistantObject)))]
pub(crate) async fn create_calibration(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<AssistantId>,
    Json(body): Json<CreateAssistantCalibration>,
) -> Result<(StatusCode, axum::Json<AssistantObject>)> {
    if body.target_error.is_some_and(|target| !(target > 0.0 && target < 1.0)) {
        return Err(Problem::invalid("`target_error` is above 0 and below 1").at("/target_error"));
    }
    let tenant = app.of(caller.organization_id());
    let assistant = tenant.load_assistant(id).await?;
    let calibration = match fitted(&app.desk, caller.organization_id(), id).await {
        Ok(fitted) => fitted.calibration,
        Err(answering::Error::Invalid(missing)) => {
            return Err(Problem::conflict("too_few_labels", missing).hint(
                "POST /v1/messages/{id}/feedback rates an answer; POST /v1/evals/runs/{id}/calibration takes a run",
            ));
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(refusal) = body.target_error.and_then(|target| calibration.refusal(target)) {
        return Err(Problem::conflict("target_not_promised", refusal).hint("nothing was changed"));
    }
    put_in_force(&app.desk, &assistant, calibration, body.target_error, &caller.actor()).await?;
    Ok((StatusCode::CREATED, axum::Json(tenant.load_assistant(id).await?.into())))
}

/// Takes the calibration of an assistant away; it answers from `confidence_min` on.
#[utoipa::path(delete, path = "/v1/assistants/{id}/calibration", tag = "assistants",
    operation_id = "delete_assistant_calibration", params(("id" = String, Path)),
    responses((status = 204, description = "It is uncalibrated now")))]
pub(crate) async fn delete_calibration(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<AssistantId>,
) -> Result<StatusCode> {
    let tenant = app.of(caller.organization_id());
    let assistant = tenant.load_assistant(id).await?;
    let settings = AssistantSettings { calibration: None, target_error: None, ..assistant.settings };
    let mut transaction = tenant.begin().await?;
    transaction.update_assistant(id, &assistant.name, &settings).await?;
    transaction.insert_audit(&caller.actor(), "assistant.calibrated", &id.to_string()).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
