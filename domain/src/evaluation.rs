//! Evaluation: datasets of cases with known right answers, runs over them, and what came out of each case.

use crate::handoff::HandoffReason;
use crate::message::{Decision, Message, Sender};
use crate::trace::PromptMessage;
use crate::usage::TokenUsage;
use crate::{AssistantId, ConversationId, DatasetId, MessageId, OrganizationId, RunId, Time};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Characters of a case's question at most.
const QUESTION_CHARS_MAX: usize = 16_000;
/// Expressions and facts of a case at most, each kind by itself.
const FACTS_MAX: usize = 64;

/// A question with what is known of its right answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Case {
    /// Its id, unique in its dataset.
    pub id: String,
    /// What the customer writes.
    pub question: String,
    /// What was said before, oldest first; the roles are `user` and `assistant`.
    pub history: Vec<PromptMessage>,
    /// A right answer.
    pub answer: Option<String>,
    /// What a right answer says, one fact each.
    pub key_facts: Vec<String>,
    /// The documents that hold the answer, by the ids they were imported under.
    pub documents: Vec<String>,
    /// Whether the knowledge holds the answer, where that is known.
    pub answerable: Option<bool>,
    /// What is to be done, where that is known.
    pub expected: Option<Decision>,
    /// Regular expressions that a right answer matches.
    pub must_match: Vec<String>,
    /// Regular expressions that no answer may match.
    pub must_not_match: Vec<String>,
    /// Free words to slice reports by.
    pub tags: Vec<String>,
}

impl Case {
    /// What keeps the case from being asked, if something does; the text names the field first.
    pub fn problem(&self) -> Option<String> {
        let rules = [
            (!self.id.trim().is_empty(), "`id` is missing".to_owned()),
            (!self.question.trim().is_empty(), "`question` is missing".to_owned()),
            (
                self.question.chars().count() <= QUESTION_CHARS_MAX,
                format!("`question` has more than {QUESTION_CHARS_MAX} characters"),
            ),
            (
                self.history.iter().all(|said| said.role == "user" || said.role == "assistant"),
                "`history` has a role that is neither `user` nor `assistant`".to_owned(),
            ),
            (self.key_facts.len() <= FACTS_MAX, format!("`key_facts` has more than {FACTS_MAX}")),
            (self.must_match.len() <= FACTS_MAX, format!("`must_match` has more than {FACTS_MAX}")),
            (self.must_not_match.len() <= FACTS_MAX, format!("`must_not_match` has more than {FACTS_MAX}")),
            (
                self.answerable != Some(false) || self.expected != Some(Decision::Answer),
                "`expected` is `answer`, but `answerable` is false".to_owned(),
            ),
        ];
        rules.into_iter().find(|(kept, _)| !kept).map(|(_, rule)| rule)
    }

    /// Whether a person should take over, where that is known.
    pub fn needs_person(&self) -> Option<bool> {
        match (self.expected, self.answerable) {
            (Some(Decision::HandOff), _) => Some(true),
            (Some(Decision::Answer), _) => Some(false),
            (Some(Decision::Clarify), _) | (None, None) => None,
            (None, Some(answerable)) => Some(!answerable),
        }
    }
}

/// A reply the AI gave once, with what people thought of it.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct PastTurn {
    /// The reply.
    pub message_id: MessageId,
    /// Its conversation.
    pub conversation_id: ConversationId,
    /// Its place there.
    pub seq: i64,
    /// What it decided.
    pub decision: Decision,
    /// How people rated it: `good`, `acceptable` or `poor`.
    pub rating: Option<String>,
    /// What a person of the desk wrote after it.
    pub correction: Option<String>,
}

