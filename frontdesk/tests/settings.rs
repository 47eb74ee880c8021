//! Settings: which layer wins, what is refused and how, what is never shown.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use frontdesk::failure::Failure;
use frontdesk::output::Exit;
use frontdesk::settings::{Environment, Flag, Settings, Shown, Sources, Synchronous};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

fn file(text: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("desk.toml");
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

fn load(text: &str, environment: &Environment, flags: Vec<Flag>) -> Result<Shown, Failure> {
    let (_dir, path) = file(text);
    Settings::load_shown(&Sources { file: Some(path), environment, flags })
}

fn refusal(text: &str) -> String {
    let failure = load(text, &Environment::default(), Vec::new()).unwrap_err();
    assert_eq!(failure.exit, Exit::Configuration, "{failure}");
    failure.to_string()
}

fn refusal_of_variable(name: &str, value: &str) -> String {
    load("", &Environment::from([(name, value)]), Vec::new()).unwrap_err().to_string()
}

#[test]
fn the_defaults_are_complete_and_run_without_anything_configured() {
    let Shown { settings, origins } = load("", &Environment::default(), Vec::new()).unwrap();
    assert!(origins.is_empty(), "{origins:?}");
    assert_eq!(settings.llm.endpoint(), None);
    assert!(settings.database.url.is_empty());
    assert_eq!(settings.database.synchronous, Synchronous::Full);
    assert_eq!(settings.api.listen.to_string(), "127.0.0.1:8420");
}

#[test]
fn later_layers_win_and_every_origin_is_known() {
    let text = "[llm]\nmodel = 'of the file'\nbase_url = 'http://file/v1'\n[worker]\nconcurrency = 2\n[llm.prices]\n'gpt-4.1' = { input = 2, output = 8 }";
    let environment = Environment::from([
        ("FRONTDESK__LLM__MODEL", "of the variable"),
        ("FRONTDESK__LLM__BASE_URL", "http://variable/v1"),
        ("FRONTDESK__SCAN__ALLOW_PRIVATE_HOSTS", "127.0.0.1:8000, 127.0.0.1:8001"),
        ("FRONTDESK__EMBEDDING__ENABLED", "false"),
        ("FRONTDESK__LLM__API_KEY", "0123"),
        ("OPENAI_BASE_URL", "http://well-known/v1"),
    ]);
    let flag = Flag { name: "--concurrency", sets: ("worker", "concurrency"), value: "7".into() };
    let Shown { settings, origins } = load(text, &environment, vec![flag]).unwrap();
    assert_eq!(settings.llm.model, "of the variable");
    assert_eq!(settings.llm.endpoint(), Some("http://well-known/v1"));
    assert_eq!(settings.worker.concurrency, 7);
    assert_eq!(settings.scan.allow_private_hosts, ["127.0.0.1:8000", "127.0.0.1:8001"]);
    assert!(!settings.embedding.enabled);
    assert_eq!(settings.llm.api_key.expose(), "0123");
    assert_eq!(settings.llm.prices.get("gpt-4.1").unwrap().output, 8);
    let origin = |key: &str| origins.get(key).map(String::as_str).unwrap_or_default();
    assert_eq!(origin("llm.model"), "FRONTDESK__LLM__MODEL");
    assert_eq!(origin("llm.base_url"), "OPENAI_BASE_URL");
    assert_eq!(origin("worker.concurrency"), "--concurrency");
    assert!(origin("llm.prices.\"gpt-4.1\".input").ends_with("desk.toml"), "{origins:?}");
    assert_eq!(origins.len(), 8, "{origins:?}");
}

#[test]
fn a_price_may_change_from_a_day_on() {
    let text =
        "[llm.prices]\nm = { input = 1, output = 2, changes = [{ valid_from = '2026-12-01', input = 3, output = 4 }] }";
    let settings = load(text, &Environment::from([]), Vec::new()).unwrap().settings;
    let price = settings.llm.prices.get("m").unwrap();
    let change = price.changes.first().unwrap();
    assert_eq!((price.input, change.input, change.valid_from.as_deref()), (1, 3, Some("2026-12-01")));
    let said = refusal(
        "[llm.prices]\nm = { input = 1, output = 2, changes = [{ since = '2026-12-01', input = 3, output = 4 }] }",
    );
    assert!(said.contains("`since`") && said.contains("llm.prices.m.changes[0]"), "{said}");
}

#[test]
fn the_sealing_key_is_read_from_base64_or_hex_and_never_shown() {
    let (base64, hex) = (
        "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY=",
        "6162636465666768696a6b6c6d6e6f707172737475767778797a616263646566",
    );
    for key in [base64, hex] {
        let environment = Environment::from([("FRONTDESK__SECRETS__KEY", key)]);
        let shown = load("", &environment, Vec::new()).unwrap();
        assert_eq!(shown.settings.secrets.bytes().as_ref(), Some(b"abcdefghijklmnopqrstuvwxyzabcdef"), "{key}");
        assert!(!shown.to_toml().unwrap().contains(key));
    }
    assert_eq!(load("", &Environment::default(), Vec::new()).unwrap().settings.secrets.bytes(), None);
}

#[test]
fn an_api_key_alone_means_the_original_endpoint() {
    let environment = Environment::from([("OPENAI_API_KEY", "sk-1"), ("DATABASE_URL", "")]);
    let shown = load("", &environment, Vec::new()).unwrap();
    assert_eq!(shown.settings.llm.endpoint(), Some("https://api.openai.com/v1"));
    assert!(shown.settings.database.url.is_empty());
}

#[test]
fn an_unknown_key_is_refused_with_its_file_and_the_likely_key() {
    let said = refusal("[anwering]\ndeadline_s = 3");
    assert!(said.contains("`anwering`") && said.contains("desk.toml"), "{said}");
    assert!(said.contains("did you mean `answering`?"), "{said}");
    let said = refusal("[answering]\ndead_line_s = 3");
    assert!(said.contains("did you mean `answering.deadline_s`?"), "{said}");
    let said = refusal("[llm.prices]\nm = { input = 1, outputs = 2 }");
    assert!(said.contains("outputs") && said.contains("desk.toml"), "{said}");
    let said = refusal_of_variable("FRONTDESK__LLM__MODLE", "x");
    assert!(said.contains("did you mean `llm.model`?"), "{said}");
    assert!(said.contains("FRONTDESK__LLM__MODLE"), "{said}");
    assert!(refusal_of_variable("FRONTDESK__MODEL", "x").contains("SECTION__KEY"));
}

#[test]
fn a_wrong_value_is_refused_by_name() {
    let said = refusal("[answering]\ndeadline_s = 'soon'");
    assert!(said.contains("`answering.deadline_s`") && said.contains("a whole number"), "{said}");
    let said = refusal_of_variable("FRONTDESK__EMBEDDING__ENABLED", "yes please");
    assert!(said.contains("true or false") && said.contains("yes please"), "{said}");
    let said = refusal("[answering]\ndeadline_s = -5");
    assert!(said.contains("deadline_s") && said.contains("desk.toml"), "{said}");
    let said = refusal("[database]\nsynchronous = 'off'");
    assert!(said.contains("database.synchronous") && said.contains("desk.toml"), "{said}");
    assert!(said.contains("`full` or `normal`"), "{said}");
    let said = refusal("[api]\nlisten = 'localhost'");
    assert!(said.contains("api.listen"), "{said}");
    let said = refusal("[answering]\ndeadline_s = 0");
    assert!(said.contains("`answering.deadline_s` must be at least 1"), "{said}");
    assert!(said.contains("desk.toml"), "{said}");
    let said = refusal("[scan]\nallow_private_hosts = ['10.0.0.0/8']");
    assert!(said.contains("exact host:port"), "{said}");
    let said = refusal("[llm]\nallow_private_hosts = ['10.0.0.0/8']");
    assert!(said.contains("`llm.allow_private_hosts` must hold exact host:port"), "{said}");
    let said = refusal("[secrets]\nkey = 'c2hvcnQ='");
    assert!(said.contains("`secrets.key` must be 32 bytes") && !said.contains("c2hv"), "{said}");
    let said = refusal("[llm\nmodel = 1");
    assert!(said.contains("not valid TOML") && said.contains("line 1"), "{said}");
}

#[test]
fn a_named_file_must_be_there() {
    let environment = Environment::default();
    let file = Some(PathBuf::from("/nowhere/desk.toml"));
    let failure = Settings::load(&Sources { file, environment: &environment, flags: vec![] }).unwrap_err();
    assert_eq!(failure.exit, Exit::Configuration);
    assert!(failure.to_string().contains("/nowhere/desk.toml"), "{failure}");
}

fn frontdesk(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontdesk"));
    command.current_dir(dir.path()).env_clear().args(arguments);
    command.envs(variables.iter().copied()).output().unwrap()
}

#[test]
fn config_show_prints_toml_that_sets_the_same_without_the_secrets() {
    let variables = [("OPENAI_API_KEY", "sk-very-secret"), ("DATABASE_URL", "postgres://a:pass-word@h/d")];
    let output = frontdesk(&["config", "show"], &variables);
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("very-secret") && !text.contains("pass-word"), "{text}");
    assert!(text.contains("api_key = \"••••\"  # from OPENAI_API_KEY"), "{text}");
    assert!(text.contains("url = \"postgres://a:••••@h/d\"  # from DATABASE_URL"), "{text}");
    load(&text, &Environment::default(), Vec::new()).unwrap();
    let json = frontdesk(&["config", "show", "--json"], &variables).stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json.pointer("/settings/llm/api_key").unwrap(), "••••");
    assert_eq!(json.pointer("/origins/llm.api_key").unwrap(), "OPENAI_API_KEY");
}

#[test]
fn wrong_settings_and_wrong_usage_have_their_exit_codes() {
    let output = frontdesk(&["config", "show"], &[("FRONTDESK__LOGS__LEVEL", "info")]);
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("FRONTDESK__LOGS__LEVEL"));
    let output = frontdesk(&["config", "show", "--json"], &[("FRONTDESK__LOGS__LEVEL", "info")]);
    let said: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(said.pointer("/error/exit").unwrap(), "configuration");
    assert_eq!(frontdesk(&["ask"], &[]).status.code(), Some(2));
    assert_eq!(frontdesk(&["--version"], &[]).status.code(), Some(0));
    assert_eq!(frontdesk(&["completions", "bash"], &[]).status.code(), Some(0));
}

#[test]
fn a_reader_that_goes_away_ends_the_command_quietly() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontdesk"));
    let command = command.args(["completions", "bash"]).stdout(writer).stderr(Stdio::piped());
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}
