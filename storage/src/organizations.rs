//! Organizations, and the founding of a desk that has none.

use crate::sql::Run;
use crate::{Database, Error, Result, Tenant, Transaction};
use domain::OrganizationId;
use domain::assistant::{Assistant, AssistantSettings};
use domain::conversation::Channel;
use domain::organization::{Organization, OrganizationSettings};
use sqlx::types::Json;

/// What a fresh desk has.
#[derive(Clone, Debug, PartialEq)]
pub struct Desk {
    /// The tenant.
    pub organization: Organization,
    /// The assistant that answers where nothing else is said.
    pub assistant: Assistant,
    /// The API and the widget.
    pub channels: Vec<Channel>,
}

/// Channels every desk has, with their names.
const CHANNELS: [(&str, &str); 2] = [("api", "API"), ("widget", "Widget")];
/// Any number that no other lock of this program uses.
const FOUNDING_LOCK: i64 = 0x66_72_6f_6e_74;

impl Database {
    /// Adds an organization without an assistant or a channel.
    pub async fn insert_organization(&self, name: &str) -> Result<Organization> {
        let mut transaction = self.begin().await?;
        let organization = transaction.insert_organization(name).await?;
        transaction.commit().await?;
        Ok(organization)
    }

    /// All organizations, the oldest first.
    pub async fn list_organizations(&self) -> Result<Vec<Organization>> {
        self.all(
            "select id, name, settings, change_seq, event_seq, created_at from organizations order by created_at, id",
            (),
        )
        .await
    }

    /// The organization with that id, where there is one.
    pub async fn find_organization(&self, id: OrganizationId) -> Result<Option<Organization>> {
        self.find(
            "select id, name, settings, change_seq, event_seq, created_at from organizations where id = $1",
            (id,),
        )
        .await
    }

    /// The oldest organization, or a new one of that name, with what it lacks of an assistant and the
    /// channels `api` and `widget`. Two processes that found at once get the same desk.
    pub async fn found_desk(&self, name: &str) -> Result<Desk> {
        let mut chore = self.begin().await?;
        if self.is_postgres() {
            // differs because: SQLite's one writer holds its lock already
            chore.run("select pg_advisory_xact_lock($1)", (FOUNDING_LOCK,)).await?;
        }
        let first: Option<Organization> = chore
            .find(
                "select id, name, settings, change_seq, event_seq, created_at
                 from organizations order by created_at, id limit 1",
                (),
            )
            .await?;
        let organization = match first {
            Some(organization) => organization,
            None => chore.insert_organization(name).await?,
        };
        chore.write_for(organization.id);
        let assistant = chore.first_assistant(&organization).await?;
        let mut channels = Vec::with_capacity(CHANNELS.len());
        for (kind, name) in CHANNELS {
            channels.push(chore.first_channel(kind, name, assistant.id).await?);
        }
        let mut organization = organization;
        if organization.settings.default_assistant.is_none() {
            organization.settings.default_assistant = Some(assistant.id);
            chore.update_organization_settings(&organization.settings).await?;
        }
        chore.commit().await?;
        Ok(Desk { organization, assistant, channels })
    }
}

impl Tenant<'_> {
    /// The organization itself.
    pub async fn load_organization(self) -> Result<Organization> {
        self.find(
            "select id, name, settings, change_seq, event_seq, created_at from organizations where id = $1",
            (self.organization_id(),),
        )
        .await?
        .ok_or_else(|| Error::not_found("organization", self.organization_id()))
    }
}

impl Transaction {
    /// Replaces the organization's settings.
    pub async fn update_organization_settings(&mut self, settings: &OrganizationSettings) -> Result<()> {
        let id = self.organization_id()?;
        let touched = self.run("update organizations set settings = $2 where id = $1", (id, Json(settings))).await?;
        if touched == 0 { Err(Error::not_found("organization", id)) } else { Ok(()) }
    }

    /// Gives the organization another name.
    pub async fn rename_organization(&mut self, name: &str) -> Result<()> {
        let id = self.organization_id()?;
        let touched = self.run("update organizations set name = $2 where id = $1", (id, name.to_owned())).await?;
        if touched == 0 { Err(Error::not_found("organization", id)) } else { Ok(()) }
    }

    async fn insert_organization(&mut self, name: &str) -> Result<Organization> {
        let organization = Organization {
            id: self.id(),
            name: name.to_owned(),
            settings: OrganizationSettings::default(),
            change_seq: 0,
            event_seq: 0,
            created_at: self.now(),
        };
        let arguments = (organization.id, name, Json(&organization.settings), organization.created_at);
        self.run("insert into organizations (id, name, settings, created_at) values ($1, $2, $3, $4)", arguments)
            .await?;
        Ok(organization)
    }

    async fn first_assistant(&mut self, organization: &Organization) -> Result<Assistant> {
        let present: Option<Assistant> = self
            .find(
                "select id, organization_id, name, settings, created_at, updated_at
                 from assistants where organization_id = $1
                 order by case when id = $2 then 0 else 1 end, created_at, id limit 1",
                (organization.id, organization.settings.default_assistant),
            )
            .await?;
        match present {
            Some(assistant) => Ok(assistant),
            None => self.insert_assistant("Assistant", AssistantSettings::default()).await,
        }
    }

    async fn first_channel(&mut self, kind: &str, name: &str, assistant_id: domain::AssistantId) -> Result<Channel> {
        let arguments = (self.organization_id()?, kind);
        let present: Option<Channel> = self
            .find(
                "select id, organization_id, kind, name, assistant_id, settings, created_at
                 from channels where organization_id = $1 and kind = $2 order by created_at, id limit 1",
                arguments,
            )
            .await?;
        match present {
            Some(channel) => Ok(channel),
            None => self.insert_channel(kind, name, Some(assistant_id), serde_json::Map::new()).await,
        }
    }
}
