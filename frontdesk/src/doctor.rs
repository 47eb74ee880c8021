//! Looks at everything the desk stands on and says what is wrong, why, and the fix.
//!
//! It opens each part by itself, because it must speak when opening fails; it creates nothing,
//! migrates nothing and repairs nothing. `examine` is the story; each floor has a file.

mod files;
mod indexes;
mod models;
mod network;
mod work;

use crate::failure::Failure;
use crate::settings::{Environment, Settings};
use crate::wiring;
use llm::EmbedderSlot;
use serde::Serialize;
use std::fmt::Display;

/// How a checked thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Well.
    Ok,
    /// The desk works, but look at it.
    Warning,
    /// Something does not work.
    Problem,
}

/// What a check came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The check, a word that stays the same.
    pub check: &'static str,
    /// How it is.
    pub state: State,
    /// What was found.
    pub what: String,
    /// Why it is so, or why it matters.
    pub why: Option<String>,
    /// What to do about it.
    pub fix: Option<String>,
}

impl Finding {
    fn new(check: &'static str, state: State, what: impl Into<String>) -> Self {
        Self { check, state, what: what.into(), why: None, fix: None }
    }

    fn ok(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, State::Ok, what)
    }

    fn warning(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, State::Warning, what)
    }

    fn problem(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, State::Problem, what)
    }

    fn failed(check: &'static str, failure: Failure) -> Self {
        Self { check, state: State::Problem, what: failure.what, why: failure.why, fix: failure.fix }
    }

    fn because(mut self, why: impl Display) -> Self {
        self.why = Some(why.to_string());
        self
    }

    fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

/// Runs every check that the ones before it allow.
pub async fn examine(settings: &Settings, environment: &Environment) -> Vec<Finding> {
    wiring::install_tls();
    let mut findings = files::check_folder(&settings.data.dir);
    let (database, found) = files::open_database(settings).await;
    findings.extend(found);
    let embedder = EmbedderSlot::default();
    findings.extend(models::check_embedding(settings, environment, &embedder).await);
    findings.extend(models::check_chat(settings).await);
    findings.extend(network::check_qdrant(settings).await);
    findings.extend(network::check_listening(settings).await);
    findings.extend(network::check_private_hosts(settings));
    if let Some(database) = &database {
        findings.extend(work::check(database).await);
        findings.extend(models::check_own(settings, database).await);
        findings.extend(indexes::check(settings, database, &embedder).await);
    }
    findings
}

/// How a desk with these findings is.
pub fn worst(findings: &[Finding]) -> State {
    findings.iter().map(|finding| finding.state).max().unwrap_or(State::Ok)
}

/// `1 job`, `2 jobs`.
fn counted(count: impl Into<i64>, noun: &str) -> String {
    match count.into() {
        1 => format!("1 {noun}"),
        many => format!("{many} {noun}s"),
    }
}
