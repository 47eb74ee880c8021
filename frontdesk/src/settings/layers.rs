//! Puts the layers on top of each other and refuses what no layer may say.

use super::shown::quoted;
use super::{Environment, Settings};
use crate::failure::Failure;
use config::{Config, ConfigError, Map, Source, Value, ValueKind};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::Table;

const DEFAULTS: &str = include_str!("../config.default.toml");
/// The file that is read from the current folder when no other is named.
const FILE: &str = "frontdesk.toml";
const PREFIX: &str = "FRONTDESK__";
/// Variables that other programs use too, and the key each one sets.
const WELL_KNOWN: [(&str, &str, &str); 4] = [
    ("DATABASE_URL", "database", "url"),
    ("QDRANT_URL", "qdrant", "url"),
    ("OPENAI_API_KEY", "llm", "api_key"),
    ("OPENAI_BASE_URL", "llm", "base_url"),
];
/// Below this likeness (0 to 1) a known key is no suggestion for an unknown one.
const LIKENESS_MIN: f64 = 0.55;

/// A setting given on the command line.
#[derive(Clone, Debug)]
pub struct Flag {
    /// The flag as typed, `--listen`.
    pub name: &'static str,
    /// The section and key it sets.
    pub sets: (&'static str, &'static str),
    /// Its value, read by the type of the key's default.
    pub value: String,
}

/// Where settings come from, besides the defaults.
#[derive(Clone, Debug)]
pub struct Sources<'a> {
    /// The file of `--config`; without it `frontdesk.toml`, if there is one.
    pub file: Option<PathBuf>,
    /// The variables.
    pub environment: &'a Environment,
    /// The flags.
    pub flags: Vec<Flag>,
}

/// One layer: a table of settings and the name of where they stand.
#[derive(Clone, Debug)]
struct Layer {
    origin: Option<String>,
    table: Table,
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let value = |(key, value): (&String, &toml::Value)| (key.clone(), with_origin(value, self.origin.as_ref()));
        Ok(self.table.iter().map(value).collect())
    }
}

pub(super) fn load(sources: &Sources<'_>) -> Result<(Settings, BTreeMap<String, String>), Failure> {
    let defaults: Table =
        DEFAULTS.parse().map_err(|error| Failure::configuration("the built-in settings are damaged").because(error))?;
    let mut layers = vec![Layer { origin: None, table: defaults.clone() }];
    layers.extend(file_layer(&defaults, sources.file.as_deref())?);
    for (name, value) in sources.environment.starting_with(PREFIX) {
        layers.push(variable_layer(&defaults, name, value)?);
    }
    for (name, section, key) in WELL_KNOWN {
        if let Some(value) = sources.environment.get(name) {
            layers.push(one_setting(&defaults, (section, key), value, name)?);
        }
    }
    for flag in &sources.flags {
        layers.push(one_setting(&defaults, flag.sets, &flag.value, flag.name)?);
    }
    let mut builder = Config::builder();
    for layer in layers {
        builder = builder.add_source(layer);
    }
    let config = builder.build().map_err(|error| refused(&error, &BTreeMap::new()))?;
    let mut origins = BTreeMap::new();
    collect_origins(&config.cache, String::new(), &mut origins);
    let settings: Settings = config.try_deserialize().map_err(|error| refused(&error, &origins))?;
    settings.check().map_err(|failure| name_origin(failure, &origins))?;
    Ok((settings, origins))
}

fn file_layer(defaults: &Table, named: Option<&Path>) -> Result<Option<Layer>, Failure> {
    let path = named.unwrap_or(Path::new(FILE));
    let origin = path.display().to_string();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(error) => {
            let failure = Failure::configuration(format!("cannot read {origin}")).because(error);
            return Err(failure.fix("check the path after --config and the file's permissions"));
        }
    };
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        Failure::configuration(format!("{origin} is not valid TOML")).because(error.to_string().trim_end())
    })?;
    check_keys(defaults, defaults, &table, "", &origin)?;
    Ok(Some(Layer { origin: Some(origin), table }))
}

/// Refuses keys that no default has, and values of another type than the default's.
fn check_keys(defaults: &Table, known: &Table, given: &Table, path: &str, origin: &str) -> Result<(), Failure> {
    for (key, value) in given {
        let key_path = join(path, key);
        let Some(default) = known.get(key) else {
            return Err(unknown(defaults, &key_path, origin));
        };
        match (default, value) {
            // An empty table in the defaults is open: its keys are the person's own words.
            (toml::Value::Table(default), toml::Value::Table(_)) if default.is_empty() => {}
            (toml::Value::Table(default), toml::Value::Table(value)) => {
                check_keys(defaults, default, value, &key_path, origin)?;
            }
            (toml::Value::Float(_), toml::Value::Integer(_)) => {}
            (default, value) if default.same_type(value) => {}
            (default, value) => {
                return Err(wrong_type(&key_path, default, value.type_str(), origin));
            }
        }
    }
    Ok(())
}

fn variable_layer(defaults: &Table, name: &str, value: &str) -> Result<Layer, Failure> {
    let variable = format!("{PREFIX}{name}");
    let lower = name.to_lowercase();
    let (section, key) = lower.split_once("__").ok_or_else(|| {
        Failure::configuration(format!("the variable {variable} names no setting"))
            .fix(format!("write it as {PREFIX}SECTION__KEY"))
    })?;
    one_setting(defaults, (section, key), value, &variable)
}

