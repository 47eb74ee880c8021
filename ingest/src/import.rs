//! Imports a JSONL file: a line is a document, idempotent by its id.

use crate::articles::named_source;
use crate::documents::{Text, cut, store};
use crate::{Error, Library, Result};
use domain::OrganizationId;
use serde::Deserialize;
use std::io::BufRead;
use storage::documents::{NewDocument, PutOutcome};

/// Documents in one transaction.
const BATCH: usize = 512;
/// Bytes of one line at most.
const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A line of an import file. Other fields are passed over: exports of other systems have them.
#[derive(Debug, Deserialize)]
struct Line {
    id: String,
    #[serde(default)]
    title: String,
    text: String,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    language: Option<String>,
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Imported {
    /// Documents that were not there before.
    pub new: usize,
    /// Documents that are as they were.
    pub same: usize,
    /// Documents with a new version.
    pub changed: usize,
}

impl Imported {
    /// All documents of the file.
    pub fn total(self) -> usize {
        self.new + self.same + self.changed
    }
}

/// Imports every line, without vectors: [`crate::documents::embed_missing`] adds those. `done` hears the
/// documents of each batch when they are on disk.
///
/// # Errors
/// `Invalid` with the line's number; the lines before it are imported.
pub async fn import(
    library: &Library,
    organization_id: OrganizationId,
    name: &str,
    file: impl BufRead,
    mut done: impl FnMut(usize),
) -> Result<Imported> {
    let source = named_source(library, organization_id, "import", name).await?;
    let mut imported = Imported::default();
    let mut batch = Vec::with_capacity(BATCH);
    let mut lines = file.lines();
    let mut number = 0;
    loop {
        let line = lines.next().transpose()?;
        let ended = line.is_none();
        if let Some(line) = line {
            number += 1;
            if !line.trim().is_empty() {
                batch.push(cut(library, read_line(&line, number)?));
            }
        }
        if batch.len() >= BATCH || (ended && !batch.is_empty()) {
            put_batch(library, organization_id, source.id, &batch, &mut imported).await?;
            done(batch.len());
            batch.clear();
        }
        if ended {
            return Ok(imported);
        }
    }
}

pub(crate) fn read_line(line: &str, number: usize) -> Result<Text> {
    let fail = |message: String| Error::Line { line: number, message };
    if line.len() > LINE_BYTES_MAX {
        return Err(fail(format!("it has {} bytes, {LINE_BYTES_MAX} are allowed", line.len())));
    }
    let line: Line = serde_json::from_str(line)
        .map_err(|error| fail(format!("{error}; a line is {{\"id\": …, \"title\": …, \"text\": …, \"url\"?: …}}")))?;
    if line.id.is_empty() {
        return Err(fail("`id` is empty: give every document an id of its own".to_owned()));
    }
    let language = line.language.or_else(|| crate::language::detect_language(&line.text, None));
    Ok(Text { external_id: line.id, url: line.url, title: line.title, text: line.text, language })
}

async fn put_batch(
    library: &Library,
    organization_id: OrganizationId,
    source_id: domain::SourceId,
    batch: &[NewDocument],
    imported: &mut Imported,
) -> Result<()> {
    let mut transaction = library.database.of(organization_id).begin().await?;
    let puts = store(library, &mut transaction, source_id, batch, &Vec::new()).await?;
    transaction.commit().await?;
    for put in puts {
        match put.outcome {
            PutOutcome::New => imported.new += 1,
            PutOutcome::Same => imported.same += 1,
            PutOutcome::Changed => imported.changed += 1,
        }
    }
    Ok(())
}
