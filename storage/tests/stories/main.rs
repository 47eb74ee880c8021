//! What the statements of each noun promise, on SQLite always and on PostgreSQL where there is one.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    clippy::float_cmp,
    reason = "tests fail by panicking, and tell their story in one go"
)]

#[macro_use]
mod databases;
#[path = "../support/postgres.rs"]
mod postgres;

mod batches;
mod evals;
mod knowledge;
mod members;
mod memory;
mod models;
mod people;
mod queue;
mod rescans;
mod retention;
mod review;
mod story;
mod trust;
mod widget;
