//! The console's scripts as they are sent: all modules in one, without comments and indentation.

use std::fmt::Write;

/// The module that begins everything; its address brings the others with it.
pub(super) const ENTRY: &str = "app.js";
/// Modules that are joined at most.
const MODULES_MAX: usize = 100;

/// All modules as one script, those that others need first. Each keeps a scope of its own: it is a function
/// that gives what the module exports. Browsers compress one text far better than twenty.
pub(super) fn joined(read: &impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut order = Vec::new();
    visit(ENTRY, read, &mut order)?;
    let mut script = String::new();
    for (place, (name, source)) in order.iter().enumerate() {
        let mut exports = Vec::new();
        let mut body = String::new();
        for line in lean(source).lines() {
            let line = match import(line) {
                Some((names, from)) => bound(names, position(&order, &resolved(name, from))?),
                None => exported(line, &mut exports).to_owned(),
            };
            body.push_str(&line);
            body.push('\n');
        }
        write!(script, "const $m{place} = (() => {{\n{body}return {{ {} }};\n}})();\n", exports.join(", ")).ok()?;
    }
    Some(script)
}

/// A script without the lines that are comments, and without indentation: browsers need neither. No text
/// in our scripts spans lines, and no comment stands beside code.
pub(super) fn lean(script: &str) -> String {
    let mut kept = String::with_capacity(script.len());
    let mut is_comment = false;
    for line in script.lines().map(str::trim_start) {
        is_comment |= line.starts_with("/**");
        if !is_comment && !line.starts_with("//") && !line.is_empty() {
            kept.push_str(line);
            kept.push('\n');
        }
        is_comment &= !line.ends_with("*/");
    }
    kept
}

/// Notes a module behind those it imports.
fn visit(name: &str, read: &impl Fn(&str) -> Option<String>, order: &mut Vec<(String, String)>) -> Option<()> {
    if position(order, name).is_some() || order.len() >= MODULES_MAX {
        return Some(());
    }
    let source = read(name)?;
    for (_, from) in source.lines().filter_map(import) {
        visit(&resolved(name, from), read, order)?;
    }
    order.push((name.to_owned(), source));
    Some(())
}

fn position(order: &[(String, String)], name: &str) -> Option<usize> {
    order.iter().position(|(known, _)| known == name)
}

/// The names and the module of an import; each stands on a line of its own.
fn import(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix("import ")?;
    let (names, from) = rest.split_once("from ").unwrap_or(("", rest));
    let from = from.strip_prefix("\"./").or_else(|| from.strip_prefix("\"").filter(|from| from.starts_with("../")))?;
    Some((names.trim(), from.strip_suffix("\";")?))
}

fn bound(names: &str, place: usize) -> String {
    if names.is_empty() { String::new() } else { format!("const {names} = $m{place};") }
}

/// The line without `export`, and what it exported noted.
fn exported<'l>(line: &'l str, exports: &mut Vec<String>) -> &'l str {
    let Some(rest) = line.strip_prefix("export ") else { return line };
    let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut words = rest.split(|letter: char| !is_letter(letter));
    exports.extend(words.find(|word| !["async", "const", "class", "function"].contains(word)).map(str::to_owned));
    rest
}

/// The path of what a module imports; pages lie one folder down.
fn resolved(name: &str, from: &str) -> String {
    match (name.rsplit_once('/'), from.strip_prefix("../")) {
        (Some(_), Some(above)) => above.to_owned(),
        (Some((folder, _)), None) => format!("{folder}/{from}"),
        (None, _) => from.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn scripts_lose_their_comments_and_nothing_else() {
        let script = "// What it is.\n\n/** One. */\nconst a = 1; // beside\n/**\n * Two:\n * lines.\n */\n  const b = \"//x\";\n";
        assert_eq!(lean(script), "const a = 1; // beside\nconst b = \"//x\";\n");
    }

    #[test]
    fn modules_come_behind_what_they_import_and_keep_their_scope() {
        let read = |name: &str| {
            let source = match name {
                "app.js" => "import { one } from \"./pages/one.js\";\nimport \"./view.js\";\none();\n",
                "pages/one.js" => {
                    "import { h } from \"../view.js\";\nimport { two } from \"./two.js\";\nexport async function one() {}\n"
                }
                "pages/two.js" => "export const two = 2;\nexport class Three {}\n",
                "view.js" => "export const h = 1;\n",
                _ => return None,
            };
            Some(source.to_owned())
        };
        assert_eq!(
            joined(&read).unwrap(),
            "const $m0 = (() => {\nconst h = 1;\nreturn { h };\n})();\n".to_owned()
                + "const $m1 = (() => {\nconst two = 2;\nclass Three {}\nreturn { two, Three };\n})();\n"
                + "const $m2 = (() => {\nconst { h } = $m0;\nconst { two } = $m1;\nasync function one() {}\nreturn { one };\n})();\n"
                + "const $m3 = (() => {\nconst { one } = $m2;\n\none();\nreturn {  };\n})();\n"
        );
        assert_eq!(joined(&|name: &str| read(name).filter(|_| name != "view.js")), None, "a module that is missing");
    }
}