/// A layer of one setting, its text read by the type of the key's default.
fn one_setting(defaults: &Table, (section, key): (&str, &str), text: &str, origin: &str) -> Result<Layer, Failure> {
    let path = join(section, key);
    let default = defaults.get(section).and_then(|section| section.get(key));
    let default = default.ok_or_else(|| unknown(defaults, &path, origin))?;
    let refuse = || wrong_type(&path, default, &format!("{text:?}"), origin);
    let value = match default {
        toml::Value::String(_) => toml::Value::String(text.to_owned()),
        toml::Value::Integer(_) => toml::Value::Integer(text.parse().map_err(|_| refuse())?),
        toml::Value::Float(_) => toml::Value::Float(text.parse().map_err(|_| refuse())?),
        toml::Value::Boolean(_) => toml::Value::Boolean(text.parse().map_err(|_| refuse())?),
        toml::Value::Array(_) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            toml::Value::Array(items.map(|item| toml::Value::String(item.to_owned())).collect())
        }
        toml::Value::Table(_) | toml::Value::Datetime(_) => {
            let failure = Failure::configuration(format!("`{path}` cannot be set by {origin}"));
            return Err(failure.fix(format!("set it in {FILE}")));
        }
    };
    let section = (section.to_owned(), toml::Value::Table(Table::from_iter([(key.to_owned(), value)])));
    Ok(Layer { origin: Some(origin.to_owned()), table: Table::from_iter([section]) })
}

fn with_origin(value: &toml::Value, origin: Option<&String>) -> Value {
    let kind = match value {
        toml::Value::String(text) => ValueKind::String(text.clone()),
        toml::Value::Integer(number) => ValueKind::I64(*number),
        toml::Value::Float(number) => ValueKind::Float(*number),
        toml::Value::Boolean(yes) => ValueKind::Boolean(*yes),
        toml::Value::Datetime(time) => ValueKind::String(time.to_string()),
        toml::Value::Array(items) => ValueKind::Array(items.iter().map(|item| with_origin(item, origin)).collect()),
        toml::Value::Table(table) => {
            ValueKind::Table(table.iter().map(|(key, value)| (key.clone(), with_origin(value, origin))).collect())
        }
    };
    Value::new(origin, kind)
}

fn collect_origins(value: &Value, path: String, origins: &mut BTreeMap<String, String>) {
    match (&value.kind, value.origin()) {
        (ValueKind::Table(table), _) => {
            for (key, value) in table {
                collect_origins(value, join(&path, key), origins);
            }
        }
        (_, Some(origin)) => {
            origins.insert(path, origin.to_owned());
        }
        (_, None) => {}
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { quoted(key) } else { format!("{path}.{}", quoted(key)) }
}

fn unknown(defaults: &Table, path: &str, origin: &str) -> Failure {
    let sections = defaults.iter().flat_map(|(section, keys)| {
        let keys = keys.as_table().into_iter().flat_map(Table::keys);
        let keys = keys.map(move |key| format!("{section}.{key}"));
        std::iter::once(section.clone()).chain(keys)
    });
    let likeness = |known: &String| strsim::normalized_damerau_levenshtein(known, path);
    let nearest = sections
        .map(|known| (likeness(&known), known))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    let failure = Failure::configuration(format!("unknown setting `{path}` in {origin}"));
    match nearest {
        Some((_, known)) => failure.fix(format!("did you mean `{known}`?")),
        None => failure.fix("`frontdesk config show` lists all settings"),
    }
}

fn wrong_type(path: &str, default: &toml::Value, given: &str, origin: &str) -> Failure {
    let wanted = match default {
        toml::Value::String(_) => "a text",
        toml::Value::Integer(_) => "a whole number",
        toml::Value::Float(_) => "a number",
        toml::Value::Boolean(_) => "true or false",
        toml::Value::Array(_) => "a list",
        toml::Value::Table(_) | toml::Value::Datetime(_) => "a section",
    };
    Failure::configuration(format!("`{path}` in {origin} must be {wanted}"))
        .because(format!("it is {given}"))
        .fix(format!("its default is {default}"))
}

/// What the library refused: a number out of range, a word that is none of the allowed ones.
fn refused(error: &ConfigError, origins: &BTreeMap<String, String>) -> Failure {
    let said = error.to_string();
    // The library names the key, or the table above it, in backticks.
    let named = origins.iter().find(|(key, _)| {
        let table = key.rsplit_once('.').map_or(key.as_str(), |(table, _)| table);
        said.contains(&format!("`{key}`")) || said.contains(&format!("`{table}`"))
    });
    let what = match named {
        Some((_, origin)) => format!("a setting in {origin} is not allowed"),
        None => "a setting is not allowed".to_owned(),
    };
    Failure::configuration(what).because(said)
}

fn name_origin(failure: Failure, origins: &BTreeMap<String, String>) -> Failure {
    let named = origins.iter().find(|(key, _)| failure.what.starts_with(&format!("`{key}`")));
    match named {
        Some((_, origin)) => failure.because(format!("it was set by {origin}")),
        None => failure,
    }
}
