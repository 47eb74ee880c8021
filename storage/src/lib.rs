//! Everything that is kept: one SQL text on two engines, SQLite and PostgreSQL.
//!
//! This is the only crate that runs SQL. It knows no HTTP, no models and no indexes. A [`Database`]
//! hands out a [`Tenant`] (`db.of(organization_id)`), through which one organization's rows are read,
//! and a [`Transaction`], through which they are written; each noun's statements stand in a file of
//! its own, in the plural. Read `database.rs`, then `transaction.rs`, then `jobs.rs`.

mod clock;
mod database;
mod error;
mod signals;
mod sql;
mod sqlite;
mod tenant;
mod transaction;


pub mod conversations;
pub mod deliveries;
pub mod events;
pub mod handoffs;
pub mod jobs;
pub mod messages;
pub mod schedules;
pub mod traces;
pub mod usage;

pub use clock::Clock;
pub use database::{Database, SqliteSettings};
pub use error::{Error, Result};
pub use signals::{Signal, Signals};
pub use tenant::Tenant;
pub use transaction::Transaction;
