//! Sessions of members in their browsers. The cookie itself is never stored, only its SHA-256.

use crate::members::{Member, token_hash};
use crate::sql::Run;
use crate::{Database, Result, Transaction};
use domain::{MemberId, Time};

impl Database {
    /// The member whose session that is, of whatever organization, unless it has expired.
    pub async fn find_member_of_session(&self, plain: &str) -> Result<Option<Member>> {
        self.find(
            "select m.id, m.organization_id, m.agent_id, m.name, m.email, m.scopes, m.created_at
             from sessions s join members m on m.id = s.member_id where s.token_hash = $1 and s.expires_at > $2",
            (token_hash(plain), self.clock().now()),
        )
        .await
    }
}

impl Transaction {
    /// Begins a session; those that have expired are cleared away.
    pub async fn insert_session(&mut self, member_id: MemberId, plain: &str, expires_at: Time) -> Result<()> {
        let (organization_id, now) = (self.organization_id()?, self.now());
        self.run("delete from sessions where organization_id = $1 and expires_at <= $2", (organization_id, now))
            .await?;
        self.run(
            "insert into sessions (token_hash, organization_id, member_id, created_at, expires_at)
             values ($1, $2, $3, $4, $5)",
            (token_hash(plain), organization_id, member_id, now, expires_at),
        )
        .await?;
        Ok(())
    }

    /// Ends a session; one that is not there has ended already.
    pub async fn delete_session(&mut self, plain: &str) -> Result<()> {
        let arguments = (self.organization_id()?, token_hash(plain));
        self.run("delete from sessions where organization_id = $1 and token_hash = $2", arguments).await?;
        Ok(())
    }
}
