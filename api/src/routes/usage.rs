//! Tokens and money by day, assistant and model.

use crate::app::App;
use crate::auth::Caller;
use crate::body::Query;
use crate::error::{Problem, Result};
use axum::extract::State;
use domain::handoff::HandoffReason;
use domain::usage::UsageSum;
use domain::{AssistantId, Time};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use storage::usage::HandoffCount;
use utoipa::{IntoParams, ToSchema};

/// Days that are summed where the request does not say.
const DAYS_DEFAULT: u64 = 30;
/// Seconds of a day.
const DAY_SECS: u64 = 24 * 60 * 60;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListUsage {
    /// The first UTC day, `2026-11-21`; 30 days ago where absent.
    from: Option<String>,
    /// The last UTC day; today where absent.
    to: Option<String>,
}

/// Sums of use, the newest day first.
#[derive(Serialize, ToSchema)]
pub(crate) struct UsageList {
    /// Always `list`.
    object: &'static str,
    data: Vec<UsageSumObject>,
    /// All of them together.
    total: UsageTotal,
    /// Conversations in which something happened from the first day on.
    conversations: i64,
    /// How many of them were handed off, by reason, the most first; one may stand under several.
    handoffs: Vec<HandoffCountObject>,
}

/// How many conversations were handed off for a reason.
#[derive(Serialize, ToSchema)]
pub(crate) struct HandoffCountObject {
    #[schema(value_type = String, example = "missing_knowledge")]
    reason: HandoffReason,
    conversations: i64,
}

impl From<HandoffCount> for HandoffCountObject {
    fn from(count: HandoffCount) -> Self {
        Self { reason: count.reason, conversations: count.conversations }
    }
}

/// The use of one day by one assistant and model.
#[derive(Serialize, ToSchema)]
pub(crate) struct UsageSumObject {
    day: String,
    #[schema(value_type = Option<String>)]
    assistant_id: Option<AssistantId>,
    model: String,
    #[serde(flatten)]
    sum: UsageTotal,
}

/// Figures of use.
#[derive(Clone, Copy, Default, Serialize, ToSchema)]
pub(crate) struct UsageTotal {
    calls: i64,
    input_tokens: i64,
    output_tokens: i64,
    /// In millionths of a US dollar.
    cost_micro_usd: i64,
}

impl UsageTotal {
    fn plus(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_add(other.calls),
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cost_micro_usd: self.cost_micro_usd.saturating_add(other.cost_micro_usd),
        }
    }
}

impl From<UsageSum> for UsageSumObject {
    fn from(sum: UsageSum) -> Self {
        Self {
            day: sum.day,
            assistant_id: sum.assistant_id,
            model: sum.model,
            sum: UsageTotal {
                calls: sum.calls,
                input_tokens: sum.input_tokens,
                output_tokens: sum.output_tokens,
                cost_micro_usd: sum.cost_micro_usd,
            },
        }
    }
}

/// Sums tokens and money.
#[utoipa::path(get, path = "/v1/usage", tag = "usage", params(ListUsage),
    responses((status = 200, description = "Sums by day, assistant and model", body = UsageList)))]
pub(crate) async fn list_usage(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListUsage>,
) -> Result<axum::Json<UsageList>> {
    let tenant = app.of(caller.organization_id());
    let now = tenant.now();
    let from = query.from.unwrap_or_else(|| (now - Duration::from_secs(DAYS_DEFAULT * DAY_SECS)).day());
    let to = query.to.unwrap_or_else(|| now.day());
    let begin = midnight("from", &from)?;
    let end = midnight("to", &to)? + Duration::from_secs(DAY_SECS);
    let sums = tenant.sum_usage(&from, &to).await?;
    let data: Vec<UsageSumObject> = sums.into_iter().map(UsageSumObject::from).collect();
    let total = data.iter().fold(UsageTotal::default(), |total, row| total.plus(row.sum));
    let handoffs = tenant.count_handoffs(begin, end).await?.into_iter().map(HandoffCountObject::from).collect();
    let conversations = tenant.count_conversations(begin).await?;
    Ok(axum::Json(UsageList { object: "list", data, total, conversations, handoffs }))
}

/// Where a day begins.
fn midnight(name: &str, text: &str) -> Result<Time> {
    let midnight = serde_json::Value::String(format!("{text}T00:00:00Z"));
    let time: Option<Time> = serde_json::from_value(midnight).ok();
    let day = time.filter(|time| time.day() == text);
    day.ok_or_else(|| Problem::invalid(format!("`{name}` is not a day such as 2026-11-21")))
}

#[cfg(test)]
mod tests {
    use super::midnight;

    #[test]
    fn only_days_of_the_calendar_are_days() {
        assert!(midnight("from", "2026-11-21").is_ok());
        for text in ["2026-02-30", "26-1-1", "2026-11-21T00:00:00Z", "", "today"] {
            assert!(midnight("from", text).is_err(), "{text}");
        }
    }
}
