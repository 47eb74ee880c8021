//! What the desk is called and how long it keeps things.

use crate::app::App;
use crate::auth::Caller;
use crate::body::Json;
use crate::error::{Problem, Result};
use axum::extract::State;
use domain::organization::Organization;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Characters of a desk's name at most.
const NAME_CHARS_MAX: usize = 100;
/// Days of a retention at most.
const DAYS_MAX: u32 = 3_650;

/// What holds for the desk as a whole.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeskSettingsObject {
    /// Always `desk_settings`.
    object: &'static str,
    /// What people know the desk by.
    name: String,
    /// Days after which traces and playground batches are erased; 0 leaves it to the installation.
    traces_days: u32,
    /// What the installation keeps at most, in days; 0 keeps for ever.
    installation_traces_days: u32,
    /// Days after the last message until a resolved conversation is erased; 0 leaves it to the installation.
    conversations_days: u32,
    /// What the installation keeps at most, in days; 0 keeps for ever.
    installation_conversations_days: u32,
}

impl DeskSettingsObject {
    fn new(app: &App, organization: Organization) -> axum::Json<Self> {
        axum::Json(Self {
            object: "desk_settings",
            name: organization.name,
            traces_days: organization.settings.retention.traces_days,
            installation_traces_days: app.settings.traces_days,
            conversations_days: organization.settings.retention.conversations_days,
            installation_conversations_days: app.settings.conversations_days,
        })
    }
}

/// Reads what holds for the desk as a whole.
#[utoipa::path(get, path = "/v1/settings/desk", tag = "people", operation_id = "get_desk_settings",
    responses((status = 200, description = "The settings", body = DeskSettingsObject)))]
pub(crate) async fn get_desk_settings(
    State(app): State<App>,
    caller: Caller,
) -> Result<axum::Json<DeskSettingsObject>> {
    let organization = app.of(caller.organization_id()).load_organization().await?;
    Ok(DeskSettingsObject::new(&app, organization))
}

/// Changes of the desk; what is absent stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateDeskSettings {
    #[serde(default)]
    name: Option<String>,
    /// At most what the installation keeps; 0 leaves it to the installation.
    #[serde(default)]
    traces_days: Option<u32>,
    /// At most what the installation keeps; 0 leaves it to the installation.
    #[serde(default)]
    conversations_days: Option<u32>,
}

/// Changes the desk's name, or how long it keeps things.
#[utoipa::path(patch, path = "/v1/settings/desk", tag = "people", operation_id = "update_desk_settings",
    request_body = UpdateDeskSettings,
    responses((status = 200, description = "The settings as they are now", body = DeskSettingsObject)))]
pub(crate) async fn update_desk_settings(
    State(app): State<App>,
    caller: Caller,
    Json(changes): Json<UpdateDeskSettings>,
) -> Result<axum::Json<DeskSettingsObject>> {
    check(&app, &changes)?;
    let tenant = app.of(caller.organization_id());
    let mut organization = tenant.load_organization().await?;
    let mut transaction = tenant.begin().await?;
    if let Some(name) = changes.name {
        name.trim().clone_into(&mut organization.name);
        transaction.rename_organization(&organization.name).await?;
    }
    if changes.traces_days.is_some() || changes.conversations_days.is_some() {
        let retention = &mut organization.settings.retention;
        retention.traces_days = changes.traces_days.unwrap_or(retention.traces_days);
        retention.conversations_days = changes.conversations_days.unwrap_or(retention.conversations_days);
        transaction.update_organization_settings(&organization.settings).await?;
    }
    transaction.insert_audit(&caller.actor(), "settings.updated", "desk").await?;
    transaction.commit().await?;
    Ok(DeskSettingsObject::new(&app, organization))
}

fn check(app: &App, changes: &UpdateDeskSettings) -> Result<()> {
    let characters = changes.name.as_ref().map(|name| name.trim().chars().count());
    if characters.is_some_and(|count| count == 0 || count > NAME_CHARS_MAX) {
        return Err(Problem::invalid(format!("`name` has from 1 to {NAME_CHARS_MAX} characters")).at("/name"));
    }
    let settings = &app.settings;
    for (field, days, kept) in [
        ("traces_days", changes.traces_days, settings.traces_days),
        ("conversations_days", changes.conversations_days, settings.conversations_days),
    ] {
        let most = if kept == 0 { DAYS_MAX } else { kept.min(DAYS_MAX) };
        if days.is_some_and(|days| days > most) {
            let hint = format!("longer than the installation keeps them is set by who runs it, in `retention.{field}`");
            return Err(Problem::invalid(format!("`{field}` is at most {most}")).hint(hint).at(format!("/{field}")));
        }
    }
    Ok(())
}
