//! Everything that is kept: one SQL text on two engines, SQLite and PostgreSQL.
//!
//! This is the only crate that runs SQL. It knows no HTTP, no models and no indexes. A [`Database`]
//! hands out a [`Tenant`] (`db.of(organization_id)`), through which one organization's rows are read,
//! and a [`Transaction`], through which they are written; each noun's statements stand in a file of
//! its own, in the plural. Read `database.rs`, then `transaction.rs`, then `jobs.rs`.

mod assistants;
mod changes;
mod channels;
mod clock;
mod database;
mod error;
mod keyset;
mod list;
mod readers;
pub mod scans;
mod schedules;
mod signals;
mod sql;
mod sqlite;
mod tenant;
pub mod traces;
mod transaction;

pub mod agents;
pub mod articles;
pub mod audit;
pub mod batches;
pub mod budgets;
pub mod chunks;
pub mod conversations;
pub mod customers;
pub mod deliveries;
mod document_rows;
pub mod documents;
pub mod embeddings;
mod erasure;
pub mod eval_runs;
pub mod evals;
pub mod events;
pub mod facts;
pub mod feedback;
pub mod handoffs;
pub mod health;
pub mod idempotency;
pub mod identities;
pub mod jobs;
pub mod keys;
pub mod members;
pub mod memory;
pub mod messages;
pub mod model_endpoints;
pub mod notes;
pub mod notifications;
pub mod offers;
pub mod organizations;
pub mod page_changes;
pub mod pages;
pub mod previews;
pub mod prompts;
pub mod receipts;
pub mod replies;
pub mod rescans;
mod retention;
mod sessions;
pub mod sources;
pub mod suggestions;
pub mod turns;
pub mod usage;
mod vault;
pub mod widget_sessions;

pub use clock::Clock;
pub use database::{Database, SqliteSettings};
pub use error::{Error, Result};
pub use keyset::Keyset;
pub use signals::{Signal, Signals};
pub use tenant::Tenant;
pub use transaction::Transaction;
pub use vault::{KEY_BYTES, Vault, VaultError};
