//! Eval runs: their outcomes, reports, and the calibrations fitted from them.

use crate::sql::{Run, Sql};
use crate::traces::{decompressed, from_json, to_json};
use crate::{Error, Keyset, Result, Tenant, Transaction};
use domain::calibration::Calibration;
use domain::evaluation::{CaseResult, EvalRun, Outcome, RunState, Verdict};
use domain::trace::Trace;
use domain::{AssistantId, DatasetId, RunId, Time};
use serde_json::Value;
use sqlx::types::Json;
use std::collections::BTreeMap;

/// Bytes of a report at most.
const REPORT_BYTES_MAX: usize = 256 * 1024 * 1024;

const RUN_COLUMNS: &str = "r.id, r.organization_id, r.dataset_id, r.assistant_id, r.state, r.fingerprint, r.setup, r.summary, r.error,
    r.cases_total, (select count(*) from eval_results e where e.run_id = r.id) as cases_done, r.created_at, r.finished_at";
const RESULT_COLUMNS: &str = "run_id, seq, case_id, fingerprint, cached, verdict, outcome, scores, created_at";

/// A run to be.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// The dataset.
    pub dataset_id: DatasetId,
    /// Who answers.
    pub assistant_id: AssistantId,
    /// SHA-256 over the dataset and the set-up, in hex; empty until the set-up is known.
    pub fingerprint: String,
    /// What the answers depend on: a JSON object.
    pub setup: Value,
    /// Cases to ask.
    pub cases_total: i64,
}

/// The outcome of a case to store.
#[derive(Clone, Debug)]
pub struct NewCaseResult {
    /// The run.
    pub run_id: RunId,
    /// The case's place in its dataset.
    pub seq: i64,
    /// The case's id.
    pub case_id: String,
    /// SHA-256 of everything the outcome depended on, in hex.
    pub fingerprint: String,
    /// Whether it was taken over from an earlier run.
    pub cached: bool,
    /// How it went.
    pub verdict: Verdict,
    /// What the pipeline made of it.
    pub outcome: Outcome,
    /// Scores by metric.
    pub scores: BTreeMap<String, f64>,
    /// Everything that led to it.
    pub trace: Trace,
}

/// A finished report in both forms.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredReport {
    /// `report.json`.
    pub json: Vec<u8>,
    /// `report.html`.
    pub html: Vec<u8>,
}

impl Transaction {
    /// Begins a run.
    pub async fn insert_eval_run(&mut self, new: NewRun) -> Result<RunId> {
        let organization_id = self.organization_id()?;
        let (id, now): (RunId, Time) = (self.id(), self.now());
        (&mut *self)
            .run(
                "insert into eval_runs (id, organization_id, dataset_id, assistant_id, state, fingerprint, setup, summary,
                    cases_total, created_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                (
                    id,
                    organization_id,
                    new.dataset_id,
                    new.assistant_id,
                    RunState::Running,
                    new.fingerprint,
                    Json(new.setup),
                    Json(BTreeMap::<String, f64>::new()),
                    new.cases_total,
                    now,
                ),
            )
            .await?;
        self.tell("eval.started", None, serde_json::json!({ "run_id": id, "cases": new.cases_total }));
        Ok(id)
    }

    /// Notes what the answers of a run depend on, where that is not known yet.
    pub async fn set_eval_setup(&mut self, id: RunId, fingerprint: &str, setup: &Value) -> Result<()> {
        let arguments = (self.organization_id()?, id, fingerprint.to_owned(), Json(setup.clone()));
        (&mut *self)
            .run(
                "update eval_runs set fingerprint = $3, setup = $4 where organization_id = $1 and id = $2 and fingerprint = ''",
                arguments,
            )
            .await?;
        Ok(())
    }

