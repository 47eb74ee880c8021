//! The widget as visitors meet it: on a page of elsewhere that means no good, and on a narrow one.

use crate::chromium::Chromium;
use crate::{Desk, of_elsewhere, scripts};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sqlx::Connection;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

/// Bytes of the widget's script, compressed as it is sent.
const SCRIPT_BYTES_MAX: usize = 20_000;
/// What a page may try against an element that is not its own.
const RESETS: &str = "*, *::before { all: unset !important; display: none !important; visibility: hidden !important; color: red !important }
    html, body, main, h1 { display: block !important; visibility: visible !important } html { font-size: 3px !important } body { direction: rtl !important } frontdesk-widget { display: none !important; transform: scale(0) !important; opacity: 0 !important }
    textarea, button, svg { width: 1px !important; position: absolute !important; inset: -999px !important } [role=dialog] { filter: blur(9px) !important }";
/// Markdown and markup that would load, run or lead somewhere if anything took it for what it says.
const ATTACKS: [&str; 30] = [
    "![x](http://out.test/1.png)",
    "![x][img]\n\n[img]: http://out.test/2.png",
    "[click](http://out.test/3)",
    "[click][ref]\n\n[ref]: http://out.test/4",
    "[click](javascript:alert(5))",
    "[click](JaVaScRiPt:alert(6))",
    "[click](java\tscript:alert(7))",
    "[click](data:text/html,<script>alert(8)</script>)",
    "[click](vbscript:msgbox(9))",
    "<img src=http://out.test/10 onerror=alert(10)>",
    "<script>alert(11)</script>",
    "<svg onload=alert(12)><image href=http://out.test/12></svg>",
    "<iframe src=http://out.test/13></iframe>",
    "<a href=http://out.test/14>here</a>",
    "<http://out.test/15>",
    "http://out.test/16",
    "[lumen](https://lumen.example.out.test/17)",
    "[lumen](https://lumen.example@out.test/18)",
    "[lumen](https://lumen\u{435}.example/19)",
    "[lumen](//out.test/20)",
    "[lumen](\\\\out.test/21)",
    "[a](http://out.test/22 \"title\")",
    "[![x](http://out.test/23.png)](http://out.test/23)",
    "`<img src=http://out.test/24>` **<b onclick=alert(24)>x</b>**",
    "<style>@import url(http://out.test/25)</style>",
    "<link rel=stylesheet href=http://out.test/26>",
    "<form action=http://out.test/27><button>send</button></form>",
    "<object data=http://out.test/28></object><embed src=http://out.test/28>",
    "<meta http-equiv=refresh content='0;url=http://out.test/29'>",
    "{{constructor.constructor('alert(30)')()}} [x](blob:http://out.test/30) <math href=javascript:alert(30)>y</math>",
];

/// A website of elsewhere: one page for every address, with a policy that lets the desk in and nobody else.
fn website(desk: &Desk, key: &str, language: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let policy = format!(
        "default-src 'none'; style-src 'nonce-page'; script-src {0}; connect-src {0}; require-trusted-types-for 'script'",
        desk.address
    );
    let body = format!(
        "<!doctype html><html lang={language}><head><title>Shop</title><meta name=viewport content='width=device-width'><style nonce=page>{RESETS}</style>
        <script async src='{}/widget.js' data-key='{key}'></script></head><body><main><h1>Shop</h1></main></body></html>",
        desk.address
    );
    let response = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncontent-security-policy: {policy}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut asked = [0; 4_096];
            // A browser that goes away again is no failure of the page.
            let _ = stream.read(&mut asked).and_then(|_| stream.write_all(response.as_bytes()));
        }
    });
    address
}

/// An expression over the widget's own content; `all(…)` and `one(…)` look there.
pub(crate) fn within(expression: &str) -> String {
    format!(
        "(() => {{ const root = document.querySelector('frontdesk-widget').shadowRoot; const one = (selector) => root.querySelector(selector);
            const all = (selector) => [...root.querySelectorAll(selector)]; const text = () => root.querySelector('.all').innerText; return {expression}; }})()"
    )
}

