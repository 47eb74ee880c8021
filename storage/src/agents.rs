//! Human agents: who they are and whether they are there.

use crate::sql::{Run, Sql};
use crate::{Database, Error, Result, Tenant, Transaction};
use domain::agent::{AgentRole, Availability};
use domain::{AgentId, Id, OrganizationId, Time};
use sqlx::types::Json;

pub use domain::agent::Agent;

const COLUMNS: &str = "id, organization_id, name, email, role, availability, present_until, capacity, skills,
    last_assigned_at, created_at";
/// Conversations that new agents are offered at a time.
const CAPACITY: i64 = 5;

/// An agent with what they have in hand.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct AgentLoad {
    /// The agent.
    #[sqlx(flatten)]
    pub agent: Agent,
    /// Open conversations that are theirs or are offered to them.
    pub load: i64,
}

/// Whether people are there, and whether the customer can be reached another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Presence {
    /// Agents who are there.
    pub present: i64,
    /// 1 where the customer's address is known.
    pub contacts: i64,
}

impl Tenant<'_> {
    /// The agent with that id.
    pub async fn load_agent(self, id: AgentId) -> Result<Agent> {
        self.find(
            Sql::dynamic(format!("select {COLUMNS} from agents where organization_id = $1 and id = $2")),
            (self.organization_id(), id),
        )
        .await?
        .ok_or_else(|| Error::not_found("agent", id))
    }

    /// All agents, the oldest first.
    pub async fn list_agents(self) -> Result<Vec<Agent>> {
        self.all(
            Sql::dynamic(format!("select {COLUMNS} from agents where organization_id = $1 order by created_at, id")),
            (self.organization_id(),),
        )
        .await
    }

    /// All agents with what they have in hand, the oldest first.
    pub async fn list_agent_loads(self) -> Result<Vec<AgentLoad>> {
        self.all(
            Sql::dynamic(format!(
                "select {COLUMNS}, (select count(*) from conversations c where c.assignee_id = agents.id
                    and c.status = 'open' and c.holder <> 'ai') as load
                 from agents where organization_id = $1 order by created_at, id"
            )),
            (self.organization_id(),),
        )
        .await
    }
}

impl Database {
    /// Agents of any organization whose heartbeat has run out since it was last told of.
    pub async fn list_gone_agents(&self, limit: i64) -> Result<Vec<(OrganizationId, AgentId)>> {
        let now = self.clock().now();
        let rows: Vec<(uuid::Uuid, uuid::Uuid)> = self
            .all(
                "select organization_id, id from agents where is_present and present_until <= $1 order by id limit $2",
                (now, limit),
            )
            .await?;
        Ok(rows.into_iter().map(|(organization, agent)| (Id::from_uuid(organization), Id::from_uuid(agent))).collect())
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
            role: AgentRole::Agent,
            availability: Availability::Online,
            present_until: None,
            capacity: CAPACITY,
            skills: Vec::new(),
            last_assigned_at: None,
            created_at: self.now(),
        };
        let arguments = (agent.id, agent.organization_id, name, agent.email.clone(), CAPACITY, agent.created_at);
        self.run(
            "insert into agents (id, organization_id, name, email, capacity, created_at)
             values ($1, $2, $3, $4, $5, $6)",
            arguments,
        )
        .await?;
        Ok(agent)
    }

    /// Replaces what is set of an agent: name, role, availability, capacity and skills.
    pub async fn update_agent(&mut self, agent: &Agent) -> Result<()> {
        let arguments = (
            self.organization_id()?,
            agent.id,
            agent.name.clone(),
            agent.role,
            agent.availability,
            agent.capacity,
            Json(agent.skills.clone()),
        );
        let touched = self
            .run(
                "update agents set name = $3, role = $4, availability = $5, capacity = $6, skills = $7
                 where organization_id = $1 and id = $2",
                arguments,
            )
            .await?;
        if touched == 0 {
            return Err(Error::not_found("agent", agent.id));
        }
        self.tell("agent.updated", None, serde_json::json!({ "agent_id": agent.id }));
        Ok(())
    }

    /// Notes that an agent is there until a time, as they say; those who watch are told of what changed.
    pub async fn note_heartbeat(
        &mut self,
        id: AgentId,
        availability: Option<Availability>,
        present_until: Time,
    ) -> Result<Agent> {
        let (organization_id, now) = (self.organization_id()?, self.now());
        let changed = (&mut *self)
            .run(
                "update agents set availability = coalesce($3, availability), is_present = true, present_until = $4
                 where organization_id = $1 and id = $2
                    and (availability <> coalesce($3, availability) or is_present = false
                        or present_until is null or present_until <= $5)",
                (organization_id, id, availability, present_until, now),
            )
            .await?;
        if changed > 0 {
            self.tell("agent.updated", None, serde_json::json!({ "agent_id": id }));
        } else {
            (&mut *self)
                .run(
                    "update agents set present_until = $3 where organization_id = $1 and id = $2",
                    (organization_id, id, present_until),
                )
                .await?;
        }
        (&mut *self)
            .find(
                Sql::dynamic(format!("select {COLUMNS} from agents where organization_id = $1 and id = $2")),
                (organization_id, id),
            )
            .await?
            .ok_or_else(|| Error::not_found("agent", id))
    }

    /// Notes that an agent's heartbeat has run out.
    pub async fn mark_agent_gone(&mut self, id: AgentId) -> Result<()> {
        let arguments = (self.organization_id()?, id, self.now());
        let touched = self
            .run(
                "update agents set is_present = false where organization_id = $1 and id = $2 and present_until <= $3",
                arguments,
            )
            .await?;
        if touched > 0 {
            self.tell("agent.updated", None, serde_json::json!({ "agent_id": id }));
        }
        Ok(())
    }
}
