//! `frontdesk bench trust`: replays every answer of an evaluation run from its trace, and measures what evidence,
//! check, confidence and trace take of the processor.

use super::meter::{Meter, Spent, per};
use crate::bench::bed::broken;
use crate::failure::Failure;
use crate::output::{Exit, Output};
use crate::wiring::Wired;
use answering::answerable::evidence;
use answering::rerun::{found, passages, replay};
use answering::sentences::sentences;
use answering::{Passage, verify};
use domain::evaluation::CaseResult;
use domain::trace::Trace;
use domain::{OrganizationId, RunId};
use serde::Serialize;
use std::fmt::Write;

/// Rounds over all answers, because the clock of processor time ticks slowly.
const ROUNDS: usize = 3;

/// Flags of `bench trust`.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// A completed run without a model; `frontdesk eval list` shows the ids
    #[arg(value_name = "RUN")]
    run: String,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Shown {
    answers: usize,
    identical: usize,
    differing: Vec<String>,
    sentences_delivered: usize,
    /// Of an answer: reading what the search told, checking and deciding, and writing the trace as JSON.
    evidence_cpu_ms: f64,
    verify_cpu_ms: f64,
    trace_cpu_ms: f64,
    trace_bytes: usize,
}

/// An answer with what it was made of.
struct Answered {
    trace: Trace,
    found: Vec<Passage>,
    draft: String,
}

/// Replays and measures.
pub(super) async fn run(wired: Wired, options: &Options, output: Output) -> Result<Exit, Failure> {
    let organization_id = wired.organization_id();
    let tenant = wired.desk.database.of(organization_id);
    let id: RunId = options.run.parse().map_err(|error| Failure::new(Exit::Usage, "no run id").because(error))?;
    let run = tenant.load_eval_run(id).await.map_err(|error| broken("the run cannot be read", &error))?;
    let results = evals::run::results(&wired.desk, &run).await;
    let results = results.map_err(|error| broken("the run cannot be read", &error))?;
    let (mut answers, mut differing, mut delivered) = (Vec::new(), Vec::new(), 0);
    for result in &results {
        let trace = tenant.load_case_trace(id, result.seq).await;
        let trace = trace.map_err(|error| broken("a trace cannot be read", &error))?;
        let read = passages(&wired.desk, organization_id, &trace).await;
        let again = replay(&trace, &read.map_err(|error| broken("a passage cannot be read", &error))?);
        if !is_same(result, &trace, &again) {
            differing.push(result.case_id.clone());
        }
        delivered += sentences(&again.content).len();
        answers.push(answered(&wired, organization_id, trace, again.draft).await?);
    }
    let [reading, checking, writing] = measured(&answers)?;
    let count = per(answers.len() * ROUNDS);
    let bytes: usize =
        answers.iter().map(|answer| serde_json::to_vec(&answer.trace).map_or(0, |json| json.len())).sum();
    let shown = Shown {
        answers: answers.len(),
        identical: answers.len() - differing.len(),
        differing,
        sentences_delivered: delivered,
        evidence_cpu_ms: reading.cpu_ms / count,
        verify_cpu_ms: checking.cpu_ms / count,
        trace_cpu_ms: writing.cpu_ms / count,
        trace_bytes: bytes / answers.len().max(1),
    };
    output.result(&shown, in_words)?;
    Ok(if shown.differing.is_empty() { Exit::Ok } else { Exit::Problem })
}

async fn answered(
    wired: &Wired,
    organization_id: OrganizationId,
    trace: Trace,
    draft: String,
) -> Result<Answered, Failure> {
    let found = found(&wired.desk, organization_id, &trace).await;
    Ok(Answered { found: found.map_err(|error| broken("a passage cannot be read", &error))?, trace, draft })
}

fn is_same(result: &CaseResult, trace: &Trace, again: &answering::judge::Judged) -> bool {
    let outcome = &result.outcome;
    let stored = trace.confidence.as_ref().map(|confidence| confidence.value);
    outcome.answer == again.content
        && outcome.decision == Some(again.outcome.decision)
        && outcome.handoff_reason == again.outcome.reason
        && trace.claims == again.claims
        && stored.map(|value| value.to_string()) == Some(again.confidence.value.to_string())
}

/// What each part took of all rounds: evidence, check with confidence and decision, trace.
fn measured(answers: &[Answered]) -> Result<[Spent; 3], Failure> {
    let meter = Meter::start()?;
    for answer in answers.iter().cycle().take(answers.len() * ROUNDS) {
        let trace = &answer.trace;
        let signals = evidence(&trace.question, &trace.standalone_query, trace.language.as_deref(), &answer.found);
        std::hint::black_box(signals);
    }
    let first = meter.stop()?;
    let meter = Meter::start()?;
    for answer in answers.iter().cycle().take(answers.len() * ROUNDS) {
        let read = answer.found.get(..answer.trace.settings.passages_max).unwrap_or(&answer.found);
        let verified = verify::verify(&answer.draft, read, answer.trace.language.as_deref());
        let sure = answering::confidence::confidence(&answer.trace.evidence, read, &verified.claims);
        std::hint::black_box(sure);
    }
    let second = meter.stop()?;
    let meter = Meter::start()?;
    for answer in answers.iter().cycle().take(answers.len() * ROUNDS) {
        let written = storage::traces::to_json(&answer.trace);
        std::hint::black_box(written.map_err(|error| broken("a trace cannot be written", &error))?);
    }
    Ok([first, second, meter.stop()?])
}

fn in_words(shown: &Shown) -> String {
    let mut text = format!(
        "{} of {} answers are identical, replayed from their traces · {} sentences delivered\n\
         CPU-ms an answer: evidence {:.2}, check and confidence {:.2}, trace {:.2} ({} bytes before compression)",
        shown.identical,
        shown.answers,
        shown.sentences_delivered,
        shown.evidence_cpu_ms,
        shown.verify_cpu_ms,
        shown.trace_cpu_ms,
        shown.trace_bytes
    );
    for case in &shown.differing {
        // Writing into a string cannot fail.
        let _ = write!(text, "\ndiffers: {case}");
    }
    text
}
