//! What model calls may cost, and what they cost so far.

use crate::app::App;
use crate::auth::Caller;
use crate::body::Json;
use crate::error::{Problem, Result};
use axum::extract::State;
use domain::AssistantId;
use domain::usage::{Budget, Spent};
use serde::{Deserialize, Serialize};
use storage::Tenant;
use utoipa::ToSchema;

/// Limits of a UTC day and month; what is absent does not bind.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    /// In millionths of a US dollar.
    #[serde(default)]
    day_micro_usd: Option<i64>,
    /// In millionths of a US dollar.
    #[serde(default)]
    month_micro_usd: Option<i64>,
    /// Tokens sent and written.
    #[serde(default)]
    day_tokens: Option<i64>,
    /// Tokens sent and written.
    #[serde(default)]
    month_tokens: Option<i64>,
}

/// What was spent, calls in flight included.
#[derive(Serialize, ToSchema)]
pub(crate) struct SpentObject {
    day_micro_usd: i64,
    month_micro_usd: i64,
    day_tokens: i64,
    month_tokens: i64,
}

/// The budget of the whole desk, and those of its assistants.
#[derive(Serialize, ToSchema)]
pub(crate) struct BudgetsObject {
    /// Always `budgets`.
    object: &'static str,
    limits: Limits,
    spent: SpentObject,
    assistants: Vec<AssistantBudgetObject>,
}

/// The budget of an assistant: `PATCH /v1/assistants/{id}` with `settings.budget` changes it.
#[derive(Serialize, ToSchema)]
pub(crate) struct AssistantBudgetObject {
    #[schema(value_type = String)]
    assistant_id: AssistantId,
    name: String,
    limits: Limits,
    spent: SpentObject,
}

impl From<Budget> for Limits {
    fn from(budget: Budget) -> Self {
        let Budget { day_micro_usd, month_micro_usd, day_tokens, month_tokens } = budget;
        Self { day_micro_usd, month_micro_usd, day_tokens, month_tokens }
    }
}

impl From<Limits> for Budget {
    fn from(limits: Limits) -> Self {
        let Limits { day_micro_usd, month_micro_usd, day_tokens, month_tokens } = limits;
        Self { day_micro_usd, month_micro_usd, day_tokens, month_tokens }
    }
}

impl From<Spent> for SpentObject {
    fn from(spent: Spent) -> Self {
        let Spent { day_micro_usd, month_micro_usd, day_tokens, month_tokens } = spent;
        Self { day_micro_usd, month_micro_usd, day_tokens, month_tokens }
    }
}

/// Reads what model calls may cost, and what they cost so far.
#[utoipa::path(get, path = "/v1/budgets", tag = "usage",
    responses((status = 200, description = "The budgets with what is spent of them", body = BudgetsObject)))]
pub(crate) async fn get_budgets(State(app): State<App>, caller: Caller) -> Result<axum::Json<BudgetsObject>> {
    Ok(axum::Json(budgets(app.of(caller.organization_id())).await?))
}

/// Replaces what the model calls of all assistants together may cost.
#[utoipa::path(put, path = "/v1/budgets", tag = "usage", request_body = Limits,
    responses((status = 200, description = "The budgets as they are now", body = BudgetsObject)))]
pub(crate) async fn put_budgets(
    State(app): State<App>,
    caller: Caller,
    Json(limits): Json<Limits>,
) -> Result<axum::Json<BudgetsObject>> {
    let named = [
        ("day_micro_usd", limits.day_micro_usd),
        ("month_micro_usd", limits.month_micro_usd),
        ("day_tokens", limits.day_tokens),
        ("month_tokens", limits.month_tokens),
    ];
    if let Some((field, _)) = named.into_iter().find(|(_, limit)| limit.is_some_and(|limit| limit < 0)) {
        return Err(Problem::invalid(format!("`{field}` is a whole number from 0")).at(format!("/{field}")));
    }
    let tenant = app.of(caller.organization_id());
    let mut settings = tenant.load_organization().await?.settings;
    settings.budget = limits.into();
    let mut transaction = tenant.begin().await?;
    transaction.update_organization_settings(&settings).await?;
    transaction.insert_audit(&caller.actor(), "settings.updated", "budget").await?;
    transaction.commit().await?;
    Ok(axum::Json(budgets(tenant).await?))
}

async fn budgets(tenant: Tenant<'_>) -> Result<BudgetsObject> {
    let mut assistants = Vec::new();
    for assistant in tenant.list_assistants().await? {
        assistants.push(AssistantBudgetObject {
            assistant_id: assistant.id,
            spent: tenant.spent(Some(assistant.id)).await?.into(),
            name: assistant.name,
            limits: assistant.settings.budget.into(),
        });
    }
    Ok(BudgetsObject {
        object: "budgets",
        limits: tenant.load_organization().await?.settings.budget.into(),
        spent: tenant.spent(None).await?.into(),
        assistants,
    })
}
