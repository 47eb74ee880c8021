//! The long-term memory: which of a customer's facts, and of what they said before, matter for this question.

use crate::window::without_quoted_mail;
use crate::words::{content_stems, number};
use domain::Time;
use domain::memory::Fact;
use domain::message::{Message, Sender};
use domain::trace::TracedFact;
use rustc_hash::{FxHashMap, FxHashSet};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// Recency halves in this many days.
const HALF_LIFE_DAYS: f64 = 30.0;
/// Things recalled at most.
pub const RECALLED_MAX: usize = 10;
/// Tokens of all that is recalled at most.
pub const RECALLED_TOKENS_MAX: usize = 1_500;
/// Characters of a message that are recalled at most.
const MESSAGE_CHARS_MAX: usize = 600;
// Recency and importance only decide between what is about equally near.
const SIMILARITY_WEIGHT: f64 = 0.9;
const RECENCY_WEIGHT: f64 = 0.04;
const IMPORTANCE_WEIGHT: f64 = 0.06;
/// What a message of the customer, and one to them, matters.
const SAID_IMPORTANCE: f64 = 0.3;
const TOLD_IMPORTANCE: f64 = 0.1;
/// Of words and vectors together, how much the vectors count: messages are short and asked for in other words.
const DENSE_WEIGHT: f64 = 0.7;
/// A message that shares no word with the question is recalled from this cosine on. Short texts that answer a
/// question in other words are often no nearer than 0.15, so this keeps out only what is plainly about other things.
const COSINE_MIN: f32 = 0.1;
/// BM25's parameters.
const SATURATION: f64 = 1.2;
const LENGTH_SHARE: f64 = 0.5;

/// The kind that marks what was said among what is recalled.
pub const MESSAGE: &str = "message";

/// Words that people ask for a kind of fact with, beside those of the fact.
const ASKED_WITH: [(&str, &str); 8] = [
    ("plan", "subscription tier package price seats account"),
    ("order", "purchase parcel package delivery shipment number"),
    ("product", "model device equipment item own bought"),
    ("contact", "contact reach call write phone e-mail message"),
    ("language", "language speak write translate"),
    ("address", "address home location street city deliver ship send"),
    ("phone", "call number reach"),
    ("email", "mail address reach"),
];

/// What a customer said and was told before, with the vectors of that and of their facts.
#[derive(Clone, Debug, Default)]
pub struct Earlier {
    /// Messages, oldest first.
    pub messages: Vec<Message>,
    /// Vectors by the hash of their text, as far as there are some.
    pub vectors: HashMap<[u8; 32], Vec<f32>>,
}

/// What is recalled for.
pub struct Wanted<'a> {
    /// The standalone question.
    pub question: &'a str,
    /// Its language, ISO 639-1.
    pub language: Option<&'a str>,
    /// Its vector, where a model is there.
    pub vector: Option<&'a [f32]>,
    /// Facts are judged as of this moment.
    pub now: Time,
    /// Tokens of all that is recalled at most.
    pub tokens_max: usize,
}

/// One thing that may be recalled.
struct Candidate {
    shown: TracedFact,
    matched: String,
    /// The customer's words that a fact was learned from: a question may be nearer to them than to the fact.
    learned_from: Option<String>,
    importance: f64,
    since: Time,
}

/// What matters here, best first, within the budget by `count`; expired and closed facts never.
pub fn recall(
    facts: &[Fact],
    earlier: &Earlier,
    wanted: &Wanted<'_>,
    count: &dyn Fn(&str) -> usize,
) -> Vec<TracedFact> {
    let mut candidates: Vec<Candidate> = facts
        .iter()
        .filter(|fact| holds(fact, wanted.now))
        .map(|fact| of_fact(fact, &earlier.messages))
        .chain(of_messages(&earlier.messages))
        .collect();
    // What a fact says already need not be recalled in the customer's words too.
    let sources: FxHashSet<_> = candidates
        .iter()
        .filter_map(|candidate| candidate.shown.id.and(candidate.shown.source_message_id))
        .map(|id| id.uuid().into_bytes())
        .collect();
    candidates.retain(|candidate| {
        let source = candidate.shown.source_message_id.map(|id| id.uuid().into_bytes());
        candidate.shown.id.is_some() || !source.is_some_and(|source| sources.contains(&source))
    });
    let near = similarities(wanted, &candidates, &earlier.vectors);
    for (candidate, near) in candidates.iter_mut().zip(&near) {
        candidate.shown.similarity = near.value;
        candidate.shown.score = SIMILARITY_WEIGHT * near.value
            + RECENCY_WEIGHT * recency(candidate.since, wanted.now)
            + IMPORTANCE_WEIGHT * candidate.importance.clamp(0.0, 1.0);
    }
    let mut scored: Vec<TracedFact> = candidates
        .into_iter()
        .zip(near)
        .filter(|(candidate, near)| candidate.shown.id.is_some() || near.is_related)
        .map(|(candidate, _)| candidate.shown)
        .collect();
    scored.sort_by(|a, b| b.score.total_cmp(&a.score).then(key(a).cmp(&key(b))));
    fitting(scored, wanted.tokens_max, count)
}

