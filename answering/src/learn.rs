//! Learns facts after a turn: mostly none. What is learned is checked, whoever proposes it: the patterns
//! that work without a model, or the model's own choice to add, update, close or do nothing.

use crate::metered::model_for_conversation;
use crate::patterns::{Statement, statements};
use crate::proposals::{admissible, ask_model};
use crate::recall::{as_recalled, text_hash};
use crate::words::{content_stems, share};
use crate::worth::{may_hold_facts, stated};
use crate::{Desk, Result};
use domain::job::{Job, LearnFacts};
use domain::memory::{Fact, is_single, kept_for};
use domain::message::{Message, Sender};
use domain::{ConversationId, FactId, MessageId, OrganizationId};
use rustc_hash::FxHashSet;
use storage::Transaction;
use storage::facts::NewFact;

/// Messages that are read at once; what is beyond them is read the next time.
const MESSAGES_READ: i64 = 200;
/// Facts of a customer at most; beyond them nothing new is learned until some end.
pub const FACTS_MAX: usize = 200;
/// Facts that one reading may change.
const CHANGES_MAX: usize = 10;
/// From this share of equal words on, two facts of a kind say the same.
const SAME_MIN: f64 = 0.8;

/// A change of what is remembered.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Something new.
    Add(Learned),
    /// Something known was said again.
    Confirm(FactId),
    /// Something known is no longer so.
    Close(FactId),
}

/// A fact with the message it was learned from.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    /// What was said.
    pub statement: Statement,
    /// By which message.
    pub source: MessageId,
}

/// Reads what was said since the last time and changes what is remembered; completes the job.
pub async fn learn(desk: &Desk, organization_id: OrganizationId, work: &LearnFacts, job: &Job) -> Result<()> {
    let tenant = desk.database.of(organization_id);
    let marks = tenant.load_memory_marks(work.conversation_id).await?;
    let messages = tenant.list_messages(work.conversation_id, marks.learned_seq, MESSAGES_READ).await?;
    let limit = i64::try_from(FACTS_MAX).unwrap_or(i64::MAX);
    let known = tenant.list_facts(marks.customer_id, tenant.now(), limit).await?;
    let said = propose(desk, organization_id, work.conversation_id, &known, &messages).await?;
    let changes = changes(&known, said);
    let vectors = vectors(desk, &messages, &changes).await;
    let mut transaction = tenant.begin().await?;
    transaction.complete_job(job).await?;
    for change in changes {
        apply(&mut transaction, marks.customer_id, &known, change).await?;
    }
    if let Some((model, vectors)) = vectors {
        transaction.insert_memory_vectors(marks.customer_id, &model, &vectors).await?;
    }
    if let Some(last) = messages.last() {
        transaction.mark_learned(work.conversation_id, last.seq).await?;
        if messages.len() >= usize::try_from(MESSAGES_READ).unwrap_or(usize::MAX) {
            let now = transaction.now();
            transaction.enqueue(work, now).await?;
        }
    }
    transaction.commit().await?;
    Ok(())
}

/// What the customer's messages say of them, in order, by the patterns alone.
pub fn by_patterns(messages: &[Message]) -> Vec<Learned> {
    let customers = messages.iter().filter(|message| message.sender == Sender::Customer);
    customers
        .flat_map(|message| {
            let found = statements(&stated(&message.content)).into_iter();
            found.map(|statement| Learned { statement, source: message.id })
        })
        .collect()
}

