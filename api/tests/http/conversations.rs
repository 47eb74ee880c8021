use crate::support::{TestDesk, id};
use serde_json::{Value, json};

const REFUNDS: &str = "# Refunds\n\nRefunds reach your card within 5 working days of us receiving the bike. \
    Shipping costs are not refunded.\n";
const QUESTION: &str = "How long do refunds take to reach my card?";

#[tokio::test]
async fn a_question_is_answered_with_a_citation_that_its_document_proves() {
    let desk = TestDesk::new().await;
    desk.publish("Refunds", REFUNDS).await;
    let conversation = desk.conversation("ada").await;
    let path = format!("/v1/conversations/{conversation}/messages?wait=answer");
    let answered = desk.post(&path, json!({ "content": QUESTION })).await.expect(200);
    let (message, answer) = (&answered["message"], &answered["answer"]);
    assert_eq!(message["sender"]["kind"], "customer");
    assert!(message["sender"]["id"].as_str().unwrap().starts_with("cus_"));
    assert_eq!(answer["object"], "message");
    assert_eq!(answer["decision"], "answer", "{answer:#}");
    assert!(answer["sender"]["id"].as_str().unwrap().starts_with("ast_"));
    assert_eq!(answer["in_reply_to"], json!([message["id"]]));
    assert_eq!(answer["usage"], json!({ "input_tokens": 0, "output_tokens": 0, "estimated": false }));
    assert!(answer["content"].as_str().unwrap().contains("5 working days"));
    let citation = &answer["citations"][0];
    let path = format!("/v1/documents/{}?version={}", citation["document_id"].as_str().unwrap(), citation["version"]);
    let document = desk.get(&path).await.expect(200);
    let range = number(&citation["start"])..number(&citation["end"]);
    assert_eq!(&document["text"].as_str().unwrap()[range], citation["quote"].as_str().unwrap());

    let trace = desk.get(&format!("/v1/messages/{}/trace", id(answer))).await.expect(200);
    assert_eq!(trace["message_id"], answer["id"]);
    assert_eq!(trace["decision"]["kind"], "answer");
    assert_eq!(trace["candidates"][0]["in_prompt"], true);
    let path = format!("/v1/messages/{}/feedback", id(answer));
    let rated = desk.post(&path, json!({ "rating": "good", "comment": "right" })).await.expect(201);
    assert_eq!(rated["rating"], "good");
    let path = format!("/v1/messages/{}/feedback", id(message));
    assert_eq!(desk.post(&path, json!({ "rating": "poor" })).await.problem(400), "invalid_request");
}

#[tokio::test]
async fn an_unknown_question_goes_to_a_person_who_finds_why() {
    let desk = TestDesk::new().await;
    desk.publish("Refunds", REFUNDS).await;
    let new = json!({ "customer": { "external_id": "ada", "name": "Ada" }, "message": "Do you sell submarines?" });
    let begun = desk.post("/v1/conversations", new).await.expect(201);
    let path = format!("/v1/conversations/{}/messages?wait=answer", id(&begun));
    let again = json!({ "content": "Hello? Do you sell submarines?", "external_id": "second" });
    let answered = desk.post(&path, again).await;
    let answer = &answered.body["answer"];
    assert!(answer.is_null() || answer["decision"] == "hand_off", "{answer:#}");
    let opened = desk.get(&format!("/v1/conversations/{}", id(&begun))).await.expect(200);
    assert_eq!(opened["holder"], "queue");
    assert_eq!(opened["handoff"]["state"], "waiting");
    assert_eq!(opened["handoff"]["reason"], "missing_knowledge");
}

#[tokio::test]
async fn the_same_external_id_brings_the_first_message_and_its_answer_back() {
    let desk = TestDesk::new().await;
    desk.publish("Refunds", REFUNDS).await;
    let (first, second) = (desk.conversation("ada").await, desk.conversation("ben").await);
    let path = format!("/v1/conversations/{first}/messages");
    let body = json!({ "content": QUESTION, "external_id": "m-1" });
    let message = desk.post(&path, body.clone()).await.expect(202);
    let again = desk.post(&path, body.clone()).await.expect(200);
    assert_eq!(again["id"], message["id"]);
    let answered = desk.post(&format!("{path}?wait=answer"), body.clone()).await.expect(200);
    assert_eq!(answered["message"]["id"], message["id"]);
    assert_eq!(answered["answer"]["in_reply_to"], json!([message["id"]]));
    assert_eq!(desk.get(&path).await.expect(200)["data"].as_array().unwrap().len(), 2);
    let elsewhere = format!("/v1/conversations/{second}/messages");
    assert_eq!(desk.post(&elsewhere, body).await.problem(409), "external_id_taken");

    let new = json!({ "customer": "ada", "message": { "content": "hi", "external_id": "m-1" } });
    let begun = desk.post("/v1/conversations", new).await.expect(200);
    assert_eq!((id(&begun), &begun["message"]["id"]), (first.as_str(), &message["id"]));
}

