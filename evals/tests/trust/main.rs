//! What can be trusted: attacks on a model that obeys them all, planted regressions that a replay must find,
//! budgets, and prompts that go live only when their run passes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod attacks;
mod budgets;
mod desk;
mod rankings;
mod ratings;
mod replays;
