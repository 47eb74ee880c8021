//! The story of conversations that have outlived their retention.

use crate::databases::{new_conversation, new_customer};
use domain::conversation::ConversationStatus;
use domain::message::Sender;
use domain::{ConversationId, CustomerId, OrganizationId};
use std::time::Duration;
use storage::Database;
use storage::conversations::{ConversationChange, ConversationFilter};
use storage::facts::NewFact;
use storage::messages::NewMessage;
use storage::organizations::Desk;

stories! { resolved_conversations_go_when_nothing_was_said_for_long_and_open_ones_stay }

const DAY: Duration = Duration::from_hours(24);

/// A conversation of that customer in which something was said.
async fn said(database: &Database, desk: &Desk, name: &str) -> (ConversationId, CustomerId) {
    within!(database, desk.organization.id, transaction => {
        let customer = transaction.upsert_customer(&new_customer(Some(name), None)).await.unwrap();
        let id = transaction.insert_conversation(new_conversation(desk, customer.id)).await.unwrap().id;
        let seq = transaction.append_for_customer(id).await.unwrap().last_seq;
        let message = NewMessage {
            id: transaction.id(),
            conversation_id: id,
            channel_id: desk.channels[0].id,
            seq,
            sender: Sender::Customer,
            sender_id: Some(customer.id.uuid()),
            content: format!("I am {name}."),
            external_id: None,
            delivery: None,
            reply: None,
        };
        let message = transaction.insert_message(message).await.unwrap();
        let fact = NewFact {
            customer_id: customer.id,
            kind: "other".into(),
            text: format!("They are {name}."),
            importance: 0.5,
            confidence: 0.9,
            source_message_id: Some(message.id),
            expires_at: None,
        };
        transaction.insert_fact(fact).await.unwrap();
        transaction.insert_memory_vectors(customer.id, "m", &[([7; 32], vec![1.0])]).await.unwrap();
        (id, customer.id)
    })
}

async fn resolve(database: &Database, id: OrganizationId, conversation: ConversationId) {
    within!(database, id, transaction => {
        let change = ConversationChange { status: Some(ConversationStatus::Resolved), ..Default::default() };
        transaction.update_conversation(conversation, change).await.unwrap();
    });
}

async fn resolved_conversations_go_when_nothing_was_said_for_long_and_open_ones_stay(database: &Database) {
    let desk = database.found_desk("Acme").await.unwrap();
    let id = desk.organization.id;
    let stranger = database.insert_organization("Other").await.unwrap().id;
    let (old, ada) = said(database, &desk, "ada").await;
    let (open, bob) = said(database, &desk, "bob").await;
    let (second, eve) = said(database, &desk, "eve").await;
    let (eves_open, _) = said(database, &desk, "eve").await;
    database.clock().advance(DAY * 10);
    let (recent, _) = said(database, &desk, "ida").await;
    for conversation in [old, second, recent] {
        resolve(database, id, conversation).await;
    }
    database.clock().advance(DAY);
    let tenant = database.of(id);
    let before = tenant.now() - DAY * 7;
    assert_eq!(tenant.list_old_conversations(before, 10).await.unwrap(), [old, second]);
    assert_eq!(tenant.list_old_conversations(before, 1).await.unwrap(), [old]);
    assert!(database.of(stranger).list_old_conversations(before, 10).await.unwrap().is_empty());
    let all = [old, open, second, recent];
    within!(database, stranger, transaction => {
        assert_eq!(transaction.delete_old_conversations(&all, before).await.unwrap(), 0);
    });
    let deleted = within!(database, id, transaction => {
        assert_eq!(transaction.delete_old_conversations(&[], before).await.unwrap(), 0);
        transaction.delete_old_conversations(&all, before).await.unwrap()
    });
    assert_eq!(deleted, 2, "what is open or was said of lately stays, whoever asks for it");
    let left = tenant.list_conversations(&ConversationFilter::default(), 10).await.unwrap();
    let mut left: Vec<_> = left.into_iter().map(|conversation| conversation.id).collect();
    left.sort();
    assert_eq!(left, [open, eves_open, recent]);
    assert!(tenant.list_messages(old, 0, 10).await.unwrap().is_empty());
    let facts = tenant.list_all_facts(ada, 10).await.unwrap();
    assert_eq!((facts.len(), facts[0].source_message_id), (1, None), "what is known of them stays");
    assert!(tenant.list_all_facts(bob, 10).await.unwrap()[0].source_message_id.is_some());
    assert!(tenant.find_memory_vectors(ada, "m", &[[7; 32]]).await.unwrap().is_empty());
    assert_eq!(tenant.find_memory_vectors(eve, "m", &[[7; 32]]).await.unwrap().len(), 1);
}
