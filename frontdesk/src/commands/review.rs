//! `frontdesk review`: the queue of generated articles, judged at the terminal.

use crate::cli;
use crate::failure::Failure;
use crate::output::{Exit, Output, Tone, table};
use crate::suggest::read_word;
use crate::wiring::Wired;
use domain::job::{DraftArticles, JobState};
use domain::knowledge::{Article, ArticleState};
use domain::suggestion::{Suggestion, SuggestionState};
use domain::{ErrorKind, Kinded, SourceId, SuggestionId};
use ingest::compare::{Change, Hunk, compare};
use ingest::review::{self, Edit};
use ingest::suggest;
use serde::Serialize;
use std::time::{Duration, Instant};
use storage::Keyset;
use storage::articles::ArticleDocument;
use storage::suggestions::{SuggestionCount, SuggestionFilter};

/// Who is written down as reviewer: whoever may run commands.
const REVIEWER: &str = "command line";
/// Suggestions that are judged by one command.
const JUDGED_MAX: usize = 20_000;
/// Suggestions that are read at a time.
const AT_ONCE: i64 = 200;
/// Sources that are looked through.
const SOURCES_MAX: i64 = 1_000;
/// Characters of a title in a list.
const TITLE_CHARS_MAX: usize = 64;
/// Characters of a quote below its sentence.
const QUOTE_CHARS_MAX: usize = 160;
/// How long a scan waits for drafts by rules.
const DRAFTS_WAIT_MAX: Duration = Duration::from_mins(2);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

#[derive(Serialize)]
struct Listed {
    counts: Vec<SuggestionCount>,
    suggestions: Vec<Suggestion>,
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    suggestion: Suggestion,
    documents: Vec<ArticleDocument>,
    unlinked: Vec<String>,
    diff: Option<Vec<Hunk>>,
}

