//! A run: every case of a dataset through the pipeline, each outcome stored as soon as it is there, so that a
//! run that was killed goes on where it stopped, and an outcome that would be the same is taken over.

use crate::ask::{Asked, Asking, ask};
use crate::metrics::{scores, verdict};
use crate::report::{Report, Source, build};
use crate::{Error, Result, report};
use answering::{Desk, Question, calibrate, template};
use domain::assistant::{Assistant, AssistantSettings};
use domain::evaluation::{Case, CaseResult, Dataset, EvalRun, RunState};
use domain::organization::Organization;
use domain::prompt::AnswerTemplate;
use domain::replay::{Knowledge, Trial};
use domain::{AssistantId, DatasetId, OrganizationId, RunId};
use prompts::AnswerPrompt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};
use storage::Keyset;
use storage::eval_runs::{NewCaseResult, NewRun, StoredReport};
use storage::evals::CASES_MAX;
use tokio::task::JoinSet;

/// Cases that are asked at the same time where nothing else is said.
pub const CONCURRENCY: usize = 4;
/// Rows read at a time.
const BATCH: i64 = 1_000;
/// Counted up when the same set-up would answer otherwise than before.
const PIPELINE_VERSION: u32 = 5;
/// Earlier runs of the dataset that a report looks at.
const EARLIER_SHOWN: i64 = 10;
const NEVER: Duration = Duration::from_hours(24 * 365);

/// What answers depend on, stored with the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// The assistant's name.
    pub assistant: String,
    /// How it answers.
    pub settings: AssistantSettings,
    /// Hosts that answers may link to.
    pub allowed_link_hosts: Vec<String>,
    /// The model that writes; `None` quotes the knowledge.
    pub model: Option<String>,
    /// The model that vectors come from; `None` compares words only.
    pub embedding_model: Option<String>,
    /// SHA-256 of the answer prompt's template, in hex.
    pub prompt_hash: String,
    /// The version of the prompt; `None` is the built-in one.
    #[serde(default)]
    pub template: Option<AnswerTemplate>,
    /// Which knowledge is searched.
    #[serde(default)]
    pub knowledge: Knowledge,
    /// Whether the cases are past turns, asked as they were asked then.
    #[serde(default)]
    pub replays: bool,
    /// The knowledge version: the change-log seq.
    pub knowledge_version: i64,
    /// The program's version.
    pub version: String,
}

/// How a run is carried out.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Cases asked at the same time.
    pub concurrency: usize,
    /// How long it may take before it pauses.
    pub limit: Duration,
    /// Whether earlier outcomes are taken over.
    pub cached: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Self { concurrency: CONCURRENCY, limit: NEVER, cached: true }
    }
}

/// What the assistant's answers depend on at this moment.
pub async fn setup(
    desk: &Desk,
    organization_id: OrganizationId,
    assistant: &Assistant,
    trial: &Trial,
) -> Result<Setup> {
    let tenant = desk.database.of(organization_id);
    let settings = trial.applied(&assistant.settings);
    let chat = desk.model_of(organization_id).await?;
    let template = match (&trial.prompt_text, trial.prompt_version) {
        (Some(text), _) => Some(template::draft(text)?),
        (None, Some(version)) => template::version(desk, organization_id, assistant.id, version).await?,
        (None, None) if chat.is_some() => template::in_use(desk, organization_id, assistant.id, None).await?,
        (None, None) => None,
    };
    let probe = AnswerPrompt {
        assistant_name: &assistant.name,
        instructions: "",
        language: None,
        facts: Vec::new(),
        passages: Vec::new(),
        window: &[],
        question: "",
    };
    let configured = chat.map(|chat| chat.id().to_owned());
    let embedder = desk.embedder.queries().map(|queries| queries.embedder().model_id().to_owned());
    let organization = tenant.load_organization().await?.settings;
    Ok(Setup {
        assistant: assistant.name.clone(),
        allowed_link_hosts: organization.allowed_link_hosts,
        model: configured.map(|configured| settings.model.clone().unwrap_or(configured)),
        settings,
        embedding_model: embedder,
        prompt_hash: hash_of(template.as_ref(), &probe)?,
        template,
        knowledge: trial.knowledge,
        replays: trial.replays,
        knowledge_version: tenant.change_seq().await?,
        version: format!("{} · pipeline {PIPELINE_VERSION}", env!("CARGO_PKG_VERSION")),
    })
}

fn hash_of(template: Option<&AnswerTemplate>, probe: &AnswerPrompt<'_>) -> Result<String> {
    Ok(match template {
        Some(template) => prompts::answer_with(&template.source, template.version, probe)?.hash,
        None => prompts::answer(probe)?.hash,
    })
}

/// Begins a run, or finds the one of the same set-up that was interrupted.
pub async fn begin(desk: &Desk, dataset: &Dataset, assistant_id: AssistantId, cached: bool) -> Result<EvalRun> {
    begin_trial(desk, dataset, assistant_id, &Trial::default(), cached).await
}

