//! Files of every kind together: each is read by the kind its bytes show or its name says.

use super::{File, IMPORT, Intake, KnowledgeSource, Reading, Refusal, all, check_empty, empty_schema, of_file};
use serde_json::{Map, Value};

/// A folder of files.
pub(super) struct Collection;

impl KnowledgeSource for Collection {
    fn kind(&self) -> &'static str {
        IMPORT
    }

    fn about(&self) -> &'static str {
        "files of any kind"
    }

    fn intake(&self) -> Intake {
        Intake::AnyFile
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
        let kind = of_file(file.name, file.bytes).ok_or_else(|| unknown(file))?;
        kind.read(file)
    }
}

fn unknown(file: &File<'_>) -> Refusal {
    let name = file.name.rsplit('/').next().unwrap_or_default();
    let known: Vec<&str> = all()
        .filter_map(|source| match source.intake() {
            Intake::Files(extensions) => extensions.first().copied(),
            Intake::Address | Intake::AnyFile => None,
        })
        .collect();
    Refusal::new(format!("`{name}` is of no kind that can be read"), format!("save it as one of {}", known.join(", ")))
}
