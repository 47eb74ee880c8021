//! Takes a customer's message: stored with its job in one transaction, or not at all.

use crate::{Desk, Error, Result};
use domain::conversation::{Conversation, Holder};
use domain::job::AnswerTurn;
use domain::message::{Attachment, Message, Sender};
use domain::notification::NotificationKind;
use domain::{ConversationId, OrganizationId};
use regex::Regex;
use std::sync::LazyLock;
use storage::Transaction;
use storage::messages::NewMessage;

/// Characters of a message at most.
pub const CONTENT_CHARS_MAX: usize = 32_000;
/// Attachments of a message at most.
pub const ATTACHMENTS_MAX: usize = 5;
/// Characters of the texts of a message's attachments at most, all together.
pub const ATTACHED_CHARS_MAX: usize = 32_000;
/// Characters of an attachment's name or media type at most.
const NAME_CHARS_MAX: usize = 255;
/// Characters of a channel's own id at most.
pub const EXTERNAL_ID_CHARS_MAX: usize = 256;

/// A customer's message as it arrives.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The conversation it belongs to.
    pub conversation_id: ConversationId,
    /// What was said.
    pub content: String,
    /// The channel's own id: the same id again is the same message.
    pub external_id: Option<String>,
}

/// A message that was taken.
#[derive(Clone, Debug)]
pub struct Received {
    /// The message.
    pub message: Message,
    /// Whether it was here before.
    pub repeated: bool,
}

/// Stores the message and enqueues its turn. When it returns, the message is on disk.
pub async fn receive(desk: &Desk, organization_id: OrganizationId, incoming: Incoming) -> Result<Received> {
    receive_with(desk, organization_id, incoming, &[]).await
}

/// Stores the message with what is attached to it, as [`receive`] does.
pub async fn receive_with(
    desk: &Desk,
    organization_id: OrganizationId,
    incoming: Incoming,
    attachments: &[Attachment],
) -> Result<Received> {
    check(&incoming)?;
    check_attachments(attachments)?;
    let tenant = desk.database.of(organization_id);
    let conversation = tenant.load_conversation(incoming.conversation_id).await?;
    let mut transaction = tenant.begin().await?;
    match append(desk, &mut transaction, &conversation, &incoming, attachments).await {
        Ok(received) => {
            transaction.commit().await?;
            Ok(received)
        }
        // The same delivery arrived twice in the same instant: the index let one through.
        Err(Error::Storage(error)) if error.is_unique_violation() => {
            transaction.rollback().await?;
            let mut transaction = tenant.begin().await?;
            let received = append(desk, &mut transaction, &conversation, &incoming, attachments).await?;
            transaction.commit().await?;
            Ok(received)
        }
        Err(error) => Err(error),
    }
}

async fn append(
    desk: &Desk,
    transaction: &mut Transaction,
    conversation: &Conversation,
    incoming: &Incoming,
    attachments: &[Attachment],
) -> Result<Received> {
    if let Some(external_id) = &incoming.external_id
        && let Some(message) = transaction.find_message_by_external_id(conversation.channel_id, external_id).await?
    {
        return Ok(Received { message, repeated: true });
    }
    let conversation = transaction.append_for_customer(conversation.id).await?;
    let new = NewMessage {
        id: transaction.id(),
        conversation_id: conversation.id,
        channel_id: conversation.channel_id,
        seq: conversation.last_seq,
        sender: Sender::Customer,
        sender_id: Some(conversation.customer_id.uuid()),
        content: incoming.content.clone(),
        external_id: incoming.external_id.clone(),
        delivery: None,
        reply: None,
    };
    let mut message = transaction.insert_message(new).await?;
    if !attachments.is_empty() {
        message.attachments = attachments.to_vec();
        transaction.keep_attachments(&message).await?;
    }
    match conversation.holder {
        Holder::Ai => enqueue_turn(desk, transaction, conversation.id).await?,
        Holder::Queue => {
            keep_contact(transaction, &conversation, &incoming.content).await?;
            // Whether the AI is to help out meanwhile is looked at when the turn is loaded.
            enqueue_turn(desk, transaction, conversation.id).await?;
        }
        Holder::Agent => {
            if let Some(agent) = conversation.assignee_id {
                transaction.notify(agent, NotificationKind::CustomerReplied, conversation.id, None).await?;
            }
        }
    }
    Ok(Received { message, repeated: false })
}

