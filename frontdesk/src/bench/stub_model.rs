//! A stand-in for an OpenAI-compatible endpoint: answers from the prompt's own passages, fails on
//! demand, counts calls. Crash and fault tests run against it, and so do benchmarks.
//!
//! Words in the last user message steer it. `fault:500` makes calls for this message fail so (see
//! [`Fault`]), `fault:500:2` only the first two. `m:ID` counts the call under ID at `GET /calls`;
//! `DELETE /calls` starts counting anew.

mod embedding;
mod fault;
mod reply;

pub(super) use embedding::vector as word_vector;
pub use fault::Fault;
pub(super) use reply::first_sentence;

use crate::failure::Failure;
use crate::output::{Exit, Output};
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// How the stub listens and behaves.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Milliseconds before a chat call answers, between A and B
    #[arg(long, value_name = "A..B", default_value = "0")]
    pub delay_ms: Delay,
    /// Kinds of fault that every n-th chat call takes in turn, whatever its message says
    #[arg(long, value_name = "KIND")]
    pub fault: Vec<Fault>,
    /// The n of --fault
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub fault_every: u64,
}

/// A span of milliseconds; each call draws from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    min: u64,
    max: u64,
}

impl FromStr for Delay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (min, max) = text.split_once("..").unwrap_or((text, text));
        let number = |text: &str| text.parse::<u64>().map_err(|_| format!("`{text}` is no number of milliseconds"));
        let delay = Self { min: number(min)?, max: number(max)? };
        if delay.min <= delay.max { Ok(delay) } else { Err(format!("{min} is more than {max}")) }
    }
}

impl Delay {
    fn draw(self) -> Duration {
        Duration::from_millis(fastrand::u64(self.min..=self.max))
    }
}

/// What was called so far, as `GET /calls` shows it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Calls {
    /// Chat calls.
    pub chat: u64,
    /// Those of them that bring passages to answer from: not those that learn and sum up.
    pub answers: u64,
    /// Embedding calls.
    pub embeddings: u64,
    /// Chat calls by the message's `m:ID`.
    pub by_marker: BTreeMap<String, u64>,
    /// Faults made, by kind.
    pub by_fault: BTreeMap<String, u64>,
}

struct Stub {
    options: Options,
    calls: Mutex<Calls>,
    /// What prompts that hold the first text are answered with.
    scripts: Mutex<BTreeMap<String, String>>,
}

impl Stub {
    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was laid down as the answer to this prompt.
    fn scripted(&self, request: &Value) -> Option<String> {
        let prompt = reply::prompt(request);
        let scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        scripts.iter().find(|(part, _)| prompt.contains(*part)).map(|(_, answer)| answer.clone())
    }

    /// Counts a chat call and says which fault it takes, if any.
    fn count_chat(&self, request: &Value) -> Option<Fault> {
        let message = &reply::last_user_message(request);
        let mut calls = self.calls();
        calls.chat += 1;
        calls.answers += u64::from(reply::has_passages(request));
        let nth = calls.chat;
        let nth_of_message = reply::marker(message, "m:").map_or(nth, |id| {
            let count = calls.by_marker.entry(id.to_owned()).or_default();
            *count += 1;
            *count
        });
        let fault = Fault::asked_for(message, nth_of_message).or_else(|| self.fault_in_turn(nth))?;
        *calls.by_fault.entry(fault.name()).or_default() += 1;
        Some(fault)
    }

    fn fault_in_turn(&self, nth: u64) -> Option<Fault> {
        let every = self.options.fault_every;
        let turn = nth.is_multiple_of(every).then(|| nth / every)?;
        self.options.fault.iter().copied().cycle().nth(usize::try_from(turn - 1).ok()?)
    }
}

/// A stub that this process serves until it is dropped.
pub struct RunningStub {
    stub: Arc<Stub>,
    address: SocketAddr,
    _server: JoinSet<io::Result<()>>,
}

