use crate::support::{Reply, TestDesk, id, request};
use api::Settings;
use axum::body::Body;
use axum::routing::get;
use domain::page::{PageState, ScanState};
use ingest::guard::Guard;
use serde_json::{Value, json};
use storage::pages::NewPage;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

#[tokio::test]
async fn an_article_is_written_published_found_changed_and_archived() {
    let desk = TestDesk::new().await;
    let published = desk.publish("Refunds", "Refunds reach your card within five working days.").await;
    assert_eq!(published["state"], "published");
    let search = json!({ "query": "refunds card days", "mode": "bm25", "k": 3 });
    let found = desk.post("/v1/search", search.clone()).await.expect(200);
    assert_eq!(found["data"][0]["document_id"], published["document_id"]);
    assert_eq!(found["data"][0]["bm25"]["rank"], 1);
    assert_eq!(found["data"][0]["external_id"], published["id"]);

    let path = format!("/v1/articles/{}", id(&published));
    let changed = desk.patch(&path, json!({ "body": "Refunds take a week." })).await.expect(200);
    assert_eq!((&changed["version"], &changed["title"]), (&json!(2), &json!("Refunds")));
    let versions = desk.get(&format!("{path}/versions")).await.expect(200);
    let bodies: Vec<_> = versions["data"].as_array().unwrap().iter().map(|row| row["body"].clone()).collect();
    assert_eq!(bodies, ["Refunds take a week.", "Refunds reach your card within five working days."]);
    let archived = desk.post(&format!("{path}/archive"), Value::Null).await.expect(200);
    assert_eq!(archived["state"], "archived");
    assert_eq!(desk.post("/v1/search", search).await.expect(200)["data"], json!([]));
    let listed = desk.get("/v1/articles?state=archived").await.expect(200);
    assert_eq!(listed["data"][0]["id"], published["id"]);
    assert_eq!(desk.delete(&path).await.status, 204);
    assert_eq!(desk.get(&path).await.problem(404), "not_found");

    let empty = desk.post("/v1/articles", json!({ "title": "Empty" })).await.expect(201);
    let refused = desk.post(&format!("/v1/articles/{}/publish", id(&empty)), Value::Null).await;
    assert_eq!(refused.problem(400), "invalid_request");
    for wrong in [json!({ "query": " " }), json!({ "query": "x", "k": 0 }), json!({ "query": "x", "dense_weight": 2 })]
    {
        assert_eq!(desk.post("/v1/search", wrong).await.problem(400), "invalid_request");
    }
}

#[tokio::test]
async fn sources_are_added_changed_and_deleted_with_what_came_from_them() {
    let desk = TestDesk::new().await;
    let new = json!({ "kind": "website", "name": "Help", "url": "https://help.example.com/" });
    let source = desk.post("/v1/sources", new.clone()).await.expect(201);
    assert_eq!(desk.post("/v1/sources", new).await.problem(409), "conflict");
    let path = format!("/v1/sources/{}", id(&source));
    let changed = desk.patch(&path, json!({ "name": "Help centre" })).await.expect(200);
    assert_eq!(changed["name"], "Help centre");
    desk.publish("Refunds", "Refunds take five working days.").await;
    let listed = desk.get("/v1/sources").await.expect(200);
    let articles = listed["data"].as_array().unwrap().iter().find(|row| row["kind"] == "articles").unwrap();
    let of_articles = format!("/v1/sources/{}", id(articles));
    assert_eq!(desk.get(&of_articles).await.expect(200)["documents"], 1);
    let documents = desk.get(&format!("/v1/documents?source={}", id(articles))).await.expect(200);
    assert_eq!(documents["data"][0]["title"], "Refunds");
    for path in [path, of_articles] {
        assert_eq!(desk.delete(&path).await.status, 204);
    }
    assert_eq!(desk.get("/v1/documents").await.expect(200)["data"], json!([]));
    for wrong in [
        json!({ "kind": "website", "name": "x" }),
        json!({ "kind": "import", "name": "x", "url": "https://example.com" }),
        json!({ "kind": "website", "name": "x", "url": "ftp://example.com" }),
        json!({ "kind": "articles", "name": "x" }),
    ] {
        assert_eq!(desk.post("/v1/sources", wrong).await.problem(400), "invalid_request");
    }
}

