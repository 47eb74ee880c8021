use crate::support::{TestDesk, request};
use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};

async fn raw(desk: &TestDesk, kind: &str, body: impl Into<Body>) -> crate::support::Reply {
    let request = Request::post("/v1/customers")
        .header(header::AUTHORIZATION, format!("Bearer {}", desk.key))
        .header(header::CONTENT_TYPE, kind)
        .body(body.into())
        .unwrap();
    desk.read(request).await
}

#[tokio::test]
async fn bodies_that_cannot_be_read_say_where_and_why() {
    let desk = TestDesk::new().await;
    let malformed = raw(&desk, "application/json", "{\n \"name\": ,}").await;
    assert!(malformed.body["detail"].as_str().unwrap().contains("line 2 column 10"), "{malformed:?}");
    assert_eq!(malformed.problem(400), "malformed_json");
    assert_eq!(raw(&desk, "application/json", "{\"name\":").await.problem(400), "malformed_json");
    assert_eq!(raw(&desk, "application/json", vec![0xff, 0xfe]).await.problem(400), "malformed_json");
    assert_eq!(raw(&desk, "text/plain", "{}").await.problem(415), "not_json");
    let unknown = raw(&desk, "application/json", "{\"nmae\": \"x\"}").await;
    assert_eq!(unknown.body["errors"][0]["pointer"], "/nmae");
    assert_eq!(unknown.problem(400), "invalid_request");
    let wrong = raw(&desk, "application/json; charset=utf-8", "{\"name\": 7}").await;
    assert_eq!(wrong.body["errors"][0]["pointer"], "/name");
    assert_eq!(wrong.problem(400), "invalid_request");
    let missing = desk.post("/v1/articles", Value::Null).await;
    assert!(missing.body["detail"].as_str().unwrap().contains("missing field `title`"));
    assert_eq!(missing.problem(400), "invalid_request");
}

#[tokio::test]
async fn a_message_of_a_megabyte_is_refused_and_nothing_of_it_stays() {
    let desk = TestDesk::new().await;
    let conversation = desk.conversation("ada").await;
    let path = format!("/v1/conversations/{conversation}/messages");
    let large = json!({ "content": "x".repeat(1024 * 1024) });
    assert_eq!(desk.post(&path, large.clone()).await.problem(413), "body_too_large");
    let mut keyed = request(&desk.key, "POST", &path, large);
    keyed.headers_mut().insert("idempotency-key", "large".parse().unwrap());
    assert_eq!(desk.read(keyed).await.problem(413), "body_too_large");
    let long = desk.post(&path, json!({ "content": "x".repeat(32_001) })).await;
    assert_eq!(long.body["errors"][0]["pointer"], "/content");
    assert_eq!(long.problem(400), "invalid_request");
    for empty in ["", "  \n"] {
        assert_eq!(desk.post(&path, json!({ "content": empty })).await.problem(400), "invalid_request");
    }
    assert_eq!(desk.get(&path).await.expect(200)["data"], json!([]));
    let most = json!({ "content": "é".repeat(32_000) });
    assert_eq!(desk.post(&path, most).await.status, 202);
}

#[tokio::test]
async fn unknown_addresses_and_methods_are_problems_too() {
    let desk = TestDesk::new().await;
    for path in
        ["/nothing", "/v1/nothing", "/v1/conversations/nonsense", "/v1/conversations/cus_01h45ytscbebyvny4gc8cr8ma2"]
    {
        assert_eq!(desk.get(path).await.problem(404), "not_found", "{path}");
    }
    let refused = desk.delete("/v1/conversations").await;
    let allowed = refused.headers[header::ALLOW].to_str().unwrap().to_owned();
    assert!(allowed.contains("POST") && allowed.contains("GET"), "{allowed}");
    assert_eq!(refused.problem(405), "method_not_allowed");
}

#[tokio::test]
async fn every_response_has_an_id_and_safe_headers() {
    let desk = TestDesk::new().await;
    let mut asked = request(&desk.key, "GET", "/v1/conversations", Value::Null);
    asked.headers_mut().insert("x-request-id", "my-id.7".parse().unwrap());
    let reply = desk.read(asked).await;
    assert_eq!(reply.headers["x-request-id"], "my-id.7");
    assert_eq!(reply.headers["x-content-type-options"], "nosniff");
    assert_eq!(reply.headers["cache-control"], "no-store");
    let mut asked = request(&desk.key, "GET", "/nothing", Value::Null);
    asked.headers_mut().insert("x-request-id", "spaces are not ids".parse().unwrap());
    let reply = desk.read(asked).await;
    assert_eq!(reply.headers["x-request-id"].to_str().unwrap(), reply.body["request_id"]);
    assert_eq!(reply.headers["x-request-id"].len(), 32);
    assert!(!reply.headers.contains_key("access-control-allow-origin"));
}
