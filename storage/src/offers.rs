//! Offers: which agent a waiting conversation is offered to, and how that ended.

use crate::sql::Run;
use crate::{Database, Result, Tenant, Transaction};
use domain::{AgentId, ConversationId, Id, OfferId, OrganizationId, Time};
use uuid::Uuid;

/// A conversation that is or was offered to an agent.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Offer {
    /// Its id.
    pub id: OfferId,
    /// The agent.
    pub agent_id: AgentId,
    /// By when they are to take it.
    pub expires_at: Time,
    /// How it ended; `None` while it stands.
    pub outcome: Option<OfferOutcome>,
    /// When it was made.
    pub created_at: Time,
}

/// How an offer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum OfferOutcome {
    /// The agent took it.
    Accepted,
    /// They did not in time.
    Expired,
    /// They were not there any more.
    Gone,
    /// It went elsewhere.
    Withdrawn,
}

impl Database {
    /// Conversations of any organization that somebody is to be found for: their offer ran out, their
    /// agent has gone while the customer waits, or somebody has room who did not let them pass before.
    pub async fn list_due_assignments(&self, limit: i64) -> Result<Vec<(OrganizationId, ConversationId)>> {
        let now = self.clock().now();
        let rows: Vec<(Uuid, Uuid)> = self
            .all(
                "select o.organization_id, o.conversation_id from offers o join agents a on a.id = o.agent_id
                 where o.outcome is null and (o.expires_at <= $1 or a.present_until <= $1)
                 union
                 select c.organization_id, c.id from conversations c join agents a on a.id = c.assignee_id
                 where c.status = 'open' and c.holder = 'agent' and c.waiting_since is not null and a.present_until <= $1
                 union
                 select c.organization_id, c.id from conversations c
                 join agents p on p.organization_id = c.organization_id
                 where c.status = 'open' and c.holder = 'queue' and c.assignee_id is null
                    and p.availability = 'online' and p.present_until > $1
                    and p.capacity > (select count(*) from conversations l where l.assignee_id = p.id
                        and l.status = 'open' and l.holder <> 'ai')
                    and not exists (select 1 from offers o where o.conversation_id = c.id and o.agent_id = p.id
                        and o.outcome = 'expired')
                 limit $2",
                (now, limit),
            )
            .await?;
        Ok(rows.into_iter().map(|(organization, id)| (Id::from_uuid(organization), Id::from_uuid(id))).collect())
    }
}

impl Tenant<'_> {
    /// The offers of a conversation, the newest first.
    pub async fn list_offers(self, id: ConversationId) -> Result<Vec<Offer>> {
        self.all(
            "select id, agent_id, expires_at, outcome, created_at from offers
             where organization_id = $1 and conversation_id = $2 order by created_at desc, id desc limit 100",
            (self.organization_id(), id),
        )
        .await
    }
}

impl Transaction {
    /// Offers a conversation in the queue to an agent who has room; `false` where either is not so any more.
    pub async fn offer(&mut self, id: ConversationId, agent: AgentId, expires_at: Time) -> Result<bool> {
        let (organization_id, now) = (self.organization_id()?, self.now());
        // The row of the agent is locked first, so that two conversations are not offered to the last free place.
        (&mut *self)
            .run(
                "update agents set last_assigned_at = $3 where organization_id = $1 and id = $2",
                (organization_id, agent, now),
            )
            .await?;
        let touched = (&mut *self)
            .run(
                "update conversations set assignee_id = $3, updated_at = $4
                 where organization_id = $1 and id = $2 and holder = 'queue' and status = 'open' and assignee_id is null
                    and exists (select 1 from agents p where p.organization_id = $1 and p.id = $3
                        and p.availability = 'online' and p.present_until > $4
                        and p.capacity > (select count(*) from conversations l where l.assignee_id = p.id
                            and l.status = 'open' and l.holder <> 'ai'))",
                (organization_id, id, agent, now),
            )
            .await?;
        if touched == 0 {
            return Ok(false);
        }
        let offer: OfferId = self.id();
        (&mut *self)
            .run(
                "insert into offers (id, organization_id, conversation_id, agent_id, expires_at, created_at)
                 values ($1, $2, $3, $4, $5, $6)",
                (offer, organization_id, id, agent, expires_at, now),
            )
            .await?;
        self.tell("conversation.offered", Some(id), serde_json::json!({ "agent_id": agent, "expires_at": expires_at }));
        Ok(true)
    }

