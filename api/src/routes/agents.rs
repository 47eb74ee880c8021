//! Agents: the people who answer, whether they are there, and what they can do.

use crate::app::App;
use crate::auth::Caller;
use crate::body::{Json, Path};
use crate::error::{Problem, Result};
use crate::list::List;
use axum::extract::State;
use axum::http::StatusCode;
use domain::agent::{Agent, AgentRole, Availability};
use domain::{AgentId, Time};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use storage::agents::AgentLoad;
use utoipa::ToSchema;

/// Characters of a name or an address at most.
const FIELD_CHARS_MAX: usize = 320;
/// Conversations offered to an agent at a time at most.
const CAPACITY_MAX: i64 = 1_000;
/// Skills of an agent at most.
const SKILLS_MAX: usize = 50;
/// Characters of a skill at most.
const SKILL_CHARS_MAX: usize = 60;

/// A person who answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct AgentObject {
    #[schema(value_type = String)]
    id: AgentId,
    /// Always `agent`.
    object: &'static str,
    name: String,
    email: Option<String>,
    /// `agent` or `lead`.
    #[schema(value_type = String)]
    role: AgentRole,
    /// `online`, `busy` or `away`; without a fresh heartbeat always `away`.
    #[schema(value_type = String)]
    availability: Availability,
    /// Until when the last heartbeat holds.
    #[schema(value_type = Option<String>, format = DateTime)]
    present_until: Option<Time>,
    /// Conversations that are offered to them at a time, at most; 0 is none.
    capacity: i64,
    /// What they can do: words of the desk, or language codes.
    skills: Vec<String>,
    /// Open conversations that are theirs or are offered to them; only in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    load: Option<i64>,
}

impl AgentObject {
    fn at(agent: Agent, load: Option<i64>, now: Time) -> Self {
        Self {
            id: agent.id,
            object: "agent",
            availability: agent.availability_at(now),
            name: agent.name,
            email: agent.email,
            role: agent.role,
            present_until: agent.present_until,
            capacity: agent.capacity,
            skills: agent.skills,
            load,
        }
    }
}

/// Lists the agents, the oldest first.
#[utoipa::path(get, path = "/v1/agents", tag = "people",
    responses((status = 200, description = "All agents", body = List<AgentObject>)))]
pub(crate) async fn list_agents(State(app): State<App>, caller: Caller) -> Result<axum::Json<List<AgentObject>>> {
    let tenant = app.of(caller.organization_id());
    let now = tenant.now();
    let agents = tenant.list_agent_loads().await?;
    let shown = |AgentLoad { agent, load }| AgentObject::at(agent, Some(load), now);
    Ok(axum::Json(List::whole(agents.into_iter().map(shown).collect())))
}

/// An agent to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateAgent {
    name: String,
    #[serde(default)]
    email: Option<String>,
}

/// Adds an agent who works in another system; members of the console are agents already.
#[utoipa::path(post, path = "/v1/agents", tag = "people", request_body = CreateAgent,
    responses((status = 201, description = "They were added", body = AgentObject)))]
pub(crate) async fn create_agent(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateAgent>,
) -> Result<(StatusCode, axum::Json<AgentObject>)> {
    check_text("name", &body.name)?;
    if let Some(email) = &body.email {
        check_text("email", email)?;
    }
    let mut transaction = app.of(caller.organization_id()).begin().await?;
    let agent = transaction.insert_agent(body.name.trim(), body.email).await?;
    transaction.insert_audit(&caller.actor(), "agent.created", &agent.id.to_string()).await?;
    let now = transaction.now();
    transaction.commit().await?;
    Ok((StatusCode::CREATED, axum::Json(AgentObject::at(agent, None, now))))
}

/// Changes of an agent; what is absent stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateAgent {
    #[serde(default)]
    name: Option<String>,
    /// `agent` or `lead`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    role: Option<AgentRole>,
    /// `online`, `busy` or `away`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    availability: Option<Availability>,
    /// From 0 to 1000.
    #[serde(default)]
    capacity: Option<i64>,
    #[serde(default)]
    skills: Option<Vec<String>>,
}

