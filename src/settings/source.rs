//! What was written, and where: the file and the variables, held against the keys there are, then merged.
//!
//! The keys there are come from the default settings, written out. Nothing is listed twice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use config::{Config, ConfigError, Environment, File, FileFormat};
use toml::de::{DeTable, DeValue};

use super::Settings;
use crate::finding::{self, Finding};

/// What a variable's name begins with.
const PREFIX: &str = "HEYAN__";

/// Where each value came from, and what is wrong with some.
pub(super) struct Sources<'a> {
    file: PathBuf,
    text: &'a str,
    /// Key such as `limits.connections` → byte offset in the file.
    places: BTreeMap<String, usize>,
    /// Key → value from a variable.
    variables: BTreeMap<String, String>,
    refused: BTreeSet<String>,
    findings: Vec<Finding>,
}

impl Sources<'_> {
    /// Records a flaw of a key's value, once per key, where the value that counts was written.
    pub(super) fn refuse(&mut self, key: &str, problem: impl AsRef<str>) {
        if !self.refused.insert(key.to_owned()) {
            return;
        }
        let problem = problem.as_ref();
        let finding = if self.variables.contains_key(key) {
            Finding::new(variable_name(key), problem)
        } else if let Some(&offset) = self.places.get(key) {
            Finding::at(&self.file, self.text, offset, format!("`{key}`: {problem}"))
        } else {
            Finding::new(&self.file, format!("`{key}`: {problem}"))
        };
        self.findings.push(finding);
    }

    /// Every flaw, or none.
    pub(super) fn into_findings(self) -> Result<(), Vec<Finding>> {
        if self.findings.is_empty() { Ok(()) } else { Err(self.findings) }
    }
}

/// Reads file and variables over the defaults. A value that does not fit its key is refused and left out, so that
/// the rest can still be checked.
pub(super) fn merge<'a>(
    file: &Path,
    text: &'a str,
    variables: impl Iterator<Item = (String, String)>,
) -> Result<(Settings, Sources<'a>), Finding> {
    let whole = |error: &dyn std::fmt::Display| Finding::new(file, error.to_string());
    let mut sources = Sources {
        file: file.to_owned(),
        text,
        places: BTreeMap::new(),
        variables: BTreeMap::new(),
        refused: BTreeSet::new(),
        findings: Vec::new(),
    };
    let known = known_keys().map_err(|error| whole(&error))?;
    let written: toml::Table = finding::parse_toml(file, text)?;
    sources.locate(&known);
    let kept = sources.keep_fitting(written);
    for (name, value) in variables.filter(|(name, _)| name.starts_with(PREFIX)) {
        sources.take_variable(&name, value, &known);
    }

    let kept = toml::to_string(&kept).map_err(|error| whole(&error))?;
    let settings = Config::builder()
        .add_source(File::from_str(&kept, FileFormat::Toml))
        .add_source(environment(sources.fitting_variables()))
        .build()
        .and_then(Config::try_deserialize)
        .map_err(|error| whole(&error))?;
    Ok((settings, sources))
}

