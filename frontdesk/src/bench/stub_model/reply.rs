//! The stub's answers: the first sentence of passage [1] of the prompt, with its mark, so that a
//! support check finds the answer grounded; or the smallest JSON that a given schema allows.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt, stream};
use serde_json::{Map, Value, json};
use std::io;
use std::time::Duration;

const NO_ANSWER: &str = "I cannot find this in the help centre.";
/// How long a slow answer takes in all.
const SLOW_MS: u64 = 3000;

/// How an answer that was begun ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Whole,
    Slow,
    Cut,
    Malformed,
    NoChoices,
}

/// The last word in `text` that starts with `prefix`, without the prefix.
pub(super) fn marker<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let starts = text.rmatch_indices(prefix).map(|(at, _)| text.split_at(at));
    let word = |(before, rest): (&str, &'a str)| {
        let rest = rest.strip_prefix(prefix)?;
        let of_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let end = rest.find(|c| !of_word(c)).unwrap_or(rest.len());
        let at_start = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        rest.get(..end).filter(|word| at_start && !word.is_empty())
    };
    starts.into_iter().find_map(word)
}

pub(super) fn last_user_message(request: &Value) -> String {
    let of_user = |message: &&Value| message.get("role").and_then(Value::as_str) == Some("user");
    messages(request).rfind(of_user).map(content).unwrap_or_default()
}

fn messages(request: &Value) -> impl DoubleEndedIterator<Item = &Value> {
    request.get("messages").and_then(Value::as_array).into_iter().flatten()
}

/// A message's text, whether it is one string or a list of parts.
fn content(message: &Value) -> String {
    match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts = parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str));
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

/// About what a tokenizer would count.
pub(super) fn token_count(text: &str) -> usize {
    text.len().div_ceil(4)
}

/// Token counts of the request and of the answer to it.
pub(super) fn usage(request: &Value) -> Value {
    let input: usize = messages(request).map(|message| token_count(&content(message))).sum();
    let output = token_count(&answer(request));
    json!({ "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output })
}

/// Whether the prompt brings passages to answer from.
pub(super) fn has_passages(request: &Value) -> bool {
    first_sentence(&prompt(request)).is_some()
}

pub(super) fn prompt(request: &Value) -> String {
    messages(request).map(content).collect::<Vec<_>>().join("\n")
}

fn answer(request: &Value) -> String {
    let text = match first_sentence(&prompt(request)) {
        Some(sentence) => format!("{sentence} [1]"),
        None => NO_ANSWER.to_owned(),
    };
    match request.pointer("/response_format/json_schema/schema") {
        None => text,
        Some(schema) => {
            let message = last_user_message(request);
            let question = message.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
            smallest(schema, "", question.trim(), &text).to_string()
        }
    }
}

/// The first sentence of the passage that a line starting with `[1]`, or a tag with `="1"`, opens.
pub(in crate::bench) fn first_sentence(prompt: &str) -> Option<&str> {
    let mut lines = prompt.lines().map(str::trim);
    let opening = lines.find(|line| line.starts_with("[1]") || (line.starts_with('<') && line.contains("=\"1\"")))?;
    let after_mark = match opening.strip_prefix("[1]") {
        Some(rest) => rest,
        None => opening.split_once('>').map_or("", |(_, rest)| rest),
    };
    let after_mark = after_mark.trim_start_matches([':', ' ']);
    let passage = lines.take_while(|line| !line.starts_with("[2]") && !line.starts_with("</"));
    let body = passage.filter(|line| !line.is_empty() && !line.starts_with(['#', '<']));
    // What stands beside the mark is a title unless it holds a sentence.
    let beside = Some(after_mark).filter(|text| text.contains(". ") || text.ends_with('.'));
    let text = beside.or_else(|| body.into_iter().next()).unwrap_or(after_mark);
    let text = text.split_once("</").map_or(text, |(text, _)| text).trim_start_matches(['-', '*', ' ']);
    let end = text
        .match_indices(['.', '!', '?'])
        .map(|(at, _)| at + 1)
        .find(|end| text.get(*end..).is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace)));
    text.get(..end.unwrap_or(text.len())).filter(|sentence| !sentence.is_empty())
}

/// The smallest value a JSON Schema allows; texts are chosen by their property's name.
fn smallest(schema: &Value, name: &str, question: &str, answer: &str) -> Value {
    if let Some(word) = schema.get("enum").and_then(Value::as_array).and_then(|words| words.first()) {
        return word.clone();
    }
    let kind = match schema.get("type") {
        // A list of types ends with "null" where nothing is a value too.
        Some(Value::Array(kinds)) => kinds.last().and_then(Value::as_str).unwrap_or("null"),
        kind => kind.and_then(Value::as_str).unwrap_or("null"),
    };
    match kind {
        "object" => {
            let properties = schema.get("properties").and_then(Value::as_object);
            let value = |(name, schema): (&String, &Value)| (name.clone(), smallest(schema, name, question, answer));
            Value::Object(properties.into_iter().flatten().map(value).collect::<Map<_, _>>())
        }
        "array" => json!([]),
        "boolean" => json!(false),
        "number" | "integer" => schema.get("minimum").cloned().unwrap_or(json!(0)),
        "string" if name.contains("question") || name.contains("query") => json!(question),
        "string" if ["answer", "reply", "text"].iter().any(|word| name.contains(word)) => {
            json!(answer)
        }
        "string" => json!(""),
        _ => Value::Null,
    }
}

/// The answer to the request, streamed or not as it asks, with this usage and this end.
pub(super) fn respond(request: &Value, usage: Value, end: End) -> Response {
    ended(request, &answer(request), usage, end)
}

