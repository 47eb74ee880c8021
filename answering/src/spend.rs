//! Room in the budgets for a model call: the usual model, else the cheaper one, else what the settings say.

use crate::{Answer, Desk, Question, Result};
use domain::assistant::Assistant;
use domain::message::Message;
use domain::usage::{Budget, OverBudget, TokenUsage};
use domain::{AssistantId, OrganizationId, UsageId};
use storage::Transaction;
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

/// Who pays for a call.
#[derive(Clone, Debug)]
pub struct Payer<'a> {
    /// The tenant.
    pub organization_id: OrganizationId,
    /// What its calls may cost in all.
    pub budget: Budget,
    /// Who asks; `None`: nobody, the desk itself.
    pub assistant: Option<&'a Assistant>,
    /// The model that is asked where the assistant names none.
    pub configured: &'a str,
}

impl<'a> From<&'a Question> for Payer<'a> {
    fn from(question: &'a Question) -> Self {
        let Question { organization_id, budget, assistant, chat, .. } = question;
        let configured = chat.as_ref().map(|chat| chat.id()).unwrap_or_default();
        Self { organization_id: *organization_id, budget: *budget, assistant: Some(assistant), configured }
    }
}

/// Takes room for a call that sends and writes so many tokens.
pub async fn reserve(desk: &Desk, payer: Payer<'_>, prompt_tokens: usize, output_tokens: usize) -> Result<Room> {
    let settings = payer.assistant.map(|assistant| assistant.settings.clone()).unwrap_or_default();
    if payer.budget.is_unlimited() && settings.budget.is_unlimited() {
        return Ok(Room::Taken { model: settings.model, reservation: None });
    }
    let tokens =
        TokenUsage { input_tokens: whole(prompt_tokens), output_tokens: whole(output_tokens), estimated: true };
    let usual = std::iter::once(settings.model);
    for model in usual.chain(settings.cheaper_model.map(Some)) {
        let priced = model.as_deref().unwrap_or(payer.configured);
        let cost = desk.prices.cost(priced, tokens, &desk.database.clock().now().day());
        let wanted = Reservation {
            assistant_id: payer.assistant.map(|assistant| assistant.id),
            organization_budget: payer.budget,
            assistant_budget: settings.budget,
            tokens: tokens.input_tokens.saturating_add(tokens.output_tokens),
            cost_micro_usd: cost.micro_usd,
        };
        let mut transaction = desk.database.of(payer.organization_id).begin().await?;
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

/// Records what an answer cost in place of the room that it took, for the message of a conversation where it is one.
pub async fn settle(
    transaction: &mut Transaction,
    answer: &Answer,
    assistant_id: AssistantId,
    message: Option<&Message>,
) -> Result<()> {
    let usage = NewUsage {
        conversation_id: message.map(|message| message.conversation_id),
        message_id: message.map(|message| message.id),
        assistant_id: Some(assistant_id),
        operation: "chat",
        model: answer.model.clone().unwrap_or_default(),
        tokens: answer.usage,
        cost_micro_usd: answer.cost_micro_usd,
    };
    Ok(transaction.settle(answer.reservation, usage).await?)
}

/// Records what an answer cost that is no message: of the playground, a run, a trial. One that asked no model costs
/// nothing, and the writer is not asked either.
pub async fn record(desk: &Desk, question: &Question, answer: &Answer) -> Result<()> {
    let asked_a_model = answer.usage.input_tokens > 0 || answer.usage.output_tokens > 0;
    if !asked_a_model && answer.reservation.is_none() {
        return Ok(());
    }
    let mut transaction = desk.database.of(question.organization_id).begin().await?;
    settle(&mut transaction, answer, question.assistant.id, None).await?;
    Ok(transaction.commit().await?)
}

fn whole(tokens: usize) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}