/// Changes an agent.
#[utoipa::path(patch, path = "/v1/agents/{id}", tag = "people", params(("id" = String, Path)),
    request_body = UpdateAgent,
    responses((status = 200, description = "The agent as they are now", body = AgentObject)))]
pub(crate) async fn update_agent(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<AgentId>,
    Json(body): Json<UpdateAgent>,
) -> Result<axum::Json<AgentObject>> {
    let tenant = app.of(caller.organization_id());
    let mut agent = tenant.load_agent(id).await?;
    agent.name = body.name.unwrap_or(agent.name);
    agent.role = body.role.unwrap_or(agent.role);
    agent.availability = body.availability.unwrap_or(agent.availability);
    agent.capacity = body.capacity.unwrap_or(agent.capacity);
    agent.skills = body.skills.unwrap_or(agent.skills);
    check(&agent)?;
    let mut transaction = tenant.begin().await?;
    transaction.update_agent(&agent).await?;
    transaction.insert_audit(&caller.actor(), "agent.updated", &id.to_string()).await?;
    transaction.commit().await?;
    Ok(axum::Json(AgentObject::at(agent, None, tenant.now())))
}

fn check(agent: &Agent) -> Result<()> {
    check_text("name", &agent.name)?;
    if !(0..=CAPACITY_MAX).contains(&agent.capacity) {
        return Err(Problem::invalid(format!("`capacity` is from 0 to {CAPACITY_MAX}")).at("/capacity"));
    }
    let is_skill = |skill: &String| (1..=SKILL_CHARS_MAX).contains(&skill.trim().chars().count());
    if agent.skills.len() > SKILLS_MAX || !agent.skills.iter().all(is_skill) {
        let detail = format!("`skills` are at most {SKILLS_MAX}, each of 1 to {SKILL_CHARS_MAX} characters");
        return Err(Problem::invalid(detail).at("/skills"));
    }
    Ok(())
}

fn check_text(field: &str, text: &str) -> Result<()> {
    if (1..=FIELD_CHARS_MAX).contains(&text.trim().chars().count()) {
        return Ok(());
    }
    Err(Problem::invalid(format!("`{field}` has from 1 to {FIELD_CHARS_MAX} characters")).at(format!("/{field}")))
}

/// A sign of life.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateHeartbeat {
    /// `online`, `busy` or `away`; absent, what was said last.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    availability: Option<Availability>,
    /// Who is alive, where a program says so; a member always is their own agent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    agent_id: Option<AgentId>,
}

/// Says that an agent is there; without it for `heartbeat_timeout_s` of the desk's settings they are away.
#[utoipa::path(post, path = "/v1/me/heartbeat", tag = "people", request_body = CreateHeartbeat,
    responses((status = 200, description = "The agent as they are now", body = AgentObject)))]
pub(crate) async fn create_heartbeat(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CreateHeartbeat>,
) -> Result<axum::Json<AgentObject>> {
    let id = acting(&app, &caller, body.agent_id).await?;
    let tenant = app.of(caller.organization_id());
    let timeout_s = tenant.load_organization().await?.settings.people.heartbeat_timeout_s;
    let mut transaction = tenant.begin().await?;
    let until = transaction.now() + Duration::from_secs(timeout_s);
    let agent = transaction.note_heartbeat(id, body.availability, until).await?;
    transaction.commit().await?;
    Ok(axum::Json(AgentObject::at(agent, None, tenant.now())))
}

/// The agent a caller acts as: a member's own, or the one that a program names.
pub(crate) async fn acting(app: &App, caller: &Caller, named: Option<AgentId>) -> Result<AgentId> {
    let Some(id) = caller.agent_or(named) else {
        let detail = "`agent_id` is missing: a key is nobody's own";
        return Err(Problem::invalid(detail).at("/agent_id").hint("GET /v1/agents lists them"));
    };
    known(app, caller, id).await
}

/// The agent, if the organization has them.
pub(crate) async fn known(app: &App, caller: &Caller, id: AgentId) -> Result<AgentId> {
    match app.of(caller.organization_id()).load_agent(id).await {
        Ok(agent) => Ok(agent.id),
        Err(storage::Error::NotFound { .. }) => Err(Problem::not_found("agent", id).at("/agent_id")),
        Err(error) => Err(error.into()),
    }
}
