//! `frontdesk eval collect`: a dataset of what customers asked and people thought of the answers.

use super::problem;
use crate::cli;
use crate::failure::Failure;
use crate::output::{Exit, Output};
use crate::wiring::Wired;
use domain::evaluation::Case;
use std::fmt::Write;
use std::time::Duration;
use storage::evals::TurnFilter;

const DAY: Duration = Duration::from_hours(24);

pub(super) async fn run(wired: &Wired, options: &cli::EvalCollect, output: Output) -> Result<Exit, Failure> {
    let now = wired.desk.database.clock().now();
    let filter = TurnFilter {
        from: now - DAY * options.days,
        to: now,
        rating: options.rating.clone(),
        handed_off: options.handed_off.then_some(true),
        corrected: options.corrected,
        assistant: None,
    };
    let tenant = wired.desk.database.of(wired.organization_id());
    let cases = tenant.collect_cases(&filter).await.map_err(|error| problem(&error))?;
    if cases.is_empty() {
        return Err(Failure::new(Exit::Problem, "no reply fits")
            .because(format!("none of the last {} days passes these filters", options.days))
            .fix("take more days, or leave a filter out"));
    }
    let mut transaction = tenant.begin().await.map_err(|error| problem(&error))?;
    let put = transaction.put_dataset(&options.name, "conversations", &cases).await;
    let (dataset, _) = put.map_err(|error| problem(&error))?;
    transaction.commit().await.map_err(|error| problem(&error))?;
    if let Some(path) = &options.out {
        std::fs::write(path, lines(&cases)?)?;
    }
    let known = cases.iter().filter(|case| case.answer.is_some()).count();
    let shown = serde_json::json!({ "dataset": dataset, "with_answer": known });
    output.result(&shown, |_| {
        let mut text = format!("{} · {} cases, {known} with a right answer", dataset.name, dataset.cases);
        // Writing into a string cannot fail.
        let _ = write!(text, "\nrun it with `frontdesk eval run {}`", dataset.name);
        text
    })?;
    Ok(Exit::Ok)
}

fn lines(cases: &[Case]) -> Result<String, Failure> {
    let lines: Result<Vec<String>, _> = cases.iter().map(serde_json::to_string).collect();
    Ok(lines.map_err(|error| problem(&error))?.join("\n") + "\n")
}
