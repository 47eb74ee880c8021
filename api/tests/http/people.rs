//! The human side: who is there, who takes what, what they are told, and what customers are told of it.

use crate::events::Stream;
use crate::support::{TestDesk, id};
use serde_json::{Value, json};
use std::time::Duration;

async fn agent(desk: &TestDesk, name: &str) -> String {
    id(&desk.post("/v1/agents", json!({ "name": name })).await.expect(201)).to_owned()
}

async fn online(desk: &TestDesk, agent: &str) -> Value {
    let alive = json!({ "agent_id": agent, "availability": "online" });
    desk.post("/v1/me/heartbeat", alive).await.expect(200)
}

async fn ask_for_a_person(desk: &TestDesk, customer: &str) -> (String, Value) {
    let conversation = desk.conversation(customer).await;
    let path = format!("/v1/conversations/{conversation}/messages?wait=answer");
    let answered = desk.post(&path, json!({ "content": "I want to talk to a human, please" })).await.expect(200);
    (conversation, answered["answer"].clone())
}

/// The conversation as soon as it is as it is to be.
async fn until(desk: &TestDesk, conversation: &str, is: impl Fn(&Value) -> bool) -> Value {
    seen_until(desk, &format!("/v1/conversations/{conversation}"), is).await
}

/// What a route says as soon as it says what it is to say.
async fn seen_until(desk: &TestDesk, path: &str, is: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..500 {
        let seen = desk.get(path).await.expect(200);
        if is(&seen) {
            return seen;
        }
        // The worker needs its time; a look at once would only be the same.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:#}", desk.get(path).await.body);
}

#[tokio::test]
async fn a_handoff_is_offered_to_who_is_there_and_only_one_takes_it() {
    let desk = TestDesk::new().await;
    let (ada, bo) = (agent(&desk, "Ada").await, agent(&desk, "Bo").await);
    let there = online(&desk, &ada).await;
    assert_eq!((&there["availability"], &there["capacity"]), (&json!("online"), &json!(5)));
    let (conversation, told) = ask_for_a_person(&desk, "mia").await;
    assert_eq!(told["content"], "I'm passing this conversation to a colleague, who will answer you here.");
    let offered = until(&desk, &conversation, |seen| seen["assignee_id"] == ada.as_str()).await;
    assert_eq!((&offered["holder"], &offered["handoff"]["state"]), (&json!("queue"), &json!("waiting")));
    assert_eq!(offered["handoff"]["open_questions"], json!(["I want to talk to a human, please"]));
    assert_eq!(offered["handoff"]["skills"], json!(["en"]));
    assert!(!offered["waiting_since"].is_null());
    let listed = desk.get(&format!("/v1/notifications?agent_id={ada}")).await.expect(200);
    assert_eq!((&listed["unread"], &listed["unread_count"]), (&json!({ "offered": 1 }), &json!(1)));

    let path = format!("/v1/conversations/{conversation}");
    let takes = async |agent: &str| desk.put(&format!("{path}/assignment"), json!({ "agent_id": agent })).await;
    let (first, second) = tokio::join!(takes(&ada), takes(&bo));
    let (won, lost) = if first.status == 200 { (first, second) } else { (second, first) };
    let winner = won.expect(200)["assignee_id"].clone();
    assert_eq!(lost.body["errors"][0]["pointer"], "/agent_id");
    assert_eq!(lost.problem(409), "already_assigned");
    let seen = desk.get(&path).await.expect(200);
    assert_eq!((&seen["holder"], &seen["assignee_id"]), (&json!("agent"), &winner));
    assert_eq!(seen["handoff"]["accepted_by"], winner);
}

#[tokio::test]
async fn where_nobody_is_there_the_customer_is_told_once_and_their_address_is_kept() {
    let desk = TestDesk::new().await;
    let ada = agent(&desk, "Ada").await;
    let (conversation, told) = ask_for_a_person(&desk, "mia").await;
    assert_eq!(
        told["content"],
        "Nobody of our team is available right now. Your message is saved, and a person will reply here as soon as \
         someone is back. If you leave your e-mail address, we can reach you there too."
    );
    let path = format!("/v1/conversations/{conversation}");
    let left = json!({ "content": "ok, mia@mail.example then" });
    desk.post(&format!("{path}/messages?wait=answer"), left).await.expect(202);
    let seen = desk.get(&path).await.expect(200);
    assert_eq!(seen["last_seq"], 3, "nothing is said twice");
    let customer = desk.get(&format!("/v1/customers/{}", seen["customer_id"].as_str().unwrap())).await.expect(200);
    assert_eq!(customer["email"], "mia@mail.example");
    let queued = |seen: &Value| seen["unread"]["queue_waiting"] == 1;
    seen_until(&desk, &format!("/v1/notifications?agent_id={ada}"), queued).await;
    let read = desk.post("/v1/notifications/read", json!({ "agent_id": ada })).await.expect(200);
    assert_eq!(read["read"], 1);
    let listed = desk.get(&format!("/v1/notifications?agent_id={ada}&unread=true")).await.expect(200);
    assert_eq!((&listed["unread_count"], &listed["data"]), (&json!(0), &json!([])));
}

#[tokio::test]
async fn a_conversation_is_transferred_with_its_reason_and_given_back() {
    let desk = TestDesk::new().await;
    let (ada, bo) = (agent(&desk, "Ada").await, agent(&desk, "Bo").await);
    let conversation = desk.conversation("mia").await;
    let path = format!("/v1/conversations/{conversation}");
    let transfer = async |body: Value| desk.post(&format!("{path}/transfer"), body).await;
    assert_eq!(transfer(json!({ "reason": "billing" })).await.problem(409), "held_by_ai");
    online(&desk, &ada).await;
    desk.put(&format!("{path}/assignment"), json!({ "agent_id": ada })).await.expect(200);
    let away = transfer(json!({ "agent_id": bo, "reason": "billing" })).await;
    assert_eq!(away.body["errors"][0]["pointer"], "/agent_id");
    assert_eq!(away.problem(409), "agent_away");
    let unknown = transfer(json!({ "agent_id": "agt_00000000000000000000000000", "reason": "x" })).await;
    assert_eq!(unknown.body["errors"][0]["pointer"], "/agent_id");
    assert_eq!(unknown.problem(404), "not_found");
    assert_eq!(transfer(json!({ "reason": " " })).await.body["errors"][0]["pointer"], "/reason");
    online(&desk, &bo).await;
    let moved = transfer(json!({ "agent_id": bo, "reason": "knows invoices" })).await.expect(200);
    assert_eq!((&moved["holder"], &moved["assignee_id"]), (&json!("agent"), &json!(bo)));
    let notes = desk.get(&format!("{path}/notes")).await.expect(200);
    assert_eq!(notes["data"][0]["content"], "transferred: knows invoices");
    let told = desk.get(&format!("/v1/notifications?agent_id={bo}")).await.expect(200);
    assert_eq!(told["data"][0]["kind"], "transferred");
    let queued = transfer(json!({ "reason": "end of shift" })).await.expect(200);
    assert_eq!(queued["holder"], "queue");
    until(&desk, &conversation, |seen| seen["assignee_id"] == ada.as_str()).await;
    let back = desk.delete(&format!("{path}/handoff")).await.expect(200);
    assert_eq!((&back["holder"], &back["assignee_id"]), (&json!("ai"), &Value::Null));
    desk.post(&format!("{path}/resolution"), Value::Null).await.expect(200);
    for (method, sub, body) in [
        ("POST", "handoff", json!({})),
        ("PUT", "assignment", json!({ "agent_id": ada })),
        ("POST", "transfer", json!({ "reason": "x" })),
        ("POST", "snooze", json!({ "until": "2100-01-01T00:00:00Z" })),
        ("POST", "messages", json!({ "content": "x", "sender": "agent" })),
    ] {
        let refused = desk.call(&desk.key, method, &format!("{path}/{sub}"), body).await;
        assert_eq!(refused.body["errors"][0]["pointer"], "/status", "{sub}");
        assert_eq!(refused.problem(409), "conversation_resolved", "{sub}");
    }
}

#[tokio::test]
async fn a_note_tells_whom_it_names() {
    let desk = TestDesk::new().await;
    let ada = agent(&desk, "Ada Lovelace").await;
    let conversation = desk.conversation("mia").await;
    let path = format!("/v1/conversations/{conversation}/notes");
    let note = desk.post(&path, json!({ "content": "@ada please look" })).await.expect(201);
    assert_eq!(note["mentions"], json!([ada]));
    let told = desk.get(&format!("/v1/notifications?agent_id={ada}")).await.expect(200);
    assert_eq!(
        (&told["data"][0]["kind"], &told["data"][0]["conversation_id"]),
        (&json!("mentioned"), &json!(conversation))
    );
    assert_eq!(desk.get("/v1/notifications").await.body["errors"][0]["pointer"], "/agent_id");
}

#[tokio::test]
async fn typing_is_told_and_not_stored_and_receipts_go_forward() {
    let desk = TestDesk::new().await;
    let conversation = desk.conversation("mia").await;
    let path = format!("/v1/conversations/{conversation}");
    let mut stream = Stream::open(&desk, "GET", &format!("{path}/events"), Value::Null, None).await;
    assert_eq!(desk.post(&format!("{path}/typing"), json!({})).await.status, 204);
    let typing = stream.next().await.unwrap();
    assert_eq!((typing.kind.as_str(), typing.id), ("conversation.typing", -1), "{typing:?}");
    assert_eq!((&typing.data["sender"], &typing.data["typing"]), (&json!("customer"), &json!(true)));
    let said = desk.post(&format!("{path}/messages"), json!({ "content": "hi", "sender": "agent" })).await.expect(202);
    let receipt =
        async |state: &str| desk.post(&format!("{path}/receipts"), json!({ "state": state, "up_to": id(&said) })).await;
    assert_eq!(receipt("read").await.expect(200)["changed"], 1);
    assert_eq!(receipt("delivered").await.expect(200)["changed"], 0);
    assert_eq!(receipt("sent").await.body["errors"][0]["pointer"], "/state");
    let messages = desk.get(&format!("{path}/messages")).await.expect(200);
    assert_eq!(messages["data"][0]["delivery"], "read");
    let read = loop {
        let sent = stream.next().await.unwrap();
        if sent.kind == "message.read" {
            break sent.data;
        }
    };
    assert_eq!((&read["by"], &read["up_to_seq"]), (&json!("customer"), &json!(1)));
}

#[tokio::test]
async fn customers_are_known_by_several_ids_and_two_become_one() {
    let desk = TestDesk::new().await;
    let first = desk.conversation("mia").await;
    let mia = desk.get(&format!("/v1/conversations/{first}")).await.expect(200)["customer_id"].clone();
    let mia = mia.as_str().unwrap();
    let identities = format!("/v1/customers/{mia}/identities");
    let identity = json!({ "channel": "widget", "external_id": "w-1" });
    desk.post(&identities, identity.clone()).await.expect(201);
    assert_eq!(desk.post(&identities, identity).await.problem(409), "external_id_taken");
    let wrong = desk.post(&identities, json!({ "channel": "pigeon", "external_id": "1" })).await;
    assert_eq!(wrong.body["errors"][0]["pointer"], "/channel");
    let begun = desk.post("/v1/conversations", json!({ "customer": "w-1", "channel": "widget" })).await.expect(201);
    assert_eq!(begun["customer_id"], mia);
    let other =
        desk.post("/v1/customers", json!({ "external_id": "m2", "email": "mia@mail.example" })).await.expect(201);
    let merge = format!("/v1/customers/{mia}/merge");
    assert_eq!(desk.post(&merge, json!({ "from": mia })).await.body["errors"][0]["pointer"], "/from");
    let merged = desk.post(&merge, json!({ "from": id(&other) })).await.expect(200);
    assert_eq!((&merged["external_id"], &merged["email"]), (&json!("mia"), &json!("mia@mail.example")));
    assert_eq!(desk.get(&format!("/v1/customers/{}", id(&other))).await.problem(404), "not_found");
    let begun = desk.post("/v1/conversations", json!({ "customer": "m2" })).await.expect(201);
    assert_eq!(begun["customer_id"], mia, "the old id leads to them");
}

#[tokio::test]
async fn people_settings_are_checked_field_by_field() {
    let desk = TestDesk::new().await;
    let path = "/v1/settings/people";
    let hours =
        json!({ "time_zone": "Europe/Vienna", "periods": [{ "day": "monday", "from": "09:00", "until": "17:00" }] });
    let changed = desk.patch(path, json!({ "opening_hours": hours, "accept_within_s": 5 })).await.expect(200);
    assert_eq!((&changed["accept_within_s"], &changed["heartbeat_timeout_s"]), (&json!(5), &json!(60)));
    assert_eq!(desk.get(path).await.expect(200), changed);
    for (body, pointer) in [
        (json!({ "accept_within_s": 0 }), "/accept_within_s"),
        (json!({ "presence": "guessed" }), "/presence"),
        (json!({ "opening_hours": { "time_zone": "Vienna", "periods": [] } }), "/opening_hours/time_zone"),
        (json!({ "colour": "red" }), "/colour"),
    ] {
        let refused = desk.patch(path, body).await;
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{:#}", refused.body);
        assert_eq!(refused.problem(400), "invalid_request");
    }
    assert!(desk.patch(path, json!({ "opening_hours": null })).await.expect(200)["opening_hours"].is_null());
}

#[tokio::test]
async fn a_desk_that_asks_first_hands_off_when_the_customer_says_yes_and_never_asks_twice() {
    let desk = TestDesk::new().await;
    let assistants = desk.get("/v1/assistants").await.expect(200);
    let rules = json!({ "settings": { "handoff": {
        "offer_first": true, "topics": [{ "words": ["chargeback"], "skill": "billing" }] } } });
    desk.patch(&format!("/v1/assistants/{}", id(&assistants["data"][0])), rules).await.expect(200);
    let conversation = desk.conversation("mia").await;
    let path = format!("/v1/conversations/{conversation}/messages?wait=answer");
    let ask = async |text: &str| desk.post(&path, json!({ "content": text })).await.expect(200)["answer"].clone();
    let offer = ask("Do you sell submarines to private customers?").await;
    assert_eq!(offer["content"], "I can't answer this for certain. Shall I pass it to a colleague?");
    assert_eq!((&offer["decision"], &offer["handoff_reason"]), (&json!("clarify"), &Value::Null));
    let handed = ask("Yes please").await;
    assert_eq!((&handed["decision"], &handed["handoff_reason"]), (&json!("hand_off"), &json!("customer_request")));
    let other = desk.conversation("noa").await;
    let path = format!("/v1/conversations/{other}/messages?wait=answer");
    let text = json!({ "content": "I will make a chargeback" });
    let answered = desk.post(&path, text).await.expect(200);
    assert_eq!(answered["answer"]["handoff_reason"], "policy_restriction", "rules are not asked about");
    let seen = desk.get(&format!("/v1/conversations/{other}")).await.expect(200);
    assert_eq!(seen["handoff"]["skills"], json!(["billing", "en"]));
}
