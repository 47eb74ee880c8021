//! Threads: who must act next, and how far the customer is answered.

use crate::sql::{Run, Sql};
use crate::{Error, Result, Tenant, Transaction};
use domain::conversation::{Conversation, ConversationStatus, Holder};
use domain::handoff::HandoffReason;
use domain::{AgentId, AssistantId, ChannelId, ConversationId, CustomerId, Time};
use sqlx::types::Json;

const COLUMNS: &str = "id, organization_id, customer_id, channel_id, assistant_id, status, holder, assignee_id, title,
    tags, metadata, last_seq, answered_seq, clarifications, summary, waiting_since, snoozed_until, created_at, updated_at";

/// A conversation to begin.
#[derive(Clone, Debug)]
pub struct NewConversation {
    /// Who asks.
    pub customer_id: CustomerId,
    /// Where.
    pub channel_id: ChannelId,
    /// Who answers.
    pub assistant_id: AssistantId,
    /// A short title.
    pub title: Option<String>,
    /// Fields of integrations.
    pub metadata: serde_json::Map<String, serde_json::Value>,
}

/// Which conversations to list; a `None` does not filter.
#[derive(Clone, Debug, Default)]
pub struct ConversationFilter {
    /// In that state.
    pub status: Option<ConversationStatus>,
    /// With that holder.
    pub holder: Option<Holder>,
    /// Assigned to that agent.
    pub assignee: Option<AgentId>,
    /// On that channel.
    pub channel: Option<ChannelId>,
    /// Of that customer.
    pub customer: Option<CustomerId>,
    /// Handed off for that reason, once at least.
    pub handoff_reason: Option<HandoffReason>,
    /// With these words in the title or in a message.
    pub text: Option<String>,
    /// Older than this place in the list (`updated_at`, id).
    pub before: Option<(Time, ConversationId)>,
}

/// Changes of a conversation; a `None` leaves as is.
#[derive(Clone, Debug, Default)]
pub struct ConversationChange {
    /// New state.
    pub status: Option<ConversationStatus>,
    /// New title.
    pub title: Option<String>,
    /// New tags.
    pub tags: Option<Vec<String>>,
    /// New fields.
    pub metadata: Option<serde_json::Map<String, serde_json::Value>>,
    /// Until when it is put aside; also sets the state.
    pub snoozed_until: Option<Time>,
}

/// How a turn ends.
#[derive(Clone, Debug)]
pub struct Conclusion {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// What was answered before the turn was read.
    pub from_seq: i64,
    /// The newest customer message that the reply answers.
    pub to_seq: i64,
    /// Who had to act when the turn was read: the AI, or the queue while the AI helps out.
    pub held_by: Holder,
    /// Who acts next.
    pub holder: Holder,
    /// Whether the customer's question is answered, so that they wait no longer.
    pub answers: bool,
    /// Questions asked back in a row, from now.
    pub clarifications: i64,
}

impl Transaction {
    /// Begins a conversation, held by the AI.
    pub async fn insert_conversation(&mut self, new: NewConversation) -> Result<Conversation> {
        let organization_id = self.organization_id()?;
        let now = self.now();
        let id: ConversationId = self.id();
        let conversation = (&mut *self)
            .one(
                Sql::dynamic(format!(
                    "insert into conversations (id, organization_id, customer_id, channel_id, assistant_id, status, holder, title, tags, metadata, created_at, updated_at)
                     values ($1, $2, $3, $4, $5, 'open', 'ai', $6, '[]', $7, $8, $8) returning {COLUMNS}"
                )),
                (id, organization_id, new.customer_id, new.channel_id, new.assistant_id, new.title, Json(new.metadata), now),
            )
            .await?;
        self.tell("conversation.created", Some(id), serde_json::json!({}));
        Ok(conversation)
    }

