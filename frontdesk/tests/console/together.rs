//! Two people in two browsers: what one does, the other sees.

use crate::chromium::Chromium;
use crate::widget::{call, say, widget_of, within};
use crate::{Desk, of_elsewhere};
use serde_json::json;
use std::time::Instant;

/// A loaded machine is slow; more would mean that the page was told nothing and looked by itself.
const SEEN_MS_MAX: u128 = 5_000;

/// Waits for it, and says how long that took since then.
fn seen(browser: &mut Chromium, what: &str, since: Instant, expression: &str) {
    browser.until(expression);
    let took = since.elapsed().as_millis();
    eprintln!("{what}: seen in the other browser after {took} ms");
    assert!(took < SEEN_MS_MAX, "{what}: {took} ms");
}

#[test]
fn what_happens_in_another_browser_is_seen_at_once() {
    let Some(mut agent) = Chromium::start() else { return };
    let Some(mut other) = Chromium::start() else { return };
    let desk = Desk::up();
    agent.dress(1440, 900, "light");
    desk.set_up(&mut agent);
    let key = widget_of(&mut agent)["public_key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("pk_"));
    let invitation = call(&mut agent, "POST", "/v1/invitations", &json!({ "scopes": ["conversations"] }));
    agent.open(&desk.page("/inbox?tab=all"));
    agent.until("document.querySelectorAll('.row-link').length === 14");
    agent.value("{ window.known = [...document.querySelectorAll('.row-link')].map((one) => one.href); }");

    // A visitor writes from the widget.
    other.open(&desk.page("/demo"));
    other.until(&within("Boolean(one('.launch'))"));
    other.value(&within("one('.launch').click()"));
    other.until(&within("Boolean(one('textarea'))"));
    say(&mut other, "Do you sell unicycles to giraffes?");
    seen(
        &mut agent,
        "a visitor's first message",
        Instant::now(),
        "document.querySelectorAll('.row-link').length === 15",
    );
    agent.value("[...document.querySelectorAll('.row-link')].find((one) => !known.includes(one.href)).click()");
    agent.until("document.querySelector('.messages')?.innerText.includes('giraffes')");
    say(&mut other, "And to zebras?");
    seen(
        &mut agent,
        "a visitor's second message",
        Instant::now(),
        "document.querySelector('.messages').innerText.includes('zebras')",
    );
    let thread = agent.value("location.pathname").as_str().unwrap().to_owned();

    // Another member, in a browser of their own, has the same conversation open.
    other.open(&desk.page(invitation["path"].as_str().unwrap()));
    other.fill("input[autocomplete=name]", "Ada Bloom");
    other.fill("input[type=email]", "ada@desk.example");
    other.fill("input[type=password]", "battery staple");
    other.click("Join");
    other.until("document.querySelector('.rail')");
    other.open(&desk.page(&thread));
    other.until("document.querySelector('.composer textarea')");
    other.fill(".composer textarea", "Giraffes need the tall saddle.");
    other.press("Enter", crate::CTRL);
    seen(
        &mut agent,
        "a member's reply",
        Instant::now(),
        "document.querySelector('.bubble.agent')?.innerText.includes('tall saddle')",
    );
    assert_eq!(of_elsewhere(&other, &desk), Vec::<&String>::new());
    assert!(agent.errors.is_empty(), "{:?}", agent.errors);
}
