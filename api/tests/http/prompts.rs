use crate::support::{TestDesk, id};
use domain::job::{JobState, RunEval, Work};
use serde_json::json;

const FENCED: &str = "{% for passage in passages %}\n[{{ passage.index }}]\n<{{ fence }}>\n{{ passage.text }}\n</{{ fence }}>\n{% endfor %}";
const PATH: &str = "/v1/prompts/answer/versions";

#[tokio::test]
async fn a_version_is_drafted_compared_published_and_rolled_back() {
    let desk = TestDesk::new().await;
    let names = desk.get("/v1/prompts").await.expect(200);
    assert_eq!(names["data"].as_array().unwrap().len(), 5);
    let built_in = desk.get(&format!("{PATH}/1")).await.expect(200);
    assert_eq!((&built_in["state"], &built_in["created_at"]), (&json!("published"), &json!(null)));
    let wrong = desk.post(PATH, json!({ "source": format!("Hi\n{{{{ custmer }}}}{FENCED}") })).await;
    assert_eq!(wrong.body["errors"][0]["pointer"], "/source");
    assert!(wrong.body["detail"].as_str().unwrap().contains("line 2, column 4: there is no variable `custmer`"));
    assert_eq!(wrong.problem(400), "invalid_request");
    let none = desk.post("/v1/prompts/standalone/versions", json!({ "source": FENCED })).await;
    assert_eq!(none.problem(409), "prompt_without_versions");
    assert_eq!(desk.get("/v1/prompts/nothing/versions").await.problem(404), "not_found");

    let draft = desk.post(PATH, json!({ "source": FENCED, "note": "shorter" })).await.expect(201);
    assert_eq!((&draft["version"], &draft["state"], &draft["note"]), (&json!(2), &json!("draft"), &json!("shorter")));
    let diff = desk.get(&format!("{PATH}/2/diff")).await.expect(200);
    assert_eq!(diff["before"], 1);
    assert!(diff["diff"].as_str().unwrap().starts_with("--- version 1\n+++ version 2\n"), "{diff}");
    let live = desk.post(&format!("{PATH}/2/publish"), json!({ "share": 25 })).await.expect(200);
    assert_eq!((&live["state"], &live["share"]), (&json!("published"), &json!(25)));
    assert_eq!(desk.get(&format!("{PATH}/1")).await.expect(200)["state"], "published", "for everybody else");
    desk.post(&format!("{PATH}/2/publish"), json!({})).await.expect(200);
    assert_eq!(desk.get(&format!("{PATH}/1")).await.expect(200)["state"], "replaced");
    desk.post(&format!("{PATH}/1/publish"), json!({})).await.expect(200);
    assert_eq!(desk.get(&format!("{PATH}/2")).await.expect(200)["state"], "rolled_back");
    assert_eq!(desk.post(&format!("{PATH}/1/publish"), json!({ "share": 5 })).await.problem(400), "invalid_request");
    assert_eq!(desk.post(&format!("{PATH}/7/publish"), json!({})).await.problem(404), "not_found");
    let first = desk.get(&format!("{PATH}?limit=1")).await.expect(200);
    assert_eq!((&first["data"][0]["version"], &first["has_more"]), (&json!(2), &json!(true)));
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = desk.get(&format!("{PATH}?limit=1&after={cursor}")).await.expect(200);
    assert_eq!((&second["data"][0]["version"], &second["has_more"]), (&json!(1), &json!(false)));
}

