//! Questions and answers that a page states as schema.org data (`FAQPage`): what its text lacks is added
//! to it, so that it is searched, quoted and drafted from like everything else the page says.

use crate::sections::heading;
use scraper::{Html, Node};
use serde_json::Value;

/// Blocks of stated data that are read of one page.
const BLOCKS_MAX: usize = 20;
/// Bytes of one such block.
const BLOCK_BYTES_MAX: usize = 512 * 1024;
/// Questions that are taken from one page.
const QUESTIONS_MAX: usize = 300;
/// Characters of a question.
const QUESTION_CHARS_MAX: usize = 300;
/// Bytes of an answer.
const ANSWER_BYTES_MAX: usize = 20_000;
/// How deep stated data may nest.
const DEPTH_MAX: usize = 8;

/// The page's text with the stated questions that it does not answer itself, as sections at its end.
pub(crate) fn with_questions(html: &Html, text: String) -> String {
    let known = folded(&text);
    let mut text = text;
    for (question, answer) in stated(html) {
        if known.contains(&folded(&answer)) && (known.contains(&folded(&question))) {
            continue;
        }
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str("## ");
        text.push_str(&question);
        text.push_str("\n\n");
        text.push_str(&answer);
    }
    text
}

/// The questions with their answers, in the page's order, each once.
fn stated(html: &Html) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let scripts = html.tree.nodes().filter(|node| {
        let element = node.value().as_element();
        element.is_some_and(|element| {
            element.name() == "script"
                && element.attr("type").is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/ld+json"))
        })
    });
    for script in scripts.take(BLOCKS_MAX) {
        let data: String = script.children().filter_map(|child| child.value().as_text().map(|text| &**text)).collect();
        if data.len() > BLOCK_BYTES_MAX {
            continue;
        }
        if let Ok(value) = serde_json::from_str::<Value>(data.trim()) {
            collect(&value, 0, &mut found);
        }
    }
    found
}

/// Walks stated data for questions; its depth is limited, and so is what is found.
fn collect(value: &Value, depth: usize, found: &mut Vec<(String, String)>) {
    if depth > DEPTH_MAX || found.len() >= QUESTIONS_MAX {
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, depth + 1, found)),
        Value::Object(object) if is_a(value, "Question") => {
            let question = object.get("name").and_then(Value::as_str).map(|name| one_line(&plain(name)));
            let answer = object.get("acceptedAnswer").and_then(answer_text).map(|answer| plain(&answer));
            if let (Some(question), Some(answer)) = (question, answer)
                && (1..=QUESTION_CHARS_MAX).contains(&question.chars().count())
                && (1..=ANSWER_BYTES_MAX).contains(&answer.len())
                && !found.iter().any(|(known, _)| *known == question)
            {
                found.push((question, answer));
            }
        }
        Value::Object(object) => {
            for key in ["@graph", "mainEntity", "hasPart"] {
                if let Some(inner) = object.get(key) {
                    collect(inner, depth + 1, found);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_a(value: &Value, kind: &str) -> bool {
    match value.get("@type") {
        Some(Value::String(stated)) => stated == kind,
        Some(Value::Array(kinds)) => kinds.iter().any(|stated| stated == kind),
        _ => false,
    }
}

fn answer_text(value: &Value) -> Option<String> {
    let first = value.as_array().map_or(Some(value), |answers| answers.first())?;
    first.get("text").and_then(Value::as_str).map(str::to_owned)
}

/// Text that may hold HTML, as its paragraphs; no line of it can look like a heading.
fn plain(text: &str) -> String {
    let fragment = Html::parse_fragment(text);
    let mut out = String::new();
    for edge in fragment.root_element().traverse() {
        let ego_tree::iter::Edge::Open(node) = edge else { continue };
        match node.value() {
            Node::Text(words) => out.push_str(words),
            Node::Element(element) if element.name() == "li" => out.push_str("\n- "),
            Node::Element(element) if matches!(element.name(), "p" | "div" | "ul" | "ol" | "table" | "tr") => {
                out.push_str("\n\n");
            }
            Node::Element(element) if element.name() == "br" => out.push('\n'),
            Node::Document
            | Node::Fragment
            | Node::Doctype(_)
            | Node::Comment(_)
            | Node::Element(_)
            | Node::ProcessingInstruction(_) => {}
        }
    }
    let mut lines: Vec<String> = Vec::new();
    for line in out.lines().map(one_line) {
        let line = heading(&line).map_or(line.clone(), |(_, words)| words.to_owned());
        let repeats_blank = line.is_empty() && lines.last().is_none_or(String::is_empty);
        if !repeats_blank {
            lines.push(line);
        }
    }
    lines.join("\n").trim().to_owned()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Letters and digits only, in lowercase, so that markup and spacing do not matter.
fn folded(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r##"<html><head><script type="application/ld+json">{"@context":"https://schema.org","@graph":[
        {"@type":["FAQPage"],"mainEntity":[
        {"@type":"Question","name":"How long do refunds take?","acceptedAnswer":{"@type":"Answer","text":"<p>Five days.</p><ul><li>Cards: <b>three</b></li></ul>"}},
        {"@type":"Question","name":"Is it free?","acceptedAnswer":[{"@type":"Answer","text":"# Yes, it is."}]},
        {"@type":"Question","name":"Broken"}]}]}</script>
        <script type="application/ld+json">{ not json</script></head><body></body></html>"##;

    fn added(text: &str) -> String {
        with_questions(&Html::parse_document(PAGE), text.to_owned())
    }

    #[test]
    fn stated_questions_become_sections_where_the_text_lacks_them() {
        assert_eq!(
            added("# Help"),
            "# Help\n\n## How long do refunds take?\n\nFive days.\n\n- Cards: three\n\n## Is it free?\n\nYes, it is."
        );
        let visible = "## Is it free?\n\n**Yes**, it is.";
        assert_eq!(
            added(visible),
            format!("{visible}\n\n## How long do refunds take?\n\nFive days.\n\n- Cards: three")
        );
    }

    #[test]
    fn a_page_without_such_data_stays_as_it_is() {
        let html = Html::parse_document("<script>var x = 1</script><p>Text");
        assert_eq!(with_questions(&html, "Text".to_owned()), "Text");
    }
}
