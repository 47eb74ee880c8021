//! The prompt that makes the last message a question that stands alone.

use crate::render::{Error, Rendered, Template, fence, fenced, message};
use domain::trace::PromptMessage;
use serde::{Deserialize, Serialize};

pub(crate) const TEMPLATE: Template<'static> =
    Template { name: "standalone", version: 1, source: include_str!("../templates/standalone.md") };

/// What the question is made whole from.
#[derive(Clone, Debug)]
pub struct StandalonePrompt<'a> {
    /// What was said before, oldest first.
    pub window: &'a [PromptMessage],
    /// The last message.
    pub question: &'a str,
}

/// What the model replies.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Standalone {
    /// The question that stands alone.
    pub question: String,
    /// Its language, ISO 639-1.
    #[serde(default)]
    pub language: Option<String>,
    /// Whether a person is asked for.
    #[serde(default)]
    pub wants_person: bool,
}

#[derive(Serialize)]
struct Values<'a> {
    fence: &'a str,
}

/// Renders the prompt; the reply is [`Standalone`] as JSON.
pub fn standalone(prompt: &StandalonePrompt<'_>) -> Result<Rendered, Error> {
    let said = prompt.window.iter().map(|message| message.content.as_str());
    let fence = fence(&said.chain([prompt.question]));
    let conversation = crate::summarize::transcript(prompt.window);
    let text = format!(
        "The conversation:\n{}\n\nThe last message:\n{}",
        fenced(&fence, &conversation),
        fenced(&fence, prompt.question)
    );
    TEMPLATE.render(&Values { fence: &fence }, vec![message("user", text)])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn the_whole_prompt() {
        let window = [message("user", "How do I export?".into()), message("assistant", "As CSV.".into())];
        let rendered = standalone(&StandalonePrompt { window: &window, question: "Is it free?" }).unwrap();
        insta::assert_json_snapshot!(rendered.messages);
    }

    #[test]
    fn a_sparse_reply_is_read() {
        let reply: Standalone = serde_json::from_str(r#"{"question": "Is the export free?", "more": 1}"#).unwrap();
        assert_eq!(reply, Standalone { question: "Is the export free?".into(), language: None, wants_person: false });
    }
}
