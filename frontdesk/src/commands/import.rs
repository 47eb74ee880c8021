//! `frontdesk import`: a JSONL file becomes published documents.

use crate::cli;
use crate::failure::Failure;
use crate::output::{Exit, Output};
use crate::wiring::Wired;
use ingest::import::Imported;
use serde::Serialize;
use std::fs::File;
use std::io::{BufRead, BufReader};

#[derive(Serialize)]
struct Outcome {
    #[serde(flatten)]
    imported: Imported,
    embedded_passages: usize,
    lexical_only: bool,
}

pub(crate) async fn run(wired: Wired, options: &cli::Import, output: Output) -> Result<Exit, Failure> {
    let (name, file): (String, Box<dyn BufRead + Send>) = if options.file.as_os_str() == "-" {
        ("stdin".to_owned(), Box::new(BufReader::new(std::io::stdin())))
    } else {
        let file = File::open(&options.file).map_err(|error| {
            Failure::new(Exit::Problem, format!("cannot read {}", options.file.display()))
                .because(error)
                .fix("check the path; `-` reads standard input")
        })?;
        let name = options.file.file_name().map(|name| name.to_string_lossy().into_owned());
        (name.unwrap_or_else(|| "import".to_owned()), Box::new(BufReader::new(file)))
    };
    let bar = output.progress("imported", 0);
    let organization_id = wired.organization_id();
    let imported =
        ingest::import::import(&wired.library, organization_id, &name, file, |documents| bar.inc(documents as u64))
            .await;
    bar.finish_and_clear();
    let imported = imported.map_err(|error| {
        Failure::new(Exit::Problem, format!("{} is not imported whole", options.file.display()))
            .because(error)
            .fix("correct the line and import again: what is there already is left alone")
    })?;
    wired.catch_up().await?;
    wired.say_if_lexical(output);
    let bar = output.progress("embedded passages", 0);
    let embedded =
        ingest::documents::embed_missing(&wired.library, organization_id, |passages| bar.inc(passages as u64)).await;
    bar.finish_and_clear();
    let embedded = embedded.map_err(|error| {
        Failure::new(Exit::Problem, "the documents are imported, but not all passages have a vector")
            .because(error)
            .fix("run the import again: it goes on where it was")
    })?;
    wired.catch_up().await?;
    let outcome = Outcome { imported, embedded_passages: embedded, lexical_only: wired.library.embedder().is_none() };
    output.result(&outcome, |outcome| {
        format!(
            "{} documents: {} new, {} changed, {} as before · {} passages embedded",
            outcome.imported.total(),
            outcome.imported.new,
            outcome.imported.changed,
            outcome.imported.same,
            outcome.embedded_passages
        )
    })?;
    Ok(Exit::Ok)
}
