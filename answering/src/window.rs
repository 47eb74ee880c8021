//! The short-term memory: the newest messages of a conversation within a token budget.

use domain::message::{Message, Sender};
use domain::trace::PromptMessage;

/// One message takes at most this share of the window's tokens; its middle is cut beyond.
const MESSAGE_SHARE_PERCENT: usize = 40;
/// Below so many tokens a message is not cut.
const MESSAGE_TOKENS_MIN: usize = 32;
/// What stands where the middle of a message was cut.
const CUT_MARK: &str = "\n[… cut …]\n";

/// The role of what is attached to a message; prompts fence it as what the customer said.
pub(crate) const ATTACHMENT: &str = "attachment";

/// The part of a conversation that is read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Window {
    /// Messages, oldest first; a summary of what came before them stands first.
    pub messages: Vec<PromptMessage>,
    /// Their tokens.
    pub tokens: usize,
    /// Older messages that found no place.
    pub messages_cut: usize,
    /// What was cut, one line each.
    pub cut: Vec<String>,
}

/// What was said to and by the customer, in the roles of a prompt; notices of the system are not.
pub fn spoken(messages: &[Message]) -> Vec<PromptMessage> {
    messages
        .iter()
        .filter_map(|message| {
            let role = match message.sender {
                Sender::Customer => "user",
                Sender::Ai | Sender::Agent => "assistant",
                Sender::System => return None,
            };
            Some(PromptMessage { role: role.to_owned(), content: message.content.clone() })
        })
        .collect()
}

/// The newest messages that fit into `tokens_max` by `count`, after the summary of older ones.
pub fn window(messages: &[PromptMessage], summary: &str, tokens_max: usize, count: &dyn Fn(&str) -> usize) -> Window {
    let mut window = Window::default();
    let summary = summary_message(summary);
    let summary_tokens = summary.as_ref().map_or(0, |message| count(&message.content));
    let keeps_summary = summary_tokens <= tokens_max / 2;
    let budget = if keeps_summary { tokens_max - summary_tokens } else { tokens_max };
    let message_max = (tokens_max * MESSAGE_SHARE_PERCENT / 100).max(MESSAGE_TOKENS_MIN).min(budget);
    let mut taken = Vec::new();
    for (position, message) in messages.iter().enumerate().rev() {
        let (content, notes) = shortened(&message.content, message_max, count);
        let tokens = count(&content);
        if window.tokens + tokens > budget {
            window.messages_cut = position + 1;
            window.cut.push(format!("{} older messages of the conversation", position + 1));
            break;
        }
        window.tokens += tokens;
        let what = named(message, position + 1);
        window.cut.extend(notes.iter().map(|note| format!("{what}: {note}")));
        taken.push(PromptMessage { role: message.role.clone(), content });
    }
    match summary {
        Some(message) if keeps_summary => {
            window.tokens += summary_tokens;
            taken.push(message);
        }
        Some(_) => window.cut.push("the summary of older messages".to_owned()),
        None => {}
    }
    taken.reverse();
    window.messages = taken;
    window
}

/// What a cut is told under: the message's place, or the line that names an attachment.
fn named(message: &PromptMessage, place: usize) -> String {
    let name = message.content.lines().next().filter(|_| message.role == ATTACHMENT);
    name.map_or_else(|| format!("message {place}"), str::to_owned)
}

fn summary_message(summary: &str) -> Option<PromptMessage> {
    let summary = summary.trim();
    (!summary.is_empty()).then(|| PromptMessage {
        role: "system".to_owned(),
        content: format!("Summary of the earlier conversation: {summary}"),
    })
}

/// The message without quoted mail and, beyond `tokens_max`, without its middle; and what was cut.
pub(crate) fn shortened(content: &str, tokens_max: usize, count: &dyn Fn(&str) -> usize) -> (String, Vec<String>) {
    let mut notes = Vec::new();
    let mut text = without_quoted_mail(content);
    if text.len() < content.trim().len() {
        notes.push("quoted mail".to_owned());
    }
    let tokens = count(&text);
    if tokens > tokens_max {
        text = without_middle(&text, tokens_max, count);
        notes.push(format!("its middle, {} of {tokens} tokens", tokens.saturating_sub(count(&text))));
    }
    (text, notes)
}

/// The text without lines of quoted mail; all of it where nothing else is in it.
pub fn without_quoted_mail(content: &str) -> String {
    let mut kept = Vec::new();
    for line in content.lines() {
        if introduces_quoted_mail(line.trim()) {
            break;
        }
        if !line.trim_start().starts_with('>') {
            kept.push(line);
        }
    }
    let kept = kept.join("\n").trim().to_owned();
    if kept.is_empty() { content.trim().to_owned() } else { kept }
}

