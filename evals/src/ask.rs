//! Asks one case: as it stands, or as the past turn that it was.

use crate::Result;
use crate::outcome::{failed, outcome};
use crate::run::Setup;
use answering::answer::{Given, answer_given};
use answering::{Desk, Question, spend};
use domain::evaluation::{Case, Outcome};
use domain::handoff::HandoffReason;
use domain::replay::Knowledge;
use domain::trace::Trace;
use domain::{ErrorKind, Kinded, MessageId};

/// A case with its outcome.
pub(crate) struct Asked {
    pub(crate) seq: i64,
    pub(crate) case: Case,
    pub(crate) fingerprint: String,
    pub(crate) cached: bool,
    pub(crate) outcome: Outcome,
    pub(crate) trace: Trace,
}

/// A case to ask.
pub(crate) struct Asking {
    pub(crate) question: Question,
    pub(crate) seq: i64,
    pub(crate) case: Case,
    pub(crate) fingerprint: String,
    pub(crate) cached: bool,
    pub(crate) setup: Setup,
}

/// Asks a case, or takes its outcome over.
pub(crate) async fn ask(desk: Desk, asking: Asking) -> Result<Asked> {
    let Asking { mut question, seq, case, fingerprint, cached, setup } = asking;
    if cached {
        let found = desk.database.of(question.organization_id).find_case_result(&fingerprint).await?;
        if let Some((outcome, trace)) = found.filter(|(outcome, trace)| is_whole(outcome, trace, &setup)) {
            return Ok(Asked { seq, case, fingerprint, cached: true, outcome, trace });
        }
    }
    let given =
        if setup.replays { past(&desk, &mut question, &case, setup.knowledge).await? } else { Given::default() };
    let (outcome, trace) = match answer_given(&desk, &question, given).await {
        Ok(answer) => {
            spend::record(&desk, &question, &answer).await?;
            (outcome(&answer), answer.trace)
        }
        Err(error) => failed(&error),
    };
    Ok(Asked { seq, case, fingerprint, cached: false, outcome, trace })
}

/// Whether an earlier outcome is what the set-up gives: a failure, a search with half its means or a model that
/// was down or too dear is none, it is tried again.
fn is_whole(outcome: &Outcome, trace: &Trace, setup: &Setup) -> bool {
    let half_searched = setup.embedding_model.is_some() && trace.degraded.is_some();
    let unasked = outcome.handoff_reason == Some(HandoffReason::ModelUnavailable);
    outcome.error.is_none() && !half_searched && !unasked && !trace.over_budget
}

/// Puts the question as it was put then; what the trace of then no longer tells is taken from the case.
async fn past(desk: &Desk, question: &mut Question, case: &Case, knowledge: Knowledge) -> Result<Given> {
    let Ok(message) = case.id.parse::<MessageId>() else { return Ok(Given::default()) };
    let trace = match desk.database.of(question.organization_id).load_trace(message).await {
        Ok(trace) => trace,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Given::default()),
        Err(error) => return Err(error.into()),
    };
    question.text.clone_from(&trace.question);
    question.history.clone_from(&trace.history);
    question.clarifications = trace.clarifications;
    let passages = match knowledge {
        Knowledge::Then => Some(answering::rerun::passages(desk, question.organization_id, &trace).await?),
        Knowledge::Now => None,
    };
    let evidence = passages.is_some().then_some(trace.evidence);
    Ok(Given { passages, evidence, facts: Some(trace.recalled_facts) })
}
