//! What visitors may do with a public key and their session, and what neither opens.

use crate::support::{Reply, TestDesk, id, request};
use axum::body::Body;
use axum::http::{HeaderValue, Request};
use futures::StreamExt;
use serde_json::{Value, json};
use std::time::Duration;

/// How long an event that must come is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

async fn widget(desk: &TestDesk) -> Value {
    let list = desk.get("/v1/channels").await.expect(200);
    list["data"].as_array().unwrap().iter().find(|one| one["kind"] == "widget").unwrap().clone()
}

/// A visitor's session and its token.
async fn begin(desk: &TestDesk, key: &str) -> (Value, String) {
    let body = json!({ "key": key, "name": "Nora", "locale": "de", "page": "https://shop.example/bikes" });
    let session = from_page(desk, "https://shop.example", "POST", "/v1/widget/sessions", "", body).await.expect(201);
    let token = session["token"].as_str().unwrap().to_owned();
    (session, token)
}

async fn from_page(desk: &TestDesk, origin: &str, method: &str, path: &str, token: &str, body: Value) -> Reply {
    let mut asked = request(token, method, path, body);
    asked.headers_mut().insert("origin", HeaderValue::from_str(origin).unwrap());
    desk.read(asked).await
}

#[tokio::test]
async fn a_visitor_talks_in_one_conversation_and_reaches_no_other() {
    let desk = TestDesk::new().await;
    desk.publish("Refunds", "# Refunds\n\nRefunds reach your card within 5 working days.").await;
    let key = widget(&desk).await["public_key"].as_str().unwrap().to_owned();
    let (session, token) = begin(&desk, &key).await;
    assert_eq!((&session["holder"], &session["status"]), (&json!("ai"), &json!("open")));
    let said = json!({ "content": "How many working days do refunds take to reach my card?", "external_id": "1" });
    let first = desk.call(&token, "POST", "/v1/widget/messages", said.clone()).await.expect(202);
    assert_eq!((&first["external_id"], &first["sender"]), (&json!("1"), &json!("customer")));
    let again = desk.call(&token, "POST", "/v1/widget/messages", said.clone()).await.expect(200);
    assert_eq!(again["id"], first["id"], "said once");

    let (_, other) = begin(&desk, &key).await;
    let theirs = desk.call(&other, "POST", "/v1/widget/messages", said).await.expect(202);
    assert_ne!(theirs["id"], first["id"], "ids of visitors do not meet");
    let list = desk.call(&other, "GET", "/v1/widget/messages", Value::Null).await.expect(200);
    assert!(list["data"].as_array().unwrap().iter().all(|message| message["id"] != first["id"]));
    let feedback = format!("/v1/widget/messages/{}/feedback", id(&first));
    assert_eq!(desk.call(&other, "POST", &feedback, json!({ "rating": "good" })).await.problem(404), "not_found");

    for path in ["/v1/conversations", "/v1/customers", "/v1/events", "/v1/channels", "/v1/session"] {
        assert_eq!(desk.call(&token, "GET", path, Value::Null).await.problem(401), "unauthenticated", "{path}");
    }
    for wrong in [desk.key.as_str(), "", key.as_str()] {
        let refused = desk.call(wrong, "GET", "/v1/widget/messages", Value::Null).await;
        assert_eq!(refused.problem(401), "unauthenticated");
    }
}

