//! `frontdesk eval replay`: the customers' turns of a period against something changed; only what changes is shown.

use super::{assistant, problem, unusable};
use crate::cli;
use crate::failure::Failure;
use crate::output::{Exit, Output};
use crate::wiring::Wired;
use answering::replay::{Collected, Outcome, Replay, collect, outcome, put};
use domain::Time;
use domain::replay::{Estimate, Trial, Turned};
use evals::run::{Pace, ask_cases, finish, prepared, results};
use serde::Serialize;
use std::fmt::Write;
use std::time::Duration;

/// Changed turns that a terminal shows.
const TURNS_SHOWN: usize = 20;
/// Characters of a text that a terminal shows.
const TEXT_CHARS: usize = 400;
const DAY: Duration = Duration::from_hours(24);

#[derive(Serialize)]
struct Shown<'a> {
    estimate: &'a Estimate,
    run: Option<domain::RunId>,
    #[serde(flatten)]
    outcome: &'a Outcome,
    passed: bool,
}

pub(super) async fn run(wired: &Wired, options: &cli::EvalReplay, output: Output) -> Result<Exit, Failure> {
    let replay = replay(wired, options).await?;
    wired.catch_up().await?;
    let concurrency = usize::try_from(options.concurrency).unwrap_or(1);
    let collected = collect(&wired.desk, &replay, concurrency).await.map_err(|error| {
        Failure::new(Exit::Usage, "this replay cannot be carried out").because(error).fix("correct the named flag")
    })?;
    let Collected { cases, estimate } = collected;
    output.say(&takes(&estimate));
    let mut came = Outcome { counts: std::collections::BTreeMap::new(), turns: Vec::new() };
    let mut run_id = None;
    if !options.estimate {
        let id = put(&wired.desk, &replay, &cases, false).await.map_err(|error| problem(&error))?;
        let tenant = wired.desk.database.of(wired.organization_id());
        let run = tenant.load_eval_run(id).await.map_err(|error| problem(&error))?;
        let run = prepared(&wired.desk, run).await.map_err(|error| unusable(&error))?;
        let bar = output.progress("turns", u64::try_from(run.cases_total).unwrap_or(0));
        let pace = Pace { concurrency, cached: !options.fresh, ..Pace::default() };
        let asked = ask_cases(&wired.desk, &run, pace, |_| bar.inc(1)).await;
        bar.finish_and_clear();
        asked.map_err(|error| problem(&error))?;
        finish(&wired.desk, id, wired.organization_id()).await.map_err(|error| problem(&error))?;
        let results = results(&wired.desk, &run).await.map_err(|error| problem(&error))?;
        came =
            outcome(&wired.desk, wired.organization_id(), &cases, &results).await.map_err(|error| problem(&error))?;
        run_id = Some(id);
    }
    let passed = came.passes();
    output.result(&Shown { estimate: &estimate, run: run_id, outcome: &came, passed }, |shown| in_words(shown))?;
    Ok(if options.gate && !passed { Exit::Problem } else { Exit::Ok })
}

async fn replay(wired: &Wired, options: &cli::EvalReplay) -> Result<Replay, Failure> {
    let now = wired.desk.database.clock().now();
    let prompt_text = match &options.prompt_file {
        Some(path) => Some(std::fs::read_to_string(path)?),
        None => None,
    };
    let id = assistant(wired, options.assistant.as_deref())?;
    let found = wired.desk.database.of(wired.organization_id()).load_assistant(id).await;
    Ok(Replay {
        assistant: found.map_err(|error| problem(&error))?,
        from: time(&options.from, Duration::ZERO)?,
        to: match &options.to {
            // The last day counts whole.
            Some(to) => time(to, DAY)?,
            None => now,
        },
        trial: Trial {
            prompt_version: options.prompt,
            prompt_text,
            model: options.model.clone(),
            instructions: None,
            passages_max: options.k,
            dense_weight: options.dense_weight,
            confidence_min: options.confidence_min,
            knowledge: options.knowledge.parse().unwrap_or_default(),
            replays: true,
        },
    })
}

/// A time, or the beginning of a UTC day with `later` added.
fn time(typed: &str, later: Duration) -> Result<Time, Failure> {
    let read = |text: String| serde_json::from_value::<Time>(serde_json::Value::String(text));
    if let Ok(time) = read(typed.to_owned()) {
        return Ok(time);
    }
    read(format!("{typed}T00:00:00Z")).map(|day| day + later).map_err(|error| {
        Failure::new(Exit::Usage, format!("`{typed}` is no date"))
            .because(error)
            .fix("write 2026-11-01, or 2026-11-01T12:00:00Z")
    })
}

fn takes(estimate: &Estimate) -> String {
    let cost = if estimate.cost_known {
        format!(
            "{:.4} US dollars",
            domain::statistics::count(usize::try_from(estimate.cost_micro_usd).unwrap_or(0)) / 1e6
        )
    } else {
        "a cost that is not known (no price of this model)".to_owned()
    };
    format!("{} turns, about {} tokens, {cost}, {:.0} s", estimate.turns, estimate.tokens, estimate.seconds.ceil())
}

fn in_words(shown: &Shown<'_>) -> String {
    if shown.run.is_none() {
        return "nothing was asked: this is the estimate".to_owned();
    }
    let counts: Vec<String> = shown
        .outcome
        .counts
        .iter()
        .map(|(became, turns)| format!("{turns} {}", became.to_string().replace('_', " ")))
        .collect();
    let mut text = counts.join(" · ");
    for turned in shown.outcome.turns.iter().take(TURNS_SHOWN) {
        // Writing into a string cannot fail.
        let _ = write!(text, "\n\n{}", turn(turned));
    }
    let left = shown.outcome.turns.len().saturating_sub(TURNS_SHOWN);
    if left > 0 {
        let _ = write!(text, "\n\n… and {left} more; --json has them all");
    }
    text
}

fn turn(turned: &Turned) -> String {
    format!(
        "{}: {}\n  {} · {}\n  - {}\n  + {}",
        turned.became.to_string().replace('_', " "),
        short(&turned.question),
        turned.because.join("; "),
        turned.message_id,
        short(&turned.before),
        short(&turned.after)
    )
}

/// The text on one line, cut where it is long.
fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = line.chars().take(TEXT_CHARS).collect();
    if cut.len() < line.len() { format!("{cut}…") } else { cut }
}
