//! Cases as JSONL, one object a line; the shapes of public question sets are understood too.

use super::{Placed, refused};
use crate::Result;
use domain::evaluation::Case;
use domain::message::Decision;
use domain::trace::PromptMessage;
use serde::Deserialize;
use std::path::Path;

/// A line as people write it. An unknown field is refused, because it would be meant for something.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    #[serde(default)]
    question: Option<String>,
    /// The whole exchange; its last message is the question.
    #[serde(default)]
    messages: Vec<Said>,
    #[serde(default)]
    history: Vec<Said>,
    #[serde(default)]
    answer: Option<String>,
    #[serde(default)]
    key_facts: Vec<String>,
    #[serde(default, alias = "doc_ids", alias = "gold_documents")]
    documents: Vec<String>,
    #[serde(default)]
    answerable: Option<Answerable>,
    #[serde(default)]
    expected: Option<Decision>,
    #[serde(default)]
    must_match: Vec<String>,
    #[serde(default)]
    must_not_match: Vec<String>,
    #[serde(default)]
    tags: Vec<String>,
    // What public sets add becomes tags.
    #[serde(default)]
    collection: Option<String>,
    #[serde(default)]
    question_type: Vec<String>,
    #[serde(default)]
    multi_turn: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    role: String,
    #[serde(alias = "text")]
    content: String,
}

/// Whether it can be answered: yes, no, or a word of a public set.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Answerable {
    Known(bool),
    Word(String),
}

pub(super) fn parse(path: &Path, text: &str) -> Result<Vec<Placed>> {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            let parsed: Line = serde_json::from_str(line).map_err(|error| refused(path, number, in_words(&error)))?;
            Ok((number, case(parsed).map_err(|message| refused(path, number, message))?))
        })
        .collect()
}

fn in_words(error: &serde_json::Error) -> String {
    // The line of the file is named already; the one of the parser is always 1.
    let text = error.to_string();
    text.rsplit_once(" at line 1 ").map_or(text.clone(), |(what, column)| format!("{what} ({column})"))
}

fn case(line: Line) -> Result<Case, String> {
    let (question, history) = match (line.question, line.messages.is_empty()) {
        (Some(question), true) => (question, line.history),
        (None, false) if line.history.is_empty() => {
            let mut messages = line.messages;
            let last = messages.pop().filter(|last| is_customer(&last.role));
            let last = last.ok_or("the last of `messages` is not the customer's")?;
            (last.content, messages)
        }
        (None, true) => return Err("`question` is missing".to_owned()),
        _ => return Err("`messages` stands beside `question` or `history`; one of them is enough".to_owned()),
    };
    let mut tags = line.tags;
    tags.extend(line.collection.map(|collection| format!("collection:{collection}")));
    tags.extend(line.question_type.into_iter().map(|kind| format!("type:{kind}")));
    tags.extend(line.multi_turn.into_iter().map(|kind| format!("turn:{kind}")));
    let (answerable, expected) = match line.answerable {
        None => (None, line.expected),
        Some(Answerable::Known(known)) => (Some(known), line.expected),
        Some(Answerable::Word(word)) => {
            let known = answerable_of_word(&word)?;
            tags.push(word.to_lowercase());
            (known.0, line.expected.or(known.1))
        }
    };
    Ok(Case {
        id: line.id,
        question,
        history: history.into_iter().map(said).collect::<Result<_, _>>()?,
        answer: line.answer,
        key_facts: line.key_facts,
        documents: line.documents,
        answerable,
        expected,
        must_match: line.must_match,
        must_not_match: line.must_not_match,
        tags,
    })
}

/// The words of multi-turn benchmarks: a part can be answered; what is underspecified is to be asked back.
fn answerable_of_word(word: &str) -> Result<(Option<bool>, Option<Decision>), String> {
    match word.to_lowercase().as_str() {
        "answerable" | "partial" => Ok((Some(true), None)),
        "unanswerable" => Ok((Some(false), None)),
        "underspecified" => Ok((None, Some(Decision::Clarify))),
        _ => Err(format!(
            "`answerable` is `{word}`; known are true, false, answerable, partial, unanswerable, underspecified"
        )),
    }
}

fn is_customer(role: &str) -> bool {
    matches!(role, "user" | "customer")
}

fn said(said: Said) -> Result<PromptMessage, String> {
    let role = match said.role.as_str() {
        role if is_customer(role) => "user",
        "assistant" | "agent" | "ai" => "assistant",
        other => return Err(format!("`role` is `{other}`; known are user, customer, assistant, agent, ai")),
    };
    Ok(PromptMessage { role: role.to_owned(), content: said.content })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests fail by panicking")]
    use super::*;

    fn parsed(text: &str) -> Result<Vec<Placed>> {
        parse(Path::new("set.jsonl"), text)
    }

    fn problem(text: &str) -> String {
        parsed(text).unwrap_err().to_string()
    }

    #[test]
    fn own_and_public_shapes_are_read() {
        let cases = parsed(concat!(
            r#"{"id":"a","question":"q","answer":null,"doc_ids":["d"],"answerable":true}"#,
            "\n\n",
            r#"{"id":"b","messages":[{"role":"agent","text":"hi"},{"role":"user","content":"q2"}],"answerable":"UNANSWERABLE"}"#,
            "\n",
            r#"{"id":"c","question":"q","answerable":"UNDERSPECIFIED","question_type":["How-To"],"collection":"x"}"#,
        ))
        .unwrap();
        assert_eq!((cases[0].0, cases[0].1.documents.len(), cases[0].1.answerable), (1, 1, Some(true)));
        assert_eq!(
            (cases[1].0, cases[1].1.question.as_str(), cases[1].1.history[0].role.as_str()),
            (3, "q2", "assistant")
        );
        assert_eq!((cases[1].1.answerable, cases[2].1.expected), (Some(false), Some(Decision::Clarify)));
        assert_eq!(cases[2].1.tags, ["collection:x", "type:How-To", "underspecified"]);
    }

    #[test]
    fn what_is_missing_or_unknown_is_refused_with_its_line() {
        let good = "{\"id\":\"a\",\"question\":\"q\"}\n";
        for (line, says) in [
            (r#"{"question":"q"}"#, "missing field `id`"),
            (r#"{"id":"b"}"#, "`question` is missing"),
            (r#"{"id":"b","question":"q","metric":"rouge"}"#, "unknown field `metric`"),
            (r#"{"id":"b","question":"q","answerable":"maybe"}"#, "`answerable` is `maybe`"),
            (r#"{"id":"b","question":"q","expected":"dance"}"#, "unknown variant `dance`"),
            (r#"{"id":"b","messages":[{"role":"ai","text":"x"}]}"#, "not the customer's"),
            (r#"{"id":"#, "EOF"),
        ] {
            let said = problem(&format!("{good}{line}"));
            assert!(said.starts_with("set.jsonl line 2: ") && said.contains(says), "{said}");
        }
    }
}
