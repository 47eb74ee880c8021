//! Rules over single texts: size, names, test habits, and what must never be committed.

/// Lines of a product file, its tests not counted.
const LINES_MAX: usize = 400;
/// Words that say nothing about what a thing is.
const BANNED_WORDS: [&str; 7] = ["utils", "util", "helpers", "common", "manager", "service", "v2"];
/// Traits with several implementations by design, and the plumbing that generic code needs. A new
/// trait is a decision: it stands here or nowhere.
const TRAITS: [&str; 14] = [
    // what people add implementations of
    "ChatModel",
    "Embedder",
    "VectorIndex",
    "Channel",
    "KnowledgeSource",
    "Metric",
    "Reranker",
    // what every noun, error and job is
    "Kinded",
    "Prefixed",
    "Work",
    // one SQL text on two engines
    "Bind",
    "Args",
    "Record",
    "Run",
];
/// Prefixes of keys; a longer run of letters and digits behind one looks like a real key.
const KEY_PREFIXES: [&str; 7] = ["sk-", "sk-proj-", "ghp_", "github_pat_", "xoxb-", "AKIA", "fd_live_"];
const KEY_LENGTH_MIN: usize = 16;
/// Written in two pieces, so that this file does not hold what it looks for.
const NEVER: [(&str, &str); 4] = [
    (concat!("/wo", "rk/"), "a path of somebody's machine"),
    (concat!("/ro", "ot/"), "a path of somebody's machine"),
    (concat!("/ho", "me/"), "a path of somebody's machine"),
    (concat!("PRIVATE ", "KEY-----"), "a private key"),
];
const TEST_HABITS: [(&str, &str); 4] = [
    (concat!("#[ig", "nore"), "a test that does not run is no test"),
    (concat!("to", "do!("), "unfinished test"),
    (concat!("unimple", "mented!("), "unfinished test"),
    (
        concat!("sl", "eep("),
        "wait for what is to happen; where time itself is the matter, a comment above says so with the word `time`",
    ),
];

/// Everything that is wrong with one text.
pub(super) fn check(path: &str, text: &str) -> Vec<String> {
    let mut wrong = check_forbidden(path, text);
    wrong.extend(check_path(path));
    if has_extension(path, &["rs"]) {
        wrong.extend(check_size(path, text));
        wrong.extend(check_names(path, text));
        wrong.extend(check_test_habits(path, text));
    }
    wrong
}

/// Whether the path ends with a dot and one of these.
pub(super) fn has_extension(path: &str, extensions: &[&str]) -> bool {
    path.rsplit_once('.').is_some_and(|(_, extension)| extensions.contains(&extension))
}

fn is_test(path: &str) -> bool {
    path.contains("/tests/")
}

/// The product's part of a file and the part of its tests.
fn split(path: &str, text: &str) -> (usize, usize) {
    let all = text.lines().count();
    let tests = text.lines().position(|line| line.starts_with("#[cfg(test)]"));
    let product = if is_test(path) { 0 } else { tests.unwrap_or(all) };
    (product, all - product)
}

fn check_size(path: &str, text: &str) -> Option<String> {
    let (lines, _) = split(path, text);
    (lines > LINES_MAX).then(|| format!("{path}: {lines} lines without tests, {LINES_MAX} are allowed"))
}

fn check_path(path: &str) -> Vec<String> {
    let is_code = has_extension(path, &["rs", "js", "sql"]);
    let banned = path.split(['/', '.']).flat_map(words).filter(|word| is_banned(word));
    banned.filter(|_| is_code).map(|word| format!("{path}: `{word}` in a file's name says nothing")).collect()
}

/// Names that are declared here; names of other crates' things may be what they are.
fn check_names(path: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let Some((keyword, name)) = declared(line) else { continue };
        // An indented `type` belongs to a trait, whose author chose its name.
        if keyword == "type" && line.starts_with(' ') {
            continue;
        }
        for word in words(name).into_iter().filter(|word| is_banned(word)) {
            wrong.push(format!("{path}:{number}: `{word}` in the name `{name}` says nothing"));
        }
        if keyword == "fn" && name.starts_with("new_") && !is_test(path) {
            wrong.push(format!("{path}:{number}: `{name}`: say what is new about it, or take arguments"));
        }
    }
    wrong
}

/// The keyword and the name that a line declares.
fn declared(line: &str) -> Option<(&str, &str)> {
    let mut parts = line.split_whitespace().skip_while(|word| {
        word.starts_with("pub") || ["crate)", "super)", "async", "const", "unsafe", "default"].contains(word)
    });
    let keyword = parts.next()?;
    let name = parts.next()?;
    let is_declaration = ["mod", "struct", "enum", "trait", "fn", "type", "macro_rules!"].contains(&keyword);
    let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
    is_declaration.then(|| (keyword, &name[..end]))
}

/// The words of a `snake_case` or `CamelCase` name, in lowercase.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for letter in name.chars() {
        if letter == '_' || letter == '-' || letter.is_uppercase() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(letter.to_lowercase().filter(|c| c.is_alphanumeric()));
        }
    }
    words
}

