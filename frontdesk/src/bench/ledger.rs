//! Reads from storage what became of every customer message, and holds it against the promises: each
//! has exactly one concluding reply or is with a person, and replies come in order.

use crate::bench::bed::{Bed, broken};
use crate::failure::Failure;
use domain::conversation::Holder;
use domain::message::{Decision, Message, Sender};
use domain::{ConversationId, MessageId};
use serde::Serialize;
use std::collections::HashMap;

/// What became of the messages of some conversations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ledger {
    /// Customer messages.
    pub messages: usize,
    /// Replies of the AI.
    pub replies: usize,
    /// Replies that a model wrote.
    pub model_replies: usize,
    /// Replies that handed over to a person.
    pub handoffs: usize,
    /// Messages that came after a handoff: a person has them.
    pub with_a_person: usize,
    /// Messages that nobody answered and no person has.
    pub lost: usize,
    /// Messages that more than one reply answers.
    pub doubled: usize,
    /// Replies that answer something older than what was answered before, or come before their question.
    pub out_of_order: usize,
}

impl Ledger {
    /// Reads the conversations; `sent` are the external ids that were received, by conversation.
    pub async fn read(bed: &Bed, sent: &HashMap<ConversationId, Vec<String>>) -> Result<Self, Failure> {
        let mut ledger = Self::default();
        let tenant = bed.wired.desk.database.of(bed.wired.organization_id());
        for (conversation, sent) in sent {
            let messages = bed.messages(*conversation).await?;
            let conversation = tenant.load_conversation(*conversation).await;
            let conversation = conversation.map_err(|error| broken("a conversation cannot be read", &error))?;
            ledger.add(&messages, sent, conversation.holder);
        }
        Ok(ledger)
    }

    fn add(&mut self, messages: &[Message], sent: &[String], holder: Holder) {
        let replies: Vec<&Message> = messages.iter().filter(|message| message.turn_id.is_some()).collect();
        let mut answers: HashMap<MessageId, usize> = HashMap::new();
        for id in replies.iter().flat_map(|reply| &reply.in_reply_to) {
            *answers.entry(*id).or_default() += 1;
        }
        self.replies += replies.len();
        self.model_replies += replies.iter().filter(|reply| reply.input_tokens > 0).count();
        self.handoffs += replies.iter().filter(|reply| reply.decision == Some(Decision::HandOff)).count();
        self.messages += sent.len();
        for external_id in sent {
            let stored: Vec<&Message> = messages
                .iter()
                .filter(|message| {
                    message.sender == Sender::Customer && message.external_id.as_ref() == Some(external_id)
                })
                .collect();
            let answered = |message: &&Message| answers.get(&message.id).copied().unwrap_or(0);
            match stored.iter().map(answered).sum::<usize>() {
                0 if holder != Holder::Ai && !stored.is_empty() => self.with_a_person += 1,
                0 => self.lost += 1,
                1 => {}
                _ => self.doubled += 1,
            }
        }
        self.out_of_order += out_of_order(messages, &replies);
    }

    /// Whether every promise held.
    pub fn is_whole(&self) -> bool {
        self.lost == 0 && self.doubled == 0 && self.out_of_order == 0
    }
}

/// Replies that break the order of what they answer, and messages that break the order of seqs.
fn out_of_order(messages: &[Message], replies: &[&Message]) -> usize {
    let seqs: HashMap<MessageId, i64> = messages.iter().map(|message| (message.id, message.seq)).collect();
    let mut answered_to = 0;
    let mut wrong = messages.iter().zip(1..).filter(|(message, seq)| message.seq != *seq).count();
    for reply in replies {
        let answered: Vec<i64> = reply.in_reply_to.iter().filter_map(|id| seqs.get(id).copied()).collect();
        let grows = answered.is_sorted_by(|one, next| one < next);
        let follows = answered.first().is_some_and(|first| *first > answered_to);
        let after_its_questions = answered.last().is_some_and(|last| *last < reply.seq);
        if !(grows && follows && after_its_questions) {
            wrong += 1;
        }
        answered_to = answered.last().copied().unwrap_or(answered_to).max(answered_to);
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Id, Time};
    use uuid::Uuid;

    fn said(seq: i64, in_reply_to: &[i64]) -> Message {
        let id = |seq: i64| Uuid::from_u128(u128::try_from(seq).unwrap_or(0));
        let is_reply = !in_reply_to.is_empty();
        Message {
            id: Id::from_uuid(id(seq)),
            organization_id: Id::from_uuid(Uuid::nil()),
            conversation_id: Id::from_uuid(Uuid::nil()),
            seq,
            sender: if is_reply { Sender::Ai } else { Sender::Customer },
            sender_id: None,
            content: String::new(),
            external_id: (!is_reply).then(|| seq.to_string()),
            turn_id: is_reply.then(|| Id::from_uuid(id(seq))),
            in_reply_to: in_reply_to.iter().map(|seq| Id::from_uuid(id(*seq))).collect(),
            decision: is_reply.then_some(Decision::Answer),
            handoff_reason: None,
            confidence: None,
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

    fn read(messages: &[Message], holder: Holder) -> Ledger {
        let sent: Vec<String> = messages.iter().filter_map(|message| message.external_id.clone()).collect();
        let mut ledger = Ledger::default();
        ledger.add(messages, &sent, holder);
        ledger
    }

    #[test]
    fn one_reply_may_answer_several_messages_and_one_may_overlap_the_next() {
        let ledger = read(&[said(1, &[]), said(2, &[]), said(3, &[1]), said(4, &[2])], Holder::Ai);
        assert!(ledger.is_whole(), "{ledger:?}");
        assert!(read(&[said(1, &[]), said(2, &[]), said(3, &[1, 2])], Holder::Ai).is_whole());
    }

    #[test]
    fn what_is_lost_doubled_or_out_of_order_is_counted() {
        assert_eq!(read(&[said(1, &[])], Holder::Ai).lost, 1);
        assert_eq!(read(&[said(1, &[])], Holder::Queue).with_a_person, 1);
        assert_eq!(read(&[said(1, &[]), said(2, &[1]), said(3, &[1])], Holder::Ai).doubled, 1);
        assert_eq!(read(&[said(1, &[]), said(2, &[]), said(3, &[2]), said(4, &[1])], Holder::Ai).out_of_order, 1);
        assert_eq!(read(&[said(1, &[]), said(3, &[1])], Holder::Ai).out_of_order, 1);
    }
}