impl PastTurn {
    /// The turn as a case; `messages` are those of its conversation up to the reply, oldest first.
    /// `None` where no customer message precedes the reply.
    pub fn to_case(&self, messages: &[Message]) -> Option<Case> {
        let reply = messages.iter().find(|message| message.id == self.message_id)?;
        let before: Vec<&Message> = messages.iter().filter(|message| message.seq < self.seq).collect();
        let asked_from = before.iter().rposition(|message| message.sender != Sender::Customer).map_or(0, |at| at + 1);
        let (history, asked) = before.split_at(asked_from);
        let question: Vec<&str> = asked.iter().map(|message| message.content.as_str()).collect();
        let is_good = self.rating.as_deref() == Some("good") && self.decision == Decision::Answer;
        let cited = reply.citations.iter().filter_map(|citation| citation.external_id.clone());
        let tags = [
            self.rating.as_ref().map(|rating| format!("rating:{rating}")),
            (self.decision == Decision::HandOff).then(|| "handed_off".to_owned()),
            self.correction.is_some().then(|| "corrected".to_owned()),
        ];
        (!question.is_empty()).then(|| Case {
            id: self.message_id.to_string(),
            question: question.join("\n"),
            history: history.iter().filter_map(|message| said(message)).collect(),
            answer: self.correction.clone().or_else(|| is_good.then(|| reply.content.clone())),
            documents: if is_good { cited.collect::<BTreeSet<_>>().into_iter().collect() } else { Vec::new() },
            answerable: is_good.then_some(true),
            tags: tags.into_iter().flatten().collect(),
            ..Case::default()
        })
    }
}

fn said(message: &Message) -> Option<PromptMessage> {
    let role = match message.sender {
        Sender::Customer => "user",
        Sender::Ai | Sender::Agent => "assistant",
        Sender::System => return None,
    };
    Some(PromptMessage { role: role.to_owned(), content: message.content.clone() })
}

/// A set of cases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct Dataset {
    /// Its id.
    pub id: DatasetId,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// Its name, unique in the organization; the same name with other cases replaces nothing, it is newer.
    pub name: String,
    /// SHA-256 of its cases, in hex.
    pub content_hash: String,
    /// Where its cases came from: `file`, `api` or `conversations`.
    pub origin: String,
    /// How many cases it has.
    pub cases: i64,
    /// When it was added.
    pub created_at: Time,
}

/// Where a run is in its life.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(type_name = "text", rename_all = "snake_case"))]
pub enum RunState {
    /// Cases are left.
    Running,
    /// Every case has its outcome and the report is there.
    Completed,
    /// It gave up.
    Failed,
}

/// One pass of an assistant over a dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct EvalRun {
    /// Its id.
    pub id: RunId,
    /// The tenant it belongs to.
    pub organization_id: OrganizationId,
    /// The dataset.
    pub dataset_id: DatasetId,
    /// Who answers.
    pub assistant_id: AssistantId,
    /// Where it is in its life.
    pub state: RunState,
    /// SHA-256 over the dataset and the set-up, in hex: runs with the same one are comparable repetitions.
    pub fingerprint: String,
    /// What the answers depended on: a JSON object of settings, model, prompt and knowledge version.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub setup: serde_json::Value,
    /// Means and set scores by metric, empty until it is completed.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub summary: BTreeMap<String, f64>,
    /// Why it failed, where it did.
    pub error: Option<String>,
    /// Cases to ask.
    pub cases_total: i64,
    /// Cases with an outcome.
    pub cases_done: i64,
    /// When it began.
    pub created_at: Time,
    /// When it ended.
    pub finished_at: Option<Time>,
}

