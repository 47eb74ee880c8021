//! `frontdesk ask`: one answer with its proofs; nothing is stored unless a customer asks.

use crate::cli;
use crate::failure::Failure;
use crate::output::{Exit, Output};
use crate::wiring::Wired;
use answering::{Answer, Question, answer, spend, template};
use domain::message::{Citation, Message};
use domain::trace::Trace;
use serde::Serialize;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long an answer for a customer is waited for.
const WAIT: Duration = Duration::from_mins(1);
/// How often it is looked for when no signal comes.
const LOOK_EVERY: Duration = Duration::from_millis(250);

#[derive(Serialize)]
struct Shown {
    answer: String,
    decision: Option<domain::message::Decision>,
    handoff_reason: Option<domain::handoff::HandoffReason>,
    confidence: Option<f64>,
    citations: Vec<Citation>,
    model: Option<String>,
    usage: domain::usage::TokenUsage,
    cost_micro_usd: i64,
    message_id: Option<domain::MessageId>,
    #[serde(skip)]
    is_calibrated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<Trace>,
}

pub(crate) async fn run(wired: Wired, options: &cli::Ask, output: Output) -> Result<Exit, Failure> {
    wired.catch_up().await?;
    let shown = match &options.customer {
        None => of_answer(dry(&wired, &options.question).await?, options.trace),
        Some(customer) => stored(&wired, customer, options).await?,
    };
    output.result(&shown, in_words)?;
    Ok(Exit::Ok)
}

async fn dry(wired: &Wired, text: &str) -> Result<Answer, Failure> {
    let (desk, id) = (&wired.desk, wired.organization_id());
    let chat = desk.model_of(id).await.map_err(|error| problem(&answering::Error::from(error)))?;
    let template = match &chat {
        Some(_) => template::in_use(desk, id, wired.home.assistant.id, None).await.map_err(|error| problem(&error))?,
        None => None,
    };
    let question = Question {
        organization_id: wired.organization_id(),
        assistant: wired.home.assistant.clone(),
        text: text.to_owned(),
        history: Vec::new(),
        summary: String::new(),
        facts: Vec::new(),
        earlier: answering::recall::Earlier::default(),
        clarifications: 0,
        staffing: domain::staffing::Staffing::default(),
        allowed_link_hosts: wired.home.organization.settings.allowed_link_hosts.clone(),
        template,
        budget: wired.home.organization.settings.budget,
        chat,
    };
    let answer = answer(&wired.desk, &question).await.map_err(|error| problem(&error))?;
    spend::record(&wired.desk, &question, &answer).await.map_err(|error| problem(&error))?;
    Ok(answer)
}

fn of_answer(answer: Answer, trace: bool) -> Shown {
    Shown {
        answer: answer.content,
        decision: Some(answer.decision),
        handoff_reason: answer.handoff_reason,
        confidence: answer.confidence,
        citations: answer.citations,
        model: answer.model,
        usage: answer.usage,
        cost_micro_usd: answer.cost_micro_usd,
        message_id: None,
        is_calibrated: answer.trace.confidence.as_ref().is_some_and(|value| value.calibration_version.is_some()),
        trace: trace.then_some(answer.trace),
    }
}

/// Asks as a customer: the message is received and answered like any other, by a worker of this process
/// or by one that runs already.
async fn stored(wired: &Wired, customer: &str, options: &cli::Ask) -> Result<Shown, Failure> {
    let tenant = wired.desk.database.of(wired.organization_id());
    let channel = wired.home.channels.first().ok_or_else(|| Failure::new(Exit::Problem, "the desk has no channel"))?;
    let mut transaction = tenant.begin().await.map_err(|error| problem(&error))?;
    let new = storage::customers::NewCustomer {
        external_id: Some(customer.to_owned()),
        name: None,
        email: None,
        locale: None,
        profile: serde_json::Map::new(),
        identity: domain::customer::Identity::Unverified,
    };
    let customer = transaction.upsert_customer(&new).await.map_err(|error| problem(&error))?;
    let new = storage::conversations::NewConversation {
        customer_id: customer.id,
        channel_id: channel.id,
        assistant_id: wired.home.assistant.id,
        title: None,
        metadata: serde_json::Map::new(),
    };
    let conversation = transaction.insert_conversation(new).await.map_err(|error| problem(&error))?;
    transaction.commit().await.map_err(|error| problem(&error))?;
    let stop = CancellationToken::new();
    let worker = tokio_util::task::TaskTracker::new();
    worker.spawn(wired.worker().run(stop.clone()));
    worker.close();
    let incoming = answering::receive::Incoming {
        conversation_id: conversation.id,
        content: options.question.clone(),
        external_id: None,
    };
    let received = answering::receive::receive(&wired.desk, wired.organization_id(), incoming)
        .await
        .map_err(|error| problem(&error))?;
    let reply = wait_for_reply(wired, &received.message).await;
    stop.cancel();
    worker.wait().await;
    let reply = reply?;
    let trace = if options.trace { tenant.load_trace(reply.id).await.ok() } else { None };
    Ok(Shown {
        answer: reply.content,
        decision: reply.decision,
        handoff_reason: reply.handoff_reason,
        confidence: reply.confidence,
        citations: reply.citations,
        model: reply.model,
        usage: domain::usage::TokenUsage {
            input_tokens: reply.input_tokens,
            output_tokens: reply.output_tokens,
            estimated: reply.usage_estimated,
        },
        cost_micro_usd: reply.cost_micro_usd,
        message_id: Some(reply.id),
        is_calibrated: wired.home.assistant.settings.calibration.is_some(),
        trace,
    })
}

