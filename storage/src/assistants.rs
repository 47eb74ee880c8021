//! Assistants: who answers, and how.

use crate::sql::Run;
use crate::{Error, Result, Tenant, Transaction};
use domain::AssistantId;
use domain::assistant::{Assistant, AssistantSettings};
use sqlx::types::Json;

impl Tenant<'_> {
    /// The assistant with that id.
    pub async fn load_assistant(self, id: AssistantId) -> Result<Assistant> {
        self.find(
            "select id, organization_id, name, settings, created_at, updated_at
             from assistants where organization_id = $1 and id = $2",
            (self.organization_id(), id),
        )
        .await?
        .ok_or_else(|| Error::not_found("assistant", id))
    }

    /// All assistants, the oldest first.
    pub async fn list_assistants(self) -> Result<Vec<Assistant>> {
        self.all(
            "select id, organization_id, name, settings, created_at, updated_at
             from assistants where organization_id = $1 order by created_at, id",
            (self.organization_id(),),
        )
        .await
    }
}

impl Transaction {
    /// Adds an assistant.
    pub async fn insert_assistant(&mut self, name: &str, settings: AssistantSettings) -> Result<Assistant> {
        let now = self.now();
        let assistant = Assistant {
            id: self.id(),
            organization_id: self.organization_id()?,
            name: name.to_owned(),
            settings,
            created_at: now,
            updated_at: now,
        };
        let arguments = (assistant.id, assistant.organization_id, name, Json(&assistant.settings), now);
        self.run(
            "insert into assistants (id, organization_id, name, settings, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $5)",
            arguments,
        )
        .await?;
        Ok(assistant)
    }

    /// Renames an assistant and replaces its settings.
    pub async fn update_assistant(&mut self, id: AssistantId, name: &str, settings: &AssistantSettings) -> Result<()> {
        let arguments = (self.organization_id()?, id, name, Json(settings), self.now());
        let touched = self
            .run(
                "update assistants set name = $3, settings = $4, updated_at = $5 where organization_id = $1 and id = $2",
                arguments,
            )
            .await?;
        if touched == 0 { Err(Error::not_found("assistant", id)) } else { Ok(()) }
    }
}
