use crate::support::{TestDesk, id};
use api::Settings;
use domain::usage::TokenUsage;
use ingest::guard::Guard;
use serde_json::json;
use storage::usage::NewUsage;

const QUESTION: &str = "How long do refunds take to reach my card?";
const REFUNDS: &str = "Refunds reach your card within 5 working days of us receiving the bike.";

#[tokio::test]
async fn a_stateless_answer_comes_with_its_trace_and_leaves_no_conversation() {
    let desk = TestDesk::new().await;
    desk.publish("Refunds", REFUNDS).await;
    let answer = desk.post("/v1/answers", json!({ "question": QUESTION })).await.expect(200);
    assert_eq!((&answer["object"], &answer["decision"]), (&json!("answer"), &json!("answer")));
    assert_eq!(answer["citations"][0]["title"], "Refunds");
    assert_eq!(answer["trace"]["question"], QUESTION);
    assert!(answer["trace"]["message_id"].is_null());
    let history = json!([{ "role": "user", "content": "Hi, I sent my bike back." }]);
    let asked = json!({ "question": QUESTION, "history": history });
    let answer = desk.post("/v1/answers", asked).await.expect(200);
    assert_eq!(answer["trace"]["history"][0]["role"], "user");
    assert_eq!(desk.get("/v1/conversations").await.expect(200)["data"], json!([]));
    assert_eq!(desk.post("/v1/answers", json!({ "question": " " })).await.problem(400), "invalid_request");
}

#[tokio::test]
async fn a_dry_run_tries_draft_settings_and_changes_nothing() {
    let desk = TestDesk::new().await;
    desk.publish("Refunds", REFUNDS).await;
    let ada = desk.post("/v1/customers", json!({ "external_id": "ada" })).await.expect(201);
    let draft = json!({
        "question": QUESTION,
        "customer": id(&ada),
        "settings": { "confidence_min": 1.0, "passages_max": 1 },
    });
    let run = desk.post("/v1/playground/runs", draft).await.expect(200);
    assert_eq!(run["decision"], "hand_off");
    assert_eq!(run["trace"]["settings"]["confidence_min"], 1.0);
    let assistants = desk.get("/v1/assistants").await.expect(200);
    assert_eq!(assistants["data"][0]["settings"]["confidence_min"], 0.5);
    let wrong = desk.post("/v1/playground/runs", json!({ "question": "x", "settings": { "confidence": 1 } })).await;
    assert_eq!(wrong.body["errors"][0]["pointer"], "/settings/confidence");
    assert_eq!(wrong.problem(400), "invalid_request");
}

#[tokio::test]
async fn assistants_are_added_and_changed_setting_by_setting() {
    let desk = TestDesk::new().await;
    let new = json!({ "name": "Lumi", "settings": { "language": "de" } });
    let lumi = desk.post("/v1/assistants", new).await.expect(201);
    assert_eq!((&lumi["settings"]["language"], &lumi["settings"]["passages_max"]), (&json!("de"), &json!(6)));
    let path = format!("/v1/assistants/{}", id(&lumi));
    let changed = desk.patch(&path, json!({ "settings": { "instructions": "Be brief.", "language": null } })).await;
    let changed = changed.expect(200);
    assert_eq!(changed["settings"]["instructions"], "Be brief.");
    assert!(changed["settings"]["language"].is_null());
    assert_eq!(desk.get(&path).await.expect(200), changed);
    let begun = json!({ "customer": "ada", "assistant": id(&lumi) });
    let begun = desk.post("/v1/conversations", begun).await.expect(201);
    assert_eq!(begun["assistant_id"], lumi["id"]);
}

#[tokio::test]
async fn usage_is_summed_by_day_assistant_and_model() {
    let desk = TestDesk::new().await;
    let mut transaction = desk.database().of(desk.organization_id).begin().await.unwrap();
    for output_tokens in [10, 20] {
        let usage = NewUsage {
            conversation_id: None,
            message_id: None,
            assistant_id: None,
            operation: "chat",
            model: "stub".to_owned(),
            tokens: TokenUsage { input_tokens: 100, output_tokens, estimated: false },
            cost_micro_usd: 5,
        };
        transaction.insert_usage(usage).await.unwrap();
    }
    transaction.commit().await.unwrap();
    let usage = desk.get("/v1/usage").await.expect(200);
    assert_eq!(usage["data"].as_array().unwrap().len(), 1);
    assert_eq!((&usage["data"][0]["calls"], &usage["data"][0]["output_tokens"]), (&json!(2), &json!(30)));
    assert_eq!(usage["total"], json!({ "calls": 2, "input_tokens": 200, "output_tokens": 30, "cost_micro_usd": 10 }));
    let none = desk.get("/v1/usage?from=2020-01-01&to=2020-12-31").await.expect(200);
    assert_eq!(none["data"], json!([]));
    assert_eq!(desk.get("/v1/usage?from=yesterday").await.problem(400), "invalid_request");
}

