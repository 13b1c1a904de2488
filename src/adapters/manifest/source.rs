//! The text of a manifest being read: its strings with their places, and what is wrong with it so far.

use std::cell::RefCell;
use std::ops::Range;
use std::path::Path;

use crate::adapters::language::expression::{Expression, Flaw, Names};
use crate::adapters::language::template::Template;
use crate::finding::Finding;

/// Flaws of one kind that are told of one file; the others are counted. Nobody mends more before looking again.
const MOST_TOLD: usize = 100;

/// The text being read, and what is wrong with it so far.
pub(in crate::adapters) struct Source<'a> {
    file: &'a Path,
    text: &'a str,
    /// Where each line begins: a place is looked up as often as there are flaws.
    lines: Vec<usize>,
    findings: RefCell<Told>,
    places: RefCell<Vec<Place>>,
    warnings: RefCell<Told>,
}

/// The first of many, and how many more there are.
#[derive(Default)]
struct Told {
    first: Vec<Finding>,
    more: usize,
}

/// Where a manifest has an expression. An expression is known by its line and text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Line of the file, from 1.
    pub(crate) line: u32,
    /// Key, such as `operation.attributes.married`.
    pub(crate) key: String,
    /// Its text.
    pub(crate) text: String,
}

impl<'a> Source<'a> {
    /// Nothing is wrong yet.
    pub(in crate::adapters) fn new(file: &'a Path, text: &'a str) -> Self {
        let lines = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            file,
            text,
            lines: std::iter::once(0).chain(lines).collect(),
            findings: RefCell::default(),
            places: RefCell::default(),
            warnings: RefCell::default(),
        }
    }

    /// Notes a flaw at a byte offset.
    pub(in crate::adapters) fn flaw(&self, offset: usize, problem: impl Into<String>) {
        self.findings.borrow_mut().note(|| self.finding(offset, problem.into()));
    }

    /// Notes at a byte offset what should be seen to, and keeps nobody from using the manifest.
    pub(in crate::adapters) fn warn(&self, offset: usize, problem: impl Into<String>) {
        self.warnings.borrow_mut().note(|| self.finding(offset, problem.into()));
    }

    /// True when a flaw more would not be told, so that it need not be put into words with care.
    pub(super) fn is_full(&self) -> bool {
        self.findings.borrow().first.len() >= MOST_TOLD
    }

    /// Every warning, in the order of the text.
    pub(in crate::adapters) fn take_warnings(&self) -> Vec<Finding> {
        self.warnings.take().sorted(self.file, "warnings")
    }

    /// Everything noted, in the order of the text.
    pub(in crate::adapters) fn into_findings(self) -> Vec<Finding> {
        self.findings.into_inner().sorted(self.file, "flaws")
    }

    fn finding(&self, offset: usize, problem: String) -> Finding {
        let line = self.line(offset);
        let begins = self.lines.get(line - 1).copied().unwrap_or_default();
        let before = self.text.get(begins..offset.min(self.text.len())).unwrap_or_default();
        let place = Some((line, before.chars().count() + 1));
        Finding { file: self.file.to_owned(), place, problem }
    }

    fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|begins| *begins <= offset).max(1)
    }

    /// True while nothing has been noted.
    pub(in crate::adapters) fn is_clean(&self) -> bool {
        self.findings.borrow().first.is_empty()
    }

    /// Where the expressions are that have been compiled since the last call.
    pub(in crate::adapters) fn take_places(&self) -> Vec<Place> {
        self.places.take()
    }

    fn note_place(&self, key: &str, expression: &Expression) {
        let line = expression.line().unwrap_or_default();
        let text = expression.source().to_owned();
        self.places.borrow_mut().push(Place { line, key: key.to_owned(), text });
    }

    /// Compiles the expression and checks its names.
    pub(in crate::adapters) fn expression(&self, text: &Text, names: &Names) -> Option<Expression> {
        match Expression::compile(&text.value) {
            Ok(expression) => {
                let flaws = expression.unknown_names(names);
                self.flaws_in(text, &flaws);
                let expression = expression.in_line(self.line_of(text));
                self.note_place(&text.key, &expression);
                flaws.is_empty().then_some(expression)
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
        let template = template.beginning_in(self.line_of(text));
        template.expressions().for_each(|hole| self.note_place(&text.key, hole));
        flaws.is_empty().then_some(template)
    }

    /// The line a text begins in, from 1.
    fn line_of(&self, text: &Text) -> u32 {
        self.line_at(text.at)
    }

    /// The line of a byte offset, from 1.
    pub(in crate::adapters) fn line_at(&self, offset: usize) -> u32 {
        u32::try_from(self.line(offset)).unwrap_or(u32::MAX)
    }

    fn flaws_in(&self, text: &Text, flaws: &[Flaw]) {
        for flaw in flaws {
            let offset = if text.is_verbatim { flaw.offset } else { 0 };
            self.flaw(text.at + offset, format!("{}: {}", text.key, flaw.problem));
        }
    }

    pub(super) fn text_of(&self, key: String, value: &str, span: &Range<usize>) -> Text {
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

impl Told {
    fn note(&mut self, finding: impl FnOnce() -> Finding) {
        if self.first.len() < MOST_TOLD { self.first.push(finding()) } else { self.more += 1 }
    }

    fn sorted(self, file: &Path, what: &str) -> Vec<Finding> {
        let Self { first: mut told, more } = self;
        told.sort_by_key(|finding| finding.place);
        told.extend((more > 0).then(|| and_more(file, more, what)));
        told
    }
}

/// What is said in the place of those that are not told.
fn and_more(file: &Path, more: usize, what: &str) -> Finding {
    Finding::new(file, format!("{more} more {what} are not told; see to these first"))
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

impl Text {
    /// Another text in its place.
    pub(super) fn standing_for(self, value: String) -> Self {
        Self { value, is_verbatim: false, ..self }
    }
}
