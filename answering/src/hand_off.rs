//! The human side: hand a conversation to the queue, give it back to the AI, speak as an agent.

use crate::{Desk, Error, Result};
use domain::conversation::{Conversation, Holder};
use domain::handoff::{Handoff, HandoffReason, HandoffState};
use domain::message::{DeliveryState, Message, Sender};
use domain::{AgentId, ConversationId, OrganizationId};
use storage::handoffs::NewHandoff;
use storage::messages::NewMessage;

/// Hands the conversation to the queue; what a person asked for is not asked twice.
pub async fn hand_off(
    desk: &Desk,
    organization_id: OrganizationId,
    id: ConversationId,
    reason: HandoffReason,
    summary: String,
) -> Result<(Conversation, Handoff)> {
    let tenant = desk.database.of(organization_id);
    let mut transaction = tenant.begin().await?;
    transaction.mark_handoffs(id, HandoffState::Closed, None).await?;
    let conversation = transaction.change_holder(id, Holder::Queue, None).await?;
    let handoff = transaction
        .insert_handoff(NewHandoff {
            conversation_id: id,
            message_id: None,
            reason,
            summary,
            tried: Vec::new(),
            sources: Vec::new(),
            suggested_reply: None,
        })
        .await?;
    transaction.commit().await?;
    Ok((conversation, handoff))
}

/// Gives the conversation back to the AI, which starts clean: what was said so far is not answered again.
pub async fn give_back(desk: &Desk, organization_id: OrganizationId, id: ConversationId) -> Result<Conversation> {
    let mut transaction = desk.database.of(organization_id).begin().await?;
    transaction.mark_handoffs(id, HandoffState::Returned, None).await?;
    let conversation = transaction.change_holder(id, Holder::Ai, None).await?;
    transaction.commit().await?;
    Ok(conversation)
}

/// Gives the conversation to an agent; without one, back to the queue.
pub async fn assign(
    desk: &Desk,
    organization_id: OrganizationId,
    id: ConversationId,
    agent: Option<AgentId>,
) -> Result<Conversation> {
    let mut transaction = desk.database.of(organization_id).begin().await?;
    let holder = if agent.is_some() { Holder::Agent } else { Holder::Queue };
    if agent.is_some() {
        transaction.mark_handoffs(id, HandoffState::Accepted, agent).await?;
    }
    let conversation = transaction.change_holder(id, holder, agent).await?;
    transaction.commit().await?;
    Ok(conversation)
}

/// Says something as an agent. From then on the AI is silent: a turn in flight loses its fence.
pub async fn say_as_agent(
    desk: &Desk,
    organization_id: OrganizationId,
    id: ConversationId,
    agent: Option<AgentId>,
    content: String,
) -> Result<Message> {
    if content.trim().is_empty() {
        return Err(Error::Invalid("`content` is empty: write at least one character".to_owned()));
    }
    let characters = content.chars().count();
    if characters > crate::receive::CONTENT_CHARS_MAX {
        return Err(Error::Invalid(format!(
            "`content` has {characters} characters, {} are allowed",
            crate::receive::CONTENT_CHARS_MAX
        )));
    }
    let mut transaction = desk.database.of(organization_id).begin().await?;
    let conversation = transaction.append_for_agent(id, agent).await?;
    transaction.mark_handoffs(id, HandoffState::Accepted, agent).await?;
    let message = transaction
        .insert_message(NewMessage {
            id: transaction.id(),
            conversation_id: id,
            channel_id: conversation.channel_id,
            seq: conversation.last_seq,
            sender: Sender::Agent,
            sender_id: agent.map(domain::Id::uuid),
            content,
            external_id: None,
            delivery: Some(DeliveryState::Sent),
            reply: None,
        })
        .await?;
    transaction.commit().await?;
    Ok(message)
}
