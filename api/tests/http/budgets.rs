use crate::support::TestDesk;
use serde_json::json;

#[tokio::test]
async fn the_budget_of_the_desk_is_set_and_shown_with_what_is_spent() {
    let desk = TestDesk::new().await;
    let fresh = desk.get("/v1/budgets").await.expect(200);
    assert_eq!((&fresh["limits"]["day_micro_usd"], &fresh["spent"]["day_micro_usd"]), (&json!(null), &json!(0)));
    let set = json!({ "day_micro_usd": 5_000_000, "month_tokens": 1_000_000 });
    let changed = desk.put("/v1/budgets", set).await.expect(200);
    assert_eq!(changed["limits"]["day_micro_usd"], 5_000_000);
    let shown = desk.get("/v1/budgets").await.expect(200);
    assert_eq!((&shown["limits"]["month_tokens"], &shown["limits"]["day_tokens"]), (&json!(1_000_000), &json!(null)));
    let assistant = shown["assistants"][0]["assistant_id"].as_str().unwrap();
    let own = json!({ "settings": { "budget": { "day_tokens": 7 } } });
    desk.patch(&format!("/v1/assistants/{assistant}"), own).await.expect(200);
    let shown = desk.get("/v1/budgets").await.expect(200);
    assert_eq!(shown["assistants"][0]["limits"]["day_tokens"], 7);

    let negative = desk.put("/v1/budgets", json!({ "day_tokens": -1 })).await;
    assert_eq!(negative.body["errors"][0]["pointer"], "/day_tokens");
    assert_eq!(negative.problem(400), "invalid_request");
    let unknown = desk.put("/v1/budgets", json!({ "year_tokens": 1 })).await;
    assert_eq!(unknown.problem(400), "invalid_request");
    assert_eq!(desk.get("/v1/budgets").await.expect(200)["limits"]["day_micro_usd"], 5_000_000, "nothing was changed");
}
