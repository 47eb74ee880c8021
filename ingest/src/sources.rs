//! The ways knowledge comes in, one file each. Adding one is a file here, a line in `ALL` and a call of
//! `conformance::exercise`.

mod collection;
pub mod conformance;
mod csv;
mod docx;
mod docx_parts;
mod html;
mod jsonl;
mod markdown;
pub mod pdf;
mod pdf_text;
mod plain;
mod website;

use crate::documents::Text;
use crate::suggest::PUBLISH_SETTING;
use serde_json::{Map, Value};
use std::path::PathBuf;

/// Bytes of a file at most.
pub const FILE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Documents of a file at most.
pub const DOCUMENTS_MAX: usize = 50_000;
/// The kind of sources that take files of every kind.
pub const IMPORT: &str = "import";
/// Characters of a title at most.
const TITLE_CHARS_MAX: usize = 300;

static ALL: [&dyn KnowledgeSource; 9] = [
    &website::Website,
    &collection::Collection,
    &markdown::Markdown,
    &html::Html,
    &plain::Plain,
    &pdf::Pdf,
    &docx::Docx,
    &csv::Csv,
    &jsonl::Jsonl,
];

/// A way knowledge comes in. Its word is stored in `sources.kind`, its settings beside it.
pub trait KnowledgeSource: Send + Sync {
    /// Its word.
    fn kind(&self) -> &'static str;

    /// What it is, in a few words for the person who chooses.
    fn about(&self) -> &'static str;

    /// What it is fed with.
    fn intake(&self) -> Intake;

    /// The JSON Schema of its settings: an object that allows nothing it does not name.
    fn schema(&self) -> Value;

    /// Whether the settings are whole and hold nothing unknown.
    fn check(&self, settings: &Map<String, Value>) -> Result<(), Refusal>;

    /// Whether bytes are of this kind beyond doubt, whatever their name is.
    fn has_signature(&self, bytes: &[u8]) -> bool;

    /// Reads a file whole or refuses it. Runs for seconds without yielding: call it where blocking is allowed.
    fn read(&self, file: &File<'_>) -> Result<Reading, Refusal>;
}

/// What a source is fed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intake {
    /// An address, which scans start from.
    Address,
    /// Files whose names end in one of these, in lowercase.
    Files(&'static [&'static str]),
    /// Files of every kind there is.
    AnyFile,
}

/// A file to read.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// Its name, with the folders that tell it from others of its source.
    pub name: &'a str,
    /// What is in it.
    pub bytes: &'a [u8],
    /// The settings of its source, checked.
    pub settings: &'a Map<String, Value>,
    /// Where readers run that cannot be trusted with every file.
    pub isolation: &'a Isolation,
}

/// What was read of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The kind that read it.
    pub kind: &'static str,
    /// Its documents; their external ids begin with the file's name unless it states its own.
    pub texts: Vec<Text>,
    /// Whether documents that the file held before and holds no more are to leave.
    pub replaces: bool,
}

/// Where readers run that cannot be trusted with every file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// In this process: a file made to harm can take it down.
    #[default]
    None,
    /// In a process of their own, which limits its time and memory: this program with `read-pdf` as its argument.
    Program(PathBuf),
}

/// Why a file or its settings are not taken, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Refusal {
    /// What is wrong.
    pub why: String,
    /// What to do.
    pub fix: String,
}

impl Refusal {
    pub(crate) fn new(why: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { why: why.into(), fix: fix.into() }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.why, self.fix)
    }
}

/// All ways knowledge comes in.
pub fn all() -> impl Iterator<Item = &'static dyn KnowledgeSource> {
    ALL.iter().copied()
}

/// The way of that word.
pub fn source(kind: &str) -> Result<&'static dyn KnowledgeSource, Refusal> {
    all().find(|source| source.kind() == kind).ok_or_else(|| {
        let kinds: Vec<&str> = all().map(KnowledgeSource::kind).collect();
        Refusal::new(format!("there is no kind of source `{kind}`"), format!("choose one of {}", kinds.join(", ")))
    })
}

/// The kind that reads a file: the one its bytes show, else the one its name says.
pub fn of_file(name: &str, bytes: &[u8]) -> Option<&'static dyn KnowledgeSource> {
    let shown = all().find(|source| source.has_signature(bytes));
    shown.or_else(|| of_name(name))
}

/// The kind that the name of a file says.
pub fn of_name(name: &str) -> Option<&'static dyn KnowledgeSource> {
    let extension = extension(name)?;
    all().find(|source| matches!(source.intake(), Intake::Files(known) if known.contains(&extension.as_str())))
}

