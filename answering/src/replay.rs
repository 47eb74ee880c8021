//! Replays: collects the customers' turns of a period, says what asking them again costs, and judges what
//! came of it.

use crate::{Desk, Error, Result};
use domain::assistant::{Assistant, AssistantSettings};
use domain::evaluation::{Case, CaseResult};
use domain::job::RunEval;
use domain::replay::{Became, Estimate, Then, Trial, Turned, judge};
use domain::statistics::count;
use domain::trace::Trace;
use domain::usage::TokenUsage;
use domain::{MessageId, OrganizationId, RunId, Time};
use std::collections::BTreeMap;
use storage::eval_runs::NewRun;
use storage::evals::{TURNS_MAX, TurnFilter};

/// Turns whose traces are looked at for the estimate.
const TRACES_SAMPLED: usize = 20;
/// Bytes of a token, roughly.
const TOKEN_BYTES: usize = 4;
/// Tokens of a prompt without its passages, and of an answer, where no call was traced.
const PROMPT_TOKENS: usize = 500;
const ANSWER_TOKENS: i64 = 150;
/// Seconds of a model call where none was traced.
const CALL_SECONDS: f64 = 3.0;

/// A period with what is tried on its turns.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Who answers.
    pub assistant: Assistant,
    /// Replies from this time on.
    pub from: Time,
    /// Replies before this time.
    pub to: Time,
    /// What is changed.
    pub trial: Trial,
}

/// What was collected and what asking it again costs.
#[derive(Clone, Debug)]
pub struct Collected {
    /// The turns, oldest first, each under the id of its reply.
    pub cases: Vec<Case>,
    /// What asking them costs.
    pub estimate: Estimate,
}

/// Collects the turns of the period.
///
/// # Errors
/// `Invalid` for an empty or too full period, and for a trial that cannot be.
pub async fn collect(desk: &Desk, replay: &Replay, concurrency: usize) -> Result<Collected> {
    if let Some(problem) = replay.trial.problem() {
        return Err(Error::Invalid(problem));
    }
    if let Some(text) = &replay.trial.prompt_text {
        crate::template::draft(text)?;
    }
    if let Some(version) = replay.trial.prompt_version {
        crate::template::version(desk, replay.assistant.organization_id, replay.assistant.id, version).await?;
    }
    if replay.from >= replay.to {
        return Err(Error::Invalid("`from` is not before `to`".to_owned()));
    }
    let filter = TurnFilter {
        from: replay.from,
        to: replay.to,
        rating: None,
        handed_off: None,
        corrected: false,
        assistant: Some(replay.assistant.id),
    };
    let cases = desk.database.of(replay.assistant.organization_id).collect_cases(&filter).await?;
    let most = usize::try_from(TURNS_MAX).unwrap_or(usize::MAX);
    if cases.is_empty() {
        return Err(Error::Invalid("the assistant gave no reply in this period".to_owned()));
    }
    if cases.len() >= most {
        return Err(Error::Invalid(format!("the period has {most} turns or more; take a shorter one")));
    }
    let estimate = estimate(desk, replay, &cases, concurrency).await?;
    Ok(Collected { cases, estimate })
}

async fn estimate(desk: &Desk, replay: &Replay, cases: &[Case], concurrency: usize) -> Result<Estimate> {
    let tenant = desk.database.of(replay.assistant.organization_id);
    let chat = desk.model_of(replay.assistant.organization_id).await?;
    let step = cases.len().div_ceil(TRACES_SAMPLED).max(1);
    let (mut sampled, mut used, mut seconds) = (0_i64, TokenUsage::default(), 0.0);
    for case in cases.iter().step_by(step) {
        let Ok(id) = case.id.parse::<MessageId>() else { continue };
        // A trace that is gone tells nothing; the others do.
        let Ok(trace) = tenant.load_trace(id).await else { continue };
        let (tokens, took) = expected(chat.is_some(), &trace);
        sampled += 1;
        used += tokens;
        seconds += took;
    }
    let turns = i64::try_from(cases.len()).unwrap_or(i64::MAX);
    let scaled = |tokens: i64| tokens.saturating_mul(turns) / sampled.max(1);
    let usage = TokenUsage {
        input_tokens: scaled(used.input_tokens),
        output_tokens: scaled(used.output_tokens),
        estimated: true,
    };
    let settings: AssistantSettings = replay.trial.applied(&replay.assistant.settings);
    let configured = chat.as_ref().map(|chat| settings.model.unwrap_or_else(|| chat.id().to_owned()));
    let day = desk.database.clock().now().day();
    let cost = configured.map(|model| desk.prices.cost(&model, usage, &day));
    let sampled = count(usize::try_from(sampled.max(1)).unwrap_or(1));
    Ok(Estimate {
        assistant_id: replay.assistant.id,
        turns: cases.len(),
        tokens: usage.input_tokens.saturating_add(usage.output_tokens),
        cost_micro_usd: cost.map_or(0, |cost| cost.micro_usd),
        cost_known: cost.is_none_or(|cost| cost.known),
        seconds: seconds / sampled * count(cases.len()) / count(concurrency.max(1)),
    })
}

