//! Scores answer quality: runs cases with known right answers through the pipeline that customers get, judges the
//! outcomes, calibrates confidence on them and reports.
//!
//! It changes nothing in the desk it runs on but its own tables. Read `run.rs` first, then `metrics/mod.rs` and
//! `report/mod.rs`.

mod ask;
pub mod dataset;
mod error;
pub mod gate;
pub mod job;
pub mod memory;
pub mod metrics;
mod outcome;
pub mod publish;
pub mod report;
mod retrieval;
pub mod run;

pub use dataset::{Judgements, Query, read_judgements, read_queries};
pub use error::{Error, Result};
pub use retrieval::{Ranking, Scores, rank, score};
