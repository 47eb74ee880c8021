//! The model fails in every way it can; each message is answered or handed over in time.

use crate::TestDesk;
use domain::handoff::HandoffReason;
use domain::message::{Decision, Message};
use frontdesk::bench::bed::Bed;
use std::time::Duration;

/// By when a message is answered or handed over, and what waiting and writing may add to it.
const DEADLINE: Duration = Duration::from_secs(6);
const AROUND: Duration = Duration::from_secs(3);
/// Model calls for one message at most.
const CALLS_MAX: u64 = 4;

const SETTINGS: &str = "
    [answering]
    deadline_s = 6
    [llm]
    connect_timeout_ms = 500
    idle_timeout_ms = 700
    timeout_ms = 1500
";

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Answered,
    HandedOver,
}

/// Faults, and what they end in: those of every call, and those that pass.
const FAULTS: [(&str, End); 16] = [
    ("timeout", End::HandedOver),
    ("429", End::HandedOver),
    ("429-retry-after", End::HandedOver),
    ("insufficient_quota", End::HandedOver),
    ("500", End::HandedOver),
    ("cut_stream", End::HandedOver),
    ("malformed", End::HandedOver),
    ("empty_choices", End::HandedOver),
    ("slow", End::HandedOver),
    ("absurd_usage", End::Answered),
    ("timeout:1", End::Answered),
    ("429:1", End::Answered),
    ("429-retry-after:1", End::Answered),
    ("500:2", End::Answered),
    ("cut_stream:1", End::Answered),
    ("malformed:1", End::Answered),
];

#[tokio::test]
async fn whatever_the_model_does_every_message_is_answered_or_handed_over_in_time() {
    let mut desk = TestDesk::open(SETTINGS).await;
    let _worker = desk.worker().await;
    let mut sent = Vec::new();
    for (nth, (fault, end)) in FAULTS.into_iter().enumerate() {
        let conversation = desk.customer(fault).await;
        let id = format!("message-{nth}");
        let text = format!("{} m:{id} fault:{fault}", Bed::question(0));
        sent.push((fault, end, desk.customer_says(conversation, &id, &text).await));
    }
    for (fault, end, message) in &sent {
        let reply = desk.bed.reply_to(message, DEADLINE * 5).await.unwrap();
        check(fault, *end, message, &reply);
        let calls = desk.calls(message.external_id.as_deref().unwrap());
        assert!((1..=CALLS_MAX).contains(&calls), "{fault}: {calls} calls");
    }
    let ledger = desk.ledger().await;
    assert!(ledger.is_whole() && ledger.replies == FAULTS.len(), "{ledger:?}");
}

fn check(fault: &str, end: End, message: &Message, reply: &Message) {
    let said = &reply.content;
    let took_micros = reply.created_at.micros() - message.created_at.micros();
    let took = Duration::from_micros(u64::try_from(took_micros).unwrap());
    assert!(took <= DEADLINE + AROUND, "{fault}: {} ms", took.as_millis());
    match end {
        End::Answered => {
            assert_eq!(reply.decision, Some(Decision::Answer), "{fault}: {said}");
            // Whole, with its mark: never the half that a cut left.
            assert_eq!(said, "Refunds are paid back within five working days. [1]", "{fault}");
        }
        End::HandedOver => {
            assert_eq!(reply.handoff_reason, Some(HandoffReason::ModelUnavailable), "{fault}: {said}");
            assert!(!said.contains("Refunds are"), "{fault}: {said}");
        }
    }
    if fault == "absurd_usage" {
        assert!((0..100_000).contains(&reply.input_tokens) && (0..100_000).contains(&reply.output_tokens), "{reply:?}");
        assert!(reply.usage_estimated);
    }
}
