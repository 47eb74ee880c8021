//! The stub model over HTTP: grounded answers, every fault, honest counts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use frontdesk::bench::stub_model::{Options, router};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const PASSAGES: &str = "Answer from the passages and cite them like [1].\n\n[1] Returns › Refunds\nRefunds take 5 days. Bikes differ.\n\n[2] Other\nNo.";

#[derive(clap::Parser)]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

struct Stub {
    address: String,
    client: Client,
    /// Stops serving when dropped.
    _server: JoinSet<()>,
}

impl Stub {
    async fn start(arguments: &[&str]) -> Self {
        let arguments = std::iter::once("stub").chain(arguments.iter().copied());
        let options = <Arguments as clap::Parser>::parse_from(arguments).options;
        let listener = tokio::net::TcpListener::bind(options.listen).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router(options)).await.unwrap() });
        // The reqwest of this tree brings no TLS provider of its own; the first caller installs one.
        let _already = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
        Self { address, client, _server: server }
    }

    async fn post(&self, path: &str, body: &Value) -> reqwest::Result<Response> {
        self.client.post(format!("{}{path}", self.address)).json(body).send().await
    }

    async fn chat(&self, question: &str, extra: Value) -> reqwest::Result<Response> {
        let mut body = json!({ "model": "m", "messages": [
            { "role": "system", "content": PASSAGES },
            { "role": "user", "content": "m:earlier fault:500" },
            { "role": "assistant", "content": "hm" },
            { "role": "user", "content": [{ "type": "text", "text": question }] },
        ]});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        self.post("/v1/chat/completions", &body).await
    }

    async fn calls(&self) -> Value {
        let url = format!("{}/calls", self.address);
        self.client.get(url).send().await.unwrap().json().await.unwrap()
    }
}

/// The JSON of every event but the last mark, and whether that mark came.
fn events(text: &str) -> (Vec<Value>, bool) {
    let data = text.split("\n\n").filter_map(|event| event.strip_prefix("data: "));
    let (done, events): (Vec<&str>, Vec<&str>) = data.partition(|data| *data == "[DONE]");
    (events.iter().map(|event| serde_json::from_str(event).unwrap()).collect(), done.len() == 1)
}

#[tokio::test]
async fn it_answers_from_the_first_passage_whole_or_streamed() {
    let stub = Stub::start(&[]).await;
    let whole: Value = stub.chat("how long?", json!({})).await.unwrap().json().await.unwrap();
    let content = "/choices/0/message/content";
    assert_eq!(whole.pointer(content).unwrap(), "Refunds take 5 days. [1]");
    assert!(whole.pointer("/usage/prompt_tokens").unwrap().as_u64().unwrap() > 20);

    let extra = json!({ "stream": true, "stream_options": { "include_usage": true } });
    let text = stub.chat("how long?", extra).await.unwrap().text().await.unwrap();
    let (events, done) = events(&text);
    let delta = |event: &Value| event.pointer("/choices/0/delta/content")?.as_str().map(String::from);
    assert_eq!(events.iter().filter_map(delta).collect::<String>(), "Refunds take 5 days. [1]");
    assert!(done && events.len() > 6, "{text}");
    assert_eq!(events.last().unwrap().pointer("/usage"), whole.get("usage"));
}

#[tokio::test]
async fn a_schema_is_answered_with_json() {
    let stub = Stub::start(&[]).await;
    let schema = json!({ "type": "object", "properties": { "query": { "type": "string" } } });
    let extra = json!({ "response_format": { "type": "json_schema", "json_schema": { "schema": schema } } });
    let whole: Value = stub.chat("and in May?", extra).await.unwrap().json().await.unwrap();
    let content = whole.pointer("/choices/0/message/content").unwrap().as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(content).unwrap(), json!({ "query": "and in May?" }));
}

