use crate::support::{TestDesk, request};
use axum::body::BodyDataStream;
use axum::http::HeaderValue;
use futures::StreamExt;
use serde_json::{Value, json};
use std::time::Duration;

/// How long an event that must come is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Stream {
    body: BodyDataStream,
    text: String,
}

#[derive(Debug)]
pub(crate) struct Sent {
    /// Without one, -1.
    pub(crate) id: i64,
    pub(crate) kind: String,
    pub(crate) data: Value,
}

impl Stream {
    pub(crate) async fn open(desk: &TestDesk, method: &str, path: &str, body: Value, last: Option<i64>) -> Self {
        let mut asked = request(&desk.key, method, path, body);
        asked.headers_mut().insert("accept", HeaderValue::from_static("text/event-stream"));
        if let Some(last) = last {
            asked.headers_mut().insert("last-event-id", HeaderValue::from(last));
        }
        let response = desk.send(asked).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next event; `None` where the stream ended.
    pub(crate) async fn next(&mut self) -> Option<Sent> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| {
                    let line = block.lines().find_map(|line| line.strip_prefix(name));
                    line.map(str::trim).unwrap_or_default().to_owned()
                };
                if block.starts_with(':') {
                    continue;
                }
                let data = serde_json::from_str(&field("data:")).unwrap();
                return Some(Sent { id: field("id:").parse().unwrap_or(-1), kind: field("event:"), data });
            }
            let chunk = tokio::time::timeout(PATIENCE, self.body.next()).await.expect("an event in time")?;
            self.text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
    }
}

#[tokio::test]
async fn an_answer_is_streamed_sentence_by_sentence_and_adds_up_to_the_whole() {
    let desk = TestDesk::new().await;
    let text = "# Refunds\n\nRefunds reach your card within 5 working days of us receiving the bike. \
        Refunds of shipping costs take 10 working days to reach your card.";
    desk.publish("Refunds", text).await;
    let conversation = desk.conversation("ada").await;
    let path = format!("/v1/conversations/{conversation}/messages");
    let body = json!({ "content": "How many working days do refunds take to reach my card?" });
    let mut stream = Stream::open(&desk, "POST", &path, body, None).await;
    let (mut whole, mut ids) = (String::new(), Vec::new());
    let completed = loop {
        let sent = stream.next().await.unwrap();
        ids.push(sent.id);
        match sent.kind.as_str() {
            "message.created" => assert_eq!(sent.data["sender"]["kind"], "customer"),
            "message.delta" => whole.push_str(sent.data["delta"].as_str().unwrap()),
            "message.completed" => break sent.data,
            other => panic!("{other}"),
        }
    };
    assert_eq!(completed["content"], whole);
    assert_eq!(completed["decision"], "answer");
    assert!(ids.is_sorted() && ids.len() >= 3, "{ids:?}");
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_stream_that_was_cut_off_goes_on_without_a_gap() {
    let desk = TestDesk::new().await;
    let conversation = desk.conversation("ada").await;
    let path = format!("/v1/conversations/{conversation}/messages");
    let say = async |number: usize| {
        let said = json!({ "content": format!("line {number}"), "sender": "agent" });
        desk.post(&path, said).await.expect(202);
    };
    let mut stream = Stream::open(&desk, "GET", "/v1/events", Value::Null, None).await;
    say(0).await;
    let last = loop {
        let sent = stream.next().await.unwrap();
        if sent.kind == "message.created" {
            assert_eq!(sent.data["message"]["content"], "line 0");
            assert_eq!(sent.data["conversation_id"], conversation);
            break sent.id;
        }
    };
    drop(stream);
    for number in 1..150 {
        say(number).await;
    }
    let of_conversation = format!("/v1/conversations/{conversation}/events");
    for path in ["/v1/events", of_conversation.as_str()] {
        let mut stream = Stream::open(&desk, "GET", path, Value::Null, Some(last)).await;
        let (mut seen, mut before) = (1, last);
        while seen < 150 {
            let sent = stream.next().await.unwrap();
            assert!(sent.id > before, "ids grow");
            before = sent.id;
            if sent.kind == "message.created" {
                assert_eq!(sent.data["message"]["content"], format!("line {seen}"));
                seen += 1;
            }
        }
    }
}

#[tokio::test]
async fn a_conversation_stream_holds_only_its_own_events() {
    let desk = TestDesk::new().await;
    let (mine, other) = (desk.conversation("ada").await, desk.conversation("ben").await);
    let path = format!("/v1/conversations/{mine}/events");
    let mut stream = Stream::open(&desk, "GET", &path, Value::Null, None).await;
    for conversation in [&other, &mine] {
        let said = json!({ "content": "hello", "sender": "agent" });
        desk.post(&format!("/v1/conversations/{conversation}/messages"), said).await.expect(202);
    }
    let sent = stream.next().await.unwrap();
    assert_eq!(sent.data["conversation_id"], mine);
    let mut asked = request(&desk.key, "GET", &path, Value::Null);
    asked.headers_mut().insert("last-event-id", HeaderValue::from_static("yesterday"));
    assert_eq!(desk.read(asked).await.problem(400), "invalid_request");
}
