//! Reads websites and files into knowledge: fetches politely, takes the main text out of pages, cuts it into chunks.
//!
//! It never reaches a private address (unless the settings name it), never obeys text it reads, and
//! never holds more of a foreign site in memory than its limits say.
//! Read `scan` and `page` first (the way of a page), then `fetch`, `extract` and `chunk`.

mod answer;
pub mod articles;
pub mod boilerplate;
mod charset;
mod chrome;
pub mod chunk;
mod content;
pub mod documents;
mod dom;
mod error;
pub mod extract;
pub mod fetch;
pub mod files;
pub mod frontier;
pub mod guard;
pub mod import;
pub mod index;
mod language;
mod library;
mod line;
mod markdown;
pub mod page;
pub mod politeness;
pub mod preview;
pub mod reason;
pub mod robots;
pub mod scan;
pub mod sitemap;
pub mod sources;
pub mod tokens;
pub mod unpack;

pub use error::{Error, Result};
pub use library::Library;
pub use reason::Reason;
