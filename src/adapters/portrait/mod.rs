//! What a manifest says, one thing at a time, in words: what is told of an adapter, and what two versions are compared by.
//!
//! Made from checked values, so that a default written out and one left out are the same, and "5s" is "5000ms". It holds
//! no secret: of secrets, keys and certificates only where they are.

mod access;
mod limits;
mod operation;
mod request;

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::language::expression::Expression;
use super::manifest::{self, Depth, Manifest};
use crate::catalogue::{Catalogue, Fact};
use crate::crypto::Digest;
use crate::finding::Finding;
use crate::query::{FactCode, OrganisationId};

/// What a manifest says.
#[derive(Clone, Debug)]
pub struct Portrait {
    /// The file.
    pub file: PathBuf,
    /// Name of the adapter.
    pub name: String,
    /// Version of the manifest.
    pub version: String,
    /// The organisation it speaks to.
    pub agency: OrganisationId,
    /// `http`, `soap`, `sql`, `file` or `grpc`.
    pub transport: &'static str,
    /// SHA-256 of the file.
    pub digest: Digest,
    /// What holds for every question.
    pub terms: Vec<Term>,
    /// What is asked, in the order of the manifest.
    pub operations: Vec<Operation>,
    /// What should be seen to in time.
    pub warnings: Vec<Finding>,
}

/// What a manifest says about one fact.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The fact, as the catalogue has it.
    pub fact: Fact,
    /// What holds for questions about it.
    pub terms: Vec<Term>,
}

/// One thing that a manifest sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Its key, such as `soap.base` or, of an operation, `attributes.married`.
    pub key: String,
    /// What it is set to: an expression as it is written, a text, a number, a length of time.
    pub value: String,
    /// Line of the manifest, from 1, where it is an expression.
    pub line: Option<u32>,
    /// What it bears on.
    pub bearing: Bearing,
}

/// What a thing that a manifest sets bears on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bearing {
    /// What comes of a question: what is asked, how the reply is read, which outcome it is, what codes stand for.
    Answers,
    /// How the agency is reached, how often, how patiently; never what an answer says.
    Reach,
    /// What it is called.
    Label,
}

impl Bearing {
    /// Stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Answers => "answers",
            Self::Reach => "reach",
            Self::Label => "label",
        }
    }
}

impl Portrait {
    /// Reads the manifest alone: none of the files it names.
    ///
    /// # Errors
    /// Every flaw of the manifest.
    pub fn read(file: &Path, catalogue: &Catalogue) -> Result<Self, Vec<Finding>> {
        let find = |code: &FactCode| catalogue.fact(code).cloned();
        let manifest = manifest::read(file, Depth::ManifestOnly, &find)?;
        Ok(Self::of(&manifest, &find))
    }

    /// Of a manifest that has been read with these facts.
    pub(super) fn of(manifest: &Manifest, find: &dyn Fn(&FactCode) -> Option<Fact>) -> Self {
        let mut terms = Terms::default();
        access::tell(manifest, &mut terms);
        settings(manifest, &mut terms);
        request::signing(manifest, &mut terms);
        request::session(manifest, &mut terms);
        limits::tell(manifest, &mut terms);
        request::dispute(manifest, &mut terms);
        let operations = manifest.operations.iter();
        Self {
            file: manifest.file.clone(),
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            agency: manifest.agency.clone(),
            transport: manifest.access.kind(),
            digest: manifest.digest,
            terms: terms.0,
            operations: operations.filter_map(|one| operation::tell(one, find)).collect(),
            warnings: manifest.warnings.clone(),
        }
    }

    /// The operation that answers the fact.
    pub fn operation(&self, fact: &FactCode) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.fact.code == *fact)
    }
}

/// Terms in the making.
#[derive(Default)]
struct Terms(Vec<Term>);

impl Terms {
    fn put(&mut self, bearing: Bearing, key: impl Into<String>, value: impl Into<String>) {
        self.0.push(Term { key: key.into(), value: value.into(), line: None, bearing });
    }

    fn put_expression(
        &mut self,
        bearing: Bearing,
        key: impl Into<String>,
        expression: &Expression,
    ) {
        let (key, value) = (key.into(), plain(expression.source()));
        self.0.push(Term { key, value, line: expression.line(), bearing });
    }

    fn put_some(&mut self, bearing: Bearing, key: &str, expression: Option<&Expression>) {
        if let Some(expression) = expression {
            self.put_expression(bearing, key, expression);
        }
    }

    /// Every end of a tree of constants.
    fn put_constants(&mut self, bearing: Bearing, key: &str, constants: &Json) {
        match constants {
            Json::Object(entries) => {
                for (name, value) in entries {
                    self.put_constants(bearing, &format!("{key}.{name}"), value);
                }
            }
            other => self.put(bearing, key, other.to_string()),
        }
    }
}

/// `[settings]`: what only signs or logs in says nothing about answers.
fn settings(manifest: &Manifest, terms: &mut Terms) {
    let Json::Object(settings) = &manifest.settings else { return };
    for (name, value) in settings {
        let sees = format!("cfg.{name}");
        let is_read = manifest.places.iter().any(|place| {
            let is_way =
                ["sign.", "session.", "dispute."].iter().any(|way| place.key.starts_with(way));
            let sees_all = place.text.replace("cfg.", "").contains("cfg");
            !is_way && (sees_all || place.text.contains(&sees))
        });
        let bearing = if is_read { Bearing::Answers } else { Bearing::Reach };
        terms.put_constants(bearing, &format!("settings.{name}"), value);
    }
}

/// An expression in one line, where its line ends mean nothing: only a remark or a quoted text needs them.
fn plain(source: &str) -> String {
    let source = source.trim();
    if source.contains("//") || source.contains("'''") || source.contains("\"\"\"") {
        return source.to_owned();
    }
    let (mut plain, mut quote, mut is_escaped) = (String::new(), None, false);
    for character in source.chars() {
        match quote {
            Some(_) if is_escaped => is_escaped = false,
            Some(_) if character == '\\' => is_escaped = true,
            Some(open) if character == open => quote = None,
            Some(_) => {}
            None if character == '"' || character == '\'' => quote = Some(character),
            None if character.is_whitespace() => {
                if !plain.ends_with(' ') {
                    plain.push(' ');
                }
                continue;
            }
            None => {}
        }
        plain.push(character);
    }
    plain
}

#[cfg(test)]
pub(super) mod tests;