#[derive(Serialize)]
struct Judged {
    id: SuggestionId,
    done: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

pub(crate) async fn run(wired: Wired, command: &cli::Review, output: Output) -> Result<Exit, Failure> {
    match command {
        cli::Review::List { state, kind, source, limit } => {
            let filter = SuggestionFilter {
                state: Some(read_word("state", state)?),
                kind: kind.as_deref().map(|kind| read_word("kind", kind)).transpose()?,
                source_id: source.as_deref().map(source_id).transpose()?,
                article_id: None,
            };
            list(&wired, filter, i64::from(*limit), output).await
        }
        cli::Review::Show { id } => show(&wired, suggestion_id(id)?, output).await,
        cli::Review::Approve { ids, all, title, body } => {
            let edit = Edit { title: title.clone(), body: body.as_deref().map(std::fs::read_to_string).transpose()? };
            let ids = wanted(&wired, ids, *all).await?;
            let mut judged = Vec::new();
            for id in ids {
                let outcome =
                    review::approve(&wired.library, wired.organization_id(), id, edit.clone(), REVIEWER).await;
                judged.push(judgement(id, outcome.map(|_| ()))?);
            }
            report(&judged, "published", output)
        }
        cli::Review::Reject { ids, all, reason } => {
            let ids = wanted(&wired, ids, *all).await?;
            let mut judged = Vec::new();
            for id in ids {
                let outcome =
                    review::reject(&wired.library, wired.organization_id(), id, reason.clone(), REVIEWER).await;
                judged.push(judgement(id, outcome.map(|_| ()))?);
            }
            report(&judged, "rejected", output)
        }
        cli::Review::Draft { source, publish } => draft(&wired, source.as_deref(), *publish, output).await,
    }
}

async fn list(wired: &Wired, filter: SuggestionFilter, limit: i64, output: Output) -> Result<Exit, Failure> {
    let tenant = wired.desk.database.of(wired.organization_id());
    let counts = tenant.count_suggestions(filter.source_id).await.map_err(|error| problem(&error))?;
    let suggestions = tenant.list_suggestions(filter, Keyset::start(), limit).await.map_err(|error| problem(&error))?;
    output.result(&Listed { counts, suggestions }, |listed| {
        if listed.suggestions.is_empty() {
            return "nothing here: `frontdesk scan URL` or `frontdesk review draft` makes suggestions".to_owned();
        }
        let rows: Vec<Vec<String>> = listed.suggestions.iter().map(row).collect();
        let counts: Vec<String> =
            listed.counts.iter().map(|count| format!("{} {} {}", count.count, count.kind, count.state)).collect();
        let head = ["id", "kind", "proved", "sentences", "title"];
        format!("{}\n\n{}", table(&head, &rows), counts.join(" · "))
    })?;
    Ok(Exit::Ok)
}

fn row(suggestion: &Suggestion) -> Vec<String> {
    let mut title: String = suggestion.title.chars().take(TITLE_CHARS_MAX).collect();
    if let Some(reason) = &suggestion.reason {
        title = format!("{title}  ({reason})");
    }
    vec![
        suggestion.id.to_string(),
        suggestion.kind.to_string(),
        format!("{:.0} %", suggestion.support * 100.0),
        format!("{}/{}", suggestion.linked, suggestion.sentences),
        title,
    ]
}

async fn show(wired: &Wired, id: SuggestionId, output: Output) -> Result<Exit, Failure> {
    let tenant = wired.desk.database.of(wired.organization_id());
    let suggestion = tenant.load_suggestion(id).await.map_err(|error| not_there(id, &error))?;
    let article = tenant.load_article(suggestion.article_id).await.map_err(|error| problem(&error))?;
    let documents = tenant.list_article_documents(article.id).await.map_err(|error| problem(&error))?;
    let unlinked = review::unlinked(&suggestion.body, &suggestion.links).into_iter().map(str::to_owned).collect();
    let diff = changes(&article, &suggestion);
    output.result(&Shown { suggestion, documents, unlinked, diff }, |shown| in_words(shown, output))?;
    Ok(Exit::Ok)
}

/// What a suggestion changes of an article that is published.
fn changes(article: &Article, suggestion: &Suggestion) -> Option<Vec<Hunk>> {
    let is_update = article.state == ArticleState::Published && suggestion.state == SuggestionState::Waiting;
    is_update.then(|| compare(&article.body, &suggestion.body))
}

fn in_words(shown: &Shown, output: Output) -> String {
    let suggestion = &shown.suggestion;
    let quiet = |text: &str| output.paint(Tone::Quiet, text);
    let mut lines = vec![
        format!("# {}", suggestion.title),
        quiet(&format!(
            "{} · {} · {} · {} of {} sentences linked · weakest {:.0} % · by {}",
            suggestion.id,
            suggestion.kind,
            suggestion.state,
            suggestion.linked,
            suggestion.sentences,
            suggestion.support * 100.0,
            suggestion.generator
        )),
    ];
    lines.extend(suggestion.reason.iter().map(|reason| format!("! {reason}")));
    if let Some(reviewer) = &suggestion.reviewer {
        let at = suggestion.reviewed_at.map(|time| format!(" at {time}")).unwrap_or_default();
        lines.push(format!("{} by {reviewer}{at}", suggestion.state));
    }
    lines.push(String::new());
    lines.push(suggestion.body.clone());
    lines.push(String::new());
    lines.push("from".to_owned());
    for document in &shown.documents {
        let address = document.url.as_deref().unwrap_or("no address");
        lines.push(format!("  {} version {}  {}  {address}", document.document_id, document.version, document.title));
    }
    lines.push("proof".to_owned());
    for link in &suggestion.links {
        let sentence = shortened(&link.sentence);
        let quote = if link.quote == link.sentence { "the same words".to_owned() } else { shortened(&link.quote) };
        lines.push(format!("  {sentence}"));
        lines.push(quiet(&format!("    {:.0} %  bytes {}–{}  {quote}", link.support * 100.0, link.start, link.end)));
    }
    lines.extend(shown.unlinked.iter().map(|sentence| format!("  ! no quote: {}", shortened(sentence))));
    if let Some(diff) = &shown.diff {
        lines.push("changes of the published article".to_owned());
        lines.extend(diff.iter().flat_map(|hunk| &hunk.lines).map(|line| match line.change {
            Change::Same => format!("    {}", line.text()),
            Change::Removed => output.paint(Tone::Bad, &format!("  - {}", line.text())),
            Change::Added => output.paint(Tone::Good, &format!("  + {}", line.text())),
        }));
    }
    lines.join("\n")
}

fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= QUOTE_CHARS_MAX {
        return line;
    }
    let kept: String = line.chars().take(QUOTE_CHARS_MAX).collect();
    format!("{kept}…")
}

/// The suggestions that a command means: those that are named, or all that wait.
async fn wanted(wired: &Wired, named: &[String], all: bool) -> Result<Vec<SuggestionId>, Failure> {
    if !all {
        return named.iter().map(|id| suggestion_id(id)).collect();
    }
    let tenant = wired.desk.database.of(wired.organization_id());
    let filter = SuggestionFilter { state: Some(SuggestionState::Waiting), ..SuggestionFilter::default() };
    let (mut ids, mut after) = (Vec::new(), Keyset::start());
    while ids.len() < JUDGED_MAX {
        let waiting = tenant.list_suggestions(filter, after, AT_ONCE).await.map_err(|error| problem(&error))?;
        let Some(last) = waiting.last() else { break };
        after = Keyset::at(last.created_at, last.id);
        ids.extend(waiting.iter().map(|suggestion| suggestion.id));
    }
    Ok(ids)
}

/// What became of one suggestion; only a failure of the desk itself ends the command.
fn judgement(id: SuggestionId, outcome: ingest::Result<()>) -> Result<Judged, Failure> {
    match outcome {
        Ok(()) => Ok(Judged { id, done: true, error: None }),
        Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound | ErrorKind::Invalid) => {
            Ok(Judged { id, done: false, error: Some(error.to_string()) })
        }
        Err(error) => Err(Failure::new(Exit::Problem, format!("suggestion `{id}` cannot be judged")).because(error)),
    }
}