#[tokio::test]
async fn an_agent_takes_over_and_gives_back() {
    let desk = TestDesk::new().await;
    let conversation = desk.conversation("ada").await;
    let path = format!("/v1/conversations/{conversation}");
    let mut transaction = desk.database().of(desk.organization_id).begin().await.unwrap();
    let agent = transaction.insert_agent("Grace", None).await.unwrap();
    transaction.commit().await.unwrap();

    let handoff = desk.post(&format!("{path}/handoff"), json!({ "summary": "wants a refund" })).await.expect(201);
    assert_eq!((&handoff["reason"], &handoff["state"]), (&json!("customer_request"), &json!("waiting")));
    let assigned = desk.put(&format!("{path}/assignment"), json!({ "agent_id": agent.id })).await.expect(200);
    assert_eq!((&assigned["holder"], &assigned["assignee_id"]), (&json!("agent"), &json!(agent.id)));
    let mine = desk.get(&format!("/v1/conversations?assignee={}&holder=agent", agent.id)).await.expect(200);
    assert_eq!(id(&mine["data"][0]), conversation);
    let said = json!({ "content": "Grace here.", "sender": "agent", "agent_id": agent.id });
    let said = desk.post(&format!("{path}/messages"), said).await.expect(202);
    assert_eq!(said["sender"], json!({ "kind": "agent", "id": agent.id }));

    // A person holds it, so no answer is waited for.
    let body = json!({ "content": "thanks" });
    let waited = desk.post(&format!("{path}/messages?wait=answer"), body).await.expect(202);
    assert!(waited["answer"].is_null());
    assert_eq!(desk.delete(&format!("{path}/assignment")).await.expect(200)["holder"], "queue");
    assert_eq!(desk.delete(&format!("{path}/handoff")).await.expect(200)["holder"], "ai");
    assert!(desk.get(&path).await.expect(200)["handoff"].is_null());
}

#[tokio::test]
async fn agents_resolve_snooze_and_change_a_conversation() {
    let desk = TestDesk::new().await;
    let conversation = desk.conversation("ada").await;
    let path = format!("/v1/conversations/{conversation}");
    desk.post(&format!("{path}/handoff"), Value::Null).await.expect(201);
    let snoozed = desk.post(&format!("{path}/snooze"), json!({ "until": "2100-01-01T00:00:00Z" })).await.expect(200);
    assert_eq!(snoozed["status"], "snoozed");
    assert_eq!(snoozed["snoozed_until"], "2100-01-01T00:00:00.000Z");
    let past = desk.post(&format!("{path}/snooze"), json!({ "until": "2000-01-01T00:00:00Z" })).await;
    assert_eq!(past.problem(400), "invalid_request");
    let resolved = desk.post(&format!("{path}/resolution"), Value::Null).await.expect(200);
    assert_eq!(resolved["status"], "resolved");
    assert!(desk.get(&path).await.expect(200)["handoff"].is_null());
    let edit =
        json!({ "status": "open", "title": "Refund of order 7", "tags": ["refund"], "metadata": { "order": 7 } });
    let changed = desk.patch(&path, edit).await.expect(200);
    assert_eq!((&changed["status"], &changed["tags"]), (&json!("open"), &json!(["refund"])));
    assert_eq!(desk.patch(&path, json!({ "status": "snoozed" })).await.problem(400), "invalid_request");
    let found = desk.get("/v1/conversations?q=order%207&channel=api&status=open").await.expect(200);
    assert_eq!(id(&found["data"][0]), conversation);
    let none = desk.get("/v1/conversations?channel=widget").await.expect(200);
    assert_eq!(none["data"], json!([]));
}

#[tokio::test]
async fn stretches_of_a_list_leave_nothing_out_and_repeat_nothing() {
    let desk = TestDesk::new().await;
    let mut begun = Vec::new();
    for number in 0..7 {
        begun.push(desk.conversation(&format!("customer-{number}")).await);
    }
    begun.reverse();
    let (mut listed, mut after) = (Vec::new(), String::new());
    loop {
        let stretch = desk.get(&format!("/v1/conversations?limit=3{after}")).await.expect(200);
        listed.extend(stretch["data"].as_array().unwrap().iter().map(|row| id(row).to_owned()));
        let Some(cursor) = stretch["next_cursor"].as_str() else {
            assert_eq!(stretch["has_more"], false);
            break;
        };
        assert_eq!(stretch["has_more"], true);
        after = format!("&after={cursor}");
    }
    assert_eq!(listed, begun);

    let path = format!("/v1/conversations/{}/messages", begun[0]);
    for number in 0..5 {
        let said = json!({ "content": format!("line {number}"), "sender": "agent" });
        desk.post(&path, said).await.expect(202);
    }
    let first = desk.get(&format!("{path}?limit=2")).await.expect(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = desk.get(&format!("{path}?after={cursor}&limit=100")).await.expect(200);
    let lines = [&first, &rest].map(|stretch| stretch["data"].as_array().unwrap().clone()).concat();
    let lines: Vec<_> = lines.iter().map(|row| row["content"].as_str().unwrap().to_owned()).collect();
    assert_eq!(lines, ["line 0", "line 1", "line 2", "line 3", "line 4"]);
    for wrong in ["limit=0", "limit=101", "after=nonsense", "limit=x", "colour=red"] {
        assert_eq!(desk.get(&format!("/v1/conversations?{wrong}")).await.problem(400), "invalid_request");
    }
}

fn number(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

#[tokio::test]
async fn canned_replies_are_kept_by_name_and_deleted() {
    let desk = TestDesk::new().await;
    let kept = desk.post("/v1/replies", json!({ "name": " thanks ", "content": "Thank you" })).await.expect(201);
    let again = desk.post("/v1/replies", json!({ "name": "thanks", "content": "Thanks a lot" })).await.expect(201);
    assert_eq!((&again["id"], &again["content"]), (&kept["id"], &json!("Thanks a lot")));
    assert_eq!(desk.get("/v1/replies").await.expect(200)["data"], json!([again]));
    desk.post("/v1/replies", json!({ "name": " ", "content": "x" })).await.problem(400);
    let stranger = desk.stranger().await;
    let path = format!("/v1/replies/{}", id(&kept));
    assert_eq!(desk.call(&stranger, "DELETE", &path, Value::Null).await.problem(404), "not_found");
    assert_eq!(desk.delete(&path).await.status, 204);
    assert_eq!(desk.get("/v1/replies").await.expect(200)["data"], json!([]));
}