    /// Stores the outcome of a case. `false`: the run has one of this case already.
    pub async fn insert_case_result(&mut self, new: NewCaseResult) -> Result<bool> {
        let organization_id = self.organization_id()?;
        let now = self.now();
        let trace = to_json(&new.trace)?;
        let inserted = (&mut *self)
            .run(
                "insert into eval_results (run_id, organization_id, seq, case_id, fingerprint, cached, verdict, outcome,
                    scores, trace, created_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing",
                (
                    new.run_id,
                    organization_id,
                    new.seq,
                    new.case_id,
                    new.fingerprint,
                    new.cached,
                    new.verdict,
                    Json(new.outcome),
                    Json(new.scores),
                    trace,
                    now,
                ),
            )
            .await?;
        Ok(inserted == 1)
    }

    /// Ends a run that is still running with its means and its report. `false`: it had ended before.
    pub async fn complete_eval_run(
        &mut self,
        id: RunId,
        summary: &BTreeMap<String, f64>,
        report: &StoredReport,
    ) -> Result<bool> {
        let organization_id = self.organization_id()?;
        let now = self.now();
        let ended = (&mut *self)
            .run(
                "update eval_runs set state = 'completed', summary = $3, finished_at = $4
                 where organization_id = $1 and id = $2 and state = 'running'",
                (organization_id, id, Json(summary.clone()), now),
            )
            .await?;
        if ended == 1 {
            let (json, html) = (compressed(&report.json)?, compressed(&report.html)?);
            (&mut *self)
                .run(
                    "insert into eval_reports (run_id, organization_id, json, html, created_at) values ($1, $2, $3, $4, $5)",
                    (id, organization_id, json, html, now),
                )
                .await?;
            self.tell("eval.completed", None, serde_json::json!({ "run_id": id }));
        }
        Ok(ended == 1)
    }

    /// Ends a run that gave up. `false`: it had ended before.
    pub async fn fail_eval_run(&mut self, id: RunId, error: &str) -> Result<bool> {
        let arguments = (self.organization_id()?, id, error.to_owned(), self.now());
        let ended = (&mut *self)
            .run(
                "update eval_runs set state = 'failed', error = $3, finished_at = $4
                 where organization_id = $1 and id = $2 and state = 'running'",
                arguments,
            )
            .await?;
        if ended == 1 {
            self.tell("eval.failed", None, serde_json::json!({ "run_id": id, "error": error }));
        }
        Ok(ended == 1)
    }

    /// Stores a calibration under the assistant's next version, which it is given.
    pub async fn insert_calibration(
        &mut self,
        assistant_id: AssistantId,
        run_id: Option<RunId>,
        mut calibration: Calibration,
    ) -> Result<Calibration> {
        let organization_id = self.organization_id()?;
        let now = self.now();
        calibration.version = (&mut *self)
            .scalar(
                "select coalesce(max(version), 0) + 1 from calibrations where organization_id = $1 and assistant_id = $2",
                (organization_id, assistant_id),
            )
            .await?;
        (&mut *self)
            .run(
                "insert into calibrations (assistant_id, version, organization_id, run_id, body, created_at)
                 values ($1, $2, $3, $4, $5, $6)",
                (assistant_id, calibration.version, organization_id, run_id, Json(calibration.clone()), now),
            )
            .await?;
        Ok(calibration)
    }
}

