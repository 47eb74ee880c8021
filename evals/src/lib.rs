//! Scores quality on data sets with known right answers.
//!
//! So far it scores retrieval: a data set of questions and their relevant documents, run through the
//! product's own search, judged by the usual metrics. It changes nothing in the desk it runs on.
//! Read `retrieval.rs` first, then `metrics/mod.rs`.

mod dataset;
mod error;
pub mod metrics;
mod retrieval;

pub use dataset::{Judgements, Query, read_judgements, read_queries};
pub use error::{Error, Result};
pub use retrieval::{Ranking, Scores, rank, score};
