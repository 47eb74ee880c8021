//! `frontdesk bench inbox`: conversations begin at a steady rate over HTTP, on a throw-away desk that runs the
//! API and a worker as `up` does; how long a message takes to be stored, and to be taken up by the worker.

use crate::bench::bed::{Bed, broken};
use crate::bench::ledger::Ledger;
use crate::failure::Failure;
use crate::output::{Exit, Output};
use crate::wiring::Wired;
use domain::ConversationId;
use domain::job::AnswerTurn;
use domain::key::Scope;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// How long a request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the last answers may take.
const DRAIN_MAX: Duration = Duration::from_mins(1);
/// The ninety-fifth hundredth of storing a message is to be below.
const STORED_P95_MS_MAX: f64 = 50.0;
/// The ninety-fifth hundredth from receiving to claiming is to be below.
const CLAIMED_P95_MS_MAX: f64 = 200.0;

/// Flags of `bench inbox`.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Conversations that begin in a second
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rate: u32,
    /// Seconds it goes on
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: u32,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Shown {
    conversations: usize,
    rate: u32,
    stored_p50_ms: f64,
    stored_p95_ms: f64,
    stored_p99_ms: f64,
    claimed_p50_ms: f64,
    claimed_p95_ms: f64,
    claimed_p99_ms: f64,
    lost: usize,
}

type Times = Arc<Mutex<Vec<f64>>>;

/// Runs it; a percentile over its limit or a lost message is a problem.
pub(super) async fn run(options: &Options, output: Output) -> Result<Exit, Failure> {
    let bed = Bed::open(None, toml::Table::new()).await?;
    bed.learn().await?;
    let (claimed, stop) = (Times::default(), CancellationToken::new());
    let mut tasks = JoinSet::new();
    let worker = probed_worker(&bed.wired, &claimed);
    tasks.spawn(worker.run(stop.clone()));
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let client = Client::open(&bed.wired, listener.local_addr()?).await?;
    let state = api::State {
        desk: bed.wired.desk.clone(),
        library: bed.wired.library.clone(),
        metrics: metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder().handle(),
        settings: api::Settings::default(),
    };
    let serving = stop.clone();
    tasks.spawn(async move {
        if let Err(error) = api::serve(listener, state, serving).await {
            tracing::error!(%error, "the API ended early");
        }
    });
    output.say(&format!("{} conversations a second for {} s", options.rate, options.seconds));
    let (sent, stored) = send(&client, options).await?;
    bed.drained(DRAIN_MAX).await?;
    let ledger = Ledger::read(&bed, &sent).await?;
    stop.cancel();
    tasks.join_all().await;
    let claimed = std::mem::take(&mut *claimed.lock().unwrap_or_else(PoisonError::into_inner));
    let shown = shown(options, &Percentiles::of(stored), &Percentiles::of(claimed), sent.len(), ledger.lost);
    output.result(&shown, in_words)?;
    let is_fast = shown.stored_p95_ms < STORED_P95_MS_MAX && shown.claimed_p95_ms < CLAIMED_P95_MS_MAX;
    Ok(if is_fast && ledger.is_whole() { Exit::Ok } else { Exit::Problem })
}

/// A worker that notes how long each turn's job waited, from the transaction that stored the message.
fn probed_worker(wired: &Wired, claimed: &Times) -> worker::Worker {
    let (desk, claimed) = (wired.desk.clone(), claimed.clone());
    wired.worker_with(|registry| {
        registry.on::<AnswerTurn, _, _>(move |work, job| {
            let waited = desk.database.clock().now().since(job.created_at);
            claimed.lock().unwrap_or_else(PoisonError::into_inner).push(waited.as_secs_f64() * 1000.0);
            worker::jobs::answer_turn::run(desk.clone(), work, job)
        })
    })
}

/// Speaks to the API as a program would.
#[derive(Clone)]
struct Client {
    http: reqwest::Client,
    base: String,
    key: String,
}