async fn wait_for_reply(wired: &Wired, message: &Message) -> Result<Message, Failure> {
    let tenant = wired.desk.database.of(wired.organization_id());
    let mut signal = wired.desk.database.signals().listen(storage::Signal::Events);
    let deadline = tokio::time::Instant::now() + WAIT;
    while tokio::time::Instant::now() < deadline {
        if let Some(reply) = tenant.find_reply_to(message).await.map_err(|error| problem(&error))? {
            return Ok(reply);
        }
        signal.wait(LOOK_EVERY).await;
    }
    Err(Failure::new(Exit::Unreachable, "no answer within 60 seconds").fix("run `frontdesk jobs list`"))
}

fn problem(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Problem, "the question could not be answered").because(error).fix("run `frontdesk doctor`")
}

fn in_words(shown: &Shown) -> String {
    let mut lines = vec![shown.answer.clone()];
    for citation in &shown.citations {
        let place = citation.url.as_deref().or(citation.external_id.as_deref()).unwrap_or_default();
        lines.push(format!("  [{}] {}   {place}", citation.index, citation.title));
    }
    let decision = shown.decision.map(|decision| decision.to_string()).unwrap_or_default();
    let reason = shown.handoff_reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    let kind = if shown.is_calibrated { "calibrated" } else { "uncalibrated" };
    let confidence = shown.confidence.map(|value| format!("confidence {value:.2} ({kind}) · ")).unwrap_or_default();
    let tokens = shown.usage.input_tokens + shown.usage.output_tokens;
    let model = shown.model.as_deref().unwrap_or("the desk itself");
    lines.push(format!("{confidence}{decision}{reason} · {model} · {tokens} tokens"));
    if let Some(trace) = &shown.trace {
        lines.extend(trace_in_words(trace));
    }
    if let Some(id) = shown.message_id {
        lines.push(format!("stored as {id}"));
    }
    lines.join("\n")
}

fn trace_in_words(trace: &Trace) -> Vec<String> {
    let mut lines = vec![String::new(), format!("understood  {}", trace.standalone_query)];
    lines.extend(trace.degraded.as_ref().map(|degraded| format!("degraded    {degraded}")));
    for candidate in &trace.candidates {
        let rank = |rank: Option<domain::trace::Rank>| {
            rank.map_or_else(|| "–".to_owned(), |rank| format!("#{} {:.3}", rank.rank, rank.score))
        };
        let mark = if candidate.in_prompt { "▸" } else { " " };
        let path =
            if candidate.heading_path.is_empty() { String::new() } else { format!(" › {}", candidate.heading_path) };
        lines.push(format!(
            "  {mark} dense {:<10} bm25 {:<11} fused {:<9} {}{path}",
            rank(candidate.dense),
            rank(candidate.bm25),
            rank(candidate.fused),
            candidate.title
        ));
    }
    for claim in &trace.claims {
        let mark = if claim.supported { "✓" } else { "✗" };
        lines.push(format!("  {mark} {:.2}  {}", claim.support_score, claim.sentence));
    }
    if let Some(confidence) = &trace.confidence {
        let parts: Vec<String> = confidence.parts.iter().map(|(name, value)| format!("{name} {value:.2}")).collect();
        lines.push(format!("confidence  {:.2} from {}", confidence.value, parts.join(" · ")));
    }
    if let Some(decision) = &trace.decision {
        let reason = decision.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        lines.push(format!("decision    {}{reason} (threshold {:.2})", decision.kind, decision.threshold));
    }
    let timings: Vec<String> = trace.timings_ms.iter().map(|(step, ms)| format!("{step} {ms:.1}")).collect();
    lines.push(format!("ms          {}", timings.join(" · ")));
    lines
}
