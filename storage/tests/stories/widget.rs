//! Visitors' sessions, the channels they come by, canned replies and counted handoffs.

use crate::databases::{new_conversation, new_customer};
use domain::handoff::HandoffReason;
use serde_json::json;
use std::time::Duration;
use storage::conversations::{ConversationFilter, NewConversation};
use storage::handoffs::NewHandoff;
use storage::{Database, Error};

const HOUR: Duration = Duration::from_hours(1);

stories! { a_session_opens_its_conversation_until_it_expires replies_are_kept_by_name handoffs_are_counted_by_reason }

async fn a_session_opens_its_conversation_until_it_expires(database: &Database) {
    let desk = database.found_desk("Desk").await.unwrap();
    let other = database.insert_organization("Other").await.unwrap();
    let widget = desk.channels.iter().find(|channel| channel.kind == "widget").unwrap();
    let tenant = database.of(desk.organization.id);
    let mut transaction = tenant.begin().await.unwrap();
    let customer = new_customer(None, Some("Nora"));
    let customer_id = transaction.upsert_customer(&customer).await.unwrap().id;
    let conversation = NewConversation { channel_id: widget.id, ..new_conversation(&desk, customer_id) };
    let conversation = transaction.insert_conversation(conversation).await.unwrap();
    let now = transaction.now();
    let session = transaction.insert_widget_session("token", widget.id, conversation.id, now + HOUR).await.unwrap();
    transaction.insert_widget_session("over", widget.id, conversation.id, now).await.unwrap();
    transaction.commit().await.unwrap();

    assert_eq!(database.find_widget_session("token").await.unwrap().unwrap(), session);
    assert_eq!((session.organization_id, session.conversation_id), (desk.organization.id, conversation.id));
    assert_eq!(database.find_widget_session("over").await.unwrap(), None, "it has expired");
    assert_eq!(database.find_widget_session("guess").await.unwrap(), None);

    assert_eq!(database.find_channel(widget.id).await.unwrap().as_ref(), Some(widget));
    assert_eq!(database.find_oldest_channel("widget").await.unwrap().as_ref(), Some(widget));
    assert_eq!(database.find_oldest_channel("fax").await.unwrap(), None);

    let settings = json!({ "greeting": "Hi" }).as_object().unwrap().clone();
    let mut transaction = tenant.begin().await.unwrap();
    transaction.update_channel(widget.id, "Chat", &settings).await.unwrap();
    transaction.commit().await.unwrap();
    let mut transaction = tenant.begin().await.unwrap();
    transaction.rename_organization("Lumen").await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(tenant.load_organization().await.unwrap().name, "Lumen");
    assert_eq!(database.of(other.id).load_organization().await.unwrap().name, "Other");
    let changed = tenant.load_channel(widget.id).await.unwrap();
    assert_eq!((changed.name.as_str(), &changed.settings), ("Chat", &settings));
    let mut transaction = database.of(other.id).begin().await.unwrap();
    let foreign = transaction.update_channel(widget.id, "Mine", &settings).await;
    assert!(matches!(foreign, Err(Error::NotFound { .. })), "{foreign:?}");
    transaction.rollback().await.unwrap();
}

async fn replies_are_kept_by_name(database: &Database) {
    let one = database.insert_organization("One").await.unwrap();
    let other = database.insert_organization("Two").await.unwrap();
    let mut transaction = database.of(one.id).begin().await.unwrap();
    transaction.put_reply("thanks", "Thank you").await.unwrap();
    let bye = transaction.put_reply("bye", "Good bye").await.unwrap();
    let thanks = transaction.put_reply("thanks", "Thanks a lot").await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(database.of(one.id).list_replies(10).await.unwrap(), [bye.clone(), thanks.clone()]);
    assert!(database.of(other.id).list_replies(10).await.unwrap().is_empty());
    let mut transaction = database.of(other.id).begin().await.unwrap();
    assert!(matches!(transaction.delete_reply(bye.id).await, Err(Error::NotFound { .. })));
    transaction.rollback().await.unwrap();
    let mut transaction = database.of(one.id).begin().await.unwrap();
    transaction.delete_reply(bye.id).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(database.of(one.id).list_replies(10).await.unwrap(), [thanks]);
}

async fn handoffs_are_counted_by_reason(database: &Database) {
    let desk = database.found_desk("Counted").await.unwrap();
    let other = database.insert_organization("Not counted").await.unwrap();
    let tenant = database.of(desk.organization.id);
    let before = tenant.count_conversations(tenant.now() - HOUR).await.unwrap();
    let mut transaction = tenant.begin().await.unwrap();
    let customer = new_customer(None, None);
    let customer_id = transaction.upsert_customer(&customer).await.unwrap().id;
    let mut begun = Vec::new();
    // The same conversation twice for one reason counts once.
    for reasons in [vec![HandoffReason::MissingKnowledge; 2], vec![HandoffReason::MissingKnowledge], vec![]] {
        let conversation = new_conversation(&desk, customer_id);
        let conversation_id = transaction.insert_conversation(conversation).await.unwrap().id;
        begun.push(conversation_id);
        for reason in reasons {
            let handoff = NewHandoff {
                conversation_id,
                message_id: None,
                reason,
                summary: String::new(),
                tried: vec![],
                sources: vec![],
                suggested_reply: None,
                open_questions: vec![],
                skills: vec![],
            };
            transaction.insert_handoff(handoff).await.unwrap();
        }
    }
    let now = transaction.now();
    transaction.commit().await.unwrap();
    let counts = tenant.count_handoffs(now - HOUR, now + HOUR).await.unwrap();
    assert_eq!(counts.len(), 1);
    assert_eq!(counts.first().map(|one| (one.reason, one.conversations)), Some((HandoffReason::MissingKnowledge, 2)));
    assert_eq!(tenant.count_handoffs(now + HOUR, now + HOUR + HOUR).await.unwrap(), []);
    assert_eq!(tenant.count_conversations(now - HOUR).await.unwrap(), before + 3);
    assert_eq!(database.of(other.id).count_handoffs(now - HOUR, now + HOUR).await.unwrap(), []);
    assert_eq!(database.of(other.id).count_conversations(now - HOUR).await.unwrap(), 0);
    let of = |reason| ConversationFilter { handoff_reason: Some(reason), ..ConversationFilter::default() };
    let listed = tenant.list_conversations(&of(HandoffReason::MissingKnowledge), 10).await.unwrap();
    assert!(listed.len() == 2 && listed.iter().all(|one| begun.contains(&one.id)));
    assert!(tenant.list_conversations(&of(HandoffReason::Error), 10).await.unwrap().is_empty());
}
