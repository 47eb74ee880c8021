//! From a draft to what is said: verify, confidence, decide, and the words of the desk itself. Pure, so
//! that a stored answer is replayed byte for byte.

use crate::decide::{ModelOutcome, Outcome, Situation, ambiguity, decide, offered_first};
use crate::rules::{self, Said};
use crate::sanitize::sanitize;
use crate::secrecy::Private;
use crate::texts::{Texts, texts};
use crate::understand::{Kind, Understood, Wish};
use crate::verify::{Verified, verify};
use crate::{Passage, confidence};
use domain::assistant::AssistantSettings;
use domain::confidence::Confidence;
use domain::message::{Citation, Decision};
use domain::staffing::Staffing;
use domain::trace::{Claim, PromptMessage};
use std::collections::BTreeMap;
use url::Url;

/// What is judged.
pub struct Judging<'a> {
    /// What the customer means.
    pub understood: &'a Understood,
    /// What the customer wrote.
    pub text: &'a str,
    /// What was said before, oldest first.
    pub history: &'a [PromptMessage],
    /// Who is there to take over.
    pub staffing: Staffing,
    /// The draft, with citation marks.
    pub draft: &'a str,
    /// What became of the model call.
    pub model: ModelOutcome,
    /// How likely the model held its own words, as far as it told.
    pub logprobs_mean: Option<f64>,
    /// The passages the draft may cite.
    pub passages: &'a [Passage],
    /// What the search told of whether the knowledge holds the answer.
    pub evidence: &'a BTreeMap<String, f64>,
    /// The assistant's thresholds.
    pub settings: &'a AssistantSettings,
    /// Questions asked back in a row.
    pub clarifications: i64,
    /// Hosts that may be linked to, besides those of the cited documents.
    pub allowed_link_hosts: &'a [String],
}

/// What is said, and why.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What is delivered.
    pub content: String,
    /// Its proofs.
    pub citations: Vec<Citation>,
    /// The checked draft, whatever became of it: a person may use it.
    pub draft: String,
    /// Each sentence of the draft with its proof.
    pub claims: Vec<Claim>,
    /// How sure it is.
    pub confidence: Confidence,
    /// What is done.
    pub outcome: Outcome,
    /// What an agent needs to take it: a skill that a rule names, and the language.
    pub skills: Vec<String>,
}

/// Judges a draft.
pub fn judge(judging: &Judging<'_>) -> Judged {
    let understood = judging.understood;
    let language = understood.language.as_deref();
    let withheld = private(judging).withheld(judging.draft);
    let verified = verify(withheld.as_deref().unwrap_or(judging.draft), judging.passages, language);
    let raw = confidence::confidence(judging.evidence, judging.passages, &verified.claims);
    let raw = confidence::with_model(raw, judging.logprobs_mean);
    let confidence = confidence::calibrated(raw, judging.settings.calibration.as_ref());
    let split = ambiguity(&understood.standalone, language, judging.passages);
    let rule = rules::hit(&judging.settings.handoff, judging.said());
    let was_offered = rules::was_offered(judging.history);
    let outcome = decide(&Situation {
        wish: if was_offered && rules::accepts(judging.text) { Wish::Person } else { understood.wish },
        rule: rule.as_ref().map(|rule| rule.reason),
        kind: understood.kind,
        retrieval_empty: judging.passages.is_empty(),
        ambiguous: split.is_some(),
        model: judging.model,
        support: verified.support(),
        // A model that tells what it was told in confidence may have been told to.
        blocked: verified.blocked || withheld.is_some(),
        confidence: confidence.value,
        threshold: judging.settings.threshold(),
        clarifications: judging.clarifications,
        clarifications_max: judging.settings.clarifications_max,
    });
    let asks_first = judging.settings.handoff.offer_first && !was_offered;
    let decided = if asks_first { offered_first(outcome) } else { outcome };
    let hosts = link_hosts(&verified, judging.allowed_link_hosts);
    let draft = sanitize(&verified.delivered_text, &hosts);
    let answered = decided.decision == Decision::Answer && understood.kind == Kind::Question;
    let content = if answered {
        draft.clone()
    } else if decided != outcome {
        judging.texts().offer.to_owned()
    } else {
        own_words(judging, outcome, split)
    };
    let skills = rule.and_then(|rule| rule.skill).into_iter().chain(understood.language.clone()).collect();
    Judged {
        content,
        citations: if answered { verified.citations } else { Vec::new() },
        draft,
        claims: verified.claims,
        confidence,
        outcome: decided,
        skills,
    }
}

impl Judging<'_> {
    fn said(&self) -> Said<'_> {
        let language = self.understood.language.as_deref();
        Said { text: self.text, history: self.history, language, staffing: self.staffing }
    }

    fn texts(&self) -> &'static Texts {
        texts(self.settings.language.as_deref().or(self.understood.language.as_deref()))
    }
}

/// What the instructions say and neither the passages nor the customer.
fn private(judging: &Judging<'_>) -> Private {
    let passages = judging.passages.iter();
    let public = passages.flat_map(|passage| [&*passage.title, &*passage.heading_path, &*passage.text]);
    Private::new(&judging.settings.instructions, public.chain([judging.understood.standalone.as_str()]))
}

/// What the desk says itself: a greeting, a question back, a handoff.
fn own_words(judging: &Judging<'_>, outcome: Outcome, split: Option<(&str, &str)>) -> String {
    let texts = judging.texts();
    match (outcome.decision, judging.understood.kind, split) {
        (Decision::HandOff, ..) => texts.handoff_to(judging.staffing, rules::was_announced(judging.history)),
        (Decision::Clarify, Kind::Question, Some((first, second))) => texts.clarify(first, second),
        (Decision::Clarify, ..) => texts.ask_question.to_owned(),
        (Decision::Answer, Kind::Thanks, _) => texts.welcome.to_owned(),
        (Decision::Answer, Kind::Declined, _) => texts.declined.to_owned(),
        (Decision::Answer, ..) => texts.greeting.to_owned(),
    }
}

fn link_hosts(verified: &Verified, allowed: &[String]) -> Vec<String> {
    let cited = verified.citations.iter().filter_map(|citation| citation.url.as_deref());
    let hosts = cited.filter_map(|url| Url::parse(url).ok()?.host_str().map(str::to_owned));
    allowed.iter().cloned().chain(hosts).collect()
}

/// Whether the turn needs no passages: a wish for a person, a greeting, nothing at all.
pub fn needs_no_knowledge(understood: &Understood) -> bool {
    understood.wish == Wish::Person || understood.kind != Kind::Question
}

/// How much of a handed-off draft a person may use: what was proved of it.
pub fn suggestion(judged: &Judged) -> Option<String> {
    let usable = judged.claims.iter().any(|claim| claim.supported) && !judged.draft.trim().is_empty();
    usable.then(|| judged.draft.clone())
}

/// How far the claims are proved, for people.
pub fn support_in_words(claims: &[Claim]) -> String {
    let proved = claims.iter().filter(|claim| claim.supported).count();
    if claims.is_empty() {
        "no sentence was drafted".to_owned()
    } else {
        format!("{proved} of {} drafted sentences are proved by the knowledge", claims.len())
    }
}
