use crate::support::{TestDesk, own_models};
use api::Settings;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use domain::key::Scope;
use ingest::guard::{Guard, Route, is_public};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use storage::Keyset;
use storage::model_endpoints::NewModelEndpoint;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const KEY: &str = "sk-the-very-secret-key-of-ann";

/// A model server that writes one sentence and notes the keys that came; `wrong…` is refused, and repeated.
struct Server {
    host: String,
    keys: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let keys = Arc::<Mutex<Vec<String>>>::default();
        let noted = Arc::clone(&keys);
        let chat = move |headers: HeaderMap, body: Bytes| {
            let sent = headers.get(header::AUTHORIZATION).map_or("", |value| value.to_str().unwrap()).to_owned();
            noted.lock().unwrap().push(sent.clone());
            std::future::ready(reply(&sent, &serde_json::from_slice(&body).unwrap()))
        };
        let router = Router::new().route("/v1/chat/completions", post(chat));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { host, keys, _tasks: server }
    }

    fn base_url(&self) -> String {
        format!("http://{}/v1", self.host)
    }

    fn keys(&self) -> Vec<String> {
        std::mem::take(&mut self.keys.lock().unwrap())
    }
}

fn reply(sent: &str, body: &Value) -> Response {
    if sent.starts_with("Bearer wrong") {
        let told = json!({ "error": { "message": format!("no such key: {sent}") } });
        return (StatusCode::UNAUTHORIZED, told.to_string()).into_response();
    }
    let model = &body["model"];
    let said = json!({ "model": model, "choices": [{ "index": 0, "delta": { "content": "Refunds take 14 days. [1]" }, "finish_reason": null }] });
    let end = json!({ "model": model, "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }], "usage": { "prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14 } });
    let events = format!("data: {said}\n\ndata: {end}\n\ndata: [DONE]\n\n");
    ([(header::CONTENT_TYPE, "text/event-stream")], events).into_response()
}

/// A desk that may reach these servers, with something to answer from.
async fn desk(servers: &[&Server]) -> TestDesk {
    let hosts = servers.iter().map(|server| server.host.parse().unwrap()).collect();
    let guard = Guard::new(hosts).with_setting("llm.allow_private_hosts");
    let desk = TestDesk::with(Settings::default(), guard).await;
    desk.publish("Refunds", "Refunds take 14 days.").await;
    desk
}

async fn asked(desk: &TestDesk, key: &str) -> Value {
    desk.call(key, "POST", "/v1/answers", json!({ "question": "How long do refunds take?" })).await.expect(200)
}

#[tokio::test]
async fn a_model_that_is_connected_writes_the_next_answer_until_it_is_removed() {
    let server = Server::start().await;
    let desk = desk(&[&server]).await;
    let fresh = desk.get("/v1/settings/model").await.expect(200);
    assert_eq!(
        (&fresh["base_url"], &fresh["has_key"], &fresh["installation_model"]),
        (&Value::Null, &json!(false), &Value::Null)
    );
    assert_eq!(desk.post("/v1/models/test", Value::Null).await.problem(409), "no_model");
    let typed = json!({ "base_url": format!("{}/", server.base_url()), "model": " ann-1 ", "api_key": KEY });
    let tried = desk.post("/v1/models/test", typed.clone()).await.expect(200);
    assert_eq!((&tried["model"], &tried["text"]), (&json!("ann-1"), &json!("Refunds take 14 days. [1]")));
    assert_eq!(asked(&desk, &desk.key).await["model"], "extractive", "trying connects nothing");
    let put = desk.put("/v1/settings/model", typed).await.expect(200);
    let shown = desk.get("/v1/settings/model").await.expect(200);
    assert_eq!(put, shown);
    assert_eq!((&shown["base_url"], &shown["model"]), (&json!(server.base_url()), &json!("ann-1")));
    assert_eq!((&shown["has_key"], &shown["key_hint"]), (&json!(true), &json!("-ann")));
    assert!(!shown.to_string().contains(KEY));
    assert_eq!(desk.get("/v1/models").await.expect(200)["chat"], "ann-1");
    server.keys();
    let answer = asked(&desk, &desk.key).await;
    assert_eq!((&answer["model"], &answer["decision"]), (&json!("ann-1"), &json!("answer")), "{answer:#}");
    assert!(answer["trace"]["prompt"]["name"].is_string() && !answer.to_string().contains(KEY));
    desk.post("/v1/models/test", Value::Null).await.expect(200);
    assert_eq!(server.keys(), vec![format!("Bearer {KEY}"); 2]);
    assert_eq!(desk.bytes_with(KEY), 0, "the key is nowhere in clear");
    let audit = desk.database().of(desk.organization_id).list_audit(Keyset::start(), 5).await.unwrap();
    assert_eq!((audit[0].action.as_str(), audit[0].subject.as_str()), ("settings.updated", "model"));
    for _ in 0..2 {
        desk.delete("/v1/settings/model").await.expect(204);
    }
    assert_eq!(desk.get("/v1/settings/model").await.expect(200)["has_key"], json!(false));
    assert_eq!(asked(&desk, &desk.key).await["model"], "extractive");
    let audit = desk.database().of(desk.organization_id).list_audit(Keyset::start(), 5).await.unwrap();
    let removed = audit.iter().filter(|entry| entry.action == "settings.deleted").count();
    assert_eq!(removed, 1, "what was not there was not removed");
}

