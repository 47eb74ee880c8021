//! A model is connected on its page: tried, refused, saved, kept, used and removed.

use crate::Desk;
use crate::chromium::{CTRL, Chromium};
use crate::looks::look;
use crate::widget::call;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use frontdesk::bench::stub_model::{Options, router};
use serde_json::{Value, json};

const KEY: &str = "sk-the-key-of-the-desk-wxyz";
/// An address that may be reached, and where nobody listens.
const NOBODY: &str = "127.0.0.1:1";

/// A model server that takes one key only and needs a moment for an answer. Returns its host and port.
fn model_server() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let listen = listener.local_addr().unwrap();
    let options = Options { listen, delay_ms: "400".parse().unwrap(), fault: Vec::new(), fault_every: 1 };
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router(options).layer(from_fn(with_key))).await.unwrap();
        });
    });
    listen.to_string()
}

async fn with_key(request: Request, next: Next) -> Response {
    let sent = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if sent == format!("Bearer {KEY}") {
        return next.run(request).await;
    }
    let told = json!({ "error": { "message": "Incorrect API key provided" } });
    (StatusCode::UNAUTHORIZED, told.to_string()).into_response()
}

#[test]
fn a_model_is_typed_tried_saved_and_writes_the_next_answer() {
    let Some(mut browser) = Chromium::start() else { return };
    let host = model_server();
    let hosts = format!("{host},{NOBODY}");
    let settings = [("FRONTDESK__LLM__ALLOW_PRIVATE_HOSTS", hosts.as_str())];
    let desk = Desk::start(tempfile::tempdir().unwrap(), &["--demo"], &settings);
    browser.dress(1440, 900, "light");
    desk.set_up(&mut browser);
    browser.open(&desk.page("/settings/model"));
    browser
        .until("document.querySelector('#f-base-url') && document.body.innerText.includes('Quotes of your knowledge')");
    refused(&mut browser, &host);
    saved(&mut browser, &host);
    photographed(&mut browser, &desk);
    elsewhere(&mut browser, &desk, &host);
    browser.errors.clear();
    used(&mut browser, &desk);
    browser.open(&desk.page("/settings/model"));
    browser.until("document.querySelector('#f-base-url')?.value");
    browser.click("Remove");
    browser.until(
        "!document.querySelector('#f-base-url').value && document.body.innerText.includes('Quotes of your knowledge')",
    );
    assert_eq!(call(&mut browser, "GET", "/v1/settings/model", &Value::Null)["has_key"], json!(false));
    assert!(browser.errors.is_empty(), "{:?}", browser.errors);
}

/// A place that must not be reached and a key that is not taken say so, each in its own words.
fn refused(browser: &mut Chromium, host: &str) {
    browser.fill("#f-base-url", "http://10.0.0.1/v1");
    browser.fill("#f-model", "ann-1");
    browser.click("Test");
    browser.until("document.querySelector('#f-base-url[aria-invalid]') && document.querySelector('#f-base-url-told').innerText.includes('llm.allow_private_hosts')");
    look(browser, "model-refused", "light");
    browser.fill("#f-base-url", &format!("http://{host}/v1/"));
    browser.fill("#f-key", "wrong-key-of-nobody");
    browser.click("Test");
    browser.until("document.querySelector('.failure')?.innerText.includes('did not accept the API key')");
    browser.until("document.querySelector('.failure').innerText.includes('Check the key')");
    look(browser, "model-no-key", "light");
}

fn saved(browser: &mut Chromium, host: &str) {
    browser.fill("#f-key", KEY);
    browser.click("Test");
    browser.until("[...document.querySelectorAll('button:disabled')].some((one) => one.textContent === 'Asking…')");
    browser.until("document.querySelector('[role=status] .chip.good')?.textContent === 'works'");
    browser.click("Save");
    browser.until("document.querySelector('#f-key-told').innerText.includes('ends in …wxyz') && !document.querySelector('#f-key').value && document.querySelector('.form .primary').disabled");
    let stored = call(browser, "GET", "/v1/settings/model", &Value::Null);
    assert_eq!((&stored["base_url"], &stored["model"]), (&json!(format!("http://{host}/v1")), &json!("ann-1")));
    assert!(!stored.to_string().contains(KEY));
}

fn photographed(browser: &mut Chromium, desk: &Desk) {
    for (dress, width, height) in [("light", 1440, 900), ("dark", 1440, 900), ("narrow", 360, 740)] {
        browser.dress(width, height, if dress == "dark" { "dark" } else { "light" });
        browser.open(&desk.page("/settings/model"));
        browser.until("document.querySelector('#f-key-told')?.innerText.includes('ends in …wxyz')");
        browser.click("Test");
        browser.until("document.querySelector('[role=status] .chip.good')");
        look(browser, "model-kept", dress);
    }
    browser.dress(1440, 900, "light");
}

/// The kept key is not sent to another address, and a server that is not there is named.
fn elsewhere(browser: &mut Chromium, desk: &Desk, host: &str) {
    browser.fill("#f-base-url", &format!("http://{NOBODY}/v1"));
    browser
        .until(&format!("document.querySelector('#f-key-told').innerText.includes('goes to http://{host}/v1 only')"));
    browser.click("Test");
    browser.until("document.querySelector('#f-key[aria-invalid]') && document.querySelector('#f-key-told').innerText.includes('key that is kept')");
    browser.fill("#f-key", KEY);
    browser.click("Test");
    browser.until("document.querySelector('.failure')?.innerText.includes('unavailable')");
    browser.until("document.querySelector('.failure').innerText.includes('Is it running')");
    browser.open(&desk.page("/settings/model"));
    browser.until(&format!("document.querySelector('#f-base-url')?.value === 'http://{host}/v1'"));
}

fn used(browser: &mut Chromium, desk: &Desk) {
    browser.open(&desk.page("/playground"));
    browser.until("document.querySelector('.suggestion')");
    browser.fill("textarea", "What does theft insurance cost?");
    browser.press("Enter", CTRL);
    browser.until(
        "document.querySelector('.turn footer') && document.querySelector('.trace').innerText.includes('ann-1')",
    );
}