/// Enqueues the turn after the debounce; a message of the same burst moves the waiting turn back.
async fn enqueue_turn(desk: &Desk, transaction: &mut Transaction, conversation_id: ConversationId) -> Result<()> {
    let run_at = transaction.now() + desk.settings.debounce;
    let work = AnswerTurn { conversation_id };
    Ok(transaction.enqueue_or_postpone(&work, run_at, desk.settings.debounce_max).await?)
}

/// Keeps the address that a waiting customer leaves, where none is known.
async fn keep_contact(transaction: &mut Transaction, conversation: &Conversation, content: &str) -> Result<()> {
    if let Some(address) = ADDRESS.find(content)
        && transaction.keep_contact(conversation.customer_id, address.as_str()).await?
    {
        transaction.tell("customer.updated", None, serde_json::json!({ "customer_id": conversation.customer_id }));
    }
    Ok(())
}

#[expect(clippy::expect_used, reason = "the pattern is a constant and a test compiles it")]
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b[a-z0-9][a-z0-9._%+-]{0,63}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,6}\.[a-z]{2,24}\b")
        .expect("the pattern is valid")
});

fn check(incoming: &Incoming) -> Result<()> {
    if incoming.content.trim().is_empty() {
        return Err(Error::Invalid("`content` is empty: write at least one character".to_owned()));
    }
    let characters = incoming.content.chars().count();
    if characters > CONTENT_CHARS_MAX {
        return Err(Error::Invalid(format!("`content` has {characters} characters, {CONTENT_CHARS_MAX} are allowed")));
    }
    let id_characters = incoming.external_id.as_ref().map_or(0, |id| id.chars().count());
    if id_characters > EXTERNAL_ID_CHARS_MAX {
        return Err(Error::Invalid(format!(
            "`external_id` has {id_characters} characters, {EXTERNAL_ID_CHARS_MAX} are allowed"
        )));
    }
    Ok(())
}

fn check_attachments(attachments: &[Attachment]) -> Result<()> {
    if attachments.len() > ATTACHMENTS_MAX {
        let count = attachments.len();
        return Err(Error::Invalid(format!("`attachments` has {count} entries, {ATTACHMENTS_MAX} are allowed")));
    }
    for attachment in attachments {
        let named = attachment.name.trim().chars().count();
        let typed = attachment.media_type.as_ref().map_or(0, |word| word.chars().count());
        if named == 0 || named.max(typed) > NAME_CHARS_MAX {
            return Err(Error::Invalid(format!(
                "`attachments` need a `name` of 1 to {NAME_CHARS_MAX} characters, and a `media_type` not longer than that"
            )));
        }
    }
    let characters: usize = attachments.iter().map(|attachment| attachment.text.chars().count()).sum();
    if characters > ATTACHED_CHARS_MAX {
        return Err(Error::Invalid(format!(
            "`attachments` have {characters} characters of text, {ATTACHED_CHARS_MAX} are allowed"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::ADDRESS;

    #[test]
    fn an_address_is_found_among_words_and_nothing_else_is_taken_for_one() {
        let found = |text| ADDRESS.find(text).map(|found| found.as_str());
        assert_eq!(found("write to Ada.L+x@mail.example.org, please"), Some("Ada.L+x@mail.example.org"));
        for text in ["no address", "@ada", "ada@localhost", "a @ b.c", "x@y"] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
