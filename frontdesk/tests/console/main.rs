//! The console as people use it: a real browser, the real binary, a desk of its own for each story.
//! Without a `chromium` on the machine they are skipped, and say so.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests fail by panicking, and say when they are skipped"
)]

mod chromium;
mod inbox;
mod keys;
mod looks;
mod minutes;
mod models;
mod playground;
mod prompts;
mod settings;
mod states;
mod together;
mod widget;

use chromium::{ALT, CTRL, Chromium};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const NAME: &str = "Robin Falk";
const EMAIL: &str = "robin@desk.example";
const PASSWORD: &str = "correct horse";

/// A running desk.
struct Desk {
    process: Child,
    address: String,
    link: String,
    environment: Vec<(String, String)>,
    folder: tempfile::TempDir,
}

impl Desk {
    /// One with the demo in it.
    fn up() -> Self {
        Self::start(tempfile::tempdir().unwrap(), &["--demo"], &[])
    }

    fn start(folder: tempfile::TempDir, more: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut environment: Vec<(String, String)> =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        environment.push(("FRONTDESK__EMBEDDING__ENABLED".to_owned(), "false".to_owned()));
        let (process, link) = run(folder.path(), "127.0.0.1:0", more, &environment);
        let address = link.split("/setup").next().unwrap().to_owned();
        assert!(address.starts_with("http://127.0.0.1:"), "{link}");
        Self { process, address, link, environment, folder }
    }

    fn stop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// The same desk at the same address, after it was stopped.
    fn start_again(&mut self) {
        let listen = self.address.trim_start_matches("http://").to_owned();
        (self.process, _) = run(self.folder.path(), &listen, &[], &self.environment);
    }

    fn page(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// Opens the one-time link and becomes the first member.
    fn set_up(&self, browser: &mut Chromium) {
        self.set_up_empty(browser);
        browser.until("document.querySelector('.suggestion')");
    }

    /// The same at a desk without knowledge.
    fn set_up_empty(&self, browser: &mut Chromium) {
        browser.open(&self.link);
        browser.fill("input[autocomplete=name]", NAME);
        browser.fill("input[type=email]", EMAIL);
        browser.fill("input[type=password]", PASSWORD);
        browser.click("Open the desk");
        browser.until("location.pathname === '/playground' && document.querySelector('.playground')");
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Starts the binary; it is ready, and the link of the first set-up is what it printed, if it printed one.
fn run(folder: &Path, listen: &str, more: &[&str], environment: &[(String, String)]) -> (Child, String) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_frontdesk"))
        .args(["up", "--listen", listen, "--data"])
        .arg(folder.join("data"))
        .args(more)
        .current_dir(folder)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .env("XDG_CACHE_HOME", folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut link = String::new();
    for said in BufReader::new(process.stdout.take().unwrap()).lines() {
        let said = said.unwrap();
        if let Some((_, rest)) = said.split_once("Console") {
            rest.split_whitespace().next().unwrap().clone_into(&mut link);
        }
        if said.starts_with("ready") {
            break;
        }
    }
    (process, link)
}

fn of_elsewhere<'r>(browser: &'r Chromium, desk: &Desk) -> Vec<&'r String> {
    let ours = |address: &&String| !address.starts_with(&desk.address) && !address.starts_with("about:");
    browser.requests.iter().filter(ours).collect()
}

/// Bytes of all scripts together, each compressed as it is sent.
const SCRIPTS_BYTES_MAX: u64 = 60_000;
/// Lines of the view module.
const VIEW_LINES_MAX: usize = 300;

fn scripts(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            scripts(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "js") {
            found.push(path);
        }
    }
}

