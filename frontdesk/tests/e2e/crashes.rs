//! Processes are killed, frozen and restarted; what was accepted is answered once, in order.

use crate::{FRONTDESK, TestDesk, postgres};
use domain::handoff::HandoffReason;
use domain::message::Decision;
use frontdesk::bench::bed::{Bed, WorkerProcess, until};
use std::time::Duration;
use tokio::time::Instant;

/// The longest a restarted desk may take for its first answer.
const FIRST_ANSWER_MAX: Duration = Duration::from_secs(5);
/// Longer than any of these stories takes on a busy machine.
const LONGEST: Duration = Duration::from_mins(1);

/// Forty kills over 1,500 messages in 50 conversations with two workers; the command checks storage. How soon
/// an orphan is picked up is the command's to judge, on a machine that does nothing else.
async fn forty_kills(more: &[&str]) {
    let run = tokio::process::Command::new(FRONTDESK)
        .args([
            "--json",
            "bench",
            "crash",
            "--messages",
            "1500",
            "--conversations",
            "50",
            "--kills",
            "40",
            "--workers",
            "2",
        ])
        .args(more)
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    let shown: serde_json::Value =
        serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}{}", String::from_utf8_lossy(&run.stderr)));
    let figure = |name: &str| shown[name].as_u64().unwrap();
    assert_eq!((figure("messages"), figure("kills")), (1500, 40), "{shown}");
    assert_eq!((figure("lost"), figure("doubled"), figure("out_of_order")), (0, 0, 0), "{shown}");
    assert!(figure("orphans") > 0, "no kill met a running job: {shown}");
    assert!(figure("wasted_percent") <= 10, "{shown}");
}

#[tokio::test]
async fn forty_kills_lose_nothing_on_sqlite() {
    forty_kills(&[]).await;
}

#[tokio::test]
async fn forty_kills_lose_nothing_on_postgresql() {
    let Some(server) = postgres::server() else { return };
    let database = server.create_database().await;
    forty_kills(&["--database-url", &database.url]).await;
}

/// Waits until the model is asked for the message with that marker more than `calls` times.
async fn asked(desk: &TestDesk, marker: &str, calls: u64) {
    until("the model to be asked", LONGEST, async || Ok((desk.calls(marker) > calls).then_some(()))).await.unwrap();
}

#[tokio::test]
async fn a_restarted_desk_answers_within_five_seconds_what_the_killed_one_was_thinking_about() {
    let mut desk = TestDesk::open("").await;
    let conversation = desk.customer("ann").await;
    let mut worker = desk.worker().await;
    let text = format!("{} m:first fault:slow:1", Bed::question(0));
    let message = desk.customer_says(conversation, "first", &text).await;
    asked(&desk, "first", 0).await;
    worker.kill().await.unwrap();
    let restarted = Instant::now();
    let _worker = desk.worker().await;
    let reply = desk.bed.reply_to(&message, LONGEST).await.unwrap();
    assert_eq!(reply.decision, Some(Decision::Answer));
    assert!(restarted.elapsed() <= FIRST_ANSWER_MAX, "{} ms", restarted.elapsed().as_millis());
}

/// Freezes the worker at a moment when it does not hold the one write lock of SQLite, which nobody
/// could take from it.
async fn freeze(desk: &TestDesk, worker: &WorkerProcess) {
    loop {
        worker.signal("STOP").await.unwrap();
        let writing = tokio::time::timeout(Duration::from_secs(1), desk.bed.wired.desk.database.begin()).await;
        if let Ok(transaction) = writing {
            transaction.unwrap().rollback().await.unwrap();
            return;
        }
        worker.signal("CONT").await.unwrap();
    }
}

#[tokio::test]
async fn a_worker_frozen_past_its_lease_says_nothing_when_it_wakes() {
    let mut desk = TestDesk::open("worker.lease_s = 3").await;
    let conversation = desk.customer("ann").await;
    let frozen = desk.worker().await;
    let text = format!("{} m:first fault:slow:1", Bed::question(0));
    let message = desk.customer_says(conversation, "first", &text).await;
    asked(&desk, "first", 0).await;
    freeze(&desk, &frozen).await;
    let _other = desk.worker().await;
    let reply = desk.bed.reply_to(&message, LONGEST).await.unwrap();
    frozen.signal("CONT").await.unwrap();
    until("the frozen worker to notice", LONGEST, async || {
        Ok(frozen.said().contains("the lease was lost").then_some(()))
    })
    .await
    .unwrap();
    let ledger = desk.ledger().await;
    assert!(ledger.is_whole() && ledger.replies == 1, "{ledger:?}");
    assert_eq!(desk.bed.reply_to(&message, LONGEST).await.unwrap(), reply);
}

#[tokio::test]
async fn a_message_that_takes_its_process_down_is_handed_over_and_the_others_are_answered() {
    let mut desk = TestDesk::open("worker.lease_s = 3").await;
    let poison = desk.customer("poison").await;
    let text = format!("{} m:poison fault:slow", Bed::question(0));
    let poison = desk.customer_says(poison, "poison", &text).await;
    let mut others = Vec::new();
    for nth in 0..12 {
        let conversation = desk.customer(&format!("customer-{nth}")).await;
        let id = format!("other-{nth}");
        others.push(desk.customer_says(conversation, &id, &format!("{} m:{id}", Bed::question(nth))).await);
    }
    let mut worker = desk.worker().await;
    let tenant = desk.bed.wired.desk.database.of(desk.bed.wired.organization_id());
    let mut crashes = 0;
    let handed_over = until("the handover", LONGEST, async || {
        // Its process dies whenever the model is asked about it.
        if desk.calls("poison") > crashes {
            worker.kill().await?;
            crashes += 1;
            worker = desk.worker().await;
        }
        Ok(tenant.find_reply_to(&poison).await.unwrap())
    })
    .await
    .unwrap();
    assert!(crashes <= 3, "{crashes} crashes");
    assert_eq!(handed_over.handoff_reason, Some(HandoffReason::Error));
    for other in &others {
        let reply = desk.bed.reply_to(other, LONGEST).await.unwrap();
        assert_eq!(reply.decision, Some(Decision::Answer), "{}", reply.content);
    }
    assert!(desk.ledger().await.is_whole());
}

#[tokio::test]
async fn a_burst_of_three_messages_has_one_reply() {
    let mut desk = TestDesk::open("answering.debounce_ms = 300").await;
    let _worker = desk.worker().await;
    let conversation = desk.customer("ann").await;
    let mut last = None;
    for id in ["one", "two", "three"] {
        last = Some(desk.customer_says(conversation, id, &format!("{} m:{id}", Bed::question(0))).await);
    }
    let reply = desk.bed.reply_to(&last.unwrap(), LONGEST).await.unwrap();
    assert_eq!(reply.in_reply_to.len(), 3);
    desk.bed.drained(LONGEST).await.unwrap();
    let ledger = desk.ledger().await;
    assert!(ledger.is_whole() && ledger.replies == 1, "{ledger:?}");
}

#[tokio::test]
async fn more_messages_than_a_turn_reads_are_all_answered() {
    let mut desk = TestDesk::open("").await;
    let conversation = desk.customer("ann").await;
    for nth in 0..230 {
        let id = format!("message-{nth}");
        desk.customer_says(conversation, &id, &format!("{} m:{id}", Bed::question(0))).await;
    }
    let _worker = desk.worker().await;
    desk.bed.drained(LONGEST).await.unwrap();
    let ledger = desk.ledger().await;
    assert!(ledger.is_whole() && ledger.messages == 230, "{ledger:?}");
}
