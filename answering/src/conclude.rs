//! Ends a turn: the fence, the reply and everything that follows from it, in one transaction.

use crate::card::{Card, card};
use crate::{Answer, Desk, Result, Turn, spend};
use domain::conversation::Holder;
use domain::handoff::{HandoffReason, HandoffState};
use domain::job::{AnswerTurn, AssignConversation, DeliverMessage, Job, LearnFacts, SummarizeConversation};
use domain::message::{Decision, DeliveryState, Message, Sender};
use domain::{ConversationId, FactId, Id, MessageId, OrganizationId};
use std::time::Duration;
use storage::Transaction;
use storage::conversations::Conclusion;
use storage::handoffs::NewHandoff;
use storage::messages::{NewMessage, Reply};
use storage::traces::to_json;

/// A recalled fact that is at least so near to the question counts as used.
const HELPED_MIN: f64 = 0.2;
/// How long a conversation that goes on may hold back what is learned from it.
const LEARN_HELD_MAX: Duration = Duration::from_mins(5);

/// How a turn's end came out.
#[derive(Debug)]
pub enum Concluded {
    /// The reply is stored; the job is complete.
    Replied(Box<Message>),
    /// Somebody answered or took over meanwhile: nothing was written, the job is still to be completed.
    Overtaken,
}

/// Stores the answer as the turn's one reply.
pub async fn conclude(desk: &Desk, turn: &Turn, mut answer: Answer, job: &Job) -> Result<Concluded> {
    let conversation = &turn.conversation;
    let waits = conversation.holder == Holder::Queue;
    if waits && (answer.decision != Decision::Answer || answer.citations.is_empty()) {
        // Whoever waits for a person was told so; only a proved answer is worth another word of the AI.
        return Ok(Concluded::Overtaken);
    }
    let hands_off = answer.decision == Decision::HandOff;
    let tenant = desk.database.of(conversation.organization_id);
    let pulled = channels::channel(&turn.channel_kind)?.is_pulled();
    let card =
        if hands_off { card(tenant, conversation.id, conversation.answered_seq).await? } else { Card::default() };
    let id = desk.database.clock().id();
    answer.trace.message_id = Some(id);
    answer.trace.window.cut.splice(0..0, turn.cut.iter().cloned());
    let trace = to_json(&answer.trace)?;
    let mut transaction = tenant.begin().await?;
    transaction.complete_job(job).await?;
    let conclusion = Conclusion {
        conversation_id: conversation.id,
        from_seq: conversation.answered_seq,
        to_seq: turn.to_seq(),
        held_by: conversation.holder,
        holder: if waits || hands_off { Holder::Queue } else { Holder::Ai },
        answers: answer.decision == Decision::Answer,
        clarifications: if answer.decision == Decision::Clarify { conversation.clarifications + 1 } else { 0 },
    };
    let Some(seq) = transaction.conclude_turn(&conclusion).await? else {
        transaction.rollback().await?;
        return Ok(Concluded::Overtaken);
    };
    let message = write_reply(&mut transaction, id, turn, &answer, job, seq, pulled).await?;
    if hands_off {
        write_handoff(&mut transaction, card, &answer, &message).await?;
    }
    if conclusion.holder == Holder::Ai && seq - 1 > turn.to_seq() {
        // What came meanwhile has a job of its own; what was too much for this turn has none yet.
        let now = transaction.now();
        transaction.enqueue(&AnswerTurn { conversation_id: conversation.id }, now).await?;
    }
    spend::settle(&mut transaction, &answer, turn.conversation.assistant_id, Some(&message)).await?;
    remember(desk, &mut transaction, turn, &answer).await?;
    transaction.insert_trace(message.id, trace).await?;
    transaction.commit().await?;
    count(&message);
    Ok(Concluded::Replied(Box::new(message)))
}

async fn write_reply(
    transaction: &mut Transaction,
    id: MessageId,
    turn: &Turn,
    answer: &Answer,
    job: &Job,
    seq: i64,
    pulled: bool,
) -> Result<Message> {
    let conversation = &turn.conversation;
    let message = transaction
        .insert_message(NewMessage {
            id,
            conversation_id: conversation.id,
            channel_id: conversation.channel_id,
            seq,
            sender: Sender::Ai,
            sender_id: Some(conversation.assistant_id.uuid()),
            content: answer.content.clone(),
            external_id: None,
            // Where clients read replies themselves, storing is sending.
            delivery: Some(if pulled { DeliveryState::Sent } else { DeliveryState::Queued }),
            reply: Some(Reply {
                turn_id: Id::from_uuid(job.id.uuid()),
                in_reply_to: turn.waiting.iter().map(|message| message.id).collect(),
                decision: answer.decision,
                handoff_reason: answer.handoff_reason,
                confidence: answer.confidence,
                model: answer.model.clone(),
                usage: answer.usage,
                cost_micro_usd: answer.cost_micro_usd,
                citations: answer.citations.clone(),
            }),
        })
        .await?;
    if !pulled {
        transaction.insert_delivery(message.id).await?;
        let now = transaction.now();
        transaction.enqueue(&DeliverMessage { message_id: message.id }, now).await?;
    }
    Ok(message)
}