#[test]
fn the_scripts_stay_within_their_budget_and_bring_nothing_from_elsewhere() {
    let folder = Path::new("../web/console");
    let mut found = Vec::new();
    scripts(folder, &mut found);
    for path in &found {
        let text = std::fs::read_to_string(path).unwrap();
        for forbidden in ["innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "new Function", "document.write"] {
            assert!(!text.contains(forbidden), "{}: {forbidden} would make markup or code of text", path.display());
        }
    }
    assert!(found.len() > 8);
    let view = std::fs::read_to_string(folder.join("view.js")).unwrap();
    assert!(view.lines().count() <= VIEW_LINES_MAX);
}

#[test]
fn the_view_builds_what_is_described_and_texts_never_become_markup() {
    let Some(mut browser) = Chromium::start() else { return };
    let desk = Desk::up();
    browser.open(&desk.page("/sign-in"));
    let sent = "performance.getEntriesByType('resource').filter((one) => one.name.endsWith('.js'))";
    let sum = browser.value(&format!("{sent}.reduce((sum, one) => sum + one.encodedBodySize, 0)")).as_u64().unwrap();
    let count = browser.value(&format!("{sent}.length")).as_u64().unwrap();
    eprintln!("{count} scripts, {sum} bytes as they are sent");
    assert!(count == 1 && sum > 20_000 && sum <= SCRIPTS_BYTES_MAX, "{count} scripts, {sum} bytes");
    let outcome = browser.value(&format!("(async () => {{ {} }})()", include_str!("view_checks.js")));
    let failed: Vec<&serde_json::Value> =
        outcome.as_array().unwrap().iter().filter(|check| check["held"] != json!(true)).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(outcome.as_array().unwrap().len() >= 60, "the checks ran: {}", outcome.as_array().unwrap().len());
    assert_eq!(of_elsewhere(&browser, &desk), Vec::<&String>::new());
    assert!(browser.errors.is_empty(), "{:?}", browser.errors);
}

#[test]
fn an_agent_works_in_the_inbox_by_keys_alone() {
    let Some(mut browser) = Chromium::start() else { return };
    let desk = Desk::up();
    browser.dress(1440, 900, "light");
    desk.set_up(&mut browser);
    browser.open(&desk.page("/inbox"));
    browser.until("document.querySelectorAll('.row-link').length >= 2");
    let waiting = browser.value("document.querySelectorAll('.row-link').length").as_u64().unwrap();
    browser.press("j", ALT);
    browser.until("document.querySelector('.handoff') && document.querySelector('.composer textarea')");
    browser.press("p", ALT);
    browser.until("document.querySelector('.thread-head').innerText.includes('With you') && document.activeElement.tagName === 'TEXTAREA'");
    browser.write("Hello, a person here. I am looking into it.");
    browser.press("Enter", CTRL);
    browser.until("document.querySelector('.bubble.agent').innerText.includes('a person here') && !document.querySelector('.composer textarea').value");
    assert!(browser.value("document.querySelector('.bubble.agent header').innerText").as_str().unwrap().contains(NAME));
    browser.press("l", ALT);
    browser.until("document.querySelector('.composer.as-note') && document.activeElement.tagName === 'TEXTAREA'");
    browser.write("Customer is in a hurry");
    browser.press("Enter", CTRL);
    browser.until("document.querySelector('.bubble.note').innerText.includes('in a hurry')");
    browser.press("e", ALT);
    browser.until("document.querySelector('.thread-head').innerText.includes('resolved')");
    browser.until(&format!("document.querySelectorAll('.row-link').length === {}", waiting - 1));
    browser.press("k", CTRL);
    browser.until("document.querySelector('dialog.palette[open]') && document.activeElement.tagName === 'INPUT'");
    browser.write("usage");
    browser.until("document.querySelectorAll('.palette li').length === 1");
    browser.press("Enter", 0);
    browser.until("location.pathname === '/usage' && !document.querySelector('dialog[open]')");
    assert!(browser.errors.is_empty(), "{:?}", browser.errors);
}

