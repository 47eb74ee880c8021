//! The inbox when it is large, and what tells agents that there is something for them.

use crate::chromium::Chromium;
use crate::widget::call;
use crate::{Desk, NAME};
use domain::customer::Identity;
use domain::message::Sender;
use serde_json::{Map, json};
use storage::conversations::NewConversation;
use storage::customers::NewCustomer;
use storage::messages::NewMessage;
use storage::{Database, SqliteSettings};

const CONVERSATIONS: usize = 10_000;
/// Conversations inserted in one transaction.
const BATCH: usize = 500;
/// Times that more of the list is asked for.
const STRETCHES: usize = 12;
/// A list that blocks the page longer than this at once cannot be scrolled while it grows; a loaded machine is slow.
const BLOCKED_MS_MAX: f64 = 1_000.0;

async fn seed(path: &std::path::Path) {
    let database = Database::open_sqlite(path, SqliteSettings { flush_every_commit: false }).await.unwrap();
    database.migrate().await.unwrap();
    let desk = database.found_desk("Large desk").await.unwrap();
    let channel_id = desk.channels.first().unwrap().id;
    for batch in 0..CONVERSATIONS / BATCH {
        let mut transaction = database.of(desk.organization.id).begin().await.unwrap();
        for place in 0..BATCH {
            let number = batch * BATCH + place;
            let customer = NewCustomer {
                external_id: None,
                name: Some(format!("Customer {number}")),
                email: None,
                locale: None,
                profile: Map::new(),
                identity: Identity::Unverified,
            };
            let customer_id = transaction.upsert_customer(&customer).await.unwrap().id;
            let new = NewConversation {
                customer_id,
                channel_id,
                assistant_id: desk.assistant.id,
                title: Some(format!("Question {number}")),
                metadata: Map::new(),
            };
            let conversation = transaction.insert_conversation(new).await.unwrap();
            let conversation = transaction.append_for_customer(conversation.id).await.unwrap();
            let message = NewMessage {
                id: transaction.id(),
                conversation_id: conversation.id,
                channel_id,
                seq: conversation.last_seq,
                sender: Sender::Customer,
                sender_id: None,
                content: format!("Where is parcel {number}, and when does it come?"),
                external_id: None,
                delivery: None,
                reply: None,
            };
            transaction.insert_message(message).await.unwrap();
        }
        transaction.commit().await.unwrap();
    }
}

#[test]
fn ten_thousand_conversations_are_paged_and_never_read_again_as_a_whole() {
    let Some(mut browser) = Chromium::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(seed(&folder.path().join("data/desk.sqlite")));
    let desk = Desk::start(folder, &[], &[]);
    browser.dress(1440, 900, "light");
    desk.set_up_empty(&mut browser);
    browser.open(&desk.page("/inbox?tab=all"));
    browser.until("document.querySelectorAll('.row-link').length === 50");
    browser.value(
        "{ window.blocked = []; new PerformanceObserver((list) => blocked.push(...list.getEntries().map((one) => one.duration))).observe({ type: 'longtask' }); }",
    );
    for stretch in 2..=STRETCHES {
        browser.click("Show more");
        browser.until(&format!("document.querySelectorAll('.row-link').length === {}", stretch * 50));
        browser.value("document.querySelector('.list').scrollTo(0, 1e9)");
    }
    browser.requests.clear();
    // The element of a row that was there stays the same when something happens elsewhere.
    browser.value("{ window.last = [...document.querySelectorAll('.row-link')].at(-1); document.querySelector('.list').scrollTo(0, 5000); window.place = document.querySelector('.list').scrollTop; }");
    let begun = call(
        &mut browser,
        "POST",
        "/v1/conversations",
        &json!({ "customer": { "name": "Nora Lind" }, "message": "I want to talk to a person" }),
    );
    assert_eq!(begun["object"], "conversation", "{begun}");
    // What is scrolled away is not laid out, so only its text is there.
    browser.until("document.querySelector('.rows').textContent.includes('Nora Lind') && document.querySelector('.rows').textContent.includes('asked for a person')");
    assert_eq!(
        browser.value("last.isConnected && document.querySelectorAll('.row-link').length"),
        json!(STRETCHES * 50 + 1)
    );
    let lists = browser.requests.iter().filter(|address| address.contains("/v1/conversations?")).count();
    assert!(lists <= 12, "{lists} reads of the list for one conversation");
    assert!(!browser.requests.iter().any(|address| address.contains("after=")), "only the head is read again");
    let blocked = browser.value("blocked.length ? Math.max(...blocked) : 0").as_f64().unwrap();
    let count = browser.value("blocked.length");
    eprintln!("{lists} reads of the head; longest task {blocked:.0} ms, {count} over 50 ms");
    assert!(blocked < BLOCKED_MS_MAX, "{blocked} ms");
    assert!(browser.errors.is_empty(), "{:?}", browser.errors);
}

