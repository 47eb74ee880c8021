//! Writes the draft: with the model, or without one from the passages' own sentences.

use crate::budget::Parts;
use crate::decide::ModelOutcome;
use crate::spend::{Room, reserve};
use crate::understand::Understood;
use crate::{Desk, Passage, Question, Result, budget, extractive};
use domain::UsageId;
use domain::trace::{ModelAttempt, TracedCompletion, TracedPrompt};
use domain::usage::TokenUsage;
use llm::{CALLS_PER_MESSAGE_MAX, CallBudget, ChatModel, ChatRequest, FinishReason};
use prompts::{AnswerPrompt, NO_ANSWER, PromptPassage};
use std::time::{Duration, Instant};

/// The model's name where sentences were quoted instead.
pub const EXTRACTIVE: &str = "extractive";
/// Tokens of an answer at most.
const OUTPUT_TOKENS_MAX: usize = 700;

/// A draft and how it came about.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The draft, with citation marks; empty where there is none.
    pub text: String,
    /// What became of the attempt.
    pub outcome: ModelOutcome,
    /// The passages it may cite, numbered as in the prompt.
    pub passages: Vec<Passage>,
    /// The prompt that was sent; `None` without a model.
    pub prompt: Option<TracedPrompt>,
    /// What the model wrote.
    pub completion: Option<TracedCompletion>,
    /// Model calls, failed ones included.
    pub attempts: Vec<ModelAttempt>,
    /// What they used.
    pub usage: TokenUsage,
    /// Which model wrote it.
    pub model: String,
    /// Under which name it was asked: servers answer under names of their own.
    pub asked: String,
    /// The room that its call takes in the budgets, until its use is recorded.
    pub reservation: Option<UsageId>,
    /// Whether the budgets had no room for the usual model.
    pub over_budget: bool,
}

/// Writes a draft from `parts` within the turn's deadline.
pub async fn generate(desk: &Desk, question: &Question, understood: &Understood, parts: Parts) -> Result<Draft> {
    match &question.chat {
        Some(chat) => ask_model(desk, chat.as_ref(), question, understood, parts).await,
        None => Ok(quote(understood, parts.passages)),
    }
}

/// The extractive draft: deterministic, so that replaying it gives the same bytes.
pub fn quote(understood: &Understood, passages: Vec<Passage>) -> Draft {
    let draft = extractive::extract(&understood.standalone, understood.language.as_deref(), &passages, None);
    Draft {
        outcome: if draft.is_some() { ModelOutcome::Drafted } else { ModelOutcome::NoAnswer },
        text: draft.map(|draft| draft.text).unwrap_or_default(),
        passages,
        prompt: None,
        completion: None,
        attempts: Vec::new(),
        usage: TokenUsage::default(),
        model: EXTRACTIVE.to_owned(),
        asked: EXTRACTIVE.to_owned(),
        reservation: None,
        over_budget: false,
    }
}

/// The extractive draft in place of a model's, for want of money.
fn quote_instead(understood: &Understood, passages: Vec<Passage>) -> Draft {
    Draft { over_budget: true, ..quote(understood, passages) }
}

/// No draft, for want of money.
fn over_budget(passages: Vec<Passage>) -> Draft {
    Draft {
        outcome: ModelOutcome::LimitReached,
        text: String::new(),
        passages,
        prompt: None,
        completion: None,
        attempts: Vec::new(),
        usage: TokenUsage::default(),
        model: EXTRACTIVE.to_owned(),
        asked: EXTRACTIVE.to_owned(),
        reservation: None,
        over_budget: true,
    }
}

