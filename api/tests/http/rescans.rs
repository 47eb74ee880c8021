use crate::support::{TestDesk, id};
use domain::page::{PageDecision, PageState, Risk, RiskKind, ScanState};
use domain::{PageId, ScanId};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use storage::documents::{NewChunk, NewDocument, content_hash};
use storage::page_changes::StagedText;
use storage::pages::{NewPage, PageOutcome};
use tokio::task::JoinSet;

fn document(url: &str, text: &str) -> NewDocument {
    NewDocument {
        external_id: url.to_owned(),
        url: Some(url.to_owned()),
        title: "Plans".to_owned(),
        text: text.to_owned(),
        language: Some("en".to_owned()),
        pieces: vec![NewChunk { start: 0, end: text.len(), heading_path: String::new(), embedding_hash: [7; 32] }],
    }
}

/// A scan that has ended, with two pages whose changed texts wait.
async fn scan_with_changes(desk: &TestDesk) -> (String, Vec<PageId>) {
    let scan = desk.post("/v1/scans", json!({ "url": "https://docs.example.com/" })).await.expect(201);
    let scan_id: ScanId = id(&scan).parse().unwrap();
    let urls = ["https://docs.example.com/a", "https://docs.example.com/b"];
    let mut transaction = desk.database().of(desk.organization_id).begin().await.unwrap();
    let documents = urls.map(|url| document(url, "It costs € 9 a month."));
    let source = scan["source_id"].as_str().unwrap().parse().unwrap();
    let puts = transaction.put_documents(source, &documents).await.unwrap();
    let pages = urls.map(|url| NewPage { url: url.to_owned(), depth: 0 });
    let ids = transaction.insert_pages(scan_id, &pages).await.unwrap();
    for (page_id, put) in ids.iter().zip(&puts) {
        let outcome = PageOutcome {
            document_id: Some(put.document_id),
            decision: Some(PageDecision::Waiting),
            version_before: Some(put.version),
            ..PageOutcome::ended(PageState::Changed, None)
        };
        assert!(transaction.finish_page(*page_id, outcome).await.unwrap());
        let text = "It costs € 12 a month.".to_owned();
        let staged = StagedText {
            page_id: *page_id,
            organization_id: desk.organization_id,
            title: "Plans".to_owned(),
            content_hash: content_hash("Plans", &text),
            text,
            language: None,
        };
        transaction.insert_staged_text(&staged).await.unwrap();
        let risk = Risk { kind: RiskKind::Price, before: vec!["€ 9".to_owned()], after: vec!["€ 12".to_owned()] };
        transaction.set_page_risks(*page_id, &[risk]).await.unwrap();
    }
    transaction.set_scan_held(scan_id, Some("prices changed".to_owned())).await.unwrap();
    transaction.commit().await.unwrap();
    (format!("/v1/scans/{scan_id}"), ids)
}

#[tokio::test]
async fn changes_that_wait_are_shown_with_their_lines_and_decided_once() {
    let desk = TestDesk::new().await;
    let (path, pages) = scan_with_changes(&desk).await;
    let shown = desk.get(&format!("{path}/diff?limit=1&decision=waiting")).await.expect(200);
    assert_eq!((shown["data"].as_array().unwrap().len(), &shown["has_more"]), (1, &json!(true)));
    let change = &shown["data"][0];
    assert_eq!((&change["object"], &change["state"]), (&json!("page_change"), &json!("changed")));
    assert_eq!(change["risks"], json!([{ "kind": "price", "before": ["€ 9"], "after": ["€ 12"] }]));
    let lines = change["diff"]["hunks"][0]["lines"].as_array().unwrap();
    assert!(lines.contains(&json!({ "kind": "removed", "text": "It costs € 9 a month." })), "{lines:?}");
    assert!(lines.contains(&json!({ "kind": "added", "text": "It costs € 12 a month." })), "{lines:?}");
    assert_eq!(desk.get(&format!("{path}/diff?state=removed")).await.expect(200)["data"], json!([]));

    let apply = format!("{path}/apply");
    assert_eq!(desk.post(&apply, Value::Null).await.problem(409), "conflict", "it has not ended");
    let mut transaction = desk.database().of(desk.organization_id).begin().await.unwrap();
    let scan_id = path.rsplit('/').next().unwrap().parse().unwrap();
    transaction.set_scan_state(scan_id, ScanState::Completed, None).await.unwrap();
    transaction.commit().await.unwrap();
    let opened = desk.get(&path).await.expect(200);
    assert_eq!((&opened["changes"], &opened["held_because"]), (&json!({ "waiting": 2 }), &json!("prices changed")));
    assert_eq!((&opened["pages_found"], &opened["pages_done"]), (&json!(2), &json!(2)));

    assert_eq!(desk.post(&apply, json!({ "pages": [] })).await.problem(400), "invalid_request");
    assert_eq!(desk.post(&apply, json!({ "pages": ["nonsense"] })).await.problem(400), "invalid_request");
    desk.post(&apply, json!({ "pages": [pages[0].to_string()] })).await.expect(202);
    assert_eq!(desk.get(&path).await.expect(200)["changes"], json!({ "approved": 1, "waiting": 1 }));
    assert_eq!(desk.post(&apply, json!({ "pages": [pages[0].to_string()] })).await.problem(409), "conflict");
    desk.post(&format!("{path}/reject"), Value::Null).await.expect(202);
    assert_eq!(desk.get(&path).await.expect(200)["changes"], json!({ "approved": 1, "rejected": 1 }));
    assert_eq!(desk.post(&apply, Value::Null).await.problem(409), "conflict", "nothing waits any more");
}

