//! Every fault that `doctor` promises to find is planted here, and its message and fix are read.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

#[path = "../../storage/tests/support/postgres.rs"]
mod postgres;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use domain::job::DeleteExpired;
use domain::key::Scope;
use frontdesk::bench::stub_model;
use frontdesk::doctor::{Finding, State, examine, worst};
use frontdesk::settings::{Environment, Settings, Sources};
use frontdesk::wiring::{self, Wired};
use sqlx::{Connection, SqliteConnection};
use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use storage::keys::NewKey;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A user without rights.
const NOBODY: u32 = 65_534;
const DAY: Duration = Duration::from_hours(24);

/// A desk in a folder of its own, with settings as a file would say them. It finds no model files.
struct TestDesk {
    dir: TempDir,
    settings: String,
}

impl TestDesk {
    fn new(settings: &str) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), settings: settings.to_owned() }
    }

    fn environment(&self) -> Environment {
        let path = |name: &str| self.dir.path().join(name).display().to_string();
        let (cache, data) = (path("cache"), path("data"));
        let mut variables = vec![("XDG_CACHE_HOME", cache.as_str())];
        if !self.settings.contains("[data]") {
            variables.push(("FRONTDESK__DATA__DIR", data.as_str()));
        }
        // Port 0 is always free, so that tests do not meet each other.
        if !self.settings.contains("[api]") {
            variables.push(("FRONTDESK__API__LISTEN", "127.0.0.1:0"));
        }
        match variables.as_slice() {
            [a, b, c] => Environment::from([*a, *b, *c]),
            [a, b] => Environment::from([*a, *b]),
            _ => Environment::from([variables[0]]),
        }
    }

    fn settings(&self) -> Settings {
        let file = self.dir.path().join("desk.toml");
        std::fs::write(&file, &self.settings).unwrap();
        let environment = self.environment();
        Settings::load(&Sources { file: Some(file), environment: &environment, flags: Vec::new() }).unwrap()
    }

    async fn open(&self) -> Wired {
        wiring::open(self.settings(), &self.environment()).await.unwrap()
    }

    /// A desk that was used once and is closed.
    async fn founded(settings: &str) -> Self {
        let desk = Self::new(settings);
        desk.open().await.desk.database.close().await.unwrap();
        desk
    }

    fn sqlite(&self) -> PathBuf {
        wiring::sqlite_path(&self.settings())
    }

    /// Runs SQL behind the desk's back.
    async fn tamper(&self, sql: &'static str) {
        let mut connection = SqliteConnection::connect(&format!("sqlite://{}", self.sqlite().display())).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    async fn examine(&self) -> Vec<Finding> {
        examine(&self.settings(), &self.environment()).await
    }

    /// The one finding of this check that is not well.
    async fn finding(&self, check: &str) -> Finding {
        let findings = self.examine().await;
        let found = findings.iter().find(|finding| finding.check == check && finding.state != State::Ok);
        found.cloned().unwrap_or_else(|| panic!("no `{check}` in {findings:#?}"))
    }

    async fn is_problem(&self, check: &str, words: &[&str]) {
        self.says(check, State::Problem, words).await;
    }

    async fn is_warning(&self, check: &str, words: &[&str]) {
        self.says(check, State::Warning, words).await;
    }

    async fn says(&self, check: &str, state: State, words: &[&str]) {
        let finding = self.finding(check).await;
        assert_eq!(finding.state, state, "{finding:?}");
        let text = format!("{} | {} | {}", finding.what, finding.why.unwrap(), finding.fix.expect("a fix"));
        for word in words {
            assert!(text.contains(word), "`{word}` is not in: {text}");
        }
    }
}

async fn import(wired: &Wired, lines: usize) {
    let line = |n: usize| serde_json::json!({ "id": n.to_string(), "title": format!("Title {n}"), "text": format!("Refunds of kind {n} take {n} days.") });
    let lines = (0..lines).map(|n| line(n).to_string()).collect::<Vec<_>>().join("\n");
    ingest::import::import(&wired.library, wired.organization_id(), "test", lines.as_bytes(), |_| {}).await.unwrap();
}

async fn enqueue(wired: &Wired) {
    let mut transaction = wired.desk.database.begin().await.unwrap();
    let now = transaction.now();
    transaction.enqueue(&DeleteExpired {}, now).await.unwrap();
    transaction.commit().await.unwrap();
}

/// Serves until the returned set is dropped.
async fn serve(router: Router) -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, server)
}

async fn serve_stub_model() -> (String, JoinSet<()>) {
    #[derive(clap::Parser)]
    struct Arguments {
        #[command(flatten)]
        options: stub_model::Options,
    }
    serve(stub_model::router(<Arguments as clap::Parser>::parse_from(["stub"]).options)).await
}

