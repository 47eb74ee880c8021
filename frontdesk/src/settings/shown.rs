//! What `config show` prints: the settings in force as TOML, secrets hidden, origins beside them.

use super::Settings;
use crate::failure::Failure;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The settings in force and where each that is not a default came from.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// All settings.
    pub settings: Settings,
    /// By `section.key`: the file, variable or flag.
    pub origins: BTreeMap<String, String>,
}

impl Shown {
    /// As a TOML file that would set the same, except for the hidden secrets.
    pub fn to_toml(&self) -> Result<String, Failure> {
        let table = toml::Table::try_from(&self.settings)
            .map_err(|error| Failure::configuration("cannot print the settings").because(error))?;
        let mut text = String::new();
        self.section(&mut text, "", &table);
        Ok(text)
    }

    fn section(&self, text: &mut String, path: &str, table: &toml::Table) {
        let inside = |key: &str| match path {
            "" => quoted(key),
            path => format!("{path}.{}", quoted(key)),
        };
        for (key, value) in table.iter().filter(|(_, value)| !value.is_table()) {
            let line = format!("{} = {value}", quoted(key));
            // Writing to a String cannot fail.
            let _ = match self.origins.get(&inside(key)) {
                None => writeln!(text, "{line}"),
                Some(origin) => writeln!(text, "{line}  # from {origin}"),
            };
        }
        for (key, value) in table {
            if let toml::Value::Table(inner) = value
                && !inner.is_empty()
            {
                let path = inside(key);
                let _ = writeln!(text, "{}[{path}]", if text.is_empty() { "" } else { "\n" });
                self.section(text, &path, inner);
            }
        }
    }
}

/// A key as TOML and the origins spell it: bare where that is allowed.
pub(super) fn quoted(key: &str) -> String {
    let bare = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare && !key.is_empty() { key.to_owned() } else { format!("{key:?}") }
}
