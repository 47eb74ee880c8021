//! People who sign in to the console, and the one-time links that make them.

use crate::sql::Run;
use crate::{Database, Error, Result, Tenant, Transaction};
use domain::key::Scope;
use domain::{AgentId, MemberId, OrganizationId, Time};
use sha2::{Digest, Sha256};
use sqlx::types::Json;

/// A person who signs in.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Member {
    /// Their id.
    pub id: MemberId,
    /// The tenant they belong to.
    pub organization_id: OrganizationId,
    /// The agent they act as.
    pub agent_id: AgentId,
    /// Their name.
    pub name: String,
    /// The address they sign in with, in lowercase.
    pub email: String,
    /// What they may do.
    #[sqlx(json)]
    pub scopes: Vec<Scope>,
    /// When they were added.
    pub created_at: Time,
}

/// A member to be.
#[derive(Clone, Debug)]
pub struct NewMember {
    /// Their name.
    pub name: String,
    /// The address they sign in with, in lowercase.
    pub email: String,
    /// Their password, hashed.
    pub password_hash: String,
    /// What they may do.
    pub scopes: Vec<Scope>,
}

/// What a sign-in is checked against.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Credentials {
    /// The member.
    pub member_id: MemberId,
    /// The tenant they belong to.
    pub organization_id: OrganizationId,
    /// Their password, hashed.
    pub password_hash: String,
}

/// A one-time link that makes a member.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Invitation {
    /// The tenant it invites to.
    pub organization_id: OrganizationId,
    /// What the member may do.
    #[sqlx(json)]
    pub scopes: Vec<Scope>,
    /// Whether it is only valid as long as there is no member.
    pub is_first: bool,
    /// Refused from then on.
    pub expires_at: Time,
    /// When it was used.
    pub used_at: Option<Time>,
}

impl Database {
    /// What a sign-in with that address is checked against, whatever the organization.
    pub async fn find_credentials(&self, email: &str) -> Result<Option<Credentials>> {
        self.find(
            "select id as member_id, organization_id, password_hash from members where email = $1",
            (email.to_owned(),),
        )
        .await
    }

    /// The link with that plain text, used and expired ones too.
    pub async fn find_invitation(&self, plain: &str) -> Result<Option<Invitation>> {
        self.find(
            "select organization_id, scopes, is_first, expires_at, used_at from invitations where token_hash = $1",
            (token_hash(plain),),
        )
        .await
    }
}

impl Tenant<'_> {
    /// How many members there are.
    pub async fn count_members(self) -> Result<i64> {
        self.scalar("select count(*) from members where organization_id = $1", (self.organization_id(),)).await
    }

    /// All members, the oldest first.
    pub async fn list_members(self) -> Result<Vec<Member>> {
        self.all(
            "select id, organization_id, agent_id, name, email, scopes, created_at from members
             where organization_id = $1 order by created_at, id",
            (self.organization_id(),),
        )
        .await
    }

    /// The member.
    pub async fn load_member(self, id: MemberId) -> Result<Member> {
        self.find(
            "select id, organization_id, agent_id, name, email, scopes, created_at from members
             where organization_id = $1 and id = $2",
            (self.organization_id(), id),
        )
        .await?
        .ok_or_else(|| Error::not_found("member", id))
    }
}

impl Transaction {
    /// Adds a member and the agent they act as.
    ///
    /// # Errors
    /// `Conflict` when the address signs in to a desk already; the transaction is over then.
    pub async fn insert_member(&mut self, new: NewMember) -> Result<Member> {
        let agent = self.insert_agent(&new.name, Some(new.email.clone())).await?;
        let member = Member {
            id: self.id(),
            organization_id: agent.organization_id,
            agent_id: agent.id,
            name: new.name,
            email: new.email,
            scopes: new.scopes,
            created_at: self.now(),
        };
        let arguments = (
            member.id,
            member.organization_id,
            member.agent_id,
            member.name.clone(),
            member.email.clone(),
            new.password_hash,
            Json(member.scopes.clone()),
            member.created_at,
        );
        let inserted = self
            .run(
                "insert into members (id, organization_id, agent_id, name, email, password_hash, scopes, created_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8)",
                arguments,
            )
            .await;
        match inserted {
            Ok(_) => Ok(member),
            Err(error) if error.is_unique_violation() => {
                Err(Error::Conflict("`email` belongs to a member already".to_owned()))
            }
            Err(error) => Err(error),
        }
    }

    /// Takes a member out; their sessions end, what they said stays.
    pub async fn delete_member(&mut self, id: MemberId) -> Result<()> {
        let arguments = (self.organization_id()?, id);
        let touched = self.run("delete from members where organization_id = $1 and id = $2", arguments).await?;
        if touched == 0 { Err(Error::not_found("member", id)) } else { Ok(()) }
    }

    /// Adds a link that is valid once until `expires_at`; links that have expired are cleared away.
    pub async fn insert_invitation(
        &mut self,
        plain: &str,
        scopes: Vec<Scope>,
        is_first: bool,
        expires_at: Time,
    ) -> Result<()> {
        let (organization_id, now) = (self.organization_id()?, self.now());
        self.run("delete from invitations where organization_id = $1 and expires_at <= $2", (organization_id, now))
            .await?;
        self.run(
            "insert into invitations (token_hash, organization_id, scopes, is_first, created_at, expires_at)
             values ($1, $2, $3, $4, $5, $6)",
            (token_hash(plain), organization_id, Json(scopes), is_first, now, expires_at),
        )
        .await?;
        Ok(())
    }

    /// Uses a link up; `false` where it was used, has expired, or was for a first member and there is one.
    pub async fn use_invitation(&mut self, plain: &str) -> Result<bool> {
        let arguments = (self.organization_id()?, token_hash(plain), self.now());
        let touched = self
            .run(
                "update invitations set used_at = $3
                 where organization_id = $1 and token_hash = $2 and used_at is null and expires_at > $3
                    and (is_first = false or not exists (select 1 from members m where m.organization_id = $1))",
                arguments,
            )
            .await?;
        Ok(touched > 0)
    }
}

/// What is kept of a secret of 256 random bits.
pub(crate) fn token_hash(plain: &str) -> Vec<u8> {
    Sha256::digest(plain).to_vec()
}