/// Sends a file to a source as it is.
async fn send_file(desk: &TestDesk, source: &Value, name: &str, bytes: &[u8]) -> Reply {
    let path = format!("/v1/sources/{}/files?filename={name}", id(source));
    let mut request = request(&desk.key, "POST", &path, Value::Null);
    *request.body_mut() = Body::from(bytes.to_vec());
    desk.read(request).await
}

#[tokio::test]
async fn files_become_documents_that_are_found_changed_and_deleted_with_their_source() {
    let desk = TestDesk::new().await;
    let source = desk.post("/v1/sources", json!({ "kind": "import", "name": "Manuals" })).await.expect(201);
    let table = "question,answer\nCan I pay by card?,Yes with any card.\nHow do I cancel?,In the settings.\n";
    let taken = send_file(&desk, &source, "faq.csv", table.as_bytes()).await.expect(201);
    assert_eq!(
        (&taken["kind"], &taken["new"], &taken["documents"][1]["title"]),
        (&json!("csv"), &json!(2), &json!("How do I cancel?"))
    );
    let search = json!({ "query": "cancel settings", "mode": "bm25", "k": 3 });
    let found = desk.post("/v1/search", search.clone()).await.expect(200);
    assert_eq!(found["data"][0]["document_id"], taken["documents"][1]["id"]);

    let again = send_file(&desk, &source, "faq.csv", table.as_bytes()).await.expect(201);
    assert_eq!((&again["same"], &again["new"], &again["removed"]), (&json!(2), &json!(0), &json!(0)));
    let shorter = "question,answer\nCan I pay by card?,Only with a credit card.\n";
    let changed = send_file(&desk, &source, "faq.csv", shorter.as_bytes()).await.expect(201);
    assert_eq!((&changed["changed"], &changed["removed"]), (&json!(1), &json!(1)));
    assert_eq!(changed["documents"][0]["version"], 2);
    assert_eq!(desk.post("/v1/search", search).await.expect(200)["data"], json!([]), "what left is found no more");

    let guide =
        send_file(&desk, &source, "guides/invoices.md", b"# Invoices\n\nInvoices come by mail.\n").await.expect(201);
    assert_eq!((&guide["kind"], &guide["documents"][0]["title"]), (&json!("markdown"), &json!("Invoices")));
    let refused = send_file(&desk, &source, "lie.pdf", b"no PDF").await;
    assert!(refused.body["hint"].is_string(), "{:#}", refused.body);
    assert_eq!(refused.problem(400), "invalid_request");
    assert_eq!(send_file(&desk, &source, "empty.csv", b"").await.problem(400), "invalid_request");
    let of_source = format!("/v1/sources/{}", id(&source));
    assert_eq!(desk.get(&of_source).await.expect(200)["documents"], 2, "what is refused changes nothing");
    assert_eq!(desk.delete(&of_source).await.status, 204);
    let search = json!({ "query": "invoices mail card", "mode": "bm25", "k": 3 });
    assert_eq!(desk.post("/v1/search", search).await.expect(200)["data"], json!([]));
}

#[tokio::test]
async fn kinds_of_sources_say_what_they_take() {
    let desk = TestDesk::new().await;
    let kinds = desk.get("/v1/source_kinds").await.expect(200);
    let csv = kinds["data"].as_array().unwrap().iter().find(|kind| kind["kind"] == "csv").unwrap();
    assert!(csv["settings_schema"]["properties"]["question_column"].is_object());
    let settings = json!({ "question_column": "Subject", "answer_column": "Reply" });
    let source =
        desk.post("/v1/sources", json!({ "kind": "csv", "name": "Replies", "settings": settings })).await.expect(201);
    let taken = send_file(&desk, &source, "a.csv", b"Subject,Reply\nWhere is it?,On its way.\n").await.expect(201);
    assert_eq!(taken["new"], 1);
    let unknown = json!({ "kind": "csv", "name": "x", "settings": { "colour": "red" } });
    let refused = desk.post("/v1/sources", unknown).await;
    assert_eq!(refused.body["errors"][0]["pointer"], "/settings");
    assert_eq!(
        desk.patch(&format!("/v1/sources/{}", id(&source)), json!({ "settings": { "colour": 1 } })).await.problem(400),
        "invalid_request"
    );
    let site = desk
        .post("/v1/sources", json!({ "kind": "website", "name": "Help", "url": "https://help.example.com/" }))
        .await;
    assert_eq!(send_file(&desk, &site.expect(201), "a.md", b"# A").await.problem(400), "invalid_request");
}