fn is_banned(word: &str) -> bool {
    BANNED_WORDS.contains(&word)
}

fn check_test_habits(path: &str, text: &str) -> Vec<String> {
    let (product, _) = split(path, text);
    let mut wrong = Vec::new();
    let mut above = "";
    for (number, line) in (1..).zip(text.lines()) {
        let code = line.split("//").next().unwrap_or_default();
        for (habit, why) in TEST_HABITS {
            let excused = habit.ends_with('(') && above.trim().starts_with("//") && above.contains("time");
            if number > product && code.contains(habit) && !excused {
                wrong.push(format!("{path}:{number}: {why}"));
            }
        }
        above = line;
    }
    wrong
}

fn check_forbidden(path: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let paths = NEVER.into_iter().filter(|(part, _)| line.contains(part));
        wrong.extend(paths.map(|(_, what)| format!("{path}:{number}: {what}")));
        if KEY_PREFIXES.into_iter().any(|prefix| has_key(line, prefix)) {
            wrong.push(format!("{path}:{number}: looks like a secret key"));
        }
    }
    wrong
}

fn has_key(line: &str, prefix: &str) -> bool {
    line.match_indices(prefix).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let run = line[at + prefix.len()..].chars().take_while(char::is_ascii_alphanumeric);
        let run: String = run.collect();
        let is_mixed = run.chars().any(|c| c.is_ascii_digit()) && run.chars().any(char::is_alphabetic);
        run.len() >= KEY_LENGTH_MIN && is_mixed && !before.is_some_and(char::is_alphanumeric)
    })
}

/// Traits that are not on the list.
pub(super) fn check_traits<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let traits = files.flat_map(|(path, text)| {
        let declared = text.lines().map(str::trim_start).filter_map(declared);
        declared.filter(|(keyword, _)| *keyword == "trait").map(move |(_, name)| (path, name))
    });
    let unlisted = traits.filter(|(_, name)| !TRAITS.contains(name));
    let message = |(path, name)| format!("{path}: the trait `{name}` is not on the list in tests/tidy/text.rs");
    unlisted.map(message).collect()
}

#[cfg(test)]
mod planted {
    use super::*;

    fn one(path: &str, text: &str, says: &str) {
        let wrong = check(path, text);
        assert!(wrong.len() == 1 && wrong[0].contains(says), "{path}: {wrong:?}");
    }

    #[test]
    fn a_long_file_is_found_and_its_tests_do_not_count() {
        let long = "// a line\n".repeat(LINES_MAX + 1);
        one("llm/src/a.rs", &long, "401 lines");
        let tests = "// a line\n".repeat(LINES_MAX) + "#[cfg(test)]\nmod tests {}\n" + &long;
        assert!(check("llm/src/a.rs", &tests).is_empty());
        assert!(check("llm/tests/a.rs", &long).is_empty());
    }

    #[test]
    fn empty_words_are_found_in_paths_and_declarations_only() {
        one("llm/src/utils.rs", "", "`utils`");
        one("web/console/http_helpers.js", "", "`helpers`");
        one("llm/src/a.rs", "pub(crate) struct ModelManager;", "`manager`");
        one("llm/src/a.rs", "    pub async fn retry_v2(&self) {", "`v2`");
        one("llm/src/a.rs", "fn new_client() {}", "say what is new");
        for fine in ["use tower::Service;", "let common = 1;", "fn new() {}", "    type Service = Self;"] {
            assert!(check("llm/src/a.rs", fine).is_empty(), "{fine}");
        }
    }

    #[test]
    fn lazy_tests_are_found_in_test_code_only() {
        let ignored = concat!("#[ig", "nore]");
        let waiting = concat!("    tokio::time::sl", "eep(ms).await;");
        one("llm/tests/a.rs", ignored, "no test");
        one("llm/src/a.rs", &format!("#[cfg(test)]\nmod tests {{\n{waiting}"), "wait for what");
        assert!(check("llm/src/a.rs", waiting).is_empty());
        let excused = format!("// The time between two beats is what is measured.\n{waiting}");
        assert!(check("llm/tests/a.rs", &excused).is_empty());
        one("llm/tests/a.rs", concat!("to", "do!()"), "unfinished");
    }

    #[test]
    fn secrets_and_places_are_found_in_any_file() {
        one("README.md", concat!("see /wo", "rk/notes"), "somebody's machine");
        one("a.toml", concat!("key = \"sk-", "a1b2c3d4e5f6g7h8i9\""), "secret key");
        one("a.pem", concat!("-----BEGIN PRIVATE ", "KEY-----"), "private key");
        for fine in ["sk-very-secret", "risk-free1234567890abcdef", "fd_live_…", "net/works/"] {
            assert!(check("README.md", fine).is_empty(), "{fine}");
        }
    }

    #[test]
    fn a_trait_that_nobody_decided_on_is_found() {
        let with = |text| check_traits([("llm/src/a.rs", text)].into_iter());
        assert!(with("pub trait ChatModel: Send {").is_empty());
        assert!(with("    pub(crate) trait Doer {")[0].contains("`Doer`"));
    }
}
