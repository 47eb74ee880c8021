use crate::support::{Reply, TestDesk, id, request};
use serde_json::{Value, json};

async fn keyed(desk: &TestDesk, key: &str, path: &str, body: Value) -> Reply {
    let mut request = request(&desk.key, "POST", path, body);
    request.headers_mut().insert("idempotency-key", key.parse().unwrap());
    desk.read(request).await
}

#[tokio::test]
async fn the_same_request_runs_once() {
    let desk = TestDesk::new().await;
    let body = json!({ "name": "Ada" });
    let first = keyed(&desk, "k1", "/v1/customers", body.clone()).await;
    assert!(!first.headers.contains_key("idempotent-replayed"));
    let second = keyed(&desk, "k1", "/v1/customers", body.clone()).await;
    assert_eq!(second.headers["idempotent-replayed"], "true");
    assert_eq!((second.status, &second.body), (first.status, &first.body));
    assert_eq!(desk.get("/v1/customers").await.expect(200)["data"].as_array().unwrap().len(), 1);
    let other = keyed(&desk, "k1", "/v1/customers", json!({ "name": "Ben" })).await;
    assert_eq!(other.problem(422), "idempotency_mismatch");
    let elsewhere = keyed(&desk, "k1", "/v1/articles", body).await;
    assert_eq!(elsewhere.problem(422), "idempotency_mismatch");
}

#[tokio::test]
async fn a_request_that_failed_may_be_repaired_under_its_key() {
    let desk = TestDesk::new().await;
    let refused = keyed(&desk, "k1", "/v1/customers", json!({ "name": "" })).await;
    assert_eq!(refused.problem(400), "invalid_request");
    assert_eq!(keyed(&desk, "k1", "/v1/customers", json!({ "name": "Ada" })).await.status, 201);
    let long = "k".repeat(201);
    assert_eq!(keyed(&desk, &long, "/v1/customers", json!({})).await.problem(400), "invalid_request");
}

#[tokio::test]
async fn a_request_that_still_runs_is_not_run_beside_itself() {
    let desk = TestDesk::new().await;
    desk.publish("Refunds", "Refunds take five working days.").await;
    let conversation = desk.conversation("ada").await;
    let path = format!("/v1/conversations/{conversation}/messages?wait=answer");
    let body = json!({ "content": "How long do refunds take?" });
    let (first, second) =
        tokio::join!(keyed(&desk, "k1", &path, body.clone()), keyed(&desk, "k1", &path, body.clone()));
    let statuses = [first.status.as_u16(), second.status.as_u16()];
    assert!(statuses.contains(&200), "{statuses:?}");
    let later = keyed(&desk, "k1", &path, body).await;
    assert_eq!(later.headers["idempotent-replayed"], "true");
    let path = format!("/v1/conversations/{conversation}/messages");
    let listed = desk.get(&path).await.expect(200);
    assert_eq!(listed["data"].as_array().unwrap().len(), 2, "one question, one answer: {listed:#}");
}

#[tokio::test]
async fn a_key_in_flight_conflicts_and_a_streamed_message_is_said_once() {
    let desk = TestDesk::new().await;
    let conversation = desk.conversation("ada").await;
    let path = format!("/v1/conversations/{conversation}/messages");
    let streamed = async || {
        let mut asked = request(&desk.key, "POST", &path, json!({ "content": "hello" }));
        asked.headers_mut().insert("idempotency-key", "k1".parse().unwrap());
        asked.headers_mut().insert("accept", "text/event-stream".parse().unwrap());
        desk.read(asked).await.expect(200)
    };
    streamed().await;
    streamed().await;
    let listed = desk.get(&path).await.expect(200);
    let customers = listed["data"].as_array().unwrap().iter().filter(|row| row["sender"]["kind"] == "customer");
    assert_eq!(customers.count(), 1, "{listed:#}");

    let hash = in_flight_hash("/v1/customers", "{}");
    let mut transaction = desk.database().of(desk.organization_id).begin().await.unwrap();
    transaction.begin_request("k2", &hash).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(keyed(&desk, "k2", "/v1/customers", json!({})).await.problem(409), "request_in_flight");
}

fn in_flight_hash(uri: &str, body: &str) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::digest(format!("{uri}\n{body}")).into()
}

#[tokio::test]
async fn the_secret_of_a_new_key_is_not_kept_for_repetitions() {
    let desk = TestDesk::new().await;
    let body = json!({ "name": "ci", "scopes": ["usage"] });
    let first = keyed(&desk, "k1", "/v1/keys", body.clone()).await.expect(201);
    let second = keyed(&desk, "k1", "/v1/keys", body).await.expect(201);
    assert!(first["key"].as_str().unwrap().starts_with("fd_live_"));
    assert_eq!((id(&second), &second["key"]), (id(&first), &Value::Null));
}
