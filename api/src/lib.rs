//! The HTTP face of a desk: `/v1` as OpenAPI describes it, health, metrics and a docs page.
//!
//! Handlers are thin: they read a request, call `answering`, `ingest` or `storage`, and show what
//! came back. They hold no rules, run no SQL and never speak to a model themselves. Each resource is
//! a file in `routes/`; `error.rs` alone knows which failure is which status. Read `router.rs` first.

mod app;
mod auth;
mod body;
mod console;
mod docs;
mod envelope;
mod error;
mod hub;
mod idempotency;
pub mod keys;
mod list;
mod objects;
mod peer;
mod rates;
mod router;
mod routes;
mod serve;
pub mod session;
mod visitor;
mod waiting;
mod widget_files;

pub use app::{Settings, State};
pub use router::{openapi, router};
pub use serve::serve;
