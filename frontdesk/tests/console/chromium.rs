//! A headless Chromium, spoken to over two pipes in the words of its `DevTools` protocol.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long the browser may take for one answer; waiting for a page counts as one.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);
/// How long a page may take until what is waited for is there.
const WAIT_MS: u32 = 30_000;
/// Pages in a row that may go elsewhere while one thing is waited for.
const PAGES_LOOKED_AT: usize = 5;

/// Steps with Tab until something must have been reached.
const TABS_MAX: usize = 120;

/// A modifier of a key: the protocol's own numbers.
pub(crate) const ALT: u32 = 1;
/// See [`ALT`].
pub(crate) const CTRL: u32 = 2;

pub(crate) struct Chromium {
    process: Child,
    commands: File,
    answers: Receiver<Value>,
    session: String,
    last: u64,
    /// Errors that pages wrote to the console, and addresses they asked for.
    pub(crate) errors: Vec<String>,
    pub(crate) requests: Vec<String>,
    _folder: tempfile::TempDir,
}

impl Chromium {
    /// Starts one; `None`, with the reason printed, where there is none on this machine.
    pub(crate) fn start() -> Option<Self> {
        if Command::new("chromium").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
            eprintln!("skipped: there is no `chromium` on this machine");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let (to, from) = (folder.path().join("to"), folder.path().join("from"));
        assert!(Command::new("mkfifo").args([&to, &from]).status().unwrap().success());
        let process = Command::new("sh")
            .args([
                "-c",
                "exec chromium --user-data-dir=\"$0/profile\" --headless --no-sandbox --disable-gpu --no-first-run \
                --disable-background-networking --disable-component-update --disable-sync --hide-scrollbars \
                --remote-debugging-pipe about:blank 3<\"$0/to\" 4>\"$0/from\" 2>/dev/null",
            ])
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let commands = OpenOptions::new().write(true).open(&to).unwrap();
        let answers = listen(File::open(&from).unwrap());
        let (errors, requests) = (Vec::new(), Vec::new());
        let mut browser =
            Self { process, commands, answers, session: String::new(), last: 0, errors, requests, _folder: folder };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attached =
            browser.call("Target.attachToTarget", json!({ "targetId": target["targetId"], "flatten": true }));
        attached["sessionId"].as_str().unwrap().clone_into(&mut browser.session);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// A command for the page.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        let session = json!(self.session);
        self.command(method, params, Some(session).filter(|session| session != ""))
            .unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// A command for the browser as a whole.
    pub(crate) fn call_browser(&mut self, method: &str, params: Value) -> Value {
        self.command(method, params, None).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers write the parameters in place")]
    fn command(&mut self, method: &str, params: Value, session: Option<Value>) -> Result<Value, Value> {
        self.last += 1;
        let mut command = json!({ "id": self.last, "method": method, "params": params });
        if let Some(session) = session {
            command["sessionId"] = session;
        }
        self.commands.write_all(format!("{command}\0").as_bytes()).unwrap();
        loop {
            let told = self.answers.recv_timeout(ANSWER_TIMEOUT).unwrap_or_else(|_| panic!("no answer to {method}"));
            if told["id"] == self.last {
                let error = told["error"].clone();
                return if error.is_null() { Ok(told["result"].clone()) } else { Err(error) };
            }
            self.note(&told);
        }
    }

    fn note(&mut self, told: &Value) {
        let params = &told["params"];
        match told["method"].as_str().unwrap_or_default() {
            "Runtime.exceptionThrown" => self.errors.push(params["exceptionDetails"].to_string()),
            "Runtime.consoleAPICalled" if params["type"] == "error" => self.errors.push(params["args"].to_string()),
            "Log.entryAdded" if params["entry"]["level"] == "error" => self.errors.push(params["entry"].to_string()),
            "Page.javascriptDialogOpening" => self.errors.push(params.to_string()),
            "Network.requestWillBeSent" => {
                self.requests.push(params["request"]["url"].as_str().unwrap_or_default().to_owned());
            }
            _ => {}
        }
    }

    /// The value of a script's expression; a promise is waited for.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        self.evaluated(expression).unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    /// The value, or the error of a page that went elsewhere meanwhile.
    fn evaluated(&mut self, expression: &str) -> Result<Value, Value> {
        let params =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true });
        let outcome = self.command("Runtime.evaluate", params, Some(json!(self.session)))?;
        assert!(outcome["exceptionDetails"].is_null(), "{expression}: {}", outcome["exceptionDetails"]);
        Ok(outcome["result"]["value"].clone())
    }

