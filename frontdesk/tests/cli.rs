//! The command line as people and programs meet it: help, exit codes, JSON, colours, closed pipes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use clap::CommandFactory;
use frontdesk::cli::Cli;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

struct Shell {
    dir: TempDir,
}

impl Shell {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_frontdesk"));
        command.env_clear().current_dir(self.dir.path()).args(["--data", "desk"]).args(arguments);
        // No model files, no fixed port: fast, and the same on every machine.
        command.env("XDG_CACHE_HOME", self.dir.path()).env("FRONTDESK__API__LISTEN", "127.0.0.1:0");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must work; its stdout.
    fn text(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let text = self.text(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
    }

    /// Runs a command that must fail with this code; what it said.
    fn refusal(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", said(&output));
        assert!(output.stdout.is_empty(), "{arguments:?} talks on stdout");
        said(&output)
    }

    fn import(&self) {
        let line = "{\"id\":\"refunds\",\"title\":\"Refunds\",\"text\":\"Refunds take 5 working days.\",\"url\":\"https://lumen.example/help/refunds\"}\n";
        std::fs::write(self.dir.path().join("articles.jsonl"), line).unwrap();
        let imported = self.json(&["import", "articles.jsonl"]);
        assert_eq!(imported["new"], 1);
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn every_command_explains_itself() {
    fn visit(shell: &Shell, command: &clap::Command, path: &[&str], seen: &mut usize) {
        for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
            let path = [path, &[command.get_name()]].concat();
            let help = shell.text(&[path.as_slice(), &["--help"]].concat());
            assert!(help.contains("Usage: frontdesk"), "{path:?}: {help}");
            let about = command.get_about().unwrap_or_else(|| panic!("{path:?} says nothing")).to_string();
            assert!(help.contains(&about), "{path:?}: {help}");
            *seen += 1;
            visit(shell, command, &path, seen);
        }
    }
    let mut seen = 0;
    visit(&Shell::new(), &Cli::command(), &[], &mut seen);
    assert!(seen >= 25, "{seen}");
}

#[test]
fn wrong_usage_exits_with_2_and_names_the_way() {
    let shell = Shell::new();
    assert!(shell.refusal(2, &["serch", "x"]).contains("'search'"));
    assert!(shell.refusal(2, &["jobs", "list", "--state", "discardet"]).contains("did you mean `discarded`?"));
    assert!(shell.refusal(2, &["jobs", "retry", "job_1"]).contains("jobs list --state discarded"));
    let said = shell.refusal(2, &["key", "create", "--name", "n", "--scope", "knowlege"]);
    assert!(said.contains("did you mean `knowledge`?") && said.contains("conversations"), "{said}");
    assert!(shell.refusal(2, &["key", "create", "--name", " "]).contains("from 1 to 100 characters"));
    assert!(shell.refusal(2, &["key", "revoke", "nonsense"]).contains("key list"));
    assert!(shell.refusal(2, &["search", "x", "--k", "0"]).contains("--k"));
}

#[test]
fn wrong_settings_exit_with_3_and_a_suggestion() {
    let shell = Shell::new();
    std::fs::write(shell.dir.path().join("frontdesk.toml"), "[answering]\ndebounce_msec = 5").unwrap();
    for command in [&["key", "list"] as &[&str], &["models", "list"], &["doctor"], &["llm", "test"]] {
        let said = shell.refusal(3, command);
        assert!(said.contains("did you mean `answering.debounce_ms`?"), "{said}");
    }
    std::fs::remove_file(shell.dir.path().join("frontdesk.toml")).unwrap();
    assert!(shell.refusal(3, &["llm", "test"]).contains("OPENAI_BASE_URL"), "no endpoint is configured");
}

#[test]
fn what_is_not_allowed_exits_with_4_and_what_is_not_there_with_5() {
    let shell = Shell::new();
    std::fs::write(shell.dir.path().join("desk"), "a file where the folder would be").unwrap();
    let said = shell.refusal(4, &["key", "list"]);
    assert!(said.contains("cannot create the data folder desk") && said.contains("--data DIR"), "{said}");
    let mut command = shell.command(&["llm", "test"]);
    let output = command.env("OPENAI_BASE_URL", "http://127.0.0.1:1/v1").output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    assert!(said_json_free(&output).contains("is it running?"));
}

fn said_json_free(output: &Output) -> String {
    let said = said(output);
    assert!(serde_json::from_str::<Value>(&said).is_err(), "text was asked for: {said}");
    said
}

#[test]
fn a_key_is_shown_once_and_can_be_called_back() {
    let shell = Shell::new();
    let output = shell.run(&["key", "create", "--name", "website", "--scope", "conversations", "--scope", "usage"]);
    let plain = String::from_utf8(output.stdout.clone()).unwrap();
    let random = plain.trim().strip_prefix("fd_live_").expect("the mark of keys");
    assert_eq!(random.len(), 43);
    assert!(random.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_'), "{random}");
    assert!(said(&output).contains("may use: conversations, usage"), "stdout is the key alone, stderr is talk");
    let listed = shell.json(&["key", "list"]);
    assert_eq!(listed[0]["scopes"], serde_json::json!(["conversations", "usage"]));
    assert!(!listed.to_string().contains(random), "{listed}");
    let id = listed[0]["id"].as_str().unwrap();
    assert_eq!(shell.json(&["key", "revoke", id])["revoked"], true);
    assert!(shell.text(&["key", "list"]).contains("revoked 20"));
    let unknown = "key_00000000000000000000000000";
    assert!(shell.refusal(1, &["key", "revoke", unknown]).contains("there is no such key"));
    let all = shell.json(&["key", "create", "--name", "all"]);
    assert_eq!(all["key"]["scopes"], serde_json::json!(["admin"]));
}

#[test]
fn reading_commands_print_json_that_parses() {
    let shell = Shell::new();
    shell.import();
    let sources = shell.json(&["sources", "list"]);
    assert_eq!((&sources[0]["documents"], &sources[0]["name"]), (&1.into(), &"articles.jsonl".into()));
    assert!(shell.json(&["jobs", "list"]).is_array());
    assert_eq!(shell.json(&["jobs", "retry", "--all"])["retried"], 0);
    let models = shell.json(&["models", "list"]);
    assert_eq!(models["ready"], false);
    assert!(models["tried"][0].as_str().unwrap().contains("no such file"), "{models}");
    let report = shell.json(&["doctor"]);
    assert!(report["findings"].as_array().unwrap().iter().all(|finding| finding["check"].is_string()), "{report}");
    assert!(shell.json(&["config", "show"])["settings"].is_object());
    assert!(shell.json(&["migrate"])["migrations"].as_u64().unwrap() >= 3);
    let answer = shell.json(&["ask", "How long do refunds take?"]);
    assert!(answer["answer"].is_string() && answer["decision"].is_string(), "{answer}");
    let hits = shell.text(&["search", "refunds", "--json"]);
    for line in hits.lines() {
        serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
    assert!(hits.contains("refunds"), "{hits}");
}

#[test]
fn failures_are_json_where_results_are() {
    let output = Shell::new().run(&["models", "test", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let failure: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert!(failure["error"]["fix"].as_str().unwrap().contains("models pull"), "{failure}");
}

#[test]
fn no_colour_is_written_into_pipes_or_with_no_color() {
    let shell = Shell::new();
    assert!(!shell.text(&["doctor"]).contains('\u{1b}'), "a pipe is no terminal");
    // `script` gives a command a terminal; where it is missing there is nothing more to see.
    if !Path::new("/usr/bin/script").exists() {
        return;
    }
    let on_terminal = |no_color: bool| {
        let line = format!("{} --data desk doctor", env!("CARGO_BIN_EXE_frontdesk"));
        let mut command = Command::new("/usr/bin/script");
        command.env_clear().current_dir(shell.dir.path()).args(["-qec", &line, "/dev/null"]).stdin(Stdio::null());
        command.env("XDG_CACHE_HOME", shell.dir.path()).env("FRONTDESK__API__LISTEN", "127.0.0.1:0");
        if no_color {
            command.env("NO_COLOR", "1");
        }
        String::from_utf8_lossy(&command.output().unwrap().stdout).into_owned()
    };
    assert!(on_terminal(false).contains("\u{1b}[32m✓"));
    let plain = on_terminal(true);
    assert!(plain.contains('✓') && !plain.contains("\u{1b}[3"), "{plain:?}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let shell = Shell::new();
    for arguments in [&["doctor"] as &[&str], &["key", "list"], &["jobs", "list", "--json"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let command = shell.command(arguments).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let output = command.wait_with_output().unwrap();
        assert_eq!((output.status.code(), said(&output).as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn import_reads_standard_input() {
    let shell = Shell::new();
    let mut command = shell.command(&["import", "-", "--json"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"{\"id\":\"a\",\"title\":\"A\",\"text\":\"Text.\"}\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let imported: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(imported["new"], 1);
    assert!(shell.json(&["sources", "list"])[0]["name"] == "stdin");
}

/// A PDF of one page with one line.
fn pdf(line: &str) -> Vec<u8> {
    let content = format!("BT /F1 12 Tf 50 800 Td ({line}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [4 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents 5 0 R >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
    ];
    let mut out = "%PDF-1.4\n".to_owned();
    let mut table = "xref\n0 6\n0000000000 65535 f \n".to_owned();
    for (number, object) in (1..).zip(&objects) {
        let _ = writeln!(table, "{:010} 00000 n ", out.len());
        let _ = writeln!(out, "{number} 0 obj\n{object}\nendobj");
    }
    let start = out.len();
    let _ = writeln!(out, "{table}trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n{start}\n%%EOF");
    out.into_bytes()
}

#[test]
fn import_reads_folders_and_says_what_became_of_each_file() {
    let shell = Shell::new();
    let folder = shell.dir.path().join("handbook");
    std::fs::create_dir_all(folder.join("guides")).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    write("guides/pay.md", b"# Paying\n\nPay by card.\n");
    write("faq.csv", b"question,answer\nCan I cancel?,At any time.\nIs it free?,For a month.\n");
    write("logo.png", b"\x89PNG");
    write("terms.pdf", &pdf("Contracts end after twelve months"));
    write("broken.pdf", b"%PDF-1.7\nnothing of a PDF");
    let output = shell.command(&["import", "handbook", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "one file is refused");
    let imported: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&imported["new"], &imported["failed"]), (&Value::from(4), &Value::from(1)));
    let files: Vec<(&str, &Value)> = imported["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| (file["file"].as_str().unwrap(), &file["new"]))
        .collect();
    assert_eq!(
        files,
        [
            ("broken.pdf", &Value::from(0)),
            ("faq.csv", &Value::from(2)),
            ("guides/pay.md", &Value::from(1)),
            ("terms.pdf", &Value::from(1))
        ]
    );
    assert!(imported["files"][0]["error"]["why"].as_str().unwrap().contains("damaged"));
    assert!(imported["files"][0]["error"]["fix"].is_string());

    std::fs::remove_file(folder.join("broken.pdf")).unwrap();
    write("faq.csv", b"question,answer\nCan I cancel?,Once a month.\n");
    let again = shell.json(&["import", "handbook"]);
    assert_eq!(
        (&again["new"], &again["changed"], &again["same"], &again["removed"]),
        (&Value::from(0), &Value::from(1), &Value::from(2), &Value::from(1))
    );
    let sources = shell.json(&["sources", "list"]);
    assert_eq!((&sources[0]["name"], &sources[0]["documents"]), (&Value::from("handbook"), &Value::from(3)));

    std::fs::write(shell.dir.path().join("empty.csv"), b"").unwrap();
    let refused = shell.command(&["import", "empty.csv", "--source", "Other"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("0 bytes") && said(&refused).contains("→"), "{}", said(&refused));
    assert_eq!(shell.json(&["sources", "list"]).as_array().unwrap().len(), 1, "a refused file adds no source");
}
