//! What is another organization's answers exactly like what does not exist.

use crate::support::{TestDesk, id};
use domain::key::Scope;
use serde_json::{Value, json};

/// The body with the asked id and the request's id taken out.
fn blurred(mut body: Value, asked: &str) -> String {
    body["request_id"] = Value::Null;
    body.to_string().replace(asked, "ID")
}

#[tokio::test]
async fn a_foreign_id_answers_like_a_missing_one_on_every_route() {
    let desk = TestDesk::new().await;
    desk.publish("Refunds", "Refunds take five working days.").await;
    let conversation = desk.conversation("ada").await;
    let said = json!({ "content": "How long do refunds take?" });
    let path = format!("/v1/conversations/{conversation}/messages?wait=answer");
    let message = id(&desk.post(&path, said).await.body["message"]).to_owned();
    let customer = first_id(&desk, "/v1/customers").await;
    let article = first_id(&desk, "/v1/articles").await;
    let source = first_id(&desk, "/v1/sources").await;
    let document = first_id(&desk, "/v1/documents").await;
    let assistant = first_id(&desk, "/v1/assistants").await;
    let key = first_id(&desk, "/v1/keys").await;
    let scan = desk.post("/v1/scans", json!({ "url": "https://docs.example.com" })).await.expect(201);
    let fact = json!({ "text": "likes bikes" });
    let fact = desk.post(&format!("/v1/customers/{customer}/facts"), fact).await.expect(201);
    let fact = format!("/v1/customers/{{}}/facts/{}", id(&fact));
    let text = json!({ "text": "x" });
    let content = json!({ "content": "hi" });
    let until = json!({ "until": "2100-01-01T00:00:00Z" });
    let batch = desk.post("/v1/playground/batches", json!({})).await.expect(201);
    let asked = json!({ "question": "How long?" });
    desk.post(&format!("/v1/playground/batches/{}/answers", id(&batch)), asked.clone()).await.expect(201);
    let rating = json!({ "rating": "good" });
    let routes: Vec<(&str, String, &str, Value)> = vec![
        ("GET", "/v1/conversations/{}".into(), &conversation, Value::Null),
        ("PATCH", "/v1/conversations/{}".into(), &conversation, json!({ "title": "x" })),
        ("GET", "/v1/conversations/{}/messages".into(), &conversation, Value::Null),
        ("POST", "/v1/conversations/{}/messages".into(), &conversation, content.clone()),
        ("POST", "/v1/conversations/{}/messages".into(), &conversation, json!({ "content": "x", "sender": "agent" })),
        ("POST", "/v1/conversations/{}/handoff".into(), &conversation, Value::Null),
        ("DELETE", "/v1/conversations/{}/handoff".into(), &conversation, Value::Null),
        ("DELETE", "/v1/conversations/{}/assignment".into(), &conversation, Value::Null),
        ("POST", "/v1/conversations/{}/resolution".into(), &conversation, Value::Null),
        ("POST", "/v1/conversations/{}/snooze".into(), &conversation, until),
        ("GET", "/v1/conversations/{}/events".into(), &conversation, Value::Null),
        ("GET", "/v1/messages/{}/trace".into(), &message, Value::Null),
        ("POST", "/v1/messages/{}/feedback".into(), &message, json!({ "rating": "good" })),
        ("GET", "/v1/customers/{}".into(), &customer, Value::Null),
        ("PATCH", "/v1/customers/{}".into(), &customer, json!({ "name": "x" })),
        ("DELETE", "/v1/customers/{}".into(), &customer, Value::Null),
        ("GET", "/v1/customers/{}/facts".into(), &customer, Value::Null),
        ("POST", "/v1/customers/{}/facts".into(), &customer, json!({ "text": "x" })),
        ("PATCH", fact.clone(), &customer, text),
        ("DELETE", fact, &customer, Value::Null),
        ("POST", "/v1/customers/{}/export".into(), &customer, Value::Null),
        ("GET", "/v1/articles/{}".into(), &article, Value::Null),
        ("PATCH", "/v1/articles/{}".into(), &article, json!({ "title": "x" })),
        ("DELETE", "/v1/articles/{}".into(), &article, Value::Null),
        ("GET", "/v1/articles/{}/versions".into(), &article, Value::Null),
        ("POST", "/v1/articles/{}/publish".into(), &article, Value::Null),
        ("POST", "/v1/articles/{}/archive".into(), &article, Value::Null),
        ("GET", "/v1/sources/{}".into(), &source, Value::Null),
        ("PATCH", "/v1/sources/{}".into(), &source, json!({ "name": "x" })),
        ("DELETE", "/v1/sources/{}".into(), &source, Value::Null),
        ("GET", "/v1/documents/{}".into(), &document, Value::Null),
        ("GET", "/v1/scans/{}".into(), id(&scan), Value::Null),
        ("GET", "/v1/scans/{}/pages".into(), id(&scan), Value::Null),
        ("POST", "/v1/scans/{}/pause".into(), id(&scan), Value::Null),
        ("POST", "/v1/scans/{}/resume".into(), id(&scan), Value::Null),
        ("POST", "/v1/scans/{}/cancel".into(), id(&scan), Value::Null),
        ("GET", "/v1/scans/{}/diff".into(), id(&scan), Value::Null),
        ("POST", "/v1/scans/{}/apply".into(), id(&scan), Value::Null),
        ("POST", "/v1/scans/{}/reject".into(), id(&scan), Value::Null),
        ("GET", "/v1/assistants/{}".into(), &assistant, Value::Null),
        ("PATCH", "/v1/assistants/{}".into(), &assistant, json!({ "name": "x" })),
        ("DELETE", "/v1/keys/{}".into(), &key, Value::Null),
        ("GET", "/v1/playground/batches/{}".into(), id(&batch), Value::Null),
        ("GET", "/v1/playground/batches/{}/answers".into(), id(&batch), Value::Null),
        ("POST", "/v1/playground/batches/{}/answers".into(), id(&batch), asked),
        ("GET", "/v1/playground/batches/{}/answers/1".into(), id(&batch), Value::Null),
        ("PUT", "/v1/playground/batches/{}/answers/1/rating".into(), id(&batch), rating),
        ("DELETE", "/v1/playground/batches/{}".into(), id(&batch), Value::Null),
    ];
    let stranger = desk.stranger().await;
    for (method, path, present, body) in routes {
        let prefix = present.split_once('_').unwrap().0;
        let missing = format!("{prefix}_01h45ytscbebyvny4gc8cr8ma2");
        let foreign = desk.call(&stranger, method, &path.replace("{}", present), body.clone()).await;
        let missed = desk.call(&stranger, method, &path.replace("{}", &missing), body).await;
        assert_eq!(foreign.status, 404, "{method} {path}: {:#}", foreign.body);
        assert_eq!(missed.status, 404, "{method} {path}: {:#}", missed.body);
        assert_eq!(blurred(foreign.body, present), blurred(missed.body, &missing), "{method} {path}");
    }
}