/// The tokens and seconds that a turn takes: as its trace tells, or as its passages let expect.
fn expected(has_model: bool, trace: &Trace) -> (TokenUsage, f64) {
    let took = trace.timings_ms.get("total").copied().unwrap_or(0.0) / 1000.0;
    if !has_model {
        return (TokenUsage::default(), took);
    }
    if let Some(completion) = &trace.completion {
        return (completion.usage, took);
    }
    let read = trace.candidates.iter().filter(|candidate| candidate.in_prompt);
    let bytes: usize = read.map(|candidate| candidate.end.saturating_sub(candidate.start)).sum();
    let tokens = i64::try_from(PROMPT_TOKENS + bytes / TOKEN_BYTES).unwrap_or(i64::MAX);
    (TokenUsage { input_tokens: tokens, output_tokens: ANSWER_TOKENS, estimated: true }, took + CALL_SECONDS)
}

/// Stores the turns as a dataset with a run over them, which a job carries out where that is wanted.
pub async fn put(desk: &Desk, replay: &Replay, cases: &[Case], with_job: bool) -> Result<RunId> {
    let tenant = desk.database.of(replay.assistant.organization_id);
    let name = format!("turns of {} … {}", replay.from.day(), replay.to.day());
    let mut transaction = tenant.begin().await?;
    let (dataset, _) = transaction.put_dataset(&name, "conversations", cases).await?;
    let trial = Trial { replays: true, ..replay.trial.clone() };
    let new = NewRun {
        dataset_id: dataset.id,
        assistant_id: replay.assistant.id,
        fingerprint: String::new(),
        setup: serde_json::json!({ "trial": trial }),
        cases_total: dataset.cases,
    };
    let run = transaction.insert_eval_run(new).await?;
    if with_job {
        let now = transaction.now();
        transaction.enqueue(&RunEval { run_id: run }, now).await?;
    }
    transaction.commit().await?;
    Ok(run)
}

/// What came of the turns: how many became what, and those that became otherwise, the worse first.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Outcome {
    /// Turns by what became of them.
    pub counts: BTreeMap<Became, usize>,
    /// Those that became otherwise.
    pub turns: Vec<Turned>,
}

impl Outcome {
    /// Whether nothing got worse.
    pub fn passes(&self) -> bool {
        self.counts.keys().all(|became| became.passes())
    }
}

/// Judges the outcomes of a replay's run beside what was said then.
pub async fn outcome(
    desk: &Desk,
    organization_id: OrganizationId,
    cases: &[Case],
    results: &[CaseResult],
) -> Result<Outcome> {
    let tenant = desk.database.of(organization_id);
    let by_id: BTreeMap<&str, &Case> = cases.iter().map(|case| (case.id.as_str(), case)).collect();
    let mut outcome = Outcome { counts: BTreeMap::new(), turns: Vec::new() };
    for result in results {
        let Some(case) = by_id.get(result.case_id.as_str()) else { continue };
        let Ok(message_id) = case.id.parse::<MessageId>() else { continue };
        let message = tenant.load_message(message_id).await?;
        let is_tagged = |tag: &str| case.tags.iter().any(|known| known == tag);
        let turned = judge(
            &Then {
                message_id,
                question: &case.question,
                decision: message.decision,
                content: &message.content,
                correction: if is_tagged("corrected") { case.answer.as_deref() } else { None },
                was_poor: is_tagged("rating:poor"),
            },
            &result.outcome,
        );
        *outcome.counts.entry(turned.became).or_default() += 1;
        if turned.became != Became::Same {
            outcome.turns.push(turned);
        }
    }
    outcome.turns.sort_by_key(|turned| turned.became);
    Ok(outcome)
}
