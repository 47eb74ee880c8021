//! A customer is erased: before, the export holds everything; after, no file and no row holds a word of theirs.

use crate::served::Served;
use crate::{TestDesk, postgres};
use domain::assistant::AssistantSettings;
use domain::conversation::ConversationStatus;
use domain::job::{Job, JobState, ScrubPages, Work};
use frontdesk::bench::bed::until;
use serde_json::{Value, json};
use sqlx::Row;
use sqlx::postgres::PgPool;
use std::path::Path;
use std::time::Duration;
use storage::batches::NewBatch;
use storage::conversations::ConversationChange;
use storage::{Database, SqliteSettings};
use worker::jobs::delete_expired::{Retention, run};

/// Longer than any of these stories takes on a busy machine.
const LONGEST: Duration = Duration::from_mins(2);
/// Stands in everything that is said of one customer, and `KEPT` in what is said of another.
const CANARY: &str = "zebracanary7741";
const KEPT: &str = "ottercanary5512";
/// Everything is logged that can be.
const SETTINGS: &str = "
    [answering]
    learn_after_s = 0
    [log]
    level = \"debug\"
";

/// A customer with one of everything, each with the word in it; their id.
async fn somebody(desk: &TestDesk, served: &Served, word: &str) -> String {
    desk.stub.script(
        "decide what is worth remembering about the customer",
        &json!({ "facts": [{ "action": "add", "kind": "other", "text": format!("Keeps a {word} at home."),
            "importance": 0.5, "replaces": null }] })
        .to_string(),
    );
    let customer = json!({ "external_id": format!("{word}-id"), "name": format!("{word}-name"),
        "email": format!("{word}@mail.example") });
    let conversation = served.conversation(customer).await;
    let message = json!({
        "content": format!("I keep a {word} at home. How many working days do refunds take?"),
        "external_id": format!("{word}-message"),
        "attachments": [{ "name": format!("{word}-attachment.txt"), "text": format!("{word}-attached") }],
    });
    let answered = served.post(&format!("{conversation}/messages?wait=answer"), message).await;
    let answer = answered["answer"]["id"].as_str().unwrap().to_owned();
    desk.bed.drained(LONGEST).await.unwrap();
    let read = served.get(&conversation).await;
    let customer = format!("/customers/{}", read["customer_id"].as_str().unwrap());
    served.done("PATCH", &customer, json!({ "profile": { "pet": format!("{word}-profile") } })).await;
    served.post(&format!("{customer}/facts"), json!({ "text": format!("Likes the {word}-fact") })).await;
    let identity = json!({ "channel": "widget", "external_id": format!("{word}-elsewhere") });
    served.post(&format!("{customer}/identities"), identity).await;
    let rated = json!({ "rating": "poor", "comment": format!("{word}-comment") });
    served.post(&format!("/messages/{answer}/feedback"), rated).await;
    // A second turn recalls what was learned; its trace and prompt hold it.
    served.ask(&conversation, &format!("Does the {word} count for refunds of working days?")).await;
    served.ask(&conversation, &format!("I want to talk to a human about my {word}")).await;
    served.done("PATCH", &conversation, json!({ "title": format!("{word}-title") })).await;
    served.post(&format!("{conversation}/notes"), json!({ "content": format!("{word}-note") })).await;
    let said = json!({ "content": format!("{word}-agent"), "sender": "agent" });
    served.post(&format!("{conversation}/messages"), said).await;
    served.post(&format!("{conversation}/transfer"), json!({ "reason": format!("{word}-transfer") })).await;
    desk.bed.drained(LONGEST).await.unwrap();
    customer
}

/// Files below the folder that hold the word, as grep sees them.
async fn files_with(folder: &Path, word: &str) -> Vec<String> {
    let found = tokio::process::Command::new("grep").args(["-rla", word]).arg(folder).output().await.unwrap();
    String::from_utf8_lossy(&found.stdout).lines().map(str::to_owned).collect()
}

/// Waits until the pages that became free are overwritten.
async fn scrubbed(desk: &TestDesk) {
    desk.bed.drained(LONGEST).await.unwrap();
    until("the pages to be overwritten", LONGEST, async || {
        let jobs = desk.bed.wired.desk.database.list_jobs(None, 1_000).await.unwrap();
        let is_done = |job: &Job| job.kind == ScrubPages::KIND && job.state == JobState::Completed;
        Ok(jobs.iter().any(is_done).then_some(()))
    })
    .await
    .unwrap();
}

/// Tells the story up to the erasing; the desk and its stopped process are given back.
async fn erased(database_url: Option<&str>) -> TestDesk {
    let desk = TestDesk::open_on(database_url, SETTINGS).await;
    let mut served = Served::up(&desk).await;
    somebody(&desk, &served, KEPT).await;
    let customer = somebody(&desk, &served, CANARY).await;

    let export = served.post(&format!("{customer}/export"), Value::Null).await;
    let whole = export.to_string();
    assert_eq!(export["complete"], true);
    for part in [
        "-id",
        "-name",
        "@mail.example",
        " at home",
        "-message",
        "-attachment.txt",
        "-attached",
        "-profile",
        "-fact",
        "-elsewhere",
        "-comment",
        "-title",
        "-note",
        "-agent",
        "-transfer",
    ] {
        assert!(whole.contains(&format!("{CANARY}{part}")), "`{part}` is missing: {export:#}");
    }
    assert!(whole.contains(&format!("Keeps a {CANARY} at home.")) && !whole.contains(KEPT), "{export:#}");
    if database_url.is_none() {
        assert!(!files_with(desk.bed.folder_path(), CANARY).await.is_empty(), "the search finds what is there");
    }

    served.done("DELETE", &customer, Value::Null).await;
    scrubbed(&desk).await;
    for known in ["-id", "-elsewhere"] {
        let back = json!({ "customer": format!("{CANARY}{known}"), "channel": "widget" });
        let (status, problem) = served.call("POST", "/conversations", back).await;
        assert_eq!((status, &problem["code"]), (409, &json!("customer_erased")), "{known}: {problem:#}");
    }
    let (status, _) = served.call("GET", &customer, Value::Null).await;
    assert_eq!(status, 404);
    served.stop().await;
    desk
}

