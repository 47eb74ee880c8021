//! Markdown files: one document each, taken as it is.

use super::{File, Intake, KnowledgeSource, Reading, Refusal, check_empty, empty_schema, short_title, single, text_of};
use serde_json::{Map, Value};

/// Lines that are looked through for the end of the front matter.
const FRONT_MATTER_LINES_MAX: usize = 200;

/// Markdown, with or without front matter.
pub(super) struct Markdown;

impl KnowledgeSource for Markdown {
    fn kind(&self) -> &'static str {
        "markdown"
    }

    fn about(&self) -> &'static str {
        "Markdown files"
    }

    fn intake(&self) -> Intake {
        Intake::Files(&["md", "markdown", "mdx"])
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
        let (front, body) = front_matter(&text);
        let stated = front.lines().find_map(|line| line.strip_prefix("title:"));
        let stated = stated.map(|title| title.trim().trim_matches(['"', '\'']));
        let heading = || body.lines().find_map(|line| line.strip_prefix("# ")).map(|words| words.trim_end_matches('#'));
        let title = stated.filter(|title| !title.is_empty()).or_else(heading).unwrap_or_default();
        single(self.kind(), file, short_title(title), body)
    }
}

/// The front matter, without the lines that mark it, and the rest.
fn front_matter(text: &str) -> (&str, &str) {
    let Some(inside) = text.strip_prefix("---\n") else { return ("", text) };
    let mut end = 0;
    for line in inside.split_inclusive('\n').take(FRONT_MATTER_LINES_MAX) {
        let after = end + line.len();
        if line.trim_end() == "---" {
            return (inside.get(..end).unwrap_or_default(), inside.get(after..).unwrap_or_default());
        }
        end = after;
    }
    ("", text)
}
