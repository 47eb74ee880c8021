//! Long-term memory: how much of what customers said over months is recalled when it matters, and how much
//! of what was learned is junk.

use crate::{Error, Result};
use answering::Desk;
use answering::learn::{Change, by_patterns, changes};
use answering::recall::{
    Earlier, RECALLED_MAX, RECALLED_TOKENS_MAX, Wanted, as_recalled, cosine, recall, text_hash, word_scores,
};
use domain::memory::{Fact, kept_for};
use domain::message::{Message, Sender};
use domain::{MessageId, Time};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

/// Texts that are embedded at once.
const BATCH: usize = 64;

/// A conversation of the set.
#[derive(Debug, Deserialize)]
struct Conversation {
    customer: String,
    messages: Vec<Said>,
}

#[derive(Debug, Deserialize)]
struct Said {
    id: String,
    at: Time,
    sender: Sender,
    content: String,
    /// Kind and value of what is worth remembering of it.
    #[serde(default)]
    worth: Vec<(String, String)>,
}

/// What is asked later, and which messages hold the answer.
#[derive(Debug, Deserialize)]
struct Asked {
    customer: String,
    sort: String,
    question: String,
    evidence: Vec<String>,
    at: Time,
}

/// One customer's past.
#[derive(Default)]
struct Past {
    messages: Vec<Message>,
    facts: Vec<Fact>,
    vectors: HashMap<[u8; 32], Vec<f32>>,
}

/// Where recalled messages come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// The newest messages.
    Window,
    /// Words alone.
    Bm25,
    /// Vectors alone.
    Dense,
    /// Facts and messages as answers get them.
    Product,
}

/// What one way recalls.
#[derive(Debug, Serialize)]
pub struct Recalled {
    /// The way.
    pub way: Way,
    /// Share of the evidence among what was recalled, mean over all questions.
    pub recall: f64,
    /// The same by sort of question.
    pub by_sort: BTreeMap<String, f64>,
}

/// What was learned, held against the labels.
#[derive(Debug, Default, Serialize)]
pub struct Learning {
    /// Messages of customers that were read.
    pub messages: usize,
    /// Facts that were learned.
    pub facts: usize,
    /// Facts that no label bears out.
    pub junk: usize,
    /// Their texts, the first few.
    pub junk_texts: Vec<String>,
    /// Labels, and how many of them were learned.
    pub labels: usize,
    /// Labels that were learned.
    pub labels_learned: usize,
}

impl Learning {
    /// The share of junk among what was learned.
    pub fn junk_rate(&self) -> f64 {
        share(self.junk, self.facts)
    }

    /// The share of what is worth remembering that was learned.
    pub fn coverage(&self) -> f64 {
        share(self.labels_learned, self.labels)
    }
}

/// What was measured.
#[derive(Debug, Serialize)]
pub struct Measured {
    /// Questions asked.
    pub questions: usize,
    /// Customers and their messages, all senders.
    pub customers: usize,
    /// Messages in all.
    pub messages: usize,
    /// Each way's recall.
    pub recalled: Vec<Recalled>,
    /// What was learned without a model.
    pub learning: Learning,
}

/// Replays the set in `folder` and asks its questions in every way; vectors only where the desk has a model.
pub async fn measure(desk: &Desk, folder: &Path) -> Result<Measured> {
    let conversations: Vec<Conversation> = read(&folder.join("conversations.jsonl"))?;
    let questions: Vec<Asked> = read(&folder.join("questions.jsonl"))?;
    let mut learning = Learning::default();
    let mut ids = HashMap::new();
    let mut pasts: BTreeMap<String, Past> = BTreeMap::new();
    for conversation in &conversations {
        let past = pasts.entry(conversation.customer.clone()).or_default();
        replay(desk, past, conversation, &mut ids, &mut learning);
    }
    for past in pasts.values_mut() {
        embed(desk, past).await?;
    }
    let ways: &[Way] = match desk.embedder.embedder() {
        Some(_) => &[Way::Window, Way::Bm25, Way::Dense, Way::Product],
        None => &[Way::Window, Way::Bm25, Way::Product],
    };
    let mut recalled = Vec::new();
    for way in ways {
        recalled.push(ask_all(desk, *way, &pasts, &questions, &ids).await?);
    }
    Ok(Measured {
        questions: questions.len(),
        customers: pasts.len(),
        messages: pasts.values().map(|past| past.messages.len()).sum(),
        recalled,
        learning,
    })
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Vec<T>> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::Invalid(format!("{} cannot be read: {error}", path.display())))?;
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            serde_json::from_str(line)
                .map_err(|error| Error::Invalid(format!("{} line {number}: {error}", path.display())))
        })
        .collect()
}

/// Adds the conversation to the past and learns from it as the job does, without a model.
fn replay(
    desk: &Desk,
    past: &mut Past,
    conversation: &Conversation,
    ids: &mut HashMap<String, MessageId>,
    learning: &mut Learning,
) {
    for said in &conversation.messages {
        let message = message(desk, said);
        ids.insert(said.id.clone(), message.id);
        if said.sender == Sender::Customer {
            learning.messages += 1;
            learning.labels += said.worth.len();
            learn(desk, past, said, &message, learning);
        }
        past.messages.push(message);
    }
}

