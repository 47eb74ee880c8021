//! Imports go down only, never up or sideways.

use toml::Table;

/// Each crate's floor, from the ground up.
const FLOORS: [(&str, u8); 12] = [
    ("domain", 0),
    ("storage", 1),
    ("llm", 1),
    ("prompts", 1),
    ("channels", 1),
    ("retrieval", 2),
    ("answering", 3),
    ("ingest", 3),
    ("worker", 4),
    ("api", 4),
    ("evals", 4),
    ("frontdesk", 5),
];

fn floor(name: &str) -> Option<u8> {
    FLOORS.iter().find(|(crate_name, _)| *crate_name == name).map(|(_, floor)| *floor)
}

/// Crates of the workspace that a manifest imports from its own floor or above.
pub(super) fn check(path: &str, text: &str) -> Vec<String> {
    let Some(importer) = path.strip_suffix("/Cargo.toml") else { return Vec::new() };
    let Some(own) = floor(importer) else {
        return vec![format!("{path}: `{importer}` stands on no floor; add it to FLOORS and ARCHITECTURE.md")];
    };
    let manifest: Table = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
    // Tests may not look upwards either.
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"].into_iter();
    let dependencies = kinds.filter_map(|kind| manifest.get(kind)?.as_table()).flat_map(Table::iter);
    let above = dependencies.filter_map(|(name, dependency)| {
        let package = dependency.get("package").and_then(toml::Value::as_str).unwrap_or(name);
        let name = package.strip_prefix("frontdesk-").unwrap_or(package);
        let message = || format!("{path}: `{importer}` (floor {own}) may not import `{name}`");
        floor(name).filter(|floor| *floor >= own).map(|floor| format!("{} (floor {floor})", message()))
    });
    above.collect()
}

#[test]
fn imports_down_are_fine_and_up_or_sideways_are_found() {
    let of = |path: &str, name: &str| check(path, &format!("[dependencies]\n{name}.workspace = true"));
    assert!(of("worker/Cargo.toml", "storage").is_empty());
    assert!(of("worker/Cargo.toml", "serde").is_empty());
    assert!(of("worker/Cargo.toml", "api")[0].contains("`worker` (floor 4) may not import `api`"));
    assert_eq!(of("domain/Cargo.toml", "storage").len(), 1);
    let renamed = "[dev-dependencies]\nx = { package = \"frontdesk-api\", path = \"../api\" }";
    assert_eq!(check("storage/Cargo.toml", renamed).len(), 1);
    assert!(check("cellar/Cargo.toml", "")[0].contains("stands on no floor"));
}
