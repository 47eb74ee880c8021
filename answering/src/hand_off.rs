//! The human side: to the queue, to the agent who takes it, to another, back to the AI; and what agents say.

use crate::card::card;
use crate::{Desk, Error, Refused, Result};
use domain::agent::Availability;
use domain::conversation::{Conversation, ConversationStatus, Holder};
use domain::handoff::{Handoff, HandoffReason, HandoffState};
use domain::job::AssignConversation;
use domain::message::{DeliveryState, Message, Sender};
use domain::notification::NotificationKind;
use domain::{AgentId, ConversationId, OrganizationId};
use storage::handoffs::NewHandoff;
use storage::messages::NewMessage;
use storage::offers::OfferOutcome;
use storage::{Tenant, Transaction};

/// Hands the conversation to the queue; what a person asked for is not asked twice.
///
/// # Errors
/// `Conflict` where it is resolved.
pub async fn hand_off(
    desk: &Desk,
    organization_id: OrganizationId,
    id: ConversationId,
    reason: HandoffReason,
    summary: String,
) -> Result<(Conversation, Handoff)> {
    let tenant = desk.database.of(organization_id);
    let present = open(tenant, id).await?;
    let card = card(tenant, id, present.answered_seq).await?;
    let mut transaction = tenant.begin().await?;
    withdraw_offer(&mut transaction, id, None).await?;
    transaction.mark_handoffs(id, HandoffState::Closed, None).await?;
    let conversation = transaction.change_holder(id, Holder::Queue, None).await?;
    let handoff = transaction
        .insert_handoff(NewHandoff {
            conversation_id: id,
            message_id: None,
            reason,
            summary: if summary.trim().is_empty() { card.summary } else { summary },
            tried: card.tried,
            sources: card.sources,
            suggested_reply: None,
            open_questions: card.open_questions,
            skills: Vec::new(),
        })
        .await?;
    enqueue_assignment(&mut transaction, id).await?;
    transaction.commit().await?;
    Ok((conversation, handoff))
}

/// Gives the conversation back to the AI, which starts clean: what was said so far is not answered again.
///
/// # Errors
/// `Conflict` where it is resolved.
pub async fn give_back(desk: &Desk, organization_id: OrganizationId, id: ConversationId) -> Result<Conversation> {
    let tenant = desk.database.of(organization_id);
    open(tenant, id).await?;
    let mut transaction = tenant.begin().await?;
    withdraw_offer(&mut transaction, id, None).await?;
    transaction.mark_handoffs(id, HandoffState::Returned, None).await?;
    let conversation = transaction.change_holder(id, Holder::Ai, None).await?;
    transaction.commit().await?;
    Ok(conversation)
}

/// Gives the conversation to the agent who takes it. Of two who take it at once, one gets it.
///
/// # Errors
/// `Conflict` where it is resolved or another agent has it.
pub async fn accept(
    desk: &Desk,
    organization_id: OrganizationId,
    id: ConversationId,
    agent: AgentId,
) -> Result<Conversation> {
    let tenant = desk.database.of(organization_id);
    open(tenant, id).await?;
    let mut transaction = tenant.begin().await?;
    if !transaction.accept(id, agent).await? {
        let holder = transaction.find_assignee(id).await?;
        transaction.rollback().await?;
        return Err(holder.map_or(Refused::Resolved, Refused::Taken).into());
    }
    withdraw_offer(&mut transaction, id, Some(agent)).await?;
    transaction.mark_handoffs(id, HandoffState::Accepted, Some(agent)).await?;
    transaction.commit().await?;
    Ok(tenant.load_conversation(id).await?)
}

/// Puts the conversation back into the queue for another agent.
///
/// # Errors
/// `Conflict` where it is resolved.
pub async fn return_to_queue(desk: &Desk, organization_id: OrganizationId, id: ConversationId) -> Result<Conversation> {
    let tenant = desk.database.of(organization_id);
    let present = open(tenant, id).await?;
    if present.holder == Holder::Ai {
        return Ok(hand_off(desk, organization_id, id, HandoffReason::CustomerRequest, String::new()).await?.0);
    }
    let mut transaction = tenant.begin().await?;
    let conversation = requeue(&mut transaction, id, present.assignee_id).await?;
    transaction.commit().await?;
    Ok(conversation)
}

