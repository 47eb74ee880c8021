//! The prompt that decides what is worth remembering of a customer.

use crate::render::{Error, Rendered, Template, fence, fenced, message};
use crate::summarize::transcript;
use domain::trace::PromptMessage;
use serde::Serialize;

pub(crate) const TEMPLATE: Template<'static> =
    Template { name: "learn_facts", version: 2, source: include_str!("../templates/learn_facts.md") };

/// What facts are learned from.
#[derive(Clone, Debug)]
pub struct LearnFactsPrompt<'a> {
    /// What is known already; numbered from 1 in the prompt.
    pub known: &'a [String],
    /// The messages of the turn.
    pub messages: &'a [PromptMessage],
}

#[derive(Serialize)]
struct Values<'a> {
    fence: &'a str,
}

/// Renders the prompt; the reply is a JSON object with the list `facts`.
pub fn learn_facts(prompt: &LearnFactsPrompt<'_>) -> Result<Rendered, Error> {
    let said = prompt.messages.iter().map(|message| message.content.as_str());
    let fence = fence(&said.chain(prompt.known.iter().map(String::as_str)));
    let number = |(position, fact): (usize, &String)| format!("{}. {fact}", position + 1);
    let known = prompt.known.iter().enumerate().map(number).collect::<Vec<_>>().join("\n");
    let text = format!(
        "Known facts:\n{}\n\nThe turn:\n{}",
        fenced(&fence, &known),
        fenced(&fence, &transcript(prompt.messages))
    );
    TEMPLATE.render(&Values { fence: &fence }, vec![message("user", text)])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn the_whole_prompt() {
        let messages = [message("user", "We moved to the Business plan.".into())];
        let known = ["Is on the Starter plan.".to_owned()];
        insta::assert_json_snapshot!(
            learn_facts(&LearnFactsPrompt { known: &known, messages: &messages }).unwrap().messages
        );
    }
}