fn key(fact: &TracedFact) -> (Option<[u8; 16]>, Option<[u8; 16]>) {
    (fact.id.map(|id| id.uuid().into_bytes()), fact.source_message_id.map(|id| id.uuid().into_bytes()))
}

/// The best of them that fit; a smaller one may take the place of one that is too large.
fn fitting(scored: Vec<TracedFact>, tokens_max: usize, count: &dyn Fn(&str) -> usize) -> Vec<TracedFact> {
    let mut left = tokens_max;
    scored
        .into_iter()
        .filter(|fact| {
            let tokens = count(&fact.text);
            let fits = tokens <= left;
            left -= if fits { tokens } else { 0 };
            fits
        })
        .take(RECALLED_MAX)
        .collect()
}

fn of_fact(fact: &Fact, messages: &[Message]) -> Candidate {
    let source = messages.iter().find(|message| Some(message.id) == fact.source_message_id);
    Candidate {
        shown: TracedFact {
            id: Some(fact.id),
            kind: fact.kind.clone(),
            text: fact.text.clone(),
            source_message_id: fact.source_message_id,
            ..TracedFact::default()
        },
        matched: fact.text.clone(),
        learned_from: source.map(|message| as_recalled(&message.content)),
        // What is less sure matters less; it is as near to the question all the same.
        importance: fact.importance * fact.confidence.clamp(0.0, 1.0),
        since: fact.last_used_at.unwrap_or(fact.valid_from),
    }
}

/// Messages as they are recalled; of equal ones only the newest.
fn of_messages(messages: &[Message]) -> impl Iterator<Item = Candidate> {
    let mut seen = FxHashSet::default();
    let mut candidates = Vec::new();
    for message in messages.iter().rev() {
        let (said, importance) = match message.sender {
            Sender::Customer => ("the customer wrote", SAID_IMPORTANCE),
            Sender::Ai | Sender::Agent => ("they were told", TOLD_IMPORTANCE),
            Sender::System => continue,
        };
        let matched = as_recalled(&message.content);
        if matched.is_empty() || !seen.insert(matched.clone()) {
            continue;
        }
        candidates.push(Candidate {
            shown: TracedFact {
                kind: MESSAGE.to_owned(),
                text: format!("On {} {said}: {matched}", message.created_at.day()),
                source_message_id: Some(message.id),
                ..TracedFact::default()
            },
            matched,
            learned_from: None,
            importance,
            since: message.created_at,
        });
    }
    candidates.into_iter()
}

/// The part of a message that is compared, embedded and recalled: without quoted mail, at its beginning.
pub fn as_recalled(content: &str) -> String {
    without_quoted_mail(content).chars().take(MESSAGE_CHARS_MAX).collect()
}

/// What a text's vector is kept under.
pub fn text_hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

fn holds(fact: &Fact, now: Time) -> bool {
    let over = |end: Option<Time>| end.is_some_and(|end| end <= now);
    fact.valid_from <= now && !over(fact.valid_until) && !over(fact.expires_at)
}

/// How near a text is to the question.
struct Near {
    /// From 0 to 1, relative to the nearest.
    value: f64,
    /// Whether it has anything to do with it at all.
    is_related: bool,
}

fn similarities(wanted: &Wanted<'_>, candidates: &[Candidate], vectors: &HashMap<[u8; 32], Vec<f32>>) -> Vec<Near> {
    let texts: Vec<String> = candidates
        .iter()
        .map(|candidate| {
            let words =
                ASKED_WITH.iter().find(|(kind, _)| *kind == candidate.shown.kind).map_or("", |(_, words)| words);
            format!("{} {words}", candidate.matched)
        })
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let by_words = word_scores(wanted.question, &texts, wanted.language);
    let by_vector: Vec<Option<f32>> =
        candidates.iter().map(|candidate| nearest(candidate, wanted.vector?, vectors)).collect();
    let has_vectors = by_vector.iter().any(Option::is_some);
    let words = normalised(&by_words);
    // A text without a vector is taken for an average one.
    let known: Vec<f64> = by_vector.iter().flatten().copied().map(f64::from).collect();
    let mean = known.iter().sum::<f64>() / number(known.len().max(1));
    let cosines: Vec<f64> = by_vector.iter().map(|cosine| cosine.map_or(mean, f64::from)).collect();
    let dense = normalised(&cosines);
    (0..texts.len())
        .map(|at| {
            let of = |list: &[f64]| list.get(at).copied().unwrap_or(0.0);
            let near = by_vector.get(at).copied().flatten().is_some_and(|cosine| cosine >= COSINE_MIN);
            let value =
                if has_vectors { DENSE_WEIGHT * of(&dense) + (1.0 - DENSE_WEIGHT) * of(&words) } else { of(&words) };
            Near { value, is_related: near || of(&by_words) > 0.0 }
        })
        .collect()
}