    /// Takes the next seq for a customer's message: opens the conversation again where it was closed,
    /// and starts the waiting clock where it stood. Returns the conversation as it is then.
    pub async fn append_for_customer(&mut self, id: ConversationId) -> Result<Conversation> {
        let organization_id = self.organization_id()?;
        let now = self.now();
        (&mut *self)
            .find(
                Sql::dynamic(format!(
                    "update conversations set last_seq = last_seq + 1, updated_at = $3,
                        waiting_since = coalesce(waiting_since, $3),
                        holder = case when status = 'resolved' then 'ai' else holder end,
                        assignee_id = case when status = 'resolved' then null else assignee_id end,
                        clarifications = case when status = 'resolved' then 0 else clarifications end,
                        answered_seq = case when status = 'resolved' then last_seq else answered_seq end,
                        status = 'open', snoozed_until = null
                     where organization_id = $1 and id = $2 returning {COLUMNS}"
                )),
                (organization_id, id, now),
            )
            .await?
            .ok_or_else(|| Error::not_found("conversation", id))
    }

    /// Takes the next seq for an agent's message: the agent holds the conversation from now on, and
    /// what the customer said so far counts as answered.
    pub async fn append_for_agent(&mut self, id: ConversationId, agent: Option<AgentId>) -> Result<Conversation> {
        let organization_id = self.organization_id()?;
        let now = self.now();
        let conversation = (&mut *self)
            .find(
                Sql::dynamic(format!(
                    "update conversations set answered_seq = last_seq, last_seq = last_seq + 1, holder = 'agent',
                        assignee_id = case when holder = 'agent' then coalesce(assignee_id, $4) else coalesce($4, assignee_id) end,
                        waiting_since = null, clarifications = 0, updated_at = $3
                     where organization_id = $1 and id = $2 returning {COLUMNS}"
                )),
                (organization_id, id, now, agent),
            )
            .await?
            .ok_or_else(|| Error::not_found("conversation", id))?;
        self.tell("conversation.updated", Some(id), serde_json::json!({}));
        Ok(conversation)
    }

    /// Ends a turn: moves `answered_seq` and takes the seq of the reply. `None`: somebody else answered
    /// or took over meanwhile, so the reply must not be sent.
    pub async fn conclude_turn(&mut self, conclusion: &Conclusion) -> Result<Option<i64>> {
        let organization_id = self.organization_id()?;
        let now = self.now();
        let seq: Option<(i64,)> = (&mut *self)
            .find(
                "update conversations set answered_seq = $4, last_seq = last_seq + 1, holder = $5, clarifications = $6,
                    waiting_since = case when $5 <> 'ai' or $9 = false then waiting_since
                        when exists (select 1 from messages m where m.conversation_id = conversations.id and m.seq > $4
                            and m.sender = 'customer') then waiting_since end,
                    updated_at = $7
                 where organization_id = $1 and id = $2 and answered_seq = $3 and holder = $8 returning last_seq",
                (
                    organization_id,
                    conclusion.conversation_id,
                    conclusion.from_seq,
                    conclusion.to_seq,
                    conclusion.holder,
                    conclusion.clarifications,
                    now,
                    conclusion.held_by,
                    conclusion.answers,
                ),
            )
            .await?;
        if seq.is_some() {
            self.tell("conversation.updated", Some(conclusion.conversation_id), serde_json::json!({}));
        }
        Ok(seq.map(|(seq,)| seq))
    }

    /// Passes the conversation to `holder`. Given back to the AI it starts clean: what was said so far
    /// is not answered again.
    pub async fn change_holder(
        &mut self,
        id: ConversationId,
        holder: Holder,
        assignee: Option<AgentId>,
    ) -> Result<Conversation> {
        let organization_id = self.organization_id()?;
        let now = self.now();
        let conversation = (&mut *self)
            .find(
                Sql::dynamic(format!(
                    "update conversations set holder = $3, assignee_id = $4, updated_at = $5,
                        answered_seq = case when $3 = 'ai' and holder <> 'ai' then last_seq else answered_seq end,
                        clarifications = case when $3 = 'ai' then 0 else clarifications end,
                        waiting_since = case when $3 = 'ai' and holder <> 'ai' then null else waiting_since end,
                        status = case when status = 'resolved' and $3 <> 'ai' then 'open' else status end
                     where organization_id = $1 and id = $2 returning {COLUMNS}"
                )),
                (organization_id, id, holder, assignee, now),
            )
            .await?
            .ok_or_else(|| Error::not_found("conversation", id))?;
        self.tell("conversation.updated", Some(id), serde_json::json!({}));
        Ok(conversation)
    }

