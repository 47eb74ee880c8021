//! Renders a template, strictly, and fences what comes from outside.

use domain::trace::PromptMessage;
use domain::{ErrorKind, Kinded};
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Bytes of a template at most; a draft from the playground is text from outside too.
const TEMPLATE_BYTES_MAX: usize = 64 * 1024;

/// Bytes of a digest that make a fence.
const FENCE_BYTES: usize = 6;

/// What can go wrong with a prompt.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The template does not parse, or names something that is not there.
    #[error("template `{name}`, line {line}, column {column}: {message}")]
    Template {
        /// The template.
        name: String,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// The template is too long.
    #[error("template `{name}` has {bytes} bytes, {TEMPLATE_BYTES_MAX} are allowed")]
    TooLong {
        /// The template.
        name: String,
        /// Its size.
        bytes: usize,
    },
}

impl Kinded for Error {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}

/// A prompt that is ready to be sent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rendered {
    /// The template's name.
    pub name: String,
    /// The template's version.
    pub version: i64,
    /// SHA-256 of the template, in hex.
    pub hash: String,
    /// The messages to send.
    pub messages: Vec<PromptMessage>,
}

/// A template with its version.
#[derive(Clone, Copy)]
pub(crate) struct Template<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: i64,
    pub(crate) source: &'a str,
}

impl Template<'_> {
    /// The system message from the template, before the messages that follow it.
    pub(crate) fn render(self, values: &impl Serialize, following: Vec<PromptMessage>) -> Result<Rendered, Error> {
        if self.source.len() > TEMPLATE_BYTES_MAX {
            return Err(Error::TooLong { name: self.name.to_owned(), bytes: self.source.len() });
        }
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_debug(true);
        let located = |error: minijinja::Error| self.located(&error);
        let template = environment.template_from_named_str(self.name, self.source).map_err(located)?;
        let system = template.render(minijinja::value::Serde(values)).map_err(located)?;
        let mut messages = vec![message("system", system.trim_end().to_owned())];
        messages.extend(following);
        Ok(Rendered { name: self.name.to_owned(), version: self.version, hash: hash(self.source), messages })
    }

    /// Refuses variables that are not known, wherever they stand.
    pub(crate) fn check_variables(self, known: &[&str]) -> Result<(), Error> {
        let environment = Environment::new();
        let located = |error: minijinja::Error| self.located(&error);
        let template = environment.template_from_named_str(self.name, self.source).map_err(located)?;
        let mut unknown: Vec<String> = template.undeclared_variables(false).into_iter().collect();
        unknown.retain(|name| !known.contains(&name.as_str()));
        unknown.sort();
        let Some(name) = unknown.first() else { return Ok(()) };
        let message = format!("there is no variable `{name}`; known are {}", known.join(", "));
        Err(self.at(first_word(self.source, name), &message))
    }

    /// An error at a byte of the template.
    pub(crate) fn at(self, start: usize, message: &str) -> Error {
        let before = self.source.get(..start).unwrap_or_default();
        Error::Template {
            name: self.name.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1,
            message: message.to_owned(),
        }
    }

    fn located(self, error: &minijinja::Error) -> Error {
        let start = error.range().map_or(0, |range| range.start);
        let before = self.source.get(..start).unwrap_or_default();
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
        Error::Template {
            name: self.name.to_owned(),
            line: error.line().unwrap_or(1),
            column,
            message: format!("{}{detail}", error.kind()),
        }
    }
}

/// Where the word stands first within `{{ … }}` or `{% … %}`; the beginning where it cannot be found.
fn first_word(source: &str, word: &str) -> usize {
    let is_part = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    let stands_alone = |at: usize| {
        let (before, after) = (source.get(..at).unwrap_or_default(), source.get(at + word.len()..).unwrap_or_default());
        let opened = before.rfind("{{").max(before.rfind("{%"));
        let closed = before.rfind("}}").max(before.rfind("%}"));
        opened > closed && !is_part(before.chars().next_back()) && !is_part(after.chars().next())
    };
    source.match_indices(word).map(|(at, _)| at).find(|at| stands_alone(*at)).unwrap_or(0)
}

/// One message of a prompt.
pub(crate) fn message(role: &str, content: String) -> PromptMessage {
    PromptMessage { role: role.to_owned(), content }
}

/// A word that none of the texts contains, so that no text can close its own fence.
///
/// It follows from the texts alone, so that a stored prompt can be rendered again byte for byte.
pub(crate) fn fence<'a>(texts: &(impl Iterator<Item = &'a str> + Clone)) -> String {
    let mut hasher = Sha256::new();
    for text in texts.clone() {
        hasher.update(text.len().to_le_bytes());
        hasher.update(text);
    }
    let mut digest = hasher.finalize();
    loop {
        let fence = format!("data-{}", hex(digest.get(..FENCE_BYTES).unwrap_or_default()));
        if texts.clone().all(|text| !text.contains(&fence)) {
            return fence;
        }
        digest = Sha256::digest(digest);
    }
}

/// SHA-256 of a template, in hex.
pub(crate) fn hash(source: &str) -> String {
    hex(&Sha256::digest(source))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// A text between fences.
pub(crate) fn fenced(fence: &str, text: &str) -> String {
    format!("<{fence}>\n{text}\n</{fence}>")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn error(source: &str) -> String {
        let template = Template { name: "draft", version: 1, source };
        template.render(&serde_json::json!({ "known": "x" }), vec![]).unwrap_err().to_string()
    }

    #[test]
    fn an_error_names_line_and_column() {
        assert_eq!(
            error("Hello\n  {{ unknwon }}"),
            "template `draft`, line 2, column 6: undefined value: `unknwon` is undefined"
        );
        assert!(error("a\nb {% if %}").starts_with("template `draft`, line 2, column "), "{}", error("a\nb {% if %}"));
        assert!(error(&"x".repeat(TEMPLATE_BYTES_MAX + 1)).ends_with("65536 are allowed"));
    }

    #[test]
    fn a_fence_is_not_in_the_texts_and_follows_from_them() {
        let texts = ["one", "two"];
        let first = fence(&texts.iter().copied());
        assert_eq!(fence(&texts.iter().copied()), first);
        assert_ne!(fence(&["onet", "wo"].into_iter()), first);
        assert!(first.len() > 10 && !texts.concat().contains(&first));
    }
}
