//! A model that an organization connects while the desk runs: its answers come from it, also after a restart.

use crate::TestDesk;
use crate::served::Served;
use domain::handoff::HandoffReason;
use domain::message::{Decision, Message};
use frontdesk::bench::bed::Bed;
use frontdesk::bench::stub_model::RunningStub;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

const KEY: &str = "sk-nobody-else-may-read-this";
/// Longer than any of these answers takes on a busy machine.
const LONGEST: Duration = Duration::from_mins(1);

/// A desk that quotes its knowledge, may reach the stub, and has the stub's address.
async fn open() -> (TestDesk, String) {
    let stub = RunningStub::start("0").await.unwrap();
    let base_url = stub.settings()["llm"]["base_url"].as_str().unwrap().to_owned();
    let host = base_url.trim_start_matches("http://").trim_end_matches("/v1");
    let settings = format!("[llm]\nallow_private_hosts = ['{host}']");
    let bed = Bed::open(None, settings.parse().unwrap()).await.unwrap();
    bed.learn().await.unwrap();
    (TestDesk { bed, stub, sent: HashMap::new() }, base_url)
}

/// The reply to a question under a marker that the stub counts.
async fn reply(desk: &mut TestDesk, marker: &str) -> Message {
    let conversation = desk.customer(marker).await;
    let text = format!("{} m:{marker}", Bed::question(0));
    let message = desk.customer_says(conversation, marker, &text).await;
    desk.bed.reply_to(&message, LONGEST).await.unwrap()
}

#[tokio::test]
async fn a_connected_model_survives_a_restart_and_its_key_is_never_on_the_disk_in_clear() {
    let (mut desk, base_url) = open().await;
    let mut served = Served::up(&desk).await;
    let quoted = reply(&mut desk, "before").await;
    assert_eq!((quoted.decision, desk.calls("before")), (Some(Decision::Answer), 0));
    let typed = json!({ "base_url": base_url, "model": "ann-1", "api_key": KEY });
    assert_eq!(served.call("POST", "/models/test", typed.clone()).await.0, 200);
    assert_eq!(served.call("PUT", "/settings/model", typed).await.0, 200);
    let written = reply(&mut desk, "first").await;
    assert_eq!((written.decision, desk.calls("first")), (Some(Decision::Answer), 1), "from the next message on");
    assert_ne!(written.model, quoted.model);
    served.stop().await;

    let data = desk.bed.folder_path().join("data");
    let key_file = data.join("secret.key");
    assert_eq!(std::fs::metadata(&key_file).unwrap().permissions().mode() & 0o777, 0o600);
    // Another process looks: who closes a database file that it has open elsewhere loses its locks.
    let mut grep = Command::new("grep");
    let found = grep.args(["-rlF", KEY]).arg(desk.bed.folder_path()).output().unwrap();
    assert_eq!((found.status.code(), String::from_utf8(found.stdout).unwrap().as_str()), (Some(1), ""));
    let mut again = Served::up(&desk).await;
    assert_eq!(reply(&mut desk, "second").await.decision, Some(Decision::Answer));
    assert_eq!(desk.calls("second"), 1);
    again.stop().await;

    std::fs::write(&key_file, "ab".repeat(32)).unwrap();
    let mut closed = Served::up(&desk).await;
    let handed_over = reply(&mut desk, "third").await;
    assert_eq!(handed_over.handoff_reason, Some(HandoffReason::ModelUnavailable), "{handed_over:?}");
    assert_eq!(desk.calls("third"), 0);
    assert_eq!(served_hint(&closed).await, json!(true));
    assert_eq!(closed.call("DELETE", "/settings/model", Value::Null).await.0, 204);
    assert_eq!(reply(&mut desk, "fourth").await.model, quoted.model);
    closed.stop().await;
}

/// Whether a model whose key does not open is still shown as having one.
async fn served_hint(served: &Served) -> Value {
    served.call("GET", "/settings/model", Value::Null).await.1["has_key"].clone()
}