/// What the pipeline made of a case: everything that metrics read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcome {
    /// What was said.
    pub answer: String,
    /// What would have been said: the answer, or the proved part of a draft that was handed off.
    pub draft: String,
    /// What was done; `None` where the pipeline failed.
    pub decision: Option<Decision>,
    /// Why it was handed off.
    pub handoff_reason: Option<HandoffReason>,
    /// How sure it was, 0 to 1.
    pub confidence: f64,
    /// The same before calibration.
    pub uncalibrated: f64,
    /// The signals behind it.
    pub signals: BTreeMap<String, f64>,
    /// Documents as they were found, best first, each once, by imported id (by own id where it has none).
    pub ranking: Vec<String>,
    /// Documents that the delivered answer cites.
    pub cited: Vec<String>,
    /// Documents that the draft would have cited.
    pub would_cite: Vec<String>,
    /// Sentences of the draft.
    pub claims: usize,
    /// Sentences of the draft that a passage proves.
    pub claims_proved: usize,
    /// Sentences that were delivered.
    pub sentences: usize,
    /// Delivered sentences whose content words and numbers stand in what the answer cites.
    pub sentences_grounded: usize,
    /// How long it took.
    pub latency_ms: f64,
    /// Tokens of its model calls.
    pub usage: TokenUsage,
    /// Their price, in millionths of a US dollar.
    pub cost_micro_usd: i64,
    /// The model that wrote it.
    pub model: Option<String>,
    /// Why the pipeline failed, where it did.
    pub error: Option<String>,
}

/// How a case went, in one word.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(type_name = "text", rename_all = "snake_case"))]
pub enum Verdict {
    /// It answered, and wrongly or what it should not have.
    WrongAnswer,
    /// It handed off or asked back what it could have answered.
    NeedlessHandoff,
    /// Nobody knows what would have been right.
    Unjudged,
    /// It handed off what it could not answer.
    RightHandoff,
    /// It answered rightly.
    RightAnswer,
}

impl Verdict {
    /// Whether it went as it should have; `None` where nobody knows.
    pub fn is_good(self) -> Option<bool> {
        match self {
            Self::WrongAnswer | Self::NeedlessHandoff => Some(false),
            Self::Unjudged => None,
            Self::RightHandoff | Self::RightAnswer => Some(true),
        }
    }
}

/// The outcome of one case of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "sqlx", derive(sqlx::FromRow))]
pub struct CaseResult {
    /// The run.
    pub run_id: RunId,
    /// The case's place in its dataset, from 1.
    pub seq: i64,
    /// The case's id.
    pub case_id: String,
    /// SHA-256 of everything the outcome depended on, in hex: what the cache looks for.
    pub fingerprint: String,
    /// Whether the outcome was taken over from an earlier run.
    pub cached: bool,
    /// How it went.
    pub verdict: Verdict,
    /// What the pipeline made of it.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub outcome: Outcome,
    /// Scores by metric; a metric that does not apply is absent.
    #[cfg_attr(feature = "sqlx", sqlx(json))]
    pub scores: BTreeMap<String, f64>,
    /// When it was written.
    pub created_at: Time,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(answerable: Option<bool>, expected: Option<Decision>) -> Case {
        Case { id: "a".into(), question: "q".into(), answerable, expected, ..Case::default() }
    }

    #[test]
    fn what_is_expected_counts_more_than_whether_it_is_answerable() {
        for (answerable, expected, needs) in [
            (Some(true), None, Some(false)),
            (Some(false), None, Some(true)),
            (Some(true), Some(Decision::HandOff), Some(true)),
            (None, Some(Decision::Answer), Some(false)),
            (Some(true), Some(Decision::Clarify), None),
            (None, None, None),
        ] {
            assert_eq!(case(answerable, expected).needs_person(), needs, "{answerable:?} {expected:?}");
        }
    }

    #[test]
    fn a_case_that_cannot_be_asked_says_which_field_is_wrong() {
        assert_eq!(case(None, None).problem(), None);
        assert_eq!(Case { id: "a".into(), ..Case::default() }.problem().unwrap(), "`question` is missing");
        assert!(case(Some(false), Some(Decision::Answer)).problem().unwrap().starts_with("`expected`"));
        let said = PromptMessage { role: "system".into(), content: "obey".into() };
        assert!(Case { history: vec![said], ..case(None, None) }.problem().unwrap().starts_with("`history`"));
    }
}
