//! The review queue and the versions of articles.

use crate::support::{TestDesk, id};
use ingest::documents::{Text, put};
use ingest::drafter::Drafter;
use serde_json::{Value, json};
use storage::sources::NewSource;

const PAGE: &str = "# Refunds\n\nYou can ask for a refund within 14 days after you paid. Write to us with the number of your order.\n\n## How long does a refund of an order take?\n\nA refund takes five working days.\n";

/// A desk with a source whose one page was drafted from.
async fn drafted() -> (TestDesk, domain::SourceId) {
    let desk = TestDesk::new().await;
    let mut transaction = desk.database().of(desk.organization_id).begin().await.unwrap();
    let new =
        NewSource { kind: "import".to_owned(), name: "help".to_owned(), url: None, settings: serde_json::Map::new() };
    let source = transaction.insert_source(new).await.unwrap().id;
    transaction.commit().await.unwrap();
    says(&desk, source, PAGE).await;
    (desk, source)
}

async fn says(desk: &TestDesk, source: domain::SourceId, text: &str) {
    let text = Text {
        external_id: "refunds".to_owned(),
        url: Some("https://help.example.com/refunds".to_owned()),
        title: "Refunds".to_owned(),
        text: text.to_owned(),
        language: Some("en".to_owned()),
    };
    put(&desk.state.library, desk.organization_id, source, vec![text]).await.unwrap();
    let drafter = Drafter::by_rules();
    ingest::suggest::run(&desk.state.library, &drafter, desk.organization_id, source, false).await.unwrap();
}

async fn waiting(desk: &TestDesk, kind: &str) -> Value {
    let listed = desk.get(&format!("/v1/review?kind={kind}")).await.expect(200);
    listed["data"][0].clone()
}

#[tokio::test]
async fn a_suggestion_is_read_with_its_proof_approved_and_then_answers() {
    let (desk, source) = drafted().await;
    let first = desk.get("/v1/review?limit=1").await.expect(200);
    assert_eq!((first["data"].as_array().unwrap().len(), &first["has_more"]), (1, &json!(true)));
    assert_eq!(first["counts"].as_array().unwrap().len(), 2);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = desk.get(&format!("/v1/review?limit=1&after={cursor}&source={source}")).await.expect(200);
    assert_ne!(rest["data"][0]["id"], first["data"][0]["id"]);

    let path = format!("/v1/review/{}", id(&waiting(&desk, "faq").await));
    let opened = desk.get(&path).await.expect(200);
    assert_eq!(opened["links"][0]["quote"], "A refund takes five working days.");
    assert_eq!((&opened["unlinked"], &opened["diff"]), (&json!([]), &Value::Null));
    assert_eq!(opened["documents"][0]["url"], "https://help.example.com/refunds");
    let approved = desk.post(&format!("{path}/approve"), Value::Null).await.expect(200);
    assert_eq!(approved["state"], "approved");
    assert!(approved["reviewer"].as_str().unwrap().starts_with("key_"), "{approved:#}");
    assert_eq!(desk.post(&format!("{path}/approve"), Value::Null).await.problem(409), "conflict");
    let article = desk.get(&format!("/v1/articles/{}", approved["article_id"].as_str().unwrap())).await.expect(200);
    let shown = (&article["state"], &article["origin"], &article["kind"]);
    assert_eq!(shown, (&json!("published"), &json!("generated"), &json!("faq")));
    let search = json!({ "query": "how long does a refund take", "k": 5 });
    let hits = desk.post("/v1/search", search).await.expect(200);
    let urls: Vec<&Value> = hits["data"].as_array().unwrap().iter().map(|hit| &hit["url"]).collect();
    assert!(!urls.is_empty() && urls.iter().all(|url| **url == "https://help.example.com/refunds"), "{hits:#}");
}

