//! The flags of `budget`.

use clap::{Args, Subcommand};

/// What model calls of the whole desk may cost.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Budget {
    /// Print the limits and what is spent of them
    Show,
    /// Replace the limits; one that is not given no longer binds
    Set(Limits),
}

/// Flags of `budget set`.
#[derive(Clone, Copy, Debug, Args)]
pub struct Limits {
    /// US dollars in a UTC day
    #[arg(long, value_name = "USD")]
    pub day_usd: Option<f64>,
    /// US dollars in a UTC month
    #[arg(long, value_name = "USD")]
    pub month_usd: Option<f64>,
    /// Tokens in a UTC day, sent and written together
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..))]
    pub day_tokens: Option<i64>,
    /// Tokens in a UTC month, sent and written together
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..))]
    pub month_tokens: Option<i64>,
}