async fn ask_model(
    desk: &Desk,
    chat: &dyn ChatModel,
    question: &Question,
    understood: &Understood,
    parts: Parts,
) -> Result<Draft> {
    let count = |text: &str| desk.tokens.count(text);
    let empty = Parts { passages: Vec::new(), window: Vec::new(), facts: Vec::new() };
    let fixed = render(question, understood, &empty)?;
    let fixed_tokens = desk.tokens.count_messages(&fixed.messages);
    let fitted = budget::fit(parts, fixed_tokens, question.assistant.settings.prompt_tokens_max, &count);
    let rendered = render(question, understood, &fitted.parts)?;
    let prompt_tokens = desk.tokens.count_messages(&rendered.messages);
    let (model, reserved) = match reserve(desk, question.into(), prompt_tokens, OUTPUT_TOKENS_MAX).await? {
        Room::Taken { model, reservation } => (model, reservation),
        Room::Quote => return Ok(quote_instead(understood, fitted.parts.passages)),
        Room::HandOff => return Ok(over_budget(fitted.parts.passages)),
    };
    let request = ChatRequest {
        model,
        messages: rendered.messages.clone(),
        output_tokens_max: OUTPUT_TOKENS_MAX,
        temperature: 0.0,
        json_schema: None,
        budget: CallBudget::new(CALLS_PER_MESSAGE_MAX).until(tokio::time::Instant::now() + desk.settings.deadline),
    };
    let prompt = TracedPrompt {
        name: rendered.name,
        version: rendered.version,
        hash: rendered.hash,
        tokens: prompt_tokens,
        messages: rendered.messages,
        cut: fitted.cut,
    };
    let mut draft = complete(desk, chat, &request).await;
    draft.passages = fitted.parts.passages;
    draft.prompt = Some(prompt);
    draft.reservation = reserved;
    Ok(draft)
}

fn render(question: &Question, understood: &Understood, parts: &Parts) -> Result<prompts::Rendered> {
    let assistant = &question.assistant;
    let prompt = AnswerPrompt {
        assistant_name: &assistant.name,
        instructions: &assistant.settings.instructions,
        language: assistant.settings.language.as_deref().or(understood.language.as_deref()),
        facts: parts.facts.iter().map(|fact| fact.text.as_str()).collect(),
        passages: parts
            .passages
            .iter()
            .map(|passage| PromptPassage {
                index: passage.index,
                title: &passage.title,
                heading_path: &passage.heading_path,
                text: &passage.text,
            })
            .collect(),
        window: &parts.window,
        question: &question.text,
    };
    Ok(match &question.template {
        Some(template) => prompts::answer_with(&template.source, template.version, &prompt)?,
        None => prompts::answer(&prompt)?,
    })
}

async fn complete(desk: &Desk, chat: &dyn ChatModel, request: &ChatRequest) -> Draft {
    let mut draft = Draft {
        text: String::new(),
        outcome: ModelOutcome::Unavailable,
        passages: Vec::new(),
        prompt: None,
        completion: None,
        attempts: Vec::new(),
        usage: TokenUsage::default(),
        model: String::new(),
        asked: String::new(),
        reservation: None,
        over_budget: false,
    };
    let asked = request.model.clone().unwrap_or_else(|| chat.id().to_owned());
    draft.model.clone_from(&asked);
    draft.asked.clone_from(&asked);
    let started = Instant::now();
    // The model keeps to the deadline itself; this is the wall behind it.
    let wall = desk.settings.deadline + Duration::from_secs(1);
    let completion = match tokio::time::timeout(wall, chat.complete(request, None)).await {
        Ok(Ok(completion)) => completion,
        Ok(Err(error)) => {
            tracing::warn!(%error, "no completion");
            draft.attempts.push(attempt(asked, error.word(), started));
            return draft;
        }
        Err(_) => {
            draft.attempts.push(attempt(asked, "timeout", started));
            return draft;
        }
    };
    draft.attempts.push(attempt(completion.model.clone(), "ok", started));
    draft.usage = completion.usage;
    draft.model.clone_from(&completion.model);
    draft.outcome = match completion.finish_reason {
        // Half an answer is none.
        FinishReason::Length | FinishReason::ContentFilter => ModelOutcome::NoAnswer,
        FinishReason::Stop | FinishReason::Other(_) => outcome_of(&completion.text),
    };
    if draft.outcome == ModelOutcome::Drafted {
        draft.text.clone_from(&completion.text);
    }
    draft.completion = Some(TracedCompletion {
        model: completion.model,
        finish_reason: Some(completion.finish_reason.to_string()),
        usage: completion.usage,
        logprobs_mean: completion.logprobs_mean,
        text: completion.text,
    });
    draft
}

/// Whether the model answered or said that it cannot.
pub fn outcome_of(text: &str) -> ModelOutcome {
    if text.trim().is_empty() || text.contains(NO_ANSWER) { ModelOutcome::NoAnswer } else { ModelOutcome::Drafted }
}

fn attempt(model: String, outcome: &str, started: Instant) -> ModelAttempt {
    ModelAttempt { model, outcome: outcome.to_owned(), duration_ms: started.elapsed().as_secs_f64() * 1000.0 }
}
