//! A desk worked by keys alone: no step of this story moves a mouse or calls a click.

use crate::chromium::{ALT, CTRL, Chromium};
use crate::{Desk, EMAIL, PASSWORD};

/// Goes somewhere through the palette.
fn go(browser: &mut Chromium, words: &str, until: &str) {
    browser.press("k", CTRL);
    browser.until("document.querySelector('dialog.palette[open]') && document.activeElement.matches('.palette input')");
    browser.write(words);
    browser.until(&format!("document.querySelector('.palette input').value === '{words}' && document.querySelectorAll('.palette li').length >= 1"));
    browser.press("Enter", 0);
    browser.until(&format!("!document.querySelector('dialog[open]') && ({until})"));
}

fn push(browser: &mut Chromium, selector: &str) {
    browser.reach(selector);
    browser.press("Enter", 0);
}

#[test]
fn ten_tasks_need_no_mouse() {
    let Some(mut browser) = Chromium::start() else { return };
    let desk = Desk::up();
    browser.dress(1440, 900, "light");
    desk.set_up(&mut browser);

    // 1. Sign out and in again.
    go(&mut browser, "sign out", "location.pathname === '/sign-in' && document.activeElement.type === 'email'");
    browser.write(EMAIL);
    browser.reach("input[type=password]");
    browser.write(PASSWORD);
    browser.press("Enter", 0);
    browser.until("document.querySelector('.rail')");
    // 2. Ask, and look at why.
    go(&mut browser, "playground", "document.activeElement.matches('.composer textarea')");
    browser.write("What does theft insurance cost?");
    browser.press("Enter", CTRL);
    browser.until("document.querySelector('.turn footer') && document.querySelector('.trace .passage-head')");
    push(&mut browser, ".passage-head");
    browser.until("document.querySelector('.passage-text mark')");
    // 3. Open the quote that a sentence stands on.
    push(&mut browser, ".source");
    browser.until("document.querySelector('figure.quote blockquote').textContent.includes('insurance')");
    // 4. Search without an answer.
    push(&mut browser, ".page-head .tabs button:nth-child(2)");
    browser.until("document.activeElement.type === 'search'");
    browser.write("battery");
    browser.press("Enter", 0);
    browser.until("document.querySelectorAll('.hits li').length > 0");
    // 5. Put a conversation aside, and 6. take that back.
    go(&mut browser, "inbox", "document.querySelectorAll('.row-link').length >= 2");
    browser.press("j", ALT);
    browser.until("document.querySelector('.thread-head select[aria-label=Snooze]')");
    browser.reach("select[aria-label=Snooze]");
    browser.press("ArrowDown", 0);
    browser.until("document.querySelector('.thread-head').innerText.includes('snoozed')");
    push(&mut browser, ".toast button");
    browser.until("!document.querySelector('.thread-head').innerText.includes('snoozed')");
    // 7. Write an article and publish it.
    go(&mut browser, "write an article", "document.querySelector('.editor input')");
    browser.reach(".editor input");
    browser.write("Can I bring my dog?");
    browser.reach(".editor textarea");
    browser.write("Dogs are welcome in every shop of ours.");
    push(&mut browser, ".editor-head .primary:not(:disabled)");
    browser.until("document.querySelector('.editor-head .chip').textContent === 'published'");
    // 8. Judge a suggestion.
    go(&mut browser, "review", "document.querySelector('.verdicts')");
    browser.press("a", 0);
    browser.until("document.querySelector('.toasts').innerText.includes('Published')");
    // 9. Make a key, close what opened, and find the focus where it was.
    go(&mut browser, "api keys", "document.querySelector('.content .primary')");
    push(&mut browser, ".content .primary");
    browser.until("document.querySelector('dialog[open] input[type=text]')");
    browser.reach("dialog input[type=text]");
    browser.write("shop");
    browser.press("Enter", 0);
    browser.until("document.querySelector('dialog .secret').textContent.startsWith('fd_live_')");
    browser.press("Escape", 0);
    browser.until("!document.querySelector('dialog[open]') && document.activeElement.matches('.content .primary')");
    // 10. Move the threshold of a run and put it in force.
    go(&mut browser, "evals", "document.querySelector('a[href*=\"/evals/runs/\"]')");
    push(&mut browser, "a[href*='/evals/runs/']");
    browser.until("document.querySelector('input[type=range]')");
    browser.reach("input[type=range]");
    browser.press("ArrowRight", 0);
    push(&mut browser, "figure .primary:not(:disabled)");
    browser.until("document.querySelector('.toasts').innerText.includes('on.')");
    // 11. Change the theme, 12. read the keys.
    go(&mut browser, "change theme", "document.documentElement.dataset.theme === 'light'");
    browser.press("?", 0);
    browser.until("document.querySelector('dialog[open] kbd')");
    browser.press("Escape", 0);
    browser.until("!document.querySelector('dialog[open]')");
    assert!(browser.errors.is_empty(), "{:?}", browser.errors);
}
