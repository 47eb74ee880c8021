//! The playground's tools: beside each other, many at once, as somebody, again, and what comes of it.

use crate::Desk;
use crate::chromium::{CTRL, Chromium};
use crate::widget::call;
use serde_json::{Value, json};

fn answered(browser: &mut Chromium, question: &str) {
    browser.fill("textarea", question);
    browser.press("Enter", CTRL);
    browser.until("[...document.querySelectorAll('.turn')].at(-1).querySelector('footer')");
}

#[test]
fn variants_stand_beside_each_other_and_a_batch_is_rated() {
    let Some(mut browser) = Chromium::start() else { return };
    let desk = Desk::up();
    browser.dress(1440, 900, "light");
    desk.set_up(&mut browser);
    browser.open(&desk.page("/playground?mode=compare&q=What+does+theft+insurance+cost%3F"));
    browser.until("document.querySelectorAll('.variant').length === 2");
    browser.click("Add variant");
    browser.click("Add variant");
    browser.until("document.querySelectorAll('.variant').length === 4 && [...document.querySelectorAll('button')].find((one) => one.textContent === 'Add variant').disabled");
    // One that never answers, by its threshold.
    browser.fill("#v3-confidence_min", "1");
    browser.click("Run all");
    browser.until("document.querySelectorAll('.variant .facts').length === 4");
    let decided = "[...document.querySelectorAll('.variant')].map((one) => one.querySelector('.facts').innerText)";
    let decided = browser.value(decided);
    assert!(
        decided[0].as_str().unwrap().contains("answered") && decided[3].as_str().unwrap().contains("handed off"),
        "{decided}"
    );
    browser.value(
        "[...document.querySelectorAll('.variant button')].findLast((one) => one.textContent === 'Why?').click()",
    );
    browser.until("document.querySelectorAll('dialog[open] .trace section').length >= 4");
    browser.press("Escape", 0);

    browser.open(&desk.page("/playground?mode=batch"));
    browser.until("document.querySelector('select[aria-label=Dataset] option:nth-child(2)')");
    browser.value("{ const select = document.querySelector('select[aria-label=Dataset]'); select.value = select.options[1].value; select.dispatchEvent(new Event('change')); }");
    browser.until("document.querySelector('textarea').value.split('\\n').length === 30");
    browser.fill("textarea", "What does theft insurance cost?\nWho won the world cup in 1954?");
    browser.click("Run all");
    browser.until("document.querySelectorAll('.batch .confidence').length >= 1 && document.querySelector('[role=status].soft').innerText.includes('2 of 2 done')");
    browser.value("document.querySelector('tr[data-row]').focus()");
    browser.press("1", 0);
    browser.press("j", 0);
    browser.press("3", 0);
    browser.until("document.querySelector('[role=status].soft').innerText.includes('1 good, 0 acceptable, 1 poor')");
    // They are kept, and so is what led to the answers.
    browser.until("location.search.includes('batch=bat_')");
    browser.reload();
    browser.until("document.querySelector('[role=status].soft').innerText.includes('2 of 2 done · 1 answered · 1 good, 0 acceptable, 1 poor')");
    browser.until("document.querySelector('textarea').value.includes('theft insurance')");
    browser.value("document.querySelector('.batch td button').click()");
    browser.until("document.querySelectorAll('dialog[open] .trace section').length >= 4");
    browser.press("Escape", 0);
    browser.open(&desk.page("/playground?mode=batch"));
    browser.until("document.querySelector('select[aria-label=Batch] option:nth-child(2)')");
    browser.value("{ const select = document.querySelector('select[aria-label=Batch]'); select.value = select.options[1].value; select.dispatchEvent(new Event('change')); }");
    browser.until("document.querySelectorAll('.batch [aria-pressed=true]').length === 2");
    browser.click("Delete");
    browser.until("!document.querySelector('.batch') && !document.querySelector('select[aria-label=Batch]')");
    assert!(browser.errors.is_empty(), "{:?}", browser.errors);
}

#[test]
fn an_answer_becomes_a_case_a_command_or_an_article_and_a_conversation_is_asked_again() {
    let Some(mut browser) = Chromium::start() else { return };
    let desk = Desk::up();
    browser.dress(1440, 900, "light");
    desk.set_up(&mut browser);
    browser.call_browser(
        "Browser.grantPermissions",
        json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] }),
    );
    let counted = |browser: &mut Chromium| {
        let list = call(browser, "GET", "/v1/evals/datasets", &Value::Null);
        list["data"][0]["cases"].as_i64().unwrap()
    };
    let before = counted(&mut browser);
    answered(&mut browser, "What does theft insurance cost?");
    browser.click("Add to dataset");
    browser.until("document.querySelector('.toasts').innerText.includes('31 questions')");
    assert_eq!(counted(&mut browser), before + 1);
    browser.click("curl");
    browser.until("document.querySelector('.toasts').innerText.includes('Copied as curl')");
    let copied = browser.value("navigator.clipboard.readText()");
    assert!(
        copied.as_str().unwrap().contains("/v1/playground/runs")
            && copied.as_str().unwrap().contains("theft insurance"),
        "{copied}"
    );

    // As somebody of whom something is remembered.
    browser.value("document.querySelector('.page-head button.quiet').click()");
    browser.until(
        "[...document.querySelectorAll('dialog[open] option')].some((one) => one.textContent.includes('Sofia'))",
    );
    browser.value("{ const select = document.querySelector('dialog select'); select.value = [...select.options].find((one) => one.textContent.includes('Sofia')).value; select.dispatchEvent(new Event('change')); }");
    browser.press("Escape", 0);
    browser.until("new URLSearchParams(location.search).get('customer')");
    answered(&mut browser, "Do you rent out trailers for my dog?");
    browser.until("document.querySelector('.trace').innerText.includes('Travels with a dog')");

    browser.click("Start over");
    answered(&mut browser, "What does theft insurance cost?");
    browser.click("Fix");
    browser.until("location.pathname === '/knowledge/articles/new' && document.querySelector('.editor input').value === 'What does theft insurance cost?' && document.querySelector('.editor textarea').value.includes('€9')");

    browser.open(&desk.page("/inbox?tab=all"));
    browser.until("[...document.querySelectorAll('.row-link')].some((one) => one.querySelector('.confidence.good'))");
    browser.value("document.querySelector('.row-link:has(.confidence.good)').click()");
    browser.until("document.querySelector('.thread-head a[href*=\"/playground?conversation=\"]')");
    browser.value("document.querySelector('.thread-head a[href*=\"/playground?conversation=\"]').click()");
    browser.until("document.querySelector('.turn .then')");
    assert!(browser.text().contains("Word for word as then"), "{}", browser.text());
    assert!(browser.errors.is_empty(), "{:?}", browser.errors);
}