async fn write_handoff(transaction: &mut Transaction, card: Card, answer: &Answer, message: &Message) -> Result<()> {
    let conversation_id = message.conversation_id;
    let note = &answer.note;
    let handoff = NewHandoff {
        conversation_id,
        message_id: Some(message.id),
        reason: answer.handoff_reason.unwrap_or(HandoffReason::Error),
        summary: card.summary,
        tried: card.tried.into_iter().chain(note.tried.iter().cloned()).collect(),
        sources: if note.sources.is_empty() { card.sources } else { note.sources.clone() },
        suggested_reply: note.suggested_reply.clone(),
        open_questions: card.open_questions,
        skills: note.skills.clone(),
    };
    transaction.mark_handoffs(conversation_id, HandoffState::Closed, None).await?;
    transaction.insert_handoff(handoff).await?;
    let now = transaction.now();
    transaction.enqueue(&AssignConversation { conversation_id }, now).await?;
    Ok(())
}

/// What the memory gains from a turn: which facts helped, and the jobs that learn and summarize after it.
async fn remember(desk: &Desk, transaction: &mut Transaction, turn: &Turn, answer: &Answer) -> Result<()> {
    let helped = answer.trace.recalled_facts.iter().filter(|fact| fact.similarity >= HELPED_MIN);
    let helped: Vec<FactId> = helped.filter_map(|fact| fact.id).collect();
    if !helped.is_empty() {
        transaction.mark_facts_used(&helped).await?;
    }
    let (conversation_id, customer_id) = (turn.conversation.id, turn.conversation.customer_id);
    let now = transaction.now();
    let has_embedder = desk.embedder.embedder().is_some();
    if has_embedder || turn.waiting.iter().any(|message| crate::worth::may_hold_facts(&message.content)) {
        let work = LearnFacts { conversation_id, customer_id };
        let run_at = now + desk.settings.learn_after;
        transaction.enqueue_or_postpone(&work, run_at, LEARN_HELD_MAX).await?;
    }
    if left_window(turn, answer.trace.window.messages_cut) > turn.summary_seq {
        transaction.enqueue(&SummarizeConversation { conversation_id }, now).await?;
    }
    Ok(())
}

/// The seq up to which the conversation was not in the window.
fn left_window(turn: &Turn, messages_cut: usize) -> i64 {
    match messages_cut.checked_sub(1).and_then(|last| turn.history_seqs.get(last)) {
        Some(seq) => *seq,
        None => turn.history_seqs.first().map_or(0, |first| first - 1),
    }
}

fn count(message: &Message) {
    let decision = message.decision.map_or("none", Into::into);
    let reason = message.handoff_reason.map_or("none", Into::into);
    metrics::counter!("frontdesk_answers_total", "decision" => decision, "reason" => reason).increment(1);
    if let Some(confidence) = message.confidence {
        metrics::histogram!("frontdesk_answer_confidence").record(confidence);
    }
    if let Some(reason) = message.handoff_reason {
        let reason: &'static str = reason.into();
        metrics::counter!("frontdesk_handoffs_total", "reason" => reason).increment(1);
    }
    if let Some(model) = &message.model {
        let cost = u64::try_from(message.cost_micro_usd).unwrap_or(0);
        metrics::counter!("frontdesk_llm_cost_micro_usd_total", "model" => model.clone()).increment(cost);
    }
}

/// Hands over a turn that could not be answered at all: the customer is told, a person finds it.
/// Does nothing where the turn was answered or taken over meanwhile.
pub async fn hand_off_turn(
    desk: &Desk,
    organization_id: OrganizationId,
    id: ConversationId,
    job: &Job,
) -> Result<Concluded> {
    let Some(turn) = crate::turn::load(desk, organization_id, id).await? else {
        return Ok(Concluded::Overtaken);
    };
    let understood = crate::understand::understand(&turn.question.text, &turn.question.history);
    let language = turn.question.assistant.settings.language.clone().or(understood.language);
    let answer = Answer {
        content: crate::texts::texts(language.as_deref())
            .handoff_to(turn.question.staffing, crate::rules::was_announced(&turn.question.history)),
        citations: Vec::new(),
        decision: Decision::HandOff,
        handoff_reason: Some(HandoffReason::Error),
        confidence: None,
        model: None,
        usage: domain::usage::TokenUsage::default(),
        cost_micro_usd: 0,
        reservation: None,
        note: crate::answer::HandoffNote {
            tried: vec!["answering failed again and again; the job is listed as discarded".to_owned()],
            ..Default::default()
        },
        trace: domain::trace::Trace {
            question: turn.question.text.clone(),
            standalone_query: turn.question.text.clone(),
            ..Default::default()
        },
    };
    conclude(desk, &turn, answer, job).await
}