#[test]
fn a_content_person_reviews_by_keys_alone() {
    let Some(mut browser) = Chromium::start() else { return };
    let desk = Desk::up();
    browser.dress(1440, 900, "light");
    desk.set_up(&mut browser);
    browser.open(&desk.page("/knowledge/review"));
    if browser.value("document.querySelectorAll('.queued').length").as_u64().unwrap() < 20 {
        browser.until("fetch('/v1/review?limit=50').then((response) => response.json()).then((list) => { window.ready_ = list.data.length >= 20; }) && window.ready_");
        browser.open(&desk.page("/knowledge/review"));
    }
    let queued = "document.querySelectorAll('.queued').length";
    let chosen = "document.querySelector('.queued[aria-current] strong').textContent";
    browser.until("document.querySelector('.verdicts') && document.querySelector('.proved')");
    let (count, first) = (browser.value(queued).as_u64().unwrap(), browser.value(chosen));
    browser.value("document.querySelector('.proved').click()");
    browser.until("document.querySelector('.passages blockquote.is-shown').innerText.includes(document.querySelector('.proved.is-shown').innerText.slice(0, 20))");
    browser.press("j", 0);
    browser.until(&format!("{chosen} !== {first} && document.querySelector('article h2').textContent === {chosen}"));
    browser.press("k", 0);
    browser.until(&format!("document.querySelector('article h2').textContent === {first}"));
    browser.press("e", 0);
    browser.until("document.activeElement.tagName === 'TEXTAREA'");
    browser.write("Checked by a person.\n\n");
    browser.click("Approve as changed A");
    browser.until(&format!("{queued} === {}", count - 1));
    browser.until(&format!("document.querySelector('article h2').textContent === {chosen}"));
    browser.press("r", 0);
    browser.until("document.activeElement.placeholder?.startsWith('Why')");
    browser.write("out of date");
    browser.press("Enter", 0);
    browser.until(&format!("{queued} === {} && document.querySelector('.verdicts')", count - 2));
    browser.press("a", 0);
    browser.until(&format!("{queued} === {} && document.querySelector('.verdicts')", count - 3));
    browser.press("x", 0);
    browser.until("document.querySelectorAll('.queued input:checked').length === 1");
    browser.press("j", 0);
    browser.until(
        "document.querySelector('.queued[aria-current] input:not(:checked)') && document.querySelector('.verdicts')",
    );
    browser.press("x", 0);
    browser.until("document.querySelectorAll('.queued input:checked').length === 2");
    browser.click("Approve them");
    browser.until(&format!("{queued} === {}", count - 5));
    let judged =
        "fetch('/v1/review?state=any&limit=100').then((response) => response.json()).then((list) => list.counts)";
    let counts = browser.value(judged);
    let of = |state: &str| counts.as_array().unwrap().iter().filter(|one| one["state"] == state).count();
    assert!(of("approved") == 1 && of("rejected") == 1, "{counts}");
    assert!(browser.errors.is_empty(), "{:?}", browser.errors);
}

#[test]
fn what_happens_elsewhere_is_seen_without_a_reload() {
    let Some(mut browser) = Chromium::start() else { return };
    let desk = Desk::up();
    desk.set_up(&mut browser);
    browser.open(&desk.page("/inbox?tab=all"));
    browser.until("document.querySelectorAll('.row-link').length === 14");
    let began = "fetch('/v1/conversations', { method: 'POST', headers: { 'content-type': 'application/json', 'x-frontdesk-console': '1' },
        body: JSON.stringify({ customer: { name: 'Nora Lind' }, message: 'I want to talk to a person' }) })";
    let script = format!(
        "(async () => {{ await {began}; const since = performance.now();
            while (!document.querySelector('.rows').innerText.includes('Nora Lind') && performance.now() - since < 10000) await new Promise((next) => setTimeout(next, 5));
            return performance.now() - since; }})()"
    );
    let took = browser.value(&script).as_f64().unwrap();
    eprintln!("seen after {took:.0} ms");
    // A loaded machine is slow; ten seconds would mean that it was never seen.
    assert!(took < 5_000.0, "{took} ms");
    browser.until("document.querySelector('.rows').innerText.includes('asked for a person')");
}
