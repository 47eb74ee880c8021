//! The one pipeline that turns a customer's message into an answer, a question back or a handoff;
//! the worker, the playground and the evals all run it.
//!
//! Its steps are pure: they compute over what they are given and never ask storage, a model or the
//! time. Read `understand.rs`, `extractive.rs`, `verify.rs` and `decide.rs` first.

mod align;
pub mod budget;
pub mod confidence;
pub mod decide;
pub mod extractive;
mod passage;
mod promise;
pub mod recall;
pub mod sanitize;
pub mod sentences;
pub mod texts;
pub mod understand;
pub mod verify;
pub mod window;
mod wish;
mod words;

pub use passage::Passage;
