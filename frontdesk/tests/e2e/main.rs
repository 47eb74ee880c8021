//! Stories with the real binary: workers are processes, the model is the stub, everything else is real.
//! They wait for what is to happen, never for a while.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod crashes;
mod drafts;
mod erasing;
mod faults;
mod memory;
mod models;
mod people;
#[path = "../../../storage/tests/support/postgres.rs"]
mod postgres;
mod rescans;
mod served;
mod site;

use frontdesk::bench::bed::{Bed, WorkerProcess};
use frontdesk::bench::ledger::Ledger;
use frontdesk::bench::stub_model::RunningStub;
use std::path::Path;

/// The binary under test.
const FRONTDESK: &str = env!("CARGO_BIN_EXE_frontdesk");

/// A desk with some knowledge, its model, and everything customers said.
struct TestDesk {
    bed: Bed,
    stub: RunningStub,
    sent: std::collections::HashMap<domain::ConversationId, Vec<String>>,
}

impl TestDesk {
    /// A desk on SQLite; `settings` are TOML.
    async fn open(settings: &str) -> Self {
        Self::open_on(None, settings).await
    }

    /// A desk on SQLite, or on the PostgreSQL database at that address.
    async fn open_on(database_url: Option<&str>, settings: &str) -> Self {
        let stub = RunningStub::start("10..30").await.unwrap();
        let mut table: toml::Table = settings.parse().unwrap();
        for (section, keys) in stub.settings() {
            let own = table.entry(section).or_insert_with(|| toml::Table::new().into());
            own.as_table_mut().unwrap().extend(keys.as_table().unwrap().clone());
        }
        let bed = Bed::open(database_url, table).await.unwrap();
        bed.learn().await.unwrap();
        Self { bed, stub, sent: std::collections::HashMap::new() }
    }

    /// A desk on SQLite that quotes its knowledge.
    async fn without_model() -> Self {
        let stub = RunningStub::start("0").await.unwrap();
        let bed = Bed::open(None, toml::Table::new()).await.unwrap();
        bed.learn().await.unwrap();
        Self { bed, stub, sent: std::collections::HashMap::new() }
    }

    async fn worker(&self) -> WorkerProcess {
        let worker = self.bed.worker(Path::new(FRONTDESK)).unwrap();
        worker.ready().await.unwrap();
        worker
    }

    /// A customer begins a conversation of their own.
    async fn customer(&self, name: &str) -> domain::ConversationId {
        self.bed.conversation(name).await.unwrap()
    }

    async fn customer_says(
        &mut self,
        conversation: domain::ConversationId,
        id: &str,
        text: &str,
    ) -> domain::message::Message {
        self.sent.entry(conversation).or_default().push(id.to_owned());
        self.bed.customer_says(conversation, id, text).await.unwrap()
    }

    /// Calls of the model for the message with that marker.
    fn calls(&self, marker: &str) -> u64 {
        self.stub.calls().by_marker.get(marker).copied().unwrap_or(0)
    }

    async fn ledger(&self) -> Ledger {
        Ledger::read(&self.bed, &self.sent).await.unwrap()
    }
}
