//! When a failed call is made again: few times, never past the deadline, never beyond the budget.

use crate::budget::CallBudget;
use crate::error::Error;
use futures::future::BoxFuture;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Calls of one model for one request: the first and two retries.
const CALLS_PER_MODEL_MAX: u32 = 3;

/// The wait before the first retry; it doubles with each.
const BACKOFF: Duration = Duration::from_millis(500);

/// An endpoint that asks for a longer wait is not waited for: the error carries its wish.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(10);

/// Makes the call until it works, its failure is final, or the limits are reached.
/// `call` is told which call it is, from 1; its future is boxed because the compiler cannot prove an
/// async closure's future to be `Send` for every lifetime.
pub(super) async fn retrying<'a, T>(
    model: &str,
    budget: &CallBudget,
    mut call: impl FnMut(u32) -> BoxFuture<'a, Result<T, Error>>,
) -> Result<T, Error> {
    budget.take()?;
    let mut calls = 1;
    loop {
        let error = match call(calls).await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        if !error.is_transient() || calls >= CALLS_PER_MODEL_MAX {
            return Err(error);
        }
        let wait = error.retry_after().unwrap_or_else(|| backoff(calls));
        let too_late = budget.deadline().is_some_and(|deadline| Instant::now() + wait >= deadline);
        if wait > RETRY_AFTER_MAX || too_late || budget.take().is_err() {
            return Err(error);
        }
        tracing::info!(model, %error, wait_ms = wait.as_millis(), "model call is made again");
        sleep(wait).await;
        calls += 1;
    }
}

/// How long a call may take, and whether its own limit or the message's deadline says so.
pub(super) fn call_limit(budget: &CallBudget, total_ms: u64) -> (&'static str, Duration) {
    let total = Duration::from_millis(total_ms);
    match budget.deadline().map(|deadline| deadline.saturating_duration_since(Instant::now())) {
        Some(left) if left < total => ("deadline", left),
        _ => ("total", total),
    }
}

/// Doubling waits, each half to one and a half of its mean, so that workers do not march in step.
fn backoff(calls: u32) -> Duration {
    BACKOFF.saturating_mul(1 << (calls - 1).min(8)).mul_f64(0.5 + fastrand::f64())
}
