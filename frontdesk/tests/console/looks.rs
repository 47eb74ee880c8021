//! How everything looks: each page and each state in light, dark, narrow and high contrast, photographed, and looked at
//! by the accessibility checks.

use crate::chromium::{CTRL, Chromium};
use crate::widget::{call, widget_of, within};
use crate::{Desk, of_elsewhere};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Name, width, height and the features of the screen.
const DRESSES: [(&str, u32, u32, &str, &str); 4] = [
    ("light", 1440, 900, "light", "no-preference"),
    ("dark", 1440, 900, "dark", "no-preference"),
    ("narrow", 360, 740, "light", "no-preference"),
    ("contrast", 1440, 900, "dark", "more"),
];

fn folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("console");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Photographs what is shown, checks that it fits and that nothing is wrong for those who do not see it.
pub(crate) fn look(browser: &mut Chromium, name: &str, dress: &str) {
    // What slides in has arrived.
    browser.value(
        "document.getAnimations().forEach((one) => one.effect.getComputedTiming().endTime < Infinity && one.finish())",
    );
    browser.photograph(&folder().join(format!("{name}-{dress}.png")));
    assert_eq!(browser.faults(), json!([]), "axe on {name}, {dress}");
    let is_wider = browser.value("document.documentElement.scrollWidth > innerWidth");
    assert_eq!(is_wider, json!(false), "{name} is wider than its window, {dress}");
}

fn attribute(browser: &mut Chromium, selector: &str) -> String {
    browser.until(&format!("document.querySelector({})", json!(selector)));
    let found = browser.value(&format!("document.querySelector({}).getAttribute('href')", json!(selector)));
    found.as_str().unwrap().to_owned()
}

/// Ready to be told apart: without the checks' tool the photographs are taken all the same.
fn say_what_is_missing() {
    if !Path::new(env!("CARGO_TARGET_TMPDIR")).join("axe.min.js").exists() {
        eprintln!("skipped: axe, because there is no axe.min.js in {}", env!("CARGO_TARGET_TMPDIR"));
    }
    eprintln!("photographs are in {}", folder().display());
}

fn drafted(browser: &mut Chromium) {
    let first = call(browser, "GET", "/v1/prompts/answer/versions/1", &Value::Null);
    let source = first["source"].as_str().unwrap().replace("Be short: a few sentences", "Be brief: two sentences");
    let made =
        call(browser, "POST", "/v1/prompts/answer/versions", &json!({ "source": source, "note": "Two sentences" }));
    assert_eq!(made["version"], 2, "{made}");
}