/// What is to change so that what was said holds; `known` are the open facts.
pub fn changes(known: &[Fact], said: Vec<Learned>) -> Vec<Change> {
    let mut open: Vec<(FactRef, String, String)> =
        known.iter().map(|fact| (FactRef::Known(fact.id), fact.kind.clone(), fact.text.clone())).collect();
    let mut added: Vec<Option<Learned>> = Vec::new();
    let mut changes = Vec::new();
    for learned in said.into_iter().take(CHANGES_MAX) {
        let statement = &learned.statement;
        let is_meant = |(_, kind, text): &(FactRef, String, String)| {
            kind == statement.kind
                && statement.value.as_ref().is_none_or(|value| text.to_lowercase().contains(&value.to_lowercase()))
        };
        let same =
            |(_, kind, text): &(FactRef, String, String)| kind == statement.kind && say_the_same(text, &statement.text);
        if statement.holds
            && let Some((fact, ..)) = open.iter().find(|known| same(known))
        {
            changes.extend(fact.known().map(Change::Confirm));
            continue;
        }
        let ends = |known: &(FactRef, String, String)| {
            if statement.holds { is_single(statement.kind) && known.1 == statement.kind } else { is_meant(known) }
        };
        for (fact, ..) in open.extract_if(.., |known| ends(known)) {
            match fact {
                FactRef::Known(id) => changes.push(Change::Close(id)),
                FactRef::Added(place) => added.iter_mut().skip(place).take(1).for_each(|gone| *gone = None),
            }
        }
        if statement.holds && open.len() < FACTS_MAX {
            open.push((FactRef::Added(added.len()), statement.kind.to_owned(), statement.text.clone()));
            added.push(Some(learned));
        }
    }
    changes.extend(added.into_iter().flatten().map(Change::Add));
    changes
}

/// A fact that is stored, or one that this reading adds.
#[derive(Clone, Copy)]
enum FactRef {
    Known(FactId),
    Added(usize),
}

impl FactRef {
    fn known(self) -> Option<FactId> {
        match self {
            Self::Known(id) => Some(id),
            Self::Added(_) => None,
        }
    }
}

/// Whether two sentences about a customer have nearly the same words and exactly the same figures.
fn say_the_same(a: &str, b: &str) -> bool {
    let stems = |text: &str| content_stems(text, None).into_iter().collect::<FxHashSet<String>>();
    let (a, b) = (stems(a), stems(b));
    let figures = |stems: &FxHashSet<String>| {
        let mut figures: Vec<String> =
            stems.iter().filter(|stem| stem.chars().any(|letter| letter.is_ascii_digit())).cloned().collect();
        figures.sort();
        figures
    };
    let shared = a.intersection(&b).count();
    figures(&a) == figures(&b) && share(shared, a.len().max(b.len())) >= SAME_MIN
}

async fn apply(
    transaction: &mut Transaction,
    customer_id: domain::CustomerId,
    known: &[Fact],
    change: Change,
) -> Result<()> {
    let now = transaction.now();
    match change {
        Change::Close(id) => transaction.close_fact(id, now).await?,
        Change::Confirm(id) => {
            if let Some(fact) = known.iter().find(|fact| fact.id == id) {
                let confidence = fact.confidence + (1.0 - fact.confidence) / 2.0;
                let expires_at = fact.expires_at.and_then(|_| kept_for(&fact.kind)).map(|kept| now + kept);
                transaction.update_fact(&Fact { confidence, expires_at, ..fact.clone() }).await?;
            }
        }
        Change::Add(Learned { statement, source }) => {
            let fact = NewFact {
                customer_id,
                kind: statement.kind.to_owned(),
                text: statement.text,
                importance: statement.importance,
                confidence: statement.confidence,
                source_message_id: Some(source),
                expires_at: kept_for(statement.kind).map(|kept| now + kept),
            };
            transaction.insert_fact(fact).await?;
        }
    }
    Ok(())
}

/// What was said, by the model where there is one, else, or where it fails, by the patterns.
async fn propose(
    desk: &Desk,
    organization_id: OrganizationId,
    conversation_id: ConversationId,
    known: &[Fact],
    messages: &[Message],
) -> Result<Vec<Learned>> {
    let customers: Vec<Message> =
        messages.iter().filter(|message| message.sender == Sender::Customer).cloned().collect();
    if !customers.iter().any(|message| may_hold_facts(&message.content)) {
        return Ok(by_patterns(&customers));
    }
    let proposals = match model_for_conversation(desk, organization_id, conversation_id).await? {
        Some(model) => ask_model(model.as_ref(), known, messages).await,
        None => None,
    };
    Ok(match proposals {
        Some(proposals) => admissible(proposals, known, &customers),
        None => by_patterns(&customers),
    })
}

