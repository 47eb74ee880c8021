//! The model that an organization has connected by itself, with its key sealed.

use crate::sql::Run;
use crate::{Database, Result, Tenant, Transaction};
use domain::{OrganizationId, Time};

/// Where an organization's model is reached.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ModelEndpoint {
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// The address up to and with `/v1`, without a slash at its end.
    pub base_url: String,
    /// The model by the endpoint's name.
    pub model: String,
    /// The key as [`crate::Vault`] sealed it; `None` where the endpoint asks for none.
    pub sealed_key: Option<Vec<u8>>,
    /// The key's last four characters; `None` where it is short.
    pub key_hint: Option<String>,
    /// When it was set; a change has another time.
    pub updated_at: Time,
    /// The id of the key or member that set it.
    pub updated_by: String,
}

/// An endpoint to set in place of the one before.
#[derive(Clone, Debug)]
pub struct NewModelEndpoint {
    /// The address up to and with `/v1`, without a slash at its end.
    pub base_url: String,
    /// The model by the endpoint's name.
    pub model: String,
    /// The sealed key.
    pub sealed_key: Option<Vec<u8>>,
    /// The key's last four characters.
    pub key_hint: Option<String>,
    /// Who sets it.
    pub updated_by: String,
}

impl Database {
    /// The endpoints of all organizations, those that were set last first.
    pub async fn list_model_endpoints(&self, limit: i64) -> Result<Vec<ModelEndpoint>> {
        self.all(
            "select organization_id, base_url, model, sealed_key, key_hint, updated_at, updated_by
             from model_endpoints order by updated_at desc, organization_id limit $1",
            (limit,),
        )
        .await
    }
}

impl Tenant<'_> {
    /// The organization's own model, where it has one.
    pub async fn find_model_endpoint(self) -> Result<Option<ModelEndpoint>> {
        self.find(
            "select organization_id, base_url, model, sealed_key, key_hint, updated_at, updated_by
             from model_endpoints where organization_id = $1",
            (self.organization_id(),),
        )
        .await
    }
}

impl Transaction {
    /// Sets the organization's own model.
    pub async fn put_model_endpoint(&mut self, new: NewModelEndpoint) -> Result<ModelEndpoint> {
        let NewModelEndpoint { base_url, model, sealed_key, key_hint, updated_by } = new;
        let organization_id = self.organization_id()?;
        let set = ModelEndpoint {
            organization_id,
            base_url,
            model,
            sealed_key,
            key_hint,
            updated_at: self.now(),
            updated_by,
        };
        let row = set.clone();
        let arguments = (
            row.organization_id,
            row.base_url,
            row.model,
            row.sealed_key,
            row.key_hint,
            row.updated_at,
            row.updated_by,
        );
        self.run(
            "insert into model_endpoints
               (organization_id, base_url, model, sealed_key, key_hint, updated_at, updated_by)
             values ($1, $2, $3, $4, $5, $6, $7)
             on conflict (organization_id) do update set base_url = excluded.base_url, model = excluded.model,
               sealed_key = excluded.sealed_key, key_hint = excluded.key_hint,
               updated_at = excluded.updated_at, updated_by = excluded.updated_by",
            arguments,
        )
        .await?;
        Ok(set)
    }

    /// Removes the organization's own model; whether there was one.
    pub async fn delete_model_endpoint(&mut self) -> Result<bool> {
        let id = self.organization_id()?;
        Ok(self.run("delete from model_endpoints where organization_id = $1", (id,)).await? > 0)
    }
}
