//! A desk whose API and workers run as a person starts them: `frontdesk up`, a process of its own.

use crate::{FRONTDESK, TestDesk};
use domain::key::Scope;
use frontdesk::bench::bed::until;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};

/// Longer than any of these stories takes on a busy machine.
const LONGEST: Duration = Duration::from_mins(2);

/// The running process and a client with a key of the desk.
pub(crate) struct Served {
    process: Child,
    http: reqwest::Client,
    base: String,
    key: String,
}

impl Served {
    /// Starts the desk and waits until it is ready; what it says goes into files beside its data.
    pub(crate) async fn up(desk: &TestDesk) -> Self {
        let (said, talk) = (log(desk, "up.out"), log(desk, "up.log"));
        let process = Command::new(FRONTDESK)
            .env_clear()
            .args(["up", "--listen", "127.0.0.1:0", "--config"])
            .arg(desk.bed.settings_file())
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&said).unwrap())
            .stderr(std::fs::File::create(talk).unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let base = until("the desk to be ready", LONGEST, async || {
            let text = std::fs::read_to_string(&said).unwrap();
            let base =
                text.lines().find_map(|line| line.trim().strip_prefix("API ")).map(|base| base.trim().to_owned());
            Ok(base.filter(|_| text.contains("ready in")))
        });
        let base = base.await.unwrap();
        let wired = &desk.bed.wired;
        let created =
            api::keys::create(&wired.desk.database, wired.organization_id(), "test", vec![Scope::Admin]).await;
        let (_, key) = created.unwrap();
        Self { process, http: client(), base, key }
    }

    /// Asks it to stop and waits until it has.
    pub(crate) async fn stop(&mut self) {
        let pid = self.process.id().unwrap().to_string();
        assert!(Command::new("kill").arg(pid).status().await.unwrap().success());
        assert!(self.process.wait().await.unwrap().success());
    }

    /// The status and the body of the response.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.base));
        let request = request.bearer_auth(&self.key);
        let request = if body.is_null() { request } else { request.json(&body) };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// The body of a response that is no problem.
    pub(crate) async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(method, path, body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer:#}");
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.done("GET", path, Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        self.done("POST", path, body).await
    }

    /// A conversation of that customer; its path.
    pub(crate) async fn conversation(&self, customer: Value) -> String {
        let begun = self.post("/conversations", json!({ "customer": customer })).await;
        format!("/conversations/{}", begun["id"].as_str().unwrap())
    }

    /// Says something as the customer; the answer.
    pub(crate) async fn ask(&self, conversation: &str, content: &str) -> Value {
        let path = format!("{conversation}/messages?wait=answer");
        self.post(&path, json!({ "content": content })).await["answer"].clone()
    }
}

/// A client that gives up after a while.
fn client() -> reqwest::Client {
    reqwest::Client::builder().connect_timeout(LONGEST).timeout(LONGEST).build().unwrap()
}

fn log(desk: &TestDesk, name: &str) -> PathBuf {
    desk.bed.folder_path().join(name)
}