type Vectors = (String, Vec<([u8; 32], Vec<f32>)>);

/// Vectors of what was said and of the new facts, where a model makes some; without them words recall.
async fn vectors(desk: &Desk, messages: &[Message], changes: &[Change]) -> Option<Vectors> {
    let embedder = desk.embedder.embedder()?;
    let spoken = messages.iter().filter(|message| message.sender != Sender::System);
    let said = spoken.map(|message| as_recalled(&message.content));
    let facts = changes.iter().filter_map(|change| match change {
        Change::Add(learned) => Some(learned.statement.text.clone()),
        Change::Confirm(_) | Change::Close(_) => None,
    });
    let texts: Vec<String> = said.chain(facts).filter(|text| !text.is_empty()).collect();
    match embedder.embed(&texts).await {
        Ok(vectors) => {
            let hashes = texts.iter().map(|text| text_hash(text));
            Some((embedder.model_id().to_owned(), hashes.zip(vectors).collect()))
        }
        Err(error) => {
            tracing::warn!(%error, "what was said could not be embedded");
            None
        }
    }
}

#[cfg(test)]
pub(crate) mod fixtures {
    use domain::memory::Fact;
    use domain::{Id, Time};

    pub(crate) fn fact(id: u128, kind: &str, text: &str) -> Fact {
        let uuid = uuid::Uuid::from_u128(id);
        Fact {
            id: Id::from_uuid(uuid),
            organization_id: Id::from_uuid(uuid),
            customer_id: Id::from_uuid(uuid),
            kind: kind.to_owned(),
            text: text.to_owned(),
            importance: 0.5,
            confidence: 0.8,
            source_message_id: None,
            valid_from: Time::from_micros(0),
            valid_until: None,
            expires_at: None,
            last_used_at: None,
            created_at: Time::from_micros(0),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]
    use super::fixtures::fact;
    use super::*;
    use domain::Id;

    fn said(message: &str) -> Vec<Learned> {
        let source = Id::from_uuid(uuid::Uuid::from_u128(9));
        let found = statements(&stated(message)).into_iter();
        found.map(|statement| Learned { statement, source }).collect()
    }

    fn shown(known: &[Fact], message: &str) -> Vec<String> {
        changes(known, said(message))
            .into_iter()
            .map(|change| match change {
                Change::Add(learned) => format!("add {}", learned.statement.text),
                Change::Confirm(id) => format!("confirm {}", id.uuid().as_u128()),
                Change::Close(id) => format!("close {}", id.uuid().as_u128()),
            })
            .collect()
    }

    #[test]
    fn what_is_said_later_closes_what_was_said_before_and_what_is_said_again_merges() {
        let known = [fact(1, "plan", "They are on the Pro plan."), fact(2, "order", "They have the order 4471.")];
        for (message, expected) in [
            ("We moved to the Business plan.", vec!["close 1", "add They are on the Business plan."]),
            ("I am on the Pro plan.", vec!["confirm 1"]),
            ("My order is 4472.", vec!["add They have the order 4472."]),
            ("My order is 4417, not 4471.", vec!["close 2", "add They have the order 4417."]),
            ("Order 4471 has arrived, my thanks.", vec!["close 2"]),
            ("I am no longer on the Pro plan.", vec!["close 1"]),
            (
                "We use the Pro plan. Wait, we are on the Team plan.",
                vec!["confirm 1", "close 1", "add They are on the Team plan."],
            ),
            ("I am on the Team plan. I am on the Solo plan.", vec!["close 1", "add They are on the Solo plan."]),
            ("Thanks!", vec![]),
        ] {
            assert_eq!(shown(&known, message), expected, "{message}");
        }
    }
}
