//! Saved web pages: one document each, its main content.

use super::{File, Intake, KnowledgeSource, Reading, Refusal, check_empty, empty_schema, single};
use crate::extract::{RawPage, extract};
use serde_json::{Map, Value};
use url::Url;

/// Relative links of a file lead nowhere; they are read as if it lay here.
const NOWHERE: &str = "https://file.invalid/";

/// A page of a website as a file.
pub(super) struct Html;

impl KnowledgeSource for Html {
    fn kind(&self) -> &'static str {
        "html"
    }

    fn about(&self) -> &'static str {
        "saved web pages"
    }

    fn intake(&self) -> Intake {
        Intake::Files(&["html", "htm", "xhtml"])
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
        let fix = "save the page again as HTML";
        let start: Vec<u8> = file.bytes.iter().copied().take(4_096).collect();
        if !start.contains(&b'<') && !start.starts_with(&[0xff, 0xfe]) && !start.starts_with(&[0xfe, 0xff]) {
            return Err(Refusal::new("the file says it is a web page, but holds no HTML", fix));
        }
        let url = Url::parse(NOWHERE).map_err(|error| Refusal::new(error.to_string(), fix))?;
        let page = RawPage { url: &url, content_type: None, robots_tag: None, bytes: file.bytes };
        let extraction = extract(&page, None).map_err(|reason| Refusal::new(reason.to_string(), fix))?;
        let mut reading = single(self.kind(), file, extraction.title, &extraction.text)?;
        for text in &mut reading.texts {
            text.language.clone_from(&extraction.language);
            text.url =
                extraction.canonical.as_ref().filter(|url| url.host_str() != Some("file.invalid")).map(Url::to_string);
        }
        Ok(reading)
    }
}
