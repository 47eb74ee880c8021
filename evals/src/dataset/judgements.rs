//! Data sets as files: questions as JSONL, relevant documents as a table.

use crate::{Error, Result};
use serde::Deserialize;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// A question of a data set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Query {
    /// Its id.
    pub id: String,
    /// Its text.
    pub text: String,
}

/// How relevant documents are (their imported ids), by question.
pub type Judgements = HashMap<String, HashMap<String, i64>>;

/// Reads questions: `{"id", "text"}` a line.
pub fn read_queries(path: &Path) -> Result<Vec<Query>> {
    lines(path)?
        .into_iter()
        .map(|(line, text)| serde_json::from_str(&text).map_err(|error| refused(path, line, error.to_string())))
        .collect()
}

/// Reads judgements: question, document, relevance, with tabs between; a heading is passed over.
pub fn read_judgements(path: &Path) -> Result<Judgements> {
    let mut judgements = Judgements::new();
    for (line, text) in lines(path)? {
        let fields: Vec<&str> = text.split('\t').collect();
        let &[query, document, relevance] = fields.as_slice() else {
            return Err(refused(path, line, "a line is question, document, relevance with tabs between".to_owned()));
        };
        match relevance.trim().parse() {
            Ok(relevance) => {
                judgements.entry(query.to_owned()).or_default().insert(document.to_owned(), relevance);
            }
            Err(_) if line == 1 => {}
            Err(error) => return Err(refused(path, line, format!("relevance `{relevance}`: {error}"))),
        }
    }
    Ok(judgements)
}

fn lines(path: &Path) -> Result<Vec<(usize, String)>> {
    let text = fs::read_to_string(path).map_err(|source| Error::File { file: path.display().to_string(), source })?;
    Ok((1..)
        .zip(text.lines())
        .filter(|(_, text)| !text.trim().is_empty())
        .map(|(line, text)| (line, text.to_owned()))
        .collect())
}

fn refused(path: &Path, line: usize, message: String) -> Error {
    Error::Dataset { file: path.display().to_string(), line, message }
}
