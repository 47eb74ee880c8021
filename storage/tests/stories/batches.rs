//! The story of the playground's batches, and of what is counted and erased of answers.

use crate::databases::{new_customer, not_found};
use domain::message::{Citation, Decision, Sender};
use domain::trace::Trace;
use domain::usage::TokenUsage;
use domain::{BatchId, DocumentId, OrganizationId};
use serde_json::{Map, json};
use std::time::Duration;
use storage::batches::{ANSWERS_MAX, BATCHES_MAX, NewBatch, NewBatchAnswer};
use storage::conversations::NewConversation;
use storage::feedback::Rating;
use storage::messages::{NewMessage, Reply};
use storage::organizations::Desk;
use storage::{Database, Error, Keyset};

stories! { answers_are_kept_with_their_ratings batches_have_limits_and_go_with_their_customer uses_of_documents_are_counted_by_message }

fn answer(batch_id: BatchId, trace: &Trace) -> NewBatchAnswer<'_> {
    NewBatchAnswer {
        batch_id,
        question: "How long?",
        content: "Five days.",
        decision: Decision::Answer,
        handoff_reason: None,
        confidence: Some(0.75),
        trace,
    }
}

async fn answers_are_kept_with_their_ratings(database: &Database) {
    let desk = database.found_desk("Acme").await.unwrap();
    let (id, assistant_id) = (desk.organization.id, desk.assistant.id);
    let stranger = database.insert_organization("Other").await.unwrap().id;
    let trace = Trace { question: "How long?".into(), ..Trace::default() };
    let new = NewBatch { assistant_id, customer_id: None, setup: json!({ "settings": { "passages_max": 2 } }) };
    let batch = within!(database, id, transaction => {
        let batch = transaction.insert_batch(new).await.unwrap();
        assert_eq!(transaction.insert_batch_answer(answer(batch, &trace)).await.unwrap(), 1);
        assert_eq!(transaction.insert_batch_answer(answer(batch, &trace)).await.unwrap(), 2);
        transaction.rate_batch_answer(batch, 1, Some(Rating::Poor)).await.unwrap();
        transaction.rate_batch_answer(batch, 2, Some(Rating::Good)).await.unwrap();
        transaction.rate_batch_answer(batch, 2, None).await.unwrap();
        assert!(not_found(&transaction.rate_batch_answer(batch, 3, None).await));
        batch
    });
    let tenant = database.of(id);
    let loaded = tenant.load_batch(batch).await.unwrap();
    assert_eq!((loaded.answers, loaded.rated, &loaded.setup["settings"]["passages_max"]), (2, 1, &json!(2)));
    assert_eq!(tenant.list_batches(Keyset::start(), 10).await.unwrap(), std::slice::from_ref(&loaded));
    assert!(tenant.list_batches(Keyset::at(loaded.created_at, loaded.id), 10).await.unwrap().is_empty());
    let answers = tenant.list_batch_answers(batch, 0, 10).await.unwrap();
    assert_eq!(answers.iter().map(|one| one.rating).collect::<Vec<_>>(), [Some(Rating::Poor), None]);
    assert_eq!(tenant.list_batch_answers(batch, 1, 10).await.unwrap(), answers[1..]);
    assert_eq!(tenant.load_batch_answer(batch, 2).await.unwrap(), answers[1]);
    assert!(not_found(&tenant.load_batch_answer(batch, 3).await));
    assert_eq!(tenant.load_batch_trace(batch, 1).await.unwrap().question, "How long?");
    assert!(not_found(&database.of(stranger).load_batch(batch).await));
    assert!(not_found(&database.of(stranger).load_batch_trace(batch, 1).await));
    assert!(database.of(stranger).list_batch_answers(batch, 0, 10).await.unwrap().is_empty());
    within!(database, stranger, transaction => {
        assert!(not_found(&transaction.delete_batch(batch).await));
        assert!(not_found(&transaction.rate_batch_answer(batch, 1, None).await));
        assert!(not_found(&transaction.insert_batch_answer(answer(batch, &trace)).await));
        let later = transaction.now() + Duration::from_secs(1);
        assert_eq!(transaction.delete_traces(later).await.unwrap(), 0);
    });
    within!(database, id, transaction => transaction.delete_batch(batch).await.unwrap());
    assert!(not_found(&tenant.load_batch(batch).await));
    assert!(tenant.list_batch_answers(batch, 0, 10).await.unwrap().is_empty());
}

