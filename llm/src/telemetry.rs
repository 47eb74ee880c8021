//! Names of what is measured: OpenTelemetry's words for generative AI.

use crate::error::Error;
use domain::usage::TokenUsage;
use std::time::Duration;

/// Histogram of tokens per call, by `gen_ai_token_type`.
pub const TOKEN_USAGE: &str = "gen_ai_client_token_usage";
/// Histogram of the seconds a call took, with `error_type` where it failed.
pub const OPERATION_DURATION: &str = "gen_ai_client_operation_duration_seconds";
/// Counter of money spent, in millionths of a US dollar, by model.
pub const COST: &str = "frontdesk_llm_cost_micro_usd_total";

/// The operation of asking a language model.
pub const CHAT: &str = "chat";
/// The operation of embedding texts.
pub const EMBEDDINGS: &str = "embeddings";

const OPERATION_NAME: &str = "gen_ai_operation_name";
const REQUEST_MODEL: &str = "gen_ai_request_model";
const TOKEN_TYPE: &str = "gen_ai_token_type";
const ERROR_TYPE: &str = "error_type";

/// Records one call: how long it took and how it ended.
pub(crate) fn record_call(operation: &'static str, model: &str, took: Duration, error: Option<&Error>) {
    metrics::histogram!(
        OPERATION_DURATION,
        OPERATION_NAME => operation,
        REQUEST_MODEL => model.to_owned(),
        ERROR_TYPE => error.map_or("", Error::word),
    )
    .record(took.as_secs_f64());
}

/// Records the tokens of one call.
pub(crate) fn record_tokens(operation: &'static str, model: &str, usage: TokenUsage) {
    for (word, tokens) in [("input", usage.input_tokens), ("output", usage.output_tokens)] {
        if tokens > 0 {
            metrics::histogram!(
                TOKEN_USAGE,
                OPERATION_NAME => operation,
                REQUEST_MODEL => model.to_owned(),
                TOKEN_TYPE => word,
            )
            .record(f64::from(u32::try_from(tokens).unwrap_or(u32::MAX)));
        }
    }
}

/// Records money spent on a model; called by whoever stores the usage.
pub fn record_cost(model: &str, cost_micro_usd: i64) {
    if let Ok(cost) = u64::try_from(cost_micro_usd) {
        metrics::counter!(COST, "model" => model.to_owned()).increment(cost);
    }
}
