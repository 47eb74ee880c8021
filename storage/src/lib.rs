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


pub use clock::Clock;
pub use database::{Database, SqliteSettings};
pub use error::{Error, Result};
pub use signals::{Signal, Signals};
pub use tenant::Tenant;
pub use transaction::Transaction;