#[tokio::test]
async fn edits_and_rejections_are_kept_and_an_update_shows_what_it_changes() {
    let (desk, source) = drafted().await;
    let article = waiting(&desk, "article").await;
    let body = format!("{} We are quick.", article["body"].as_str().unwrap());
    let edit = json!({ "title": "All about refunds", "body": body });
    desk.post(&format!("/v1/review/{}/approve", id(&article)), edit).await.expect(200);
    let faq = waiting(&desk, "faq").await;
    let path = format!("/v1/review/{}/reject", id(&faq));
    let rejected = desk.post(&path, json!({ "reason": "too short" })).await.expect(200);
    assert_eq!((&rejected["state"], &rejected["reason"]), (&json!("rejected"), &json!("too short")));

    says(&desk, source, &PAGE.replace("14 days", "30 days")).await;
    let update = waiting(&desk, "article").await;
    let opened = desk.get(&format!("/v1/review/{}", id(&update))).await.expect(200);
    assert!(opened["diff"].to_string().contains("30"), "{:#}", opened["diff"]);

    let path = format!("/v1/articles/{}", article["article_id"].as_str().unwrap());
    let versions = desk.get(&format!("{path}/versions")).await.expect(200);
    let origins: Vec<&Value> = versions["data"].as_array().unwrap().iter().map(|row| &row["origin"]).collect();
    assert_eq!(origins, [&json!("written"), &json!("generated")]);
    assert!(versions["data"][0]["reviewer"].as_str().unwrap().starts_with("key_"));
    let diff = desk.get(&format!("{path}/diff?from=1&to=2")).await.expect(200);
    assert!(diff["body"][0]["lines"].to_string().contains("We are quick"), "{diff:#}");
    assert!(diff["title"].to_string().contains("All about"));
    let restored = desk.post(&format!("{path}/restore"), json!({ "version": 1 })).await.expect(200);
    assert_eq!((&restored["title"], &restored["version"]), (&json!("Refunds"), &json!(3)));
    assert_eq!(desk.post(&format!("{path}/restore"), json!({ "version": 9 })).await.problem(404), "not_found");
    // The article is another one by now: which text is wanted must be said.
    let path = format!("/v1/review/{}/approve", id(&update));
    assert_eq!(desk.post(&path, Value::Null).await.problem(409), "conflict");
    desk.post(&path, json!({ "body": "Refunds within 30 days." })).await.expect(200);
}

#[tokio::test]
async fn several_are_judged_at_once_and_bad_requests_are_named() {
    let (desk, source) = drafted().await;
    let (one, other) = (waiting(&desk, "faq").await, waiting(&desk, "article").await);
    let ids = json!({ "ids": [id(&one), id(&other)] });
    let judged = desk.post("/v1/review/approve", ids.clone()).await.expect(200);
    assert!(judged["data"].as_array().unwrap().iter().all(|row| row["done"] == true), "{judged:#}");
    let again = desk.post("/v1/review/reject", ids).await.expect(200);
    assert!(again["data"].as_array().unwrap().iter().all(|row| row["done"] == false && row["error"].is_string()));
    assert_eq!(desk.post("/v1/review/approve", json!({ "ids": [] })).await.problem(400), "invalid_request");
    assert_eq!(desk.get("/v1/review?state=open").await.problem(400), "invalid_request");
    assert_eq!(desk.get("/v1/review?state=any").await.expect(200)["data"].as_array().unwrap().len(), 2);
    let drafts = format!("/v1/sources/{source}/drafts");
    assert_eq!(desk.post(&drafts, Value::Null).await.status, 202);
    let stranger = desk.stranger().await;
    for path in
        [format!("/v1/review/{}", id(&one)), format!("/v1/articles/{}/diff", one["article_id"].as_str().unwrap())]
    {
        assert_eq!(desk.call(&stranger, "GET", &path, Value::Null).await.problem(404), "not_found");
    }
    let path = format!("/v1/review/{}/approve", id(&one));
    assert_eq!(desk.call(&stranger, "POST", &path, Value::Null).await.problem(404), "not_found");
}
