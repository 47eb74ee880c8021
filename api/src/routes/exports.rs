//! Everything that is known of a customer, as one JSON object.

use crate::app::App;
use crate::auth::Caller;
use crate::body::Path;
use crate::error::Result;
use crate::routes::customers::CustomerObject;
use crate::routes::facts::FactObject;
use crate::routes::identities::IdentityObject;
use axum::extract::State;
use domain::conversation::Conversation;
use domain::message::{Message, Sender};
use domain::{CustomerId, ErrorKind, Kinded};
use serde_json::{Value, json};
use storage::Tenant;
use storage::conversations::ConversationFilter;

/// Conversations of an export at most, the last changed first.
const CONVERSATIONS_MAX: i64 = 1_000;
/// Messages of a conversation at most, the oldest first.
const MESSAGES_MAX: i64 = 2_000;
/// Notes of a conversation at most.
const NOTES_MAX: i64 = 1_000;
/// Facts at most, ended ones included.
const FACTS_MAX: i64 = 10_000;

/// Exports everything known about a customer: profile, what they are known by elsewhere, facts with those that ended, conversations with
/// messages, traces, feedback, deliveries, notes, handoffs and summaries.
#[utoipa::path(post, path = "/v1/customers/{id}/export", tag = "customers", params(("id" = String, Path)),
    responses((status = 200, description = "`customer`, `identities`, `facts`, `conversations`; `complete` is false where a list \
        was too long to be given whole", body = Object)))]
pub(crate) async fn export_customer(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<CustomerId>,
) -> Result<axum::Json<Value>> {
    let tenant = app.of(caller.organization_id());
    let customer = tenant.load_customer(id).await?;
    let facts = tenant.list_all_facts(id, FACTS_MAX).await?;
    let filter = ConversationFilter { customer: Some(id), ..ConversationFilter::default() };
    let conversations = tenant.list_conversations(&filter, CONVERSATIONS_MAX).await?;
    let mut complete = is_whole(conversations.len(), CONVERSATIONS_MAX) && is_whole(facts.len(), FACTS_MAX);
    let mut exported = Vec::new();
    for conversation in conversations {
        exported.push(export_conversation(tenant, conversation, &mut complete).await?);
    }
    Ok(axum::Json(json!({
        "object": "customer_export",
        "exported_at": tenant.now(),
        "complete": complete,
        "customer": CustomerObject::from(customer),
        "identities": tenant.list_identities(id).await?.into_iter().map(IdentityObject::from).collect::<Vec<_>>(),
        "facts": facts.into_iter().map(FactObject::from).collect::<Vec<_>>(),
        "conversations": exported,
    })))
}

fn is_whole(found: usize, limit: i64) -> bool {
    i64::try_from(found).is_ok_and(|found| found < limit)
}

async fn export_conversation(tenant: Tenant<'_>, conversation: Conversation, complete: &mut bool) -> Result<Value> {
    let id = conversation.id;
    let messages = tenant.list_messages(id, 0, MESSAGES_MAX).await?;
    let notes = tenant.list_notes(id, NOTES_MAX).await?;
    *complete &= is_whole(messages.len(), MESSAGES_MAX) && is_whole(notes.len(), NOTES_MAX);
    let mut exported = Vec::new();
    for message in messages {
        exported.push(export_message(tenant, message).await?);
    }
    let notes = notes.into_iter().map(
        |note| json!({ "id": note.id, "agent_id": note.agent_id, "content": note.content, "created_at": note.created_at }),
    );
    Ok(json!({
        "conversation": conversation,
        "messages": exported,
        "notes": notes.collect::<Vec<_>>(),
        "handoffs": tenant.list_handoffs(id).await?,
    }))
}

async fn export_message(tenant: Tenant<'_>, message: Message) -> Result<Value> {
    let (mut trace, mut feedback, mut delivery) = (None, None, None);
    if message.sender != Sender::Customer {
        feedback = tenant.find_feedback(message.id).await?;
        delivery = tenant.find_delivery(message.id).await?;
        trace = match tenant.load_trace(message.id).await {
            Ok(trace) => Some(trace),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
    }
    Ok(json!({ "message": message, "feedback": feedback, "delivery": delivery, "trace": trace }))
}
