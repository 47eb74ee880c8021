//! What a person finds of a conversation when it comes to them: what was wanted, tried and left open.

use crate::Result;
use crate::sentences::sentences;
use domain::ConversationId;
use domain::message::{Citation, Decision, Message, Sender};
use storage::Tenant;

/// Messages that are looked at, the newest.
const MESSAGES_READ: i64 = 30;
/// Characters of a summary at most.
const SUMMARY_CHARS_MAX: usize = 280;
/// Characters of an answer or a question that are shown.
const LINE_CHARS_MAX: usize = 160;
/// Earlier answers that are listed, the newest.
const TRIED_MAX: usize = 5;
/// Open questions that are listed, the newest.
const QUESTIONS_MAX: usize = 5;
/// Sources of earlier answers that are listed.
const SOURCES_MAX: usize = 3;

/// What a person finds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Card {
    pub(crate) summary: String,
    /// What the AI said before, one line each, oldest first.
    pub(crate) tried: Vec<String>,
    /// What it cited last.
    pub(crate) sources: Vec<Citation>,
    /// What the customer asked and nobody answered.
    pub(crate) open_questions: Vec<String>,
}

/// Draws the card of a conversation up to where customers are answered.
pub(crate) async fn card(tenant: Tenant<'_>, id: ConversationId, answered_seq: i64) -> Result<Card> {
    Ok(drawn(&tenant.list_newest_messages(id, MESSAGES_READ).await?, answered_seq))
}

fn drawn(messages: &[Message], answered_seq: i64) -> Card {
    // What a person said or handed over before is over: the card begins behind it.
    let ended = |message: &Message| message.sender == Sender::Agent || message.decision == Some(Decision::HandOff);
    let begin = messages.iter().rposition(ended).map_or(0, |place| place + 1);
    let recent = messages.get(begin..).unwrap_or_default();
    let open: Vec<&Message> =
        recent.iter().filter(|message| message.sender == Sender::Customer && message.seq > answered_seq).collect();
    let said = if open.is_empty() {
        messages.iter().rfind(|m| m.sender == Sender::Customer).into_iter().collect()
    } else {
        open.clone()
    };
    let summary = said.iter().map(|message| message.content.trim()).collect::<Vec<_>>().join(" ");
    let answers = recent.iter().filter(|message| message.sender == Sender::Ai);
    let mut tried: Vec<String> = answers.clone().rev().take(TRIED_MAX).map(attempt).collect();
    tried.reverse();
    let cited = answers.rev().find(|message| !message.citations.is_empty());
    Card {
        summary: shortened(&summary, SUMMARY_CHARS_MAX),
        tried,
        sources: cited.map(|message| message.citations.iter().take(SOURCES_MAX).cloned().collect()).unwrap_or_default(),
        open_questions: open_questions(&open),
    }
}

fn attempt(message: &Message) -> String {
    let text = shortened(&message.content, LINE_CHARS_MAX);
    match (message.decision, message.confidence) {
        (Some(Decision::Clarify), _) => format!("asked back “{text}”"),
        (_, Some(confidence)) => format!("answered “{text}” (confidence {confidence:.2})"),
        _ => format!("said “{text}”"),
    }
}

/// The questions of the messages; a message without one stands for itself.
fn open_questions(messages: &[&Message]) -> Vec<String> {
    let mut questions = Vec::new();
    for message in messages {
        let units = sentences(&message.content);
        let asked = units.iter().filter_map(|unit| message.content.get(unit.range.clone())).map(str::trim);
        let asked: Vec<&str> = asked.filter(|text| text.ends_with(['?', '？', '؟'])).collect();
        let asked = if asked.is_empty() { vec![message.content.trim()] } else { asked };
        questions.extend(asked.into_iter().map(|text| shortened(text, LINE_CHARS_MAX)));
    }
    let too_many = questions.len().saturating_sub(QUESTIONS_MAX);
    questions.split_off(too_many)
}

fn shortened(text: &str, characters_max: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(characters_max) {
        None => text,
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Id, Time};

    fn message(seq: i64, sender: Sender, content: &str) -> Message {
        let id = uuid::Uuid::from_u128(u128::from(seq.unsigned_abs()));
        Message {
            id: Id::from_uuid(id),
            organization_id: Id::from_uuid(id),
            conversation_id: Id::from_uuid(id),
            seq,
            sender,
            sender_id: None,
            content: content.to_owned(),
            external_id: None,
            turn_id: None,
            in_reply_to: Vec::new(),
            decision: (sender == Sender::Ai).then_some(Decision::Answer),
            handoff_reason: None,
            confidence: (sender == Sender::Ai).then_some(0.8),
            model: None,
            input_tokens: 0,
            output_tokens: 0,
            usage_estimated: false,
            cost_micro_usd: 0,
            citations: Vec::new(),
            attachments: Vec::new(),
            delivery: None,
            created_at: Time::from_micros(0),
        }
    }

    #[test]
    fn a_card_tells_what_is_open_and_what_was_tried_since_the_last_person() {
        let messages = [
            message(1, Sender::Customer, "An old question?"),
            message(2, Sender::Agent, "An old answer."),
            message(3, Sender::Customer, "How do I pay?"),
            message(4, Sender::Ai, "By card."),
            message(5, Sender::Customer, "I am in a hurry. Can I pay by invoice? And when?"),
        ];
        let card = drawn(&messages, 4);
        assert_eq!(card.summary, "I am in a hurry. Can I pay by invoice? And when?");
        assert_eq!(card.tried, ["answered “By card.” (confidence 0.80)"]);
        assert_eq!(card.open_questions, ["Can I pay by invoice?", "And when?"]);
    }

    #[test]
    fn a_card_of_nothing_open_still_says_what_the_customer_wanted_last() {
        let messages = [message(1, Sender::Customer, &"long ".repeat(100)), message(2, Sender::Ai, "Yes.")];
        let card = drawn(&messages, 1);
        assert_eq!(card.summary.chars().count(), SUMMARY_CHARS_MAX + 1);
        assert_eq!(card.open_questions, Vec::<String>::new());
    }
}
