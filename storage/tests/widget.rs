//! Visitors' sessions, the channels they come by and canned replies, on SQLite always and on PostgreSQL where there is one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/postgres.rs"]
mod postgres;

use domain::customer::Identity;
use serde_json::{Map, json};
use std::time::Duration;
use storage::conversations::NewConversation;
use storage::customers::NewCustomer;
use storage::{Database, Error, SqliteSettings};

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open_sqlite(&folder.path().join("desk.sqlite"), SqliteSettings::default()).await.unwrap();
    database.migrate().await.unwrap();
    a_session_opens_its_conversation_until_it_expires(&database).await;
    replies_are_kept_by_name(&database).await;
}

#[tokio::test]
async fn postgres() {
    let Some(server) = postgres::server() else { return };
    let test_database = server.create_database().await;
    let database = Database::open_postgres(&test_database.url).await.unwrap();
    database.migrate().await.unwrap();
    a_session_opens_its_conversation_until_it_expires(&database).await;
    replies_are_kept_by_name(&database).await;
}

async fn a_session_opens_its_conversation_until_it_expires(database: &Database) {
    let desk = database.found_desk("Desk").await.unwrap();
    let other = database.insert_organization("Other").await.unwrap();
    let widget = desk.channels.iter().find(|channel| channel.kind == "widget").unwrap();
    let tenant = database.of(desk.organization.id);
    let mut transaction = tenant.begin().await.unwrap();
    let customer = NewCustomer {
        external_id: None,
        name: Some("Nora".to_owned()),
        email: None,
        locale: None,
        profile: Map::new(),
        identity: Identity::Unverified,
    };
    let customer_id = transaction.upsert_customer(&customer).await.unwrap().id;
    let conversation = NewConversation {
        customer_id,
        channel_id: widget.id,
        assistant_id: desk.assistant.id,
        title: None,
        metadata: Map::new(),
    };
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