async fn batches_have_limits_and_go_with_their_customer(database: &Database) {
    let desk = database.found_desk("Acme").await.unwrap();
    let (id, assistant_id) = (desk.organization.id, desk.assistant.id);
    let trace = Trace::default();
    let new = |customer_id| NewBatch { assistant_id, customer_id, setup: json!({}) };
    let (ada, other) = within!(database, id, transaction => {
        let ada = transaction.upsert_customer(&new_customer(Some("ada"), None)).await.unwrap();
        (ada, transaction.upsert_customer(&new_customer(Some("other"), None)).await.unwrap())
    });
    let (first, hers) = within!(database, id, transaction => {
        let first = transaction.insert_batch(new(None)).await.unwrap();
        let hers = transaction.insert_batch(new(Some(other.id))).await.unwrap();
        for _ in 0..ANSWERS_MAX {
            transaction.insert_batch_answer(answer(hers, &trace)).await.unwrap();
        }
        let full = transaction.insert_batch_answer(answer(hers, &trace)).await;
        assert!(matches!(full, Err(Error::Conflict(_))));
        for _ in 2..=BATCHES_MAX {
            transaction.insert_batch(new(None)).await.unwrap();
        }
        transaction.merge_customers(&ada, &other).await.unwrap();
        (first, hers)
    });
    let tenant = database.of(id);
    assert!(not_found(&tenant.load_batch(first).await), "the oldest makes room");
    assert_eq!(tenant.load_batch(hers).await.unwrap().customer_id, Some(ada.id), "merged with its customer");
    within!(database, id, transaction => transaction.delete_customer(ada.id).await.unwrap());
    assert!(not_found(&tenant.load_batch(hers).await), "erased with its customer");
    let later = tenant.now() + Duration::from_secs(1);
    assert_eq!(within!(database, id, transaction => transaction.delete_traces(later).await.unwrap()), 49);
    within!(database, id, transaction => transaction.insert_batch(new(None)).await.unwrap());
    assert_eq!(database.delete_traces(later + Duration::from_hours(1)).await.unwrap(), 1);
}

fn citation(index: usize, document_id: DocumentId) -> Citation {
    let text = String::new;
    Citation {
        index,
        document_id,
        version: 1,
        external_id: None,
        url: None,
        title: text(),
        quote: text(),
        start: 0,
        end: 0,
    }
}

async fn reply(database: &Database, desk: &Desk, citations: Vec<Citation>, sender: Sender) {
    within!(database, desk.organization.id, transaction => {
        let customer_id = transaction.upsert_customer(&new_customer(Some("ada"), None)).await.unwrap().id;
        let channel_id = desk.channels[0].id;
        let new = NewConversation { customer_id, channel_id, assistant_id: desk.assistant.id, title: None, metadata: Map::new() };
        let conversation = transaction.insert_conversation(new).await.unwrap();
        let conversation = transaction.append_for_customer(conversation.id).await.unwrap();
        let message = NewMessage {
            id: transaction.id(),
            conversation_id: conversation.id,
            channel_id,
            seq: conversation.last_seq,
            sender,
            sender_id: None,
            content: "Five days. [1]".into(),
            external_id: None,
            delivery: None,
            reply: Some(Reply {
                turn_id: transaction.id(),
                in_reply_to: Vec::new(),
                decision: Decision::Answer,
                handoff_reason: None,
                confidence: Some(0.8),
                model: None,
                usage: TokenUsage::default(),
                cost_micro_usd: 0,
                citations,
            }),
        };
        transaction.insert_message(message).await.unwrap();
    });
}

async fn uses_of_documents_are_counted_by_message(database: &Database) {
    let desk = database.found_desk("Acme").await.unwrap();
    let id: OrganizationId = desk.organization.id;
    let stranger = database.insert_organization("Other").await.unwrap().id;
    let document = || -> DocumentId { database.clock().id() };
    let (refunds, prices, unused) = (document(), document(), document());
    reply(database, &desk, vec![citation(1, refunds), citation(2, refunds), citation(3, prices)], Sender::Ai).await;
    reply(database, &desk, vec![citation(1, refunds)], Sender::Ai).await;
    reply(database, &desk, vec![citation(1, refunds)], Sender::Agent).await;
    reply(database, &desk, Vec::new(), Sender::Ai).await;
    let tenant = database.of(id);
    let hour = Duration::from_hours(1);
    let all = [refunds, prices, unused];
    let mut counted = tenant.count_citing_messages(&all, tenant.now() - hour).await.unwrap();
    counted.sort_by_key(|(_, count)| *count);
    assert_eq!(counted, [(prices, 1), (refunds, 2)]);
    assert_eq!(tenant.count_citing_messages(&[prices], tenant.now() - hour).await.unwrap(), [(prices, 1)]);
    assert!(tenant.count_citing_messages(&all, tenant.now() + hour).await.unwrap().is_empty());
    assert!(database.of(stranger).count_citing_messages(&all, tenant.now() - hour).await.unwrap().is_empty());
}
