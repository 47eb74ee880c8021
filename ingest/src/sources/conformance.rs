//! What every knowledge source must hold.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use super::{File, Intake, Isolation, KnowledgeSource, read};
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// Places at which a sample is cut off.
const CUTS: usize = 40;

/// Exercises a source, with a file of its kind where it takes files.
///
/// # Panics
/// Where the source does not conform.
pub fn exercise(source: &dyn KnowledgeSource, sample: Option<(&str, &[u8])>) {
    let kind = source.kind();
    assert!(kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{kind}: a word in snake_case");
    assert!(!source.about().is_empty(), "{kind}: it says what it is");
    exercise_settings(source);
    let settings = Map::new();
    let take = |name: &str, bytes: &[u8]| {
        read(source, &File { name, bytes, settings: &settings, isolation: &Isolation::None })
    };
    let empty = take("empty", b"").expect_err("an empty file is refused");
    assert!(!empty.why.is_empty() && !empty.fix.is_empty(), "{kind}: a refusal says why and what to do");
    assert_eq!(source.intake() == Intake::Address, sample.is_none(), "{kind}: a sample for what takes files");
    let Some((name, bytes)) = sample else {
        assert!(take("file.txt", b"Text.").is_err(), "{kind}: it takes no files");
        return;
    };
    let reading = take(name, bytes).unwrap_or_else(|refusal| panic!("{kind}: {refusal}"));
    assert_eq!(take(name, bytes), Ok(reading.clone()), "{kind}: the same file reads the same");
    let ids: HashSet<&str> = reading.texts.iter().map(|text| text.external_id.as_str()).collect();
    assert_eq!(ids.len(), reading.texts.len(), "{kind}: ids are unique");
    for text in &reading.texts {
        assert!(!text.external_id.is_empty() && !text.title.trim().is_empty(), "{kind}: id and title are there");
        assert!(!text.text.trim().is_empty() && !text.text.contains('\0'), "{kind}: text is there");
        let belongs = text.external_id.starts_with(name) || !reading.replaces;
        assert!(belongs, "{kind}: what a file replaces is known by its name");
    }
    for cut in (0..CUTS).map(|cut| bytes.len() * cut / CUTS) {
        // Whatever is left of a file is read or refused; nothing else.
        let _ = take(name, bytes.get(..cut).unwrap_or_default());
    }
}

/// Settings: none are whole, unknown ones are refused, and the schema names those that are known.
fn exercise_settings(source: &dyn KnowledgeSource) {
    let kind = source.kind();
    assert!(source.check(&Map::new()).is_ok(), "{kind}: default settings are whole");
    let unknown: Map<String, Value> = [("no_such_setting".to_owned(), json!(1))].into_iter().collect();
    assert!(source.check(&unknown).is_err(), "{kind}: an unknown setting is refused");
    let schema = source.schema();
    assert_eq!(schema["type"], "object", "{kind}: settings are an object");
    assert_eq!(schema["additionalProperties"], false, "{kind}: the schema allows nothing it does not name");
    let properties = schema["properties"].as_object().cloned().unwrap_or_default();
    for (name, property) in properties {
        assert!(property["title"].is_string(), "{kind}: `{name}` has a title for its form");
        let types = property["type"].as_array().cloned().unwrap_or_else(|| vec![property["type"].clone()]);
        if types.contains(&json!("string")) {
            let settings: Map<String, Value> = [(name.clone(), json!("words"))].into_iter().collect();
            assert!(source.check(&settings).is_ok(), "{kind}: `{name}` is taken as the schema says");
        }
    }
}