impl Client {
    async fn open(wired: &Wired, address: SocketAddr) -> Result<Self, Failure> {
        let created = api::keys::create(&wired.desk.database, wired.organization_id(), "bench", vec![Scope::Admin]);
        let (_, key) = created.await.map_err(|error| broken("no key can be made", &error))?;
        let http = reqwest::Client::builder().connect_timeout(REQUEST_TIMEOUT).timeout(REQUEST_TIMEOUT).build();
        let http = http.map_err(|error| broken("no HTTP client", &error))?;
        Ok(Self { http, base: format!("http://{address}/v1"), key })
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, reqwest::Error> {
        let request = self.http.post(format!("{}{path}", self.base)).bearer_auth(&self.key).json(body);
        request.send().await?.error_for_status()?.json().await
    }

    /// Begins a conversation and says something in it; how long the saying took, in milliseconds.
    async fn begin(self, nth: usize) -> Result<(ConversationId, String, f64), Failure> {
        let unreachable = |error: reqwest::Error| broken("the API did not take a request", &error);
        let customer = json!({ "customer": format!("customer-{nth}") });
        let begun = self.post("/conversations", &customer).await.map_err(unreachable)?;
        let id = begun.get("id").and_then(Value::as_str).and_then(|id| id.parse::<ConversationId>().ok());
        let id = id.ok_or_else(|| Failure::new(Exit::Problem, "a conversation came without an id"))?;
        let message = format!("message-{nth}");
        let body = json!({ "content": Bed::question(nth), "external_id": message });
        let started = Instant::now();
        self.post(&format!("/conversations/{id}/messages"), &body).await.map_err(unreachable)?;
        Ok((id, message, started.elapsed().as_secs_f64() * 1000.0))
    }
}

type Sent = HashMap<ConversationId, Vec<String>>;

/// Begins conversations at the rate, whether or not earlier ones are done.
async fn send(client: &Client, options: &Options) -> Result<(Sent, Vec<f64>), Failure> {
    let mut tick = tokio::time::interval(Duration::from_secs(1) / options.rate);
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut requests = JoinSet::new();
    for nth in 0..usize::try_from(options.rate * options.seconds).unwrap_or(usize::MAX) {
        tick.tick().await;
        requests.spawn(client.clone().begin(nth));
    }
    let (mut sent, mut stored) = (Sent::new(), Vec::new());
    while let Some(done) = requests.join_next().await {
        let (id, message, took_ms) = done.map_err(|error| broken("a request panicked", &error))??;
        sent.insert(id, vec![message]);
        stored.push(took_ms);
    }
    Ok((sent, stored))
}

struct Percentiles {
    sorted: Vec<f64>,
}

impl Percentiles {
    fn of(mut times_ms: Vec<f64>) -> Self {
        times_ms.sort_by(f64::total_cmp);
        Self { sorted: times_ms }
    }

    /// The value that so many hundredths are not above; 0 where nothing was measured.
    fn at(&self, hundredths: usize) -> f64 {
        let place = (self.sorted.len() * hundredths).div_ceil(100).saturating_sub(1);
        self.sorted.get(place).copied().unwrap_or_default()
    }
}

fn shown(options: &Options, stored: &Percentiles, claimed: &Percentiles, conversations: usize, lost: usize) -> Shown {
    Shown {
        conversations,
        rate: options.rate,
        stored_p50_ms: stored.at(50),
        stored_p95_ms: stored.at(95),
        stored_p99_ms: stored.at(99),
        claimed_p50_ms: claimed.at(50),
        claimed_p95_ms: claimed.at(95),
        claimed_p99_ms: claimed.at(99),
        lost,
    }
}

fn in_words(shown: &Shown) -> String {
    format!(
        "{} conversations, {} a second, {} lost\nPOST …/messages   p50 {:.1} ms · p95 {:.1} ms · p99 {:.1} ms (p95 below {STORED_P95_MS_MAX:.0})\nreceive → claim   p50 {:.1} ms · p95 {:.1} ms · p99 {:.1} ms (p95 below {CLAIMED_P95_MS_MAX:.0})",
        shown.conversations,
        shown.rate,
        shown.lost,
        shown.stored_p50_ms,
        shown.stored_p95_ms,
        shown.stored_p99_ms,
        shown.claimed_p50_ms,
        shown.claimed_p95_ms,
        shown.claimed_p99_ms
    )
}

#[cfg(test)]
mod tests {
    use super::Percentiles;

    #[test]
    fn a_percentile_is_a_measured_value() {
        let hundred = Percentiles::of((1..=100).rev().map(f64::from).collect());
        assert_eq!(
            [hundred.at(50), hundred.at(95), hundred.at(100)].map(f64::to_bits),
            [50.0, 95.0, 100.0].map(f64::to_bits)
        );
        assert_eq!(Percentiles::of(Vec::new()).at(95).to_bits(), 0.0_f64.to_bits());
    }
}
