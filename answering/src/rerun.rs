//! Replays a stored answer from its trace, offline: the same passages, the same draft, the same bytes.

use crate::answer::{Given, answer_given};
use crate::decide::ModelOutcome;
use crate::generate::{outcome_of, quote};
use crate::judge::{Judged, Judging, judge, needs_no_knowledge};
use crate::recall::Earlier;
use crate::understand::understand;
use crate::{Desk, Error, Passage, Question, Result};
use domain::message::Message;
use domain::replay::Trial;
use domain::trace::{Candidate, Trace};
use domain::usage::OverBudget;
use domain::{AssistantId, MessageId, OrganizationId};

/// A stored answer beside its replay.
#[derive(Clone, Debug)]
pub struct Rerun {
    /// The answer as it was said.
    pub stored: Message,
    /// What the replay says.
    pub content: String,
    /// What differs, one line each; empty when every byte is the same.
    pub differences: Vec<String>,
}

/// Replays the answer. It asks no model: a completion is taken from the trace.
pub async fn rerun(desk: &Desk, organization_id: OrganizationId, id: MessageId) -> Result<Rerun> {
    let tenant = desk.database.of(organization_id);
    let stored = tenant.load_message(id).await?;
    let trace = tenant.load_trace(id).await?;
    if trace.decision.is_none() {
        return Err(Error::Invalid(format!(
            "message `{id}` was not answered by the pipeline, so nothing can be replayed"
        )));
    }
    let passages = passages(desk, organization_id, &trace).await?;
    let judged = replay(&trace, &passages);
    let differences = differences(&stored, &judged);
    Ok(Rerun { stored, content: judged.content, differences })
}

/// The step from which an answer is made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Stage {
    /// Searches again, then everything after it.
    Retrieve,
    /// Writes the prompt and asks the model again over the passages of then.
    Prompt,
    /// Checks and decides again over the draft of then.
    Verify,
}

/// Makes the answer anew from a step on, with something changed. From [`Stage::Verify`] on it asks no model; what
/// a model call costs in the other stages is recorded as a trial's.
pub async fn rerun_from(
    desk: &Desk,
    organization_id: OrganizationId,
    id: MessageId,
    stage: Stage,
    trial: &Trial,
) -> Result<Rerun> {
    if let Some(problem) = trial.problem() {
        return Err(Error::Invalid(problem));
    }
    let tenant = desk.database.of(organization_id);
    let stored = tenant.load_message(id).await?;
    let mut trace = tenant.load_trace(id).await?;
    let read = passages(desk, organization_id, &trace).await?;
    trace.settings = trial.applied(&trace.settings);
    if stage == Stage::Verify {
        let judged = replay(&trace, &read);
        let differences = differences(&stored, &judged);
        return Ok(Rerun { stored, content: judged.content, differences });
    }
    let conversation = tenant.load_conversation(stored.conversation_id).await?;
    let question = asked(desk, organization_id, conversation.assistant_id, &trace, trial).await?;
    let from_prompt = stage == Stage::Prompt;
    let given = Given {
        passages: from_prompt.then_some(read),
        evidence: from_prompt.then(|| trace.evidence.clone()),
        facts: Some(trace.recalled_facts.clone()),
    };
    let answer = answer_given(desk, &question, given).await?;
    crate::spend::record(desk, &question, &answer).await?;
    let mut lines = Lines::default();
    lines.compare("content", &stored.content, &answer.content);
    lines.compare("citations", &format!("{:?}", stored.citations), &format!("{:?}", answer.citations));
    lines.compare("decision", &format!("{:?}", stored.decision), &format!("{:?}", Some(answer.decision)));
    lines.compare("handoff reason", &format!("{:?}", stored.handoff_reason), &format!("{:?}", answer.handoff_reason));
    lines.compare("confidence", &format!("{:?}", stored.confidence), &format!("{:?}", answer.confidence));
    lines.compare("passages read", &in_prompt(&trace), &in_prompt(&answer.trace));
    Ok(Rerun { stored, content: answer.content, differences: lines.0 })
}

/// The question as it was put then, with what is changed.
async fn asked(
    desk: &Desk,
    organization_id: OrganizationId,
    assistant: AssistantId,
    trace: &Trace,
    trial: &Trial,
) -> Result<Question> {
    let mut assistant = desk.database.of(organization_id).load_assistant(assistant).await?;
    assistant.settings = trace.settings.clone();
    let used = trace.prompt.as_ref().map(|prompt| prompt.version);
    let template = match (&trial.prompt_text, trial.prompt_version.or(used)) {
        (Some(text), _) => Some(crate::template::draft(text)?),
        (None, Some(version)) => crate::template::version(desk, organization_id, assistant.id, version).await?,
        (None, None) => None,
    };
    Ok(Question {
        organization_id,
        assistant,
        text: trace.question.clone(),
        history: trace.history.clone(),
        summary: String::new(),
        facts: Vec::new(),
        earlier: Earlier::default(),
        clarifications: trace.clarifications,
        staffing: trace.staffing,
        allowed_link_hosts: trace.allowed_link_hosts.clone(),
        template,
        budget: desk.database.of(organization_id).load_organization().await?.settings.budget,
        chat: desk.model_of(organization_id).await?,
    })
}