/// Checks the settings of a source: those of its kind, and those that every source has.
pub fn check(source: &dyn KnowledgeSource, settings: &Map<String, Value>) -> Result<(), Refusal> {
    let is_share = |value: &Value| value.as_f64().is_some_and(|share| (0.0..=1.0).contains(&share));
    if settings.get(PUBLISH_SETTING).is_some_and(|value| !is_share(value)) {
        return Err(Refusal::new(format!("`{PUBLISH_SETTING}` is no support"), "give a number from 0 to 1"));
    }
    source.check(&own_settings(settings))
}

/// The JSON Schema of all settings of a source of that kind.
pub fn schema(source: &dyn KnowledgeSource) -> Value {
    let mut schema = source.schema();
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        let title = "Publish generated articles without review from this support on";
        let property = serde_json::json!({ "type": "number", "minimum": 0, "maximum": 1, "title": title });
        properties.insert(PUBLISH_SETTING.to_owned(), property);
    }
    schema
}

/// The settings without those that every source has.
fn own_settings(settings: &Map<String, Value>) -> Map<String, Value> {
    settings
        .iter()
        .filter(|(key, _)| *key != PUBLISH_SETTING)
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Reads a file as a source of that kind does, within the limits that hold for all.
pub fn read(source: &dyn KnowledgeSource, file: &File<'_>) -> Result<Reading, Refusal> {
    if file.bytes.is_empty() {
        return Err(Refusal::new("the file is empty (0 bytes)", "send a file with text in it"));
    }
    if file.bytes.len() > FILE_BYTES_MAX {
        return Err(Refusal::new(
            format!("the file has {} bytes, {FILE_BYTES_MAX} are allowed", file.bytes.len()),
            "cut it into smaller files",
        ));
    }
    let own = own_settings(file.settings);
    let reading = source.read(&File { settings: &own, ..*file })?;
    if reading.texts.len() > DOCUMENTS_MAX {
        return Err(Refusal::new(
            format!("the file holds {} documents, {DOCUMENTS_MAX} are allowed", reading.texts.len()),
            "cut it into smaller files",
        ));
    }
    if reading.texts.is_empty() {
        return Err(Refusal::new("the file holds no text", "send a file with text in it"));
    }
    Ok(reading)
}

/// The ending of a file's name, in lowercase.
fn extension(name: &str) -> Option<String> {
    let file = name.rsplit('/').next()?;
    file.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map(|(_, extension)| extension.to_lowercase())
}

/// The name of a file as a title: without folders and ending, its separators as spaces.
fn title_of_name(name: &str) -> String {
    let file = name.rsplit('/').next().unwrap_or(name);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    short_title(&stem.replace(['-', '_'], " "))
}

fn short_title(title: &str) -> String {
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    title.chars().filter(|c| !c.is_control()).take(TITLE_CHARS_MAX).collect()
}

/// The one document of a file.
fn single(kind: &'static str, file: &File<'_>, title: String, text: String) -> Result<Reading, Refusal> {
    let text = text.replace('\0', "");
    let text = text.trim();
    if text.is_empty() {
        return Err(Refusal::new("the file holds no text", "send a file with text in it"));
    }
    let title = Some(title).filter(|title| !title.trim().is_empty()).unwrap_or_else(|| title_of_name(file.name));
    let text = Text {
        external_id: file.name.to_owned(),
        url: None,
        title,
        language: crate::language::detect_language(text, None),
        text: text.to_owned(),
    };
    Ok(Reading { kind, texts: vec![text], replaces: false })
}

/// The text of a file that is to be nothing but text.
fn text_of(file: &File<'_>) -> Result<String, Refusal> {
    let fix = "save it as text in UTF-8";
    let text = crate::charset::decode(file.bytes, None);
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    if text.contains('\0') {
        return Err(Refusal::new("the file is not text: it holds bytes that no text has", fix));
    }
    let strange = text.chars().filter(|c| *c == '\u{fffd}' || c.is_control() && !matches!(c, '\n' | '\t' | '\u{c}'));
    if strange.count() * 500 > text.len() {
        return Err(Refusal::new("the file is not text, or in an encoding that cannot be told", fix));
    }
    Ok(text)
}

/// For sources without settings: refuses any.
fn check_empty(settings: &Map<String, Value>) -> Result<(), Refusal> {
    settings.keys().next().map_or(Ok(()), |key| {
        Err(Refusal::new(format!("`settings` hold `{key}`, which this kind does not know"), "leave `settings` out"))
    })
}

fn empty_schema() -> Value {
    serde_json::json!({ "type": "object", "properties": {}, "additionalProperties": false })
}

/// Reads settings into their type; what does not fit says which field and why.
fn typed<T: serde::de::DeserializeOwned>(settings: &Map<String, Value>) -> Result<T, Refusal> {
    serde_json::from_value(Value::Object(settings.clone()))
        .map_err(|error| Refusal::new(format!("`settings` cannot be used: {error}"), "correct or leave out that field"))
}
