use crate::support::{TestDesk, id};
use serde_json::json;

#[tokio::test]
async fn customers_are_added_changed_found_and_erased() {
    let desk = TestDesk::new().await;
    let new = json!({ "external_id": "ada", "name": "Ada", "profile": { "plan": "gold" } });
    let ada = desk.post("/v1/customers", new).await.expect(201);
    let again = json!({ "external_id": "ada", "name": "Other", "email": "ada@example.com" });
    let again = desk.post("/v1/customers", again).await.expect(200);
    assert_eq!((&again["id"], &again["name"], &again["email"]), (&ada["id"], &json!("Ada"), &json!("ada@example.com")));
    let path = format!("/v1/customers/{}", id(&ada));
    let changed = desk.patch(&path, json!({ "name": "Ada L.", "email": null })).await.expect(200);
    assert_eq!((&changed["name"], &changed["email"]), (&json!("Ada L."), &json!(null)));
    assert_eq!(changed["profile"], json!({ "plan": "gold" }));
    assert_eq!(desk.get(&path).await.expect(200), changed);

    let ben = desk.post("/v1/customers", json!({ "external_id": "ben" })).await.expect(201);
    let taken = desk.patch(&path, json!({ "external_id": "ben" })).await;
    assert_eq!(taken.problem(409), "external_id_taken");
    let found = desk.get("/v1/customers?q=ben").await.expect(200);
    assert_eq!(found["data"][0]["id"], ben["id"]);
    let first = desk.get("/v1/customers?limit=1").await.expect(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = desk.get(&format!("/v1/customers?limit=1&after={cursor}")).await.expect(200);
    assert_ne!(first["data"][0]["id"], second["data"][0]["id"]);
    assert_eq!(second["has_more"], false);

    desk.conversation("ada").await;
    assert_eq!(desk.delete(&path).await.status, 204);
    assert_eq!(desk.get(&path).await.problem(404), "not_found");
    assert_eq!(desk.get("/v1/conversations").await.expect(200)["data"], json!([]));
    assert_eq!(desk.post("/v1/customers", json!({ "name": "" })).await.problem(400), "invalid_request");
}

#[tokio::test]
async fn people_read_add_and_erase_what_is_remembered() {
    let desk = TestDesk::new().await;
    let ada = desk.post("/v1/customers", json!({ "external_id": "ada" })).await.expect(201);
    let ben = desk.post("/v1/customers", json!({ "external_id": "ben" })).await.expect(201);
    let facts = format!("/v1/customers/{}/facts", id(&ada));
    let fact = desk.post(&facts, json!({ "text": "Rides a Lumen 3", "kind": "order" })).await.expect(201);
    assert_eq!(fact["importance"], 0.5);
    let listed = desk.get(&facts).await.expect(200);
    assert_eq!(listed["data"][0]["text"], "Rides a Lumen 3");
    let of_ben = format!("/v1/customers/{}/facts/{}", id(&ben), id(&fact));
    assert_eq!(desk.delete(&of_ben).await.problem(404), "not_found");
    assert_eq!(desk.delete(&format!("{facts}/{}", id(&fact))).await.status, 204);
    assert_eq!(desk.get(&facts).await.expect(200)["data"], json!([]));
    let wrong = desk.post(&facts, json!({ "text": "x", "importance": 2 })).await;
    assert_eq!(wrong.body["errors"][0]["pointer"], "/importance");
    assert_eq!(wrong.problem(400), "invalid_request");
}
