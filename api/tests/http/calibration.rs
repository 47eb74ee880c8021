use crate::support::{TestDesk, id};
use domain::key::Scope;
use serde_json::{Value, json};

const REFUNDS: &str = "# Refunds\n\nRefunds reach your card within 5 working days of us receiving the bike.\n";
const QUESTION: &str = "How long do refunds take to reach my card?";
/// So many labels a calibration needs.
const LABELS: usize = 20;

async fn answered(desk: &TestDesk, customer: &str) -> String {
    let path = format!("/v1/conversations/{}/messages?wait=answer", desk.conversation(customer).await);
    let answered = desk.post(&path, json!({ "content": QUESTION })).await.expect(200);
    assert_eq!(answered["answer"]["decision"], "answer");
    id(&answered["answer"]).to_owned()
}

async fn rate(desk: &TestDesk, answers: &[String], rating: &str) {
    for answer in answers {
        desk.post(&format!("/v1/messages/{answer}/feedback"), json!({ "rating": rating })).await.expect(201);
    }
}

#[tokio::test]
async fn an_assistant_is_calibrated_on_how_people_rated_its_answers() {
    let desk = TestDesk::new().await;
    desk.publish("Refunds", REFUNDS).await;
    let mut answers = Vec::new();
    for number in 0..LABELS {
        answers.push(answered(&desk, &format!("customer-{number}")).await);
    }
    let raw = desk.get(&format!("/v1/messages/{}/trace", answers[0])).await.expect(200)["confidence"].clone();
    let assistant = id(&desk.get("/v1/assistants").await.expect(200)["data"][0]).to_owned();
    let path = format!("/v1/assistants/{assistant}/calibration");

    rate(&desk, &answers[..4], "good").await;
    let before = desk.get(&path).await.expect(200);
    assert_eq!((&before["in_force"], &before["labels"]), (&Value::Null, &json!({ "ratings": 4 })));
    assert_eq!((&before["labels_missing"], &before["threshold"]), (&json!(LABELS - 4), &json!(0.5)));
    let refused = desk.post(&path, json!({})).await;
    assert!(refused.body["detail"].as_str().unwrap().contains("at least 16 more"), "{}", refused.body);
    assert_eq!(refused.problem(409), "too_few_labels");

    rate(&desk, &answers[4..6], "good").await;
    rate(&desk, &answers[6..], "poor").await;
    let unpromised = desk.post(&path, json!({ "target_error": 0.05 })).await;
    assert_eq!(unpromised.problem(409), "target_not_promised");
    assert_eq!(desk.post(&path, json!({ "target_error": 5 })).await.body["errors"][0]["pointer"], "/target_error");
    assert_eq!(desk.get(&path).await.expect(200)["in_force"], Value::Null, "nothing was changed");

    let calibrated = desk.post(&path, json!({})).await.expect(201);
    assert_eq!(calibrated["settings"]["calibration"]["version"], 1, "what was refused is not counted");
    let now = desk.get(&path).await.expect(200);
    assert_eq!((&now["in_force"]["labels"], &now["in_force"]["origins"]), (&json!(20), &json!({ "ratings": 20 })));
    assert_eq!(now["in_force"]["promises"][0]["threshold"], Value::Null);

    // Most of these answers were poor: the same answer is less sure now, and a person takes over.
    let conversation = desk.conversation("later").await;
    let messages = format!("/v1/conversations/{conversation}/messages?wait=answer");
    let later = desk.post(&messages, json!({ "content": QUESTION })).await.expect(200)["answer"].clone();
    assert!(later["confidence"].as_f64().unwrap() < 0.5, "{later:#}");
    assert_eq!((&later["decision"], &later["handoff_reason"]), (&json!("hand_off"), &json!("low_confidence")));
    let trace = desk.get(&format!("/v1/messages/{}/trace", id(&later))).await.expect(200);
    assert_eq!(trace["confidence"]["calibration_version"], 1);
    assert_eq!(trace["confidence"]["parts"]["uncalibrated"], raw["value"]);

    assert_eq!(desk.delete(&path).await.status, 204);
    assert_eq!(desk.get(&path).await.expect(200)["in_force"], Value::Null);
}

#[tokio::test]
async fn a_calibration_is_changed_by_admins_of_its_own_desk_only() {
    let desk = TestDesk::new().await;
    let assistant = id(&desk.get("/v1/assistants").await.expect(200)["data"][0]).to_owned();
    let path = format!("/v1/assistants/{assistant}/calibration");
    let (stranger, reader) = (desk.stranger().await, desk.key_for(Scope::Playground).await);
    for method in ["GET", "POST", "DELETE"] {
        let body = if method == "POST" { json!({}) } else { Value::Null };
        assert_eq!(desk.call(&stranger, method, &path, body.clone()).await.problem(404), "not_found", "{method}");
        let status = desk.call(&reader, method, &path, body).await.status;
        assert_eq!(status == 403, method != "GET", "{method}: {status}");
    }
}