impl Tenant<'_> {
    /// The run with that id.
    pub async fn load_eval_run(self, id: RunId) -> Result<EvalRun> {
        self.find(
            Sql::dynamic(format!("select {RUN_COLUMNS} from eval_runs r where r.organization_id = $1 and r.id = $2")),
            (self.organization_id(), id),
        )
        .await?
        .ok_or_else(|| Error::not_found("run", id))
    }

    /// The newest run with that fingerprint that is still running: one that was interrupted goes on.
    pub async fn find_running_eval_run(self, fingerprint: &str) -> Result<Option<EvalRun>> {
        self.find(
            Sql::dynamic(format!(
                "select {RUN_COLUMNS} from eval_runs r where r.organization_id = $1 and r.fingerprint = $2
                    and r.state = 'running' order by r.created_at desc, r.id desc limit 1"
            )),
            (self.organization_id(), fingerprint.to_owned()),
        )
        .await
    }

    /// Runs, the newest first; of one dataset, or of all.
    pub async fn list_eval_runs(self, dataset: Option<DatasetId>, after: Keyset, limit: i64) -> Result<Vec<EvalRun>> {
        self.all(
            Sql::dynamic(format!(
                "select {RUN_COLUMNS} from eval_runs r where r.organization_id = $1 and ($2 is null or r.dataset_id = $2)
                    and (r.created_at, r.id) < ($3, $4) order by r.created_at desc, r.id desc limit $5"
            )),
            (self.organization_id(), dataset, after.time, after.id, limit),
        )
        .await
    }

    /// Outcomes of a run with a place after `after`, in the dataset's order; of one verdict, or of all.
    pub async fn list_case_results(
        self,
        id: RunId,
        verdict: Option<Verdict>,
        after: i64,
        limit: i64,
    ) -> Result<Vec<CaseResult>> {
        self.all(
            Sql::dynamic(format!(
                "select {RESULT_COLUMNS} from eval_results where organization_id = $1 and run_id = $2
                    and ($3 is null or verdict = $3) and seq > $4 order by seq limit $5"
            )),
            (self.organization_id(), id, verdict, after, limit),
        )
        .await
    }

    /// An earlier outcome that depended on the same things, with its trace.
    pub async fn find_case_result(self, fingerprint: &str) -> Result<Option<(Outcome, Trace)>> {
        let row: Option<(Json<Outcome>, Vec<u8>)> = self
            .find(
                "select outcome, trace from eval_results where organization_id = $1 and fingerprint = $2
                 order by created_at desc limit 1",
                (self.organization_id(), fingerprint.to_owned()),
            )
            .await?;
        row.map(|(Json(outcome), trace)| Ok((outcome, from_json(&trace)?))).transpose()
    }

    /// The trace of a case.
    pub async fn load_case_trace(self, run: RunId, seq: i64) -> Result<Trace> {
        let row: Option<(Vec<u8>,)> = self
            .find(
                "select trace from eval_results where organization_id = $1 and run_id = $2 and seq = $3",
                (self.organization_id(), run, seq),
            )
            .await?;
        let (trace,) = row.ok_or_else(|| Error::not_found("case of run", run))?;
        from_json(&trace)
    }

    /// The report of a completed run.
    pub async fn load_eval_report(self, id: RunId) -> Result<StoredReport> {
        let row: Option<(Vec<u8>, Vec<u8>)> = self
            .find(
                "select json, html from eval_reports where organization_id = $1 and run_id = $2",
                (self.organization_id(), id),
            )
            .await?;
        let (json, html) = row.ok_or_else(|| Error::not_found("report of run", id))?;
        Ok(StoredReport { json: decompressed(&json, REPORT_BYTES_MAX)?, html: decompressed(&html, REPORT_BYTES_MAX)? })
    }

    /// The newest calibration of each assistant.
    pub async fn list_newest_calibrations(self) -> Result<Vec<(AssistantId, Calibration)>> {
        let rows: Vec<(AssistantId, Json<Calibration>)> = self
            .all(
                "select c.assistant_id, c.body from calibrations c where c.organization_id = $1
                    and c.version = (select max(n.version) from calibrations n
                        where n.organization_id = $1 and n.assistant_id = c.assistant_id)
                 order by c.assistant_id",
                (self.organization_id(),),
            )
            .await?;
        Ok(rows.into_iter().map(|(assistant, Json(calibration))| (assistant, calibration)).collect())
    }

    /// The newest calibration of an assistant; of one run, or of all.
    pub async fn find_calibration(self, assistant: AssistantId, run: Option<RunId>) -> Result<Option<Calibration>> {
        let row: Option<(Json<Calibration>,)> = self
            .find(
                "select body from calibrations where organization_id = $1 and assistant_id = $2
                    and ($3 is null or run_id = $3) order by version desc limit 1",
                (self.organization_id(), assistant, run),
            )
            .await?;
        Ok(row.map(|(Json(calibration),)| calibration))
    }
}

fn compressed(bytes: &[u8]) -> Result<Vec<u8>> {
    zstd::bulk::compress(bytes, 3).map_err(|error| Error::Damaged { what: "report", detail: error.to_string() })
}