impl Sources<'_> {
    /// Finds the place of every key in the file; refuses those that nothing is called.
    fn locate(&mut self, known: &BTreeSet<String>) {
        // The text has been parsed once; this time for the places only.
        let Ok(table) = DeTable::parse(self.text) else { return };
        let mut written = Vec::new();
        for (name, value) in table.get_ref() {
            let section = name.get_ref().as_ref();
            match value.get_ref() {
                DeValue::Table(inner) if is_section(section, known) => {
                    for key in inner.keys() {
                        written.push((format!("{section}.{}", key.get_ref()), key.span().start));
                    }
                }
                _ => written.push((section.to_owned(), name.span().start)),
            }
        }
        for (key, offset) in written {
            if !known.contains(&key) && !is_section(&key, known) {
                let problem = match nearest(&key, known) {
                    Some(right) => format!("unknown key `{key}`; did you mean `{right}`?"),
                    None => format!("unknown key `{key}`"),
                };
                self.findings.push(Finding::at(&self.file, self.text, offset, problem));
                self.refused.insert(key.clone());
            }
            self.places.insert(key, offset);
        }
    }

    /// Tries each key of the file alone; returns those whose values fit.
    fn keep_fitting(&mut self, written: toml::Table) -> toml::Table {
        let mut kept = toml::Table::new();
        let keys: Vec<String> = self.places.keys().cloned().collect();
        for key in keys.into_iter().filter(|key| !self.refused.contains(key)).collect::<Vec<_>>() {
            let (section, name) = split(&key);
            let value = match section {
                Some(section) => written.get(section).and_then(|inner| inner.get(name)),
                None => written.get(name),
            };
            let Some(value) = value.cloned() else { continue };
            let mut alone = toml::Table::new();
            place(&mut alone, section, name, value.clone());
            match toml::Value::Table(alone).try_into::<Settings>() {
                Ok(_) => place(&mut kept, section, name, value),
                Err(error) => self.refuse(&key, finding::with_nearest_key(error.message())),
            }
        }
        kept
    }

    /// Takes one variable, if it names a key and its value fits.
    fn take_variable(&mut self, name: &str, value: String, known: &BTreeSet<String>) {
        let key = name.trim_start_matches(PREFIX).to_lowercase().replace("__", ".");
        if !known.contains(&key) || name != variable_name(&key) {
            let problem = match nearest(&key, known) {
                Some(right) => {
                    format!("unknown variable; did you mean `{}`?", variable_name(right))
                }
                None => "unknown variable: no setting has this name".to_owned(),
            };
            self.findings.push(Finding::new(name, problem));
            return;
        }
        let alone = BTreeMap::from([(key.clone(), value.clone())]);
        self.variables.insert(key.clone(), value);
        let tried = Config::builder()
            .add_source(environment(alone.iter()))
            .build()
            .and_then(Config::try_deserialize::<Settings>);
        if let Err(error) = tried {
            self.refused.insert(key);
            let problem = finding::with_nearest_key(&without_place(&error));
            self.findings.push(Finding::new(name, problem));
        }
    }

    fn fitting_variables(&self) -> impl Iterator<Item = (&String, &String)> {
        self.variables.iter().filter(|(key, _)| !self.refused.contains(*key))
    }
}

/// The `config` crate's own source for variables, fed with ours so that nothing reads the process's.
fn environment<'a>(variables: impl Iterator<Item = (&'a String, &'a String)>) -> Environment {
    let named = variables.map(|(key, value)| (variable_name(key), value.clone())).collect();
    Environment::with_prefix("HEYAN").separator("__").source(Some(named))
}

/// Every key, such as `limits.connections`.
fn known_keys() -> Result<BTreeSet<String>, toml::ser::Error> {
    let mut keys = BTreeSet::new();
    for (name, value) in toml::Table::try_from(Settings::default())? {
        match value {
            toml::Value::Table(section) => {
                keys.extend(section.keys().map(|key| format!("{name}.{key}")));
            }
            _ => {
                keys.insert(name);
            }
        }
    }
    Ok(keys)
}

fn is_section(name: &str, known: &BTreeSet<String>) -> bool {
    known.iter().any(|key| split(key).0 == Some(name))
}

fn split(key: &str) -> (Option<&str>, &str) {
    key.split_once('.').map_or((None, key), |(section, name)| (Some(section), name))
}

fn place(table: &mut toml::Table, section: Option<&str>, name: &str, value: toml::Value) {
    let Some(section) = section else {
        table.insert(name.to_owned(), value);
        return;
    };
    let inner = table.entry(section).or_insert_with(|| toml::Value::Table(toml::Table::new()));
    if let Some(inner) = inner.as_table_mut() {
        inner.insert(name.to_owned(), value);
    }
}

fn variable_name(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase().replace('.', "__"))
}

/// The key most like this one: spelt nearly so, or of the same name in another section.
fn nearest<'a>(given: &str, known: &'a BTreeSet<String>) -> Option<&'a str> {
    let sections = known.iter().filter_map(|key| split(key).0);
    let spelling = known.iter().map(String::as_str).chain(sections);
    let near = spelling
        .map(|key| (strsim::damerau_levenshtein(given, key), key))
        .filter(|&(distance, key)| distance <= 1 + key.len() / 4)
        .min()
        .map(|(_, key)| key);
    near.or_else(|| known.iter().find(|key| split(key).1 == split(given).1).map(String::as_str))
}

/// The crate's message less the key and origin that the finding names anyway.
fn without_place(error: &ConfigError) -> String {
    match error {
        ConfigError::At { error, .. } => without_place(error),
        ConfigError::Type { unexpected, expected, .. } => {
            format!("invalid type: {unexpected}, expected {expected}")
        }
        other => other.to_string(),
    }
}