/// The cosine of the text, or of the words it was learned from, whichever is nearer.
fn nearest(candidate: &Candidate, asked: &[f32], vectors: &HashMap<[u8; 32], Vec<f32>>) -> Option<f32> {
    let texts = [Some(&candidate.matched), candidate.learned_from.as_ref()];
    let near = texts.into_iter().flatten().filter_map(|text| Some(cosine(asked, vectors.get(&text_hash(text))?)));
    near.max_by(f32::total_cmp)
}

/// BM25 of each text for the question, over these texts alone (Robertson and Zaragoza 2009).
pub fn word_scores(question: &str, texts: &[&str], language: Option<&str>) -> Vec<f64> {
    let asked: FxHashSet<String> = content_stems(question, language).into_iter().collect();
    let said: Vec<Vec<String>> = texts.iter().map(|text| content_stems(text, language)).collect();
    let mut frequencies: FxHashMap<&str, usize> = FxHashMap::default();
    for stem in said.iter().flatten().filter(|stem| asked.contains(*stem)) {
        *frequencies.entry(stem).or_default() += 1;
    }
    let total = number(said.iter().map(Vec::len).sum());
    let mean = (total / number(said.len().max(1))).max(1.0);
    let weight = |stem: &str| {
        let found = number(frequencies.get(stem).copied().unwrap_or(0));
        (1.0 + (number(texts.len()) - found + 0.5) / (found + 0.5)).ln()
    };
    said.iter()
        .map(|stems| {
            let length = 1.0 - LENGTH_SHARE + LENGTH_SHARE * number(stems.len()) / mean;
            let shared = stems.iter().filter(|stem| asked.contains(*stem));
            shared.map(|stem| weight(stem) * (SATURATION + 1.0) / (1.0 + SATURATION * length)).sum()
        })
        .collect()
}

/// The values between the smallest (0) and the largest (1); all 0 where they are equal.
fn normalised(values: &[f64]) -> Vec<f64> {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let width = most - least;
    values.iter().map(|value| if width > 1e-9 { (value - least) / width } else { most.clamp(0.0, 1.0) }).collect()
}

