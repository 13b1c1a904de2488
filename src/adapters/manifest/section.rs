//! One table of a manifest, read strictly: every flaw is noted with its place and reading goes on.

use std::cell::RefCell;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::constant::constant;
pub(in crate::adapters) use super::source::{Source, Text};
use crate::finding::{Finding, with_nearest_key};

/// A text as TOML.
///
/// # Errors
/// Every flaw of its form, with its place.
pub(in crate::adapters) fn parse<'t>(
    file: &Path,
    text: &'t str,
) -> Result<Spanned<DeTable<'t>>, Vec<Finding>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(table);
    }
    let source = Source::new(file, text);
    for error in &errors {
        source.flaw(error.span().map_or(0, |span| span.start), error.message());
    }
    Err(source.into_findings())
}

/// A value at the end of a branch of a request.
pub(in crate::adapters) enum Leaf {
    /// Text: an expression.
    Text(Text),
    /// A number or truth: itself.
    Constant(Json),
    /// A table.
    Table(Vec<(String, Leaf)>),
    /// An array.
    List(Vec<Leaf>),
}

/// One table.
pub(in crate::adapters) struct Section<'s> {
    source: &'s Source<'s>,
    path: String,
    table: &'s DeTable<'s>,
    at: usize,
    known: RefCell<Vec<&'static str>>,
}

impl<'s> Section<'s> {
    /// The whole document.
    pub(in crate::adapters) fn document(
        source: &'s Source<'s>,
        table: &'s Spanned<DeTable<'s>>,
    ) -> Self {
        Self::new(source, String::new(), table.get_ref(), table.span().start)
    }

    fn new(source: &'s Source<'s>, path: String, table: &'s DeTable<'s>, at: usize) -> Self {
        Self { source, path, table, at, known: RefCell::default() }
    }

    /// Where the table starts.
    pub(in crate::adapters) fn at(&self) -> usize {
        self.at
    }

    /// Where the key's value starts; the table's start when there is none.
    pub(in crate::adapters) fn at_key(&self, key: &str) -> usize {
        self.table.get(key).map_or(self.at, |value| value.span().start)
    }

    /// True when the key is there.
    pub(in crate::adapters) fn has(&self, key: &'static str) -> bool {
        self.value(key).is_some()
    }

