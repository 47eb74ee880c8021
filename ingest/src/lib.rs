//! Reads websites and files into knowledge: fetches politely, takes the main text out of pages, cuts it into chunks.
//!
//! It never reaches a private address (unless the settings name it), never obeys text it reads, and
//! never holds more of a foreign site in memory than its limits say.
//! Read `scan` and `page` first (the way of a page), then `fetch`, `extract` and `chunk`; `conclude` for what a
//! re-scan does with what changed.

mod alike;
mod answer;
mod apply;
pub mod articles;
pub mod boilerplate;
mod charset;
mod chrome;
pub mod chunk;
pub mod compare;
pub mod compose;
pub mod conclude;
mod content;
mod definitions;
pub mod diff;
pub mod discover;
pub mod documents;
mod dom;
pub mod draft;
pub mod drafter;
mod error;
pub mod extract;
pub mod fetch;
pub mod files;
pub mod frontier;
pub mod guard;
mod headings;
pub mod import;
pub mod index;
mod judge;
mod known;
mod language;
mod library;
mod line;
mod markdown;
pub mod merge;
mod orphans;
pub mod page;
pub mod politeness;
pub mod preview;
pub mod progress;
mod questions;
pub mod reason;
pub mod review;
pub mod risk;
pub mod robots;
mod room;
pub mod scan;
pub mod schedule;
pub mod sections;
pub mod sitemap;
pub mod sources;
pub mod suggest;
pub mod tokens;
pub mod unpack;

pub use error::{Error, Result};
pub use library::Library;
pub use reason::Reason;
