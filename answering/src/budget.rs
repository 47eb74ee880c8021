//! Fits passages, window and facts into the prompt's token limit.

use crate::Passage;
use crate::sentences::sentences;
use domain::trace::{PromptMessage, TracedFact};

/// Passages that stay as long as something else can give way.
const PASSAGES_KEPT: usize = 3;
/// Facts that stay as long as something else can give way.
const FACTS_KEPT: usize = 3;
/// Messages that stay as long as something else can give way.
const MESSAGES_KEPT: usize = 2;
/// Tokens that a passage, message or fact costs beside its text: number, title, fence.
const FRAME_TOKENS: usize = 12;

/// What the prompt is filled with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parts {
    /// Passages, best first.
    pub passages: Vec<Passage>,
    /// The window, oldest first.
    pub window: Vec<PromptMessage>,
    /// Facts, best first.
    pub facts: Vec<TracedFact>,
}

/// What of it fits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fitted {
    /// What stays.
    pub parts: Parts,
    /// Tokens of the whole prompt, as estimated.
    pub tokens: usize,
    /// What was cut, one line each.
    pub cut: Vec<String>,
}

/// Cuts until `fixed_tokens` (instructions and question) and the parts fit into `tokens_max`.
///
/// First the tails of facts and passages give way, then the oldest messages, then all but the best
/// passage, and at last the end of that passage, cut after a sentence.
pub fn fit(parts: Parts, fixed_tokens: usize, tokens_max: usize, count: &dyn Fn(&str) -> usize) -> Fitted {
    let mut fitted = Fitted { tokens: fixed_tokens + size(&parts, count), parts, cut: Vec::new() };
    for (facts, passages, messages) in [
        (FACTS_KEPT, usize::MAX, usize::MAX),
        (FACTS_KEPT, PASSAGES_KEPT, usize::MAX),
        (FACTS_KEPT, PASSAGES_KEPT, MESSAGES_KEPT),
        (0, PASSAGES_KEPT, 0),
        (0, 1, 0),
    ] {
        while fitted.tokens > tokens_max && drop_one(&mut fitted, facts, passages, messages) {
            fitted.tokens = fixed_tokens + size(&fitted.parts, count);
        }
    }
    if fitted.tokens > tokens_max {
        let left = tokens_max.saturating_sub(fixed_tokens + FRAME_TOKENS);
        shorten_passage(&mut fitted, left, count);
        fitted.tokens = fixed_tokens + size(&fitted.parts, count);
    }
    fitted
}

fn size(parts: &Parts, count: &dyn Fn(&str) -> usize) -> usize {
    let passages = parts
        .passages
        .iter()
        .map(|passage| FRAME_TOKENS + count(&passage.title) + count(&passage.heading_path) + count(&passage.text));
    let messages = parts.window.iter().map(|message| FRAME_TOKENS / 2 + count(&message.content));
    let facts = parts.facts.iter().map(|fact| FRAME_TOKENS / 2 + count(&fact.text));
    passages.chain(messages).chain(facts).sum()
}

/// Drops the next thing above these counts, and tells whether there was one.
fn drop_one(fitted: &mut Fitted, facts: usize, passages: usize, messages: usize) -> bool {
    let parts = &mut fitted.parts;
    let line = if parts.facts.len() > facts {
        parts.facts.pop().map(|fact| match fact.id {
            Some(id) => format!("fact {id}"),
            None => "a message that was recalled".to_owned(),
        })
    } else if parts.passages.len() > passages {
        parts.passages.pop().map(|passage| format!("passage [{}] {}", passage.index, passage.title))
    } else if parts.window.len() > messages {
        let message = parts.window.remove(0);
        Some(format!("oldest message of the window ({}, {} bytes)", message.role, message.content.len()))
    } else {
        None
    };
    let dropped = line.is_some();
    fitted.cut.extend(line);
    dropped
}

/// Keeps the sentences of the first passage that fit into `tokens_max`; drops it where none does.
fn shorten_passage(fitted: &mut Fitted, tokens_max: usize, count: &dyn Fn(&str) -> usize) {
    let Some(passage) = fitted.parts.passages.first_mut() else { return };
    let title = count(&passage.title) + count(&passage.heading_path);
    let end = sentences(&passage.text)
        .iter()
        .map(|unit| unit.range.end)
        .take_while(|end| title + passage.text.get(..*end).map_or(0, count) <= tokens_max)
        .last();
    if let Some(end) = end {
        fitted.cut.push(format!("end of passage [{}] from byte {end}", passage.index));
        passage.text.truncate(end);
    } else {
        fitted.cut.push(format!("passage [{}] {}", passage.index, passage.title));
        fitted.parts.passages.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passage::fixtures::passage;
    use domain::Id;

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn parts() -> Parts {
        let message = |text: &str| PromptMessage { role: "user".to_owned(), content: text.to_owned() };
        let fact = |n: u128| TracedFact {
            id: Some(Id::from_uuid(uuid::Uuid::from_u128(n))),
            text: "likes tea".to_owned(),
            score: 0.5,
            ..TracedFact::default()
        };
        Parts {
            passages: (1..=5).map(|n| passage(n, "T", "One two three. Four five six.")).collect(),
            window: vec![message("old words here"), message("newer words here"), message("newest")],
            facts: (1..=5).map(fact).collect(),
        }
    }

    #[test]
    fn everything_stays_where_it_fits() {
        let fitted = fit(parts(), 100, 10_000, &words);
        assert_eq!((fitted.parts, fitted.cut), (parts(), vec![]));
    }

    #[test]
    fn facts_then_passages_then_messages_give_way() {
        // passages 5 × 19, messages 9 + 9 + 7, facts 5 × 8
        for (tokens_max, passages, messages, facts) in [
            (160, 5, 3, 5),
            (150, 5, 3, 3),
            (130, 4, 3, 3),
            (105, 3, 2, 3),
            (90, 3, 2, 2),
            (60, 3, 0, 0),
            (19, 1, 0, 0),
            (0, 0, 0, 0),
        ] {
            let fitted = fit(parts(), 0, tokens_max, &words);
            let kept = (fitted.parts.passages.len(), fitted.parts.window.len(), fitted.parts.facts.len());
            assert_eq!(kept, (passages, messages, facts), "at {tokens_max}");
            assert!(fitted.tokens <= tokens_max);
            assert_eq!(fitted.cut.len(), 13 - passages - messages - facts);
        }
    }

    #[test]
    fn the_last_passage_is_cut_after_a_sentence() {
        let fitted = fit(
            Parts { passages: vec![passage(1, "T", "One two three. Four five six.")], ..Parts::default() },
            0,
            17,
            &words,
        );
        assert_eq!(fitted.parts.passages.iter().map(|p| p.text.as_str()).collect::<Vec<_>>(), ["One two three."]);
        assert_eq!(fitted.cut, ["end of passage [1] from byte 14"]);
    }
}
