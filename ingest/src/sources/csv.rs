//! Tables of questions and answers: each row is a document, its question the title.

use super::{DOCUMENTS_MAX, File, Intake, KnowledgeSource, Reading, Refusal, short_title, text_of, typed};
use crate::documents::Text;
use ::csv::{ReaderBuilder, StringRecord};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashSet;

/// Bytes of a row at most.
const ROW_BYTES_MAX: usize = 1024 * 1024;
/// Columns that are named in a message.
const COLUMNS_NAMED_MAX: usize = 12;
/// What separates columns, the likeliest first.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// What columns of questions are called, in lowercase.
const QUESTIONS: [&str; 9] =
    ["question", "questions", "q", "title", "frage", "pregunta", "question_text", "domanda", "vraag"];
/// What columns of answers are called.
const ANSWERS: [&str; 11] =
    ["answer", "answers", "a", "text", "content", "body", "antwort", "réponse", "respuesta", "risposta", "antwoord"];

/// A table in which each row is a question with its answer.
pub(super) struct Csv;

/// Which columns hold what; without them the usual names are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "people read these names")]
struct Settings {
    question_column: Option<String>,
    answer_column: Option<String>,
    id_column: Option<String>,
    url_column: Option<String>,
}

impl KnowledgeSource for Csv {
    fn kind(&self) -> &'static str {
        "csv"
    }

    fn about(&self) -> &'static str {
        "tables of questions and answers"
    }

    fn intake(&self) -> Intake {
        Intake::Files(&["csv", "tsv"])
    }

    fn schema(&self) -> Value {
        let column = |title: &str| json!({ "type": ["string", "null"], "title": title });
        json!({
            "type": "object",
            "properties": {
                "question_column": column("The column with the questions"),
                "answer_column": column("The column with the answers"),
                "id_column": column("The column with an id that stays the same when a question is reworded"),
                "url_column": column("The column with the address to cite"),
            },
            "additionalProperties": false,
        })
    }

    fn check(&self, settings: &Map<String, Value>) -> Result<(), Refusal> {
        typed::<Settings>(settings).map(|_| ())
    }

    fn has_signature(&self, _: &[u8]) -> bool {
        false
    }

    fn read(&self, file: &File<'_>) -> Result<Reading, Refusal> {
        // A source of another kind has settings of its own; its tables have the usual names.
        let settings: Settings = typed(file.settings).unwrap_or_default();
        let text = text_of(file)?;
        let mut reader = ReaderBuilder::new().delimiter(separator(&text)).flexible(true).from_reader(text.as_bytes());
        let header = reader.headers().cloned().map_err(|error| damaged(&error))?;
        let columns = Columns::of(&header, &settings)?;
        let mut rows = Rows { file: file.name, ids: HashSet::new(), pairs: HashSet::new(), texts: Vec::new() };
        for record in reader.records() {
            let record = record.map_err(|error| damaged(&error))?;
            rows.add(&record, &columns)?;
        }
        Ok(Reading { kind: self.kind(), texts: rows.texts, replaces: true })
    }
}

/// The character that the first line holds most of, outside quotes.
fn separator(text: &str) -> u8 {
    let mut counts = [0_usize; SEPARATORS.len()];
    let mut is_quoted = false;
    for byte in text.bytes().take_while(|byte| *byte != b'\n').take(ROW_BYTES_MAX) {
        is_quoted ^= byte == b'"';
        if let Some(at) = SEPARATORS.iter().position(|separator| !is_quoted && *separator == byte) {
            counts.iter_mut().skip(at).take(1).for_each(|count| *count += 1);
        }
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    SEPARATORS.into_iter().zip(counts).find(|(_, count)| *count == most).map_or(b',', |(separator, _)| separator)
}

fn damaged(error: &::csv::Error) -> Refusal {
    Refusal::new(format!("the table cannot be read: {error}"), "save it again as CSV in UTF-8")
}

/// Where a row holds what.
struct Columns {
    question: usize,
    answer: usize,
    id: Option<usize>,
    url: Option<usize>,
}

impl Columns {
    fn of(header: &StringRecord, settings: &Settings) -> Result<Self, Refusal> {
        let named = |wanted: Option<&str>, usual: &[&str]| {
            header.iter().position(|name| {
                let name = name.trim().to_lowercase();
                wanted.map_or(usual.contains(&name.as_str()), |wanted| name == wanted.trim().to_lowercase())
            })
        };
        let must = |what: &str, wanted: Option<&str>, usual: &[&str]| {
            named(wanted, usual).ok_or_else(|| {
                let there: Vec<String> =
                    header.iter().take(COLUMNS_NAMED_MAX).map(|name| format!("`{name}`")).collect();
                let wanted = wanted.unwrap_or(what);
                Refusal::new(
                    format!("the table has no column `{wanted}`; its first row names {}", there.join(", ")),
                    format!("name the columns `question` and `answer` in the first row, or set `{what}_column`"),
                )
            })
        };
        Ok(Self {
            question: must("question", settings.question_column.as_deref(), &QUESTIONS)?,
            answer: must("answer", settings.answer_column.as_deref(), &ANSWERS)?,
            id: named(settings.id_column.as_deref(), &["id"]),
            url: named(settings.url_column.as_deref(), &["url", "link"]),
        })
    }
}

struct Rows<'a> {
    file: &'a str,
    ids: HashSet<String>,
    /// Questions with their answers: a row that says the same again is left out.
    pairs: HashSet<(String, String)>,
    texts: Vec<Text>,
}

impl Rows<'_> {
    fn add(&mut self, record: &StringRecord, columns: &Columns) -> Result<(), Refusal> {
        let field = |column: usize| record.get(column).unwrap_or_default().trim();
        let (question, answer) = (field(columns.question), field(columns.answer));
        let line = record.position().map_or(0, ::csv::Position::line);
        if question.is_empty() && answer.is_empty() {
            return Ok(());
        }
        if question.is_empty() || answer.is_empty() {
            let missing = if question.is_empty() { "question" } else { "answer" };
            return Err(Refusal::new(
                format!("the row at line {line} has no {missing}"),
                "fill it in or take the row out",
            ));
        }
        if record.as_slice().len() > ROW_BYTES_MAX || self.texts.len() >= DOCUMENTS_MAX {
            return Err(Refusal::new(
                format!("line {line} goes beyond {ROW_BYTES_MAX} bytes a row or {DOCUMENTS_MAX} rows"),
                "cut it into smaller files, and check that quotes are closed",
            ));
        }
        if !self.pairs.insert((hash(&question.to_lowercase()), hash(answer))) {
            return Ok(());
        }
        let stated = columns.id.map(field).filter(|id| !id.is_empty());
        let id = stated.map_or_else(|| hash(&question.to_lowercase()), str::to_owned);
        let mut external_id = format!("{}#{id}", self.file);
        if !self.ids.insert(external_id.clone()) {
            if stated.is_some() {
                let why = format!("the id `{id}` at line {line} stands in the table twice");
                return Err(Refusal::new(why, "give every row an id of its own"));
            }
            // The same question with another answer is kept beside the first.
            external_id = format!("{external_id}-{}", hash(answer));
            self.ids.insert(external_id.clone());
        }
        let url = columns.url.map(field).filter(|url| url.starts_with("http://") || url.starts_with("https://"));
        self.texts.push(Text {
            external_id,
            url: url.map(str::to_owned),
            title: short_title(question),
            language: crate::language::detect_language(&format!("{question} {answer}"), None),
            text: answer.to_owned(),
        });
        Ok(())
    }
}

fn hash(text: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    hex::encode(digest.get(..8).unwrap_or(&digest))
}