#[tokio::test]
async fn foreign_ids_in_bodies_and_lists_lead_nowhere() {
    let desk = TestDesk::new().await;
    let conversation = desk.conversation("ada").await;
    let customer = first_id(&desk, "/v1/customers").await;
    let assistant = first_id(&desk, "/v1/assistants").await;
    let stranger = desk.stranger().await;
    for path in ["/v1/conversations", "/v1/customers", "/v1/articles", "/v1/assistants", "/v1/scans"] {
        let listed = desk.call(&stranger, "GET", path, Value::Null).await.expect(200);
        assert_eq!(listed["data"], json!([]), "{path}");
    }
    for body in [json!({ "question": "x", "assistant": assistant }), json!({ "question": "x", "customer": customer })] {
        let run = desk.call(&stranger, "POST", "/v1/playground/runs", body).await;
        assert!(matches!(run.status.as_u16(), 404 | 409), "{run:?}");
    }
    let new = json!({ "customer": customer, "assistant": assistant });
    let begun = desk.call(&stranger, "POST", "/v1/conversations", new).await;
    assert_eq!(begun.problem(404), "not_found");
    assert_eq!(desk.get(&format!("/v1/conversations/{conversation}")).await.status, 200);
}

#[tokio::test]
async fn keys_open_only_what_their_scopes_name() {
    let desk = TestDesk::new().await;
    let usage = desk.key_for(Scope::Usage).await;
    assert_eq!(desk.call(&usage, "GET", "/v1/usage", Value::Null).await.status, 200);
    for path in ["/v1/conversations", "/v1/sources", "/v1/keys", "/v1/assistants", "/v1/events"] {
        let refused = desk.call(&usage, "GET", path, Value::Null).await;
        assert_eq!(refused.problem(403), "missing_scope", "{path}");
    }
    let playground = desk.key_for(Scope::Playground).await;
    assert_eq!(desk.call(&playground, "GET", "/v1/assistants", Value::Null).await.status, 200);
    let new = json!({ "name": "x" });
    assert_eq!(desk.call(&playground, "POST", "/v1/assistants", new).await.problem(403), "missing_scope");
}

async fn first_id(desk: &TestDesk, path: &str) -> String {
    id(&desk.get(path).await.expect(200)["data"][0]).to_owned()
}
