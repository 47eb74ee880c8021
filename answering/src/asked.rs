//! What a turn asks, fit for a prompt: the waiting messages without quoted mail, with what is attached to them.

use crate::window::{ATTACHMENT, shortened};
use domain::message::{Attachment, Message, Sender};
use domain::trace::PromptMessage;

/// Tokens of all waiting messages together; their middle is cut beyond.
const ASKED_TOKENS_MAX: usize = 1_500;

/// What the waiting messages say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Their words.
    pub(crate) text: String,
    /// What of them was cut, one line each.
    pub(crate) cut: Vec<String>,
}

/// Reads the waiting messages as one question.
pub(crate) fn asked(waiting: &[Message], count: &dyn Fn(&str) -> usize) -> Asked {
    let mut asked = Asked::default();
    let mut texts = Vec::new();
    for message in waiting {
        let (text, notes) = shortened(&message.content, usize::MAX, count);
        asked.cut.extend(notes.iter().map(|note| format!("question, message {}: {note}", message.seq)));
        texts.push(text);
    }
    let (text, notes) = middle_cut(&texts.join("\n"), count);
    asked.text = text;
    asked.cut.extend(notes);
    asked
}

fn middle_cut(text: &str, count: &dyn Fn(&str) -> usize) -> (String, Option<String>) {
    let tokens = count(text);
    if tokens <= ASKED_TOKENS_MAX {
        return (text.to_owned(), None);
    }
    let kept = crate::window::without_middle(text, ASKED_TOKENS_MAX, count);
    let note = format!("question: its middle, {} of {tokens} tokens", tokens.saturating_sub(count(&kept)));
    (kept, Some(note))
}

/// Messages as the window reads them, each followed by what is attached to it; with the seq of each entry.
pub(crate) fn history(messages: &[Message]) -> (Vec<PromptMessage>, Vec<i64>) {
    let entries = messages.iter().flat_map(|message| {
        let role = match message.sender {
            Sender::Customer => Some("user"),
            Sender::Ai | Sender::Agent => Some("assistant"),
            Sender::System => None,
        };
        let said = role.map(|role| PromptMessage { role: role.to_owned(), content: message.content.clone() });
        let attached = message.attachments.iter().map(attached);
        said.into_iter().chain(attached).map(move |entry| (entry, message.seq))
    });
    entries.unzip()
}

/// What is attached to the waiting messages.
pub(crate) fn attachments(waiting: &[Message]) -> Vec<PromptMessage> {
    waiting.iter().flat_map(|message| &message.attachments).map(attached).collect()
}

fn attached(attachment: &Attachment) -> PromptMessage {
    PromptMessage {
        role: ATTACHMENT.to_owned(),
        content: format!("[attached: {}]\n{}", attachment.name, attachment.text).trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn message(seq: i64, content: &str, attachments: &serde_json::Value) -> Message {
        serde_json::from_value(serde_json::json!({
            "id": "msg_00000000000000000000000000", "organization_id": "org_00000000000000000000000000",
            "conversation_id": "conv_00000000000000000000000000", "seq": seq, "sender": "customer",
            "content": content, "attachments": attachments, "in_reply_to": [], "input_tokens": 0,
            "output_tokens": 0, "usage_estimated": false, "cost_micro_usd": 0, "citations": [],
            "created_at": "2026-01-01T00:00:00Z",
        }))
        .unwrap()
    }

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    #[test]
    fn quoted_mail_and_the_middle_of_what_is_too_long_are_cut_and_noted() {
        let none = serde_json::json!([]);
        let long = format!("first {}last", "word ".repeat(2_000));
        let waiting = [message(4, "Is it open?\n> I want to talk to a human", &none), message(5, &long, &none)];
        let asked = asked(&waiting, &words);
        assert!(asked.text.starts_with("Is it open?\nfirst word") && asked.text.ends_with("word last"));
        assert!(words(&asked.text) <= ASKED_TOKENS_MAX && !asked.text.contains("human"));
        assert_eq!(
            asked.cut,
            [
                "question, message 4: quoted mail".to_owned(),
                format!("question: its middle, {} of 2005 tokens", 2_005 - words(&asked.text)),
            ]
        );
    }

    #[test]
    fn what_is_attached_follows_its_message() {
        let attached = serde_json::json!([{ "name": "bill.txt", "text": "Total 12" }, { "name": "photo.png" }]);
        let (entries, seqs) = history(&[message(1, "Here", &attached), message(2, "Thanks", &serde_json::json!([]))]);
        let shown: Vec<(&str, &str)> =
            entries.iter().map(|entry| (entry.role.as_str(), entry.content.as_str())).collect();
        let expected = [
            ("user", "Here"),
            ("attachment", "[attached: bill.txt]\nTotal 12"),
            ("attachment", "[attached: photo.png]"),
            ("user", "Thanks"),
        ];
        assert_eq!((shown.as_slice(), seqs.as_slice()), (expected.as_slice(), [1, 1, 1, 2].as_slice()));
    }
}
