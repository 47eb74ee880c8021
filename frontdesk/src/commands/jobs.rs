//! `frontdesk jobs`: shows the queue, and runs again what was given up.

use crate::cli;
use crate::failure::Failure;
use crate::output::{Exit, Output, table};
use crate::suggest::read_word;
use crate::wiring::Wired;
use domain::JobId;
use domain::job::{Job, JobState};

/// Characters of a job's error that a table shows.
const ERROR_CHARS_MAX: usize = 80;
/// Discarded jobs that are read at a time.
const RETRY_BATCH: i64 = 500;

pub(crate) async fn run(wired: Wired, command: &cli::Jobs, output: Output) -> Result<Exit, Failure> {
    match command {
        cli::Jobs::List { state, limit } => list(&wired, state.as_deref(), *limit, output).await,
        cli::Jobs::Retry { id: Some(id), .. } => retry_one(&wired, id, output).await,
        cli::Jobs::Retry { id: None, .. } => retry_all(&wired, output).await,
    }
}

async fn list(wired: &Wired, state: Option<&str>, limit: u32, output: Output) -> Result<Exit, Failure> {
    let state: Option<JobState> = state.map(|typed| read_word("state of a job", typed)).transpose()?;
    let jobs = wired.desk.database.list_jobs(state, i64::from(limit)).await.map_err(|error| problem(&error))?;
    output.result(&jobs, |jobs| {
        if jobs.is_empty() {
            return "no jobs".to_owned();
        }
        let rows: Vec<Vec<String>> = jobs.iter().map(row).collect();
        table(&["id", "state", "kind", "attempts", "due", "error"], &rows)
    })?;
    Ok(Exit::Ok)
}

fn row(job: &Job) -> Vec<String> {
    let error = job.error.as_deref().unwrap_or_default().replace('\n', " ");
    vec![
        job.id.to_string(),
        job.state.to_string(),
        job.kind.clone(),
        format!("{}/{}", job.attempt, job.attempts_max),
        job.run_at.to_string(),
        error.chars().take(ERROR_CHARS_MAX).collect(),
    ]
}

async fn retry_one(wired: &Wired, typed: &str, output: Output) -> Result<Exit, Failure> {
    let hint = "`frontdesk jobs list --state discarded` shows the ids";
    let id: JobId = typed.parse().map_err(|error| Failure::new(Exit::Usage, "no job id").because(error).fix(hint))?;
    if !wired.desk.database.retry_discarded_job(id).await.map_err(|error| problem(&error))? {
        return Err(Failure::new(Exit::Problem, format!("job `{id}` is not retried"))
            .because("there is no discarded job with this id")
            .fix(hint));
    }
    said(1, output)
}

async fn retry_all(wired: &Wired, output: Output) -> Result<Exit, Failure> {
    let database = &wired.desk.database;
    let mut retried = 0;
    loop {
        let jobs = database.list_jobs(Some(JobState::Discarded), RETRY_BATCH).await.map_err(|error| problem(&error))?;
        let before = retried;
        for job in &jobs {
            if database.retry_discarded_job(job.id).await.map_err(|error| problem(&error))? {
                retried += 1;
            }
        }
        if retried == before {
            return said(retried, output);
        }
    }
}

fn said(retried: u64, output: Output) -> Result<Exit, Failure> {
    output.result(&serde_json::json!({ "retried": retried }), |_| match retried {
        0 => "no discarded jobs".to_owned(),
        1 => "1 job runs again".to_owned(),
        many => format!("{many} jobs run again"),
    })?;
    Ok(Exit::Ok)
}

fn problem(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Problem, "the jobs cannot be reached").because(error).fix("run `frontdesk doctor`")
}