    /// Changes what people set.
    pub async fn update_conversation(
        &mut self,
        id: ConversationId,
        change: ConversationChange,
    ) -> Result<Conversation> {
        let organization_id = self.organization_id()?;
        let now = self.now();
        let status = match (change.status, change.snoozed_until) {
            (None, Some(_)) => Some(ConversationStatus::Snoozed),
            (status, _) => status,
        };
        let conversation = (&mut *self)
            .find(
                Sql::dynamic(format!(
                    "update conversations set status = coalesce($3, status),
                        holder = case when status = 'resolved' and $3 = 'open' then 'ai' else holder end,
                        assignee_id = case when status = 'resolved' and $3 = 'open' then null else assignee_id end,
                        clarifications = case when status = 'resolved' and $3 = 'open' then 0 else clarifications end,
                        answered_seq = case when status = 'resolved' and $3 = 'open' then last_seq else answered_seq end,
                        title = coalesce($4, title),
                        tags = coalesce($5, tags), metadata = coalesce($6, metadata),
                        snoozed_until = case when coalesce($3, status) = 'snoozed' then coalesce($7, snoozed_until) end,
                        waiting_since = case when coalesce($3, status) = 'resolved' then null else waiting_since end,
                        updated_at = $8
                     where organization_id = $1 and id = $2 returning {COLUMNS}"
                )),
                (
                    organization_id,
                    id,
                    status,
                    change.title,
                    change.tags.map(Json),
                    change.metadata.map(Json),
                    change.snoozed_until,
                    now,
                ),
            )
            .await?
            .ok_or_else(|| Error::not_found("conversation", id))?;
        self.tell("conversation.updated", Some(id), serde_json::json!({}));
        Ok(conversation)
    }
}

impl Tenant<'_> {
    /// The conversation.
    pub async fn load_conversation(self, id: ConversationId) -> Result<Conversation> {
        self.find(
            Sql::dynamic(format!("select {COLUMNS} from conversations where organization_id = $1 and id = $2")),
            (self.organization_id(), id),
        )
        .await?
        .ok_or_else(|| Error::not_found("conversation", id))
    }

    /// Conversations that match, last changed first.
    pub async fn list_conversations(self, filter: &ConversationFilter, limit: i64) -> Result<Vec<Conversation>> {
        let (before, before_id) = filter.before.unzip();
        let pattern = filter.text.as_ref().map(|text| format!("%{}%", escaped(&text.to_lowercase())));
        self.all(
            Sql::dynamic(format!(
                "select {COLUMNS} from conversations where organization_id = $1
                    and ($2 is null or status = $2) and ($3 is null or holder = $3) and ($4 is null or assignee_id = $4)
                    and ($5 is null or channel_id = $5) and ($6 is null or customer_id = $6)
                    and ($7 is null or updated_at < $7 or (updated_at = $7 and id < $8))
                    and ($9 is null or lower(coalesce(title, '')) like $9 escape '\\'
                        or exists (select 1 from messages m where m.conversation_id = conversations.id
                            and lower(m.content) like $9 escape '\\'))
                    and ($11 is null or exists (select 1 from handoffs h
                        where h.conversation_id = conversations.id and h.reason = $11))
                 order by updated_at desc, id desc limit $10"
            )),
            (
                self.organization_id(),
                filter.status.map(|status| status.to_string()),
                filter.holder.map(|holder| holder.to_string()),
                filter.assignee,
                filter.channel,
                filter.customer,
                before,
                before_id,
                pattern,
                limit,
                filter.handoff_reason.map(|reason| reason.to_string()),
            ),
        )
        .await
    }
}

/// The text with `like`'s own characters taken literally.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
