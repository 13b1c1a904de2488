//! What can be asked, as data: facts and items, dated and versioned. A new one needs no recompile.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::crypto::Digest;
use crate::query::value::{Assertion, Value};
use crate::query::{FactCode, ItemCode, OrganisationId};

/// Facts and items, loaded and checked. Immutable.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    facts: BTreeMap<FactCode, Fact>,
    items: BTreeMap<ItemCode, Vec<Item>>,
    digest: Digest,
}

/// A kind of question one agency can answer.
#[derive(Clone, Debug)]
pub struct Fact {
    /// Code, such as `M2`.
    pub code: FactCode,
    /// Version of the record.
    pub version: String,
    /// English title.
    pub title: String,
    /// Chinese title.
    pub title_zh: String,
    /// Organisation that answers it.
    pub agency: OrganisationId,
    /// Subjects it is asked about.
    pub roles: Vec<Role>,
    /// What a record of it may hold.
    pub attributes: Vec<Attribute>,
    /// What to assert when the caller names nothing.
    pub confirms: Option<Assertion>,
    /// How old an answer may be when nothing else says so.
    pub fresh_for: Duration,
}

/// A place for a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Name, such as `spouse`.
    pub name: String,
    /// `person`, `employer`, `property` or `document`.
    pub kind: String,
    /// May be left out.
    pub optional: bool,
    /// May be filled more than once.
    pub many: bool,
}

/// One attribute of a fact's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Name, such as `married`.
    pub name: String,
    /// Type of its value.
    pub kind: AttributeKind,
    /// Chinese title.
    pub title_zh: String,
    /// May be absent from a record; when it is not, its absence is a contract error.
    pub optional: bool,
}

/// Types of value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeKind {
    /// Yes or no.
    Truth,
    /// Whole number.
    Integer,
    /// Free text.
    Text,
    /// `YYYY-MM-DD`.
    Date,
    /// `YYYY-MM`.
    Month,
    /// One of these.
    Code(Vec<String>),
}

impl AttributeKind {
    /// True when the value is of this type and, for dates, months and codes, of its form.
    pub fn admits(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Truth, Value::Truth(_))
            | (Self::Integer, Value::Integer(_))
            | (Self::Text, Value::Text(_)) => true,
            (Self::Date, Value::Date(text)) => has_shape(text, b"dddd-dd-dd"),
            (Self::Month, Value::Date(text)) => has_shape(text, b"dddd-dd"),
            (Self::Code(codes), Value::Text(text)) => codes.contains(text),
            _ => false,
        }
    }
}

fn has_shape(text: &str, shape: &[u8]) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape).all(|(byte, &place)| match place {
            b'd' => byte.is_ascii_digit(),
            _ => byte == place,
        })
}

/// A service item (事项): what it needs and for how long its rule holds. The rule's graph is not read yet.
#[derive(Clone, Debug)]
pub struct Item {
    /// Code, such as `W3`.
    pub code: ItemCode,
    /// Version of its rule, such as `2026.2`.
    pub version: String,
    /// English title.
    pub title: String,
    /// Chinese title.
    pub title_zh: String,
    /// First day, `YYYY-MM-DD`, China time.
    pub effective_from: String,
    /// Day after the last, empty while open.
    pub effective_to: String,
    /// Facts it may ask for.
    pub facts: Vec<FactCode>,
    /// Codes of papers its answers replace, with their Chinese names.
    pub materials: BTreeMap<String, String>,
}