#[tokio::test]
async fn two_organizations_answer_with_their_own_models() {
    let (first, second) = (Server::start().await, Server::start().await);
    let desk = desk(&[&first, &second]).await;
    let stranger = desk.stranger().await;
    desk.call(&stranger, "POST", "/v1/assistants", json!({ "name": "Theirs" })).await.expect(201);
    let set = |server: &Server, model: &str, key: &str| json!({ "base_url": server.base_url(), "model": model, "api_key": key });
    desk.put("/v1/settings/model", set(&first, "ours", KEY)).await.expect(200);
    assert_eq!(desk.call(&stranger, "GET", "/v1/models", Value::Null).await.expect(200)["chat"], Value::Null);
    desk.call(&stranger, "PUT", "/v1/settings/model", set(&second, "theirs", "sk-of-somebody-else")).await.expect(200);
    assert_eq!(asked(&desk, &desk.key).await["model"], "ours");
    desk.call(&stranger, "POST", "/v1/models/test", Value::Null).await.expect(200);
    assert_eq!(
        (first.keys(), second.keys()),
        (vec![format!("Bearer {KEY}")], vec!["Bearer sk-of-somebody-else".to_owned()])
    );
    desk.call(&stranger, "DELETE", "/v1/settings/model", Value::Null).await.expect(204);
    assert_eq!(desk.get("/v1/models").await.expect(200)["chat"], "ours");
}

#[tokio::test]
async fn a_kept_key_goes_to_its_own_address_only() {
    let (first, second) = (Server::start().await, Server::start().await);
    let desk = desk(&[&first, &second]).await;
    let set = json!({ "base_url": first.base_url(), "model": "one", "api_key": KEY });
    desk.put("/v1/settings/model", set).await.expect(200);
    let elsewhere = json!({ "base_url": second.base_url(), "model": "one" });
    for reply in [
        desk.post("/v1/models/test", elsewhere.clone()).await,
        desk.put("/v1/settings/model", elsewhere).await,
        desk.post("/v1/models/test", json!({ "base_url": second.base_url() })).await,
    ] {
        assert_eq!(reply.body["errors"][0]["pointer"], "/api_key");
        assert!(reply.body["detail"].as_str().unwrap().contains(&first.base_url()), "{}", reply.body);
        assert_eq!(reply.problem(400), "invalid_request");
    }
    assert!(second.keys().is_empty());
    let renamed = json!({ "base_url": first.base_url(), "model": "two" });
    desk.post("/v1/models/test", renamed.clone()).await.expect(200);
    let kept = desk.put("/v1/settings/model", renamed).await.expect(200);
    assert_eq!((&kept["model"], &kept["key_hint"]), (&json!("two"), &json!("-ann")));
    assert_eq!(asked(&desk, &desk.key).await["model"], "two");
    assert_eq!(first.keys(), vec![format!("Bearer {KEY}"); 2]);
    let without = json!({ "base_url": second.base_url(), "model": "two", "api_key": "" });
    assert_eq!(desk.put("/v1/settings/model", without).await.expect(200)["has_key"], json!(false));
    desk.post("/v1/models/test", Value::Null).await.expect(200);
    assert_eq!(second.keys(), [""]);
    let short = json!({ "base_url": second.base_url(), "model": "two", "api_key": "sk-7654321" });
    let short = desk.put("/v1/settings/model", short).await.expect(200);
    assert_eq!((&short["has_key"], &short["key_hint"]), (&json!(true), &Value::Null), "a short key is not hinted at");
}

