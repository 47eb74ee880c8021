//! What agents find when a conversation comes to them.

use crate::sql::{Run, Sql};
use crate::{Result, Tenant, Transaction};
use domain::handoff::{Handoff, HandoffReason, HandoffState};
use domain::message::Citation;
use domain::{AgentId, ConversationId, HandoffId, MessageId};
use sqlx::types::Json;

const COLUMNS: &str = "id, organization_id, conversation_id, message_id, reason, summary, tried, sources,
    suggested_reply, open_questions, skills, state, accepted_by, created_at, updated_at";

/// A handoff to record.
#[derive(Clone, Debug)]
pub struct NewHandoff {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The reply that told the customer.
    pub message_id: Option<MessageId>,
    /// Why.
    pub reason: HandoffReason,
    /// What the customer wants, in short.
    pub summary: String,
    /// What was tried.
    pub tried: Vec<String>,
    /// The nearest passages.
    pub sources: Vec<Citation>,
    /// A reply to use.
    pub suggested_reply: Option<String>,
    /// What nobody answered yet.
    pub open_questions: Vec<String>,
    /// What an agent needs to take it.
    pub skills: Vec<String>,
}

impl Transaction {
    /// Records a handoff that waits for an agent.
    pub async fn insert_handoff(&mut self, new: NewHandoff) -> Result<Handoff> {
        let organization_id = self.organization_id()?;
        let now = self.now();
        let id: HandoffId = self.id();
        let conversation_id = new.conversation_id;
        let reason = new.reason;
        let handoff = (&mut *self)
            .one(
                Sql::dynamic(format!(
                    "insert into handoffs (id, organization_id, conversation_id, message_id, reason, summary, tried, sources, suggested_reply, open_questions, skills, state, created_at, updated_at)
                     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $11, $12, 'waiting', $10, $10) returning {COLUMNS}"
                )),
                (
                    id,
                    organization_id,
                    conversation_id,
                    new.message_id,
                    reason,
                    new.summary,
                    Json(new.tried),
                    Json(new.sources),
                    new.suggested_reply,
                    now,
                    Json(new.open_questions),
                    Json(new.skills),
                ),
            )
            .await?;
        self.tell(
            "conversation.handed_off",
            Some(conversation_id),
            serde_json::json!({ "handoff_id": id, "reason": reason }),
        );
        Ok(handoff)
    }

    /// Has the conversation's accepted handoffs wait for another agent; `false` where there is none.
    pub async fn requeue_handoffs(&mut self, conversation: ConversationId) -> Result<bool> {
        let (organization_id, now) = (self.organization_id()?, self.now());
        let touched = (&mut *self)
            .run(
                "update handoffs set state = 'waiting', accepted_by = null, updated_at = $3
                 where organization_id = $1 and conversation_id = $2 and state in ('waiting', 'accepted')",
                (organization_id, conversation, now),
            )
            .await?;
        Ok(touched > 0)
    }

    /// Moves the conversation's unfinished handoffs to a state.
    pub async fn mark_handoffs(
        &mut self,
        conversation: ConversationId,
        state: HandoffState,
        agent: Option<AgentId>,
    ) -> Result<()> {
        let organization_id = self.organization_id()?;
        let now = self.now();
        (&mut *self)
            .run(
                "update handoffs set state = $3, accepted_by = coalesce($4, accepted_by), updated_at = $5
                 where organization_id = $1 and conversation_id = $2 and state in ('waiting', 'accepted')",
                (organization_id, conversation, state, agent, now),
            )
            .await?;
        Ok(())
    }
}

impl Tenant<'_> {
    /// The handoffs of a conversation, newest first.
    pub async fn list_handoffs(self, conversation: ConversationId) -> Result<Vec<Handoff>> {
        self.all(
            Sql::dynamic(format!(
                "select {COLUMNS} from handoffs where organization_id = $1 and conversation_id = $2 order by id desc limit 100"
            )),
            (self.organization_id(), conversation),
        )
        .await
    }
}
