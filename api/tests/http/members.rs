//! How people come in: links, sign-in, the cookie, and what it does not open.

use crate::support::{Reply, TestDesk, id};
use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};
use std::time::Duration;

const PASSWORD: &str = "correct horse";

/// A browser of our own pages: it sends the header and the cookie it was given.
#[derive(Default)]
struct Browser {
    cookie: String,
}

impl Browser {
    async fn call(&mut self, desk: &TestDesk, method: &str, path: &str, body: Value) -> Reply {
        let builder = Request::builder()
            .method(method)
            .uri(path)
            .header("x-frontdesk-console", "1")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::COOKIE, &self.cookie);
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let reply = desk.read(builder.body(body).unwrap()).await;
        if let Some(set) = reply.headers.get(header::SET_COOKIE) {
            let set = set.to_str().unwrap();
            assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict"), "{set}");
            set.split(';').next().unwrap().clone_into(&mut self.cookie);
        }
        reply
    }
}

async fn set_up_token(desk: &TestDesk) -> Option<String> {
    let path = api::session::set_up_path(desk.database(), desk.organization_id).await.unwrap();
    path.map(|path| path.strip_prefix("/setup?t=").unwrap().to_owned())
}

fn new_member(token: &str, email: &str) -> Value {
    json!({ "token": token, "name": "Robin", "email": email, "password": PASSWORD })
}

async fn set_up(desk: &TestDesk) -> Browser {
    let mut browser = Browser::default();
    let token = set_up_token(desk).await.unwrap();
    browser.call(desk, "POST", "/v1/setup", new_member(&token, "robin@desk.example")).await.expect(201);
    browser
}

#[tokio::test]
async fn the_first_link_makes_a_member_once_whose_cookie_opens_what_a_key_opens() {
    let desk = TestDesk::new().await;
    let (token, spare) = (set_up_token(&desk).await.unwrap(), set_up_token(&desk).await.unwrap());
    let link = format!("/v1/setup?token={token}");
    let mut browser = Browser::default();
    let shown = browser.call(&desk, "GET", &link, Value::Null).await.expect(200);
    assert_eq!((&shown["state"], &shown["is_first"]), (&json!("valid"), &json!(true)));
    let short = json!({ "token": token, "name": "Robin", "email": "robin@desk.example", "password": "short" });
    let refused = browser.call(&desk, "POST", "/v1/setup", short).await;
    assert_eq!(refused.body["errors"][0]["pointer"], "/password");
    let member = browser.call(&desk, "POST", "/v1/setup", new_member(&token, "Robin@Desk.example")).await.expect(201);
    assert_eq!((&member["email"], &member["scopes"]), (&json!("robin@desk.example"), &json!(["admin"])));
    for token in [&token, &spare] {
        let again = browser.call(&desk, "POST", "/v1/setup", new_member(token, "other@desk.example")).await;
        assert_eq!(again.problem(410), "link_over");
        let shown = browser.call(&desk, "GET", &format!("/v1/setup?token={token}"), Value::Null).await.expect(200);
        assert_eq!(shown["state"], "used");
    }
    assert_eq!(set_up_token(&desk).await, None, "a desk with a member prints no link");
    let session = browser.call(&desk, "GET", "/v1/session", Value::Null).await.expect(200);
    assert_eq!(session["member"]["id"], member["id"]);
    assert_eq!(session["organization"]["name"], "Lumen Bikes");
    for path in ["/v1/conversations", "/v1/sources", "/v1/keys", "/v1/assistants", "/v1/usage", "/v1/members"] {
        browser.call(&desk, "GET", path, Value::Null).await.expect(200);
    }
    let by_key = desk.get("/v1/session").await.expect(200);
    assert!(by_key["member"].is_null());
}

#[tokio::test]
async fn an_expired_or_unknown_link_says_so() {
    let desk = TestDesk::new().await;
    let token = set_up_token(&desk).await.unwrap();
    desk.database().clock().advance(Duration::from_mins(31));
    let mut browser = Browser::default();
    let endless = "x".repeat(200);
    for (token, state) in [(token.as_str(), "expired"), ("nonsense", "unknown"), (endless.as_str(), "unknown")] {
        let shown = browser.call(&desk, "GET", &format!("/v1/setup?token={token}"), Value::Null).await.expect(200);
        assert_eq!((&shown["state"], &shown["scopes"]), (&json!(state), &json!([])));
        let refused = browser.call(&desk, "POST", "/v1/setup", new_member(token, "robin@desk.example")).await;
        assert_eq!(refused.problem(410), "link_over");
    }
}