/// Whether everything from this line on is an older mail.
fn introduces_quoted_mail(line: &str) -> bool {
    const PAIRS: &[(&str, &str)] = &[
        ("On ", " wrote:"),
        ("Am ", " schrieb:"),
        ("Le ", " a écrit :"),
        ("Le ", " a écrit:"),
        ("El ", " escribió:"),
        ("Il ", " ha scritto:"),
        ("Em ", " escreveu:"),
        ("Op ", " schreef:"),
    ];
    let dashed = line.starts_with("-----") && line.ends_with("-----") && line.len() > 10;
    let german = line.starts_with("Am ") && line.contains(" schrieb ") && line.ends_with(':');
    dashed || german || PAIRS.iter().any(|(start, end)| line.starts_with(start) && line.ends_with(end))
}

/// The longest head and tail, equally long, that fit with the mark between them.
pub(crate) fn without_middle(text: &str, tokens_max: usize, count: &dyn Fn(&str) -> usize) -> String {
    let characters: Vec<char> = text.chars().collect();
    let ends = |keep: usize| -> String {
        let head = characters.iter().take(keep);
        let tail = characters.iter().skip(characters.len() - keep);
        head.copied().chain(CUT_MARK.chars()).chain(tail.copied()).collect()
    };
    let (mut fits, mut too_long) = (0, characters.len() / 2);
    while fits + 1 < too_long {
        let middle = usize::midpoint(fits, too_long);
        if count(&ends(middle)) <= tokens_max { fits = middle } else { too_long = middle }
    }
    ends(fits)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests fail by panicking")]
    use super::*;

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn said(texts: &[&str]) -> Vec<PromptMessage> {
        let roles = ["user", "assistant"];
        texts
            .iter()
            .enumerate()
            .map(|(i, text)| PromptMessage { role: roles[i % 2].to_owned(), content: (*text).to_owned() })
            .collect()
    }

    #[test]
    fn the_newest_messages_that_fit_are_kept_in_order() {
        let got = window(&said(&["one two three", "four", "five six"]), "", 5, &words);
        let texts: Vec<&str> = got.messages.iter().map(|message| message.content.as_str()).collect();
        assert_eq!((texts, got.tokens), (vec!["four", "five six"], 3));
        assert_eq!(got.cut, ["1 older messages of the conversation"]);
    }

    #[test]
    fn a_summary_stands_first_and_counts() {
        let got = window(&said(&["hi", "hello"]), "Wants a refund.", 40, &words);
        assert_eq!(got.messages[0].content, "Summary of the earlier conversation: Wants a refund.");
        assert_eq!((got.messages.len(), got.tokens), (3, 10));
        let got = window(&said(&["hi"]), "Wants a refund.", 4, &words);
        assert_eq!((got.messages.len(), got.cut), (1, vec!["the summary of older messages".to_owned()]));
    }

    #[test]
    fn a_long_message_loses_its_middle() {
        let long = (0..500).map(|i| i.to_string()).collect::<Vec<_>>().join(" ");
        let got = window(&said(&[&long]), "", 100, &words);
        let text = &got.messages[0].content;
        assert!(text.starts_with("0 1 2") && text.ends_with("499") && text.contains("[… cut …]"));
        assert!(got.tokens <= 40 && got.tokens > 30, "{}", got.tokens);
        assert!(got.cut[0].starts_with("message 1: its middle"), "{:?}", got.cut);
    }

    #[test]
    fn quoted_mail_is_removed_but_never_everything() {
        for (mail, expected) in [
            ("Yes please.\n\nOn Mon, 3 Mar 2025, Ann wrote:\n> Shall I?\n", "Yes please."),
            ("> Shall I?\nYes\n> And?\nNo", "Yes\nNo"),
            ("Ja.\nAm 3.3.25 um 10:00 schrieb Ann <a@b.c>:\nText", "Ja."),
            ("Oui\nLe lun. 3 mars 2025, Ann a écrit :\n> ?", "Oui"),
            ("Fine\n-----Original Message-----\nFrom: x", "Fine"),
            ("> only a quote", "> only a quote"),
            ("On Monday I wrote: hello", "On Monday I wrote: hello"),
        ] {
            assert_eq!(without_quoted_mail(mail), expected);
        }
    }

    #[test]
    fn no_budget_keeps_nothing() {
        assert_eq!(window(&said(&["a b"]), "s", 0, &words).messages, []);
    }
}