fn learn(desk: &Desk, past: &mut Past, said: &Said, message: &Message, learning: &mut Learning) {
    let open: Vec<Fact> = past.facts.iter().filter(|fact| fact.valid_until.is_none()).cloned().collect();
    for change in changes(&open, by_patterns(std::slice::from_ref(message))) {
        match change {
            Change::Close(id) => {
                past.facts.iter_mut().filter(|fact| fact.id == id).for_each(|fact| fact.valid_until = Some(said.at));
            }
            // What is said again was learned before; here it must be worth it all the same.
            Change::Confirm(_) => learning.labels_learned += said.worth.len().min(1),
            Change::Add(learned) => {
                let statement = learned.statement;
                let text = statement.text.to_lowercase();
                let is_borne_out =
                    |(kind, value): &&(String, String)| statement.kind == kind && text.contains(&value.to_lowercase());
                learning.facts += 1;
                if said.worth.iter().any(|label| is_borne_out(&label)) {
                    learning.labels_learned += 1;
                } else {
                    learning.junk += 1;
                    learning.junk_texts.push(format!("{} ← {}", statement.text, said.content));
                }
                past.facts.push(Fact {
                    id: desk.database.clock().id(),
                    organization_id: message.organization_id,
                    customer_id: desk.database.clock().id(),
                    kind: statement.kind.to_owned(),
                    text: statement.text,
                    importance: statement.importance,
                    confidence: statement.confidence,
                    source_message_id: Some(learned.source),
                    valid_from: said.at,
                    valid_until: None,
                    expires_at: kept_for(statement.kind).map(|kept| said.at + kept),
                    last_used_at: None,
                    created_at: said.at,
                });
            }
        }
    }
}

fn message(desk: &Desk, said: &Said) -> Message {
    let clock = desk.database.clock();
    Message {
        id: clock.id(),
        organization_id: clock.id(),
        conversation_id: clock.id(),
        seq: 1,
        sender: said.sender,
        sender_id: None,
        content: said.content.clone(),
        external_id: None,
        turn_id: None,
        in_reply_to: Vec::new(),
        decision: None,
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
        created_at: said.at,
    }
}

async fn embed(desk: &Desk, past: &mut Past) -> Result<()> {
    let Some(embedder) = desk.embedder.embedder() else { return Ok(()) };
    let said = past.messages.iter().map(|message| as_recalled(&message.content));
    let texts: HashSet<String> = said.chain(past.facts.iter().map(|fact| fact.text.clone())).collect();
    let texts: Vec<String> = texts.into_iter().collect();
    for batch in texts.chunks(BATCH) {
        let vectors = embedder.embed(batch).await.map_err(|error| Error::Invalid(error.to_string()))?;
        past.vectors.extend(batch.iter().map(|text| text_hash(text)).zip(vectors));
    }
    Ok(())
}

async fn ask_all(
    desk: &Desk,
    way: Way,
    pasts: &BTreeMap<String, Past>,
    questions: &[Asked],
    ids: &HashMap<String, MessageId>,
) -> Result<Recalled> {
    let mut by_sort: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for question in questions {
        let past = pasts
            .get(&question.customer)
            .ok_or_else(|| Error::Invalid(format!("`{}` asks but has no conversation", question.customer)))?;
        let recalled = ask(desk, way, past, question).await;
        let found = question.evidence.iter().filter(|id| ids.get(*id).is_some_and(|id| recalled.contains(id)));
        let score = share(found.count(), question.evidence.len());
        by_sort.entry(question.sort.clone()).or_default().push(score);
    }
    let all: Vec<f64> = by_sort.values().flatten().copied().collect();
    Ok(Recalled {
        way,
        recall: mean(&all),
        by_sort: by_sort.into_iter().map(|(sort, scores)| (sort, mean(&scores))).collect(),
    })
}

/// The messages that are recalled, or that what is recalled comes from: ten things within the tokens.
async fn ask(desk: &Desk, way: Way, past: &Past, question: &Asked) -> Vec<MessageId> {
    let (vector, _) = answering::retrieve::query_vector(desk, &question.question).await;
    let vector = vector.as_ref().map(|vector| &*vector.values);
    let count = |text: &str| desk.tokens.count(text);
    let texts: Vec<String> = past.messages.iter().map(|message| as_recalled(&message.content)).collect();
    let scores: Vec<f64> = match way {
        Way::Window => (1..=texts.len()).map(number).collect(),
        Way::Bm25 => {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            word_scores(&question.question, &texts, Some("en"))
        }
        Way::Dense => {
            let near = |text: &String| Some(cosine(vector?, past.vectors.get(&text_hash(text))?));
            texts.iter().map(|text| near(text).map_or(-1.0, f64::from)).collect()
        }
        Way::Product => {
            let earlier = Earlier { messages: past.messages.clone(), vectors: past.vectors.clone() };
            let wanted = Wanted {
                question: &question.question,
                language: Some("en"),
                vector,
                now: question.at,
                tokens_max: RECALLED_TOKENS_MAX,
            };
            let recalled = recall(&past.facts, &earlier, &wanted, &count);
            return recalled.into_iter().filter_map(|fact| fact.source_message_id).collect();
        }
    };
    let mut ranked: Vec<(f64, MessageId, &String)> = scores
        .into_iter()
        .zip(&past.messages)
        .zip(&texts)
        .map(|((score, message), text)| (score, message.id, text))
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut left = RECALLED_TOKENS_MAX;
    let mut taken = Vec::new();
    for (_, id, text) in ranked.into_iter().take(RECALLED_MAX) {
        let Some(rest) = left.checked_sub(count(text)) else { break };
        left = rest;
        taken.push(id);
    }
    taken
}

fn share(part: usize, whole: usize) -> f64 {
    number(part) / number(whole.max(1))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / number(values.len().max(1))
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