#[tokio::test]
async fn signing_in_is_by_the_right_password_and_guessing_is_held_up() {
    let desk = TestDesk::new().await;
    let mut first = set_up(&desk).await;
    let old = first.cookie.clone();
    assert_eq!(first.call(&desk, "DELETE", "/v1/session", Value::Null).await.status, 204);
    assert_eq!(first.cookie, "fd_session=");
    let mut stolen = Browser { cookie: old };
    assert_eq!(stolen.call(&desk, "GET", "/v1/session", Value::Null).await.problem(401), "unauthenticated");
    let mut browser = Browser::default();
    let sign_in = |email: &str, password: &str| json!({ "email": email, "password": password });
    let right = sign_in(" ROBIN@desk.example ", PASSWORD);
    browser.call(&desk, "POST", "/v1/session", right.clone()).await.expect(201);
    browser.call(&desk, "GET", "/v1/session", Value::Null).await.expect(200);
    let unknown = browser.call(&desk, "POST", "/v1/session", sign_in("nobody@desk.example", PASSWORD)).await;
    assert_eq!(unknown.problem(401), "wrong_credentials");
    for _ in 0..8 {
        let wrong = browser.call(&desk, "POST", "/v1/session", sign_in("robin@desk.example", "a wrong guess")).await;
        assert_eq!(wrong.problem(401), "wrong_credentials");
    }
    assert_eq!(browser.call(&desk, "POST", "/v1/session", right).await.problem(429), "too_many_requests");
}

#[tokio::test]
async fn another_sites_page_cannot_use_the_cookie() {
    let desk = TestDesk::new().await;
    let browser = set_up(&desk).await;
    let forged = |site: Option<&str>, own: bool| {
        let mut builder =
            Request::builder().method("POST").uri("/v1/assistants").header(header::COOKIE, &browser.cookie);
        if let Some(site) = site {
            builder = builder.header("sec-fetch-site", site);
        }
        if own {
            builder = builder.header("x-frontdesk-console", "1");
        }
        let builder = builder.header(header::CONTENT_TYPE, "application/json");
        builder.body(Body::from(json!({ "name": "Planted" }).to_string())).unwrap()
    };
    for (site, own) in
        [(None, false), (Some("cross-site"), true), (Some("same-site"), true), (Some("same-origin"), false)]
    {
        assert_eq!(desk.read(forged(site, own)).await.problem(403), "foreign_page");
    }
    desk.read(forged(Some("same-origin"), true)).await.expect(201);
    let open = Request::builder().method("POST").uri("/v1/session").header(header::CONTENT_TYPE, "application/json");
    let sign_in = open.body(Body::from(json!({ "email": "a@b.c", "password": "x" }).to_string())).unwrap();
    assert_eq!(desk.read(sign_in).await.problem(403), "foreign_page", "nobody is signed in by another site either");
}