/// Answers with these words, whole.
pub(super) fn say(request: &Value, answer: &str) -> Response {
    ended(request, answer, usage(request), End::Whole)
}

fn ended(request: &Value, answer: &str, usage: Value, end: End) -> Response {
    let is_stream = request.get("stream").and_then(Value::as_bool) == Some(true);
    let model = request.get("model").and_then(Value::as_str).unwrap_or("stub");
    let frame = |object: &str, choices: Value| json!({ "id": "chatcmpl-stub", "object": object, "created": 0, "model": model, "choices": choices });
    let (kind, pieces) = if is_stream {
        let wants_usage = request.pointer("/stream_options/include_usage").and_then(Value::as_bool);
        let usage = (wants_usage == Some(true)).then_some(usage);
        ("text/event-stream", events(answer, usage, end, |choices| frame("chat.completion.chunk", choices)))
    } else {
        let message = json!({ "role": "assistant", "content": answer });
        let choice = json!({ "index": 0, "message": message, "finish_reason": "stop" });
        let choices = if end == End::NoChoices { json!([]) } else { json!([choice]) };
        let mut whole = frame("chat.completion", choices);
        if let Some(fields) = whole.as_object_mut() {
            fields.insert("usage".to_owned(), usage);
        }
        if matches!(end, End::Whole | End::NoChoices) {
            return Json(whole).into_response();
        }
        ("application/json", halves(&whole.to_string()))
    };
    let body = Body::from_stream(paced(pieces, end));
    ([(CONTENT_TYPE, kind)], body).into_response()
}

/// Server-sent events: one a word, then the end, the usage and the mark of completeness.
fn events(answer: &str, usage: Option<Value>, end: End, frame: impl Fn(Value) -> Value) -> Vec<String> {
    let event = |value: &Value| format!("data: {value}\n\n");
    let delta =
        |delta: Value, finish: Option<&str>| frame(json!([{ "index": 0, "delta": delta, "finish_reason": finish }]));
    let mut events = vec![event(&delta(json!({ "role": "assistant", "content": "" }), None))];
    if end == End::NoChoices {
        events = vec![event(&frame(json!([])))];
    } else {
        let words = answer.split_inclusive(' ');
        events.extend(words.map(|word| event(&delta(json!({ "content": word }), None))));
        events.push(event(&delta(json!({}), Some("stop"))));
    }
    if let Some(usage) = usage {
        let mut last = frame(json!([]));
        if let Some(fields) = last.as_object_mut() {
            fields.insert("usage".to_owned(), usage);
        }
        events.push(event(&last));
    }
    events.push("data: [DONE]\n\n".to_owned());
    events
}

fn halves(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(chars.len().div_ceil(2).max(1)).map(|half| half.iter().collect()).collect()
}

/// The pieces of a body as they go out: all of them, slowly, or only the first half.
fn paced(pieces: Vec<String>, end: End) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let (count, whole) = (pieces.len(), u64::try_from(pieces.len()).unwrap_or(u64::MAX));
    let kept = if matches!(end, End::Cut | End::Malformed) { count / 2 } else { count };
    let pause_ms = if end == End::Slow { SLOW_MS / whole.max(1) } else { 0 };
    let last: Vec<io::Result<Bytes>> = match end {
        End::Cut => vec![Err(io::Error::from(io::ErrorKind::ConnectionReset))],
        End::Malformed => {
            vec![Ok(Bytes::from_static(b"data: {\"id\": \"chatcmpl-stub\", \"choices\": [{\n\n"))]
        }
        End::Whole | End::Slow | End::NoChoices => Vec::new(),
    };
    let kept = stream::iter(pieces.into_iter().take(kept)).then(move |piece| async move {
        // The pause also lets what was written go out before a cut.
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        Ok(Bytes::from(piece))
    });
    kept.chain(stream::iter(last).then(|end| async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        end
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sentence_of_the_first_passage_is_found_in_several_spellings() {
        let found = "Refunds take 5.5 days!";
        for prompt in [
            "Cite like [1].\n\n[1] Returns › Refunds\nRefunds take 5.5 days! More.\n[2] Other\nNo.",
            "[1] Refunds take 5.5 days! More.\n[2] Other.",
            "<passage number=\"1\" title=\"Returns\">\n## Refunds\n\nRefunds take 5.5 days!\n</passage>",
            "<passage n=\"1\">Refunds take 5.5 days! More.</passage>",
        ] {
            assert_eq!(first_sentence(prompt), Some(found), "{prompt}");
        }
        assert_eq!(first_sentence("Cite like [1]. No passages."), None);
    }

    #[test]
    fn a_schema_gets_the_smallest_value_it_allows() {
        let schema = json!({ "type": "object", "properties": {
            "standalone_question": { "type": "string" }, "answer": { "type": "string" },
            "action": { "enum": ["reply", "ask"] }, "marks": { "type": "array" },
            "note": { "type": ["string", "null"] }, "sure": { "type": "boolean" },
        }});
        let expected = json!({ "standalone_question": "why?", "answer": "so. [1]",
            "action": "reply", "marks": [], "note": null, "sure": false });
        assert_eq!(smallest(&schema, "", "why?", "so. [1]"), expected);
    }

    #[test]
    fn the_last_marker_of_a_text_counts() {
        assert_eq!(marker("m:1 earlier, then m:abc-2.", "m:"), Some("abc-2"));
        assert_eq!(marker("them:1", "m:"), None);
        assert_eq!(marker("m: 1", "m:"), None);
    }
}