/// Whom a conversation is transferred to.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// The agent who gets it; without one the queue does.
    pub to: Option<AgentId>,
    /// Who transfers it.
    pub by: Option<AgentId>,
    /// Why, for the one who gets it; customers never see it.
    pub reason: String,
}

/// Transfers a conversation that a person has or that waits for one; the reason becomes a note.
///
/// # Errors
/// `Conflict` where it is resolved, the AI has it, or the agent who is to get it is away.
pub async fn transfer(
    desk: &Desk,
    organization_id: OrganizationId,
    id: ConversationId,
    transfer: Transfer,
) -> Result<Conversation> {
    let tenant = desk.database.of(organization_id);
    let present = open(tenant, id).await?;
    if present.holder == Holder::Ai {
        return Err(Refused::HeldByAi.into());
    }
    if let Some(to) = transfer.to
        && tenant.load_agent(to).await?.availability_at(tenant.now()) == Availability::Away
    {
        return Err(Refused::Away(to).into());
    }
    let mut transaction = tenant.begin().await?;
    let told = transfer.to.into_iter().collect();
    transaction.insert_note(id, transfer.by, &format!("transferred: {}", transfer.reason.trim()), told).await?;
    let conversation = match transfer.to {
        Some(to) => {
            withdraw_offer(&mut transaction, id, Some(to)).await?;
            transaction.mark_handoffs(id, HandoffState::Accepted, Some(to)).await?;
            let conversation = transaction.change_holder(id, Holder::Agent, Some(to)).await?;
            transaction.notify(to, NotificationKind::Transferred, id, transfer.by).await?;
            conversation
        }
        None => requeue(&mut transaction, id, transfer.by.or(present.assignee_id)).await?,
    };
    transaction.tell("conversation.transferred", Some(id), serde_json::json!({ "agent_id": transfer.to }));
    transaction.commit().await?;
    Ok(conversation)
}

/// Puts it into the queue; whoever gave it away is not offered it again.
async fn requeue(transaction: &mut Transaction, id: ConversationId, from: Option<AgentId>) -> Result<Conversation> {
    withdraw_offer(transaction, id, None).await?;
    transaction.requeue_handoffs(id).await?;
    let conversation = transaction.change_holder(id, Holder::Queue, None).await?;
    if let Some(from) = from {
        transaction.insert_passed_offer(id, from).await?;
    }
    enqueue_assignment(transaction, id).await?;
    Ok(conversation)
}

async fn enqueue_assignment(transaction: &mut Transaction, conversation_id: ConversationId) -> Result<()> {
    let now = transaction.now();
    transaction.enqueue(&AssignConversation { conversation_id }, now).await?;
    Ok(())
}

/// Ends the offer that stands, as taken where `taker` is the one it was made to.
async fn withdraw_offer(transaction: &mut Transaction, id: ConversationId, taker: Option<AgentId>) -> Result<()> {
    let Some(offered_to) = transaction.find_standing_offer(id).await? else { return Ok(()) };
    if taker == Some(offered_to) {
        transaction.end_offer(id, OfferOutcome::Accepted).await?;
    } else {
        transaction.end_offer(id, OfferOutcome::Withdrawn).await?;
        transaction.notify(offered_to, NotificationKind::Withdrawn, id, taker).await?;
    }
    Ok(())
}

/// The conversation, unless it is resolved.
async fn open(tenant: Tenant<'_>, id: ConversationId) -> Result<Conversation> {
    let conversation = tenant.load_conversation(id).await?;
    if conversation.status == ConversationStatus::Resolved { Err(Refused::Resolved.into()) } else { Ok(conversation) }
}

/// Says something as an agent. From then on the AI is silent: a turn in flight loses its fence.
///
/// # Errors
/// `Conflict` where the conversation is resolved.
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
    let tenant = desk.database.of(organization_id);
    open(tenant, id).await?;
    let mut transaction = tenant.begin().await?;
    let conversation = transaction.append_for_agent(id, agent).await?;
    withdraw_offer(&mut transaction, id, agent).await?;
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
