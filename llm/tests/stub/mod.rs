//! A small model endpoint that plays what it is told, reply by reply, and keeps what it was asked.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use axum::routing::post;
use futures::StreamExt;
use futures::stream;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// Floats of the stub's vectors.
pub(crate) const DIMENSIONS: usize = 256;

/// One reply of the stub.
pub(crate) enum Reply {
    /// Events of a stream, `[DONE]` included by the caller where it belongs.
    Events(Vec<String>),
    /// Events, then the connection breaks.
    CutAfter(Vec<String>),
    /// Events, then nothing more, but the connection stays.
    HangAfter(Vec<String>),
    /// Not even headers.
    Silence,
    /// A status with headers and a body.
    Status(u16, Vec<(&'static str, &'static str)>, String),
}

#[derive(Default)]
struct Played {
    replies: VecDeque<Reply>,
    asked: Vec<(Option<String>, Value)>,
}

#[derive(Clone)]
pub(crate) struct Stub {
    played: Arc<Mutex<Played>>,
    pub base_url: String,
}

impl Stub {
    pub(crate) async fn playing(replies: Vec<Reply>) -> Self {
        // A second installation fails, and that is fine: tests share the process.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let played = Played { replies: replies.into(), asked: Vec::new() };
        let played = Arc::new(Mutex::new(played));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let routes = Router::new()
            .route("/v1/chat/completions", post(chat))
            .route("/v1/embeddings", post(embeddings))
            .with_state(Arc::clone(&played));
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { played, base_url }
    }

    pub(crate) fn calls(&self) -> usize {
        self.played.lock().unwrap().asked.len()
    }

    pub(crate) fn asked(&self, call: usize) -> (Option<String>, Value) {
        self.played.lock().unwrap().asked[call].clone()
    }
}

async fn chat(State(played): State<Arc<Mutex<Played>>>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let reply = {
        let mut played = played.lock().unwrap();
        let key = headers.get("authorization").map(|key| key.to_str().unwrap().to_owned());
        played.asked.push((key, serde_json::from_slice(&body).unwrap()));
        played.replies.pop_front().expect("a call that was not expected")
    };
    let ok =
        |events: Vec<String>| stream::iter(events.into_iter().map(|event| Ok::<_, std::io::Error>(event.into_bytes())));
    let streaming = Response::builder().header("content-type", "text/event-stream");
    match reply {
        Reply::Events(events) => streaming.body(Body::from_stream(ok(events))).unwrap(),
        Reply::CutAfter(events) => {
            let broken = stream::once(async {
                // What was written is sent whenever the body makes the server wait.
                tokio::task::yield_now().await;
                Err(std::io::Error::other("cut"))
            });
            streaming.body(Body::from_stream(ok(events).chain(broken))).unwrap()
        }
        Reply::HangAfter(events) => streaming.body(Body::from_stream(ok(events).chain(stream::pending()))).unwrap(),
        Reply::Silence => std::future::pending().await,
        Reply::Status(status, headers, body) => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            response.body(Body::from(body)).unwrap()
        }
    }
}

/// Counts of words by their hash, last text first, so that only `index` tells the order.
async fn embeddings(State(played): State<Arc<Mutex<Played>>>, body: Bytes) -> Response<Body> {
    let body: Value = serde_json::from_slice(&body).unwrap();
    let texts = body["input"].as_array().unwrap();
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .rev()
        .map(|(index, text)| {
            let mut vector = vec![0.0_f32; DIMENSIONS];
            vector[DIMENSIONS - 1] = 0.1;
            for word in text.as_str().unwrap().split_whitespace() {
                let word = word.trim_matches(|c: char| c.is_ascii_punctuation());
                let hash = word.bytes().fold(7_usize, |hash, byte| hash * 31 % 6151 + byte as usize);
                vector[hash % (DIMENSIONS - 1)] += 1.0;
            }
            json!({"index": index, "embedding": vector, "object": "embedding"})
        })
        .collect();
    let reply = json!({"data": data, "usage": {"prompt_tokens": texts.len()}}).to_string();
    played.lock().unwrap().asked.push((None, body));
    Response::builder().header("content-type", "application/json").body(Body::from(reply)).unwrap()
}

pub(crate) fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

pub(crate) fn text(piece: &str) -> String {
    event(&json!({"model": "stub-1", "choices": [{"index": 0, "delta": {"content": piece}}]}))
}

pub(crate) fn finished(reason: &str) -> String {
    event(&json!({"model": "stub-1", "choices": [{"delta": {}, "finish_reason": reason}]}))
}

pub(crate) fn usage(input: i64, output: i64) -> String {
    let usage = json!({"prompt_tokens": input, "completion_tokens": output});
    event(&json!({"model": "stub-1", "choices": [], "usage": usage}))
}

pub(crate) fn done() -> String {
    "data: [DONE]\n\n".to_owned()
}

/// A whole answer as any endpoint would send it.
pub(crate) fn answer(words: &str) -> Reply {
    let (first, second) = words.split_at(words.len() / 2);
    Reply::Events(vec![text(first), text(second), finished("stop"), usage(12, 5), done()])
}
