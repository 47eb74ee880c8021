//! The API as clients meet it: each file is a part of the address space.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod bodies;
mod budgets;
mod calibration;
mod conversations;
mod customers;
mod evals;
mod events;
mod foreign;
mod idempotency;
mod keys;
mod knowledge;
mod members;
mod memory;
mod models;
mod operations;
mod people;
mod playground;
mod prompts;
mod rescans;
mod review;
mod support;
mod widget;