impl RunningStub {
    /// Starts a stub that takes `delay` milliseconds (`10..30`) for an answer.
    pub async fn start(delay: &str) -> Result<Self, Failure> {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let delay_ms = delay.parse().map_err(|error: String| Failure::new(Exit::Usage, error))?;
        let options = Options { listen, delay_ms, fault: Vec::new(), fault_every: 1 };
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let stub = Arc::new(Stub { options, calls: Mutex::default(), scripts: Mutex::default() });
        let mut server = JoinSet::new();
        let routes = routes(Arc::clone(&stub));
        server.spawn(async move { axum::serve(listener, routes).await });
        Ok(Self { stub, address, _server: server })
    }

    /// The settings of a desk that asks this stub.
    pub fn settings(&self) -> toml::Table {
        let base_url = format!("http://{}/v1", self.address);
        let llm = toml::Table::from_iter([("base_url".to_owned(), base_url.into())]);
        toml::Table::from_iter([("llm".to_owned(), llm.into())])
    }

    /// From now on prompts that hold `part` are answered with `answer`.
    pub fn script(&self, part: &str, answer: &str) {
        let mut scripts = self.stub.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        scripts.insert(part.to_owned(), answer.to_owned());
    }

    /// What was called so far.
    pub fn calls(&self) -> Calls {
        self.stub.calls().clone()
    }
}

/// Serves the stub until the process is stopped; prints its base URL as the result.
pub async fn serve(options: &Options, output: Output) -> Result<Exit, Failure> {
    let unreachable = |error| {
        Failure::new(Exit::NotAllowed, format!("cannot listen on {}", options.listen))
            .because(error)
            .fix("choose another address with --listen")
    };
    let listener = TcpListener::bind(options.listen).await.map_err(unreachable)?;
    let base_url = format!("http://{}/v1", listener.local_addr()?);
    output.result(&json!({ "base_url": base_url }), |_| base_url.clone())?;
    axum::serve(listener, router(options.clone())).await?;
    Ok(Exit::Ok)
}

/// The stub's routes, with counters of their own.
pub fn router(options: Options) -> Router {
    routes(Arc::new(Stub { options, calls: Mutex::default(), scripts: Mutex::default() }))
}

fn routes(stub: Arc<Stub>) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat))
        .route("/v1/embeddings", post(embeddings))
        .route("/v1/models", get(models))
        .route("/calls", get(show_calls).delete(forget_calls))
        .with_state(stub)
}

// Bodies are read as bytes so that a wrong content type is no reason to refuse.
async fn chat(State(stub): State<Arc<Stub>>, body: Bytes) -> Response {
    let Ok(request) = serde_json::from_slice::<Value>(&body) else {
        return fault::refusal(400, "invalid_request_error", "the body is not JSON");
    };
    let fault = stub.count_chat(&request);
    tokio::time::sleep(stub.options.delay_ms.draw()).await;
    if let Some(answer) = stub.scripted(&request) {
        return reply::say(&request, &answer);
    }
    match fault {
        Some(fault) => fault.response(&request).await,
        None => reply::respond(&request, reply::usage(&request), reply::End::Whole),
    }
}

async fn embeddings(State(stub): State<Arc<Stub>>, body: Bytes) -> Response {
    let Ok(request) = serde_json::from_slice::<Value>(&body) else {
        return fault::refusal(400, "invalid_request_error", "the body is not JSON");
    };
    stub.calls().embeddings += 1;
    embedding::respond(&request)
}

async fn models() -> Json<Value> {
    Json(json!({ "object": "list", "data": [{ "id": "stub", "object": "model", "owned_by": "frontdesk" }] }))
}

async fn show_calls(State(stub): State<Arc<Stub>>) -> Response {
    Json(stub.calls().clone()).into_response()
}

async fn forget_calls(State(stub): State<Arc<Stub>>) {
    *stub.calls() = Calls::default();
}
