//! Runs the jobs: claims them from the `jobs` table, gives each a lease and a fence, and decides what
//! a failure means. It holds no business rules; each job's file calls the crate that has them.
//!
//! apalis is the runner (concurrency, panics, graceful stop); [`backend`] is its view of our table.
//! Read `runner.rs`, then `backend.rs`, then `jobs/answer_turn.rs`.

mod acknowledge;
mod backend;
mod error;
mod held;
pub mod jobs;
mod lease;
mod registry;
mod runner;

pub use error::{Error, Result};
pub use registry::{Registry, Running};
pub use runner::{Settings, Worker};
