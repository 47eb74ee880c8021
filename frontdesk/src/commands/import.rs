//! `frontdesk import`: files and folders become published documents.

use crate::cli;
use crate::failure::Failure;
use crate::output::{Exit, Output};
use crate::wiring::Wired;
use ingest::import::Imported;
use ingest::sources::{self, FILE_BYTES_MAX};
use serde::Serialize;
use std::fmt::Write;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use storage::documents::PutOutcome;

/// Files of one import at most.
const FILES_MAX: usize = 10_000;
/// Folders within folders that are looked into.
const DEPTH_MAX: usize = 32;

/// What an import did, all files together.
#[derive(Default, Serialize)]
struct Outcome {
    #[serde(flatten)]
    imported: Imported,
    removed: usize,
    embedded_passages: usize,
    lexical_only: bool,
    failed: usize,
    files: Vec<FileOutcome>,
}

/// What became of one file.
#[derive(Serialize)]
struct FileOutcome {
    file: String,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(flatten)]
    imported: Imported,
    removed: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
}

/// A file that is to be read: where it is, what it is called in its source, and which that is.
struct Listed {
    path: PathBuf,
    name: String,
    source: String,
}

pub(crate) async fn run(wired: Wired, options: &cli::Import, output: Output) -> Result<Exit, Failure> {
    let listed = list(options)?;
    let bar = output.progress("imported", 0);
    let mut outcome = Outcome::default();
    for file in &listed {
        outcome.add(import(&wired, file, |documents| bar.inc(documents as u64)).await);
    }
    bar.finish_and_clear();
    if let ([FileOutcome { error: Some(failure), .. }], false) = (outcome.files.as_slice(), options.is_folder()) {
        return Err(failure.clone());
    }
    wired.catch_up().await?;
    wired.say_if_lexical(output);
    outcome.embedded_passages = embed(&wired, output).await?;
    wired.catch_up().await?;
    outcome.lexical_only = wired.library.embedder().is_none();
    output.result(&outcome, text)?;
    Ok(if outcome.failed > 0 { Exit::Problem } else { Exit::Ok })
}

impl cli::Import {
    fn is_folder(&self) -> bool {
        self.files.iter().any(|path| path.is_dir())
    }
}

impl Outcome {
    fn add(&mut self, file: FileOutcome) {
        self.imported.new += file.imported.new;
        self.imported.same += file.imported.same;
        self.imported.changed += file.imported.changed;
        self.removed += file.removed;
        self.failed += usize::from(file.error.is_some());
        self.files.push(file);
    }
}

/// All files, those of folders in the order of their names. What no kind reads is passed over in folders.
fn list(options: &cli::Import) -> Result<Vec<Listed>, Failure> {
    let mut listed = Vec::new();
    for path in &options.files {
        let name = last_name(path);
        let source = options.source.clone().unwrap_or_else(|| name.clone());
        if path.is_dir() {
            walk(path, &source, &mut listed)?;
        } else {
            listed.push(Listed { path: path.clone(), name, source });
        }
    }
    if listed.is_empty() {
        return Err(Failure::new(Exit::Problem, "there is nothing to import")
            .because("the folder holds no file of a kind that can be read")
            .fix("put Markdown, HTML, text, PDF, DOCX, CSV or JSONL files there"));
    }
    Ok(listed)
}