fn in_prompt(trace: &Trace) -> String {
    let read = trace.candidates.iter().filter(|candidate| candidate.in_prompt);
    read.map(|candidate| format!("{} v{} {}", candidate.title, candidate.version, candidate.chunk_id))
        .collect::<Vec<_>>()
        .join(" | ")
}

/// The passages that were read for the answer, as they were then.
pub async fn passages(desk: &Desk, organization_id: OrganizationId, trace: &Trace) -> Result<Vec<Passage>> {
    read(desk, organization_id, trace.candidates.iter().filter(|candidate| candidate.in_prompt).collect()).await
}

/// All passages that were found for the answer, as they were then.
pub async fn found(desk: &Desk, organization_id: OrganizationId, trace: &Trace) -> Result<Vec<Passage>> {
    read(desk, organization_id, trace.candidates.iter().collect()).await
}

async fn read(desk: &Desk, organization_id: OrganizationId, candidates: Vec<&Candidate>) -> Result<Vec<Passage>> {
    let mut passages = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        passages.push(reread(desk, organization_id, passages.len() + 1, candidate).await?);
    }
    Ok(passages)
}

async fn reread(desk: &Desk, organization_id: OrganizationId, index: usize, candidate: &Candidate) -> Result<Passage> {
    let version =
        desk.database.of(organization_id).load_document_version(candidate.document_id, candidate.version).await?;
    let text = version.text.get(candidate.start..candidate.end).ok_or_else(|| {
        Error::Invalid(format!(
            "document `{}` version {} is shorter than its passage",
            candidate.document_id, candidate.version
        ))
    })?;
    Ok(Passage {
        index,
        chunk_id: candidate.chunk_id,
        document_id: candidate.document_id,
        version: candidate.version,
        external_id: candidate.external_id.clone(),
        url: candidate.url.clone(),
        title: candidate.title.clone(),
        heading_path: candidate.heading_path.clone(),
        text: text.to_owned(),
        start_byte: candidate.start,
        dense: candidate.dense,
        bm25: candidate.bm25,
        fused: candidate.fused,
    })
}

/// Makes the answer of a trace again, over the passages that were read for it; it asks no model.
pub fn replay(trace: &Trace, passages: &[Passage]) -> Judged {
    let understood = understand(&trace.question, &trace.history);
    let (draft, outcome) = match (&trace.completion, trace.attempts.is_empty()) {
        (Some(completion), _) if completion.finish_reason.as_deref().is_some_and(is_half) => {
            (String::new(), ModelOutcome::NoAnswer)
        }
        (Some(completion), _) if outcome_of(&completion.text) == ModelOutcome::Drafted => {
            (completion.text.clone(), ModelOutcome::Drafted)
        }
        (Some(_), _) => (String::new(), ModelOutcome::NoAnswer),
        (None, false) => (String::new(), ModelOutcome::Unavailable),
        (None, true) if trace.over_budget && trace.settings.over_budget == OverBudget::HandOff => {
            (String::new(), ModelOutcome::LimitReached)
        }
        (None, true) if needs_no_knowledge(&understood) => (String::new(), ModelOutcome::NoAnswer),
        (None, true) => {
            let draft = quote(&understood, passages.to_vec());
            (draft.text, draft.outcome)
        }
    };
    judge(&Judging {
        understood: &understood,
        text: &trace.question,
        history: &trace.history,
        staffing: trace.staffing,
        draft: &draft,
        model: outcome,
        logprobs_mean: trace.completion.as_ref().and_then(|completion| completion.logprobs_mean),
        passages,
        evidence: &trace.evidence,
        settings: &trace.settings,
        clarifications: trace.clarifications,
        allowed_link_hosts: &trace.allowed_link_hosts,
    })
}

fn is_half(finish_reason: &str) -> bool {
    matches!(finish_reason, "length" | "content_filter")
}

fn differences(stored: &Message, judged: &Judged) -> Vec<String> {
    let mut lines = Lines::default();
    lines.compare("content", &stored.content, &judged.content);
    lines.compare("citations", &format!("{:?}", stored.citations), &format!("{:?}", judged.citations));
    lines.compare("decision", &format!("{:?}", stored.decision), &format!("{:?}", Some(judged.outcome.decision)));
    lines.compare("handoff reason", &format!("{:?}", stored.handoff_reason), &format!("{:?}", judged.outcome.reason));
    if let Some(confidence) = stored.confidence {
        lines.compare("confidence", &confidence.to_string(), &judged.confidence.value.to_string());
    }
    lines.0
}

/// What differs, a line each.
#[derive(Default)]
struct Lines(Vec<String>);

impl Lines {
    fn compare(&mut self, what: &str, before: &str, after: &str) {
        if before != after {
            self.0.push(format!("{what}:\n  - {before}\n  + {after}"));
        }
    }
}