#[tokio::test]
async fn an_invited_member_may_do_what_the_invitation_says_and_leaves_at_once() {
    let desk = TestDesk::new().await;
    let mut admin = set_up(&desk).await;
    let invitation =
        admin.call(&desk, "POST", "/v1/invitations", json!({ "scopes": ["conversations"] })).await.expect(201);
    let token = invitation["path"].as_str().unwrap().strip_prefix("/setup?t=").unwrap();
    let mut agent = Browser::default();
    let refused = agent.call(&desk, "POST", "/v1/setup", new_member(token, "robin@desk.example")).await;
    assert_eq!(refused.problem(409), "conflict");
    let member = agent.call(&desk, "POST", "/v1/setup", new_member(token, "kim@desk.example")).await.expect(201);
    agent.call(&desk, "GET", "/v1/conversations", Value::Null).await.expect(200);
    let refused = agent.call(&desk, "GET", "/v1/keys", Value::Null).await;
    assert!(refused.body["detail"].as_str().unwrap().contains("your membership"), "{refused:?}");
    let members = admin.call(&desk, "GET", "/v1/members", Value::Null).await.expect(200);
    let own = format!("/v1/members/{}", id(&members["data"][0]));
    assert_eq!(admin.call(&desk, "DELETE", &own, Value::Null).await.problem(409), "last_admin");
    let path = format!("/v1/members/{}", id(&member));
    let stranger = desk.stranger().await;
    assert_eq!(desk.call(&stranger, "DELETE", &path, Value::Null).await.problem(404), "not_found");
    assert_eq!(admin.call(&desk, "DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(agent.call(&desk, "GET", "/v1/conversations", Value::Null).await.problem(401), "unauthenticated");
    assert_eq!(desk.post("/v1/invitations", json!({ "scopes": [] })).await.problem(400), "invalid_request");
}

#[tokio::test]
async fn a_member_speaks_and_writes_notes_as_their_own_agent() {
    let desk = TestDesk::new().await;
    let mut browser = set_up(&desk).await;
    let agents = browser.call(&desk, "GET", "/v1/agents", Value::Null).await.expect(200);
    let agent = id(&agents["data"][0]).to_owned();
    let conversation = desk.conversation("ada").await;
    let path = |rest: &str| format!("/v1/conversations/{conversation}/{rest}");
    let said = json!({ "content": "Hello from a person", "sender": "agent" });
    let said = browser.call(&desk, "POST", &path("messages"), said).await.expect(202);
    assert_eq!(said["sender"], json!({ "kind": "agent", "id": agent }));
    let note = browser.call(&desk, "POST", &path("notes"), json!({ "content": "will call back" })).await.expect(201);
    assert_eq!(note["agent_id"], json!(agent));
    assert_eq!(
        browser.call(&desk, "POST", &path("notes"), json!({ "content": " " })).await.problem(400),
        "invalid_request"
    );
    let notes = desk.get(&path("notes")).await.expect(200);
    assert_eq!(notes["data"].as_array().unwrap().len(), 1);
    let messages = desk.get(&path("messages")).await.expect(200);
    assert_eq!(messages["data"].as_array().unwrap().len(), 1, "a note is no message");
    let listed = desk.get("/v1/conversations").await.expect(200);
    let preview = &listed["data"][0]["preview"];
    assert_eq!((&preview["sender"], &preview["snippet"]), (&json!("agent"), &json!("Hello from a person")));
    let stranger = desk.stranger().await;
    for method in ["GET", "POST"] {
        let body = if method == "POST" { json!({ "content": "x" }) } else { Value::Null };
        assert_eq!(desk.call(&stranger, method, &path("notes"), body).await.problem(404), "not_found");
    }
}

#[tokio::test]
async fn a_dry_run_streams_its_sentences_and_then_its_trace() {
    let desk = TestDesk::new().await;
    desk.publish("Refunds", "Refunds reach your card within 5 working days of us receiving the bike.").await;
    let stream = |question: &str| {
        let body = Body::from(json!({ "question": question }).to_string());
        let builder = Request::builder().method("POST").uri("/v1/playground/runs");
        let builder = builder.header(header::AUTHORIZATION, format!("Bearer {}", desk.key));
        builder
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "text/event-stream")
            .body(body)
            .unwrap()
    };
    let streamed = desk.read(stream("How long do refunds take to reach my card?")).await;
    let text = streamed.body.as_str().unwrap();
    let kinds: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!((kinds[0], kinds[1], *kinds.last().unwrap()), ("run.started", "run.delta", "run.completed"), "{text}");
    let last = text.lines().filter_map(|line| line.strip_prefix("data: ")).next_back().unwrap();
    let answer: Value = serde_json::from_str(last).unwrap();
    assert_eq!(answer["trace"]["question"], "How long do refunds take to reach my card?");
    let failed = desk.read(stream(" ")).await;
    let text = failed.body.as_str().unwrap();
    assert!(text.contains("event: error") && text.contains("`question` has from 1 to"), "{text}");
}

#[tokio::test]
async fn the_console_is_one_page_that_runs_only_its_own_files() {
    let desk = TestDesk::new().await;
    let bare =
        |path: &str, tag: &str| Request::get(path).header(header::IF_NONE_MATCH, tag).body(Body::empty()).unwrap();
    let page = desk.read(bare("/", "")).await;
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
    assert!(policy.contains("require-trusted-types-for 'script'") && !policy.contains("unsafe"), "{policy}");
    let text = page.body.as_str().unwrap();
    assert!(!text.contains("style=") && !text.contains("://"), "nothing inline, nothing from elsewhere");
    for tag in text.split("<script").skip(1) {
        assert!(tag.starts_with(" type=\"module\" src=\"/console/") && tag.contains("></script>"), "{tag}");
    }
    let files: Vec<&str> = text
        .split("=\"")
        .filter_map(|part| part.split('"').next())
        .filter(|part| part.starts_with("/console/"))
        .collect();
    assert_eq!(files.len(), 3, "a picture, a style and one script: {files:?}");
    for file in files {
        let reply = desk.read(bare(file, "")).await;
        let tag = reply.headers[header::ETAG].to_str().unwrap().to_owned();
        assert_eq!(reply.status, 200, "{file}");
        assert_eq!(desk.read(bare(file, &tag)).await.status, 304, "{file}");
    }
    for path in ["/setup?t=x", "/sign-in", "/inbox/conv_x", "/knowledge/scans/scan_x", "/settings/keys"] {
        assert_eq!(desk.read(bare(path, "")).await.body, page.body, "{path}");
    }
    for path in ["/console/x/none.js", "/console/x/../../Cargo.toml", "/inboxes", "/v1/none"] {
        assert_eq!(desk.read(bare(path, "")).await.status, 404, "{path}");
    }
}
