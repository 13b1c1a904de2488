//! The evidence of one case as files that stand alone: what was asked and answered, and what proves it.
//!
//! Pure: entries in, files out, and back. A few files are sources: the checkpoint, the log's keys, a receipt with its
//! entry for each entry, and openings. Everything else is made from them and can be made again, so that nothing in a
//! package rests on the word of whoever handed it over. `docs/evidence-package.md` has every file.

mod answers;
pub mod check;
pub mod choose;
mod contents;
mod disputes;
mod manifest;
mod page;
mod read;
mod statement;
#[cfg(test)]
mod tests;
mod write;
pub mod zip;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::audit::commitment::Field;
use crate::crypto::Digest;
use crate::vault::open::Opened;

pub use self::write::write;

/// Name and version of the form of a package.
pub const FORMAT: &str = "heyan.case-evidence/1";

/// The files of a package by their paths, in order.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What a package is made from. Holds personal data: no `Debug`.
#[derive(Clone)]
pub struct Package {
    /// The program that wrote the words in it, such as `heyan 0.1.0`.
    pub made_by: String,
    /// Entry of the case.
    pub case: u64,
    /// What became of what the entries hide.
    pub persons: Persons,
    /// The signed head that every receipt is under.
    pub checkpoint: String,
    /// The log's keys, the first one first.
    pub vkeys: Vec<String>,
    /// Entries by index.
    pub entries: BTreeMap<u64, Proved>,
    /// What was opened of them.
    pub openings: BTreeMap<u64, Openings>,
}

/// An entry as hashed, with the proof that it is under the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proved {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The inclusion proof.
    pub hashes: Vec<Digest>,
}

/// What became of what the entries hide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Persons {
    /// Everything that the vault held is opened.
    Opened,
    /// Persons were left out on purpose: only answers that let out no value are opened.
    LeftOut,
    /// Nothing is opened: there was no key, and commitments are all that is there.
    Closed,
}

impl Persons {
    /// Stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::LeftOut => "left-out",
            Self::Closed => "closed",
        }
    }
}

/// What was opened of one entry.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Openings {
    /// Its index.
    pub entry: u64,
    /// Why nothing is opened; empty otherwise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub closed: String,
    /// By the field's name.
    #[serde(default)]
    pub fields: BTreeMap<String, OpenField>,
}

/// Why an entry stays closed: the vault never had a record of it.
pub const NOT_KEPT: &str = "no record was kept of it";

/// Why an entry stays closed: its record was erased, as the log has it in entry `by`.
pub fn erased(by: u64) -> String {
    format!("erased for good, as entry {by} records")
}

/// True of the reasons that an export gives, and of no other words.
fn is_reason(text: &str) -> bool {
    let by = text.strip_prefix("erased for good, as entry ");
    let by = by.and_then(|rest| rest.strip_suffix(" records")?.parse().ok());
    text == NOT_KEPT || by.is_some_and(|by| text == erased(by))
}

/// One field in clear, with what proves it to be what the entry commits to.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenField {
    /// Key of the commitment, 32 bytes in base64.
    pub opening: String,
    /// The committed text.
    pub value: String,
}

impl Openings {
    /// Takes in a field that the vault has opened.
    ///
    /// # Errors
    /// When its value is no text, which no gateway writes.
    pub fn add(&mut self, opened: &Opened) -> Result<(), EvidenceError> {
        use base64::Engine;
        use base64::prelude::BASE64_STANDARD;
        let value = String::from_utf8(opened.value.clone());
        let value = value.map_err(|_| EvidenceError::Opening(self.entry))?;
        let opening = BASE64_STANDARD.encode(opened.opening.0);
        self.fields.insert(opened.field.name().to_owned(), OpenField { opening, value });
        Ok(())
    }

    /// The text of a field, where it was opened.
    pub fn text(&self, field: Field) -> Option<&str> {
        self.fields.get(field.name()).map(|open| open.value.as_str())
    }
}

/// Why there is no package, in words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EvidenceError {
    /// An entry is none.
    #[error("entry {0} cannot be read")]
    Entry(u64),
    /// The entry of the case records no case.
    #[error("entry {0} records no case")]
    NoCase(u64),
    /// The rule of the case is not among the entries.
    #[error("the rule of the case is not among the entries")]
    NoRule,
    /// The course of the case is not of its form.
    #[error("the course of the case cannot be read")]
    Course,
    /// An opened value is no text.
    #[error("an opened field of entry {0} is no text")]
    Opening(u64),
    /// A part has no form in JSON.
    #[error("a part of the package has no form in JSON")]
    Json,
}

/// Path of an entry's receipt.
fn receipt_path(index: u64) -> String {
    format!("receipts/{index}.tlog-proof")
}

/// Path of what was opened of an entry.
fn opening_path(index: u64) -> String {
    format!("openings/{index}.json")
}
