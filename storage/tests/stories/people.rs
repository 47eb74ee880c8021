//! Agents, offers, notifications, identities and receipts.

use crate::databases::{new_conversation, new_customer};
use domain::agent::{AgentRole, Availability};
use domain::conversation::Holder;
use domain::customer::{Customer, Identity};
use domain::handoff::{HandoffReason, HandoffState};
use domain::message::{DeliveryState, Sender};
use domain::notification::NotificationKind;
use domain::{AgentId, ConversationId};
use std::time::Duration;
use storage::conversations::NewConversation;
use storage::facts::NewFact;
use storage::handoffs::NewHandoff;
use storage::messages::NewMessage;
use storage::offers::OfferOutcome;
use storage::organizations::Desk;
use storage::receipts::Received;
use storage::{Database, Error, Keyset};

const MINUTE: Duration = Duration::from_mins(1);

stories! { a_conversation_is_offered_taken_back_and_taken agents_are_told_and_see_it customers_have_identities_and_become_one }

async fn begin(database: &Database, desk: &Desk, who: &str, channel: usize) -> (ConversationId, Customer) {
    let mut transaction = database.of(desk.organization.id).begin().await.unwrap();
    let customer = transaction.upsert_customer(&new_customer(Some(who), None)).await.unwrap();
    let new = NewConversation { channel_id: desk.channels[channel].id, ..new_conversation(desk, customer.id) };
    let id = transaction.insert_conversation(new).await.unwrap().id;
    transaction.commit().await.unwrap();
    (id, customer)
}

async fn say(database: &Database, desk: &Desk, id: ConversationId, sender: Sender) -> domain::message::Message {
    let mut transaction = database.of(desk.organization.id).begin().await.unwrap();
    let conversation = match sender {
        Sender::Agent => transaction.append_for_agent(id, None).await.unwrap(),
        Sender::Customer | Sender::Ai | Sender::System => transaction.append_for_customer(id).await.unwrap(),
    };
    let new = NewMessage {
        id: transaction.id(),
        conversation_id: id,
        channel_id: conversation.channel_id,
        seq: conversation.last_seq,
        sender,
        sender_id: (sender == Sender::Customer).then_some(conversation.customer_id.uuid()),
        content: "hello".to_owned(),
        external_id: None,
        delivery: (sender == Sender::Agent).then_some(DeliveryState::Sent),
        reply: None,
    };
    let message = transaction.insert_message(new).await.unwrap();
    transaction.commit().await.unwrap();
    message
}

async fn queue(database: &Database, desk: &Desk, id: ConversationId) {
    let mut transaction = database.of(desk.organization.id).begin().await.unwrap();
    transaction.change_holder(id, Holder::Queue, None).await.unwrap();
    let handoff = NewHandoff {
        conversation_id: id,
        message_id: None,
        reason: HandoffReason::CustomerRequest,
        summary: String::new(),
        tried: Vec::new(),
        sources: Vec::new(),
        suggested_reply: None,
        open_questions: vec!["When?".to_owned()],
        skills: vec!["de".to_owned()],
    };
    transaction.insert_handoff(handoff).await.unwrap();
    transaction.commit().await.unwrap();
}

async fn agent(database: &Database, desk: &Desk, name: &str, capacity: i64) -> AgentId {
    let mut transaction = database.of(desk.organization.id).begin().await.unwrap();
    let mut agent = transaction.insert_agent(name, None).await.unwrap();
    agent.capacity = capacity;
    agent.role = AgentRole::Lead;
    agent.skills = vec!["de".to_owned()];
    transaction.update_agent(&agent).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(database.of(desk.organization.id).load_agent(agent.id).await.unwrap(), agent);
    agent.id
}

async fn heartbeat(database: &Database, desk: &Desk, agent: AgentId, says: Option<Availability>) {
    let mut transaction = database.of(desk.organization.id).begin().await.unwrap();
    let until = transaction.now() + MINUTE;
    let agent = transaction.note_heartbeat(agent, says, until).await.unwrap();
    assert_eq!(agent.present_until, Some(until));
    transaction.commit().await.unwrap();
}

async fn offer(database: &Database, desk: &Desk, id: ConversationId, agent: AgentId) -> bool {
    let mut transaction = database.of(desk.organization.id).begin().await.unwrap();
    let until = transaction.now() + MINUTE;
    let offered = transaction.offer(id, agent, until).await.unwrap();
    transaction.commit().await.unwrap();
    offered
}

