//! Data sets as files: cases as JSONL or promptfoo's YAML, questions and judgements of retrieval sets.

mod jsonl;
mod judgements;
mod promptfoo;

pub use judgements::{Judgements, Query, read_judgements, read_queries};

use crate::metrics::compile;
use crate::{Error, Result};
use answering::Desk;
use domain::OrganizationId;
use domain::evaluation::{Case, Dataset};
use std::collections::HashMap;
use std::path::Path;
use storage::evals::CASES_MAX;

/// Bytes of a data set at most.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Unknown documents that are named at most.
const UNKNOWN_NAMED_MAX: usize = 5;

/// A case with the line it stands in, from 1.
pub type Placed = (usize, Case);

/// Reads the cases of a file, each checked: `.yaml` and `.yml` in promptfoo's shape, everything else JSONL.
///
/// # Errors
/// `Dataset` with file and line for what cannot be used.
pub fn read_cases(path: &Path) -> Result<Vec<Placed>> {
    let shown = path.display().to_string();
    let unreadable = |source| Error::File { file: shown.clone(), source };
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > FILE_BYTES_MAX {
        return Err(refused(path, 1, format!("the file has {size} bytes; {FILE_BYTES_MAX} are allowed")));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let is_yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
    let cases = if is_yaml { promptfoo::parse(path, &text)? } else { jsonl::parse(path, &text)? };
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (line, case) in &cases {
        let doubled =
            seen.insert(&case.id, *line).map(|first| format!("`id` `{}` stands in line {first} too", case.id));
        if let Some(problem) = problem(case).or(doubled) {
            return Err(refused(path, *line, problem));
        }
    }
    if cases.is_empty() || cases.len() > CASES_MAX {
        return Err(refused(path, 1, format!("the data set has {} cases; it has from 1 to {CASES_MAX}", cases.len())));
    }
    Ok(cases)
}

/// What keeps the case from being scored, if something does.
pub fn problem(case: &Case) -> Option<String> {
    let broken = |(field, pattern): (&str, &String)| {
        compile(pattern).err().map(|error| format!("`{field}` holds an expression that cannot be read: {error}"))
    };
    let required = case.must_match.iter().map(|pattern| ("must_match", pattern));
    let forbidden = case.must_not_match.iter().map(|pattern| ("must_not_match", pattern));
    case.problem().or_else(|| required.chain(forbidden).find_map(broken))
}

/// Stores the cases of a file under a name, if every document they name is there.
pub async fn store(
    desk: &Desk,
    organization_id: OrganizationId,
    name: &str,
    path: &Path,
    cases: &[Placed],
) -> Result<Dataset> {
    let tenant = desk.database.of(organization_id);
    let documents: Vec<&str> = cases.iter().flat_map(|(_, case)| &case.documents).map(String::as_str).collect();
    let unknown = tenant.list_unknown_documents(&documents).await?;
    let mut named = cases.iter().flat_map(|(line, case)| case.documents.iter().map(move |document| (*line, document)));
    if let Some((line, document)) = named.find(|(_, document)| unknown.contains(document)) {
        let more = unknown.iter().filter(|other| *other != document).take(UNKNOWN_NAMED_MAX).cloned();
        let others: Vec<String> = more.collect();
        let others = if others.is_empty() { String::new() } else { format!("; nor are {}", others.join(", ")) };
        return Err(refused(path, line, format!("document `{document}` is not in the knowledge{others}")));
    }
    let cases: Vec<Case> = cases.iter().map(|(_, case)| case.clone()).collect();
    let mut transaction = tenant.begin().await?;
    let (dataset, _) = transaction.put_dataset(name, "file", &cases).await?;
    transaction.commit().await?;
    Ok(dataset)
}

fn refused(path: &Path, line: usize, message: String) -> Error {
    Error::Dataset { file: path.display().to_string(), line, message }
}