fn last_name(path: &Path) -> String {
    if path.as_os_str() == "-" {
        return "stdin".to_owned();
    }
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = if path.is_dir() { whole.file_name() } else { path.file_name() };
    name.map_or_else(|| "import".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn walk(folder: &Path, source: &str, listed: &mut Vec<Listed>) -> Result<(), Failure> {
    let mut waiting = vec![(folder.to_owned(), 0)];
    while let Some((inner, depth)) = waiting.pop() {
        let entries = std::fs::read_dir(&inner).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
        let mut entries = entries.map_err(|error| unreadable(&inner, error))?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            // Links are not followed: they may lead in circles or out of the folder.
            let Ok(kind) = entry.file_type() else { continue };
            if name.starts_with('.') || kind.is_symlink() {
                continue;
            }
            if kind.is_dir() && depth < DEPTH_MAX {
                waiting.push((path, depth + 1));
            } else if kind.is_file() && sources::of_name(&name).is_some() {
                let within = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
                listed.push(Listed { path, name: within, source: source.to_owned() });
            }
            if listed.len() > FILES_MAX {
                return Err(Failure::new(Exit::Problem, format!("{} holds too many files", folder.display()))
                    .because(format!("{FILES_MAX} are imported at once"))
                    .fix("import its folders one by one"));
            }
        }
    }
    listed.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(())
}

fn unreadable(path: &Path, error: std::io::Error) -> Failure {
    Failure::new(Exit::Problem, format!("cannot read {}", path.display()))
        .because(error)
        .fix("check the path; `-` reads standard input")
}

async fn import(wired: &Wired, file: &Listed, done: impl FnMut(usize)) -> FileOutcome {
    let mut outcome = FileOutcome {
        file: file.name.clone(),
        source: file.source.clone(),
        kind: None,
        imported: Imported::default(),
        removed: 0,
        error: None,
    };
    let is_lines =
        file.path.as_os_str() == "-" || file.path.extension().is_some_and(|end| end == "jsonl" || end == "ndjson");
    let taken = if is_lines {
        outcome.kind = Some("jsonl");
        import_lines(wired, file, done).await.map(|imported| outcome.imported = imported)
    } else {
        import_file(wired, file, &mut outcome, done).await
    };
    outcome.error = taken.err();
    outcome
}

/// Lines are read as they come: such a file may be larger than memory.
async fn import_lines(wired: &Wired, file: &Listed, done: impl FnMut(usize)) -> Result<Imported, Failure> {
    let lines: Box<dyn BufRead + Send> = if file.path.as_os_str() == "-" {
        Box::new(BufReader::new(std::io::stdin()))
    } else {
        Box::new(BufReader::new(File::open(&file.path).map_err(|error| unreadable(&file.path, error))?))
    };
    ingest::import::import(&wired.library, wired.organization_id(), &file.source, lines, done).await.map_err(|error| {
        Failure::new(Exit::Problem, format!("{} is not imported whole", file.path.display()))
            .because(error)
            .fix("correct the line and import again: what is there already is left alone")
    })
}

async fn import_file(
    wired: &Wired,
    file: &Listed,
    outcome: &mut FileOutcome,
    mut done: impl FnMut(usize),
) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    File::open(&file.path)
        .and_then(|opened| opened.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(&file.path, error))?;
    let failed = |error: ingest::Error| {
        let failure = Failure::new(Exit::Problem, format!("{} is not imported", file.path.display()));
        if let ingest::Error::File { refusal, .. } = error {
            return failure.because(refusal.why).fix(refusal.fix);
        }
        failure.because(error).fix("run `frontdesk doctor`")
    };
    let organization_id = wired.organization_id();
    let taken = ingest::files::import_file(&wired.library, organization_id, &file.source, &file.name, bytes).await;
    let taken = taken.map_err(failed)?;
    outcome.kind = Some(taken.kind);
    outcome.removed = taken.removed;
    outcome.imported = Imported {
        new: taken.count(PutOutcome::New),
        same: taken.count(PutOutcome::Same),
        changed: taken.count(PutOutcome::Changed),
    };
    done(taken.documents.len());
    Ok(())
}

async fn embed(wired: &Wired, output: Output) -> Result<usize, Failure> {
    let bar = output.progress("embedded passages", 0);
    let organization_id = wired.organization_id();
    let embedded =
        ingest::documents::embed_missing(&wired.library, organization_id, |passages| bar.inc(passages as u64)).await;
    bar.finish_and_clear();
    embedded.map_err(|error| {
        Failure::new(Exit::Problem, "the documents are imported, but not all passages have a vector")
            .because(error)
            .fix("run the import again: it goes on where it was")
    })
}

fn text(outcome: &Outcome) -> String {
    let Imported { new, same, changed } = outcome.imported;
    let mut lines: Vec<String> = outcome
        .files
        .iter()
        .filter_map(|file| file.error.as_ref())
        .map(|failure| {
            let (why, fix) = (failure.why.as_deref().unwrap_or_default(), failure.fix.as_deref().unwrap_or_default());
            format!("{}: {why}\n  → {fix}", failure.what)
        })
        .collect();
    let mut sum = format!("{} documents: {new} new, {changed} changed, {same} as before", new + changed + same);
    if outcome.removed > 0 {
        let _ = write!(sum, ", {} removed", outcome.removed);
    }
    let _ = write!(sum, " · {} passages embedded", outcome.embedded_passages);
    if outcome.files.len() > 1 {
        let read = outcome.files.len() - outcome.failed;
        let _ = write!(sum, " · {read} of {} files", outcome.files.len());
    }
    lines.push(sum);
    lines.join("\n")
}