    /// Ends the standing offer of a conversation in that way; the agent it was made to.
    pub async fn end_offer(&mut self, id: ConversationId, outcome: OfferOutcome) -> Result<Option<AgentId>> {
        let organization_id = self.organization_id()?;
        let ended: Option<(Uuid,)> = (&mut *self)
            .find(
                "update offers set outcome = $3 where organization_id = $1 and conversation_id = $2 and outcome is null
                 returning agent_id",
                (organization_id, id, outcome),
            )
            .await?;
        (&mut *self)
            .run(
                "update conversations set assignee_id = null where organization_id = $1 and id = $2 and holder = 'queue'",
                (organization_id, id),
            )
            .await?;
        Ok(ended.map(|(agent,)| Id::from_uuid(agent)))
    }

    /// The agent to whom a conversation is offered now.
    pub async fn find_standing_offer(&mut self, id: ConversationId) -> Result<Option<AgentId>> {
        let organization_id = self.organization_id()?;
        let found: Option<(Uuid,)> = (&mut *self)
            .find(
                "select agent_id from offers
                 where organization_id = $1 and conversation_id = $2 and outcome is null",
                (organization_id, id),
            )
            .await?;
        Ok(found.map(|(agent,)| Id::from_uuid(agent)))
    }

    /// Notes that an agent let a conversation pass, so that it is not offered to them again.
    pub async fn insert_passed_offer(&mut self, id: ConversationId, agent: AgentId) -> Result<()> {
        let (organization_id, now) = (self.organization_id()?, self.now());
        let offer: OfferId = self.id();
        (&mut *self)
            .run(
                "insert into offers (id, organization_id, conversation_id, agent_id, expires_at, outcome, created_at)
                 values ($1, $2, $3, $4, $5, 'expired', $5)",
                (offer, organization_id, id, agent, now),
            )
            .await?;
        Ok(())
    }

    /// Ends the standing offer where its time is up or its agent is not there any more.
    pub async fn end_due_offer(&mut self, id: ConversationId) -> Result<Option<AgentId>> {
        let (organization_id, now) = (self.organization_id()?, self.now());
        let due: Option<(i64,)> = (&mut *self)
            .find(
                "select cast(case when a.present_until <= $3 then 1 else 0 end as bigint)
                 from offers o join agents a on a.id = o.agent_id
                 where o.organization_id = $1 and o.conversation_id = $2 and o.outcome is null
                    and (o.expires_at <= $3 or a.present_until <= $3)",
                (organization_id, id, now),
            )
            .await?;
        match due {
            Some((gone,)) => {
                let outcome = if gone == 1 { OfferOutcome::Gone } else { OfferOutcome::Expired };
                self.end_offer(id, outcome).await
            }
            None => Ok(None),
        }
    }

    /// Takes a conversation from an agent who has gone while the customer waits; that agent.
    pub async fn take_from_gone_agent(&mut self, id: ConversationId) -> Result<Option<AgentId>> {
        let (organization_id, now) = (self.organization_id()?, self.now());
        let held: Option<(Uuid,)> = (&mut *self)
            .find(
                "select a.id from conversations c join agents a on a.id = c.assignee_id
                 where c.organization_id = $1 and c.id = $2 and c.holder = 'agent' and c.status = 'open'
                    and c.waiting_since is not null and a.present_until <= $3",
                (organization_id, id, now),
            )
            .await?;
        let Some((agent,)) = held else { return Ok(None) };
        let touched = (&mut *self)
            .run(
                "update conversations set holder = 'queue', assignee_id = null, updated_at = $4
                 where organization_id = $1 and id = $2 and holder = 'agent' and assignee_id = $3",
                (organization_id, id, agent, now),
            )
            .await?;
        self.tell("conversation.updated", Some(id), serde_json::json!({}));
        Ok((touched > 0).then(|| Id::from_uuid(agent)))
    }

    /// The agent who has a conversation, as this transaction sees it: one that waits for it reads too early.
    pub async fn find_assignee(&mut self, id: ConversationId) -> Result<Option<AgentId>> {
        let organization_id = self.organization_id()?;
        let found: Option<(Option<Uuid>,)> = (&mut *self)
            .find(
                "select assignee_id from conversations where organization_id = $1 and id = $2 and holder = 'agent'",
                (organization_id, id),
            )
            .await?;
        Ok(found.and_then(|(agent,)| agent).map(Id::from_uuid))
    }

    /// Gives a conversation to the agent who takes it; `false` where another agent has it.
    pub async fn accept(&mut self, id: ConversationId, agent: AgentId) -> Result<bool> {
        let (organization_id, now) = (self.organization_id()?, self.now());
        let touched = (&mut *self)
            .run(
                "update conversations set holder = 'agent', assignee_id = $3, updated_at = $4,
                        status = 'open', snoozed_until = null
                     where organization_id = $1 and id = $2 and status <> 'resolved'
                        and (holder <> 'agent' or assignee_id is null or assignee_id = $3)",
                (organization_id, id, agent, now),
            )
            .await?;
        if touched > 0 {
            self.tell("conversation.updated", Some(id), serde_json::json!({}));
        }
        Ok(touched > 0)
    }
}