async fn a_conversation_is_offered_taken_back_and_taken(database: &Database) {
    let desk = database.found_desk("Desk").await.unwrap();
    let tenant = database.of(desk.organization.id);
    let (first, _) = begin(database, &desk, "mia", 0).await;
    let (second, _) = begin(database, &desk, "noa", 0).await;
    for id in [first, second] {
        say(database, &desk, id, Sender::Customer).await;
        queue(database, &desk, id).await;
    }
    let handoff = tenant.list_handoffs(first).await.unwrap().remove(0);
    assert_eq!((handoff.open_questions, handoff.skills), (vec!["When?".to_owned()], vec!["de".to_owned()]));
    let (ada, bo) = (agent(database, &desk, "Ada", 1).await, agent(database, &desk, "Bo", 5).await);
    assert!(database.list_due_assignments(10).await.unwrap().is_empty(), "nobody is there");
    assert!(!offer(database, &desk, first, ada).await, "no heartbeat, no offer");
    assert_eq!(tenant.load_setting(second).await.unwrap().presence.present, 0);

    heartbeat(database, &desk, ada, Some(Availability::Online)).await;
    assert_eq!(database.list_due_assignments(10).await.unwrap().len(), 2, "somebody has room");
    assert!(offer(database, &desk, first, ada).await);
    assert!(!offer(database, &desk, first, ada).await, "an offer stands");
    assert!(!offer(database, &desk, second, ada).await, "no room any more");
    let loads = tenant.list_agent_loads().await.unwrap();
    assert_eq!(loads.iter().map(|agent| agent.load).collect::<Vec<_>>(), [1, 0]);

    database.clock().advance(MINUTE);
    assert!(database.list_due_assignments(10).await.unwrap().contains(&(desk.organization.id, first)));
    assert_eq!(database.list_gone_agents(10).await.unwrap(), [(desk.organization.id, ada)]);
    let mut transaction = tenant.begin().await.unwrap();
    transaction.mark_agent_gone(ada).await.unwrap();
    assert_eq!(transaction.find_standing_offer(first).await.unwrap(), Some(ada));
    assert_eq!(transaction.end_due_offer(first).await.unwrap(), Some(ada));
    assert_eq!(transaction.end_due_offer(first).await.unwrap(), None);
    transaction.insert_passed_offer(second, bo).await.unwrap();
    transaction.commit().await.unwrap();
    assert!(database.list_gone_agents(10).await.unwrap().is_empty());
    assert_eq!(tenant.list_offers(first).await.unwrap()[0].outcome, Some(OfferOutcome::Gone));
    assert_eq!(tenant.load_conversation(first).await.unwrap().assignee_id, None);

    heartbeat(database, &desk, bo, Some(Availability::Online)).await;
    assert_eq!(database.list_due_assignments(10).await.unwrap(), [(desk.organization.id, first)], "Bo let one pass");
    assert_eq!(tenant.load_setting(second).await.unwrap().presence.present, 1);
    assert!(offer(database, &desk, first, bo).await);
    let mut transaction = tenant.begin().await.unwrap();
    assert!(transaction.accept(first, bo).await.unwrap());
    assert!(!transaction.accept(first, ada).await.unwrap(), "one wins");
    assert_eq!(transaction.find_assignee(first).await.unwrap(), Some(bo));
    assert!(transaction.accept(first, bo).await.unwrap(), "who has it may say so again");
    assert_eq!(transaction.end_offer(first, OfferOutcome::Accepted).await.unwrap(), Some(bo));
    transaction.mark_handoffs(first, HandoffState::Accepted, Some(bo)).await.unwrap();
    transaction.commit().await.unwrap();
    let held = tenant.load_conversation(first).await.unwrap();
    assert_eq!((held.holder, held.assignee_id), (Holder::Agent, Some(bo)));

    database.clock().advance(MINUTE * 2);
    assert!(database.list_due_assignments(10).await.unwrap().contains(&(desk.organization.id, first)), "Bo has gone");
    let mut transaction = tenant.begin().await.unwrap();
    assert_eq!(transaction.take_from_gone_agent(first).await.unwrap(), Some(bo));
    assert_eq!(transaction.take_from_gone_agent(first).await.unwrap(), None);
    assert!(transaction.requeue_handoffs(first).await.unwrap());
    transaction.commit().await.unwrap();
    let back = tenant.load_conversation(first).await.unwrap();
    assert_eq!((back.holder, back.assignee_id), (Holder::Queue, None));
    assert!(back.waiting_since.is_some(), "the customer still waits");
}

