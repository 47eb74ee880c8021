//! Calls every method of organizations, people, keys and requests once.

use crate::databases::not_found;
use crate::databases::{new_conversation, new_customer};
use domain::assistant::AssistantSettings;
use domain::customer::Identity;
use domain::key::Scope;
use domain::message::Sender;
use serde_json::json;
use std::time::Duration;
use storage::facts::NewFact;
use storage::feedback::Rating;
use storage::idempotency::Begun;
use storage::keys::NewKey;
use storage::messages::NewMessage;
use storage::{Database, Keyset};

stories! { a_desk_is_founded_once people_come_and_go keys_and_requests }

async fn a_desk_is_founded_once(database: &Database) {
    let (first, second) = tokio::join!(database.found_desk("Acme"), database.found_desk("Acme"));
    let (desk, second) = (first.unwrap(), second.unwrap());
    assert_eq!(desk.organization.id, second.organization.id);
    assert_eq!((desk.assistant.id, desk.channels.len()), (second.assistant.id, 2));
    assert_eq!(database.list_organizations().await.unwrap().len(), 1);
    let id = desk.organization.id;
    assert_eq!(database.find_organization(id).await.unwrap().unwrap().name, "Acme");
    let tenant = database.of(id);
    assert_eq!(tenant.load_organization().await.unwrap().settings.default_assistant, Some(desk.assistant.id));
    assert_eq!(tenant.find_channel_by_kind("widget").await.unwrap().unwrap(), desk.channels[1]);
    assert!(tenant.find_channel_by_kind("fax").await.unwrap().is_none());
    assert_eq!(tenant.load_channel(desk.channels[0].id).await.unwrap(), desk.channels[0]);
    assert_eq!(tenant.list_channels().await.unwrap(), desk.channels);

    let settings = AssistantSettings { confidence_min: 0.7, ..AssistantSettings::default() };
    let (assistant, agent) = within!(database, id, transaction => {
        let assistant = transaction.insert_assistant("Ada", AssistantSettings::default()).await.unwrap();
        transaction.update_assistant(assistant.id, "Ada B", &settings).await.unwrap();
        let agent = transaction.insert_agent("Grace", Some("grace@example.org".to_owned())).await.unwrap();
        transaction.insert_audit("system", "assistant.created", &assistant.id.to_string()).await.unwrap();
        transaction.insert_audit("system", "agent.created", &agent.id.to_string()).await.unwrap();
        (assistant, agent)
    });
    let changed = tenant.load_assistant(assistant.id).await.unwrap();
    assert_eq!((changed.name.as_str(), &changed.settings), ("Ada B", &settings));
    assert_eq!(tenant.list_assistants().await.unwrap().len(), 2);
    assert_eq!(tenant.load_agent(agent.id).await.unwrap(), agent);
    assert_eq!(tenant.list_agents().await.unwrap(), vec![agent]);
    let newest = tenant.list_audit(Keyset::start(), 1).await.unwrap();
    assert_eq!(newest[0].action, "agent.created");
    let next = tenant.list_audit(Keyset { time: newest[0].created_at, id: newest[0].id }, 5).await.unwrap();
    assert_eq!(next.len(), 1);
    assert_eq!(next[0].action, "assistant.created");
}