/// A request of the console to its own API.
pub(crate) fn call(browser: &mut Chromium, method: &str, path: &str, body: &Value) -> Value {
    browser.value(&format!(
        "fetch('{path}', {{ method: '{method}', headers: {{ 'content-type': 'application/json', 'x-frontdesk-console': '1' }}, body: {} }}).then((response) => response.json())",
        if method == "GET" { json!(null) } else { json!(body.to_string()) }
    ))
}

pub(crate) fn widget_of(browser: &mut Chromium) -> Value {
    let list = call(browser, "GET", "/v1/channels", &Value::Null);
    list["data"].as_array().unwrap().iter().find(|one| one["kind"] == "widget").unwrap().clone()
}

pub(crate) fn say(browser: &mut Chromium, text: &str) {
    browser.value(&within("one('textarea').focus()"));
    browser.write(text);
    browser.press("Enter", 0);
}

#[test]
fn the_script_stays_within_its_budget_and_parses_no_markup() {
    let mut found = Vec::new();
    scripts(Path::new("../web/widget"), &mut found);
    let text = std::fs::read_to_string(found.first().unwrap()).unwrap();
    for forbidden in
        ["innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "new Function", "document.write", "document.cookie"]
    {
        assert!(!text.contains(forbidden), "{forbidden} would make markup or code of text");
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(text.as_bytes()).unwrap();
    let size = packed.finish().unwrap().len();
    eprintln!("widget: {size} bytes compressed");
    assert!(found.len() == 1 && size <= SCRIPT_BYTES_MAX, "{size} bytes");
}

#[test]
fn a_visitor_of_a_hostile_page_is_answered_handed_over_and_comes_back() {
    let Some(mut browser) = Chromium::start() else { return };
    let desk = Desk::up();
    desk.set_up(&mut browser);
    let key = widget_of(&mut browser)["public_key"].as_str().unwrap().to_owned();
    let shop = website(&desk, &key, "en");
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("console");
    std::fs::create_dir_all(&folder).unwrap();
    browser.dress(320, 640, "light");
    browser.open(&shop);
    browser.until(&within("one('.launch').getBoundingClientRect().width === 56"));
    browser.photograph(&folder.join("visitor-closed-narrow.png"));
    browser.value(&within("one('.launch').click()"));
    say(&mut browser, "What does theft insurance cost?");
    browser.until(&within("all('.cite').length > 0 && all('[aria-label=\"That helped\"]').length === 1"));
    browser.value(&within("one('.cite').click()"));
    browser.until(&within("one('.quotes:not([hidden])').innerText.includes('insurance')"));
    browser.value(&within("one('[aria-label=\"That helped\"]').click()"));
    browser.until(&within("text().includes('Thank you')"));
    let wide = within(
        "all('*').filter((node) => node.getBoundingClientRect().right > 320.5 && getComputedStyle(node).position !== 'absolute').length",
    );
    assert_eq!(browser.value(&wide), json!(0), "nothing reaches over a page of 320 pixels");
    browser.photograph(&folder.join("visitor-narrow.png"));
    browser.dress(1280, 800, "dark");
    browser.photograph(&folder.join("visitor-dark.png"));
    browser.value(&within("one('.person').click()"));
    browser.until(&within("text().includes('A person will answer here') && one('.person').hidden"));

    // Somebody of the desk answers in another tab; the visitor comes back to the page and finds it.
    let shown = browser.value("Object.keys(localStorage).length");
    assert_eq!(shown, json!(1), "one entry is all the site keeps");
    browser.open(&desk.page("/inbox"));
    let list = call(&mut browser, "GET", "/v1/conversations?channel=widget", &Value::Null);
    let conversation = list["data"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/conversations/{conversation}/messages");
    call(
        &mut browser,
        "POST",
        &path,
        &json!({ "content": "Robin here, your refund is on its way.", "sender": "agent" }),
    );
    browser.open(&shop);
    browser.until(&within("Boolean(one('.launch'))"));
    browser.value(&within("one('.launch').click()"));
    browser.until(&within(
        "text().includes('your refund is on its way') && text().includes('You are talking to Robin Falk')",
    ));
    browser.photograph(&folder.join("visitor-agent.png"));

    // What is written without a connection waits and is sent once.
    let offline = |is_offline: bool| json!({ "offline": is_offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
    browser.call("Network.emulateNetworkConditions", offline(true));
    say(&mut browser, "Thanks a lot");
    browser.until(&within("text().includes('Not sent yet') && !one('.lost').hidden"));
    browser.call("Network.emulateNetworkConditions", offline(false));
    browser.until(&within(
        "!text().includes('Not sent yet') && one('.lost').hidden && text().split('Thanks a lot').length === 2",
    ));
    browser.errors.retain(|error| !error.contains("ERR_INTERNET_DISCONNECTED"));
    assert!(browser.errors.is_empty(), "{:?}", browser.errors);
    let ours: Vec<&String> =
        of_elsewhere(&browser, &desk).into_iter().filter(|address| !address.starts_with(&shop)).collect();
    assert_eq!(ours, Vec::<&String>::new());
}

#[test]
fn thirty_attacks_reach_the_widget_and_the_inbox_as_text() {
    let Some(mut browser) = Chromium::start() else { return };
    let desk = Desk::up();
    desk.set_up(&mut browser);
    let widget = widget_of(&mut browser);
    let shop = website(&desk, widget["public_key"].as_str().unwrap(), "en");
    browser.open(&shop);
    browser.until(&within("Boolean(one('.launch'))"));
    browser.value(&within("one('.launch').click()"));
    say(&mut browser, ATTACKS[0]);
    browser.until(&within("all('.said').length >= 3"));
    browser.open(&desk.page("/inbox"));
    let list = call(&mut browser, "GET", "/v1/conversations?channel=widget", &Value::Null);
    let conversation = list["data"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/conversations/{conversation}/messages");
    for (place, attack) in ATTACKS.iter().enumerate() {
        for sender in ["agent", "customer"] {
            let said = call(
                &mut browser,
                "POST",
                &path,
                &json!({ "content": format!("attack {place}: {attack}"), "sender": sender }),
            );
            assert_eq!(said["object"], "message", "{said}");
        }
    }
    as_the_ai_said(&desk);
    browser.open(&desk.page(&format!("/inbox/{conversation}")));
    browser.until("document.querySelector('.thread').innerText.includes('attack 29')");
    let active = "img, iframe, object, embed, script, style, link, form[action], svg image, math, meta, [onerror], [onload], [onclick]";
    let within_thread = format!("document.querySelectorAll('.thread :is({active})').length");
    assert_eq!(browser.value(&within_thread), json!(0));
    let foreign =
        "[...document.querySelectorAll('.thread a[href]')].filter((link) => link.origin !== location.origin).length";
    assert_eq!(browser.value(foreign), json!(0), "no link leads out of the inbox");
    assert_eq!(browser.value("document.querySelectorAll('.thread .bubble.ai .prose').length >= 30"), json!(true));
    // The same as an article, with how it reads beside it.
    let article = json!({ "title": ATTACKS[9], "body": ATTACKS.join("\n\n") });
    let article = call(&mut browser, "POST", "/v1/articles", &article)["id"].as_str().unwrap().to_owned();
    browser.open(&desk.page(&format!("/knowledge/articles/{article}")));
    browser.until("document.querySelector('.sheet.prose').innerText.includes('alert(11)')");
    assert_eq!(browser.value(&format!("document.querySelectorAll('.sheet :is({active})').length")), json!(0));
    browser.open(&shop);
    browser.until(&within("Boolean(one('.launch'))"));
    browser.value(&within("one('.launch').click()"));
    browser.until(&within("text().includes('attack 29')"));
    assert_eq!(browser.value(&within(&format!("all('.log :is({active})').length"))), json!(0));
    assert_eq!(browser.value(&within("all('.log a[href]').length")), json!(0), "no link leads out of the widget");
    assert!(browser.errors.is_empty(), "{:?}", browser.errors);
    let asked: Vec<&String> =
        of_elsewhere(&browser, &desk).into_iter().filter(|address| !address.starts_with(&shop)).collect();
    assert_eq!(asked, Vec::<&String>::new(), "nobody but the desk and the shop is asked for anything");
}

#[test]
fn one_address_that_begins_too_many_sessions_keeps_nobody_else_out() {
    let Some(mut browser) = Chromium::start() else { return };
    let desk = Desk::up();
    desk.set_up(&mut browser);
    let key = widget_of(&mut browser)["public_key"].as_str().unwrap().to_owned();
    // As a proxy beside the desk would pass visitors on.
    let mut begin = |address: &str| {
        let status = browser.value(&format!(
            "fetch('/v1/widget/sessions', {{ method: 'POST', headers: {{ 'content-type': 'application/json', 'x-forwarded-for': '6.6.6.6, {address}' }}, body: JSON.stringify({{ key: '{key}' }}) }}).then((response) => response.status)"
        ));
        status.as_u64().unwrap()
    };
    let allowed = (0..40).filter(|_| begin("203.0.113.9") == 201).count();
    assert_eq!(allowed, 20, "what one address may begin in a minute");
    assert_eq!(begin("203.0.113.9"), 429);
    assert_eq!(begin("203.0.113.10"), 201);
}

/// What the desk said becomes the AI's own words, past every check of what a model writes: only rendering is left.
fn as_the_ai_said(desk: &Desk) {
    let path = desk.folder.path().join("data/desk.sqlite");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let changed = runtime.block_on(async {
        let mut database = sqlx::SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap();
        sqlx::query("update messages set sender = 'ai', decision = 'answer' where sender = 'agent'")
            .execute(&mut database)
            .await
            .unwrap()
    });
    assert_eq!(changed.rows_affected(), 30);
}

#[test]
fn a_widget_follows_its_settings_and_speaks_five_languages() {
    let Some(mut browser) = Chromium::start() else { return };
    let desk = Desk::up();
    desk.set_up(&mut browser);
    let widget = widget_of(&mut browser);
    let path = format!("/v1/channels/{}", widget["id"].as_str().unwrap());
    let settings = json!({ "settings": { "accent_color": "#ffd400", "title": "Ask Lumen", "greeting": "Servus!", "position": "left", "theme": "dark",
        "pre_chat": [{ "field": "name", "required": true }, { "field": "email" }], "texts": { "person": "Get me somebody" } } });
    assert_eq!(call(&mut browser, "PATCH", &path, &settings)["object"], "channel");
    let key = widget["public_key"].as_str().unwrap();
    for (language, send, direction) in [
        ("en", "Send", "ltr"),
        ("de", "Senden", "ltr"),
        ("es", "Enviar", "ltr"),
        ("fr", "Envoyer", "ltr"),
        ("ar", "إرسال", "rtl"),
    ] {
        let shop = website(&desk, key, language);
        browser.open(&shop);
        browser.until(&within("Boolean(one('.launch'))"));
        browser.value(&within("one('.launch').click()"));
        browser.value(&within("one('.form .main').click()"));
        browser.until(&within("one('.form .told').textContent.length > 3 && root.activeElement.name === 'name'"));
        browser.write("Nora Lind");
        browser.value(&within("one('.form .main').click()"));
        browser.until(&within(&format!("one('[type=submit]').getAttribute('aria-label') === '{send}'")));
        assert_eq!(browser.value(&within("one('.all').dir")), json!(direction));
        assert_eq!(browser.value(&within("one('.person').textContent")), json!("Get me somebody"));
        assert_eq!(browser.value(&within("one('.bubble').textContent")), json!("Servus!"));
        assert_eq!(
            browser.value(&within("getComputedStyle(one('header')).backgroundColor")),
            json!("rgb(255, 212, 0)")
        );
        assert_eq!(
            browser.value(&within("getComputedStyle(one('header')).color")),
            json!("rgb(0, 0, 0)"),
            "black is readable on yellow"
        );
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("console");
        std::fs::create_dir_all(&folder).unwrap();
        browser.photograph(&folder.join(format!("visitor-{language}.png")));
    }
    let elsewhere = json!({ "settings": { "allowed_origins": ["https://shop.example"] } });
    browser.open(&desk.page("/inbox"));
    call(&mut browser, "PATCH", &path, &elsewhere);
    let shop = website(&desk, key, "en");
    browser.open(&shop);
    browser.until("document.querySelector('frontdesk-widget')");
    let refused = format!("fetch('{}/v1/widget?key={key}').then((response) => response.status)", desk.address);
    assert_eq!(browser.value(&refused), json!(403), "a page that is not listed may not embed it");
    assert_eq!(browser.value(&within("root.childNodes.length")), json!(0));
}
