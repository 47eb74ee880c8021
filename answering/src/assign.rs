//! Who takes a waiting conversation: chosen by availability, room and skills, then by the least in hand.

use crate::{Desk, Result};
use domain::agent::Availability;
use domain::conversation::{Conversation, ConversationStatus, Holder};
use domain::handoff::HandoffState;
use domain::notification::NotificationKind;
use domain::{AgentId, ConversationId, OrganizationId, Time};
use rustc_hash::FxHashSet;
use std::time::Duration;
use storage::agents::AgentLoad;
use storage::offers::OfferOutcome;
use storage::{Tenant, Transaction};

/// Agents that are told of a conversation that nobody could be chosen for, at most.
const TOLD_MAX: usize = 200;
/// Agents and conversations that one look at what is due takes up.
const DUE_MAX: i64 = 200;

/// The agent to offer a conversation to: online, with room, not one of `passed`; of those with the most of
/// the wanted skills the one with the least in hand, then the one who waited longest.
pub fn choose(agents: &[AgentLoad], skills: &[String], passed: &[AgentId], now: Time) -> Option<AgentId> {
    let wanted: FxHashSet<String> = skills.iter().map(|skill| skill.to_lowercase()).collect();
    let matched = |agent: &AgentLoad| {
        let has: FxHashSet<String> = agent.agent.skills.iter().map(|skill| skill.to_lowercase()).collect();
        wanted.intersection(&has).count()
    };
    let may = |agent: &&AgentLoad| {
        agent.agent.availability_at(now) == Availability::Online
            && agent.load < agent.agent.capacity
            && !passed.contains(&agent.agent.id)
    };
    let order = |agent: &&AgentLoad| {
        (std::cmp::Reverse(matched(agent)), agent.load, agent.agent.last_assigned_at, agent.agent.id.uuid())
    };
    agents.iter().filter(may).min_by_key(order).map(|agent| agent.agent.id)
}

/// Finds an agent for a conversation that waits for one: ends an offer that ran out, takes it back from an
/// agent who has gone, offers it to the next, or tells the queue.
pub async fn assign_next(desk: &Desk, organization_id: OrganizationId, id: ConversationId) -> Result<()> {
    let tenant = desk.database.of(organization_id);
    let settings = tenant.load_organization().await?.settings.people;
    let mut transaction = tenant.begin().await?;
    take_back(&mut transaction, id).await?;
    transaction.commit().await?;
    let conversation = tenant.load_conversation(id).await?;
    if !waits(&conversation) {
        return Ok(());
    }
    let agents = tenant.list_agent_loads().await?;
    let skills = wanted_skills(tenant, &conversation).await?;
    let mut passed = passed(tenant, id).await?;
    let mut transaction = tenant.begin().await?;
    let now = transaction.now();
    let until = now + Duration::from_secs(settings.accept_within_s);
    while let Some(agent) = choose(&agents, &skills, &passed, now) {
        if transaction.offer(id, agent, until).await? {
            transaction.notify(agent, NotificationKind::Offered, id, None).await?;
            transaction.commit().await?;
            return Ok(());
        }
        passed.push(agent);
    }
    tell_queue(&mut transaction, &agents, id).await?;
    transaction.commit().await?;
    Ok(())
}

/// Whether a conversation waits for an agent and is offered to nobody.
fn waits(conversation: &Conversation) -> bool {
    conversation.status == ConversationStatus::Open
        && conversation.holder == Holder::Queue
        && conversation.assignee_id.is_none()
}

async fn take_back(transaction: &mut Transaction, id: ConversationId) -> Result<()> {
    if let Some(agent) = transaction.end_due_offer(id).await? {
        transaction.notify(agent, NotificationKind::Withdrawn, id, None).await?;
    }
    if let Some(agent) = transaction.take_from_gone_agent(id).await? {
        transaction.requeue_handoffs(id).await?;
        transaction.notify(agent, NotificationKind::Withdrawn, id, None).await?;
    }
    Ok(())
}

/// What its handoff asks for, and its tags.
async fn wanted_skills(tenant: Tenant<'_>, conversation: &Conversation) -> Result<Vec<String>> {
    let handoffs = tenant.list_handoffs(conversation.id).await?;
    let waiting = handoffs.into_iter().find(|handoff| handoff.state == HandoffState::Waiting);
    let mut skills = waiting.map(|handoff| handoff.skills).unwrap_or_default();
    skills.extend(conversation.tags.iter().cloned());
    Ok(skills)
}

