//! The story of memory and erasing: marks, vectors, facts, and not one row that names the erased.

use crate::databases;
use domain::customer::Identity;
use domain::evaluation::Case;
use domain::handoff::HandoffReason;
use domain::job::{AnswerTurn, LearnFacts};
use domain::message::{Attachment, Sender};
use domain::trace::Trace;
use domain::{CustomerId, OrganizationId};
use serde_json::{Map, json};
use sqlx::Row;
use sqlx::postgres::PgPool;
use storage::conversations::NewConversation;
use storage::customers::NewCustomer;
use storage::facts::NewFact;
use storage::feedback::Rating;
use storage::handoffs::NewHandoff;
use storage::messages::NewMessage;
use storage::organizations::Desk;
use storage::{Database, Error, Transaction};

const CANARY: &str = "zebracanary7741";

fn customer(external_id: &str) -> NewCustomer {
    NewCustomer {
        external_id: Some(external_id.to_owned()),
        name: Some(format!("{external_id} name")),
        email: Some(format!("{external_id}@example.com")),
        locale: None,
        profile: Map::from_iter([("seen".to_owned(), json!(external_id))]),
        identity: Identity::Unverified,
    }
}

/// A customer with one of everything, each with their external id in it.
async fn somebody(transaction: &mut Transaction, desk: &Desk, external_id: &str) -> CustomerId {
    let person = transaction.upsert_customer(&customer(external_id)).await.unwrap();
    let conversation = transaction
        .insert_conversation(NewConversation {
            customer_id: person.id,
            channel_id: desk.channels[0].id,
            assistant_id: desk.assistant.id,
            title: Some(format!("{external_id} title")),
            metadata: Map::from_iter([("from".to_owned(), json!(external_id))]),
        })
        .await
        .unwrap();
    let message = NewMessage {
        id: transaction.id(),
        conversation_id: conversation.id,
        channel_id: desk.channels[0].id,
        seq: 1,
        sender: Sender::Customer,
        sender_id: Some(person.id.uuid()),
        content: external_id.repeat(900),
        external_id: Some(format!("{external_id}-message")),
        delivery: None,
        reply: None,
    };
    let mut message = transaction.insert_message(message).await.unwrap();
    message.attachments =
        vec![Attachment { name: format!("{external_id}.txt"), media_type: None, text: external_id.to_owned() }];
    transaction.keep_attachments(&message).await.unwrap();
    let elsewhere = format!("{external_id} elsewhere");
    transaction.insert_identity(person.id, "widget", &elsewhere, Identity::Unverified).await.unwrap();
    transaction.insert_delivery(message.id).await.unwrap();
    transaction
        .mark_delivery(message.id, domain::message::DeliveryState::Failed, Some(external_id.to_owned()))
        .await
        .unwrap();
    transaction.upsert_feedback(message.id, Rating::Poor, Some(external_id.to_owned())).await.unwrap();
    transaction.insert_note(conversation.id, None, external_id, Vec::new()).await.unwrap();
    let trace = Trace { question: external_id.to_owned(), ..Trace::default() };
    transaction.insert_trace(message.id, storage::traces::to_json(&trace).unwrap()).await.unwrap();
    let handoff = NewHandoff {
        conversation_id: conversation.id,
        message_id: Some(message.id),
        reason: HandoffReason::Error,
        summary: external_id.to_owned(),
        tried: vec![external_id.to_owned()],
        sources: Vec::new(),
        suggested_reply: Some(external_id.to_owned()),
        open_questions: vec![external_id.to_owned()],
        skills: Vec::new(),
    };
    transaction.insert_handoff(handoff).await.unwrap();
    transaction.update_conversation_summary(conversation.id, external_id.to_owned(), 1).await.unwrap();
    transaction.mark_learned(conversation.id, 1).await.unwrap();
    transaction.insert_memory_vectors(person.id, "m", &[([7; 32], vec![1.0, 0.5])]).await.unwrap();
    transaction.insert_memory_vectors(person.id, "m", &[([7; 32], vec![9.0])]).await.unwrap();
    let fact = NewFact {
        customer_id: person.id,
        kind: "other".to_owned(),
        text: format!("Likes {external_id}."),
        importance: 0.5,
        confidence: 0.5,
        source_message_id: Some(message.id),
        expires_at: None,
    };
    transaction.insert_fact(fact).await.unwrap();
    transaction.begin_request(&format!("{external_id} key"), &[1; 32]).await.unwrap();
    let response = format!("{{\"id\":\"{}\",\"content\":\"{external_id}\"}}", message.id);
    transaction.finish_request(&format!("{external_id} key"), 200, &response).await.unwrap();
    let now = transaction.now();
    transaction.enqueue(&AnswerTurn { conversation_id: conversation.id }, now).await.unwrap();
    let learn = LearnFacts { conversation_id: conversation.id, customer_id: person.id };
    transaction.enqueue(&learn, now).await.unwrap();
    transaction.tell("message.created", Some(conversation.id), json!({ "content": external_id }));
    let case = Case { id: message.id.to_string(), question: external_id.to_owned(), ..Case::default() };
    transaction.put_dataset(external_id_free(external_id), "conversations", &[case]).await.unwrap();
    person.id
}

/// A dataset's name is the desk's own words.
fn external_id_free(external_id: &str) -> &'static str {
    if external_id == CANARY { "one" } else { "other" }
}

