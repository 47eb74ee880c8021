//! What holds for the desk as a whole, and what is told of the articles' use.

use crate::Desk;
use crate::chromium::Chromium;
use crate::widget::call;
use serde_json::{Value, json};

#[test]
fn the_desk_gets_another_name_and_keeps_explanations_for_less_time() {
    let Some(mut browser) = Chromium::start() else { return };
    let desk = Desk::up();
    browser.dress(1440, 900, "light");
    desk.set_up(&mut browser);
    browser.open(&desk.page("/settings/desk"));
    browser.until("document.querySelector('.narrow-form input')?.value === 'Lumen Bikes'");
    browser.fill("#f-days-that-answers-can-be-explained", "30");
    browser.fill("#f-days-that-resolved-conversations-are-kept", "400");
    browser.fill(".narrow-form input[type=text]", "Lumen & Sons");
    browser.press("Enter", 0);
    browser.until("document.querySelector('.brand').innerText.includes('Lumen & Sons') && document.title.includes('Lumen & Sons') && document.querySelector('.narrow-form .primary').disabled");
    let stored = call(&mut browser, "GET", "/v1/settings/desk", &Value::Null);
    assert_eq!((&stored["name"], &stored["traces_days"]), (&json!("Lumen & Sons"), &json!(30)));
    assert_eq!((&stored["installation_traces_days"], &stored["conversations_days"]), (&json!(90), &json!(400)));
    browser.fill(".narrow-form input[type=text]", " ");
    browser.press("Enter", 0);
    browser.until("document.querySelector('[aria-invalid]') && document.querySelector('.wrong').innerText.includes('1 to 100 characters')");
    browser.reload();
    browser.until("document.querySelector('.narrow-form input')?.value === 'Lumen & Sons' && document.querySelector('input[type=number]').value === '30'");
}

#[test]
fn an_article_tells_in_how_many_answers_it_was_used() {
    let Some(mut browser) = Chromium::start() else { return };
    let desk = Desk::up();
    browser.dress(1440, 900, "light");
    desk.set_up(&mut browser);
    let text = "Giraffes ride the Lumen Zoo, which costs €4,711 with a tall saddle.";
    let new = json!({ "title": "Bikes for giraffes", "body": text });
    let article = call(&mut browser, "POST", "/v1/articles", &new)["id"].as_str().unwrap().to_owned();
    call(&mut browser, "POST", &format!("/v1/articles/{article}/publish"), &json!({}));
    browser.open(&desk.page(&format!("/knowledge/articles/{article}")));
    browser.until("document.querySelector('.editor-head').innerText.includes('used in 0 answers')");
    let begun = call(&mut browser, "POST", "/v1/conversations", &json!({ "customer": { "name": "Nora Lind" } }));
    let asked = json!({ "content": "What does the bike for giraffes cost?" });
    let path = format!("/v1/conversations/{}/messages?wait=answer", begun["id"].as_str().unwrap());
    let answered = call(&mut browser, "POST", &path, &asked);
    assert_eq!(answered["answer"]["citations"][0]["title"], "Bikes for giraffes", "{answered}");
    browser.reload();
    browser.until("document.querySelector('.editor-head')?.innerText.includes('used in 1 answer')");
    browser.open(&desk.page("/knowledge/articles?state=published"));
    browser.until("document.querySelector('tbody tr')?.cells[2].innerText === '1'");
    assert!(browser.errors.is_empty(), "{:?}", browser.errors);
}
