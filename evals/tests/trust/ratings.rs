//! Labels from what people thought of answers.

use crate::desk::Bed;
use answering::calibrate::{fitted, told};
use domain::calibration::LABELS_MIN;
use domain::message::Sender;
use storage::feedback::Rating;
use storage::messages::NewMessage;

const REFUNDS: &str = "Refunds take 14 days after we receive the bike.";

#[tokio::test]
async fn ratings_and_corrections_are_labels_and_too_few_of_them_are_refused() {
    let bed = Bed::new(|_| format!("{REFUNDS} [1]")).await;
    bed.publish("refunds", "Refunds", REFUNDS).await;
    let asked = async |more: &str| {
        bed.customer_says(&format!("How long do refunds take after you receive the bike? {more}")).await
    };
    let (good, poor, corrected, _unjudged) =
        (asked("Please.").await, asked("Thanks!").await, asked("Now?").await, asked("Hi.").await);
    let tenant = bed.desk.database.of(bed.organization_id);
    let mut transaction = tenant.begin().await.unwrap();
    transaction.upsert_feedback(good, Rating::Good, None).await.unwrap();
    transaction.upsert_feedback(poor, Rating::Poor, None).await.unwrap();
    let reply = tenant.load_message(corrected).await.unwrap();
    let id = transaction.id();
    let correction = NewMessage {
        id,
        conversation_id: reply.conversation_id,
        channel_id: bed.home.channels[0].id,
        seq: reply.seq + 1,
        sender: Sender::Agent,
        sender_id: None,
        content: "It is 30 days since June.".to_owned(),
        external_id: None,
        delivery: None,
        reply: None,
    };
    transaction.insert_message(correction).await.unwrap();
    transaction.commit().await.unwrap();

    let mut labels: Vec<_> = told(&bed.desk, bed.organization_id, bed.assistant.id)
        .await
        .unwrap()
        .into_iter()
        .map(|told| (told.message_id, told.origin, told.label.right, told.label.confidence > 0.0))
        .collect();
    labels.sort();
    let mut expected =
        vec![(good, "ratings", true, true), (poor, "ratings", false, true), (corrected, "corrections", false, true)];
    expected.sort();
    assert_eq!(labels, expected);

    let refused = fitted(&bed.desk, bed.organization_id, bed.assistant.id).await.unwrap_err().to_string();
    assert_eq!(
        refused,
        format!("3 answers were rated or corrected; at least {} more are needed to calibrate", LABELS_MIN - 3)
    );
}