#[test]
fn the_bell_counts_what_is_new_and_leads_there() {
    let Some(mut browser) = Chromium::start() else { return };
    let desk = Desk::up();
    browser.dress(1440, 900, "light");
    desk.set_up(&mut browser);
    browser.open(&desk.page("/usage"));
    browser.until("document.querySelector('fd-bell button')");
    let agents = call(&mut browser, "GET", "/v1/agents", &json!(null));
    let me = agents["data"].as_array().unwrap().iter().find(|agent| agent["name"] == NAME).unwrap()["id"].clone();
    let path = format!("/v1/notifications?agent_id={}", me.as_str().unwrap());
    let begun =
        json!({ "customer": { "name": "Nora Lind" }, "title": "Lost parcel", "message": "I want to talk to a person" });
    let conversation = call(&mut browser, "POST", "/v1/conversations", &begun)["id"].as_str().unwrap().to_owned();
    browser.until("document.querySelector('fd-bell .badge')");
    let told = call(&mut browser, "GET", &path, &json!(null));
    assert!(told["unread_count"].as_i64().unwrap() >= 1, "{told}");
    browser.value("document.querySelector('fd-bell button').click()");
    let row = format!("document.querySelector('.notices .unread a[href=\"/inbox/{conversation}\"]')");
    browser.until(&format!("{row}.innerText.includes('Lost parcel')"));
    browser.value(&format!("{row}.click()"));
    browser.until(&format!("location.pathname === '/inbox/{conversation}' && !document.querySelector('dialog[open]')"));
    browser.value("document.querySelector('fd-bell button').click()");
    browser.until(&format!("document.querySelector('.notices li:not(.unread) a[href=\"/inbox/{conversation}\"]')"));
    assert!(browser.errors.is_empty(), "{:?}", browser.errors);
}

#[test]
fn an_agent_sees_who_writes_uses_a_kept_reply_assigns_and_gives_back() {
    let Some(mut browser) = Chromium::start() else { return };
    let desk = Desk::up();
    browser.dress(1440, 900, "light");
    desk.set_up(&mut browser);
    let ada = call(&mut browser, "POST", "/v1/agents", &json!({ "name": "Ada Bloom" }))["id"].clone();
    browser.open(&desk.page("/inbox?tab=all"));
    browser.until("[...document.querySelectorAll('.row-link')].some((one) => one.innerText.includes('Tom Keller'))");
    browser.value(
        "[...document.querySelectorAll('.row-link')].find((one) => one.innerText.includes('Tom Keller')).click()",
    );
    // Who it is, what is remembered and where from.
    browser.until("document.querySelector('.facts-list').innerText.includes('LB-20418')");
    browser.value("document.querySelector('.facts-list a').click()");
    browser.until(
        "location.hash.startsWith('#msg_') && document.querySelector(location.hash).innerText.includes('LB-20418')",
    );
    // Why the AI did as it did.
    browser.until("document.querySelector('.bubble.ai .facts button')");
    browser.value("document.querySelector('.bubble.ai .facts button').click()");
    browser.until("document.querySelectorAll('dialog[open] .trace section').length >= 2");
    browser.press("Escape", 0);
    // A kept reply.
    browser.fill(".composer textarea", "/goodbye");
    browser.until("document.querySelector('.canned .start')");
    browser.value("document.querySelector('.canned .start').click()");
    browser.until("document.querySelector('.composer textarea').value.startsWith('You are welcome')");
    browser.press("Enter", crate::CTRL);
    browser.until("document.querySelector('.bubble.agent').innerText.includes('You are welcome')");
    // To a colleague who is there, and to the AI again.
    browser.until("document.querySelector('select[aria-label=Assign] option:nth-child(2)').disabled");
    let made = json!({ "name": "Ada's helpdesk", "scopes": ["conversations"] });
    let key = call(&mut browser, "POST", "/v1/keys", &made)["key"].as_str().unwrap().to_owned();
    let told = format!(
        "fetch('/v1/me/heartbeat', {{ method: 'POST', credentials: 'omit', headers: {{ 'content-type': 'application/json', authorization: 'Bearer {key}' }}, body: JSON.stringify({{ availability: 'online', agent_id: {ada} }}) }}).then((response) => response.status)"
    );
    let told = browser.value(&told).as_u64().unwrap();
    assert!((200..300).contains(&told), "{told}");
    browser.reload();
    browser.until("document.querySelector('select[aria-label=Assign] option:nth-child(2):not(:disabled)')");
    browser.value("{ const select = document.querySelector('select[aria-label=Assign]'); select.value = select.options[1].value; select.dispatchEvent(new Event('change')); }");
    browser.until("document.querySelector('.thread-head').innerText.includes('With Ada Bloom')");
    browser.click("Give back to AI");
    browser.until("document.querySelector('.thread-head').innerText.includes('The AI answers')");
    assert!(browser.errors.is_empty(), "{:?}", browser.errors);
}
