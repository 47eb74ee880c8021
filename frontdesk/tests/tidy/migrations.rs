//! Migrations: one set for both engines in `migrations/`, numbered from 0001; a small set beside it
//! for PostgreSQL only in `migrations/postgres/`, numbered from 10001, so that it runs after.

use std::collections::BTreeMap;

const SETS: [(&str, u32); 2] = [("migrations/", 1), ("migrations/postgres/", 10_001)];

/// Misnamed files, numbers used twice, gaps, and files in the wrong set.
pub(super) fn check<'a>(paths: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut numbers: BTreeMap<u32, &str> = BTreeMap::new();
    for path in paths.filter(|path| path.starts_with("migrations/")) {
        let (folder, name) = path.rsplit_once('/').map_or(("", path), |(f, n)| (&path[..=f.len()], n));
        let Some(number) = number(name) else {
            wrong.push(format!("{path}: a migration is named 0001_what_it_does.sql"));
            continue;
        };
        let is_common = number < 10_000;
        if !SETS.iter().any(|(set, first)| *set == folder && (*first < 10_000) == is_common) {
            wrong.push(format!("{path}: numbers of migrations/postgres/ start at 10001, others below"));
        }
        if let Some(other) = numbers.insert(number, path) {
            wrong.push(format!("{path}: has the number of {other}"));
        }
    }
    for (set, first) in SETS {
        let of_set = numbers.keys().filter(|number| (**number < 10_000) == (first < 10_000));
        if let Some((expected, number)) = (first..).zip(of_set).find(|(e, number)| e != *number) {
            wrong.push(format!("{set}: {number} comes where {expected} is missing"));
        }
    }
    wrong
}

fn number(name: &str) -> Option<u32> {
    let (digits, rest) = name.split_once('_')?;
    let words = rest.strip_suffix(".sql")?;
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_named = !words.is_empty() && words.chars().all(is_plain);
    if is_named && (4..=5).contains(&digits.len()) { digits.parse().ok() } else { None }
}

#[test]
fn doubled_misnamed_misplaced_and_missing_numbers_are_found() {
    let of = |paths: &[&'static str]| check(paths.iter().copied());
    assert!(of(&["migrations/0001_a.sql", "migrations/postgres/10001_b.sql", "x/1.sql"]).is_empty());
    assert!(of(&["migrations/0001_a.sql", "migrations/0001_b.sql"])[0].contains("has the number of"));
    assert!(of(&["migrations/1_desk.sql"])[0].contains("is named"));
    assert!(of(&["migrations/0001_Desk.sql"])[0].contains("is named"));
    assert!(of(&["migrations/postgres/0001_a.sql"])[0].contains("start at 10001"));
    assert_eq!(of(&["migrations/0001_a.sql", "migrations/0003_b.sql"]), ["migrations/: 3 comes where 2 is missing"]);
}
