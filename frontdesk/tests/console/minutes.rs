//! The first five minutes of a newcomer, who reads no documentation.

use crate::chromium::{CTRL, Chromium};
use crate::looks::look;
use crate::{Desk, EMAIL, PASSWORD, of_elsewhere};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpListener;

/// Pages of the website that is read.
const PAGES: usize = 12;

/// A help centre with a sitemap, and a folder that nobody needs. Returns its host and port.
fn help_centre() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let named = host.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut asked = [0; 4_096];
            let length = stream.read(&mut asked).unwrap_or(0);
            let text = String::from_utf8_lossy(&asked[..length]).into_owned();
            let path = text.split_whitespace().nth(1).unwrap_or("/").to_owned();
            let (status, kind, body) = answer(&path, &named);
            let response = format!(
                "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            // Whoever asked may be gone.
            let _ = stream.write_all(response.as_bytes());
        }
    });
    host
}

fn answer(path: &str, host: &str) -> (&'static str, &'static str, String) {
    let folder = |place: usize| if place % 4 == 3 { "archive" } else { "help" };
    if path == "/sitemap.xml" {
        let mut urls = String::new();
        for place in 0..PAGES {
            write!(urls, "<url><loc>http://{host}/{}/{place}</loc></url>", folder(place)).unwrap();
        }
        return (
            "200 OK",
            "application/xml",
            format!("<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">{urls}</urlset>"),
        );
    }
    let Some(place) = path.rsplit('/').next().and_then(|place| place.parse::<usize>().ok()) else {
        return ("404 Not Found", "text/html", "<h1>Not here</h1>".to_owned());
    };
    let body = format!(
        "<!doctype html><html lang=en><head><title>Moon tour {place}</title></head><body><main><h1>Moon tour {place}</h1>
        <p>The moon tour number {place} starts at the harbour every evening at {place} past nine. It costs {} euros for grown-ups.</p>
        <h2>What to bring</h2><p>Bring a warm coat and a lamp. The guide of tour {place} has blankets for everybody on board.</p></main></body></html>",
        place + 20
    );
    ("200 OK", "text/html; charset=utf-8", body)
}

#[test]
fn the_first_five_minutes_lead_from_the_link_to_an_explained_answer_and_an_own_website() {
    let Some(mut browser) = Chromium::start() else { return };
    let host = help_centre();
    let settings = [("FRONTDESK__SCAN__ALLOW_PRIVATE_HOSTS", host.as_str()), ("FRONTDESK__SCAN__DELAY_MS", "0")];
    let desk = Desk::start(tempfile::tempdir().unwrap(), &["--demo"], &settings);
    browser.dress(1440, 900, "light");
    desk.set_up(&mut browser);
    // A suggested question, by one click.
    browser.value("document.querySelector('.suggestion').click()");
    browser.until("document.querySelector('.turn footer')");
    browser.click("Start over");
    explained(&mut browser);
    not_known(&mut browser);
    own_website(&mut browser, &host);
    model_and_widget(&mut browser);
    in_and_out(&mut browser, &desk);
    assert!(browser.errors.is_empty(), "{:?}", browser.errors);
    let elsewhere: Vec<&String> = of_elsewhere(&browser, &desk);
    assert_eq!(elsewhere, Vec::<&String>::new());
}

fn explained(browser: &mut Chromium) {
    browser.fill("textarea", "What does theft insurance cost?");
    browser.press("Enter", CTRL);
    browser.until("document.querySelector('.turn footer')");
    assert!(browser.text().contains("answered"), "{}", browser.text());
    browser.until("document.querySelectorAll('.trace section').length >= 6");
    browser.value("document.querySelector('.source').click()");
    browser.until("document.querySelector('figure.quote blockquote').textContent.includes('insurance')");
    browser.value("document.querySelector('.passage-head').click()");
    browser.until("document.querySelector('.passage-text mark')");
}

fn not_known(browser: &mut Chromium) {
    browser.fill("textarea", "Who won the football world cup in 1954?");
    browser.press("Enter", CTRL);
    browser.until("document.querySelectorAll('.turn footer').length === 2 && document.querySelector('.handoff')");
    browser.until("new URLSearchParams(location.search).get('q').startsWith('Who won')");
}

/// A preview that follows the globs, a scan that shows how far it is, and an answer from it.
fn own_website(browser: &mut Chromium, host: &str) {
    browser.value("document.querySelector('a[href=\"/knowledge\"]').click()");
    browser.until("document.querySelector('a[href=\"/knowledge/new\"]')");
    browser.click("Add website");
    browser.until("document.activeElement.inputMode === 'url'");
    browser.write(&format!("http://{host}/"));
    let since = "performance.now()";
    let begun = browser.value(since).as_f64().unwrap();
    browser.press("Enter", 0);
    browser.until("document.querySelectorAll('.tree li').length === 2");
    eprintln!("preview after {:.0} ms", browser.value(since).as_f64().unwrap() - begun);
    browser.value("document.querySelectorAll('.preview ~ *, details')[0].open = true");
    browser.fill("textarea[placeholder='**/archive/**']", "**/archive/**");
    browser.until("document.querySelectorAll('.tree li').length === 1 && document.querySelector('.preview').innerText.includes('9 pages')");
    let begun = browser.value(since).as_f64().unwrap();
    look(browser, "previewed", "light");
    browser.click("Start the scan");
    browser.until("location.pathname.startsWith('/knowledge/scans/') && document.querySelector('.progress').innerText.includes('a second')");
    browser.until("document.querySelector('.content > .row .chip').textContent === 'completed'");
    look(browser, "scanned", "light");
    eprintln!("scan of 9 pages seen as completed after {:.0} ms", browser.value(since).as_f64().unwrap() - begun);
    browser.value("document.querySelector('a[href=\"/playground\"]').click()");
    browser.until("document.querySelector('.suggestion')");
    browser.fill("textarea", "How much does moon tour 5 cost for grown-ups?");
    browser.press("Enter", CTRL);
    browser.until(
        "document.querySelector('.turn footer') && document.querySelector('.bubble.ai').innerText.includes('25 euros')",
    );
}

fn model_and_widget(browser: &mut Chromium) {
    browser.value("document.querySelector('a[href=\"/settings\"]').click()");
    browser.until("document.querySelector('a[href=\"/settings/model\"]')");
    browser.click("Model");
    browser.until(
        "document.body.innerText.includes('Quotes of your knowledge') && document.querySelector('#f-base-url') && [...document.querySelectorAll('button')].some((one) => one.textContent === 'Test')",
    );
    browser.click("Widget");
    browser.until("document.querySelector('.embed pre').textContent.includes('data-key=\"pk_')");
}

fn in_and_out(browser: &mut Chromium, desk: &Desk) {
    // News that arrive while the session ends are not read: the page would be refused.
    browser.value(
        "(() => { const send = fetch; window.fetch = async (path, init) => { const answer = await send(path, init); if (init.method === 'DELETE') await new Promise((done) => setTimeout(done, 500)); return answer; }; document.querySelector('fd-bell').gather(); })()",
    );
    browser.click("Sign out");
    browser.until("location.pathname === '/sign-in' && document.querySelector('input[type=email]')");
    assert!(browser.errors.is_empty(), "{:?}", browser.errors);
    browser.fill("input[type=email]", EMAIL);
    browser.fill("input[type=password]", "not the password");
    browser.click("Sign in");
    browser.until("document.querySelector('[role=alert]').textContent.includes('password is wrong')");
    browser.errors.clear();
    browser.fill("input[type=password]", PASSWORD);
    browser.click("Sign in");
    browser.until("document.querySelector('.rail')");
    browser.open(&desk.page("/playground"));
    let timing = browser.value(
        "JSON.stringify({ interactive: Math.round(performance.getEntriesByType('navigation')[0].domInteractive), painted: Math.round(performance.getEntriesByName('first-contentful-paint')[0]?.startTime), shown: Math.round(performance.getEntriesByName('desk')[0].startTime) })",
    );
    eprintln!("first page, milliseconds since it was asked for: {}", timing.as_str().unwrap());
    browser.open(&desk.link);
    browser.until("document.querySelector('.rail')");
}
