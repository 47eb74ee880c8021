//! `frontdesk prompts`: versions of the prompt that answers are written from.

use crate::cli;
use crate::failure::Failure;
use crate::output::{Exit, Output, table};
use crate::wiring::Wired;
use domain::assistant::{Assistant, PublishGate};
use domain::prompt::{ANSWER, BUILT_IN, PromptState, PromptVersion, WHOLE};
use domain::replay::Trial;
use domain::{ErrorKind, Kinded};
use evals::gate::Check;
use evals::run::{Pace, ask_cases, begin_trial, finish};
use serde::Serialize;
use std::path::Path;
use storage::prompts::{NewPromptVersion, Publication};

/// Versions that are listed at most.
const LISTED_MAX: i64 = 1_000;

#[derive(Serialize)]
struct Listed {
    version: i64,
    state: PromptState,
    share: i64,
    hash: String,
    note: Option<String>,
    refusal: Option<String>,
    created_at: Option<domain::Time>,
    source: String,
}

#[derive(Serialize)]
struct Published {
    version: i64,
    share: i64,
    live: bool,
    run: Option<domain::RunId>,
    gate: Vec<Check>,
}

pub(crate) async fn run(wired: Wired, command: &cli::Prompts, output: Output) -> Result<Exit, Failure> {
    match command {
        cli::Prompts::List { assistant } => list(&wired, &of(&wired, assistant.as_deref()).await?, output).await,
        cli::Prompts::Show { number, against, assistant } => {
            show(&wired, &of(&wired, assistant.as_deref()).await?, *number, *against, output).await
        }
        cli::Prompts::Add { file, note, assistant } => {
            add(&wired, &of(&wired, assistant.as_deref()).await?, file, note.clone(), output).await
        }
        cli::Prompts::Publish { number, share, assistant } => {
            publish(&wired, &of(&wired, assistant.as_deref()).await?, *number, *share, output).await
        }
    }
}

async fn of(wired: &Wired, typed: Option<&str>) -> Result<Assistant, Failure> {
    let id = match typed {
        None => wired.home.assistant.id,
        Some(typed) => typed.parse().map_err(|error| Failure::new(Exit::Usage, "no assistant id").because(error))?,
    };
    wired.desk.database.of(wired.organization_id()).load_assistant(id).await.map_err(|error| problem(&error))
}

async fn list(wired: &Wired, assistant: &Assistant, output: Output) -> Result<Exit, Failure> {
    let tenant = wired.desk.database.of(wired.organization_id());
    let own = tenant.list_prompt_versions(assistant.id, ANSWER, i64::MAX, LISTED_MAX).await;
    let mut rows: Vec<Listed> = own.map_err(|error| problem(&error))?.into_iter().map(listed).collect();
    let whole = rows.iter().any(|row| row.state == PromptState::Published && row.share >= WHOLE);
    rows.push(built_in(if whole { PromptState::Replaced } else { PromptState::Published })?);
    output.result(&rows, |rows| {
        table(&["version", "state", "share", "written", "hash", "note"], &rows.iter().map(row).collect::<Vec<_>>())
    })?;
    Ok(Exit::Ok)
}

async fn show(
    wired: &Wired,
    assistant: &Assistant,
    version: i64,
    against: Option<i64>,
    output: Output,
) -> Result<Exit, Failure> {
    let shown = load(wired, assistant, version).await?;
    let Some(against) = against else {
        output.result(&shown, |shown| shown.source.clone())?;
        return Ok(Exit::Ok);
    };
    let before = load(wired, assistant, against).await?;
    let titles = (format!("version {against}"), format!("version {version}"));
    let diff = prompts::difference((&titles.0, &before.source), (&titles.1, &shown.source));
    let difference = serde_json::json!({ "before": against, "after": version, "diff": diff });
    output.result(&difference, |_| if diff.is_empty() { "nothing differs".to_owned() } else { diff.clone() })?;
    Ok(Exit::Ok)
}