#[tokio::test]
async fn a_batch_keeps_its_answers_and_their_ratings() {
    let desk = TestDesk::new().await;
    desk.publish("Refunds", REFUNDS).await;
    let trial = json!({ "settings": { "passages_max": 1 } });
    let batch = desk.post("/v1/playground/batches", trial).await.expect(201);
    assert_eq!((&batch["object"], &batch["answers"]), (&json!("playground_batch"), &json!(0)));
    assert_eq!(batch["settings"], json!({ "passages_max": 1 }));
    let path = format!("/v1/playground/batches/{}", id(&batch));
    for question in [QUESTION, "Who won the world cup in 1954?"] {
        let answer = desk.post(&format!("{path}/answers"), json!({ "question": question })).await.expect(201);
        assert_eq!(answer["trace"]["settings"]["passages_max"], 1);
        assert!(answer["rating"].is_null());
    }
    let rated = desk.put(&format!("{path}/answers/2/rating"), json!({ "rating": "poor" })).await.expect(200);
    assert_eq!((&rated["seq"], &rated["rating"]), (&json!(2), &json!("poor")));
    let answers = desk.get(&format!("{path}/answers")).await.expect(200);
    let decisions: Vec<_> = answers["data"].as_array().unwrap().iter().map(|one| &one["decision"]).collect();
    assert_eq!(decisions, ["answer", "hand_off"]);
    assert!(answers["data"][0].get("trace").is_none());
    let one = desk.get(&format!("{path}/answers/1")).await.expect(200);
    assert_eq!(one["trace"]["question"], QUESTION);
    let listed = desk.get("/v1/playground/batches").await.expect(200);
    assert_eq!((&listed["data"][0]["answers"], &listed["data"][0]["rated"]), (&json!(2), &json!(1)));
    assert_eq!(desk.get(&format!("{path}/answers/3")).await.status, 404);
    assert_eq!(desk.put(&format!("{path}/answers/1/rating"), json!({ "rating": "fair" })).await.status, 400);
    assert_eq!(desk.delete(&path).await.status, 204);
    assert_eq!(desk.get(&path).await.status, 404);
    let wrong = desk.post("/v1/playground/batches", json!({ "settings": { "confidence": 1 } })).await;
    assert_eq!(wrong.problem(400), "invalid_request");
}

#[tokio::test]
async fn the_desk_has_a_name_and_a_retention_within_the_installations() {
    let settings = Settings { traces_days: 90, conversations_days: 365, ..Settings::default() };
    let desk = TestDesk::with(settings, Guard::default()).await;
    let present = desk.get("/v1/settings/desk").await.expect(200);
    assert_eq!((&present["traces_days"], &present["installation_traces_days"]), (&json!(0), &json!(90)));
    let changed = desk.patch("/v1/settings/desk", json!({ "name": " Lumen ", "traces_days": 30 })).await.expect(200);
    assert_eq!((&changed["name"], &changed["traces_days"]), (&json!("Lumen"), &json!(30)));
    let renamed = desk.patch("/v1/settings/desk", json!({ "name": "Bikes" })).await.expect(200);
    assert_eq!((&renamed["name"], &renamed["traces_days"]), (&json!("Bikes"), &json!(30)));
    let shorter = desk.patch("/v1/settings/desk", json!({ "conversations_days": 60 })).await.expect(200);
    assert_eq!((&shorter["traces_days"], &shorter["conversations_days"]), (&json!(30), &json!(60)));
    assert_eq!(shorter["installation_conversations_days"], json!(365));
    for (wrong, pointer) in [
        (json!({ "name": " " }), "/name"),
        (json!({ "traces_days": 91 }), "/traces_days"),
        (json!({ "conversations_days": 366 }), "/conversations_days"),
    ] {
        let refused = desk.patch("/v1/settings/desk", wrong).await;
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
        assert_eq!(refused.problem(400), "invalid_request");
    }
}
