//! Language models and embedding models behind two traits, [`ChatModel`] and [`Embedder`], with
//! everything that makes calling them bearable: limits, retries, token counts, prices, model files.
//!
//! It never sees a conversation and never reads the environment: prompts and settings come in as
//! values. Read `chat.rs` and `embed.rs` first, then `providers/`.

pub mod budget;
pub mod chat;
pub mod conformance;
pub mod embed;
mod error;
pub mod price;
pub mod providers;
pub mod secret;
pub mod telemetry;
pub mod tokens;
pub mod weights;

pub use budget::{CALLS_PER_MESSAGE_MAX, CallBudget};
pub use chat::{ChatModel, ChatRequest, Completion, Delta, Deltas, Fallbacks, FinishReason};
pub use embed::{CachedQueries, Embedder, EmbedderSlot};
pub use error::Error;
pub use price::{Price, PriceTable};
pub use secret::Secret;
pub use tokens::TokenCounter;

/// The HTTP client that endpoints are reached with: built by `http_client`, or by whoever guards addresses.
pub type HttpClient = reqwest::Client;