async fn agents_are_told_and_see_it(database: &Database) {
    let desk = database.found_desk("Desk").await.unwrap();
    let tenant = database.of(desk.organization.id);
    let (id, _) = begin(database, &desk, "mia", 0).await;
    let (ada, bo) = (agent(database, &desk, "Ada", 1).await, agent(database, &desk, "Bo", 1).await);
    let mut transaction = tenant.begin().await.unwrap();
    for _ in 0..2 {
        transaction.notify(ada, NotificationKind::Mentioned, id, Some(bo)).await.unwrap();
    }
    transaction.notify(ada, NotificationKind::Offered, id, None).await.unwrap();
    transaction.commit().await.unwrap();
    let told = tenant.list_notifications(ada, true, Keyset::start(), 10).await.unwrap();
    assert_eq!(told.len(), 2, "what was not seen yet is not told twice");
    assert!(tenant.list_notifications(bo, false, Keyset::start(), 10).await.unwrap().is_empty());
    let unread = tenant.count_unread(ada).await.unwrap();
    assert_eq!(unread.iter().map(|kind| kind.unread).collect::<Vec<_>>(), [1, 1]);
    let mut transaction = tenant.begin().await.unwrap();
    assert_eq!(transaction.mark_notifications_read(bo, Some(&[told[0].id])).await.unwrap(), 0, "only one's own");
    assert_eq!(transaction.mark_notifications_read(ada, Some(&[told[0].id])).await.unwrap(), 1);
    assert_eq!(transaction.mark_notifications_read(ada, None).await.unwrap(), 1);
    transaction.commit().await.unwrap();
    assert!(tenant.count_unread(ada).await.unwrap().is_empty());

    let asked = say(database, &desk, id, Sender::Customer).await;
    let said = say(database, &desk, id, Sender::Agent).await;
    let mut transaction = tenant.begin().await.unwrap();
    let seq = said.seq;
    assert_eq!(transaction.mark_received(id, Received::ByCustomer, DeliveryState::Read, seq).await.unwrap(), 1);
    assert_eq!(transaction.mark_received(id, Received::ByCustomer, DeliveryState::Delivered, seq).await.unwrap(), 0);
    assert_eq!(transaction.mark_received(id, Received::ByAgent, DeliveryState::Delivered, seq).await.unwrap(), 1);
    assert_eq!(transaction.mark_received(id, Received::ByAgent, DeliveryState::Read, 0).await.unwrap(), 0);
    transaction.commit().await.unwrap();
    assert_eq!(tenant.load_message(said.id).await.unwrap().delivery, Some(DeliveryState::Read));
    assert_eq!(tenant.load_message(asked.id).await.unwrap().delivery, Some(DeliveryState::Delivered));
}

async fn customers_have_identities_and_become_one(database: &Database) {
    let desk = database.found_desk("Desk").await.unwrap();
    let tenant = database.of(desk.organization.id);
    let (by_api, mia) = begin(database, &desk, "mia", 0).await;
    let (by_widget, guest) = begin(database, &desk, "guest-7", 1).await;
    let learned = say(database, &desk, by_api, Sender::Customer).await;
    let mut transaction = tenant.begin().await.unwrap();
    let identity = transaction.insert_identity(mia.id, "widget", "w-1", Identity::Unverified).await.unwrap();
    let known = transaction.find_customer_by_identity("widget", "w-1").await.unwrap().unwrap();
    assert_eq!(known.id, mia.id);
    assert!(transaction.find_customer_by_identity("api", "w-1").await.unwrap().is_none(), "each channel its own ids");
    assert!(transaction.keep_contact(guest.id, "mia@mail.example").await.unwrap());
    assert!(!transaction.keep_contact(guest.id, "other@mail.example").await.unwrap());
    let fact = NewFact {
        customer_id: mia.id,
        kind: "plan".to_owned(),
        text: "Is on the Business plan.".to_owned(),
        importance: 0.5,
        confidence: 1.0,
        source_message_id: Some(learned.id),
        expires_at: None,
    };
    let fact = transaction.insert_fact(fact).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(tenant.list_identities(mia.id).await.unwrap(), std::slice::from_ref(&identity));
    let mut transaction = tenant.begin().await.unwrap();
    let taken = transaction.insert_identity(guest.id, "widget", "w-1", Identity::Verified).await;
    assert!(matches!(taken, Err(Error::Conflict(_))));
    transaction.rollback().await.unwrap();

    let guest = tenant.load_customer(guest.id).await.unwrap();
    let mut transaction = tenant.begin().await.unwrap();
    transaction.merge_customers(&mia, &guest).await.unwrap();
    let found = transaction.find_customer_by_identity("api", "guest-7").await.unwrap().unwrap();
    assert_eq!(found.id, mia.id, "the old id leads to them from now on");
    transaction.commit().await.unwrap();
    let merged = tenant.load_customer(mia.id).await.unwrap();
    assert_eq!((merged.external_id.as_deref(), merged.email.as_deref()), (Some("mia"), Some("mia@mail.example")));
    assert!(tenant.load_customer(guest.id).await.is_err());
    assert_eq!(tenant.load_conversation(by_widget).await.unwrap().customer_id, mia.id);

    assert!(tenant.list_withheld_facts(by_api).await.unwrap().is_empty(), "learned on this channel");
    assert_eq!(tenant.list_withheld_facts(by_widget).await.unwrap(), [fact.id], "another channel, nobody proved it");
    let mut transaction = tenant.begin().await.unwrap();
    transaction.update_customer(&Customer { identity: Identity::Verified, ..merged }).await.unwrap();
    transaction.delete_identity(mia.id, identity.id).await.unwrap();
    assert!(transaction.delete_identity(mia.id, identity.id).await.is_err());
    transaction.commit().await.unwrap();
    assert!(tenant.list_withheld_facts(by_widget).await.unwrap().is_empty(), "verified now");
}
