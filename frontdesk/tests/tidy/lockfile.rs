//! One version each of the crates of which two would hurt.

use toml::Table;

const SINGLE: [&str; 5] = ["sqlx", "libsqlite3-sys", "reqwest", "axum", "hyper"];

/// Crates that stand in the lock file more than once.
pub(super) fn check(path: &str, text: &str) -> Vec<String> {
    if path != "Cargo.lock" {
        return Vec::new();
    }
    let lock: Table = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
    let packages = lock["package"].as_array().unwrap();
    let versions = |name: &str| -> Vec<&str> {
        let named = packages.iter().filter(|package| package["name"].as_str() == Some(name));
        named.filter_map(|package| package["version"].as_str()).collect()
    };
    let doubled = SINGLE.into_iter().map(|name| (name, versions(name)));
    let doubled = doubled.filter(|(_, versions)| versions.len() > 1);
    doubled.map(|(name, versions)| format!("{path}: {name} in versions {}", versions.join(" and "))).collect()
}

#[test]
fn a_second_version_is_found() {
    let package = |version: &str| format!("[[package]]\nname = \"axum\"\nversion = \"{version}\"\n");
    assert!(check("Cargo.lock", &package("0.8.9")).is_empty());
    let two = check("Cargo.lock", &(package("0.7.1") + &package("0.8.9")));
    assert_eq!(two, ["Cargo.lock: axum in versions 0.7.1 and 0.8.9"]);
}
