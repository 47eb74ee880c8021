//! Canned replies: texts that agents send again and again, by their names.

use crate::sql::Run;
use crate::{Error, Result, Tenant, Transaction};
use domain::{OrganizationId, ReplyId, Time};

/// A text that agents send again and again.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct CannedReply {
    /// Its id.
    pub id: ReplyId,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// What agents find it by.
    pub name: String,
    /// What is sent.
    pub content: String,
    /// When it was kept first.
    pub created_at: Time,
}

impl Tenant<'_> {
    /// Canned replies by name.
    pub async fn list_replies(self, limit: i64) -> Result<Vec<CannedReply>> {
        self.all(
            "select id, organization_id, name, content, created_at from canned_replies
             where organization_id = $1 order by name limit $2",
            (self.organization_id(), limit),
        )
        .await
    }
}

impl Transaction {
    /// Keeps a reply; one of that name gets the new text.
    pub async fn put_reply(&mut self, name: &str, content: &str) -> Result<CannedReply> {
        let (id, organization_id, now): (ReplyId, _, _) = (self.id(), self.organization_id()?, self.now());
        self.one(
            "insert into canned_replies (id, organization_id, name, content, created_at) values ($1, $2, $3, $4, $5)
             on conflict (organization_id, name) do update set content = excluded.content
             returning id, organization_id, name, content, created_at",
            (id, organization_id, name, content, now),
        )
        .await
    }

    /// Takes a reply out.
    pub async fn delete_reply(&mut self, id: ReplyId) -> Result<()> {
        let arguments = (self.organization_id()?, id);
        let touched = self.run("delete from canned_replies where organization_id = $1 and id = $2", arguments).await?;
        if touched == 0 { Err(Error::not_found("reply", id)) } else { Ok(()) }
    }
}