fn binary(desk: &TestDesk, arguments: &[&str]) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontdesk"));
    command.env_clear().current_dir(desk.dir.path()).args(["--data", "data"]).args(arguments);
    command.env("XDG_CACHE_HOME", desk.dir.path()).env("FRONTDESK__API__LISTEN", "127.0.0.1:0");
    command.output().unwrap()
}

#[tokio::test]
async fn a_sound_desk_has_no_problem_and_nothing_is_created_by_looking() {
    let fresh = TestDesk::new("");
    assert_eq!(worst(&fresh.examine().await), State::Warning, "only the missing embedding model is told");
    assert!(!fresh.settings().data.dir.exists());
    let desk = TestDesk::new("");
    let wired = desk.open().await;
    import(&wired, 3).await;
    wired.catch_up().await.unwrap();
    let findings = desk.examine().await;
    let unwell: Vec<&Finding> = findings.iter().filter(|finding| finding.state != State::Ok).collect();
    assert_eq!(unwell.iter().map(|finding| finding.check).collect::<Vec<_>>(), ["embedding_files"], "{unwell:#?}");
    assert!(findings.iter().any(|finding| finding.what.contains("hold what the database holds")), "{findings:#?}");
}

#[tokio::test]
async fn the_exit_code_tells_whether_there_is_a_problem() {
    let desk = TestDesk::new("");
    assert_eq!(binary(&desk, &["doctor"]).status.code(), Some(0));
    std::fs::write(desk.dir.path().join("data"), "a file").unwrap();
    let output = binary(&desk, &["doctor", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["state"], "problem");
    assert_eq!(report["findings"][0]["check"], "data_folder");
    let text = String::from_utf8(binary(&desk, &["doctor"]).stdout).unwrap();
    assert!(text.contains("✗ data_folder") && text.contains("→ choose another with --data DIR"), "{text}");
}

#[tokio::test]
async fn an_unknown_setting_is_named_with_the_likely_one() {
    let desk = TestDesk::new("");
    std::fs::write(desk.dir.path().join("frontdesk.toml"), "[llm]\nmodle = 'x'").unwrap();
    let output = binary(&desk, &["doctor"]);
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("did you mean `llm.model`?"), "{said}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written() {
    // Nobody may make files there, not even root.
    let desk = TestDesk::new("[data]\ndir = '/sys'");
    desk.is_problem("data_folder", &["/sys is not writable", "--data DIR"]).await;
    let desk = TestDesk::new("");
    std::fs::write(desk.dir.path().join("data"), "a file").unwrap();
    desk.is_problem("data_folder", &["is no folder"]).await;
}

#[tokio::test]
async fn a_full_disk() {
    // This file system has no room at all.
    TestDesk::new("[data]\ndir = '/sys'").is_problem("disk", &["0 MiB left at /sys", "nearly full", "make room"]).await;
}

/// Overwrites bytes of the database file.
fn damage(path: &Path, offset: usize, bytes: &[u8]) {
    let mut content = std::fs::read(path).unwrap();
    content[offset..offset + bytes.len()].copy_from_slice(bytes);
    std::fs::write(path, content).unwrap();
}

#[tokio::test]
async fn a_read_only_database() {
    let desk = TestDesk::founded("").await;
    let readable = |path: &Path, mode| std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    readable(desk.dir.path(), 0o755);
    readable(&desk.settings().data.dir, 0o777);
    readable(&desk.sqlite(), 0o444);
    let program = desk.dir.path().join("frontdesk");
    std::fs::copy(env!("CARGO_BIN_EXE_frontdesk"), &program).unwrap();
    let mut command = Command::new(program);
    // Root writes whatever the permissions say, so where tests are root, nobody looks.
    if std::fs::metadata(desk.dir.path()).unwrap().uid() == 0 {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.env_clear().current_dir(desk.dir.path()).env("FRONTDESK__API__LISTEN", "127.0.0.1:0");
    let output = command.args(["--data", "data", "doctor", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let finding = findings.iter().find(|finding| finding["state"] == "problem").unwrap().to_string();
    for word in ["database", "desk.sqlite cannot be written", "readonly", "make the file and its folder writable"] {
        assert!(finding.contains(word), "`{word}` is not in {finding}");
    }
}

#[tokio::test]
async fn a_damaged_database() {
    let desk = TestDesk::founded("").await;
    let length = std::fs::metadata(desk.sqlite()).unwrap().len();
    for page in (2..length / 4096).step_by(3) {
        damage(&desk.sqlite(), usize::try_from(page * 4096).unwrap(), &[0xAB; 512]);
    }
    desk.is_problem("database", &["desk.sqlite", "restore"]).await;
    let desk = TestDesk::founded("").await;
    std::fs::write(desk.sqlite(), "this is no database, it is a text that somebody put here").unwrap();
    desk.is_problem("database", &["file is not a database", "restore"]).await;
}

#[tokio::test]
async fn a_database_of_a_newer_program() {
    let desk = TestDesk::founded("").await;
    desk.tamper("insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (9999, 'later', true, x'00', 1)").await;
    desk.is_problem("schema", &["newer than this program", "migration 9999", "use the newer frontdesk"]).await;
}

#[tokio::test]
async fn a_database_that_was_not_migrated() {
    let desk = TestDesk::founded("").await;
    desk.tamper("delete from _sqlx_migrations where version > 1").await;
    desk.is_warning("schema", &["older than this program", "frontdesk migrate"]).await;
}

#[tokio::test]
async fn postgresql_that_cannot_be_reached() {
    let desk = TestDesk::new("[database]\nurl = 'postgres://desk:pass-word@127.0.0.1:1/desk'");
    desk.is_problem("database", &["127.0.0.1:1", "refused", "DATABASE_URL"]).await;
    let finding = desk.finding("database").await;
    assert!(!format!("{finding:?}").contains("pass-word"), "{finding:?}");
}

#[tokio::test]
async fn the_same_faults_on_postgresql() {
    let Some(server) = postgres::server() else { return };
    let database = server.create_database().await;
    let desk = TestDesk::new(&format!("[database]\nurl = '{}'", database.url));
    desk.is_warning("schema", &["older than this program", "frontdesk migrate"]).await;
    let wired = desk.open().await;
    import(&wired, 2).await;
    wired.catch_up().await.unwrap();
    enqueue(&wired).await;
    let findings = desk.examine().await;
    let unwell: Vec<&Finding> = findings.iter().filter(|finding| finding.state != State::Ok).collect();
    assert_eq!(unwell.iter().map(|finding| finding.check).collect::<Vec<_>>(), ["embedding_files"], "{unwell:#?}");

    connect(&wired, "http://127.0.0.1:11434/v1").await;
    desk.is_warning("own_models", &["secret.key", "another data folder", "set `secrets.key` in every process"]).await;

    let mut admin = sqlx::PgConnection::connect(&database.admin_url).await.unwrap();
    sqlx::raw_sql(
        "update jobs set run_at = run_at - interval '1 hour'; update organizations set change_seq = 1;
         update documents set updated_at = updated_at + interval '1 day'",
    )
    .execute(&mut admin)
    .await
    .unwrap();
    desk.is_problem("overdue_jobs", &["1 job overdue"]).await;
    desk.is_problem("index", &["ahead of the database"]).await;
    desk.is_problem("clock", &["1439 minutes in the future"]).await;
    let sign = if database.url.contains('?') { '&' } else { '?' };
    let url = format!("{}{sign}options=-c%20default_transaction_read_only%3Don", database.url);
    let read_only = TestDesk::new(&format!("[database]\nurl = '{url}'"));
    read_only.is_problem("database", &["cannot be written", "read-only transaction"]).await;
    let newer = "insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (99999, 'later', true, '', 1)";
    sqlx::raw_sql(newer).execute(&mut admin).await.unwrap();
    desk.is_problem("schema", &["newer than this program", "migration 99999"]).await;
}

#[tokio::test]
async fn qdrant_that_cannot_be_reached() {
    let desk = TestDesk::new("[qdrant]\nurl = 'http://127.0.0.1:1'");
    desk.is_problem("qdrant", &["Qdrant at http://127.0.0.1:1", "words only", "QDRANT_URL"]).await;
}

#[tokio::test]
async fn a_model_endpoint_that_refuses() {
    let desk = TestDesk::new("[llm]\nbase_url = 'http://127.0.0.1:1/v1'");
    desk.is_problem("llm", &["llm http://127.0.0.1:1/v1", "refused", "is it running?"]).await;
    let router = Router::new().fallback(|| async {
        (StatusCode::UNAUTHORIZED, r#"{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}"#)
    });
    let (address, _server) = serve(router).await;
    let desk = TestDesk::new(&format!("[llm]\nbase_url = 'http://{address}/v1'\napi_key = 'wrong'"));
    desk.is_problem("llm", &["did not accept the API key", "OPENAI_API_KEY"]).await;
    let router = Router::new().fallback(|| async {
        (StatusCode::NOT_FOUND, r#"{"error":{"message":"The model does not exist","code":"model_not_found"}}"#)
    });
    let (address, _server) = serve(router).await;
    let desk = TestDesk::new(&format!("[llm]\nbase_url = 'http://{address}/v1'\nmodel = 'gtp-4'"));
    desk.is_problem("llm", &["`gtp-4`", "does not exist", "set `llm.model`"]).await;
}

#[tokio::test]
async fn a_model_endpoint_that_answers_is_well() {
    let (address, _server) = serve_stub_model().await;
    let findings = TestDesk::new(&format!("[llm]\nbase_url = 'http://{address}/v1'")).examine().await;
    let llm = findings.iter().find(|finding| finding.check == "llm").unwrap();
    assert_eq!(llm.state, State::Ok, "{llm:?}");
}

/// Connects a model in the name of the desk, its key sealed as this desk does it now.
async fn connect(wired: &Wired, base_url: &str) {
    let (id, models) = (wired.organization_id(), &wired.desk.models);
    let sealed = models.seal(id, base_url, &llm::Secret::new("sk-of-the-desk")).unwrap();
    let new = storage::model_endpoints::NewModelEndpoint {
        base_url: base_url.to_owned(),
        model: "ann-1".to_owned(),
        sealed_key: Some(sealed),
        key_hint: None,
        updated_by: "system".to_owned(),
    };
    let mut transaction = wired.desk.database.of(id).begin().await.unwrap();
    transaction.put_model_endpoint(new).await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn a_connected_model_that_does_not_answer_or_whose_key_does_not_open() {
    let (address, _server) = serve_stub_model().await;
    let desk = TestDesk::new(&format!("[llm]\nallow_private_hosts = ['{address}', '127.0.0.1:1']"));
    let wired = desk.open().await;
    connect(&wired, &format!("http://{address}/v1")).await;
    let findings = desk.examine().await;
    let own = findings.iter().find(|finding| finding.check == "own_models").unwrap();
    assert_eq!((own.state, own.what.as_str()), (State::Ok, "1 model connected in the console"), "{own:?}");
    connect(&wired, "http://127.0.0.1:1/v1").await;
    desk.is_problem("own_models", &["ann-1 at http://127.0.0.1:1/v1", "refused", "is it running?"]).await;
    connect(&wired, "http://10.0.0.1/v1").await;
    desk.is_problem("own_models", &["private network", "`llm.allow_private_hosts`"]).await;
    connect(&wired, &format!("http://{address}/v1")).await;
    let key = desk.settings().data.dir.join("secret.key");
    std::fs::remove_file(&key).unwrap();
    desk.is_problem("own_models", &["cannot be opened", "secret.key", "set `secrets.key` to the same value"]).await;
    assert!(!key.exists(), "looking makes no key");
}

#[tokio::test]
async fn model_files_that_are_missing_or_damaged() {
    let desk = TestDesk::new("");
    desk.is_warning("embedding_files", &["lexical only", "frontdesk models pull"]).await;
    let folder = desk.dir.path().join("data/models").join(llm::weights::MODEL_FOLDER);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("model.onnx"), "cut off").unwrap();
    desk.is_problem("embedding_files", &["damaged", "model.onnx", "SHA-256", "models pull"]).await;
}

#[tokio::test]
async fn an_index_behind_or_ahead_of_the_change_log() {
    let desk = TestDesk::new("");
    let wired = desk.open().await;
    import(&wired, 1).await;
    wired.catch_up().await.unwrap();
    import(&wired, 3).await;
    desk.is_warning("index", &["2 changes behind", "reindex"]).await;
    wired.catch_up().await.unwrap();
    desk.tamper("update organizations set change_seq = 1; delete from changes where seq > 1").await;
    desk.is_problem("index", &["ahead of the database", "reindex"]).await;
}

#[tokio::test]
async fn an_index_that_holds_what_storage_does_not() {
    let desk = TestDesk::new("");
    let wired = desk.open().await;
    import(&wired, 3).await;
    wired.catch_up().await.unwrap();
    desk.tamper("delete from chunks").await;
    desk.is_problem("index", &["the keyword index holds 3 passages that storage does not", "reindex"]).await;
}

#[tokio::test]
async fn an_index_that_lacks_what_storage_holds() {
    let desk = TestDesk::new("");
    let wired = desk.open().await;
    import(&wired, 2).await;
    let nothing = retrieval::Batch { after_seq: 0, upto_seq: 2, upserts: vec![], deletes: vec![], space: None };
    wired.library.retrieval.apply(wired.organization_id(), nothing).await.unwrap();
    desk.is_problem("index", &["the keyword index lacks 2 passages", "reindex"]).await;
}

#[tokio::test]
async fn a_damaged_index() {
    let desk = TestDesk::new("");
    let wired = desk.open().await;
    import(&wired, 2).await;
    wired.catch_up().await.unwrap();
    let folder = desk.settings().data.dir.join("indexes").join(wired.organization_id().to_string());
    drop(wired);
    overwrite(&folder);
    desk.is_problem("index", &["cannot be used", "reindex"]).await;
}

fn overwrite(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            overwrite(&path);
        } else {
            std::fs::write(path, "nonsense").unwrap();
        }
    }
}

#[tokio::test]
async fn passages_without_vectors() {
    let (address, _server) = serve_stub_model().await;
    let endpoint =
        format!("[llm]\nbase_url = 'http://{address}/v1'\nembedding_model = 'stub'\nembedding_dimensions = 384");
    let desk = TestDesk::new(&endpoint);
    let wired = desk.open().await;
    import(&wired, 3).await;
    wired.catch_up().await.unwrap();
    desk.is_warning("vectors", &["3 passages without a vector", "start a worker"]).await;
    ingest::documents::embed_missing(&wired.library, wired.organization_id(), |_| {}).await.unwrap();
    wired.catch_up().await.unwrap();
    let findings = desk.examine().await;
    assert!(findings.iter().any(|finding| finding.what.contains("hold what the database holds")), "{findings:#?}");
}

#[tokio::test]
async fn jobs_that_were_given_up() {
    let desk = TestDesk::new("");
    enqueue(&desk.open().await).await;
    desk.tamper("update jobs set state = 'discarded', error = 'the disk was full'").await;
    desk.is_warning("discarded_jobs", &["1 job given up", "`delete_expired`: the disk was full", "jobs retry --all"])
        .await;
}

#[tokio::test]
async fn jobs_that_no_worker_takes() {
    let desk = TestDesk::new("");
    enqueue(&desk.open().await).await;
    desk.tamper("update jobs set run_at = run_at - 600000000").await;
    desk.is_problem("overdue_jobs", &["1 job overdue", "no worker is running", "frontdesk worker"]).await;
}

#[tokio::test]
async fn leases_that_have_expired() {
    let desk = TestDesk::new("");
    enqueue(&desk.open().await).await;
    desk.tamper("update jobs set state = 'running', lease_until = run_at - 1000000").await;
    desk.is_warning("expired_leases", &["the lease of 1 running job has expired", "vanished", "frontdesk worker"])
        .await;
}

#[tokio::test]
async fn a_clock_that_is_far_off() {
    let desk = TestDesk::new("");
    let wired = desk.open().await;
    // As if another computer, a day ahead, had written.
    wired.desk.database.clock().advance(DAY);
    enqueue(&wired).await;
    desk.is_problem("clock", &["1439 minutes in the future", "NTP"]).await;
}

#[tokio::test]
async fn a_port_that_another_program_has() {
    let (address, _server) = serve(Router::new()).await;
    let desk = TestDesk::new(&format!("[api]\nlisten = '{address}'"));
    desk.is_problem("listen", &["is taken by another program", "--listen"]).await;
    let (address, _server) = serve(Router::new().route("/healthz", get(|| async { "ok" }))).await;
    let findings = TestDesk::new(&format!("[api]\nlisten = '{address}'")).examine().await;
    assert!(findings.iter().any(|finding| finding.what == format!("a desk is running at {address}")), "{findings:?}");
}

#[tokio::test]
async fn an_address_for_everyone_without_a_public_name() {
    let desk = TestDesk::new("[api]\nlisten = '0.0.0.0:0'");
    desk.is_warning("public_url", &["`api.public_url` is empty"]).await;
}

#[tokio::test]
async fn private_addresses_that_scans_may_reach() {
    let desk = TestDesk::new("[scan]\nallow_private_hosts = ['127.0.0.1:8000']");
    desk.is_warning("private_hosts", &["1 private address: 127.0.0.1:8000", "allow_private_hosts"]).await;
}

#[tokio::test]
async fn a_key_that_has_expired() {
    let desk = TestDesk::new("");
    let wired = desk.open().await;
    let mut transaction = wired.desk.database.of(wired.organization_id()).begin().await.unwrap();
    let key = NewKey {
        name: "website".to_owned(),
        prefix: "fd_live_abcd".to_owned(),
        scopes: vec![Scope::Admin],
        expires_at: Some(transaction.now() - DAY),
    };
    transaction.insert_key(key, "plain").await.unwrap();
    transaction.commit().await.unwrap();
    desk.is_warning("keys", &["key \"website\" (fd_live_abcd…) has expired", "key create"]).await;
}
