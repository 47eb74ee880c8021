//! A website: scanned from its address, page by page.

use super::{File, Intake, KnowledgeSource, Reading, Refusal, check_empty, empty_schema};
use serde_json::{Map, Value};

/// A website. What a scan reads is set with the scan.
pub(super) struct Website;

impl KnowledgeSource for Website {
    fn kind(&self) -> &'static str {
        "website"
    }

    fn about(&self) -> &'static str {
        "a website that is scanned from its address"
    }

    fn intake(&self) -> Intake {
        Intake::Address
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

    fn read(&self, _: &File<'_>) -> Result<Reading, Refusal> {
        Err(Refusal::new(
            "a website takes no files",
            "scan its address, or make a source of the kind `import` for files",
        ))
    }
}