#[tokio::test]
async fn the_playground_tries_a_draft_text_or_a_version() {
    let desk = TestDesk::new().await;
    desk.publish("Refunds", "Refunds reach your card within 5 working days.").await;
    desk.post(PATH, json!({ "source": FENCED })).await.expect(201);
    let ask = |more: serde_json::Value| {
        let mut body = json!({ "question": "How long do refunds take to reach my card?" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for more in [json!({ "prompt_version": 2 }), json!({ "prompt_text": FENCED }), json!({ "prompt_version": 1 })] {
        assert_eq!(desk.post("/v1/playground/runs", ask(more)).await.expect(200)["decision"], "answer");
    }
    let unknown = desk.post("/v1/playground/runs", ask(json!({ "prompt_version": 9 }))).await;
    assert_eq!(unknown.problem(404), "not_found");
    let wrong = desk.post("/v1/playground/runs", ask(json!({ "prompt_text": "{% for" }))).await;
    assert_eq!(wrong.body["errors"][0]["pointer"], "/prompt_text");
    let both = desk.post("/v1/playground/runs", ask(json!({ "prompt_text": FENCED, "prompt_version": 2 }))).await;
    assert_eq!(both.problem(400), "invalid_request");
}

#[tokio::test]
async fn a_gate_begins_a_run_and_the_version_waits_for_it() {
    let desk = TestDesk::new().await;
    let case = json!({ "id": "a", "question": "How long do refunds take?" });
    let assistant = desk.get("/v1/assistants").await.expect(200)["data"][0].clone();
    let gate = json!({ "settings": { "publish_gate": { "dataset": "refunds", "min": { "mrr": 0.9 } } } });
    desk.patch(&format!("/v1/assistants/{}", id(&assistant)), gate).await.expect(200);
    desk.post(PATH, json!({ "source": FENCED })).await.expect(201);
    let publish = format!("{PATH}/2/publish");
    assert_eq!(desk.post(&publish, json!({})).await.problem(409), "gate_without_dataset");
    desk.post("/v1/evals/datasets", json!({ "name": "refunds", "cases": [case] })).await.expect(201);
    let waits = desk.post(&publish, json!({ "share": 50 })).await.expect(202);
    assert_eq!((&waits["state"], &waits["share"]), (&json!("checking"), &json!(50)));
    let run = waits["run_id"].as_str().unwrap();
    let again = desk.post(&publish, json!({})).await;
    assert!(again.body["detail"].as_str().unwrap().contains(run), "{}", again.body);
    assert_eq!(again.problem(409), "gate_running");
    let jobs = desk.database().list_jobs(Some(JobState::Available), 10).await.unwrap();
    assert_eq!(jobs.iter().filter(|job| job.kind == RunEval::KIND).count(), 1);

    // As its job ends a run that does not pass.
    let run_id = run.parse().unwrap();
    let tenant = desk.database().of(desk.organization_id);
    let setup = json!({ "knowledge_version": tenant.change_seq().await.unwrap() });
    let mut transaction = tenant.begin().await.unwrap();
    transaction.set_eval_setup(run_id, "f", &setup).await.unwrap();
    transaction.refuse_prompt(run_id, "mrr ≥ 0.9 found 0.1000").await.unwrap();
    transaction.commit().await.unwrap();
    let refused = desk.post(&publish, json!({})).await;
    assert!(refused.body["detail"].as_str().unwrap().contains("mrr ≥ 0.9 found 0.1000"), "{}", refused.body);
    assert_eq!(refused.problem(409), "gate_not_passed");
    assert_eq!(desk.post(&publish, json!({ "recheck": true })).await.expect(202)["state"], "checking");
}

#[tokio::test]
async fn a_replay_says_what_it_takes_before_it_begins() {
    let desk = TestDesk::new().await;
    let body = |more: serde_json::Value| {
        let mut body = json!({ "from": "2020-01-01T00:00:00Z", "to": "2120-01-01T00:00:00Z" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let empty = desk.post("/v1/evals/replays", body(json!({}))).await;
    assert!(empty.body["detail"].as_str().unwrap().contains("no reply"), "{}", empty.body);
    desk.publish("Refunds", "Refunds reach your card within 5 working days.").await;
    let conversation = desk.post("/v1/conversations", json!({ "customer": "ada" })).await.expect(201);
    let asked = json!({ "content": "How long do refunds take to reach my card?", "sender": "customer" });
    desk.post(&format!("/v1/conversations/{}/messages?wait=answer", id(&conversation)), asked).await.expect(200);
    let estimate = desk.post("/v1/evals/replays", body(json!({ "estimate_only": true }))).await.expect(200);
    assert_eq!((&estimate["estimate"]["turns"], &estimate["run"]), (&json!(1), &json!(null)));
    let wrong = desk.post("/v1/evals/replays", body(json!({ "dense_weight": 2.0 }))).await;
    assert!(wrong.body["detail"].as_str().unwrap().contains("dense_weight"), "{}", wrong.body);
    let replay = desk.post("/v1/evals/replays", body(json!({ "passages_max": 1 }))).await.expect(201);
    let run = id(&replay["run"]);
    let shown = desk.get(&format!("/v1/evals/replays/{run}")).await.expect(200);
    assert_eq!((&shown["run"]["state"], &shown["turns"]), (&json!("running"), &json!([])));
    assert_eq!(shown["run"]["setup"]["trial"]["passages_max"], 1);
}
