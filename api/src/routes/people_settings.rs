//! When and how people of the desk take over: what admins set for the whole desk.

use crate::app::App;
use crate::auth::Caller;
use crate::body::Json;
use crate::error::{Problem, Result};
use answering::staffing::wrong_hours;
use axum::extract::State;
use domain::staffing::PeopleSettings;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Seconds of a setting at most: a day.
const SECONDS_MAX: u64 = 86_400;

/// When and how people of the desk take over.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes `PeopleSettings` in the OpenAPI document")]
pub(crate) struct PeopleSettingsObject {
    /// `{"time_zone": "Europe/Vienna", "periods": [{"day": "monday", "from": "09:00", "until": "17:00"}],
    /// "closed_on": ["2026-12-25"]}`; `null` is always open.
    #[schema(value_type = Option<Object>)]
    opening_hours: Option<Value>,
    /// `heartbeat`: agents with a fresh heartbeat are there; `assumed`: during opening hours somebody is.
    presence: String,
    /// Seconds after which a silent agent is away, from 1 to 86400.
    heartbeat_timeout_s: u64,
    /// Seconds an agent has to take what is offered to them, from 1 to 86400.
    accept_within_s: u64,
    /// Whether the AI goes on answering what it can while a conversation waits and nobody is there.
    ai_while_waiting: bool,
}

/// Reads when and how people take over.
#[utoipa::path(get, path = "/v1/settings/people", tag = "people",
    responses((status = 200, description = "The settings", body = PeopleSettingsObject)))]
pub(crate) async fn get_people_settings(State(app): State<App>, caller: Caller) -> Result<axum::Json<PeopleSettings>> {
    Ok(axum::Json(app.of(caller.organization_id()).load_organization().await?.settings.people))
}

/// Changes when and how people take over; what is absent stays as it is.
#[utoipa::path(patch, path = "/v1/settings/people", tag = "people", request_body = PeopleSettingsObject,
    responses((status = 200, description = "The settings as they are now", body = PeopleSettingsObject)))]
pub(crate) async fn update_people_settings(
    State(app): State<App>,
    caller: Caller,
    Json(changes): Json<Map<String, Value>>,
) -> Result<axum::Json<PeopleSettings>> {
    let tenant = app.of(caller.organization_id());
    let mut settings = tenant.load_organization().await?.settings;
    settings.people = merged(&settings.people, changes)?;
    let mut transaction = tenant.begin().await?;
    transaction.update_organization_settings(&settings).await?;
    transaction.insert_audit(&caller.actor(), "settings.updated", "people").await?;
    transaction.commit().await?;
    Ok(axum::Json(settings.people))
}

fn merged(present: &PeopleSettings, changes: Map<String, Value>) -> Result<PeopleSettings> {
    let mut fields = serde_json::to_value(present).unwrap_or_default();
    if let Value::Object(fields) = &mut fields {
        fields.extend(changes);
    }
    let settings: PeopleSettings = serde_path_to_error::deserialize(fields).map_err(|error| {
        let path = error.path().to_string().replace(['.', '['], "/").replace(']', "");
        Problem::invalid(error.inner().to_string()).at(format!("/{path}"))
    })?;
    for (field, seconds) in
        [("heartbeat_timeout_s", settings.heartbeat_timeout_s), ("accept_within_s", settings.accept_within_s)]
    {
        if !(1..=SECONDS_MAX).contains(&seconds) {
            return Err(Problem::invalid(format!("`{field}` is from 1 to {SECONDS_MAX}")).at(format!("/{field}")));
        }
    }
    if let Some((field, rule)) = settings.opening_hours.as_ref().and_then(wrong_hours) {
        return Err(Problem::invalid(format!("`{field}`: {rule}")).at(format!("/opening_hours/{field}")));
    }
    Ok(settings)
}
