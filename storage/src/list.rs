//! A list of values as one argument, so that a statement's text does not grow with the list.

use crate::sql::Sql;
use domain::Id;

/// What a list holds.
#[derive(Clone, Copy)]
pub(crate) enum List {
    /// Ids, from [`ids`].
    Ids,
    /// Hashes, from [`hashes`].
    Hashes,
    /// Texts, from [`texts`].
    Texts,
}

impl List {
    /// A statement in which `{wanted}` is a table `wanted` with the one column `value`; the list is
    /// argument `$2`. Rows are looked up by `from {wanted} cross join chunks c where c.id = wanted.value`:
    /// SQLite never turns a cross join around, while with `in (…)` it may prefer to read the whole
    /// organization.
    pub(crate) fn sql(self, text: &str) -> Sql {
        let (sqlite, postgres) = match self {
            Self::Ids => ("unhex(value)", "cast(item as uuid)"),
            Self::Hashes => ("unhex(value)", "decode(item, 'hex')"),
            Self::Texts => ("value", "item"),
        };
        // differs because: each engine has its own way of reading a list from JSON
        Sql::dynamic_per(
            text.replace("{wanted}", &format!("(select {sqlite} as value from json_each($2)) as wanted")),
            text.replace(
                "{wanted}",
                &format!(
                    "(select {postgres} as value from jsonb_array_elements_text(cast($2 as jsonb)) as item) as wanted"
                ),
            ),
        )
    }
}

/// The argument for a list of ids.
pub(crate) fn ids<T>(ids: &[Id<T>]) -> String {
    hex_list(ids.iter().map(|id| id.uuid().into_bytes()))
}

/// The argument for a list of hashes.
pub(crate) fn hashes(hashes: &[[u8; 32]]) -> String {
    hex_list(hashes.iter().copied())
}

/// The argument for a list of texts.
pub(crate) fn texts<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let values: Vec<serde_json::Value> = texts.map(serde_json::Value::from).collect();
    serde_json::Value::Array(values).to_string()
}

fn hex_list(values: impl Iterator<Item = impl AsRef<[u8]>>) -> String {
    let quoted: Vec<String> = values.map(|value| format!("\"{}\"", hex::encode(value))).collect();
    format!("[{}]", quoted.join(","))
}
