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
    /// The run; `frontdesk eval list` shows the ids
    #[arg(value_name = "RUN")]
    run: String,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Shown {
    answers: usize,
    identical: usize,
    differing: Vec<Differing>,
    sentences_delivered: usize,
    /// Of an answer: reading what the search told, checking with confidence, and writing the trace as JSON.
    evidence_cpu_ms: f64,
    verify_cpu_ms: f64,
    trace_cpu_ms: f64,
    /// Making the whole answer again from its trace; without a model that is quoting it too.
    replay_cpu_ms: f64,
    trace_bytes: usize,
}

/// An answer whose replay is not what was said.
#[derive(Debug, Serialize)]
struct Differing {
    case: String,
    what: Vec<&'static str>,
}

/// An answer with what it was made of.
struct Answered {
    trace: Trace,
    read: Vec<Passage>,
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
    // A case that failed has no answer.
    for result in results.iter().filter(|result| result.outcome.error.is_none()) {
        let trace = tenant.load_case_trace(id, result.seq).await;
        let answered =
            answered(&wired, organization_id, trace.map_err(|error| broken("a trace cannot be read", &error))?);
        let (answered, again) = answered.await?;
        let what = differences(result, &answered.trace, &again);
        if !what.is_empty() {
            differing.push(Differing { case: result.case_id.clone(), what });
        }
        delivered += sentences(&again.content).len();
        answers.push(answered);
    }
    let [reading, checking, writing, replaying] = measured(&answers)?;
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
        replay_cpu_ms: replaying.cpu_ms / count,
        trace_bytes: bytes / answers.len().max(1),
    };
    output.result(&shown, in_words)?;
    Ok(if shown.differing.is_empty() { Exit::Ok } else { Exit::Problem })
}

/// An answer of the run with what it was made of, and its replay.
async fn answered(
    wired: &Wired,
    organization_id: OrganizationId,
    trace: Trace,
) -> Result<(Answered, answering::judge::Judged), Failure> {
    let unreadable = |error: &answering::Error| broken("a passage cannot be read", error);
    let read = passages(&wired.desk, organization_id, &trace).await.map_err(|error| unreadable(&error))?;
    let found = found(&wired.desk, organization_id, &trace).await.map_err(|error| unreadable(&error))?;
    let again = replay(&trace, &read);
    // What was checked is what the model wrote; quotes are their own check.
    let draft = trace.completion.as_ref().map_or_else(|| again.draft.clone(), |completion| completion.text.clone());
    Ok((Answered { trace, read, found, draft }, again))
}

/// What of the replay is not as it was, to the last bit.
fn differences(result: &CaseResult, trace: &Trace, again: &answering::judge::Judged) -> Vec<&'static str> {
    let outcome = &result.outcome;
    let bits = |value: Option<f64>| value.map(f64::to_bits);
    let stored = trace.confidence.as_ref();
    [
        ("content", outcome.answer != again.content),
        ("decision", outcome.decision != Some(again.outcome.decision)),
        ("handoff reason", outcome.handoff_reason != again.outcome.reason),
        ("claims", trace.claims != again.claims),
        ("confidence", bits(stored.map(|stored| stored.value)) != bits(Some(again.confidence.value))),
        ("parts of the confidence", stored.map(|stored| &stored.parts) != Some(&again.confidence.parts)),
    ]
    .into_iter()
    .filter_map(|(what, differs)| differs.then_some(what))
    .collect()
}

/// What each part took of all rounds: evidence, check with confidence, trace, and the whole replay.
fn measured(answers: &[Answered]) -> Result<[Spent; 4], Failure> {
    let reading = each(answers, |answer| {
        let trace = &answer.trace;
        evidence(&trace.question, &trace.standalone_query, trace.language.as_deref(), &answer.found)
    })?;
    let checking = each(answers, |answer| {
        let verified = verify::verify(&answer.draft, &answer.read, answer.trace.language.as_deref());
        answering::confidence::confidence(&answer.trace.evidence, &answer.read, &verified.claims)
    })?;
    let writing = each(answers, |answer| storage::traces::to_json(&answer.trace))?;
    let replaying = each(answers, |answer| replay(&answer.trace, &answer.read))?;
    Ok([reading, checking, writing, replaying])
}

/// What a step takes over all answers and rounds.
fn each<T>(answers: &[Answered], step: impl Fn(&Answered) -> T) -> Result<Spent, Failure> {
    let meter = Meter::start()?;
    for answer in answers.iter().cycle().take(answers.len() * ROUNDS) {
        std::hint::black_box(step(answer));
    }
    meter.stop()
}

fn in_words(shown: &Shown) -> String {
    let mut text = format!(
        "{} of {} answers are identical, replayed from their traces · {} sentences delivered\n\
         CPU-ms an answer: evidence {:.2}, check and confidence {:.2}, trace {:.2} ({} bytes before compression), \
         the whole replay {:.2}",
        shown.identical,
        shown.answers,
        shown.sentences_delivered,
        shown.evidence_cpu_ms,
        shown.verify_cpu_ms,
        shown.trace_cpu_ms,
        shown.trace_bytes,
        shown.replay_cpu_ms
    );
    for differing in &shown.differing {
        // Writing into a string cannot fail.
        let _ = write!(text, "\ndiffers: {} in {}", differing.case, differing.what.join(", "));
    }
    text
}
