//! What was said, in order.

use crate::sql::{Run, Sql};
use crate::{Error, Result, Tenant, Transaction};
use domain::handoff::HandoffReason;
use domain::message::{Citation, Decision, DeliveryState, Message, Sender};
use domain::usage::TokenUsage;
use domain::{ChannelId, ConversationId, MessageId, TurnId};
use sqlx::types::Json;
use uuid::Uuid;

pub(crate) const COLUMNS: &str =
    "id, organization_id, conversation_id, seq, sender, sender_id, content, external_id, turn_id,
    in_reply_to, decision, handoff_reason, confidence, model, input_tokens, output_tokens, usage_estimated,
    cost_micro_usd, citations, attachments, delivery, created_at";

/// A message to store. Its seq comes from the conversation.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Its id.
    pub id: MessageId,
    /// The conversation it belongs to.
    pub conversation_id: ConversationId,
    /// The channel it came or goes by.
    pub channel_id: ChannelId,
    /// Its place in the conversation.
    pub seq: i64,
    /// Who says it.
    pub sender: Sender,
    /// The customer, agent or assistant.
    pub sender_id: Option<Uuid>,
    /// What is said.
    pub content: String,
    /// The channel's own id.
    pub external_id: Option<String>,
    /// How far it came; `None` for what is not sent.
    pub delivery: Option<DeliveryState>,
    /// What an AI reply carries with it.
    pub reply: Option<Reply>,
}

/// What an AI reply carries with it.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The turn it concludes.
    pub turn_id: TurnId,
    /// The customer messages it answers.
    pub in_reply_to: Vec<MessageId>,
    /// What was decided.
    pub decision: Decision,
    /// Why it was handed off.
    pub handoff_reason: Option<HandoffReason>,
    /// How sure it is.
    pub confidence: Option<f64>,
    /// Which model wrote it.
    pub model: Option<String>,
    /// What it used.
    pub usage: TokenUsage,
    /// What it cost.
    pub cost_micro_usd: i64,
    /// Its proofs.
    pub citations: Vec<Citation>,
}

