//! JSON lines: a line is a document with an id of its own.

use super::{File, Intake, KnowledgeSource, Reading, Refusal, check_empty, empty_schema, text_of};
use serde_json::{Map, Value};

/// One `{"id", "title", "text", "url"?}` a line.
pub(super) struct Jsonl;

impl KnowledgeSource for Jsonl {
    fn kind(&self) -> &'static str {
        "jsonl"
    }

    fn about(&self) -> &'static str {
        "JSON lines with `id`, `title` and `text`"
    }

    fn intake(&self) -> Intake {
        Intake::Files(&["jsonl", "ndjson"])
    }

    fn schema(&self) -> Value {
        empty_schema()
    }

    fn check(&self, settings: &Map<String, Value>) -> Result<(), Refusal> {
        check_empty(settings)
    }

    fn has_signature(&self, _: &[u8]) -> bool {
        false
    }

    fn read(&self, file: &File<'_>) -> Result<Reading, Refusal> {
        let mut texts = Vec::new();
        for (number, line) in (1..).zip(text_of(file)?.lines()) {
            if !line.trim().is_empty() {
                let text = crate::import::read_line(line, number);
                texts.push(text.map_err(|error| Refusal::new(error.to_string(), "correct that line"))?);
            }
        }
        Ok(Reading { kind: self.kind(), texts, replaces: false })
    }
}