#[tokio::test]
async fn no_file_holds_a_word_of_an_erased_customer() {
    let desk = erased(None).await;
    assert_eq!(files_with(desk.bed.folder_path(), CANARY).await, Vec::<String>::new());
    assert!(!files_with(desk.bed.folder_path(), KEPT).await.is_empty());
}

#[tokio::test]
async fn no_row_and_no_log_holds_a_word_of_an_erased_customer_on_postgresql() {
    let Some(server) = postgres::server() else { return };
    let database = server.create_database().await;
    let desk = erased(Some(&database.url)).await;
    assert_eq!(files_with(desk.bed.folder_path(), CANARY).await, Vec::<String>::new());
    let pool = PgPool::connect(&database.admin_url).await.unwrap();
    let tables = sqlx::query("select table_name::text from information_schema.tables where table_schema = 'public'");
    let (mut erased, mut kept) = (Vec::new(), 0);
    for row in tables.fetch_all(&pool).await.unwrap() {
        let table: String = row.get(0);
        for word in [CANARY, KEPT] {
            let text = format!("select count(*) from \"{table}\" t where to_jsonb(t)::text like '%{word}%'");
            let count: i64 = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_one(&pool).await.unwrap().get(0);
            match (word, count) {
                (_, 0) => {}
                (CANARY, _) => erased.push(format!("{table}: {count}")),
                _ => kept += 1,
            }
        }
    }
    assert_eq!(erased, Vec::<String>::new());
    assert!(kept > 5, "the search finds what is there: {kept} tables");
}

#[tokio::test]
async fn a_desk_keeps_explanations_for_less_time_than_its_installation() {
    let folder = tempfile::tempdir().unwrap();
    let settings = SqliteSettings { flush_every_commit: false };
    let database = Database::open_sqlite(&folder.path().join("desk.sqlite"), settings).await.unwrap();
    database.migrate().await.unwrap();
    let desk = database.found_desk("Lumen").await.unwrap();
    let other = database.insert_organization("Other").await.unwrap();
    let mut settings = desk.organization.settings.clone();
    settings.retention.traces_days = 7;
    let mut kept = Vec::new();
    for (id, settings) in [(desk.organization.id, Some(settings)), (other.id, None)] {
        let mut transaction = database.of(id).begin().await.unwrap();
        if let Some(settings) = settings {
            transaction.update_organization_settings(&settings).await.unwrap();
        }
        let assistant_id = transaction.insert_assistant("Lumi", AssistantSettings::default()).await.unwrap().id;
        let batch = NewBatch { assistant_id, customer_id: None, setup: json!({}) };
        kept.push((id, transaction.insert_batch(batch).await.unwrap()));
        transaction.commit().await.unwrap();
    }
    let retention = Retention { jobs_days: 0, events_days: 0, traces_days: 90, conversations_days: 0 };
    let mut there = Vec::new();
    for days in [6, 2, 90] {
        database.clock().advance(Duration::from_hours(24 * days));
        run(database.clone(), retention).await.unwrap();
        for (id, batch) in &kept {
            there.push(database.of(*id).load_batch(*batch).await.is_ok());
        }
    }
    assert_eq!(there, [true, true, false, true, false, false]);
}

#[tokio::test]
async fn resolved_conversations_are_erased_by_the_shorter_retention_and_that_is_noted() {
    let desk = TestDesk::without_model().await;
    let (old, open) = (desk.customer("old").await, desk.customer("open").await);
    let wired = &desk.bed.wired;
    let (database, tenant) = (&wired.desk.database, wired.desk.database.of(wired.organization_id()));
    let mut settings = tenant.load_organization().await.unwrap().settings;
    settings.retention.conversations_days = 30;
    let mut transaction = tenant.begin().await.unwrap();
    transaction.update_organization_settings(&settings).await.unwrap();
    let status = Some(ConversationStatus::Resolved);
    transaction.update_conversation(old, ConversationChange { status, ..Default::default() }).await.unwrap();
    transaction.commit().await.unwrap();
    let retention = Retention { jobs_days: 0, events_days: 0, traces_days: 0, conversations_days: 365 };
    let mut there = Vec::new();
    for days in [29, 2] {
        database.clock().advance(Duration::from_hours(24 * days));
        run(database.clone(), retention).await.unwrap();
        there.push((tenant.load_conversation(old).await.is_ok(), tenant.load_conversation(open).await.is_ok()));
    }
    assert_eq!(there, [(true, true), (false, true)]);
    let audit = tenant.list_audit(storage::Keyset::start(), 10).await.unwrap();
    let noted: Vec<&str> = audit
        .iter()
        .filter(|entry| entry.action == "conversations.expired")
        .map(|entry| entry.subject.as_str())
        .collect();
    assert_eq!(noted, ["1 without a message for 30 days"]);
    let jobs = database.list_jobs(Some(JobState::Available), 10).await.unwrap();
    assert!(jobs.iter().any(|job| job.kind == ScrubPages::KIND), "what they left behind in the file is overwritten");
}
