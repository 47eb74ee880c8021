//! A website: scanned from its address, page by page.

use super::{File, Intake, KnowledgeSource, Reading, Refusal};
use domain::page::RescanSettings;
use serde_json::{Map, Value, json};

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
        let percent = |title: &str, default: u32| json!({ "type": "integer", "minimum": 0, "maximum": 100, "default": default, "title": title });
        let RescanSettings { removed_percent_max, changed_percent_max, hold_risky, .. } = RescanSettings::default();
        json!({
            "type": "object",
            "properties": {
                "rescan_every_hours": {
                    "type": ["integer", "null"], "minimum": 1, "maximum": RescanSettings::EVERY_HOURS_MAX,
                    "title": "Hours from the end of a scan to the next one",
                },
                "removed_percent_max": percent("Percent of pages that may be gone before changes wait", removed_percent_max),
                "changed_percent_max": percent("Percent of pages that may have changed before changes wait", changed_percent_max),
                "hold_risky": {
                    "type": "boolean", "default": hold_risky,
                    "title": "A page waits in which prices, dates, amounts or negations changed",
                },
            },
            "additionalProperties": false,
        })
    }

    fn check(&self, settings: &Map<String, Value>) -> Result<(), Refusal> {
        let schema = self.schema();
        let known = schema.get("properties").and_then(Value::as_object);
        if let Some(key) = settings.keys().find(|key| known.is_some_and(|known| !known.contains_key(*key))) {
            return Err(Refusal::new(
                format!("`settings` hold `{key}`, which a website does not know"),
                "leave it out",
            ));
        }
        RescanSettings::of(settings).map(|_| ()).map_err(|why| Refusal::new(why, "correct or leave out that field"))
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