#[tokio::test]
async fn a_visitor_sees_the_answer_come_and_who_has_the_conversation_but_no_note() {
    let desk = TestDesk::new().await;
    desk.publish("Refunds", "# Refunds\n\nRefunds reach your card within 5 working days.").await;
    let key = widget(&desk).await["public_key"].as_str().unwrap().to_owned();
    let (session, token) = begin(&desk, &key).await;
    let conversation = session["conversation_id"].as_str().unwrap();
    let response = desk.send(request(&token, "GET", "/v1/widget/events", Value::Null)).await;
    assert_eq!(response.status(), 200);
    let mut stream = response.into_body().into_data_stream();
    let said = json!({ "content": "How many working days do refunds take to reach my card?", "external_id": "1" });
    desk.call(&token, "POST", "/v1/widget/messages", said).await.expect(202);
    let mut heard = String::new();
    let mut until = async |word: &str, heard: &mut String| {
        while !heard.contains(word) {
            let chunk = tokio::time::timeout(PATIENCE, stream.next()).await.expect("an event in time").unwrap();
            heard.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
    };
    until("\"sender\":\"ai\"", &mut heard).await;
    assert!(heard.contains("event: message.delta") && heard.contains("event: session"), "{heard}");
    assert!(!heard.contains("confidence") && !heard.contains("cost_micro_usd"), "figures stay inside: {heard}");
    desk.post(&format!("/v1/conversations/{conversation}/notes"), json!({ "content": "a grumpy one" }))
        .await
        .expect(201);
    let mut inbox =
        desk.send(request(&desk.key, "GET", "/v1/events", Value::Null)).await.into_body().into_data_stream();
    assert_eq!(desk.call(&token, "POST", "/v1/widget/typing", json!({})).await.status, 204);
    let typing = tokio::time::timeout(PATIENCE, inbox.next()).await.expect("an event in time").unwrap().unwrap();
    let typing = std::str::from_utf8(&typing).unwrap();
    assert!(typing.contains("conversation.typing") && typing.contains(conversation), "{typing}");
    assert!(typing.contains("\"sender\":\"customer\""), "{typing}");
    let wish = desk.call(&token, "POST", "/v1/widget/handoff", json!({})).await.expect(200);
    assert_eq!(wish["holder"], "queue");
    let body = json!({ "content": "A person here.", "sender": "agent" });
    desk.post(&format!("/v1/conversations/{conversation}/messages"), body).await.expect(202);
    until("A person here.", &mut heard).await;
    assert!(!heard.contains("grumpy"), "notes stay inside: {heard}");
    let list = desk.call(&token, "GET", "/v1/widget/messages", Value::Null).await.expect(200);
    let answer = list["data"].as_array().unwrap().iter().find(|message| message["sender"] == "ai").unwrap().clone();
    let feedback = format!("/v1/widget/messages/{}/feedback", id(&answer));
    assert_eq!(desk.call(&token, "POST", &feedback, json!({ "rating": "poor" })).await.status, 204);
}

#[tokio::test]
async fn settings_are_checked_and_say_which_pages_may_embed_the_widget() {
    let desk = TestDesk::new().await;
    let channel = widget(&desk).await;
    let (key, path) = (channel["public_key"].as_str().unwrap(), format!("/v1/channels/{}", id(&channel)));
    let settings = json!({ "settings": { "greeting": "Servus", "allowed_origins": ["https://shop.example"],
        "pre_chat": [{ "field": "email", "required": true }] } });
    let changed = desk.patch(&path, settings).await.expect(200);
    assert_eq!(changed["settings"]["greeting"], "Servus");
    let wrong = desk.patch(&path, json!({ "settings": { "accent_color": "red" } })).await;
    assert_eq!(wrong.body["errors"][0]["pointer"], "/settings");
    wrong.problem(400);
    let shown = format!("/v1/widget?key={key}");
    let from = async |origin: &str| from_page(&desk, origin, "GET", &shown, "", Value::Null).await;
    let allowed = from("https://shop.example").await;
    assert_eq!(allowed.headers["access-control-allow-origin"], "https://shop.example");
    let allowed = allowed.expect(200);
    assert_eq!((&allowed["title"], &allowed["greeting"]), (&json!("Lumen Bikes"), &json!("Servus")));
    assert!(allowed.get("allowed_origins").is_none());
    assert_eq!(from("https://evil.test").await.problem(403), "foreign_origin");
    let body = json!({ "key": key, "name": "Nora" });
    let asked = from_page(&desk, "https://shop.example", "POST", "/v1/widget/sessions", "", body).await;
    assert_eq!(asked.body["errors"][0]["pointer"], "/email", "what is required is asked for");
    for unknown in ["pk_01jd3q5w8hf3k9m2n4p6r8t0vx", "pk_", "fd_live_x", "%00"] {
        desk.get(&format!("/v1/widget?key={unknown}")).await.problem(404);
    }
    let rest = from_page(&desk, "https://shop.example", "GET", "/v1/conversations", &desk.key, Value::Null).await;
    assert!(rest.headers.get("access-control-allow-origin").is_none(), "only the widget is for pages of elsewhere");
}

#[tokio::test]
async fn a_visitor_who_says_too_much_is_slowed_down() {
    let desk = TestDesk::new().await;
    let key = widget(&desk).await["public_key"].as_str().unwrap().to_owned();
    let (_, token) = begin(&desk, &key).await;
    let say = async |place: usize, content: String| {
        let body = json!({ "content": content, "external_id": place.to_string() });
        desk.call(&token, "POST", "/v1/widget/messages", body).await
    };
    say(0, "x".repeat(8_001)).await.problem(400);
    say(0, "  ".to_owned()).await.problem(400);
    for place in 0..20 {
        say(place, format!("Message {place}")).await.expect(202);
    }
    assert_eq!(say(20, "One more".to_owned()).await.problem(429), "too_many_requests");
}

#[tokio::test]
async fn the_script_and_a_page_to_see_it_on_are_served() {
    let desk = TestDesk::new().await;
    let script = desk.read(Request::builder().uri("/widget.js").body(Body::empty()).unwrap()).await;
    assert_eq!(script.headers["access-control-allow-origin"], "*");
    assert_eq!(script.headers["cross-origin-resource-policy"], "cross-origin");
    assert!(script.expect(200).as_str().unwrap().contains("frontdesk-widget"));
    let page = desk.read(Request::builder().uri("/demo").body(Body::empty()).unwrap()).await;
    assert!(page.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    let key = widget(&desk).await["public_key"].as_str().unwrap().to_owned();
    assert!(page.expect(200).as_str().unwrap().contains(&key));
}