async fn add(
    wired: &Wired,
    assistant: &Assistant,
    file: &Path,
    note: Option<String>,
    output: Output,
) -> Result<Exit, Failure> {
    let source = std::fs::read_to_string(file)
        .map_err(|error| Failure::new(Exit::Usage, format!("{} cannot be read", file.display())).because(error))?;
    let hash = prompts::check_answer(&source).map_err(|error| {
        Failure::new(Exit::Usage, format!("{} cannot be used", file.display()))
            .because(error)
            .fix("correct the named place; `frontdesk prompts show 1` prints the built-in template")
    })?;
    let new = NewPromptVersion { assistant_id: assistant.id, name: ANSWER.to_owned(), source, hash, note };
    let tenant = wired.desk.database.of(wired.organization_id());
    let mut transaction = tenant.begin().await.map_err(|error| problem(&error))?;
    let version = transaction.insert_prompt_version(new).await.map_err(|error| problem(&error))?;
    audit(&mut transaction, "prompt.drafted", assistant, version).await?;
    transaction.commit().await.map_err(|error| problem(&error))?;
    let shown = load(wired, assistant, version).await?;
    output.result(&shown, |_| {
        format!("version {version} is a draft\ntry it with `frontdesk eval replay --prompt {version} --from DATE`, put it in use with `frontdesk prompts publish {version}`")
    })?;
    Ok(Exit::Ok)
}

async fn publish(
    wired: &Wired,
    assistant: &Assistant,
    version: i64,
    share: i64,
    output: Output,
) -> Result<Exit, Failure> {
    if version == BUILT_IN && share < WHOLE {
        return Err(Failure::new(Exit::Usage, "the built-in version has no share")
            .because("it goes to every conversation that gets no other version")
            .fix("publish it without --share"));
    }
    let present = load(wired, assistant, version).await?;
    let publication = Publication { assistant_id: assistant.id, name: ANSWER, version, share };
    let was_in_use = version == BUILT_IN || !matches!(present.state, PromptState::Draft | PromptState::Checking);
    let gate = assistant.settings.publish_gate.as_ref().filter(|_| !was_in_use);
    let published = if let Some(gate) = gate {
        checked(wired, assistant, publication, gate, output).await?
    } else {
        put_in_use(wired, assistant, publication).await?
    };
    let live = published.live;
    output.result(&published, in_words)?;
    Ok(if live { Exit::Ok } else { Exit::Problem })
}

async fn put_in_use(wired: &Wired, assistant: &Assistant, publication: Publication<'_>) -> Result<Published, Failure> {
    let Publication { version, share, .. } = publication;
    let tenant = wired.desk.database.of(wired.organization_id());
    let mut transaction = tenant.begin().await.map_err(|error| problem(&error))?;
    transaction.publish_prompt(publication).await.map_err(|error| problem(&error))?;
    audit(&mut transaction, "prompt.published", assistant, version).await?;
    transaction.commit().await.map_err(|error| problem(&error))?;
    Ok(Published { version, share, live: true, run: None, gate: Vec::new() })
}

/// Runs the gate's dataset with the version and lets the run decide.
async fn checked(
    wired: &Wired,
    assistant: &Assistant,
    publication: Publication<'_>,
    gate: &PublishGate,
    output: Output,
) -> Result<Published, Failure> {
    let dataset = evals::publish::dataset(&wired.desk, assistant, gate).await.map_err(|error| problem(&error))?;
    wired.catch_up().await?;
    let trial = Trial { prompt_version: Some(publication.version), ..Trial::default() };
    let run = begin_trial(&wired.desk, &dataset, assistant.id, &trial, true).await.map_err(|error| problem(&error))?;
    let tenant = wired.desk.database.of(wired.organization_id());
    let mut transaction = tenant.begin().await.map_err(|error| problem(&error))?;
    transaction.check_prompt(publication, run.id).await.map_err(|error| {
        Failure::new(Exit::Problem, format!("version {} cannot be checked now", publication.version))
            .because(error)
            .fix("wait for the run it waits for: `frontdesk eval list`")
    })?;
    transaction.commit().await.map_err(|error| problem(&error))?;
    let bar = output.progress("cases", u64::try_from(run.cases_total).unwrap_or(0));
    let asked = ask_cases(&wired.desk, &run, Pace::default(), |_| bar.inc(1)).await;
    bar.finish_and_clear();
    asked.map_err(|error| problem(&error))?;
    let report = finish(&wired.desk, run.id, wired.organization_id()).await.map_err(|error| problem(&error))?;
    let concluded = evals::publish::conclude(&wired.desk, wired.organization_id(), run.id, &report).await;
    let gate = concluded.map_err(|error| problem(&error))?.map(|(_, checks)| checks).unwrap_or_default();
    let live = gate.iter().all(|check| check.passed);
    Ok(Published { version: publication.version, share: publication.share, live, run: Some(run.id), gate })
}

