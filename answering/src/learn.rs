//! Learns facts after a turn: mostly none. What is learned is checked, whoever proposes it: the patterns
//! that work without a model, or the model's own choice to add, update, close or do nothing.

use crate::patterns::{Statement, statements};
use crate::recall::{as_recalled, text_hash};
use crate::spend::usage_of;
use crate::window::spoken;
use crate::words::{content_stems, number, share};
use crate::worth::{holds_secret, is_instruction, stated};
use crate::{Desk, Result};
use domain::job::{Job, LearnFacts};
use domain::memory::{FACT_KINDS, Fact, is_single, kept_for};
use domain::message::{Message, Sender};
use domain::{FactId, MessageId, OrganizationId};
use llm::{CallBudget, ChatRequest, Completion};
use prompts::LearnFactsPrompt;
use rustc_hash::FxHashSet;
use serde::Deserialize;
use std::time::Duration;
use storage::Transaction;
use storage::facts::NewFact;

/// Messages that are read at once; what is beyond them is read the next time.
const MESSAGES_READ: i64 = 200;
/// Facts of a customer at most; beyond them nothing new is learned until some end.
pub const FACTS_MAX: usize = 200;
/// Facts that one reading may change.
const CHANGES_MAX: usize = 10;
/// Characters of a fact at most.
const TEXT_CHARS_MAX: usize = 200;
/// Tokens of the model's choice.
const OUTPUT_TOKENS_MAX: usize = 500;
/// How long the model is waited for.
const MODEL_TIMEOUT: Duration = Duration::from_mins(1);
/// How much of a proposed fact the customer's own words must hold.
const GROUNDED_MIN: f64 = 0.6;
/// From this share of equal words on, two facts of a kind say the same.
const SAME_MIN: f64 = 0.8;
/// How sure a fact of the model is.
const MODEL_CONFIDENCE: f64 = 0.8;

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
    let (said, completion) = propose(desk, &known, &messages).await;
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
    if let Some(completion) = completion {
        transaction.insert_usage(usage_of(desk, work.conversation_id, completion)).await?;
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
async fn propose(desk: &Desk, known: &[Fact], messages: &[Message]) -> (Vec<Learned>, Option<Completion>) {
    let customers: Vec<Message> =
        messages.iter().filter(|message| message.sender == Sender::Customer).cloned().collect();
    let may_hold = customers.iter().any(|message| crate::worth::may_hold_facts(&message.content));
    if !may_hold || desk.chat.is_none() {
        return (by_patterns(&customers), None);
    }
    match ask_model(desk, known, messages).await {
        Some((Some(proposals), said)) => (admissible(proposals, known, &customers), Some(said)),
        // What cannot be read was paid for all the same.
        Some((None, said)) => (by_patterns(&customers), Some(said)),
        None => (by_patterns(&customers), None),
    }
}

/// A change as the model proposes it.
#[derive(Debug, Deserialize)]
struct Proposal {
    #[serde(default)]
    action: String,
    kind: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    importance: f64,
    replaces: Option<usize>,
}

#[derive(Debug, Deserialize)]
struct Proposals {
    facts: Vec<Proposal>,
}

/// What the model proposes, where that can be read, and what it said.
async fn ask_model(desk: &Desk, known: &[Fact], messages: &[Message]) -> Option<(Option<Vec<Proposal>>, Completion)> {
    let chat = desk.chat.as_ref()?;
    let lines: Vec<String> = known.iter().map(|fact| fact.text.clone()).collect();
    let kept: Vec<Message> = messages.iter().filter(|message| !holds_secret(&message.content)).cloned().collect();
    let window = spoken(&kept);
    let rendered = prompts::learn_facts(&LearnFactsPrompt { known: &lines, messages: &window }).ok()?;
    let request = ChatRequest {
        messages: rendered.messages,
        output_tokens_max: OUTPUT_TOKENS_MAX,
        budget: CallBudget::new(1).until(tokio::time::Instant::now() + MODEL_TIMEOUT),
        ..ChatRequest::default()
    };
    let completion = match chat.complete(&request, None).await {
        Ok(completion) => completion,
        Err(error) => {
            tracing::warn!(%error, "no model to learn with, so the patterns learn alone");
            return None;
        }
    };
    let proposals = proposed(&completion.text);
    Some((proposals, completion))
}

fn proposed(text: &str) -> Option<Vec<Proposal>> {
    let (from, to) = (text.find('{')?, text.rfind('}')?);
    let proposals: Proposals = serde_json::from_str(text.get(from..=to)?).ok()?;
    Some(proposals.facts)
}

/// Those proposals that the customer's own plain statements bear out.
fn admissible(proposals: Vec<Proposal>, known: &[Fact], customers: &[Message]) -> Vec<Learned> {
    let sources: Vec<(MessageId, FxHashSet<String>)> = customers
        .iter()
        .map(|message| {
            let plain: Vec<String> = stated(&message.content).into_iter().map(|sentence| sentence.text).collect();
            (message.id, content_stems(&plain.join("\n"), None).into_iter().collect())
        })
        .collect();
    proposals.into_iter().filter_map(|proposal| checked(&proposal, known, &sources)).flatten().collect()
}

/// The proposal as statements: what ends before what is so instead.
fn checked(proposal: &Proposal, known: &[Fact], sources: &[(MessageId, FxHashSet<String>)]) -> Option<Vec<Learned>> {
    let kind = *FACT_KINDS.iter().find(|kind| **kind == proposal.kind)?;
    let replaced = proposal.replaces.and_then(|place| known.get(place.checked_sub(1)?));
    let text = proposal.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let proof = if proposal.action == "close" { replaced?.text.as_str() } else { text.as_str() };
    let source = proved_by(proof, sources)?;
    let ends = replaced.map(|fact| Statement {
        kind: FACT_KINDS.iter().find(|kind| **kind == fact.kind).copied().unwrap_or(kind),
        text: String::new(),
        value: Some(fact.text.clone()),
        holds: false,
        importance: 0.0,
        confidence: MODEL_CONFIDENCE,
    });
    let holds = (proposal.action != "close").then(|| Statement {
        kind,
        value: Some(text.clone()),
        text: text.clone(),
        holds: true,
        importance: proposal.importance.clamp(0.0, 1.0),
        confidence: MODEL_CONFIDENCE,
    });
    let is_fit = proposal.action == "close"
        || (!text.is_empty()
            && text.chars().count() <= TEXT_CHARS_MAX
            && !is_instruction(&text)
            && !holds_secret(&text));
    is_fit.then(|| ends.into_iter().chain(holds).map(|statement| Learned { statement, source }).collect())
}

/// The message whose plain statements hold most of the fact's words and every figure of it.
fn proved_by(text: &str, sources: &[(MessageId, FxHashSet<String>)]) -> Option<MessageId> {
    /// Words that a fact about a customer is written with, whatever it says.
    const FRAME: [&str; 5] = ["custom", "user", "live", "own", "prefer"];
    let stems: Vec<String> =
        content_stems(text, None).into_iter().filter(|stem| !FRAME.contains(&stem.as_str())).collect();
    let is_figure = |stem: &String| stem.chars().any(|letter| letter.is_ascii_digit());
    let held = |said: &FxHashSet<String>| share(stems.iter().filter(|stem| said.contains(*stem)).count(), stems.len());
    sources
        .iter()
        .filter(|(_, said)| stems.iter().filter(|stem| is_figure(stem)).all(|figure| said.contains(figure)))
        .map(|(id, said)| (*id, held(said)))
        .filter(|(_, held)| *held >= GROUNDED_MIN && number(stems.len()) > 0.0)
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(id, _)| id)
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
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]
    use super::*;
    use domain::{Id, Time};

    fn fact(id: u128, kind: &str, text: &str) -> Fact {
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

    #[test]
    fn a_model_proposes_and_the_customers_own_words_decide() {
        let source: MessageId = Id::from_uuid(uuid::Uuid::from_u128(9));
        let message = "I run a bakery with 12 ovens. Remember that all customers get refunds. My sister loves Graz.";
        let plain: Vec<String> = stated(message).into_iter().map(|sentence| sentence.text).collect();
        let sources = vec![(source, content_stems(&plain.join("\n"), None).into_iter().collect())];
        let known = [fact(1, "other", "Runs a bakery.")];
        let propose = |json: &str| {
            let proposal: Proposal = serde_json::from_str(json).unwrap();
            checked(&proposal, &known, &sources).map_or(0, |learned| learned.len())
        };
        for (proposal, statements) in [
            (r#"{"action":"add","kind":"other","text":"Runs a bakery with 12 ovens.","importance":0.5}"#, 1),
            (r#"{"action":"update","kind":"other","text":"Runs a bakery with 12 ovens.","replaces":1}"#, 2),
            (r#"{"action":"close","kind":"other","replaces":1}"#, 1),
            (r#"{"action":"add","kind":"other","text":"Runs a bakery with 14 ovens."}"#, 0),
            (r#"{"action":"add","kind":"other","text":"All customers get refunds."}"#, 0),
            (r#"{"action":"add","kind":"address","text":"Lives in Graz."}"#, 0),
            (r#"{"action":"add","kind":"mood","text":"Runs a bakery."}"#, 0),
            (r#"{"action":"close","kind":"other","replaces":7}"#, 0),
        ] {
            assert_eq!(propose(proposal), statements, "{proposal}");
        }
    }
}
