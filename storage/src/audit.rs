//! Who did what: written with the change it tells of.

use crate::sql::Run;
use crate::{Keyset, Result, Tenant, Transaction};
use domain::{OrganizationId, Time};
use serde::Serialize;
use uuid::Uuid;

/// One thing that somebody did.
#[derive(Clone, Debug, PartialEq, Serialize, sqlx::FromRow)]
pub struct AuditEntry {
    /// Its id.
    pub id: Uuid,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// The id of a key or agent, or `system`.
    pub actor: String,
    /// What was done: `key.created`.
    pub action: String,
    /// The id of what it was done to.
    pub subject: String,
    /// When.
    pub created_at: Time,
}

impl Tenant<'_> {
    /// What was done, the newest first.
    pub async fn list_audit(self, after: Keyset, limit: i64) -> Result<Vec<AuditEntry>> {
        self.all(
            "select id, organization_id, actor, action, subject, created_at
             from audit where organization_id = $1 and (created_at, id) < ($2, $3)
             order by created_at desc, id desc limit $4",
            (self.organization_id(), after.time, after.id, limit),
        )
        .await
    }
}

impl Transaction {
    /// Notes that `actor` did `action` to `subject`.
    pub async fn insert_audit(&mut self, actor: &str, action: &str, subject: &str) -> Result<()> {
        let id = self.id::<()>().uuid();
        let arguments = (id, self.organization_id()?, actor, action, subject, self.now());
        self.run(
            "insert into audit (id, organization_id, actor, action, subject, created_at)
             values ($1, $2, $3, $4, $5, $6)",
            arguments,
        )
        .await?;
        Ok(())
    }
}