#[tokio::test]
async fn a_scan_is_started_followed_held_and_called_off() {
    let desk = TestDesk::new().await;
    let new = json!({ "url": "docs.example.com/guides/", "exclude": ["**/old/**"], "pages_max": 7 });
    let scan = desk.post("/v1/scans", new).await.expect(201);
    assert_eq!((&scan["state"], &scan["settings"]["pages_max"]), (&json!("discovering"), &json!(7)));
    let path = format!("/v1/scans/{}", id(&scan));
    assert_eq!(desk.post(&format!("{path}/pause"), Value::Null).await.problem(409), "conflict");

    let scan_id = id(&scan).parse().unwrap();
    let mut transaction = desk.database().of(desk.organization_id).begin().await.unwrap();
    let pages: Vec<_> =
        (0..5).map(|number| NewPage { url: format!("https://docs.example.com/guides/{number}"), depth: 0 }).collect();
    transaction.insert_pages(scan_id, &pages).await.unwrap();
    transaction.set_scan_state(scan_id, ScanState::Running, None).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(desk.get(&path).await.expect(200)["pages"], json!({ "pending": 5 }));
    let first = desk.get(&format!("{path}/pages?limit=3&state=pending")).await.expect(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = desk.get(&format!("{path}/pages?after={cursor}")).await.expect(200);
    let urls = [&first, &rest].map(|stretch| stretch["data"].as_array().unwrap().clone()).concat();
    let urls: Vec<_> = urls.iter().map(|page| page["url"].as_str().unwrap().to_owned()).collect();
    assert_eq!(urls, pages.iter().map(|page| page.url.clone()).collect::<Vec<_>>());
    let skipped = format!("{path}/pages?state={}", PageState::Skipped);
    assert_eq!(desk.get(&skipped).await.expect(200)["data"], json!([]));

    for (action, state) in [("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")] {
        let changed = desk.post(&format!("{path}/{action}"), Value::Null).await.expect(200);
        assert_eq!(changed["state"], state);
    }
    assert_eq!(desk.get("/v1/scans").await.expect(200)["data"][0]["id"], scan["id"]);
    for wrong in ["http://127.0.0.1:9/", "http://169.254.169.254/latest", "ftp://example.com", "not a url"] {
        let refused = desk.post("/v1/scans", json!({ "url": wrong })).await;
        assert_eq!(refused.problem(400), "invalid_request", "{wrong}");
    }
}

#[tokio::test]
async fn a_preview_says_what_would_be_read_and_stores_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let page = async || {
        let text = "Refunds reach your card within five working days. ".repeat(20);
        axum::response::Html(format!(
            "<html><title>Refunds</title><main><h1>Refunds</h1><p>{text}</p><a href=/b>b</a></main></html>"
        ))
    };
    let mut site = JoinSet::new();
    let routes = axum::Router::new().route("/", get(page)).route("/b", get(page));
    site.spawn(async move { axum::serve(listener, routes).await.unwrap() });
    let guard = Guard::new(vec![address.to_string().parse().unwrap()]);
    let desk = TestDesk::with(Settings::default(), guard).await;
    let asked = json!({ "url": format!("http://{address}/") });
    let preview = desk.post("/v1/scans/preview", asked).await.expect(200);
    assert_eq!((&preview["pages"], &preview["more_by_links"]), (&json!(1), &json!(true)));
    // Both addresses hold the same text.
    assert_eq!((&preview["looked_at"], &preview["skipped"][0]["kind"]), (&json!(2), &json!("duplicate")));
    assert_eq!(desk.get("/v1/scans").await.expect(200)["data"], json!([]));
}
