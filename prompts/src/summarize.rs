//! The prompt that keeps the summary of what left the window.

use crate::render::{Error, Rendered, Template, fence, fenced, message};
use domain::trace::PromptMessage;
use serde::Serialize;

pub(crate) const TEMPLATE: Template<'static> =
    Template { name: "summarize", version: 1, source: include_str!("../templates/summarize.md") };

/// What is summarized.
#[derive(Clone, Debug)]
pub struct SummarizePrompt<'a> {
    /// The summary so far; empty where there is none.
    pub summary: &'a str,
    /// The messages that leave the window, oldest first.
    pub messages: &'a [PromptMessage],
    /// The language to write in; `None` is that of the conversation.
    pub language: Option<&'a str>,
    /// Words at most.
    pub words_max: usize,
}

#[derive(Serialize)]
struct Values<'a> {
    fence: &'a str,
    language: Option<&'a str>,
    words_max: usize,
}

/// Renders the prompt; the reply is the new summary.
pub fn summarize(prompt: &SummarizePrompt<'_>) -> Result<Rendered, Error> {
    let said = prompt.messages.iter().map(|message| message.content.as_str());
    let fence = fence(&said.chain([prompt.summary]));
    let text = format!(
        "The summary so far:\n{}\n\nWhat was said since:\n{}",
        fenced(&fence, prompt.summary),
        fenced(&fence, &transcript(prompt.messages))
    );
    let values = Values { fence: &fence, language: prompt.language, words_max: prompt.words_max };
    TEMPLATE.render(&values, vec![message("user", text)])
}

/// The messages as lines, each with who said it.
pub(crate) fn transcript(messages: &[PromptMessage]) -> String {
    let line = |message: &PromptMessage| format!("{}: {}", message.role, message.content);
    messages.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn the_whole_prompt() {
        let messages = [message("user", "My order is 4471.".into())];
        let prompt =
            SummarizePrompt { summary: "Wants a refund.", messages: &messages, language: None, words_max: 120 };
        insta::assert_json_snapshot!(summarize(&prompt).unwrap().messages);
    }
}