#[tokio::test]
async fn what_cannot_be_a_model_is_refused_at_its_place() {
    let desk = TestDesk::new().await;
    let public = "https://models.example.com/v1";
    for (base_url, model, key, pointer, said) in [
        ("", "m", "", "/base_url", "1 to 500"),
        ("models", "m", "", "/base_url", "no address"),
        ("ftp://models.example.com", "m", "", "/base_url", "no address"),
        ("https://ann:secret@models.example.com/v1", "m", "", "/base_url", "user name or password"),
        ("https://models.example.com/v1?key=1", "m", "", "/base_url", "query"),
        (&format!("https://models.example.com/{}", "v".repeat(500)), "m", "", "/base_url", "1 to 500"),
        ("http://169.254.169.254/latest", "m", "", "/base_url", "llm.allow_private_hosts"),
        ("http://2130706433:8080/v1", "m", "", "/base_url", "private network"),
        ("http://[::1]:11434/v1", "m", "", "/base_url", "private network"),
        ("http://localhost:4711/v1", "m", "", "/base_url", "private network"),
        (public, " ", "", "/model", "1 to 200"),
        (public, &"m".repeat(201), "", "/model", "1 to 200"),
        (public, "m", &"k".repeat(1_001), "/api_key", "at most 1000"),
        (public, "m", "sk with spaces", "/api_key", "without spaces"),
    ] {
        for (method, path) in [("PUT", "/v1/settings/model"), ("POST", "/v1/models/test")] {
            let body = json!({ "base_url": base_url, "model": model, "api_key": key });
            let reply = desk.call(&desk.key, method, path, body).await;
            assert_eq!(reply.body["errors"][0]["pointer"], pointer, "{base_url}: {}", reply.body);
            assert!(reply.body["detail"].as_str().unwrap().contains(said), "{base_url}: {}", reply.body);
            assert_eq!(reply.problem(400), "invalid_request");
        }
    }
    assert_eq!(desk.get("/v1/settings/model").await.expect(200)["base_url"], Value::Null);
    let scoped = desk.key_for(Scope::Playground).await;
    for (method, path) in [("GET", "/v1/settings/model"), ("PUT", "/v1/settings/model"), ("POST", "/v1/models/test")] {
        assert_eq!(desk.call(&scoped, method, path, Value::Null).await.problem(403), "missing_scope");
    }
}

/// A name of this machine that leads to a private address and does not look like it, where it has one.
async fn private_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?.trim().to_owned();
    let addresses: Vec<_> = tokio::net::lookup_host((name.as_str(), 80)).await.ok()?.collect();
    let is_private = !addresses.is_empty() && addresses.iter().all(|address| !is_public(address.ip()));
    let looks_public = Guard::default().check(&format!("http://{name}").parse().ok()?) == Ok(Route::Public);
    (is_private && looks_public).then_some(name)
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_refused_when_it_is_connected() {
    // Elsewhere the guard's own tests stand for it.
    let Some(name) = private_name().await else { return };
    let server = Server::start().await;
    let desk = desk(&[]).await;
    let port = server.host.rsplit(':').next().unwrap();
    let typed = json!({ "base_url": format!("http://{name}:{port}/v1"), "model": "m", "api_key": KEY });
    desk.put("/v1/settings/model", typed).await.expect(200);
    let refused = desk.post("/v1/models/test", Value::Null).await;
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("private network") && detail.contains("`llm.allow_private_hosts`"), "{detail}");
    assert_eq!(refused.problem(409), "model_failed");
    assert!(server.keys().is_empty());
}

#[tokio::test]
async fn a_model_that_fails_says_why_and_its_turns_go_on_without_it() {
    let server = Server::start().await;
    let desk = desk(&[&server]).await;
    let wrong = json!({ "base_url": server.base_url(), "model": "m", "api_key": "wrong-key-of-ann" });
    let refused = desk.post("/v1/models/test", wrong.clone()).await;
    let said = refused.body.to_string();
    assert!(said.contains("did not accept the API key") && said.contains("check the key"), "{said}");
    assert!(said.contains("••••") && !said.contains("wrong-key"), "what the server repeats is not passed on: {said}");
    assert_eq!(refused.problem(409), "model_failed");
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let blocked = json!({ "base_url": format!("http://{closed}/v1"), "model": "m" });
    assert_eq!(desk.post("/v1/models/test", blocked).await.body["errors"][0]["pointer"], "/base_url");
    desk.put("/v1/settings/model", wrong).await.expect(200);
    let degraded = asked(&desk, &desk.key).await;
    let by_refusal = (degraded["decision"].clone(), degraded["handoff_reason"].clone());
    assert_eq!(by_refusal.1, "model_unavailable", "{degraded:#}");
    let new = NewModelEndpoint {
        base_url: server.base_url(),
        model: "m".into(),
        sealed_key: Some(
            own_models(&Guard::default(), 9)
                .seal(desk.organization_id, &server.base_url(), &llm::Secret::new(KEY))
                .unwrap(),
        ),
        key_hint: None,
        updated_by: "system".into(),
    };
    let mut transaction = desk.database().of(desk.organization_id).begin().await.unwrap();
    transaction.put_model_endpoint(new).await.unwrap();
    transaction.commit().await.unwrap();
    server.keys();
    let degraded = asked(&desk, &desk.key).await;
    assert_eq!((degraded["decision"].clone(), degraded["handoff_reason"].clone()), by_refusal);
    let tried = desk.post("/v1/models/test", Value::Null).await;
    assert!(tried.body["detail"].as_str().unwrap().contains("set `secrets.key` to the same value"), "{}", tried.body);
    assert_eq!(tried.problem(409), "model_failed");
    let kept = json!({ "base_url": server.base_url(), "model": "m" });
    assert_eq!(desk.post("/v1/models/test", kept).await.problem(503), "secrets_unavailable");
    assert!(server.keys().is_empty());
}
