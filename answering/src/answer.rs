//! The pipeline, as a list of steps. It reads and thinks; it writes nothing and holds no transaction.

use crate::answerable::evidence;
use crate::budget::Parts;
use crate::generate::{Draft, EXTRACTIVE, generate};
use crate::judge::{Judged, Judging, judge, needs_no_knowledge, suggestion, support_in_words};
use crate::recall::{RECALLED_TOKENS_MAX, Wanted, recall};
use crate::retrieve::{Retrieved, candidates, query_vector, retrieve};
use crate::understand::{Understood, understand};
use crate::window::window;
use crate::{Desk, Passage, Question, Result};
use domain::UsageId;
use domain::handoff::HandoffReason;
use domain::message::{Citation, Decision};
use domain::trace::{Trace, TracedDecision, TracedFact, TracedWindow};
use domain::usage::TokenUsage;
use std::collections::BTreeMap;
use std::time::Instant;

/// Passages that a person finds with a handoff.
const SOURCES_HANDED_OVER: usize = 3;
/// Bytes of such a passage at most.
const SOURCE_BYTES_MAX: usize = 400;

/// An answer, a question back or a handoff, with everything that led to it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What is said.
    pub content: String,
    /// Its proofs.
    pub citations: Vec<Citation>,
    /// What is done.
    pub decision: Decision,
    /// Why it is handed off.
    pub handoff_reason: Option<HandoffReason>,
    /// How sure it is, where something was drafted.
    pub confidence: Option<f64>,
    /// Which model wrote it; `None` where the desk spoke itself.
    pub model: Option<String>,
    /// What the model calls used.
    pub usage: TokenUsage,
    /// What they cost, in millionths of a US dollar.
    pub cost_micro_usd: i64,
    /// The room that its model call takes in the budgets, until its use is recorded.
    pub reservation: Option<UsageId>,
    /// What a person finds when it is handed off.
    pub note: HandoffNote,
    /// Everything that led to it.
    pub trace: Trace,
}

/// What a person finds when a conversation comes to them.
#[derive(Clone, Debug, Default)]
pub struct HandoffNote {
    /// What was tried, one line each.
    pub tried: Vec<String>,
    /// The nearest passages.
    pub sources: Vec<Citation>,
    /// What was proved of the draft.
    pub suggested_reply: Option<String>,
    /// What an agent needs to take it.
    pub skills: Vec<String>,
}

/// Milliseconds by step.
struct Timings {
    started: Instant,
    last: Instant,
    by_step: BTreeMap<String, f64>,
}

impl Timings {
    fn start() -> Self {
        let now = Instant::now();
        Self { started: now, last: now, by_step: BTreeMap::new() }
    }

    fn step(&mut self, name: &'static str) {
        let now = Instant::now();
        let took = now.duration_since(self.last);
        self.last = now;
        metrics::histogram!("frontdesk_answer_duration_seconds", "stage" => name).record(took.as_secs_f64());
        self.by_step.insert(name.to_owned(), took.as_secs_f64() * 1000.0);
    }

    fn finish(mut self) -> BTreeMap<String, f64> {
        self.by_step.insert("total".to_owned(), self.started.elapsed().as_secs_f64() * 1000.0);
        self.by_step
    }
}

/// What is taken as given in place of looking for it.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// The passages, best first.
    pub passages: Option<Vec<Passage>>,
    /// What the search for them told.
    pub evidence: Option<BTreeMap<String, f64>>,
    /// What is recalled of the customer.
    pub facts: Option<Vec<TracedFact>>,
}

/// Answers a question.
pub async fn answer(desk: &Desk, question: &Question) -> Result<Answer> {
    answer_given(desk, question, Given::default()).await
}

/// Answers a question of which some parts are settled, as a replay of it does.
pub async fn answer_given(desk: &Desk, question: &Question, given: Given) -> Result<Answer> {
    let mut timings = Timings::start();
    let understood = understand(&question.text, &question.history);
    timings.step("understand");
    let count = |text: &str| desk.tokens.count(text);
    let settings = &question.assistant.settings;
    let window = window(&question.history, &question.summary, settings.window_tokens_max, &count);
    let facts = match given.facts {
        Some(facts) => facts,
        None => recall_facts(desk, question, &understood).await,
    };
    timings.step("recall");
    let retrieved = if needs_no_knowledge(&understood) {
        Retrieved::default()
    } else if let Some(passages) = given.passages {
        Retrieved { passages, ..Retrieved::default() }
    } else {
        retrieve(desk, question, &understood).await?
    };
    let evidence = given.evidence.unwrap_or_else(|| {
        evidence(&question.text, &understood.standalone, understood.language.as_deref(), &retrieved.passages)
    });
    timings.step("retrieve");
    let passages = retrieved.passages.iter().take(settings.passages_max).cloned().collect();
    let parts = Parts { passages, window: window.messages.clone(), facts: facts.clone() };
    let draft = if retrieved.passages.is_empty() {
        crate::generate::quote(&understood, Vec::new())
    } else {
        generate(desk, question, &understood, parts).await?
    };
    timings.step("generate");
    let judged = judge(&Judging {
        understood: &understood,
        text: &question.text,
        history: &question.history,
        staffing: question.staffing,
        draft: &draft.text,
        model: draft.outcome,
        logprobs_mean: draft.completion.as_ref().and_then(|completion| completion.logprobs_mean),
        passages: &draft.passages,
        evidence: &evidence,
        settings,
        clarifications: question.clarifications,
        allowed_link_hosts: &question.allowed_link_hosts,
    });
    timings.step("judge");
    let mut trace = trace(question, &understood, &retrieved, &draft, &judged);
    trace.evidence = evidence;
    trace.recalled_facts = facts;
    trace.window = TracedWindow {
        messages: window.messages,
        tokens: window.tokens,
        messages_cut: window.messages_cut,
        cut: window.cut,
    };
    trace.timings_ms = timings.finish();
    Ok(finished(desk, &understood, &retrieved, draft, judged, trace))
}

