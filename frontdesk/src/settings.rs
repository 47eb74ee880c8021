//! The settings: one struct a section, filled from `config.default.toml`, a file, the environment
//! and flags, in this order. Every key has a default in that file; nothing else knows defaults.

mod environment;
mod layers;
mod secret;
mod shown;

pub use environment::Environment;
pub use layers::{Flag, Sources};
pub use secret::Secret;
pub use shown::Shown;

use crate::failure::Failure;
use base64::Engine;
use base64::prelude::BASE64_STANDARD as STANDARD;
use serde::de::IntoDeserializer;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use storage::KEY_BYTES;

/// The endpoint that an API key alone stands for.
const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";

/// Everything that can be set. `config.default.toml` describes each key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml describes each key")]
pub struct Settings {
    pub data: Data,
    pub database: Database,
    pub qdrant: Qdrant,
    pub secrets: Secrets,
    pub llm: Llm,
    pub embedding: Embedding,
    pub answering: Answering,
    pub worker: Worker,
    pub scan: Scan,
    pub retention: Retention,
    pub log: Log,
    pub api: Api,
}

/// Where the embedded database, the indexes and the model files lie.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml describes each key")]
pub struct Data {
    pub dir: PathBuf,
}

/// SQLite in the data folder, or PostgreSQL.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml describes each key")]
pub struct Database {
    pub url: Secret,
    #[serde(deserialize_with = "word")]
    pub synchronous: Synchronous,
}

/// What a power cut can cost on SQLite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Synchronous {
    /// Nothing.
    Full,
    /// The last moments of confirmed work.
    Normal,
}

/// A Qdrant server, or with an empty address the embedded index.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml describes each key")]
pub struct Qdrant {
    pub url: String,
    pub api_key: Secret,
    pub timeout_ms: u64,
}

/// What secrets are sealed with before they are stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml describes each key")]
pub struct Secrets {
    pub key: Secret,
}

impl Secrets {
    /// The key, out of base64 or hex; `None` where it is neither or has another size.
    pub fn bytes(&self) -> Option<[u8; KEY_BYTES]> {
        let text = self.key.expose().trim();
        let bytes = hex::decode(text).ok().or_else(|| STANDARD.decode(text).ok())?;
        bytes.try_into().ok()
    }
}

/// The OpenAI-compatible endpoint, if any.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml describes each key")]
pub struct Llm {
    pub base_url: String,
    pub api_key: Secret,
    pub model: String,
    pub fallback_models: Vec<String>,
    pub embedding_model: String,
    pub embedding_dimensions: usize,
    #[serde(deserialize_with = "word")]
    pub token_limit_field: TokenLimitField,
    pub logprobs: bool,
    pub connect_timeout_ms: u64,
    pub idle_timeout_ms: u64,
    pub timeout_ms: u64,
    pub allow_private_hosts: Vec<String>,
    pub prices: BTreeMap<String, Price>,
}

impl Llm {
    /// The address of the model endpoint; none when no model is configured.
    pub fn endpoint(&self) -> Option<&str> {
        match (self.base_url.is_empty(), self.api_key.is_empty()) {
            (false, _) => Some(&self.base_url),
            (true, false) => Some(OPENAI_BASE_URL),
            (true, true) => None,
        }
    }
}

/// The name of the request field that limits the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenLimitField {
    /// What the original endpoint reads today.
    MaxCompletionTokens,
    /// What older and most compatible servers read.
    MaxTokens,
}

/// What a model costs, in micro-USD per million tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Per million input tokens.
    pub input: u64,
    /// Per million output tokens.
    pub output: u64,
    /// The first UTC day it holds, `2026-11-21`; from ever where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<String>,
    /// The first UTC day it no longer holds; until the next price where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
    /// What the model costs from other days on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Price>,
}

/// The local embedding model.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml describes each key")]
pub struct Embedding {
    pub enabled: bool,
    pub path: PathBuf,
    pub download: bool,
    pub threads: usize,
}