fn in_words(published: &Published) -> String {
    let mut lines: Vec<String> = published
        .gate
        .iter()
        .map(|check| {
            let found = check.found.map_or("nothing".to_owned(), |found| format!("{found:.4}"));
            format!("{} gate {}: {found}", if check.passed { "✓" } else { "✗" }, check.rule)
        })
        .collect();
    lines.push(if published.live {
        format!("version {} is in use for {} % of the conversations", published.version, published.share)
    } else {
        format!("version {} stays a draft: it did not pass the gate", published.version)
    });
    lines.join("\n")
}

async fn load(wired: &Wired, assistant: &Assistant, version: i64) -> Result<Listed, Failure> {
    if version == BUILT_IN {
        return built_in(PromptState::Published);
    }
    let tenant = wired.desk.database.of(wired.organization_id());
    let found = tenant.load_prompt_version(assistant.id, ANSWER, version).await;
    found.map(listed).map_err(|error| {
        Failure::new(Exit::Problem, format!("version {version} cannot be read"))
            .because(error)
            .fix("`frontdesk prompts list` shows the versions")
    })
}

fn built_in(state: PromptState) -> Result<Listed, Failure> {
    let prompt = prompts::built_in().into_iter().find(|prompt| prompt.name == ANSWER);
    let prompt = prompt.ok_or_else(|| Failure::new(Exit::Problem, "there is no built-in prompt"))?;
    Ok(Listed {
        version: BUILT_IN,
        state,
        share: WHOLE,
        hash: prompt.hash(),
        note: Some("built in".to_owned()),
        refusal: None,
        created_at: None,
        source: prompt.source.to_owned(),
    })
}

fn listed(version: PromptVersion) -> Listed {
    Listed {
        version: version.version,
        state: version.state,
        share: version.share,
        hash: version.hash,
        note: version.note,
        refusal: version.refusal,
        created_at: Some(version.created_at),
        source: version.source,
    }
}

fn row(listed: &Listed) -> Vec<String> {
    let live = listed.state == PromptState::Published;
    vec![
        listed.version.to_string(),
        listed.state.to_string().replace('_', " "),
        if live { format!("{} %", listed.share) } else { String::new() },
        listed.created_at.map(|time| time.to_string()).unwrap_or_default(),
        listed.hash.chars().take(12).collect(),
        listed.refusal.clone().or_else(|| listed.note.clone()).unwrap_or_default(),
    ]
}

async fn audit(
    transaction: &mut storage::Transaction,
    what: &str,
    assistant: &Assistant,
    version: i64,
) -> Result<(), Failure> {
    let place = format!("{} {ANSWER} version {version}", assistant.id);
    transaction.insert_audit("system", what, &place).await.map_err(|error| problem(&error))?;
    Ok(())
}

fn problem(error: &(impl Kinded + std::fmt::Display)) -> Failure {
    let exit = if error.kind() == ErrorKind::Invalid { Exit::Usage } else { Exit::Problem };
    Failure::new(exit, "the prompts cannot be changed or read").because(error).fix("run `frontdesk doctor`")
}
