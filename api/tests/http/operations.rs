use crate::support::TestDesk;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn operators_see_whether_it_lives_is_ready_and_what_it_counts() {
    let desk = TestDesk::new().await;
    assert_eq!(desk.get("/healthz").await.expect(200), json!({ "status": "ok" }));
    let ready = desk.get("/readyz").await.expect(200);
    assert_eq!(ready["checks"], json!({ "database": "ok", "index": "ok" }));
    let metrics = desk.get("/metrics").await;
    assert!(metrics.headers["content-type"].to_str().unwrap().starts_with("text/plain"));
    desk.database().close().await.unwrap();
    let gone = desk.get("/readyz").await;
    assert_eq!(gone.status, 503);
}

#[test]
fn every_operation_has_an_address_and_a_name_of_its_own() {
    let openapi = serde_json::to_value(api::openapi()).unwrap();
    let mut lines = Vec::new();
    let mut names = BTreeSet::new();
    for (path, item) in openapi["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name} is there twice");
            assert!(operation["responses"]["default"].is_object(), "{name} says nothing of failures");
            assert!(operation["summary"].is_string(), "{name} says nothing of itself");
            lines.push(format!("{path} {} {name}", method.to_uppercase()));
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    fn references(value: &serde_json::Value, found: &mut BTreeSet<String>) {
        match value {
            serde_json::Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(|name| name.as_str()).map(str::to_owned));
                fields.values().for_each(|value| references(value, found));
            }
            serde_json::Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            serde_json::Value::Null
            | serde_json::Value::Bool(_)
            | serde_json::Value::Number(_)
            | serde_json::Value::String(_) => {}
        }
    }
    let openapi = serde_json::to_value(api::openapi()).unwrap();
    let mut found = BTreeSet::new();
    references(&openapi, &mut found);
    assert!(found.len() > 20);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(openapi.pointer(pointer).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn the_docs_page_needs_no_network_and_runs_only_its_own_script() {
    let desk = TestDesk::new().await;
    let page = desk.get("/docs").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("script-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    let text = page.body.as_str().unwrap();
    assert!(text.contains("/openapi.json") && !text.contains("{script}"));
    assert!(!text.contains("https://") && !text.contains("src=\""), "nothing is loaded from elsewhere");
    let document = desk.get("/openapi.json").await.expect(200);
    assert_eq!(document["openapi"], "3.1.0");
}

#[tokio::test]
async fn a_running_server_ends_its_streams_when_it_is_told_to_stop() {
    let desk = TestDesk::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let mut server = JoinSet::new();
    server.spawn(api::serve(listener, desk.state.clone(), stop.clone()));
    let mut client = TcpStream::connect(address).await.unwrap();
    let head = format!("GET /v1/events HTTP/1.1\r\nhost: desk\r\nauthorization: Bearer {}\r\n\r\n", desk.key);
    client.write_all(head.as_bytes()).await.unwrap();
    let mut first = [0u8; 15];
    client.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(5), server.join_next()).await;
    ended.expect("the server ends at once").unwrap().unwrap().unwrap();
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.unwrap();
    assert!(rest.ends_with(b"0\r\n\r\n"), "the stream ended properly");
}
