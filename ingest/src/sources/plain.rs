//! Text files: one document each, its first line the title where it looks like one.

use super::{File, Intake, KnowledgeSource, Reading, Refusal, check_empty, empty_schema, short_title, single, text_of};
use serde_json::{Map, Value};

/// The first line is a title up to this length, in characters, if a blank line follows.
const TITLE_LINE_CHARS_MAX: usize = 100;

/// Text without marks.
pub(super) struct Plain;

impl KnowledgeSource for Plain {
    fn kind(&self) -> &'static str {
        "text"
    }

    fn about(&self) -> &'static str {
        "text files"
    }

    fn intake(&self) -> Intake {
        Intake::Files(&["txt", "text"])
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
        let text = text_of(file)?;
        let mut lines = text.trim_start().lines();
        let first = lines.next().unwrap_or_default().trim_start_matches('#');
        let stands_alone =
            lines.next().is_none_or(|line| line.trim().is_empty() || line.trim_matches(['=', '-']).is_empty());
        let is_title = stands_alone && first.chars().count() <= TITLE_LINE_CHARS_MAX;
        let title = if is_title { short_title(first) } else { String::new() };
        single(self.kind(), file, title, &text)
    }
}
