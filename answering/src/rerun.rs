//! Replays a stored answer from its trace, offline: the same passages, the same draft, the same bytes.

use crate::decide::ModelOutcome;
use crate::generate::{outcome_of, quote};
use crate::judge::{Judged, Judging, judge, needs_no_knowledge};
use crate::understand::understand;
use crate::{Desk, Error, Passage, Result};
use domain::message::Message;
use domain::trace::{Candidate, Trace};
use domain::usage::OverBudget;
use domain::{MessageId, OrganizationId};

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

/// The passages that were read for the answer, as they were then.
pub async fn passages(desk: &Desk, organization_id: OrganizationId, trace: &Trace) -> Result<Vec<Passage>> {
    let mut passages = Vec::new();
    for candidate in trace.candidates.iter().filter(|candidate| candidate.in_prompt) {
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

fn replay(trace: &Trace, passages: &[Passage]) -> Judged {
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
        draft: &draft,
        model: outcome,
        passages,
        settings: &trace.settings,
        clarifications: trace.clarifications,
        allowed_link_hosts: &trace.allowed_link_hosts,
    })
}

fn is_half(finish_reason: &str) -> bool {
    matches!(finish_reason, "length" | "content_filter")
}

fn differences(stored: &Message, judged: &Judged) -> Vec<String> {
    let mut lines = Vec::new();
    let mut compare = |what: &str, before: String, after: String| {
        if before != after {
            lines.push(format!("{what}:\n  - {before}\n  + {after}"));
        }
    };
    compare("content", stored.content.clone(), judged.content.clone());
    compare("citations", format!("{:?}", stored.citations), format!("{:?}", judged.citations));
    compare("decision", format!("{:?}", stored.decision), format!("{:?}", Some(judged.outcome.decision)));
    compare("handoff reason", format!("{:?}", stored.handoff_reason), format!("{:?}", judged.outcome.reason));
    if let Some(confidence) = stored.confidence {
        compare("confidence", confidence.to_string(), judged.confidence.value.to_string());
    }
    lines
}