#[test]
fn every_page_fits_and_is_photographed_in_light_dark_and_narrow() {
    let Some(mut browser) = Chromium::start() else { return };
    let desk = Desk::up();
    desk.set_up(&mut browser);
    drafted(&mut browser);
    browser.open(&desk.page("/inbox"));
    let thread = attribute(&mut browser, ".row-link");
    browser.open(&desk.page("/knowledge/documents"));
    let document = attribute(&mut browser, "td a");
    browser.open(&desk.page("/knowledge"));
    let source = attribute(&mut browser, "td a");
    browser.open(&desk.page("/evals"));
    browser.until("document.querySelector('input[type=checkbox]')");
    let run = attribute(&mut browser, "a[href*=\"/evals/runs/\"]");
    let replay = format!("/playground?conversation={}", thread.trim_start_matches("/inbox/"));
    let pages = [
        ("inbox", "/inbox"),
        ("thread", &thread),
        ("playground", "/playground"),
        ("search", "/playground?mode=search&q=battery"),
        ("compare", "/playground?mode=compare&q=battery"),
        ("batch", "/playground?mode=batch"),
        ("replay", &replay),
        ("sources", "/knowledge"),
        ("source", &source),
        ("articles", "/knowledge/articles"),
        ("article", "/knowledge/articles/new"),
        ("documents", "/knowledge/documents"),
        ("document", &document),
        ("review", "/knowledge/review"),
        ("wizard", "/knowledge/new"),
        ("scans", "/knowledge/scans"),
        ("evals", "/evals"),
        ("eval-run", &run),
        ("usage", "/usage"),
        ("assistants", "/settings"),
        ("prompts", "/settings/prompts?version=2"),
        ("model", "/settings/model"),
        ("hours", "/settings/hours"),
        ("widget", "/settings/widget"),
        ("keys", "/settings/keys"),
        ("members", "/settings/members"),
        ("desk", "/settings/desk"),
        ("nowhere", "/settings/none"),
        ("no-page", "/inbox/conv_none"),
    ];
    say_what_is_missing();
    for (dress, width, height, scheme, contrast) in DRESSES {
        browser.dress_in(width, height, scheme, contrast);
        for (name, path) in pages {
            browser.open(&desk.page(path));
            browser.until("document.querySelectorAll('h1, .thread h2').length && !document.querySelector('.skeleton')");
            if name == "replay" {
                browser.until("document.querySelector('.turn footer')");
            }
            look(&mut browser, name, dress);
            if dress == "narrow" {
                browser.dress(320, 640, "light");
                let widest = browser.value("document.documentElement.scrollWidth");
                assert_eq!(widest, json!(320), "{name} at 320 pixels");
                browser.dress(width, height, scheme);
            }
        }
    }
    browser.errors.retain(|error| !error.contains("conv_none"));
    assert!(browser.errors.is_empty(), "{:?}", browser.errors);
    assert_eq!(of_elsewhere(&browser, &desk), Vec::<&String>::new());
}

#[test]
fn what_opens_over_a_page_and_what_strangers_see_is_photographed_too() {
    let Some(mut browser) = Chromium::start() else { return };
    let desk = Desk::up();
    say_what_is_missing();
    for (dress, width, height, scheme, contrast) in DRESSES {
        browser.dress_in(width, height, scheme, contrast);
        doors(&mut browser, &desk, dress);
    }
    browser.dress(1440, 900, "light");
    desk.set_up(&mut browser);
    for (dress, width, height, scheme, contrast) in DRESSES {
        browser.dress_in(width, height, scheme, contrast);
        over_pages(&mut browser, &desk, dress);
        browser.open(&desk.page("/docs"));
        browser.until("document.querySelectorAll('h2, summary').length > 5");
        look(&mut browser, "docs", dress);
        browser.open(&desk.page("/demo"));
        browser.until(&within("Boolean(one('.launch'))"));
        look(&mut browser, "demo", dress);
        browser.value(&within("one('.launch').click()"));
        browser.until(&within("Boolean(one('textarea'))"));
        if dress == "light" {
            browser.value(&within("one('textarea').focus()"));
            browser.write("What does theft insurance cost?");
            browser.press("Enter", 0);
        }
        browser.until(&within("all('.cite').length > 0 && all('.under').length > 0"));
        browser.value(&within("one('.cite').click()"));
        look(&mut browser, "demo-open", dress);
        let key = widget_key(&mut browser, &desk);
        assert!(key.starts_with("pk_"));
    }
    assert_eq!(of_elsewhere(&browser, &desk), Vec::<&String>::new());
}

/// What those see who are not signed in.
fn doors(browser: &mut Chromium, desk: &Desk, dress: &str) {
    browser.open(&desk.page("/sign-in"));
    browser.until("document.querySelector('input[type=password]')");
    look(browser, "sign-in", dress);
    browser.fill("input[type=email]", "nobody@desk.example");
    browser.fill("input[type=password]", "whatever it is");
    browser.press("Enter", 0);
    browser.until("document.querySelector('[role=alert]')");
    look(browser, "sign-in-wrong", dress);
    browser.open(&desk.page("/sign-in?over=1"));
    browser.until("document.querySelector('.notice')");
    look(browser, "sign-in-over", dress);
    browser.open(&desk.page("/setup?t=unknown"));
    browser.until("document.querySelector('h1').textContent.includes('not known')");
    look(browser, "link-unknown", dress);
    browser.open(&desk.link);
    browser.until("document.querySelector('input[autocomplete=name]')");
    look(browser, "set-up", dress);
}