    /// Text.
    pub(in crate::adapters) fn text(&self, key: &'static str) -> Option<Text> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(self.source.text_of(self.name(key), text, &value.span())),
            other => self.wrong(key, value, "text", other),
        }
    }

    /// Text that must be there.
    pub(in crate::adapters) fn required(&self, key: &'static str) -> Option<Text> {
        if !self.has(key) {
            self.missing(key);
        }
        self.text(key)
    }

    /// A whole number within bounds, or its default.
    pub(in crate::adapters) fn integer(
        &self,
        key: &'static str,
        bounds: Range<i64>,
        default: i64,
    ) -> i64 {
        let Some(value) = self.value(key) else { return default };
        let whole = match value.get_ref() {
            DeValue::Integer(digits) => i64::from_str_radix(digits.as_str(), digits.radix()).ok(),
            other => {
                return self.wrong::<i64>(key, value, "a whole number", other).unwrap_or(default);
            }
        };
        match whole.filter(|whole| bounds.contains(whole)) {
            Some(whole) => whole,
            None => {
                let (from, to) = (bounds.start, bounds.end - 1);
                let problem = format!("`{}` is from {from} to {to}", self.name(key));
                self.source.flaw(value.span().start, problem);
                default
            }
        }
    }

    /// A share from 0 to 1, or its default.
    pub(super) fn share(&self, key: &'static str, default: f64) -> f64 {
        let Some(value) = self.value(key) else { return default };
        let number = match value.get_ref() {
            DeValue::Float(digits) => digits.as_str().parse::<f64>().ok(),
            DeValue::Integer(digits) => digits.as_str().parse::<f64>().ok(),
            other => return self.wrong(key, value, "a number", other).unwrap_or(default),
        };
        let share = number.filter(|number| (0.0..=1.0).contains(number));
        if share.is_none() {
            let problem = format!("`{}` is a share from 0 to 1, such as 0.1", self.name(key));
            self.source.flaw(value.span().start, problem);
        }
        share.unwrap_or(default)
    }

    /// True or false; false when it is not there.
    pub(in crate::adapters) fn truth(&self, key: &'static str) -> bool {
        let Some(value) = self.value(key) else { return false };
        match value.get_ref() {
            DeValue::Boolean(truth) => *truth,
            other => self.wrong(key, value, "true or false", other).unwrap_or(false),
        }
    }

    /// A time span above zero and at most `most`, or its default.
    pub(in crate::adapters) fn span(
        &self,
        key: &'static str,
        most: Duration,
        default: Duration,
    ) -> Duration {
        let Some(text) = self.text(key) else { return default };
        match humantime::parse_duration(&text.value) {
            Ok(span) if !span.is_zero() && span <= most => span,
            Ok(_) => {
                let most = humantime::format_duration(most);
                self.source.flaw(
                    text.at,
                    format!("`{}` is more than nothing and at most {most}", text.key),
                );
                default
            }
            Err(error) => {
                let problem = format!("`{}` is no time span such as \"2s\": {error}", text.key);
                self.source.flaw(text.at, problem);
                default
            }
        }
    }

    /// A table inside.
    pub(in crate::adapters) fn section(&self, key: &'static str) -> Option<Section<'s>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Table(table) => {
                Some(Section::new(self.source, self.name(key), table, value.span().start))
            }
            other => self.wrong(key, value, "a table", other),
        }
    }

    /// An array of tables; nothing when it is not there.
    pub(in crate::adapters) fn sections(&self, key: &'static str) -> Vec<Section<'s>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            return self
                .wrong(key, value, "an array of tables (`[[…]]`)", value.get_ref())
                .unwrap_or_default();
        };
        let sections = items.iter().filter_map(|item| match item.get_ref() {
            DeValue::Table(table) => {
                Some(Section::new(self.source, self.name(key), table, item.span().start))
            }
            other => self.wrong(key, item, "a table", other),
        });
        sections.collect()
    }

    /// An array of text; nothing when it is not there.
    pub(in crate::adapters) fn texts(&self, key: &'static str) -> Vec<Text> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            return self.wrong(key, value, "an array of text", value.get_ref()).unwrap_or_default();
        };
        let texts = items.iter().filter_map(|item| match item.get_ref() {
            DeValue::String(text) => Some(self.source.text_of(self.name(key), text, &item.span())),
            other => self.wrong(key, item, "text", other),
        });
        texts.collect()
    }

    /// Text, or an array of it; nothing when it is not there.
    pub(in crate::adapters) fn text_or_texts(&self, key: &'static str) -> Vec<Text> {
        match self.value(key).map(Spanned::get_ref) {
            Some(DeValue::Array(_)) => self.texts(key),
            _ => self.text(key).into_iter().collect(),
        }
    }

    /// Every entry of a table whose keys the author chooses, with their text.
    pub(in crate::adapters) fn named_texts(self) -> Vec<(String, Text)> {
        let entries = self.table.iter().filter_map(|(key, value)| {
            let name = key.get_ref().to_string();
            match value.get_ref() {
                DeValue::String(text) => {
                    let path = format!("{}.{name}", self.path);
                    Some((name, self.source.text_of(path, text, &value.span())))
                }
                other => self.wrong(&name, value, "text", other),
            }
        });
        entries.collect()
    }

    /// Every entry of a table whose keys the author chooses, with its place and the texts it lists.
    pub(in crate::adapters) fn named_lists(self) -> Vec<(String, usize, Vec<Text>)> {
        let entries = self.table.iter().filter_map(|(key, value)| {
            let name = key.get_ref().to_string();
            let DeValue::Array(items) = value.get_ref() else {
                return self.wrong(&name, value, "an array of text", value.get_ref());
            };
            let path = format!("{}.{name}", self.path);
            let texts = items.iter().filter_map(|item| match item.get_ref() {
                DeValue::String(text) => {
                    Some(self.source.text_of(path.clone(), text, &item.span()))
                }
                other => self.wrong(&name, item, "text", other),
            });
            let texts = texts.collect();
            Some((name, value.span().start, texts))
        });
        entries.collect()
    }

    /// Every entry of a table whose keys the author chooses, with their tables; `wanted` says what each must be.
    pub(in crate::adapters) fn named_sections(self, wanted: &str) -> Vec<(String, Section<'s>)> {
        let entries = self.table.iter().filter_map(|(key, value)| {
            let name = key.get_ref().to_string();
            match value.get_ref() {
                DeValue::Table(table) => {
                    let path = format!("{}.{name}", self.path);
                    let at = value.span().start;
                    Some((name, Section::new(self.source, path, table, at)))
                }
                other => self.wrong(&name, value, wanted, other),
            }
        });
        entries.collect()
    }

    /// The table as constants.
    pub(in crate::adapters) fn constants(self) -> serde_json::Map<String, Json> {
        let entries = self.table.iter().filter_map(|(key, value)| {
            let constant = constant(value.get_ref());
            if constant.is_none() {
                let problem = format!(
                    "`{}.{}` is no text, number, truth, table or array",
                    self.path,
                    key.get_ref()
                );
                self.source.flaw(value.span().start, problem);
            }
            Some((key.get_ref().to_string(), constant?))
        });
        entries.collect()
    }

    /// The value as a tree of leaves.
    pub(in crate::adapters) fn leaf(&self, key: &'static str) -> Option<Leaf> {
        let value = self.value(key)?;
        self.leaf_of(self.name(key), value)
    }

    fn leaf_of(&self, path: String, value: &Spanned<DeValue<'_>>) -> Option<Leaf> {
        Some(match value.get_ref() {
            DeValue::String(text) => Leaf::Text(self.source.text_of(path, text, &value.span())),
            DeValue::Table(table) => {
                let entries = table.iter().filter_map(|(key, value)| {
                    let name = key.get_ref().to_string();
                    Some((name.clone(), self.leaf_of(format!("{path}.{name}"), value)?))
                });
                Leaf::Table(entries.collect())
            }
            DeValue::Array(items) => Leaf::List(
                items.iter().filter_map(|item| self.leaf_of(path.clone(), item)).collect(),
            ),
            other => match constant(other) {
                Some(constant) => Leaf::Constant(constant),
                None => {
                    return self.wrong(
                        &path,
                        value,
                        "text, a number, a truth, a table or an array",
                        other,
                    );
                }
            },
        })
    }

    /// Notes every key that nobody asked for. To be called last.
    pub(in crate::adapters) fn finish(self) {
        let known = self.known.borrow();
        for (key, _) in self.table {
            let name = key.get_ref();
            if known.iter().any(|known| known == name) {
                continue;
            }
            if self.source.is_full() {
                self.source.flaw(key.span().start, "unknown key");
                continue;
            }
            let expected: Vec<String> = known.iter().map(|known| format!("`{known}`")).collect();
            let place =
                if self.path.is_empty() { String::new() } else { format!(" in `{}`", self.path) };
            let message =
                format!("unknown key `{name}`{place}, expected one of {}", expected.join(", "));
            // The hint compares the first quoted word with the others; the table's own name must not be one of them.
            let hint = with_nearest_key(&format!("unknown `{name}` {}", expected.join(", ")));
            let hint = hint
                .split_once("; did you mean")
                .map_or_else(String::new, |(_, known)| format!("; did you mean{known}"));
            self.source.flaw(key.span().start, message + &hint);
        }
    }

    /// Notes that a key is not there.
    pub(in crate::adapters) fn missing(&self, key: &str) {
        self.source.flaw(self.at, format!("`{}` is missing", self.name(key)));
    }

    fn value(&self, key: &'static str) -> Option<&'s Spanned<DeValue<'s>>> {
        let mut known = self.known.borrow_mut();
        if !known.contains(&key) {
            known.push(key);
        }
        self.table.get(key)
    }

    fn name(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn wrong<T>(
        &self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        wanted: &str,
        found: &DeValue<'_>,
    ) -> Option<T> {
        let problem = format!("`{}` must be {wanted}, not {}", self.name(key), found.type_str());
        self.source.flaw(value.span().start, problem);
        None
    }
}