    /// Waits until an expression holds, looked at with every frame of the page.
    pub(crate) fn until(&mut self, expression: &str) {
        let script = format!(
            "new Promise((resolve) => {{ const end = performance.now() + {WAIT_MS};
                const look = () => {{ let held = false; try {{ held = Boolean({expression}); }} catch {{}}
                    if (held || performance.now() > end) resolve(held); else setTimeout(look, 20); }}; look(); }})"
        );
        // A page that goes elsewhere while it is looked at takes the look with it; the next page is looked at anew.
        let held = (0..PAGES_LOOKED_AT).find_map(|_| self.evaluated(&script).ok());
        if held != Some(json!(true)) {
            let shown =
                self.value("document.body.innerText.slice(0, 600) + ' … ' + document.body.innerText.slice(-1400)");
            panic!(
                "waited in vain for {expression}; the page shows:\n{}\n{:?}",
                shown.as_str().unwrap_or_default(),
                self.errors
            );
        }
    }

    pub(crate) fn open(&mut self, address: &str) {
        self.call("Page.navigate", json!({ "url": address }));
        self.until("document.readyState === 'complete' && document.querySelector('main') && !document.querySelector('.boot, .skeleton')");
    }

    /// Loads the page anew; what is looked at afterwards is the new one.
    pub(crate) fn reload(&mut self) {
        self.value("window.isOld = true");
        self.call("Page.reload", json!({}));
        self.until("!window.isOld && document.readyState === 'complete' && document.querySelector('main') && !document.querySelector('.boot, .skeleton')");
    }

    pub(crate) fn text(&mut self) -> String {
        self.value("document.body.innerText").as_str().unwrap().to_owned()
    }

    pub(crate) fn click(&mut self, label: &str) {
        let label = json!(label);
        let script = format!(
            "(() => {{ const found = [...document.querySelectorAll('button, a, summary')].find((one) => one.textContent.trim() === {label} && !one.disabled);
                found?.click(); return Boolean(found); }})()"
        );
        assert_eq!(self.value(&script), json!(true), "nothing to click says {label}:\n{}", self.text());
    }

    /// Types into the field that a selector finds, over what stands there.
    pub(crate) fn fill(&mut self, selector: &str, text: &str) {
        let selector = json!(selector);
        let script =
            format!("(() => {{ const found = document.querySelector({selector}); found.focus(); found.select(); }})()");
        self.value(&script);
        self.call("Input.insertText", json!({ "text": text }));
    }

    /// Types where the focus is.
    pub(crate) fn write(&mut self, text: &str) {
        self.call("Input.insertText", json!({ "text": text }));
    }

    pub(crate) fn press(&mut self, key: &str, modifiers: u32) {
        let code = if key == " " {
            "Space".to_owned()
        } else if key.len() == 1 {
            format!("Key{}", key.to_uppercase())
        } else {
            key.to_owned()
        };
        let number = match key {
            "Enter" => 13,
            "Escape" => 27,
            "Tab" => 9,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            _ => u32::from(key.to_uppercase().as_bytes()[0]),
        };
        // Only a key that writes something sends a form or pushes a button.
        let written = match key {
            "Enter" if modifiers == 0 => "\r",
            " " => " ",
            _ => "",
        };
        for kind in [if written.is_empty() { "rawKeyDown" } else { "keyDown" }, "keyUp"] {
            let mut params = json!({ "type": kind, "key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": modifiers });
            if kind == "keyDown" {
                params["text"] = json!(written);
            }
            self.call("Input.dispatchKeyEvent", params);
        }
    }

    /// Goes on with Tab until the focus is on what a selector finds.
    pub(crate) fn reach(&mut self, selector: &str) {
        let is_there = format!("Boolean(document.activeElement?.matches({}))", json!(selector));
        for _ in 0..TABS_MAX {
            if self.value(&is_there) == json!(true) {
                return;
            }
            self.press("Tab", 0);
        }
        panic!("Tab does not lead to {selector}:\n{}", self.text());
    }

    /// What the accessibility checks find on the page as it is, in words; they are a tool of its own licence, put
    /// there by whoever checks.
    pub(crate) fn faults(&mut self) -> Value {
        let Ok(axe) = std::fs::read_to_string(Path::new(env!("CARGO_TARGET_TMPDIR")).join("axe.min.js")) else {
            return json!([]);
        };
        self.value(&axe);
        self.value("axe.run().then(({ violations }) => violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(' | ')}`))")
    }

    pub(crate) fn dress(&mut self, width: u32, height: u32, scheme: &str) {
        self.dress_in(width, height, scheme, "no-preference");
    }

    pub(crate) fn dress_in(&mut self, width: u32, height: u32, scheme: &str, contrast: &str) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size);
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }, { "name": "prefers-contrast", "value": contrast }]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    pub(crate) fn photograph(&mut self, path: &Path) {
        let taken = self.call("Page.captureScreenshot", json!({ "format": "png" }));
        std::fs::write(path, BASE64_STANDARD.decode(taken["data"].as_str().unwrap()).unwrap()).unwrap();
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads what the browser says in a thread of its own, so that waiting for it can end.
fn listen(from: File) -> Receiver<Value> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut said = Vec::new();
        while from.read_until(0, &mut said).is_ok_and(|count| count > 0) {
            said.pop();
            let Ok(told) = serde_json::from_slice(&said) else { break };
            if sender.send(told).is_err() {
                break;
            }
            said.clear();
        }
    });
    receiver
}