#[tokio::test]
async fn refusals_carry_the_status_and_code_of_the_real_thing() {
    let stub = Stub::start(&[]).await;
    for (fault, status, code) in [
        ("429", 429, "rate_limit_exceeded"),
        ("429-retry-after", 429, "rate_limit_exceeded"),
        ("insufficient_quota", 429, "insufficient_quota"),
        ("500", 500, "server_error"),
    ] {
        let response = stub.chat(&format!("m:1 fault:{fault}"), json!({})).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{fault}");
        let header = response.headers().contains_key("retry-after");
        assert_eq!(header, fault == "429-retry-after", "{fault}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body.pointer("/error/code").unwrap(), code);
    }
}

#[tokio::test]
async fn broken_answers_are_broken_in_their_own_way() {
    let stub = Stub::start(&[]).await;
    for extra in [json!({}), json!({ "stream": true })] {
        let cut = stub.chat("fault:cut_stream", extra.clone()).await.unwrap();
        assert_eq!(cut.status(), 200);
        assert!(cut.text().await.is_err(), "a cut answer must not look whole");
        let malformed = stub.chat("fault:malformed", extra.clone()).await.unwrap();
        let text = malformed.text().await.unwrap();
        let pieces = text.split("\n\n").filter(|piece| !piece.is_empty());
        let mut pieces = pieces.map(|piece| piece.strip_prefix("data: ").unwrap_or(piece));
        assert!(pieces.any(|piece| serde_json::from_str::<Value>(piece).is_err()), "{text}");
        assert!(!text.contains("[DONE]"));
        let empty = stub.chat("fault:empty_choices", extra).await.unwrap().text().await.unwrap();
        assert!(empty.contains("\"choices\":[]") && !empty.contains("Refunds"), "{empty}");
    }
    let absurd = stub.chat("fault:absurd_usage", json!({})).await.unwrap();
    let absurd: Value = absurd.json().await.unwrap();
    assert_eq!(absurd.pointer("/usage/prompt_tokens").unwrap().as_u64(), Some(u64::MAX));
}

#[tokio::test]
async fn a_timeout_never_answers_and_a_slow_answer_comes_whole() {
    let stub = Stub::start(&[]).await;
    let hang = stub.chat("fault:timeout", json!({}));
    assert!(tokio::time::timeout(Duration::from_millis(300), hang).await.is_err());
    let start = Instant::now();
    let slow = stub.chat("fault:slow", json!({ "stream": true })).await.unwrap();
    let (_, done) = events(&slow.text().await.unwrap());
    assert!(done && start.elapsed() > Duration::from_secs(2));
}

#[tokio::test]
async fn calls_are_counted_by_message_and_a_limited_fault_passes() {
    let stub = Stub::start(&[]).await;
    for status in [500, 500, 200] {
        let response = stub.chat("m:a-1 fault:500:2", json!({})).await.unwrap();
        assert_eq!(response.status(), status);
    }
    stub.chat("m:b", json!({})).await.unwrap();
    let calls = stub.calls().await;
    assert_eq!(calls.get("chat").unwrap(), 4);
    assert_eq!(calls.get("by_marker").unwrap(), &json!({ "a-1": 3, "b": 1 }));
    assert_eq!(calls.get("by_fault").unwrap(), &json!({ "500": 2 }));
    stub.client.delete(format!("{}/calls", stub.address)).send().await.unwrap();
    assert_eq!(stub.calls().await.get("chat").unwrap(), 0);
}

#[tokio::test]
async fn faults_of_the_command_line_come_every_nth_call_in_turn() {
    let arguments = ["--fault", "500", "--fault", "429", "--fault-every", "2", "--delay-ms", "1..3"];
    let stub = Stub::start(&arguments).await;
    for status in [200, 500, 200, 429, 200, 500] {
        assert_eq!(stub.chat("hello", json!({})).await.unwrap().status(), status);
    }
}

#[tokio::test]
async fn embeddings_have_the_asked_size_and_order() {
    let stub = Stub::start(&[]).await;
    let body = json!({ "model": "e", "input": ["refund time", "bike"], "dimensions": 8 });
    let both: Value = stub.post("/v1/embeddings", &body).await.unwrap().json().await.unwrap();
    let body = json!({ "model": "e", "input": "bike", "dimensions": 8 });
    let one: Value = stub.post("/v1/embeddings", &body).await.unwrap().json().await.unwrap();
    assert_eq!(both.pointer("/data/1/embedding"), one.pointer("/data/0/embedding"));
    assert_eq!(one.pointer("/data/0/embedding").unwrap().as_array().unwrap().len(), 8);
    let wrong = stub.post("/v1/embeddings", &json!({ "input": [[1, 2]] })).await.unwrap();
    assert_eq!(wrong.status(), 400);
}