/// How turns become answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml describes each key")]
pub struct Answering {
    pub debounce_ms: u64,
    pub learn_after_s: u64,
    pub deadline_s: u64,
}

/// The job runner of one process.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml describes each key")]
pub struct Worker {
    pub concurrency: usize,
    pub lease_s: u64,
}

/// How websites are read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml describes each key")]
pub struct Scan {
    pub user_agent: String,
    pub allow_private_hosts: Vec<String>,
    pub delay_ms: u64,
    pub concurrency_per_host: usize,
    pub pages_max: u32,
    pub depth_max: u32,
    pub page_size_bytes_max: usize,
    pub timeout_ms: u64,
}

/// Days after which things are erased; 0 keeps them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml describes each key")]
pub struct Retention {
    pub traces_days: u32,
    pub conversations_days: u32,
    pub jobs_days: u32,
    pub events_days: u32,
}

/// What is logged, and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml describes each key")]
pub struct Log {
    pub level: String,
    #[serde(deserialize_with = "word")]
    pub format: LogFormat,
}

/// For whom log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// People.
    Text,
    /// Machines.
    Json,
}

/// Where the API listens and how people reach it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml describes each key")]
pub struct Api {
    pub listen: SocketAddr,
    pub public_url: String,
}

impl Settings {
    /// The settings in force.
    ///
    /// # Errors
    /// A failure that names the key and the file or variable it stands in.
    pub fn load(sources: &Sources<'_>) -> Result<Self, Failure> {
        layers::load(sources).map(|(settings, _)| settings)
    }

    /// The settings in force and where each that is not a default came from.
    pub fn load_shown(sources: &Sources<'_>) -> Result<Shown, Failure> {
        layers::load(sources).map(|(settings, origins)| Shown { settings, origins })
    }

    /// Checks what a type cannot say.
    fn check(&self) -> Result<(), Failure> {
        let is_http = |url: &str| url.is_empty() || url.starts_with("http://") || url.starts_with("https://");
        let database = self.database.url.expose();
        let is_postgres = ["postgres://", "postgresql://"].iter().any(|s| database.starts_with(s));
        let are_exact = |hosts: &[String]| hosts.iter().all(|host| is_host_port(host));
        let is_key = self.secrets.key.is_empty() || self.secrets.bytes().is_some();
        let exact = "hold exact host:port pairs, such as 127.0.0.1:8000";
        let rules: [(&str, bool, &str); 11] = [
            ("database.url", database.is_empty() || is_postgres, "start with postgres://"),
            ("qdrant.url", is_http(&self.qdrant.url), "start with http:// or https://"),
            ("llm.base_url", is_http(&self.llm.base_url), "start with http:// or https://"),
            ("answering.deadline_s", self.answering.deadline_s >= 1, "be at least 1"),
            ("worker.concurrency", self.worker.concurrency >= 1, "be at least 1"),
            ("worker.lease_s", self.worker.lease_s >= 3, "be at least 3"),
            ("secrets.key", is_key, "be 32 bytes in base64 or hex: `openssl rand -base64 32` makes some"),
            ("llm.allow_private_hosts", are_exact(&self.llm.allow_private_hosts), exact),
            ("scan.allow_private_hosts", are_exact(&self.scan.allow_private_hosts), exact),
            ("scan.concurrency_per_host", self.scan.concurrency_per_host >= 1, "be at least 1"),
            ("api.public_url", is_http(&self.api.public_url), "start with http:// or https://"),
        ];
        match rules.into_iter().find(|(_, holds, _)| !holds) {
            None => Ok(()),
            Some((key, _, rule)) => Err(Failure::configuration(format!("`{key}` must {rule}"))),
        }
    }
}

/// Reads one of an enum's words in a way that names the allowed ones when it is none of them.
fn word<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(String::deserialize(deserializer)?.into_deserializer())
}

fn is_host_port(text: &str) -> bool {
    text.rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && !host.contains(['/', '*', '@']) && port.parse::<u16>().is_ok())
}
