//! Channels: where conversations come in.

use crate::sql::Run;
use crate::{Error, Result, Tenant, Transaction};
use domain::conversation::Channel;
use domain::{AssistantId, ChannelId};
use serde_json::{Map, Value};
use sqlx::types::Json;

impl Tenant<'_> {
    /// The channel with that id.
    pub async fn load_channel(self, id: ChannelId) -> Result<Channel> {
        self.find(
            "select id, organization_id, kind, name, assistant_id, settings, created_at
             from channels where organization_id = $1 and id = $2",
            (self.organization_id(), id),
        )
        .await?
        .ok_or_else(|| Error::not_found("channel", id))
    }

    /// The oldest channel of that kind.
    pub async fn find_channel_by_kind(self, kind: &str) -> Result<Option<Channel>> {
        self.find(
            "select id, organization_id, kind, name, assistant_id, settings, created_at
             from channels where organization_id = $1 and kind = $2 order by created_at, id limit 1",
            (self.organization_id(), kind),
        )
        .await
    }

    /// All channels, the oldest first.
    pub async fn list_channels(self) -> Result<Vec<Channel>> {
        self.all(
            "select id, organization_id, kind, name, assistant_id, settings, created_at
             from channels where organization_id = $1 order by created_at, id",
            (self.organization_id(),),
        )
        .await
    }
}

impl Transaction {
    /// Adds a channel.
    ///
    /// # Errors
    /// `NotFound` for an assistant of nobody or somebody else.
    pub async fn insert_channel(
        &mut self,
        kind: &str,
        name: &str,
        assistant_id: Option<AssistantId>,
        settings: Map<String, Value>,
    ) -> Result<Channel> {
        let channel = Channel {
            id: self.id(),
            organization_id: self.organization_id()?,
            kind: kind.to_owned(),
            name: name.to_owned(),
            assistant_id,
            settings,
            created_at: self.now(),
        };
        // The assistant must be this organization's, which the foreign key alone does not say.
        let arguments = (
            channel.id,
            channel.organization_id,
            kind,
            name,
            assistant_id,
            Json(&channel.settings),
            channel.created_at,
        );
        let touched = self
            .run(
                "insert into channels (id, organization_id, kind, name, assistant_id, settings, created_at)
                 select $1, $2, $3, $4, $5, $6, $7
                 where $5 is null or exists (select 1 from assistants where organization_id = $2 and id = $5)",
                arguments,
            )
            .await?;
        match assistant_id {
            Some(assistant_id) if touched == 0 => Err(Error::not_found("assistant", assistant_id)),
            _ => Ok(channel),
        }
    }

    /// Changes a channel's name and settings.
    pub async fn update_channel(&mut self, id: ChannelId, name: &str, settings: &Map<String, Value>) -> Result<()> {
        let arguments = (self.organization_id()?, id, name, Json(settings));
        let touched = self
            .run("update channels set name = $3, settings = $4 where organization_id = $1 and id = $2", arguments)
            .await?;
        if touched == 0 { Err(Error::not_found("channel", id)) } else { Ok(()) }
    }
}