/// The same with something changed against what is in use.
pub async fn begin_trial(
    desk: &Desk,
    dataset: &Dataset,
    assistant_id: AssistantId,
    trial: &Trial,
    cached: bool,
) -> Result<EvalRun> {
    let tenant = desk.database.of(dataset.organization_id);
    let assistant = tenant.load_assistant(assistant_id).await?;
    let setup = setup(desk, dataset.organization_id, &assistant, trial).await?;
    let fingerprint = hash(&(&setup, dataset.id, assistant_id));
    if cached && let Some(interrupted) = tenant.find_running_eval_run(&fingerprint).await? {
        return Ok(interrupted);
    }
    let new = NewRun {
        dataset_id: dataset.id,
        assistant_id,
        fingerprint,
        setup: serde_json::to_value(&setup).map_err(|error| Error::Invalid(error.to_string()))?,
        cases_total: dataset.cases,
    };
    let mut transaction = tenant.begin().await?;
    let id = transaction.insert_eval_run(new).await?;
    transaction.commit().await?;
    Ok(tenant.load_eval_run(id).await?)
}

/// The run with what its answers depend on; one that was only asked for takes what holds now.
pub async fn prepared(desk: &Desk, run: EvalRun) -> Result<EvalRun> {
    if !run.fingerprint.is_empty() {
        return Ok(run);
    }
    let tenant = desk.database.of(run.organization_id);
    let assistant = tenant.load_assistant(run.assistant_id).await?;
    let setup = setup(desk, run.organization_id, &assistant, &Trial::of_setup(&run.setup)).await?;
    let fingerprint = hash(&(&setup, run.dataset_id, run.assistant_id));
    let setup = serde_json::to_value(&setup).map_err(|error| Error::Invalid(error.to_string()))?;
    let mut transaction = tenant.begin().await?;
    transaction.set_eval_setup(run.id, &fingerprint, &setup).await?;
    transaction.commit().await?;
    Ok(tenant.load_eval_run(run.id).await?)
}

/// Asks the cases that have no outcome yet. `true`: all have one now; `false`: the time was up.
pub async fn ask_cases(desk: &Desk, run: &EvalRun, pace: Pace, on_case: impl Fn(&CaseResult)) -> Result<bool> {
    let started = Instant::now();
    let setup: Setup = read_setup(run)?;
    let tenant = desk.database.of(run.organization_id);
    let organization = tenant.load_organization().await?;
    let assistant = tenant.load_assistant(run.assistant_id).await?;
    // What the answers depend on is what the run began with, even where settings have changed meanwhile.
    let assistant = Assistant { settings: setup.settings.clone(), ..assistant };
    let done: HashSet<i64> = results(desk, run).await?.into_iter().map(|result| result.seq).collect();
    let cases = cases(desk, run.organization_id, run.dataset_id).await?;
    let chat = desk.model_of(run.organization_id).await?;
    let mut waiting = cases.into_iter().filter(|(seq, _)| !done.contains(seq));
    let mut asked = JoinSet::new();
    loop {
        while asked.len() < pace.concurrency.max(1) && started.elapsed() < pace.limit {
            let Some((seq, case)) = waiting.next() else { break };
            let question = Question { chat: chat.clone(), ..question(&organization, assistant.clone(), &setup, &case) };
            // A past turn is more than its words: its facts and passages are of its own.
            let turn = setup.replays.then_some(&case.id);
            let fingerprint = hash(&(&setup, &case.question, &case.history, turn));
            let asking = Asking { question, seq, case, fingerprint, cached: pace.cached, setup: setup.clone() };
            asked.spawn(ask(desk.clone(), asking));
        }
        let Some(joined) = asked.join_next().await else { break };
        let asked = joined.map_err(|error| Error::Invalid(format!("a case ended its task: {error}")))??;
        on_case(&store(desk, run, asked).await?);
    }
    Ok(waiting.next().is_none())
}

/// Judges a run whose cases all have an outcome, stores calibration and report, and ends it.
pub async fn finish(desk: &Desk, run: RunId, organization_id: OrganizationId) -> Result<Report> {
    let tenant = desk.database.of(organization_id);
    let run = tenant.load_eval_run(run).await?;
    if run.state != RunState::Running {
        return load_report(desk, &run).await;
    }
    let mut report = build(&source(desk, &run).await?);
    let mut transaction = tenant.begin().await?;
    if let Some(fitted) = &mut report.calibration {
        let fresh = fitted.calibration.clone();
        fitted.calibration = transaction.insert_calibration(run.assistant_id, Some(run.id), fresh).await?;
    }
    let stored = StoredReport { json: report::to_json(&report)?, html: report::html(&report).into_bytes() };
    transaction.complete_eval_run(run.id, &report.summary(), &stored).await?;
    transaction.commit().await?;
    Ok(report)
}

