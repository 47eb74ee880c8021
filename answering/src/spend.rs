//! Room in the budgets for a model call: the usual model, else the cheaper one, else what the settings say.

use crate::{Desk, Question, Result};
use domain::usage::{OverBudget, TokenUsage};
use domain::{ConversationId, UsageId};
use llm::Completion;
use storage::budgets::Reservation;
use storage::usage::NewUsage;

/// What the budgets leave.
#[derive(Clone, Debug, PartialEq)]
pub enum Room {
    /// This model may be asked.
    Taken {
        /// The model; `None` is the configured one.
        model: Option<String>,
        /// The room that it takes; `None` where no budget binds.
        reservation: Option<UsageId>,
    },
    /// No model may be asked: the knowledge is quoted.
    Quote,
    /// No model may be asked: a person takes over.
    HandOff,
}

/// Takes room for a call that sends and writes so many tokens.
pub async fn reserve(desk: &Desk, question: &Question, prompt_tokens: usize, output_tokens: usize) -> Result<Room> {
    let settings = &question.assistant.settings;
    if question.budget.is_unlimited() && settings.budget.is_unlimited() {
        return Ok(Room::Taken { model: settings.model.clone(), reservation: None });
    }
    let tokens =
        TokenUsage { input_tokens: whole(prompt_tokens), output_tokens: whole(output_tokens), estimated: true };
    let configured = desk.chat.as_ref().map(|chat| chat.id().to_owned()).unwrap_or_default();
    let usual = std::iter::once(settings.model.clone());
    for model in usual.chain(settings.cheaper_model.clone().map(Some)) {
        let priced = model.as_deref().unwrap_or(&configured);
        let cost = desk.prices.cost(priced, tokens, &desk.database.clock().now().day());
        let wanted = Reservation {
            assistant_id: question.assistant.id,
            organization_budget: question.budget,
            assistant_budget: settings.budget,
            tokens: tokens.input_tokens.saturating_add(tokens.output_tokens),
            cost_micro_usd: cost.micro_usd,
        };
        let mut transaction = desk.database.of(question.organization_id).begin().await?;
        let reservation = transaction.reserve(wanted).await?;
        transaction.commit().await?;
        if reservation.is_some() {
            return Ok(Room::Taken { model, reservation });
        }
    }
    Ok(match settings.over_budget {
        OverBudget::Extractive => Room::Quote,
        OverBudget::HandOff => Room::HandOff,
    })
}

/// Gives the room back where nothing is recorded in its place.
pub async fn release(desk: &Desk, question: &Question, reservation: Option<UsageId>) -> Result<()> {
    let Some(reservation) = reservation else { return Ok(()) };
    let mut transaction = desk.database.of(question.organization_id).begin().await?;
    transaction.release_reservation(reservation).await?;
    Ok(transaction.commit().await?)
}

/// What a call beside the answers used: for what is remembered, or a summary.
pub(crate) fn usage_of(desk: &Desk, conversation_id: ConversationId, completion: Completion) -> NewUsage {
    let asked = desk.chat.as_ref().map(|chat| chat.id().to_owned()).unwrap_or_default();
    let day = desk.database.clock().now().day();
    let cost = desk.prices.cost_of_call(&asked, &completion.model, completion.usage, &day);
    NewUsage {
        conversation_id: Some(conversation_id),
        message_id: None,
        assistant_id: None,
        operation: "chat",
        model: completion.model,
        tokens: completion.usage,
        cost_micro_usd: cost.micro_usd,
    }
}

fn whole(tokens: usize) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}
