//! What every handler stands on.

use crate::hub::Hub;
use crate::rates::Rates;
use crate::session::SignIns;
use answering::Desk;
use domain::OrganizationId;
use ingest::Library;
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use std::time::Duration;
use storage::{Database, Tenant};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Requests at most that wait for an answer at once; the others get 202 and look later.
const WAITS_MAX: usize = 512;
/// Event streams at most at once.
const STREAMS_MAX: usize = 1_024;
/// Event streams of visitors at most at once; agents have their own.
const WIDGET_STREAMS_MAX: usize = 2_048;
/// Stateless answers and dry runs at most at once.
const ANSWERS_MAX: usize = 64;

/// What the API is built on.
#[derive(Clone)]
pub struct State {
    /// Storage, indexes and models.
    pub desk: Desk,
    /// What reads websites and articles into knowledge.
    pub library: Library,
    /// Where `/metrics` reads from.
    pub metrics: PrometheusHandle,
    /// What operators set.
    pub settings: Settings,
}

/// What operators set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Web origins that browsers may call the API from; empty forbids all but its own.
    pub cors_origins: Vec<String>,
    /// How long `?wait=answer` and a message's stream wait for the answer.
    pub answer_wait: Duration,
    /// Whether browsers may send the session's cookie over encrypted connections only.
    pub secure_cookies: bool,
    /// Days that traces are kept; 0 keeps for ever. Desks may keep them for less.
    pub traces_days: u32,
    /// Days that resolved conversations are kept; 0 keeps for ever. Desks may keep them for less.
    pub conversations_days: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cors_origins: Vec::new(),
            answer_wait: Duration::from_mins(1),
            secure_cookies: false,
            traces_days: 0,
            conversations_days: 0,
        }
    }
}

/// The state with what one running API adds to it, cheap to clone.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) desk: Desk,
    pub(crate) library: Library,
    pub(crate) metrics: PrometheusHandle,
    pub(crate) settings: Arc<Settings>,
    pub(crate) hub: Hub,
    pub(crate) waits: Arc<Semaphore>,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) widget_streams: Arc<Semaphore>,
    pub(crate) rates: Rates,
    pub(crate) answers: Arc<Semaphore>,
    pub(crate) sign_ins: SignIns,
    /// Work that goes on when its client has gone.
    pub(crate) tasks: TaskTracker,
    /// Ends waiting and streaming.
    pub(crate) stop: CancellationToken,
}

impl App {
    pub(crate) fn new(state: State, stop: CancellationToken) -> Self {
        let tasks = TaskTracker::new();
        Self {
            hub: Hub::new(state.desk.database.clone(), tasks.clone(), stop.clone()),
            desk: state.desk,
            library: state.library,
            metrics: state.metrics,
            settings: Arc::new(state.settings),
            waits: Arc::new(Semaphore::new(WAITS_MAX)),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            widget_streams: Arc::new(Semaphore::new(WIDGET_STREAMS_MAX)),
            rates: Rates::default(),
            answers: Arc::new(Semaphore::new(ANSWERS_MAX)),
            sign_ins: SignIns::new(),
            tasks,
            stop,
        }
    }

    pub(crate) fn database(&self) -> &Database {
        &self.desk.database
    }

    pub(crate) fn of(&self, organization_id: OrganizationId) -> Tenant<'_> {
        self.desk.database.of(organization_id)
    }
}
