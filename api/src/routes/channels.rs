//! Channels: where conversations come in, and how the widget is set.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path};
use crate::error::{Problem, Result};
use crate::list::List;
use crate::visitor::{KIND, public_key};
use axum::extract::State;
use domain::conversation::Channel;
use domain::{AssistantId, ChannelId, Time};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Characters of a name at most.
const NAME_CHARS_MAX: usize = 100;

/// Where conversations come in.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChannelObject {
    #[schema(value_type = String)]
    id: ChannelId,
    /// Always `channel`.
    object: &'static str,
    /// `api` or `widget`.
    kind: String,
    name: String,
    #[schema(value_type = Option<String>)]
    assistant_id: Option<AssistantId>,
    /// Settings of its kind.
    settings: Map<String, Value>,
    /// What pages embed a widget with; it is no secret.
    public_key: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
}

impl From<Channel> for ChannelObject {
    fn from(channel: Channel) -> Self {
        Self {
            id: channel.id,
            object: "channel",
            public_key: (channel.kind == KIND).then(|| public_key(channel.id)),
            kind: channel.kind,
            name: channel.name,
            assistant_id: channel.assistant_id,
            settings: channel.settings,
            created_at: channel.created_at,
        }
    }
}

/// Lists the channels, the oldest first.
#[utoipa::path(get, path = "/v1/channels", tag = "channels",
    responses((status = 200, description = "All channels", body = List<ChannelObject>)))]
pub(crate) async fn list_channels(State(app): State<App>, caller: Caller) -> Result<axum::Json<List<ChannelObject>>> {
    let rows = app.of(caller.organization_id()).list_channels().await?;
    Ok(axum::Json(List::whole(rows.into_iter().map(ChannelObject::from).collect())))
}

/// Changes of a channel; what is absent stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateChannel {
    #[serde(default)]
    name: Option<String>,
    /// The settings to change, each by its name; `null` takes one back to its default.
    #[serde(default)]
    #[schema(value_type = Object)]
    settings: Map<String, Value>,
}

/// Changes a channel.
#[utoipa::path(patch, path = "/v1/channels/{id}", tag = "channels", params(("id" = String, Path)),
    request_body = UpdateChannel, responses((status = 200, description = "The channel", body = ChannelObject)))]
pub(crate) async fn update_channel(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ChannelId>,
    Json(body): Json<UpdateChannel>,
) -> Result<axum::Json<ChannelObject>> {
    let tenant = app.of(caller.organization_id());
    let present = tenant.load_channel(id).await?;
    let name = body.name.unwrap_or(present.name);
    if name.trim().is_empty() || name.chars().count() > NAME_CHARS_MAX {
        return Err(Problem::invalid(format!("`name` has from 1 to {NAME_CHARS_MAX} characters")).at("/name"));
    }
    let mut settings = present.settings;
    settings.extend(body.settings);
    settings.retain(|_, value| !value.is_null());
    let kind = channels::channel(&present.kind)?;
    kind.check(&settings).map_err(|error| Problem::from(error).at("/settings"))?;
    let mut transaction = tenant.begin().await?;
    transaction.update_channel(id, &name, &settings).await?;
    transaction.insert_audit(&caller.actor(), "channel.updated", &id.to_string()).await?;
    transaction.commit().await?;
    Ok(axum::Json(tenant.load_channel(id).await?.into()))
}
