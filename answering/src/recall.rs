//! The long-term memory: which of a customer's facts matter for this question.

use crate::words::{content_stems, share};
use domain::Time;
use domain::memory::Fact;
use domain::trace::TracedFact;
use rustc_hash::FxHashSet;

/// Recency halves in this many days.
const HALF_LIFE_DAYS: f64 = 30.0;
/// Facts in a prompt at most.
const FACTS_MAX: usize = 12;
const SIMILARITY_WEIGHT: f64 = 0.6;
const RECENCY_WEIGHT: f64 = 0.15;
const IMPORTANCE_WEIGHT: f64 = 0.25;

/// What facts are recalled for.
pub struct Wanted<'a> {
    /// The standalone question.
    pub question: &'a str,
    /// Its language, ISO 639-1.
    pub language: Option<&'a str>,
    /// Facts are judged as of this moment.
    pub now: Time,
    /// Tokens of all facts at most.
    pub tokens_max: usize,
    /// Cosine of each fact to the question, in the facts' order, where vectors are there.
    pub similarities: Option<&'a [f32]>,
}

/// The facts that matter here, best first, within the budget by `count`; expired and closed ones never.
pub fn recall(facts: &[Fact], wanted: &Wanted<'_>, count: &dyn Fn(&str) -> usize) -> Vec<TracedFact> {
    let asked: FxHashSet<String> = content_stems(wanted.question, wanted.language).into_iter().collect();
    let mut scored: Vec<TracedFact> = facts
        .iter()
        .enumerate()
        .filter(|(_, fact)| holds(fact, wanted.now))
        .map(|(position, fact)| {
            let cosine = wanted.similarities.and_then(|all| all.get(position)).copied();
            let similarity = similarity(fact, &asked, wanted.language, cosine);
            let score = SIMILARITY_WEIGHT * similarity
                + RECENCY_WEIGHT * recency(fact, wanted.now)
                + IMPORTANCE_WEIGHT * fact.importance.clamp(0.0, 1.0);
            TracedFact { id: fact.id, text: fact.text.clone(), score: score * fact.confidence.clamp(0.0, 1.0) }
        })
        .collect();
    scored.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.id.uuid().cmp(&b.id.uuid())));
    let mut left = wanted.tokens_max;
    scored
        .into_iter()
        .filter(|fact| {
            let tokens = count(&fact.text);
            let fits = tokens <= left;
            left -= if fits { tokens } else { 0 };
            fits
        })
        .take(FACTS_MAX)
        .collect()
}

fn holds(fact: &Fact, now: Time) -> bool {
    let over = |end: Option<Time>| end.is_some_and(|end| end <= now);
    fact.valid_from <= now && !over(fact.valid_until) && !over(fact.expires_at)
}

fn similarity(fact: &Fact, asked: &FxHashSet<String>, language: Option<&str>, cosine: Option<f32>) -> f64 {
    let said = content_stems(&fact.text, language);
    let shared = said.iter().filter(|stem| asked.contains(*stem)).count();
    let overlap = share(shared, said.len().min(asked.len()));
    cosine.map_or(overlap, |cosine| overlap.midpoint(f64::from(cosine).clamp(0.0, 1.0)))
}

fn recency(fact: &Fact, now: Time) -> f64 {
    let days = now.since(fact.last_used_at.unwrap_or(fact.valid_from)).as_secs_f64() / 86_400.0;
    0.5_f64.powf(days / HALF_LIFE_DAYS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Id;

    const DAY: i64 = 86_400_000_000;

    fn fact(number: u128, text: &str) -> Fact {
        let id = uuid::Uuid::from_u128(number);
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

    fn texts(facts: &[Fact], question: &str, tokens_max: usize) -> Vec<String> {
        let wanted = Wanted {
            question,
            language: Some("en"),
            now: Time::from_micros(100 * DAY),
            tokens_max,
            similarities: None,
        };
        recall(facts, &wanted, &|text| text.split_whitespace().count()).into_iter().map(|fact| fact.text).collect()
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
        let wanted = Wanted {
            question: "billing cycle",
            language: Some("en"),
            now: Time::from_micros(DAY),
            tokens_max: 50,
            similarities: Some(&[0.1, 0.8]),
        };
        let first = recall(&facts, &wanted, &str::len).into_iter().next().map(|fact| fact.text);
        assert_eq!(first.as_deref(), Some("Pays yearly."));
    }
}