impl Transaction {
    /// Stores a message at its seq.
    ///
    /// # Errors
    /// An engine error (unique violation) when the seq, the turn or the channel's id is taken.
    pub async fn insert_message(&mut self, new: NewMessage) -> Result<Message> {
        let organization_id = self.organization_id()?;
        let created_at = self.now();
        let reply = new.reply;
        let message = Message {
            id: new.id,
            organization_id,
            conversation_id: new.conversation_id,
            seq: new.seq,
            sender: new.sender,
            sender_id: new.sender_id,
            content: new.content,
            external_id: new.external_id,
            turn_id: reply.as_ref().map(|reply| reply.turn_id),
            decision: reply.as_ref().map(|reply| reply.decision),
            handoff_reason: reply.as_ref().and_then(|reply| reply.handoff_reason),
            confidence: reply.as_ref().and_then(|reply| reply.confidence),
            model: reply.as_ref().and_then(|reply| reply.model.clone()),
            input_tokens: reply.as_ref().map_or(0, |reply| reply.usage.input_tokens),
            output_tokens: reply.as_ref().map_or(0, |reply| reply.usage.output_tokens),
            usage_estimated: reply.as_ref().is_some_and(|reply| reply.usage.estimated),
            cost_micro_usd: reply.as_ref().map_or(0, |reply| reply.cost_micro_usd),
            in_reply_to: reply.as_ref().map(|reply| reply.in_reply_to.clone()).unwrap_or_default(),
            citations: reply.map(|reply| reply.citations).unwrap_or_default(),
            attachments: Vec::new(),
            delivery: new.delivery,
            created_at,
        };
        self.defer(
            "insert into messages (id, organization_id, conversation_id, channel_id, seq, sender, sender_id, content,
                external_id, turn_id, in_reply_to, decision, handoff_reason, confidence, model, input_tokens,
                output_tokens, usage_estimated, cost_micro_usd, citations, delivery, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)",
            (
                message.id,
                organization_id,
                message.conversation_id,
                new.channel_id,
                message.seq,
                message.sender,
                message.sender_id,
                message.content.clone(),
                message.external_id.clone(),
                message.turn_id,
                Json(message.in_reply_to.clone()),
                message.decision,
                message.handoff_reason,
                message.confidence,
                message.model.clone(),
                message.input_tokens,
                message.output_tokens,
                message.usage_estimated,
                message.cost_micro_usd,
                Json(message.citations.clone()),
                message.delivery,
                created_at,
            ),
        )
        .await?;
        self.tell("message.created", Some(message.conversation_id), serde_json::json!({ "message_id": message.id }));
        Ok(message)
    }

    /// Keeps what is attached to a message.
    pub async fn keep_attachments(&mut self, message: &Message) -> Result<()> {
        let arguments = (self.organization_id()?, message.id, Json(message.attachments.clone()));
        (&mut *self)
            .run("update messages set attachments = $3 where organization_id = $1 and id = $2", arguments)
            .await?;
        Ok(())
    }

    /// The message that a channel delivered under that id before.
    pub async fn find_message_by_external_id(
        &mut self,
        channel: ChannelId,
        external_id: &str,
    ) -> Result<Option<Message>> {
        let organization_id = self.organization_id()?;
        (&mut *self)
            .find(
                Sql::dynamic(format!(
                    "select {COLUMNS} from messages where organization_id = $1 and channel_id = $2 and external_id = $3"
                )),
                (organization_id, channel, external_id.to_owned()),
            )
            .await
    }

    /// Notes how far a message came.
    pub async fn mark_message_delivery(&mut self, id: MessageId, state: DeliveryState) -> Result<()> {
        let organization_id = self.organization_id()?;
        (&mut *self)
            .run(
                "update messages set delivery = $3 where organization_id = $1 and id = $2",
                (organization_id, id, state),
            )
            .await?;
        Ok(())
    }
}

impl Tenant<'_> {
    /// The message.
    pub async fn load_message(self, id: MessageId) -> Result<Message> {
        self.find(
            Sql::dynamic(format!("select {COLUMNS} from messages where organization_id = $1 and id = $2")),
            (self.organization_id(), id),
        )
        .await?
        .ok_or_else(|| Error::not_found("message", id))
    }

    /// Messages after `seq`, oldest first.
    pub async fn list_messages(self, conversation: ConversationId, after: i64, limit: i64) -> Result<Vec<Message>> {
        self.all(
            Sql::dynamic(format!(
                "select {COLUMNS} from messages where organization_id = $1 and conversation_id = $2 and seq > $3 order by seq limit $4"
            )),
            (self.organization_id(), conversation, after, limit),
        )
        .await
    }

    /// The newest messages, oldest of them first.
    pub async fn list_newest_messages(self, conversation: ConversationId, limit: i64) -> Result<Vec<Message>> {
        let mut messages: Vec<Message> = self
            .all(
                Sql::dynamic(format!(
                    "select {COLUMNS} from messages where organization_id = $1 and conversation_id = $2 order by seq desc limit $3"
                )),
                (self.organization_id(), conversation, limit),
            )
            .await?;
        messages.reverse();
        Ok(messages)
    }

    /// The AI's or desk's reply that answers a customer message: the first that concluded a turn at or after it.
    pub async fn find_reply_to(self, message: &Message) -> Result<Option<Message>> {
        let replies: Vec<Message> = self
            .all(
                Sql::dynamic(format!(
                    "select {COLUMNS} from messages where organization_id = $1 and conversation_id = $2 and seq > $3
                        and turn_id is not null order by seq limit 50"
                )),
                (self.organization_id(), message.conversation_id, message.seq),
            )
            .await?;
        Ok(replies.into_iter().find(|reply| reply.in_reply_to.contains(&message.id)))
    }
}
