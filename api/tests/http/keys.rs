use crate::support::{TestDesk, id};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_key_opens_until_it_is_revoked_or_expired() {
    let desk = TestDesk::new().await;
    let end = desk.database().clock().now() + Duration::from_hours(1);
    let new = json!({ "name": "ci", "scopes": ["conversations"], "expires_at": end });
    let short = desk.post("/v1/keys", new).await.expect(201);
    let long = desk.post("/v1/keys", json!({ "name": "app", "scopes": ["conversations"] })).await.expect(201);
    let plain = |created: &Value| created["key"].as_str().unwrap().to_owned();
    for created in [&short, &long] {
        let used = desk.call(&plain(created), "GET", "/v1/conversations", Value::Null).await;
        assert_eq!(used.status, 200);
    }
    let listed = desk.get("/v1/keys").await.expect(200);
    let shown = listed["data"].as_array().unwrap().iter().find(|row| row["id"] == long["id"]).unwrap();
    assert_eq!(shown["prefix"], plain(&long)[..12]);
    assert!(!shown["last_used_at"].is_null());
    assert!(!listed.to_string().contains(&plain(&long)), "a list never holds a secret");
    assert_eq!(desk.delete(&format!("/v1/keys/{}", id(&long))).await.status, 204);
    desk.database().clock().advance(Duration::from_hours(2));
    for created in [&short, &long] {
        let refused = desk.call(&plain(created), "GET", "/v1/conversations", Value::Null).await;
        assert_eq!(refused.headers["www-authenticate"], "Bearer");
        assert_eq!(refused.problem(401), "unauthenticated");
    }
    assert_eq!(desk.post("/v1/keys", json!({ "name": "x", "scopes": [] })).await.problem(400), "invalid_request");
    assert_eq!(desk.post("/v1/keys", json!({ "name": "x", "scopes": ["root"] })).await.problem(400), "invalid_request");
}

#[tokio::test]
async fn without_a_known_key_nothing_opens_but_what_operators_need() {
    let desk = TestDesk::new().await;
    let unknown = format!("fd_live_{}", "A".repeat(43));
    for wrong in ["", "fd_live_wrong", &unknown] {
        let refused = desk.call(wrong, "GET", "/v1/conversations", Value::Null).await;
        assert!(refused.body["hint"].as_str().unwrap().contains("frontdesk key create"));
        assert_eq!(refused.problem(401), "unauthenticated");
    }
    let bare = axum::http::Request::get("/v1/keys").body(axum::body::Body::empty()).unwrap();
    assert_eq!(desk.read(bare).await.problem(401), "unauthenticated");
    for open in ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"] {
        let bare = axum::http::Request::get(open).body(axum::body::Body::empty()).unwrap();
        assert_eq!(desk.read(bare).await.status, 200, "{open}");
    }
}