/// The report of a run that has ended.
pub async fn load_report(desk: &Desk, run: &EvalRun) -> Result<Report> {
    if run.state != RunState::Completed {
        return Err(Error::Invalid(format!("run `{}` is {}, it has no report", run.id, run.state)));
    }
    let stored = desk.database.of(run.organization_id).load_eval_report(run.id).await?;
    serde_json::from_slice(&stored.json).map_err(|error| Error::Invalid(format!("the report cannot be read: {error}")))
}

/// All outcomes of a run, in the dataset's order.
pub async fn results(desk: &Desk, run: &EvalRun) -> Result<Vec<CaseResult>> {
    let tenant = desk.database.of(run.organization_id);
    let mut all: Vec<CaseResult> = Vec::new();
    while all.len() < CASES_MAX {
        let after = all.last().map_or(0, |last| last.seq);
        let more = tenant.list_case_results(run.id, None, after, BATCH).await?;
        if more.is_empty() {
            break;
        }
        all.extend(more);
    }
    Ok(all)
}

async fn cases(desk: &Desk, organization_id: OrganizationId, dataset: DatasetId) -> Result<Vec<(i64, Case)>> {
    let tenant = desk.database.of(organization_id);
    let mut all: Vec<(i64, Case)> = Vec::new();
    while all.len() < CASES_MAX {
        let more = tenant.list_cases(dataset, all.last().map_or(0, |(seq, _)| *seq), BATCH).await?;
        if more.is_empty() {
            break;
        }
        all.extend(more);
    }
    Ok(all)
}

async fn source(desk: &Desk, run: &EvalRun) -> Result<Source> {
    let tenant = desk.database.of(run.organization_id);
    let results = results(desk, run).await?;
    let mut traces = BTreeMap::new();
    for result in report::drilled(&results) {
        traces.insert(result.seq, tenant.load_case_trace(run.id, result.seq).await?);
    }
    Ok(Source {
        dataset: tenant.load_dataset(run.dataset_id).await?,
        cases: cases(desk, run.organization_id, run.dataset_id).await?.into_iter().collect(),
        setup: read_setup(run)?,
        earlier: earlier(desk, run).await?,
        told: calibrate::told(desk, run.organization_id, run.assistant_id).await?,
        prior: calibrate::prior(desk, run.organization_id, run.assistant_id).await?,
        run: run.clone(),
        results,
        traces,
    })
}

/// Completed runs of the same dataset, oldest first.
async fn earlier(desk: &Desk, run: &EvalRun) -> Result<Vec<EvalRun>> {
    let tenant = desk.database.of(run.organization_id);
    let mut runs =
        tenant.list_eval_runs(Some(run.dataset_id), Keyset::at(run.created_at, run.id), EARLIER_SHOWN).await?;
    runs.retain(|earlier| earlier.state == RunState::Completed);
    runs.reverse();
    Ok(runs)
}

fn read_setup(run: &EvalRun) -> Result<Setup> {
    serde_json::from_value(run.setup.clone())
        .map_err(|error| Error::Invalid(format!("the set-up of run `{}` cannot be read: {error}", run.id)))
}

fn question(organization: &Organization, assistant: Assistant, setup: &Setup, case: &Case) -> Question {
    Question {
        organization_id: organization.id,
        assistant,
        text: case.question.clone(),
        history: case.history.clone(),
        summary: String::new(),
        facts: Vec::new(),
        earlier: answering::recall::Earlier::default(),
        clarifications: 0,
        staffing: domain::staffing::Staffing::default(),
        allowed_link_hosts: setup.allowed_link_hosts.clone(),
        template: setup.template.clone(),
        budget: organization.settings.budget,
        chat: None,
    }
}

async fn store(desk: &Desk, run: &EvalRun, asked: Asked) -> Result<CaseResult> {
    let tenant = desk.database.of(run.organization_id);
    let new = NewCaseResult {
        run_id: run.id,
        seq: asked.seq,
        case_id: asked.case.id.clone(),
        fingerprint: asked.fingerprint.clone(),
        cached: asked.cached,
        verdict: verdict(&asked.case, &asked.outcome),
        outcome: asked.outcome.clone(),
        scores: scores(&asked.case, &asked.outcome),
        trace: asked.trace,
    };
    let result = CaseResult {
        run_id: run.id,
        seq: new.seq,
        case_id: new.case_id.clone(),
        fingerprint: asked.fingerprint,
        cached: new.cached,
        verdict: new.verdict,
        outcome: asked.outcome,
        scores: new.scores.clone(),
        created_at: tenant.now(),
    };
    let mut transaction = tenant.begin().await?;
    transaction.insert_case_result(new).await?;
    transaction.commit().await?;
    Ok(result)
}

/// SHA-256 of a value as JSON, in hex.
fn hash(value: &impl Serialize) -> String {
    hex::encode(Sha256::digest(serde_json::to_vec(value).unwrap_or_default()))
}
