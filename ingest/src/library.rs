//! What ingest stands on, and what a process remembers of the scans it works on.

use crate::boilerplate::SiteProfile;
use crate::chunk::ChunkSettings;
use crate::fetch::{Fetcher, Get, Want};
use crate::frontier::Variants;
use crate::guard::Guard;
use crate::robots::{Rules, robots_url};
use crate::sources::Isolation;
use domain::ScanId;
use llm::{Embedder, EmbedderSlot};
use retrieval::{Retrieval, VectorSpace};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use storage::Database;
use url::Url;

/// How long a robots.txt is believed.
const ROBOTS_KEPT: Duration = Duration::from_mins(10);
/// Sites and scans remembered at once; all are forgotten beyond it and learned again.
const REMEMBERED_MAX: usize = 256;
/// Pages that are learned before what they taught is shared.
const PROFILE_SHARED_EVERY: u32 = 8;
/// Addresses of traps that are kept with their reason, per scan.
const TRAPS_KEPT_MAX: usize = 200;

/// What ingest stands on, cheap to clone.
#[derive(Clone)]
pub struct Library {
    /// Where everything is kept.
    pub database: Database,
    /// The indexes.
    pub retrieval: Retrieval,
    /// Makes vectors of passages; while it is empty only words are indexed.
    pub embedder: EmbedderSlot,
    /// Reads addresses.
    pub fetcher: Arc<Fetcher>,
    /// Which addresses may be reached.
    pub guard: Arc<Guard>,
    /// How documents are cut.
    pub chunking: ChunkSettings,
    /// Where files are read that may mean harm.
    pub isolation: Isolation,
    memory: Arc<Memory>,
}

#[derive(Default)]
struct Memory {
    robots: Mutex<HashMap<String, (Arc<Rules>, Instant)>>,
    scans: Mutex<HashMap<ScanId, Arc<Mutex<ScanMemory>>>>,
}

/// What is remembered of a scan while this process works on it. Losing it costs work, never pages.
#[derive(Debug, Default)]
pub(crate) struct ScanMemory {
    /// Addresses that are known to be rows already.
    pub known: HashSet<String>,
    /// Variants seen by path.
    pub variants: Variants,
    /// What repeats on the pages of the site.
    pub profile: SiteProfile,
    /// The same as it was some pages ago, shared by the pages that are being read.
    recent: Arc<SiteProfile>,
    /// Addresses of traps that are rows.
    traps: HashSet<String>,
    /// Whether the profile was read from the source.
    pub loaded: bool,
}

impl ScanMemory {
    /// What repeats on the pages of the site, as known a few pages ago: copying it for each page would cost
    /// more than reading the page.
    pub(crate) fn known_profile(&mut self) -> Arc<SiteProfile> {
        if self.profile.pages() >= self.recent.pages().saturating_add(PROFILE_SHARED_EVERY)
            || self.profile.is_ready() && !self.recent.is_ready()
        {
            self.recent = Arc::new(self.profile.clone());
        }
        Arc::clone(&self.recent)
    }

    /// Whether the address of a trap becomes a row with its reason: so many do, each once.
    pub(crate) fn is_trap_to_keep(&mut self, url: &Url) -> bool {
        self.traps.len() < TRAPS_KEPT_MAX && self.traps.insert(url.to_string())
    }
}

impl Library {
    /// A library over these parts.
    pub fn new(
        database: Database,
        retrieval: Retrieval,
        embedder: EmbedderSlot,
        fetcher: Fetcher,
        guard: Guard,
    ) -> Self {
        Self {
            database,
            retrieval,
            embedder,
            fetcher: Arc::new(fetcher),
            guard: Arc::new(guard),
            chunking: ChunkSettings::default(),
            isolation: Isolation::default(),
            memory: Arc::default(),
        }
    }

    /// The embedding model, where it is there.
    pub fn embedder(&self) -> Option<Arc<dyn Embedder>> {
        self.embedder.embedder()
    }

    /// The space that vectors are made in.
    pub fn vector_space(&self) -> Option<VectorSpace> {
        let embedder = self.embedder()?;
        Some(VectorSpace { model_id: embedder.model_id().to_owned(), dimensions: embedder.dimensions() })
    }

    /// What the host of an address lets us read.
    pub async fn rules(&self, url: &Url) -> Arc<Rules> {
        let host = url.origin().ascii_serialization();
        if let Some((rules, read_at)) = locked(&self.memory.robots).get(&host)
            && read_at.elapsed() < ROBOTS_KEPT
        {
            return Arc::clone(rules);
        }
        let rules = match robots_url(url) {
            Some(url) => {
                let get = Get { url, want: Want::Robots, etag: None, last_modified: None, crawl_delay: None };
                Rules::of(self.fetcher.get(&get).await, self.fetcher.robots_name())
            }
            None => Rules::parse(b"", self.fetcher.robots_name()),
        };
        let rules = Arc::new(rules);
        let mut robots = locked(&self.memory.robots);
        if robots.len() >= REMEMBERED_MAX {
            robots.clear();
        }
        robots.insert(host, (Arc::clone(&rules), Instant::now()));
        rules
    }

    /// What is remembered of a scan.
    pub(crate) fn scan_memory(&self, id: ScanId) -> Arc<Mutex<ScanMemory>> {
        let mut scans = locked(&self.memory.scans);
        if scans.len() >= REMEMBERED_MAX {
            scans.clear();
        }
        Arc::clone(scans.entry(id).or_default())
    }

    /// Forgets a scan that has ended.
    pub(crate) fn forget_scan(&self, id: ScanId) {
        locked(&self.memory.scans).remove(&id);
    }
}

/// The guard of a mutex, also after a panic elsewhere: what it holds is only a memory.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
