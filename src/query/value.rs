//! Values, assertions about them, and the six verdicts.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// One value of one attribute. Money is an integer in fen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Yes or no.
    Truth(bool),
    /// A count, an amount in fen, a number of months.
    Integer(i64),
    /// Text, or one code of the attribute's table.
    Text(String),
    /// `YYYY-MM-DD`, or `YYYY-MM` for a month; both order as text.
    Date(String),
    /// Persons, each by name and number. Values only: nothing is asserted about them.
    People(Vec<Named>),
}

impl Value {
    /// An estimate of the memory that its texts take.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Truth(_) | Self::Integer(_) => 0,
            Self::Text(text) | Self::Date(text) => text.len(),
            Self::People(people) => {
                people.iter().map(|one| 48 + one.name.len() + one.number.len()).sum()
            }
        }
    }

    /// As people's JSON shows it: dates as text, persons as objects with `name` and `number`.
    pub fn plain(&self) -> Json {
        match self {
            Self::Truth(truth) => json!(truth),
            Self::Integer(integer) => json!(integer),
            Self::Text(text) | Self::Date(text) => json!(text),
            Self::People(people) => json!(people),
        }
    }
}

/// A citizen in an answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// As the agency writes it.
    pub name: String,
    /// 公民身份号码, 18 characters.
    pub number: String,
}

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Named")
    }
}

/// A predicate about one attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// Attribute of the fact.
    pub attribute: String,
    /// How to compare.
    pub comparison: Comparison,
    /// Against what: one value, several for `In`, none for `Exists`.
    pub values: Vec<Value>,
}

/// How an assertion compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// `=`
    Eq,
    /// `≠`
    Ne,
    /// `<`
    Lt,
    /// `≤`
    Le,
    /// `>`
    Gt,
    /// `≥`
    Ge,
    /// One of several.
    In,
    /// The agency holds a value.
    Exists,
    /// Equal names after folding (see [`super::name`]).
    NameMatch,
}

impl Comparison {
    /// Stable name, as entries and agreements write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Lt => "lt",
            Self::Le => "le",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::In => "in",
            Self::Exists => "exists",
            Self::NameMatch => "name_match",
        }
    }

    /// The comparison of that stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Eq,
            Self::Ne,
            Self::Lt,
            Self::Le,
            Self::Gt,
            Self::Ge,
            Self::In,
            Self::Exists,
            Self::NameMatch,
        ]
        .into_iter()
        .find(|comparison| comparison.name() == name)
    }
}

/// What was found out. Only `Confirmed` and `Refuted` are knowledge; the rest never become a "no".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// The assertion holds.
    Confirmed,
    /// An authoritative record says otherwise.
    Refuted,
    /// The agency has no record.
    NotFound,
    /// True of a record older than was asked for.
    Stale,
    /// The agency's own records disagree.
    Conflict,
    /// No answer could be had.
    Unavailable,
}

impl Verdict {
    /// The stable name on the wire, in commands and in entries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "CONFIRMED",
            Self::Refuted => "REFUTED",
            Self::NotFound => "NOT_FOUND",
            Self::Stale => "STALE",
            Self::Conflict => "CONFLICT",
            Self::Unavailable => "UNAVAILABLE",
        }
    }

    /// The verdict of that stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Confirmed,
            Self::Refuted,
            Self::NotFound,
            Self::Stale,
            Self::Conflict,
            Self::Unavailable,
        ]
        .into_iter()
        .find(|verdict| verdict.name() == name)
    }
}