#[tokio::test]
async fn a_website_is_scanned_once_at_a_time() {
    let desk = TestDesk::new().await;
    let scan = desk.post("/v1/scans", json!({ "url": "docs.example.com" })).await.expect(201);
    let again = desk.post("/v1/scans", json!({ "url": "https://docs.example.com/" })).await;
    assert!(again.body["detail"].as_str().unwrap().contains(id(&scan)), "{:#}", again.body);
    assert_eq!(again.problem(409), "conflict");
    desk.post(&format!("/v1/scans/{}/cancel", id(&scan)), Value::Null).await.expect(200);
    desk.post("/v1/scans", json!({ "url": "docs.example.com" })).await.expect(201);
    let endless = json!({ "url": "other.example.com", "deadline_minutes": 0 });
    assert_eq!(desk.post("/v1/scans", endless).await.problem(400), "invalid_request");
}

#[tokio::test]
async fn a_schedule_is_set_with_the_source_and_nonsense_is_refused() {
    let desk = TestDesk::new().await;
    let settings = json!({ "rescan_every_hours": 24, "publish_support_min": 0.9 });
    let new = json!({ "kind": "website", "name": "Docs", "url": "https://docs.example.com/", "settings": settings });
    let source = desk.post("/v1/sources", new).await.expect(201);
    let path = format!("/v1/sources/{}", id(&source));
    assert_eq!(desk.get(&path).await.expect(200)["settings"], settings);
    for wrong in [
        json!({ "rescan_every_hours": 0 }),
        json!({ "rescan_every_hours": "daily" }),
        json!({ "removed_percent_max": 101 }),
        json!({ "something_else": true }),
    ] {
        assert_eq!(desk.patch(&path, json!({ "settings": wrong })).await.problem(400), "invalid_request", "{wrong}");
    }
    desk.patch(&path, json!({ "settings": { "hold_risky": false } })).await.expect(200);
}

#[tokio::test]
async fn a_deleted_document_is_never_found_after_the_delete_returned() {
    let desk = Arc::new(TestDesk::new().await);
    for round in 0..5 {
        let new = json!({ "kind": "website", "name": "Docs", "url": format!("https://docs{round}.example.com/") });
        let source = desk.post("/v1/sources", new).await.expect(201);
        let mut transaction = desk.database().of(desk.organization_id).begin().await.unwrap();
        let documents =
            [0, 1, 2].map(|page| document(&format!("https://docs.example.com/{round}/{page}"), "Zebras are striped."));
        transaction.put_documents(id(&source).parse().unwrap(), &documents).await.unwrap();
        transaction.commit().await.unwrap();
        ingest::index::catch_up(&desk.state.library, desk.organization_id).await.unwrap();
        let deleted = Arc::new(AtomicBool::new(false));
        let mut searches = JoinSet::new();
        for _ in 0..3 {
            let (desk, deleted) = (Arc::clone(&desk), Arc::clone(&deleted));
            searches.spawn(async move {
                let (mut found, mut after) = (0, 0);
                while after < 5 {
                    let was_deleted = deleted.load(Ordering::SeqCst);
                    let asked = json!({ "query": "striped zebras", "mode": "bm25" });
                    let hits = desk.post("/v1/search", asked).await.expect(200)["data"].as_array().unwrap().len();
                    assert!(!was_deleted || hits == 0, "found after the delete returned");
                    found += hits;
                    after += usize::from(was_deleted);
                    tokio::task::yield_now().await;
                }
                found
            });
        }
        let asked = json!({ "query": "striped zebras", "mode": "bm25" });
        assert!(!desk.post("/v1/search", asked).await.expect(200)["data"].as_array().unwrap().is_empty());
        assert_eq!(desk.delete(&format!("/v1/sources/{}", id(&source))).await.status, 204);
        deleted.store(true, Ordering::SeqCst);
        while let Some(search) = searches.join_next().await {
            search.unwrap();
        }
    }
}