/// Agents who did not take it when it was offered to them.
async fn passed(tenant: Tenant<'_>, id: ConversationId) -> Result<Vec<AgentId>> {
    let offers = tenant.list_offers(id).await?;
    Ok(offers
        .into_iter()
        .filter(|offer| offer.outcome == Some(OfferOutcome::Expired))
        .map(|offer| offer.agent_id)
        .collect())
}

/// Tells those who are there, or, where nobody is, everyone: they find it when they come.
async fn tell_queue(transaction: &mut Transaction, agents: &[AgentLoad], id: ConversationId) -> Result<()> {
    let now = transaction.now();
    let is_there = |agent: &&AgentLoad| agent.agent.availability_at(now) != Availability::Away;
    let nobody = !agents.iter().any(|agent| is_there(&agent));
    for agent in agents.iter().filter(|agent| nobody || is_there(agent)).take(TOLD_MAX) {
        transaction.notify(agent.agent.id, NotificationKind::QueueWaiting, id, None).await?;
    }
    Ok(())
}

/// Looks at what time has brought: heartbeats that ran out are told of, and conversations that somebody is
/// to be found for get their job.
pub async fn look_at_due(database: &storage::Database) -> storage::Result<()> {
    for (organization_id, agent) in database.list_gone_agents(DUE_MAX).await? {
        let mut transaction = database.of(organization_id).begin().await?;
        transaction.mark_agent_gone(agent).await?;
        transaction.commit().await?;
    }
    for (organization_id, conversation_id) in database.list_due_assignments(DUE_MAX).await? {
        let mut transaction = database.of(organization_id).begin().await?;
        let now = transaction.now();
        transaction.enqueue(&domain::job::AssignConversation { conversation_id }, now).await?;
        transaction.commit().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Id;
    use domain::agent::{Agent, AgentRole};

    const NOW: Time = Time::EPOCH;

    fn agent(number: u128, load: i64, skills: &[&str]) -> AgentLoad {
        let agent = Agent {
            id: Id::from_uuid(uuid::Uuid::from_u128(number)),
            organization_id: Id::from_uuid(uuid::Uuid::nil()),
            name: String::new(),
            email: None,
            role: AgentRole::Agent,
            availability: Availability::Online,
            present_until: Some(NOW + Duration::from_secs(1)),
            capacity: 3,
            skills: skills.iter().map(|skill| (*skill).to_owned()).collect(),
            last_assigned_at: None,
            created_at: NOW,
        };
        AgentLoad { agent, load }
    }

    fn chosen(agents: &[AgentLoad], skills: &[&str]) -> Option<u128> {
        let skills: Vec<String> = skills.iter().map(|skill| (*skill).to_owned()).collect();
        choose(agents, &skills, &[], NOW).map(|agent| agent.uuid().as_u128())
    }

    #[test]
    fn the_least_loaded_of_those_who_can_is_chosen() {
        assert_eq!(chosen(&[agent(1, 2, &[]), agent(2, 1, &[])], &[]), Some(2));
        assert_eq!(chosen(&[agent(1, 2, &["de"]), agent(2, 0, &[])], &["DE"]), Some(1), "skills count before load");
        assert_eq!(
            chosen(&[agent(1, 0, &[]), agent(2, 1, &["en"])], &["billing"]),
            Some(1),
            "better anyone than nobody"
        );
        assert_eq!(chosen(&[agent(1, 3, &["de"]), agent(2, 2, &[])], &["de"]), Some(2), "no room");
        assert_eq!(chosen(&[agent(1, 3, &[])], &[]), None);
        let mut served = agent(1, 0, &[]);
        served.agent.last_assigned_at = Some(NOW);
        assert_eq!(chosen(&[served, agent(2, 0, &[])], &[]), Some(2), "who waited longest");
    }

    #[test]
    fn nobody_is_chosen_who_is_busy_away_silent_or_let_it_pass() {
        let mut busy = agent(1, 0, &[]);
        busy.agent.availability = Availability::Busy;
        let mut away = agent(2, 0, &[]);
        away.agent.availability = Availability::Away;
        let mut silent = agent(3, 0, &[]);
        silent.agent.present_until = Some(NOW);
        let mut never = agent(4, 0, &[]);
        never.agent.present_until = None;
        assert_eq!(chosen(&[busy, away, silent, never], &[]), None);
        let passed = agent(5, 0, &[]);
        assert_eq!(choose(std::slice::from_ref(&passed), &[], &[passed.agent.id], NOW), None);
    }
}
