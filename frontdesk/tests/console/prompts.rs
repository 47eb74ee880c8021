//! Prompts in the console: what is wrong is pointed at, what differs is shown, versions go live and back.

use crate::Desk;
use crate::chromium::Chromium;
use crate::looks::look;
use serde_json::json;

#[test]
fn a_prompt_is_changed_tried_published_and_rolled_back() {
    let Some(mut browser) = Chromium::start() else { return };
    let desk = Desk::up();
    browser.dress(1440, 900, "light");
    desk.set_up(&mut browser);
    browser.open(&desk.page("/settings/prompts"));
    browser.until("document.querySelector('#prompt-text')?.value.includes('NO_ANSWER')");
    assert!(browser.text().contains("Nothing differs"));
    let whole = browser.value("document.querySelector('#prompt-text').value").as_str().unwrap().to_owned();

    // A variable that there is not, in the second line.
    browser.fill("#prompt-text", &whole.replacen('\n', "\nBe {{ kindness }}.\n", 1));
    browser.click("Save as a version");
    browser.until("document.querySelector('[role=alert]').textContent.includes('line 2, column')");
    let pointed = "document.activeElement.value.slice(document.activeElement.selectionStart).startsWith('{{ kindness') || document.activeElement.value.slice(document.activeElement.selectionStart).startsWith('kindness')";
    browser.until(pointed);
    assert_eq!(browser.value("document.activeElement.scrollTop"), json!(0), "the second line is in sight");
    look(&mut browser, "prompt-error", "light");
    browser.errors.clear();

    browser.fill("#prompt-text", &whole.replace("Be short", "Be very brief"));
    browser.until("document.querySelector('.prompt-diff ins').textContent.includes('very')");
    browser.click("Try in the playground");
    browser.until("location.pathname === '/playground' && location.search.includes('prompt=draft') && document.querySelector('textarea')");
    browser.fill("textarea", "What does theft insurance cost?");
    browser.press("Enter", crate::CTRL);
    browser.until("document.querySelector('.turn footer')");
    browser.value("history.back()");
    browser.until("document.querySelector('#prompt-text')?.value.includes('very brief')");
    browser.fill("input[placeholder^='for your']", "Shorter answers");
    browser.click("Save as a version");
    browser.until("document.querySelector('tr.chosen').innerText.includes('Version 2') && document.querySelector('tr.chosen').innerText.includes('Shorter answers')");
    browser.fill("input.short", "25");
    browser.click("Publish");
    browser.until("document.querySelector('tr.chosen').innerText.includes('25 % of conversations')");
    browser.fill("input.short", "100");
    browser.click("Change the share");
    browser.until("document.querySelector('tr.chosen').innerText.includes('published') && document.querySelector('.chip.good')?.innerText && document.body.innerText.includes('Nothing differs')");
    browser.click("Version 1");
    browser.until("document.querySelector('tr.chosen').innerText.includes('as the program brings it') && document.querySelector('.prompt-diff del').textContent.includes('very')");
    browser.click("Roll back to it");
    browser.until("document.querySelector('tr.chosen').innerText.includes('published')");
    let versions = browser.value(
        "fetch('/v1/prompts/answer/versions').then((response) => response.json()).then((list) => list.data.map((one) => `${one.version} ${one.state}`))",
    );
    assert_eq!(versions, json!(["2 rolled_back", "1 published"]));
    assert!(browser.errors.is_empty(), "{:?}", browser.errors);
}

#[test]
fn a_version_goes_live_when_the_gate_says_so_and_the_refusal_is_told() {
    let Some(mut browser) = Chromium::start() else { return };
    let desk = Desk::up();
    browser.dress(1440, 900, "light");
    desk.set_up(&mut browser);
    browser.open(&desk.page("/settings/prompts"));
    browser.until("document.querySelector('#gate option:nth-child(2)')");
    browser.value("{ const select = document.querySelector('#gate'); select.value = select.options[1].value; select.dispatchEvent(new Event('change')); }");
    browser.until("document.querySelector('input[aria-label=\"Percent that must go right\"]')?.value === '80'");
    let percent = "document.querySelector('input[aria-label=\"Percent that must go right\"]')";
    browser.value(&format!("{{ {percent}.value = '100'; {percent}.dispatchEvent(new Event('change')); }}"));
    browser.until("fetch('/v1/assistants').then((response) => response.json()).then((list) => { window.gate_ = list.data[0].settings.publish_gate?.min.good_rate; }) && window.gate_ === 1");
    let whole = browser.value("document.querySelector('#prompt-text').value").as_str().unwrap().to_owned();
    browser.fill("#prompt-text", &whole.replace("Be short", "Be very brief"));
    browser.click("Save as a version");
    browser.until("document.querySelector('tr.chosen').innerText.includes('Version 2')");
    browser.click("Publish");
    browser.until("document.querySelector('tr.chosen .wrong')?.innerText.includes('Refused: good_rate') && document.querySelector('tr.chosen a[href*=\"/evals/runs/\"]')");
    assert!(browser.value("document.querySelector('tr.chosen').innerText").as_str().unwrap().contains("draft"));
    browser.click("Publish");
    browser.until("document.querySelector('.failure') && [...document.querySelectorAll('button')].some((one) => one.textContent === 'Ask the gate again')");
    browser.errors.clear();
    browser.value(&format!("{{ {percent}.value = '50'; {percent}.dispatchEvent(new Event('change')); }}"));
    browser.until("fetch('/v1/assistants').then((response) => response.json()).then((list) => { window.gate_ = list.data[0].settings.publish_gate?.min.good_rate; }) && window.gate_ === 0.5");
    browser.click("Ask the gate again");
    browser.until("document.querySelector('tr.chosen').innerText.includes('published')");
    assert!(browser.errors.is_empty(), "{:?}", browser.errors);
}
