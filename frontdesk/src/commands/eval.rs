//! `frontdesk eval`: scores answer quality on cases with known right answers.

mod calibrate;
mod collect;
mod replay;
mod shown;

use crate::cli;
use crate::failure::Failure;
use crate::output::{Exit, Output};
use crate::wiring::Wired;
use domain::comparison::{Comparison, compare};
use domain::evaluation::{Dataset, EvalRun, RunState};
use domain::{AssistantId, Kinded, RunId};
use evals::dataset::{read_cases, store};
use evals::gate::{check, read};
use evals::report::{Report, html, junit, to_json};
use evals::run::{Pace, ask_cases, begin, finish, results};
use std::fmt::Display;
use std::path::Path;
use storage::Keyset;

pub(crate) async fn run(wired: Wired, command: &cli::Eval, output: Output) -> Result<Exit, Failure> {
    match command {
        cli::Eval::Run(options) => run_dataset(&wired, options, output).await,
        cli::Eval::Compare { before, after } => compare_runs(&wired, before, after, output).await,
        cli::Eval::List { limit } => list(&wired, *limit, output).await,
        cli::Eval::Replay(options) => replay::run(&wired, options, output).await,
        cli::Eval::Collect(options) => collect::run(&wired, options, output).await,
        cli::Eval::Calibrate { run, assistant, target_error, off } => {
            let of = (run.as_deref(), assistant.as_deref());
            calibrate::run(&wired, of, *target_error, *off, output).await
        }
    }
}

async fn run_dataset(wired: &Wired, options: &cli::EvalRun, output: Output) -> Result<Exit, Failure> {
    // Everything that can be refused is refused before the first case is asked.
    let gate = options.gate.as_deref().map(read).transpose().map_err(|error| unusable(&error))?;
    let baseline = match &options.baseline {
        Some(typed) => Some(load_run(wired, typed).await?),
        None => None,
    };
    let dataset = dataset(wired, &options.dataset).await?;
    let assistant = assistant(wired, options.assistant.as_deref())?;
    wired.catch_up().await?;
    wired.say_if_lexical(output);
    let run = begin(&wired.desk, &dataset, assistant, !options.fresh).await.map_err(|error| problem(&error))?;
    if run.cases_done > 0 {
        output.say(&format!("goes on with {} at case {} of {}", run.id, run.cases_done + 1, run.cases_total));
    }
    let bar = output.progress("cases", u64::try_from(run.cases_total).unwrap_or(0));
    bar.inc(u64::try_from(run.cases_done).unwrap_or(0));
    let concurrency = usize::try_from(options.concurrency).unwrap_or(1);
    let pace = Pace { concurrency, cached: !options.fresh, ..Pace::default() };
    ask_cases(&wired.desk, &run, pace, |_| bar.inc(1)).await.map_err(|error| problem(&error))?;
    bar.finish_and_clear();
    let mut report = finish(&wired.desk, run.id, wired.organization_id()).await.map_err(|error| problem(&error))?;
    if let Some(baseline) = baseline {
        report.comparison = Some(compared(wired, &baseline, &run).await?);
    }
    if let Some(gate) = &gate {
        report.gate = check(gate, &report);
    }
    if let Some(folder) = &options.out {
        write(folder, &report)?;
        output.say(&format!("wrote {}", folder.join("report.html").display()));
    }
    output.result(&shown::Summary::new(&report), |_| shown::in_words(&report, output))?;
    let passed = report.gate.iter().all(|check| check.passed);
    Ok(if passed { Exit::Ok } else { Exit::Problem })
}

async fn compare_runs(wired: &Wired, before: &str, after: &str, output: Output) -> Result<Exit, Failure> {
    let (before, after) = (load_run(wired, before).await?, load_run(wired, after).await?);
    if before.dataset_id != after.dataset_id {
        output.say("! the runs are of two datasets; only cases with the same id are compared");
    }
    let comparison = compared(wired, &before, &after).await?;
    output.result(&comparison, shown::comparison)?;
    Ok(Exit::Ok)
}

async fn compared(wired: &Wired, before: &EvalRun, after: &EvalRun) -> Result<Comparison, Failure> {
    let before = results(&wired.desk, before).await.map_err(|error| problem(&error))?;
    let after = results(&wired.desk, after).await.map_err(|error| problem(&error))?;
    Ok(compare(&before, &after))
}

async fn list(wired: &Wired, limit: u32, output: Output) -> Result<Exit, Failure> {
    let tenant = wired.desk.database.of(wired.organization_id());
    let runs = tenant.list_eval_runs(None, Keyset::start(), i64::from(limit)).await.map_err(|error| problem(&error))?;
    let mut rows = Vec::new();
    for run in runs {
        let dataset = tenant.load_dataset(run.dataset_id).await.map_err(|error| problem(&error))?;
        rows.push((run, dataset.name));
    }
    output.result(&rows, |rows| shown::runs(rows))?;
    Ok(Exit::Ok)
}

/// The dataset of a file, stored under the file's name, or the newest stored one of that name.
async fn dataset(wired: &Wired, named: &str) -> Result<Dataset, Failure> {
    let path = Path::new(named);
    if path.is_file() {
        let cases = read_cases(path).map_err(|error| unusable(&error))?;
        let name = path.file_stem().map_or_else(|| named.to_owned(), |stem| stem.to_string_lossy().into_owned());
        return store(&wired.desk, wired.organization_id(), &name, path, &cases)
            .await
            .map_err(|error| unusable(&error));
    }
    let found = wired.desk.database.of(wired.organization_id()).find_dataset_by_name(named).await;
    found.map_err(|error| problem(&error))?.ok_or_else(|| {
        Failure::new(Exit::Problem, format!("dataset `{named}` not found"))
            .because("there is no such file, and no stored dataset of this name")
            .fix("give a JSONL or YAML file, or make one with `frontdesk eval collect`")
    })
}

fn assistant(wired: &Wired, typed: Option<&str>) -> Result<AssistantId, Failure> {
    let Some(typed) = typed else { return Ok(wired.home.assistant.id) };
    typed.parse().map_err(|error| Failure::new(Exit::Usage, "no assistant id").because(error))
}

async fn load_run(wired: &Wired, typed: &str) -> Result<EvalRun, Failure> {
    let hint = "`frontdesk eval list` shows the ids";
    let id: RunId = typed.parse().map_err(|error| Failure::new(Exit::Usage, "no run id").because(error).fix(hint))?;
    let run = wired.desk.database.of(wired.organization_id()).load_eval_run(id).await;
    let run = run
        .map_err(|error| Failure::new(Exit::Problem, format!("run `{id}` cannot be read")).because(error).fix(hint))?;
    if run.state != RunState::Completed {
        return Err(Failure::new(Exit::Problem, format!("run `{id}` is {}", run.state))
            .because("only a completed run can be looked at")
            .fix("run the same `frontdesk eval run` again: it goes on where it stopped"));
    }
    Ok(run)
}

fn write(folder: &Path, report: &Report) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("report.json"), to_json(report).map_err(|error| problem(&error))?)?;
    std::fs::write(folder.join("report.html"), html(report))?;
    std::fs::write(folder.join("junit.xml"), junit(report))?;
    Ok(())
}

fn unusable(error: &evals::Error) -> Failure {
    let exit = if error.kind() == domain::ErrorKind::Invalid { Exit::Usage } else { Exit::Problem };
    Failure::new(exit, "this input cannot be used").because(error).fix("correct the named place")
}

fn problem(error: &dyn Display) -> Failure {
    Failure::new(Exit::Problem, "the evaluation could not be carried out").because(error).fix("run `frontdesk doctor`")
}
