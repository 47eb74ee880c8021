//! The house rules that no compiler checks. Each rule is a function over texts that returns what is
//! wrong; its own tests plant a violation, and `the_tree_is_tidy` runs all of them over the tree.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]
#![allow(clippy::indexing_slicing, reason = "tests fail by panicking")]

mod floors;
mod lockfile;
mod migrations;
mod text;

use std::path::{Path, PathBuf};
use std::process::Command;

/// A file of the tree: its path from the root, with forward slashes, and its text.
struct SourceFile {
    path: String,
    text: String,
}

/// Test runners start tests in their package's folder.
fn root() -> PathBuf {
    std::env::current_dir().unwrap().parent().unwrap().to_owned()
}

/// Every text file that is not ignored; as git lists them, or where there is no git, as they lie.
fn tree() -> Vec<SourceFile> {
    let root = root();
    let listing = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(&root)
        .output();
    let paths: Vec<String> = match listing {
        Ok(output) if output.status.success() => {
            String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
        }
        _ => lying_in(&root, ""),
    };
    let read = |path: String| {
        let text = std::fs::read_to_string(root.join(&path)).ok()?;
        Some(SourceFile { path, text })
    };
    paths.into_iter().filter_map(read).collect()
}

fn lying_in(root: &Path, folder: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(root.join(folder)).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap_or_default();
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        if ["target", ".git", "frontdesk-data"].contains(&name.as_str()) {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            paths.extend(lying_in(root, &path));
        } else {
            paths.push(path);
        }
    }
    paths
}

#[test]
fn the_tree_is_tidy() {
    let tree = tree();
    assert!(tree.iter().any(|file| file.path == "Cargo.lock"), "the tree was not found");
    let mut wrong = Vec::new();
    for file in &tree {
        wrong.extend(floors::check(&file.path, &file.text));
        wrong.extend(text::check(&file.path, &file.text));
        wrong.extend(lockfile::check(&file.path, &file.text));
    }
    let rust = || tree.iter().filter(|file| text::has_extension(&file.path, &["rs"]));
    wrong.extend(text::check_traits(rust().map(|file| (file.path.as_str(), file.text.as_str()))));
    wrong.extend(migrations::check(tree.iter().map(|file| file.path.as_str())));
    assert!(wrong.is_empty(), "{} things to tidy up:\n{}", wrong.len(), wrong.join("\n"));
}
