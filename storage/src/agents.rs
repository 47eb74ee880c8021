//! Human agents.

use crate::sql::Run;
use crate::{Error, Result, Tenant, Transaction};
use domain::{AgentId, OrganizationId, Time};
use serde::Serialize;

/// A person who answers.
#[derive(Clone, Debug, PartialEq, Serialize, sqlx::FromRow)]
pub struct Agent {
    /// Their id.
    pub id: AgentId,
    /// The tenant they belong to.
    pub organization_id: OrganizationId,
    /// Their name.
    pub name: String,
    /// Their e-mail address.
    pub email: Option<String>,
    /// When they were added.
    pub created_at: Time,
}

impl Tenant<'_> {
    /// The agent with that id.
    pub async fn load_agent(self, id: AgentId) -> Result<Agent> {
        self.find(
            "select id, organization_id, name, email, created_at from agents where organization_id = $1 and id = $2",
            (self.organization_id(), id),
        )
        .await?
        .ok_or_else(|| Error::not_found("agent", id))
    }

    /// All agents, the oldest first.
    pub async fn list_agents(self) -> Result<Vec<Agent>> {
        self.all(
            "select id, organization_id, name, email, created_at from agents
             where organization_id = $1 order by created_at, id",
            (self.organization_id(),),
        )
        .await
    }
}

impl Transaction {
    /// Adds an agent.
    pub async fn insert_agent(&mut self, name: &str, email: Option<String>) -> Result<Agent> {
        let agent = Agent {
            id: self.id(),
            organization_id: self.organization_id()?,
            name: name.to_owned(),
            email,
            created_at: self.now(),
        };
        let arguments = (agent.id, agent.organization_id, name, agent.email.clone(), agent.created_at);
        self.run(
            "insert into agents (id, organization_id, name, email, created_at) values ($1, $2, $3, $4, $5)",
            arguments,
        )
        .await?;
        Ok(agent)
    }
}