async fn people_come_and_go(database: &Database) {
    let desk = database.found_desk("Acme").await.unwrap();
    let id = desk.organization.id;
    let tenant = database.of(id);
    let ada = within!(database, id, transaction => {
        let first = transaction.upsert_customer(&new_customer(Some("c-1"), Some("Ada_1"))).await.unwrap();
        let again = transaction.upsert_customer(&new_customer(Some("c-1"), Some("Eve"))).await.unwrap();
        assert_eq!(first, again);
        let mut more = new_customer(Some("c-1"), Some("Eve"));
        more.email = Some("ada@example.org".to_owned());
        more.profile.insert("plan".to_owned(), json!("pro"));
        more.identity = Identity::Verified;
        let filled = transaction.upsert_customer(&more).await.unwrap();
        assert_eq!((filled.id, filled.name.as_deref()), (first.id, Some("Ada_1")));
        assert_eq!((filled.email.as_deref(), filled.identity), (Some("ada@example.org"), Identity::Verified));
        assert_eq!(filled.profile["plan"], "pro");
        transaction.upsert_customer(&new_customer(None, Some("Nobody"))).await.unwrap();
        filled
    });
    assert_eq!(tenant.load_customer(ada.id).await.unwrap(), ada);
    assert_eq!(tenant.find_customer_by_external_id("c-1").await.unwrap().unwrap(), ada);
    assert_eq!(tenant.list_customers(None, Keyset::start(), 10).await.unwrap().len(), 2);
    assert_eq!(tenant.list_customers(Some("ADA_"), Keyset::start(), 10).await.unwrap(), vec![ada.clone()]);
    assert!(tenant.list_customers(Some("a%1"), Keyset::start(), 10).await.unwrap().is_empty());
    let after = Keyset::at(ada.updated_at, ada.id);
    assert!(tenant.list_customers(Some("ada"), after, 10).await.unwrap().is_empty());

    let edited = domain::customer::Customer { email: None, ..ada.clone() };
    let (message, fact) = within!(database, id, transaction => {
        transaction.update_customer(&edited).await.unwrap();
        let conversation = transaction.insert_conversation(new_conversation(&desk, ada.id)).await.unwrap();
        let message = transaction.insert_message(NewMessage {
            id: transaction.id(),
            conversation_id: conversation.id,
            channel_id: desk.channels[0].id,
            seq: 1,
            sender: Sender::Customer,
            sender_id: Some(ada.id.uuid()),
            content: "Hello".to_owned(),
            external_id: None,
            delivery: None,
            reply: None,
        }).await.unwrap();
        transaction.upsert_feedback(message.id, Rating::Poor, Some("no".to_owned())).await.unwrap();
        transaction.upsert_feedback(message.id, Rating::Good, None).await.unwrap();
        assert!(not_found(&transaction.upsert_feedback(transaction.id(), Rating::Good, None).await));
        let fact = NewFact {
            customer_id: ada.id,
            kind: "plan".to_owned(),
            text: "Is on the pro plan.".to_owned(),
            importance: 0.5,
            confidence: 0.9,
            source_message_id: Some(message.id),
            expires_at: None,
        };
        let other = transaction.insert_fact(NewFact { importance: 0.9, ..fact.clone() }).await.unwrap();
        transaction.delete_fact(other.id).await.unwrap();
        let stranger = NewFact { customer_id: transaction.id(), ..fact.clone() };
        assert!(not_found(&transaction.insert_fact(stranger).await));
        (message, transaction.insert_fact(fact).await.unwrap())
    });
    assert_eq!(tenant.load_customer(ada.id).await.unwrap().email, None);
    let feedback = tenant.find_feedback(message.id).await.unwrap().unwrap();
    assert_eq!((feedback.rating, feedback.comment), (Rating::Good, None));
    let setting = tenant.load_setting(message.conversation_id).await.unwrap();
    assert_eq!(setting.conversation, tenant.load_conversation(message.conversation_id).await.unwrap());
    assert_eq!((setting.assistant, setting.channel_kind.as_str()), (desk.assistant.clone(), "api"));
    assert_eq!(setting.organization_settings, tenant.load_organization().await.unwrap().settings);
    assert!(setting.has_facts);
    let stranger = database.insert_organization("Other").await.unwrap().id;
    assert!(not_found(&database.of(stranger).load_setting(message.conversation_id).await));
    let now = database.clock().now();
    assert_eq!(tenant.list_facts(ada.id, now, 10).await.unwrap(), vec![fact.clone()]);
    within!(database, id, transaction => {
        transaction.mark_facts_used(&[fact.id]).await.unwrap();
        transaction.close_fact(fact.id, now).await.unwrap();
    });
    assert!(tenant.list_facts(ada.id, now, 10).await.unwrap().is_empty());
    let then = tenant.list_facts(ada.id, fact.created_at, 10).await.unwrap();
    assert!(then[0].last_used_at.is_some());
    within!(database, id, transaction => transaction.delete_customer(ada.id).await.unwrap());
    assert!(not_found(&tenant.load_customer(ada.id).await));
    assert!(not_found(&tenant.load_message(message.id).await));
    assert!(tenant.find_feedback(message.id).await.unwrap().is_none());
    assert!(tenant.list_facts(ada.id, fact.created_at, 10).await.unwrap().is_empty());
}

async fn keys_and_requests(database: &Database) {
    let id = database.insert_organization("Acme").await.unwrap().id;
    let tenant = database.of(id);
    let new = NewKey {
        name: "ci".to_owned(),
        prefix: "fd_live_ab".to_owned(),
        scopes: vec![Scope::Knowledge, Scope::Usage],
        expires_at: Some(database.clock().now() + Duration::from_hours(1)),
    };
    let key = within!(database, id, transaction => transaction.insert_key(new, "fd_live_abc").await.unwrap());
    assert!(database.find_key("fd_live_abd").await.unwrap().is_none());
    let found = database.find_key("fd_live_abc").await.unwrap().unwrap();
    assert_eq!((found.id, found.scopes), (key.id, vec![Scope::Knowledge, Scope::Usage]));
    tenant.touch_key(&key).await.unwrap();
    let touched = tenant.list_keys(Keyset::start(), 10).await.unwrap().remove(0).last_used_at.unwrap();
    tenant.touch_key(&key).await.unwrap();
    let found = database.find_key("fd_live_abc").await.unwrap().unwrap();
    assert_eq!(found.last_used_at, Some(touched), "at most once a minute");
    within!(database, id, transaction => {
        transaction.revoke_key(key.id).await.unwrap();
        assert!(not_found(&transaction.revoke_key(transaction.id()).await));
    });
    assert!(database.find_key("fd_live_abc").await.unwrap().is_none());

    let (one, other) = ([1; 32], [2; 32]);
    let begin = async |hash: &[u8; 32]| within!(database, id, transaction => transaction.begin_request("k", hash).await.unwrap());
    assert_eq!(begin(&one).await, Begun::Fresh);
    assert_eq!(begin(&one).await, Begun::InFlight);
    assert_eq!(begin(&other).await, Begun::Mismatch);
    within!(database, id, transaction => transaction.forget_request("k").await.unwrap());
    assert_eq!(begin(&one).await, Begun::Fresh);
    database.clock().advance(Duration::from_secs(121));
    assert_eq!(begin(&one).await, Begun::Fresh, "the first is taken for dead");
    within!(database, id, transaction => transaction.finish_request("k", 201, "{}").await.unwrap());
    assert_eq!(begin(&one).await, Begun::Replay { status: 201, response: "{}".to_owned() });
    assert_eq!(database.delete_old_requests().await.unwrap(), 0);
    database.clock().advance(Duration::from_hours(25));
    assert_eq!(database.delete_old_requests().await.unwrap(), 1);
}