async fn tell(database: &Database) -> (OrganizationId, CustomerId) {
    let desk = database.found_desk("Acme").await.unwrap();
    let id = desk.organization.id;
    let mut transaction = database.of(id).begin().await.unwrap();
    let erased = somebody(&mut transaction, &desk, CANARY).await;
    let kept = somebody(&mut transaction, &desk, "neighbour").await;
    transaction.commit().await.unwrap();
    let tenant = database.of(id);
    let filter = storage::conversations::ConversationFilter { customer: Some(erased), ..Default::default() };
    let conversation = tenant.list_conversations(&filter, 10).await.unwrap().remove(0);
    let said = tenant.list_messages(conversation.id, 0, 10).await.unwrap();
    assert_eq!(said[0].attachments[0].text, CANARY);
    let marks = tenant.load_memory_marks(conversation.id).await.unwrap();
    assert_eq!((marks.customer_id, marks.learned_seq, marks.summary_seq), (erased, 1, 1));
    let vectors = tenant.find_memory_vectors(erased, "m", &[[7; 32], [8; 32]]).await.unwrap();
    assert_eq!(vectors.into_iter().collect::<Vec<_>>(), vec![([7; 32], vec![1.0, 0.5])]);
    assert!(tenant.find_memory_vectors(kept, "other", &[[7; 32]]).await.unwrap().is_empty());
    assert_eq!(tenant.list_earlier_messages(erased, conversation.id, 1, 10).await.unwrap(), vec![]);
    assert_eq!(tenant.list_earlier_messages(erased, conversation.id, 2, 10).await.unwrap().len(), 1);
    let setting = tenant.load_setting(conversation.id).await.unwrap();
    assert_eq!((setting.summary_seq, setting.has_other_conversations), (1, false));
    let mut fact = tenant.list_all_facts(erased, 10).await.unwrap().remove(0);
    fact.confidence = 1.0;
    let stranger = database.insert_organization("Other").await.unwrap().id;
    assert!(matches!(database.of(stranger).load_fact(erased, fact.id).await, Err(Error::NotFound { .. })));
    assert!(matches!(database.of(stranger).load_memory_marks(conversation.id).await, Err(Error::NotFound { .. })));
    assert!(matches!(tenant.load_fact(kept, fact.id).await, Err(Error::NotFound { .. })));

    let mut transaction = tenant.begin().await.unwrap();
    transaction.update_fact(&fact).await.unwrap();
    transaction.delete_customer(erased).await.unwrap();
    assert!(matches!(transaction.delete_customer(erased).await, Err(Error::NotFound { .. })));
    transaction.commit().await.unwrap();
    assert!(tenant.is_erased(CANARY).await.unwrap());
    assert!(
        tenant.is_erased(&format!("{CANARY} elsewhere")).await.unwrap(),
        "nor do they come back by another channel"
    );
    assert!(!database.of(stranger).is_erased(CANARY).await.unwrap());
    let mut transaction = tenant.begin().await.unwrap();
    assert!(matches!(transaction.upsert_customer(&customer(CANARY)).await, Err(Error::Erased)));
    transaction.rollback().await.unwrap();

    // The neighbour has everything still.
    assert_eq!(tenant.list_all_facts(kept, 10).await.unwrap().len(), 1);
    assert_eq!(tenant.find_memory_vectors(kept, "m", &[[7; 32]]).await.unwrap().len(), 1);
    assert_eq!(database.list_jobs(None, 100).await.unwrap().len(), 2);
    let datasets = tenant.list_datasets(storage::Keyset::start(), 10).await.unwrap();
    let mut counts: Vec<(String, i64)> = datasets.into_iter().map(|dataset| (dataset.name, dataset.cases)).collect();
    counts.sort();
    assert_eq!(counts, [("one".to_owned(), 0), ("other".to_owned(), 1)]);
    (id, kept)
}

#[tokio::test]
async fn sqlite_keeps_no_byte_of_an_erased_customer() {
    let (database, folder) = databases::sqlite().await;
    let (id, _) = tell(&database).await;
    database.scrub_freed_pages().await.unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!holds(CANARY), "{}", path.display());
    }
    assert!(
        std::fs::read(folder.path().join("desk.sqlite")).unwrap().windows(9).any(|window| window == b"neighbour"),
        "the search finds what is there"
    );
    readmit(&database, id).await;
}

#[tokio::test]
async fn postgres_keeps_no_row_of_an_erased_customer() {
    let Some((database, test_database)) = databases::postgres().await else { return };
    let (id, _) = tell(&database).await;
    database.scrub_freed_pages().await.unwrap();
    let pool = PgPool::connect(&test_database.url).await.unwrap();
    let mut transaction = pool.begin().await.unwrap();
    sqlx::query("set local app.organization_id = '*'").execute(&mut *transaction).await.unwrap();
    let tables = sqlx::query("select table_name::text from information_schema.tables where table_schema = 'public'")
        .fetch_all(&mut *transaction)
        .await
        .unwrap();
    let mut seen = 0;
    for table in tables {
        let table: String = table.get(0);
        for (word, expected) in [(CANARY, 0), ("neighbour", i64::MAX)] {
            let text = format!("select count(*) from \"{table}\" t where to_jsonb(t)::text like '%{word}%'");
            let found: i64 = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_one(&mut *transaction).await.unwrap().get(0);
            assert!(found <= expected, "{table} holds {found} rows with {word}");
            seen += i64::from(word != CANARY && found > 0);
        }
    }
    assert!(seen > 8, "the search finds what is there: {seen}");
    transaction.rollback().await.unwrap();
    readmit(&database, id).await;
}

async fn readmit(database: &Database, id: OrganizationId) {
    let mut transaction = database.of(id).begin().await.unwrap();
    assert!(transaction.delete_tombstone(CANARY).await.unwrap());
    assert!(!transaction.delete_tombstone(CANARY).await.unwrap());
    transaction.upsert_customer(&customer(CANARY)).await.unwrap();
    transaction.commit().await.unwrap();
}
