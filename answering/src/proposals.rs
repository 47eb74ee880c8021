//! What a model proposes to remember, and which of it the customer's own words bear out.

use crate::learn::Learned;
use crate::patterns::Statement;
use crate::window::spoken;
use crate::words::{content_stems, number, share};
use crate::worth::{holds_secret, is_instruction, stated};
use domain::MessageId;
use domain::memory::{FACT_KINDS, Fact};
use domain::message::Message;
use llm::{CallBudget, ChatModel, ChatRequest};
use prompts::LearnFactsPrompt;
use rustc_hash::FxHashSet;
use serde::Deserialize;
use std::time::Duration;

/// Characters of a fact at most.
const TEXT_CHARS_MAX: usize = 200;
/// Tokens of the model's choice.
const OUTPUT_TOKENS_MAX: usize = 500;
/// How long the model is waited for.
const MODEL_TIMEOUT: Duration = Duration::from_mins(1);
/// How much of a proposed fact the customer's own words must hold.
const GROUNDED_MIN: f64 = 0.6;
/// How sure a fact of the model is.
const MODEL_CONFIDENCE: f64 = 0.8;

/// A change as the model proposes it.
#[derive(Debug, Deserialize)]
pub(crate) struct Proposal {
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

/// What the model proposes; `None` where it fails or cannot be read.
pub(crate) async fn ask_model(model: &dyn ChatModel, known: &[Fact], messages: &[Message]) -> Option<Vec<Proposal>> {
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
    let completion = match model.complete(&request, None).await {
        Ok(completion) => completion,
        Err(error) => {
            tracing::warn!(%error, "no model to learn with, so the patterns learn alone");
            return None;
        }
    };
    let (from, to) = (completion.text.find('{')?, completion.text.rfind('}')?);
    let proposals: Proposals = serde_json::from_str(completion.text.get(from..=to)?).ok()?;
    Some(proposals.facts)
}

/// Those proposals that the customer's own plain statements bear out.
pub(crate) fn admissible(proposals: Vec<Proposal>, known: &[Fact], customers: &[Message]) -> Vec<Learned> {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use crate::learn::fixtures::fact;
    use domain::Id;

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