async fn recall_facts(desk: &Desk, question: &Question, understood: &Understood) -> Vec<TracedFact> {
    if question.facts.is_empty() && question.earlier.messages.is_empty() {
        return Vec::new();
    }
    // The search asks for the same text next: its vector is computed once.
    let (vector, _) = query_vector(desk, &understood.search).await;
    let wanted = Wanted {
        question: &understood.search,
        language: understood.language.as_deref(),
        vector: vector.as_ref().map(|vector| &*vector.values),
        now: desk.database.clock().now(),
        tokens_max: RECALLED_TOKENS_MAX,
    };
    recall(&question.facts, &question.earlier, &wanted, &|text: &str| desk.tokens.count(text))
}

fn trace(question: &Question, understood: &Understood, retrieved: &Retrieved, draft: &Draft, judged: &Judged) -> Trace {
    Trace {
        question: question.text.clone(),
        history: question.history.clone(),
        settings: question.assistant.settings.clone(),
        clarifications: question.clarifications,
        allowed_link_hosts: question.allowed_link_hosts.clone(),
        staffing: question.staffing,
        standalone_query: understood.standalone.clone(),
        language: understood.language.clone(),
        knowledge_version: retrieved.knowledge_version,
        degraded: retrieved.degraded.clone(),
        prompt: draft.prompt.clone(),
        candidates: candidates(&retrieved.passages, draft.passages.len()),
        completion: draft.completion.clone(),
        claims: judged.claims.clone(),
        confidence: Some(judged.confidence.clone()),
        decision: Some(TracedDecision {
            kind: judged.outcome.decision,
            reason: judged.outcome.reason,
            threshold: question.assistant.settings.threshold(),
        }),
        attempts: draft.attempts.clone(),
        over_budget: draft.over_budget,
        ..Trace::default()
    }
}

fn finished(
    desk: &Desk,
    understood: &Understood,
    retrieved: &Retrieved,
    draft: Draft,
    judged: Judged,
    trace: Trace,
) -> Answer {
    let day = desk.database.clock().now().day();
    let cost = desk.prices.cost_of_call(&draft.asked, &draft.model, draft.usage, &day);
    let spoke_itself = needs_no_knowledge(understood) || (draft.model == EXTRACTIVE && draft.text.is_empty());
    let note = HandoffNote {
        tried: tried(understood, retrieved, &judged),
        sources: sources(&retrieved.passages),
        suggested_reply: suggestion(&judged),
        skills: judged.skills.clone(),
    };
    Answer {
        content: judged.content,
        citations: judged.citations,
        decision: judged.outcome.decision,
        handoff_reason: judged.outcome.reason,
        confidence: (!spoke_itself).then_some(judged.confidence.value),
        model: (!spoke_itself).then_some(draft.model),
        usage: draft.usage,
        reservation: draft.reservation,
        cost_micro_usd: cost.micro_usd,
        note,
        trace,
    }
}

fn tried(understood: &Understood, retrieved: &Retrieved, judged: &Judged) -> Vec<String> {
    let mut lines = Vec::new();
    if !needs_no_knowledge(understood) {
        lines.push(format!(
            "searched the knowledge for “{}”: {} passages",
            understood.standalone,
            retrieved.passages.len()
        ));
        lines.push(support_in_words(&judged.claims));
    }
    lines.extend(retrieved.degraded.clone());
    lines
}

/// The nearest passages, shortened, for a person to look at.
fn sources(passages: &[Passage]) -> Vec<Citation> {
    passages
        .iter()
        .take(SOURCES_HANDED_OVER)
        .enumerate()
        .filter_map(|(position, passage)| {
            let end = passage.text.floor_char_boundary(SOURCE_BYTES_MAX);
            passage.cite(position + 1, 0..end)
        })
        .collect()
}
