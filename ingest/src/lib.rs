//! Reads websites and files into knowledge: fetches politely, takes the main text out of pages, cuts it into chunks.
//!
//! It never reaches a private address (unless the settings name it), never obeys text it reads, and
//! never holds more of a foreign site in memory than its limits say.
//! Read `fetch` first, then `extract`, then `chunk`.

mod answer;
pub mod boilerplate;
mod charset;
mod chrome;
pub mod chunk;
mod content;
mod dom;
pub mod extract;
pub mod fetch;
pub mod frontier;
pub mod guard;
mod language;
mod line;
mod markdown;
pub mod politeness;
pub mod reason;
pub mod robots;
pub mod sitemap;
pub mod tokens;
pub mod unpack;

pub use reason::Reason;
