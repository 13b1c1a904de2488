//! One table of a manifest, read strictly: every flaw is noted with its place and reading goes on.

use std::cell::RefCell;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::adapters::language::expression::{Expression, Flaw, Names};
use crate::adapters::language::template::Template;
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
    let finding = |error: toml::de::Error| match error.span() {
        Some(span) => Finding::at(file, text, span.start, error.message()),
        None => Finding::new(file, error.message()),
    };
    Err(errors.into_iter().map(finding).collect())
}

/// The text being read, and what is wrong with it so far.
pub(in crate::adapters) struct Source<'a> {
    file: &'a Path,
    text: &'a str,
    findings: RefCell<Vec<Finding>>,
}

impl<'a> Source<'a> {
    /// Nothing is wrong yet.
    pub(in crate::adapters) fn new(file: &'a Path, text: &'a str) -> Self {
        Self { file, text, findings: RefCell::default() }
    }

    /// Notes a flaw at a byte offset.
    pub(in crate::adapters) fn flaw(&self, offset: usize, problem: impl Into<String>) {
        self.findings.borrow_mut().push(Finding::at(self.file, self.text, offset, problem));
    }

    /// Everything noted, in the order of the text.
    pub(in crate::adapters) fn into_findings(self) -> Vec<Finding> {
        let mut findings = self.findings.into_inner();
        findings.sort_by_key(|finding| finding.place);
        findings
    }

    /// True while nothing has been noted.
    pub(in crate::adapters) fn is_clean(&self) -> bool {
        self.findings.borrow().is_empty()
    }

    /// Compiles the expression and checks its names.
    pub(in crate::adapters) fn expression(&self, text: &Text, names: &Names) -> Option<Expression> {
        match Expression::compile(&text.value) {
            Ok(expression) => {
                let flaws = expression.unknown_names(names);
                self.flaws_in(text, &flaws);
                flaws.is_empty().then(|| expression.in_line(self.line_of(text)))
            }
            Err(flaw) => {
                self.flaws_in(text, &[flaw]);
                None
            }
        }
    }

    /// Compiles the template and checks the names in it.
    pub(in crate::adapters) fn template(&self, text: &Text, names: &Names) -> Option<Template> {
        let template = match Template::compile(&text.value) {
            Ok(template) => template,
            Err(flaws) => {
                self.flaws_in(text, &flaws);
                return None;
            }
        };
        let flaws = template.unknown_names(names);
        self.flaws_in(text, &flaws);
        flaws.is_empty().then(|| template.beginning_in(self.line_of(text)))
    }

    /// The line a text begins in, from 1.
    fn line_of(&self, text: &Text) -> u32 {
        self.line_at(text.at)
    }

    /// The line of a byte offset, from 1.
    pub(in crate::adapters) fn line_at(&self, offset: usize) -> u32 {
        let before = self.text.get(..offset).unwrap_or_default();
        u32::try_from(before.matches('\n').count() + 1).unwrap_or(u32::MAX)
    }

    fn flaws_in(&self, text: &Text, flaws: &[Flaw]) {
        for flaw in flaws {
            let offset = if text.is_verbatim { flaw.offset } else { 0 };
            self.flaw(text.at + offset, format!("{}: {}", text.key, flaw.problem));
        }
    }

    fn text_of(&self, key: String, value: &str, span: &Range<usize>) -> Text {
        let written = self.text.get(span.clone()).unwrap_or_default();
        let quotes =
            if written.starts_with("'''") || written.starts_with("\"\"\"") { 3 } else { 1 };
        let mut start = quotes;
        if quotes == 3 {
            let after = written.get(3..).unwrap_or_default();
            start +=
                if after.starts_with("\r\n") { 2 } else { usize::from(after.starts_with('\n')) };
        }
        let is_verbatim = written.get(start..).is_some_and(|rest| rest.starts_with(value));
        let at = span.start + if is_verbatim { start } else { 0 };
        Text { key, value: value.to_owned(), at, is_verbatim }
    }
}

/// A string of the manifest, with its place.
#[derive(Clone, Debug)]
pub(in crate::adapters) struct Text {
    /// Where it stands, such as `operation.attributes.married`.
    pub(in crate::adapters) key: String,
    /// The text.
    pub(in crate::adapters) value: String,
    /// Byte offset of its first character.
    pub(in crate::adapters) at: usize,
    /// True when offsets in the value are offsets in the file: nothing in it was written with a backslash.
    is_verbatim: bool,
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

fn constant(value: &DeValue<'_>) -> Option<Json> {
    Some(match value {
        DeValue::String(text) => Json::from(text.as_ref()),
        DeValue::Integer(digits) => {
            Json::from(i64::from_str_radix(digits.as_str(), digits.radix()).ok()?)
        }
        DeValue::Float(digits) => {
            Json::from(digits.as_str().parse::<f64>().ok().filter(|f| f.is_finite())?)
        }
        DeValue::Boolean(truth) => Json::from(*truth),
        DeValue::Array(items) => {
            Json::Array(items.iter().map(|item| constant(item.get_ref())).collect::<Option<_>>()?)
        }
        DeValue::Table(table) => Json::Object(
            table
                .iter()
                .map(|(key, value)| Some((key.get_ref().to_string(), constant(value.get_ref())?)))
                .collect::<Option<_>>()?,
        ),
        DeValue::Datetime(_) => return None,
    })
}
