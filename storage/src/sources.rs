//! Sources: where documents come from.

use crate::sql::Run;
use crate::{Error, Keyset, Result, Tenant, Transaction};
use domain::knowledge::Source;
use domain::{DocumentId, SourceId};
use serde_json::{Map, Value};
use sqlx::types::Json;

/// A source to be.
#[derive(Clone, Debug, PartialEq)]
pub struct NewSource {
    /// A word of the source registry.
    pub kind: String,
    /// What people call it.
    pub name: String,
    /// Its address, where it has one.
    pub url: Option<String>,
    /// Settings of its kind.
    pub settings: Map<String, Value>,
}

impl Tenant<'_> {
    /// The source with that id.
    pub async fn load_source(self, id: SourceId) -> Result<Source> {
        self.find(
            "select id, organization_id, kind, name, url, settings, created_at, updated_at
             from sources where organization_id = $1 and id = $2",
            (self.organization_id(), id),
        )
        .await?
        .ok_or_else(|| Error::not_found("source", id))
    }

    /// The source with that address.
    pub async fn find_source_by_url(self, url: &str) -> Result<Option<Source>> {
        self.find(
            "select id, organization_id, kind, name, url, settings, created_at, updated_at
             from sources where organization_id = $1 and url = $2",
            (self.organization_id(), url),
        )
        .await
    }

    /// The source without an address of that kind and name.
    pub async fn find_source_by_name(self, kind: &str, name: &str) -> Result<Option<Source>> {
        self.find(
            "select id, organization_id, kind, name, url, settings, created_at, updated_at
             from sources where organization_id = $1 and kind = $2 and name = $3 and url is null",
            (self.organization_id(), kind, name),
        )
        .await
    }

    /// Sources, the newest first.
    pub async fn list_sources(self, after: Keyset, limit: i64) -> Result<Vec<Source>> {
        self.all(
            "select id, organization_id, kind, name, url, settings, created_at, updated_at
             from sources where organization_id = $1 and (created_at, id) < ($2, $3)
             order by created_at desc, id desc limit $4",
            (self.organization_id(), after.time, after.id, limit),
        )
        .await
    }

    /// What is known to repeat on the pages of a source.
    pub async fn load_source_profile(self, id: SourceId) -> Result<Map<String, Value>> {
        let row: Option<(Json<Map<String, Value>>,)> = self
            .find("select profile from sources where organization_id = $1 and id = $2", (self.organization_id(), id))
            .await?;
        Ok(row.ok_or_else(|| Error::not_found("source", id))?.0.0)
    }
}

impl Transaction {
    /// Adds a source.
    ///
    /// # Errors
    /// `Conflict` when there is one with that address, or without an address one of that kind and name.
    pub async fn insert_source(&mut self, new: NewSource) -> Result<Source> {
        let source = Source {
            id: self.id(),
            organization_id: self.organization_id()?,
            kind: new.kind,
            name: new.name,
            url: new.url,
            settings: new.settings,
            created_at: self.now(),
            updated_at: self.now(),
        };
        let inserted = self
            .run(
                "insert into sources (id, organization_id, kind, name, url, settings, profile, created_at, updated_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing",
                (
                    source.id,
                    source.organization_id,
                    source.kind.as_str(),
                    source.name.as_str(),
                    source.url.clone(),
                    Json(&source.settings),
                    Json(Map::new()),
                    source.created_at,
                    source.updated_at,
                ),
            )
            .await?;
        if inserted == 0 {
            let name = source.url.as_ref().unwrap_or(&source.name);
            return Err(Error::Conflict(format!("source `{name}` is there already")));
        }
        Ok(source)
    }

    /// Renames a source and replaces its settings.
    pub async fn update_source(&mut self, id: SourceId, name: &str, settings: &Map<String, Value>) -> Result<()> {
        let arguments = (self.organization_id()?, id, name, Json(settings), self.now());
        let touched = self
            .run(
                "update sources set name = $3, settings = $4, updated_at = $5 where organization_id = $1 and id = $2",
                arguments,
            )
            .await?;
        found(touched, id)
    }

    /// Replaces what is known to repeat on the pages of a source.
    pub async fn update_source_profile(&mut self, id: SourceId, profile: &Map<String, Value>) -> Result<()> {
        let arguments = (self.organization_id()?, id, Json(profile));
        let touched =
            self.run("update sources set profile = $3 where organization_id = $1 and id = $2", arguments).await?;
        found(touched, id)
    }

    /// Deletes a source with its scans and documents, and what was drafted from it and never approved; each
    /// document leaves the indexes.
    pub async fn delete_source(&mut self, id: SourceId) -> Result<()> {
        let organization_id = self.organization_id()?;
        let documents: Vec<(DocumentId,)> = self
            .all("select id from documents where organization_id = $1 and source_id = $2", (organization_id, id))
            .await?;
        let documents: Vec<DocumentId> = documents.into_iter().map(|(id,)| id).collect();
        self.delete_documents(&documents).await?;
        self.run(
            "delete from articles where organization_id = $1 and source_id = $2 and state = 'in_review'",
            (organization_id, id),
        )
        .await?;
        let touched =
            self.run("delete from sources where organization_id = $1 and id = $2", (organization_id, id)).await?;
        found(touched, id)
    }

    /// Whether the source is this organization's: foreign keys alone would let another's pass.
    pub(crate) async fn check_source(&mut self, id: SourceId) -> Result<()> {
        let arguments = (self.organization_id()?, id);
        let row: Option<(SourceId,)> =
            self.find("select id from sources where organization_id = $1 and id = $2", arguments).await?;
        row.map(|_| ()).ok_or_else(|| Error::not_found("source", id))
    }
}

fn found(touched: u64, id: SourceId) -> Result<()> {
    if touched == 0 { Err(Error::not_found("source", id)) } else { Ok(()) }
}