fn report(judged: &[Judged], done: &str, output: Output) -> Result<Exit, Failure> {
    output.result(&judged, |judged| {
        let mut lines: Vec<String> = judged
            .iter()
            .filter_map(|one| one.error.as_ref().map(|error| format!("{} is not {done}: {error}", one.id)))
            .collect();
        lines.push(format!("{} {done}", judged.iter().filter(|one| one.done).count()));
        lines.join("\n")
    })?;
    Ok(if judged.iter().all(|one| one.done) { Exit::Ok } else { Exit::Problem })
}

async fn draft(wired: &Wired, source: Option<&str>, publish: bool, output: Output) -> Result<Exit, Failure> {
    let tenant = wired.desk.database.of(wired.organization_id());
    let sources = match source {
        Some(typed) => vec![tenant.load_source(source_id(typed)?).await.map_err(|error| problem(&error))?],
        None => tenant.list_sources(Keyset::start(), SOURCES_MAX).await.map_err(|error| problem(&error))?,
    };
    let drafter = worker::jobs::draft_articles::drafter(&wired.desk, wired.organization_id()).await;
    let drafter =
        drafter.map_err(|error| Failure::new(Exit::Problem, "the budget for drafts cannot be read").because(error))?;
    let mut total = suggest::Ran::default();
    // What people wrote needs no draft.
    for source in sources.iter().filter(|source| source.kind != "articles") {
        loop {
            let ran = suggest::run(&wired.library, &drafter, wired.organization_id(), source.id, publish).await;
            let ran = ran.map_err(|error| {
                Failure::new(Exit::Problem, format!("drafting from `{}` stopped", source.name))
                    .because(error)
                    .fix("run the command again: it goes on where it was")
            })?;
            total.add(ran);
            if !ran.more {
                break;
            }
        }
    }
    output.result(&total, |ran| {
        format!(
            "{} documents read: {} new suggestions, {} changed, {} merged with one that says the same, {} withdrawn, {} published\n`frontdesk review list` shows what waits",
            ran.documents, ran.suggested, ran.changed, ran.merged, ran.withdrawn, ran.published
        )
    })?;
    Ok(Exit::Ok)
}

/// Waits until what a scan brought is drafted from, where rules draft; says how many suggestions wait.
pub(crate) async fn await_drafts(wired: &Wired, source_id: SourceId, output: Output) -> Result<(), Failure> {
    let database = &wired.desk.database;
    let begin = Instant::now();
    let chat = wired.desk.model_of(wired.organization_id()).await;
    let by_rules = chat.map_err(|error| problem(&error))?.is_none();
    while by_rules && begin.elapsed() < DRAFTS_WAIT_MAX {
        let mut is_drafting = false;
        for state in [JobState::Available, JobState::Running, JobState::Retryable] {
            let jobs = database.list_jobs(Some(state), AT_ONCE).await.map_err(|error| problem(&error))?;
            is_drafting |= jobs.iter().any(|job| {
                job.kind == <DraftArticles as domain::job::Work>::KIND
                    && job.payload.get("source_id").and_then(|id| id.as_str()) == Some(&source_id.to_string())
            });
        }
        if !is_drafting {
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let counts = database.of(wired.organization_id()).count_suggestions(Some(source_id)).await;
    let counts = counts.map_err(|error| problem(&error))?;
    let waiting: i64 =
        counts.iter().filter(|count| count.state == SuggestionState::Waiting).map(|count| count.count).sum();
    if waiting > 0 {
        output.say(&format!("{waiting} generated articles wait for review: `frontdesk review list`"));
    } else if !by_rules {
        output.say("articles are drafted by `frontdesk up` or `frontdesk worker`; `frontdesk review list` shows them");
    }
    Ok(())
}

fn suggestion_id(typed: &str) -> Result<SuggestionId, Failure> {
    typed.parse().map_err(|error| {
        Failure::new(Exit::Usage, "no suggestion id").because(error).fix("`frontdesk review list` shows the ids")
    })
}

fn source_id(typed: &str) -> Result<SourceId, Failure> {
    typed.parse().map_err(|error| {
        Failure::new(Exit::Usage, "no source id").because(error).fix("`frontdesk sources list` shows the ids")
    })
}

fn not_there(id: SuggestionId, error: &storage::Error) -> Failure {
    let failure = Failure::new(Exit::Problem, format!("suggestion `{id}` cannot be shown"));
    if error.kind() == ErrorKind::NotFound {
        return failure.because("there is no such suggestion").fix("`frontdesk review list` shows the ids");
    }
    failure.because(error)
}

fn problem(error: &storage::Error) -> Failure {
    Failure::new(Exit::Problem, "the review queue cannot be read").because(error).fix("run `frontdesk doctor`")
}