fn widget_key(browser: &mut Chromium, desk: &Desk) -> String {
    browser.open(&desk.page("/inbox"));
    widget_of(browser)["public_key"].as_str().unwrap().to_owned()
}

/// Drawers, sheets and menus of the console.
fn over_pages(browser: &mut Chromium, desk: &Desk, dress: &str) {
    browser.open(&desk.page("/inbox?tab=all"));
    browser.press("k", CTRL);
    browser.until("document.querySelector('dialog.palette[open] li')");
    look(browser, "palette", dress);
    browser.press("Escape", 0);
    // The focus leaves a closed dialog with the next frame; a question mark in a field is only written.
    browser.until("!document.querySelector('dialog[open]') && document.activeElement.tagName !== 'INPUT'");
    browser.press("?", 0);
    browser.until("document.querySelector('dialog.drawer[open] kbd')");
    look(browser, "shortcuts", dress);
    browser.press("Escape", 0);
    browser.value("document.querySelector('fd-bell button').click()");
    browser.until("document.querySelector('dialog.drawer[open]') && !document.querySelector('dialog .skeleton')");
    look(browser, "notifications", dress);
    browser.press("Escape", 0);
    browser.until("!document.querySelector('dialog[open]')");
    let answered = "[...document.querySelectorAll('.row-link')].find((link) => link.querySelector('.confidence'))";
    browser.until(answered);
    browser.value(&format!("{answered}.click()"));
    browser.until("document.querySelector('.bubble.ai .facts button')");
    browser
        .value("[...document.querySelectorAll('.bubble.ai button')].find((one) => one.textContent === 'Why?').click()");
    browser.until("document.querySelectorAll('dialog[open] .trace section').length >= 4");
    look(browser, "why", dress);
    browser.press("Escape", 0);
    browser.fill(".composer textarea", "/");
    browser.until("document.querySelector('.canned')");
    look(browser, "canned", dress);
    browser.open(&desk.page("/playground"));
    browser.until("document.querySelector('.suggestion')");
    browser.fill("textarea", "What does theft insurance cost?");
    browser.press("Enter", CTRL);
    browser.until("document.querySelector('.turn footer') && document.querySelectorAll('.trace section').length >= 6");
    browser.value("document.querySelector('.source').click()");
    look(browser, "answered", dress);
    browser.value("document.querySelector('.page-head button.quiet').click()");
    browser.until("document.querySelector('dialog[open] select')");
    look(browser, "run-settings", dress);
    browser.open(&desk.page("/playground?mode=compare&q=What+does+theft+insurance+cost%3F"));
    browser.click("Add variant");
    browser.click("Run all");
    browser.until("document.querySelectorAll('.variant .facts').length === 3");
    look(browser, "compared", dress);
    browser.open(&desk.page("/playground?mode=batch"));
    browser
        .fill("textarea", "What does theft insurance cost?\nWho won the world cup in 1954?\nHow long do refunds take?");
    browser.click("Run all");
    browser.until("document.querySelector('[role=status].soft')?.innerText.includes('3 of 3 done')");
    browser.value("document.querySelector('tr[data-row]').focus()");
    browser.press("1", 0);
    look(browser, "batched", dress);
    browser.open(&desk.page("/settings/keys"));
    browser.click("Make a key");
    browser.until("document.querySelector('dialog[open] input')");
    look(browser, "make-key", dress);
    browser.open(&desk.page("/settings/members"));
    browser.click("Invite");
    browser.until("document.querySelector('dialog[open] input')");
    look(browser, "invite", dress);
    browser.open(&desk.page("/evals"));
    browser.until("document.querySelector('a[href*=\"/evals/runs/\"]')");
    browser.value("document.querySelector('a[href*=\"/evals/runs/\"]').click()");
    browser.until("document.querySelector('td button.start')");
    browser.value("document.querySelector('td button.start').click()");
    browser.until("document.querySelector('dialog[open] h3')");
    look(browser, "eval-case", dress);
}
