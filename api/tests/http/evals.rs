use crate::support::{TestDesk, id};
use domain::calibration::{Calibration, Method, Promise};
use domain::evaluation::{Outcome, Verdict};
use domain::job::{JobState, RunEval, Work};
use domain::trace::Trace;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use storage::eval_runs::{NewCaseResult, StoredReport};

const QUESTION: &str = "How long do refunds take?";

fn dataset(case: &Value) -> Value {
    json!({ "name": "refunds", "cases": [{ "id": "a", "question": QUESTION }, case] })
}

/// Ends a run as its job would.
async fn end(desk: &TestDesk, run: &str, verdict: Verdict) {
    let run_id = run.parse().unwrap();
    let tenant = desk.database().of(desk.organization_id);
    let assistant = tenant.load_eval_run(run_id).await.unwrap().assistant_id;
    let mut transaction = tenant.begin().await.unwrap();
    let result = NewCaseResult {
        run_id,
        seq: 1,
        case_id: "a".into(),
        fingerprint: "f".into(),
        cached: false,
        verdict,
        outcome: Outcome { answer: "14 days".into(), ..Outcome::default() },
        scores: BTreeMap::from([("mrr".to_owned(), 1.0)]),
        trace: Trace::default(),
    };
    transaction.insert_case_result(result).await.unwrap();
    let promise = |target_error, threshold, labels_missing| Promise {
        target_error,
        threshold,
        coverage: 0.5,
        observed_error: 0.0,
        error_bound: 0.0,
        labels_missing,
    };
    let calibration = Calibration {
        version: 0,
        method: Method::Platt,
        labels: 50,
        origins: BTreeMap::new(),
        logistic: None,
        knots: vec![(0.0, 0.0), (1.0, 1.0)],
        promises: vec![promise(0.03, None, 26), promise(0.05, Some(0.8), 0)],
    };
    transaction.insert_calibration(assistant, Some(run_id), calibration).await.unwrap();
    let report = StoredReport { json: b"{\"run\":1}".to_vec(), html: b"<!doctype html>".to_vec() };
    transaction.complete_eval_run(run_id, &BTreeMap::new(), &report).await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn a_dataset_is_refused_with_the_place_that_is_wrong() {
    let desk = TestDesk::new().await;
    for (case, pointer, says) in [
        (json!({ "id": "b" }), "/cases/1", "`question` is missing"),
        (json!({ "id": "a", "question": "x" }), "/cases/1", "there twice"),
        (json!({ "id": "b", "question": "x", "must_match": ["("] }), "/cases/1", "cannot be read"),
        (
            json!({ "id": "b", "question": "x", "documents": ["nope"] }),
            "/cases/1/documents",
            "`nope` is not in the knowledge",
        ),
        (json!({ "id": "b", "question": "x", "metric": "rouge" }), "/cases/1/metric", "unknown field"),
    ] {
        let reply = desk.post("/v1/evals/datasets", dataset(&case)).await;
        assert_eq!(reply.body["errors"][0]["pointer"], pointer, "{}", reply.body);
        assert!(reply.body["detail"].as_str().unwrap().contains(says), "{}", reply.body);
        assert_eq!(reply.problem(400), "invalid_request");
    }
    let none = json!({ "name": "past", "conversations": { "days": 7 } });
    assert_eq!(desk.post("/v1/evals/datasets", none).await.problem(400), "invalid_request");
}

#[tokio::test]
async fn a_run_is_a_job_and_its_outcomes_are_read_and_compared() {
    let desk = TestDesk::new().await;
    let case = json!({ "id": "b", "question": "Who are you?", "expected": "hand_off" });
    let set = desk.post("/v1/evals/datasets", dataset(&case)).await.expect(201);
    let same = desk.post("/v1/evals/datasets", dataset(&case)).await.expect(201);
    assert_eq!((&set["id"], &set["cases"]), (&same["id"], &json!(2)));
    assert_eq!(desk.get("/v1/evals/datasets").await.expect(200)["data"], json!([set]));
    assert_eq!(desk.get(&format!("/v1/evals/datasets/{}", id(&set))).await.expect(200), set);

    let mut runs = Vec::new();
    for verdict in [Verdict::RightAnswer, Verdict::WrongAnswer] {
        let run = desk.post("/v1/evals/runs", json!({ "dataset": id(&set) })).await.expect(201);
        assert_eq!((&run["state"], &run["cases_total"]), (&json!("running"), &json!(2)));
        assert_eq!(desk.get(&format!("/v1/evals/runs/{}/report", id(&run))).await.problem(404), "not_found");
        end(&desk, id(&run), verdict).await;
        runs.push(id(&run).to_owned());
    }
    let jobs = desk.database().list_jobs(Some(JobState::Available), 10).await.unwrap();
    assert_eq!(jobs.iter().filter(|job| job.kind == RunEval::KIND).count(), 2);
    let [before, after] = [&runs[0], &runs[1]];
    let listed = desk.get(&format!("/v1/evals/runs?dataset={}&limit=1", id(&set))).await.expect(200);
    assert_eq!((&listed["data"][0]["id"], &listed["has_more"]), (&json!(after), &json!(true)));
    let cases = desk.get(&format!("/v1/evals/runs/{after}/cases?verdict=wrong_answer")).await.expect(200);
    assert_eq!((&cases["data"][0]["case_id"], &cases["data"][0]["scores"]["mrr"]), (&json!("a"), &json!(1.0)));
    let page = desk.get(&format!("/v1/evals/runs/{after}/report?format=html")).await;
    assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    assert_eq!(desk.get(&format!("/v1/evals/runs/{after}/report")).await.expect(200), json!({ "run": 1 }));
    let compared = desk.get(&format!("/v1/evals/compare?before={before}&after={after}")).await.expect(200);
    assert_eq!((&compared["cases"], &compared["flips"][0]["change"]), (&json!(1), &json!("regressed")));
}

#[tokio::test]
async fn a_calibration_is_put_in_force_only_with_a_target_that_it_promises() {
    let desk = TestDesk::new().await;
    let case = json!({ "id": "b", "question": "Who are you?" });
    let set = desk.post("/v1/evals/datasets", dataset(&case)).await.expect(201);
    let run = desk.post("/v1/evals/runs", json!({ "dataset": id(&set) })).await.expect(201);
    let path = format!("/v1/evals/runs/{}/calibration", id(&run));
    assert_eq!(desk.post(&path, json!({})).await.problem(409), "no_calibration");
    end(&desk, id(&run), Verdict::RightAnswer).await;
    let refused = desk.post(&path, json!({ "target_error": 0.03 })).await;
    assert!(refused.body["detail"].as_str().unwrap().contains("at least 26 more"), "{}", refused.body);
    assert_eq!(refused.problem(409), "target_not_promised");
    let assistant = desk.post(&path, json!({ "target_error": 0.05 })).await.expect(201);
    assert_eq!(assistant["settings"]["calibration"]["version"], 1);
    let changed = format!("/v1/assistants/{}", id(&assistant));
    let strict = json!({ "settings": { "target_error": 0.03 } });
    assert_eq!(desk.patch(&changed, strict).await.body["errors"][0]["pointer"], "/settings/target_error");
    let off = json!({ "settings": { "target_error": null, "calibration": null } });
    assert!(desk.patch(&changed, off).await.expect(200)["settings"].get("calibration").is_none());
}

#[tokio::test]
async fn one_more_case_makes_a_dataset_of_the_same_name() {
    let desk = TestDesk::new().await;
    let first = desk.post("/v1/evals/datasets", dataset(&json!({ "id": "b", "question": "x" }))).await.expect(201);
    let path = format!("/v1/evals/datasets/{}/cases", id(&first));
    let more = desk.post(&path, json!({ "id": "c", "question": "y", "expected": "hand_off" })).await.expect(201);
    assert_eq!((&more["name"], &more["cases"]), (&json!("refunds"), &json!(3)));
    assert_ne!(more["id"], first["id"], "runs of the one before keep it");
    let twice = desk.post(&path, json!({ "id": "a", "question": "y" })).await;
    assert!(twice.body["detail"].as_str().unwrap().contains("there twice"), "{}", twice.body);
    twice.problem(400);
}