/// The cosine of two vectors of unit length.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn recency(since: Time, now: Time) -> f64 {
    0.5_f64.powf(now.since(since).as_secs_f64() / 86_400.0 / HALF_LIFE_DAYS)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use domain::Id;

    const DAY: i64 = 86_400_000_000;

    fn fact(id: u128, text: &str) -> Fact {
        let id = uuid::Uuid::from_u128(id);
        Fact {
            id: Id::from_uuid(id),
            organization_id: Id::from_uuid(id),
            customer_id: Id::from_uuid(id),
            kind: "other".to_owned(),
            text: text.to_owned(),
            importance: 0.5,
            confidence: 1.0,
            source_message_id: None,
            valid_from: Time::from_micros(0),
            valid_until: None,
            expires_at: None,
            last_used_at: None,
            created_at: Time::from_micros(0),
        }
    }

    fn message(id: u128, sender: Sender, content: &str) -> Message {
        let id = uuid::Uuid::from_u128(id);
        let mut json = serde_json::json!({
            "organization_id": "org_00000000000000000000000000",
            "conversation_id": "conv_00000000000000000000000000", "seq": 1, "sender": sender, "content": content,
            "in_reply_to": [], "input_tokens": 0, "output_tokens": 0, "usage_estimated": false, "cost_micro_usd": 0,
            "citations": [], "created_at": Time::from_micros(0),
        });
        json["id"] = serde_json::to_value(domain::MessageId::from_uuid(id)).unwrap();
        serde_json::from_value(json).unwrap()
    }

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn wanted(question: &str, tokens_max: usize) -> Wanted<'_> {
        Wanted { question, language: Some("en"), vector: None, now: Time::from_micros(100 * DAY), tokens_max }
    }

    fn texts(facts: &[Fact], question: &str, tokens_max: usize) -> Vec<String> {
        let recalled = recall(facts, &Earlier::default(), &wanted(question, tokens_max), &words);
        recalled.into_iter().map(|fact| fact.text).collect()
    }

    #[test]
    fn what_the_question_is_about_comes_first() {
        let facts = [fact(1, "Likes tea."), fact(2, "Is on the Business plan.")];
        assert_eq!(texts(&facts, "Does my plan include sso?", 50), ["Is on the Business plan.", "Likes tea."]);
    }

    #[test]
    fn important_and_recent_facts_win_among_equals() {
        let mut important = fact(1, "A");
        important.importance = 1.0;
        let mut recent = fact(2, "B");
        recent.last_used_at = Some(Time::from_micros(99 * DAY));
        assert_eq!(texts(&[fact(3, "C"), recent, important], "x", 50), ["B", "A", "C"]);
    }

    #[test]
    fn expired_closed_and_future_facts_never_come() {
        let mut expired = fact(1, "plan A");
        expired.expires_at = Some(Time::from_micros(100 * DAY));
        let mut closed = fact(2, "plan B");
        closed.valid_until = Some(Time::from_micros(DAY));
        let mut future = fact(3, "plan C");
        future.valid_from = Time::from_micros(101 * DAY);
        assert_eq!(texts(&[expired, closed, future], "plan", 50), Vec::<String>::new());
    }

    #[test]
    fn the_budget_holds_and_smaller_facts_fill_it() {
        let facts = [fact(1, "plan one two three four five"), fact(2, "plan one"), fact(3, "tea")];
        assert_eq!(texts(&facts, "plan", 3), ["plan one", "tea"]);
        assert_eq!(texts(&facts, "plan", 0), Vec::<String>::new());
    }

    #[test]
    fn vectors_help_where_words_do_not_meet() {
        let facts = [fact(1, "Owns a dog."), fact(2, "Pays yearly.")];
        let vectors = [("Owns a dog.", vec![1.0, 0.0]), ("Pays yearly.", vec![0.0, 1.0])];
        let vectors = vectors.into_iter().map(|(text, vector)| (text_hash(text), vector)).collect();
        let earlier = Earlier { messages: Vec::new(), vectors };
        let wanted = Wanted { vector: Some(&[0.2, 0.9]), ..wanted("billing cycle", 50) };
        let first = recall(&facts, &earlier, &wanted, &words).into_iter().next().map(|fact| fact.text);
        assert_eq!(first.as_deref(), Some("Pays yearly."));
    }

    #[test]
    fn a_fact_is_as_near_as_the_words_it_was_learned_from() {
        let mut learned = fact(1, "They are on the Team plan.");
        learned.source_message_id = Some(Id::from_uuid(uuid::Uuid::from_u128(9)));
        learned.confidence = 0.1;
        let said = "We pay for the Team plan.";
        let vectors =
            [(said, vec![0.0, 1.0]), ("They are on the Team plan.", vec![1.0, 0.0]), ("Likes tea.", vec![0.6, 0.8])];
        let vectors = vectors.into_iter().map(|(text, vector)| (text_hash(text), vector)).collect();
        let earlier = Earlier { messages: vec![message(9, Sender::Customer, said)], vectors };
        let wanted = Wanted { vector: Some(&[0.0, 1.0]), ..wanted("How many seats are mine?", 50) };
        let recalled = recall(&[fact(2, "Likes tea."), learned], &earlier, &wanted, &words);
        let shown: Vec<&str> = recalled.iter().map(|fact| fact.text.as_str()).collect();
        assert_eq!(
            shown,
            ["They are on the Team plan.", "Likes tea."],
            "and the words themselves do not come beside it"
        );
    }

    #[test]
    fn what_was_said_before_comes_with_its_day_and_only_where_it_has_to_do_with_the_question() {
        let messages = vec![
            message(1, Sender::Customer, "The parcel for the cabin went to the depot in Graz.\n> old mail"),
            message(2, Sender::Ai, "Refunds take five days."),
            message(3, Sender::System, "The parcel was noted."),
        ];
        let earlier = Earlier { messages, ..Earlier::default() };
        let recalled = recall(&[], &earlier, &wanted("Where did my parcel go?", 50), &words);
        let shown: Vec<&str> = recalled.iter().map(|fact| fact.text.as_str()).collect();
        assert_eq!(shown, ["On 1970-01-01 the customer wrote: The parcel for the cabin went to the depot in Graz."]);
        assert_eq!((recalled[0].id, recalled[0].kind.as_str()), (None, MESSAGE));
        assert_eq!(recalled[0].source_message_id.map(Id::uuid), Some(uuid::Uuid::from_u128(1)));
    }
}
