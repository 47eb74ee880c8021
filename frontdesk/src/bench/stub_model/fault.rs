//! The ways in which a model endpoint goes wrong.

use super::reply::{self, End};
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use clap::ValueEnum;
use serde_json::{Value, json};
use std::time::Duration;

/// Longer than any client waits.
const HANG_S: u64 = 900;
/// What `429-retry-after` asks for.
const RETRY_AFTER_S: &str = "1";

/// What goes wrong with a call. In a message it is written `fault:NAME`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// No answer at all
    #[value(name = "timeout")]
    Timeout,
    /// Too many requests, without saying how long to wait
    #[value(name = "429")]
    RateLimited,
    /// Too many requests, with Retry-After
    #[value(name = "429-retry-after")]
    RetryAfter,
    /// The account is used up: a 429 that no waiting cures
    #[value(name = "insufficient_quota")]
    InsufficientQuota,
    /// Internal error
    #[value(name = "500")]
    ServerError,
    /// The connection breaks in the middle of the answer
    #[value(name = "cut_stream")]
    CutStream,
    /// JSON that ends too early
    #[value(name = "malformed")]
    Malformed,
    /// No choices
    #[value(name = "empty_choices")]
    EmptyChoices,
    /// Token counts that cannot be
    #[value(name = "absurd_usage")]
    AbsurdUsage,
    /// A whole answer, but slow: 3 s
    #[value(name = "slow")]
    Slow,
}

impl Fault {
    /// The fault that the message asks for on its nth call: `fault:500`, or `fault:500:2` for the
    /// first two calls only.
    pub(super) fn asked_for(message: &str, nth: u64) -> Option<Self> {
        let name = reply::marker(message, "fault:")?;
        let after = message.rsplit_once("fault:")?.1.strip_prefix(name)?;
        let times = after.strip_prefix(':').unwrap_or_default();
        let times: String = times.chars().take_while(char::is_ascii_digit).collect();
        let calls_max = times.parse().unwrap_or(u64::MAX);
        Self::from_str(name, false).ok().filter(|_| nth <= calls_max)
    }

    /// The name it is asked for by.
    pub(super) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    pub(super) async fn response(self, request: &Value) -> Response {
        let whole = |end| reply::respond(request, reply::usage(request), end);
        match self {
            Self::Timeout => {
                tokio::time::sleep(Duration::from_secs(HANG_S)).await;
                refusal(504, "timeout", "the stub gave up waiting to be given up on")
            }
            Self::RateLimited => refusal(429, "rate_limit_exceeded", "rate limit reached"),
            Self::RetryAfter => {
                let response = refusal(429, "rate_limit_exceeded", "rate limit reached");
                ([("retry-after", RETRY_AFTER_S)], response).into_response()
            }
            Self::InsufficientQuota => refusal(429, "insufficient_quota", "you exceeded your current quota"),
            Self::ServerError => refusal(500, "server_error", "the server had an error"),
            Self::CutStream => whole(End::Cut),
            Self::Malformed => whole(End::Malformed),
            Self::EmptyChoices => whole(End::NoChoices),
            Self::AbsurdUsage => {
                let usage = json!({ "prompt_tokens": u64::MAX, "completion_tokens": -5, "total_tokens": 0 });
                reply::respond(request, usage, End::Whole)
            }
            Self::Slow => whole(End::Slow),
        }
    }
}

/// An error as OpenAI-compatible endpoints write it.
pub(super) fn refusal(status: u16, code: &str, message: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let error = json!({ "error": { "message": message, "type": code, "param": null, "code": code } });
    (status, Json(error)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_asks_for_a_fault_by_name_and_may_limit_it() {
        assert_eq!(Fault::asked_for("please fault:429-retry-after.", 9), Some(Fault::RetryAfter));
        assert_eq!(Fault::asked_for("m:7 fault:500:2", 2), Some(Fault::ServerError));
        assert_eq!(Fault::asked_for("m:7 fault:500:2", 3), None);
        assert_eq!(Fault::asked_for("it is no fault: 500 of mine", 1), None);
        assert_eq!(Fault::asked_for("fault:unheard_of", 1), None);
    }
}
