//! The one pipeline that turns a customer's message into an answer, a question back or a handoff;
//! the worker, the playground and the evals all run it.
//!
//! `receive` takes a message, `turn` loads what waits, `answer` is the list of steps, `conclude` ends the
//! turn in one transaction. The steps between are pure: they compute over what they are given. No model
//! is asked while a transaction is open. Read `answer.rs` first, then `conclude.rs` and `judge.rs`.

mod align;
pub mod answer;
pub mod answerable;
mod asked;
pub mod assign;
pub mod budget;
pub mod calibrate;
mod card;
mod choice;
pub mod conclude;
pub mod confidence;
pub mod decide;
mod desk;
mod echo;
mod error;
pub mod extractive;
pub mod generate;
pub mod hand_off;
mod hint;
pub mod judge;
pub mod learn;
pub mod metered;
pub mod models;
mod passage;
mod patterns;
mod promise;
mod proposals;
pub mod recall;
pub mod receive;
pub mod replay;
pub mod rerun;
pub mod retrieve;
mod rules;
pub mod sanitize;
mod secrecy;
pub mod spend;
pub mod staffing;
pub mod summarize;
pub mod template;
pub mod texts;
pub mod turn;
pub mod understand;
pub mod verify;
pub mod window;
mod wish;
pub mod words;
pub mod worth;

pub use answer::{Answer, answer};
pub use desk::{Desk, Settings};
pub use domain::sentences;
pub use error::{Error, Refused, Result};
pub use models::Models;
pub use passage::Passage;
pub use turn::{Question, Turn};
