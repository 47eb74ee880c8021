//! What goes wrong has a state of its own on the page: it says what, why and what to do, and goes on by itself where it can.

use crate::Desk;
use crate::chromium::{CTRL, Chromium};
use crate::looks::look;
use frontdesk::bench::stub_model::RunningStub;
use sqlx::Connection;

/// How long the stub model takes for an answer.
const SLOW_MS: &str = "3000";

#[test]
fn links_that_no_longer_hold_say_why_and_where_to_go() {
    let Some(mut browser) = Chromium::start() else { return };
    let desk = Desk::up();
    browser.open(&desk.page("/setup?t=guess"));
    browser.until("document.querySelector('h1').textContent === 'This link is not known'");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let path = desk.folder.path().join("data/desk.sqlite");
        let mut database = sqlx::SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap();
        let changed = sqlx::query("update invitations set expires_at = 1").execute(&mut database).await.unwrap();
        assert_eq!(changed.rows_affected(), 1);
    });
    browser.open(&desk.link);
    browser.until("document.querySelector('h1').textContent === 'This link has expired' && document.body.innerText.includes('frontdesk up')");
    look(&mut browser, "link-expired", "light");
    browser.click("Sign in");
    browser.until("location.pathname === '/sign-in' && document.querySelector('input[type=email]')");
    browser.fill("input[type=email]", "nobody@desk.example");
    browser.fill("input[type=password]", "whatever it is");
    browser.press("Enter", 0);
    browser.until("document.querySelector('[role=alert]')");
    assert!(!browser.errors.iter().any(|error| error.contains("exception")), "{:?}", browser.errors);
}

#[test]
fn nothing_found_says_so_and_what_to_do() {
    let Some(mut browser) = Chromium::start() else { return };
    let desk = Desk::up();
    desk.set_up(&mut browser);
    let states = [
        ("/inbox?tab=all&q=zzzqqq", "Nothing found"),
        ("/inbox?tab=mine&q=zzzqqq", "Nothing found"),
        ("/playground?mode=search&q=zzzqqq", "Nothing found"),
        ("/knowledge/articles?state=archived", "No such articles"),
        ("/knowledge/review?state=rejected", "Nothing here"),
        ("/inbox/conv_01jd3q5w8hf3k9m2n4p6r8t0vx", "Conversation not found"),
        ("/knowledge/articles/art_none", "Article not found"),
        ("/knowledge/documents/doc_01jd3q5w8hf3k9m2n4p6r8t0vx", "Document not found"),
    ];
    for (place, (path, said)) in states.into_iter().enumerate() {
        browser.open(&desk.page(path));
        browser.until(&format!("document.body.innerText.includes('{said}')"));
        assert!(!browser.text().contains("undefined"), "{path}");
        look(&mut browser, &format!("nothing-{place}"), "light");
    }
    assert!(!browser.errors.iter().any(|error| error.contains("exceptionId")), "{:?}", browser.errors);
}

#[test]
fn a_restart_in_the_middle_of_an_answer_is_told_and_asked_again() {
    let Some(mut browser) = Chromium::start() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stub = runtime.block_on(RunningStub::start(SLOW_MS)).unwrap();
    let base_url = stub.settings()["llm"]["base_url"].as_str().unwrap().to_owned();
    let mut desk = Desk::start(tempfile::tempdir().unwrap(), &["--demo"], &[("FRONTDESK__LLM__BASE_URL", &base_url)]);
    desk.set_up(&mut browser);
    browser.fill("textarea", "What does theft insurance cost?");
    browser.press("Enter", CTRL);
    browser.until("document.querySelector('.turn [aria-busy=true]')");
    desk.stop();
    browser.until("document.querySelector('.turn .failure').innerText.includes('Try again')");
    assert!(
        browser.text().contains("The connection broke") || browser.text().contains("cannot be reached"),
        "{}",
        browser.text()
    );
    browser.until("document.querySelector('.lost')?.innerText.includes('connection is lost')");
    assert!(browser.text().contains("What does theft insurance cost?"), "the question stays");
    assert!(browser.text().contains("Nothing to explain yet"), "what failed is not waited for");
    look(&mut browser, "connection-lost", "light");
    desk.start_again();
    browser.until("!document.querySelector('.lost')");
    browser.click("Try again");
    browser.until("document.querySelector('.turn footer')");
    let exceptions: Vec<&String> = browser.errors.iter().filter(|error| error.contains("exceptionId")).collect();
    assert!(exceptions.is_empty(), "{exceptions:?}");
}
