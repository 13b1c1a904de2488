//! What can be asked, as data: facts and items, dated and versioned. A new one needs no recompile.

mod load;
pub mod rule;
pub mod schema;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use self::rule::Written;
use crate::crypto::Digest;
use crate::finding::Finding;
use crate::query::identifier;
use crate::query::value::{Assertion, Comparison, Named, Value};
use crate::query::{FactCode, ItemCode, OrganisationId};

/// Facts and items, loaded and checked. Immutable.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    facts: BTreeMap<FactCode, Fact>,
    items: BTreeMap<ItemCode, Vec<Item>>,
    digest: Digest,
}

impl Catalogue {
    /// Reads every `*.toml` of the folders `facts`, `items` and `rules` inside this one.
    ///
    /// # Errors
    /// Every flaw found; a catalogue with one flaw is not used at all.
    pub fn load(folder: &Path) -> Result<Self, Vec<Finding>> {
        load::load(folder)
    }

    /// The fact of that code.
    pub fn fact(&self, code: &FactCode) -> Option<&Fact> {
        self.facts.get(code)
    }

    /// Every fact, by code.
    pub fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.facts.values()
    }

    /// That version of the item.
    pub fn item(&self, code: &ItemCode, version: &str) -> Option<&Item> {
        self.items.get(code)?.iter().find(|item| item.version == version)
    }

    /// Every version of every item, by code and then by first day.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.items.values().flatten()
    }

    /// The version of the item that holds on a day, `YYYY-MM-DD`, China time.
    pub fn item_on(&self, code: &ItemCode, day: &str) -> Option<&Item> {
        self.items.get(code)?.iter().find(|item| item.holds_on(day))
    }

    /// True when any version of the item exists.
    pub fn has_item(&self, code: &ItemCode) -> bool {
        self.items.contains_key(code)
    }

    /// SHA-256 over the names and bytes of its files, in order.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }
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

impl Fact {
    /// The attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// The role of that name.
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.name == name)
    }

    /// Whether the assertion can be judged at all: known attribute, fitting comparison, right number and type of values.
    ///
    /// # Errors
    /// The field of the assertion and the stable code of the check: (`attribute`, `unknown_attribute`),
    /// (`comparison`, `comparison_unfit`), (`values`, `values_count`) or (`values`, `value_type`).
    pub fn check_assertion(
        &self,
        assertion: &Assertion,
    ) -> Result<(), (&'static str, &'static str)> {
        let Some(attribute) = self.attribute(&assertion.attribute) else {
            return Err(("attribute", "unknown_attribute"));
        };
        if !attribute.kind.compares(assertion.comparison) {
            return Err(("comparison", "comparison_unfit"));
        }
        let count = assertion.values.len();
        let counted = match assertion.comparison {
            Comparison::Exists => count == 0,
            // More alternatives than this is a list to search through, not a question.
            Comparison::In => (1..=32).contains(&count),
            _ => count == 1,
        };
        if !counted {
            return Err(("values", "values_count"));
        }
        if assertion.values.iter().all(|value| attribute.kind.admits(value)) {
            Ok(())
        } else {
            Err(("values", "value_type"))
        }
    }
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
    /// Persons, each by name and citizen's number.
    People,
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
            (Self::People, Value::People(people)) => are_people(people),
            _ => false,
        }
    }

    /// True when the comparison means something for values of this type.
    pub fn compares(&self, comparison: Comparison) -> bool {
        match comparison {
            Comparison::Exists => true,
            Comparison::Eq | Comparison::Ne | Comparison::In => !matches!(self, Self::People),
            Comparison::Lt | Comparison::Le | Comparison::Gt | Comparison::Ge => {
                matches!(self, Self::Integer | Self::Date | Self::Month)
            }
            Comparison::NameMatch => matches!(self, Self::Text),
        }
    }

    /// Name in files and on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Truth => "truth",
            Self::Integer => "integer",
            Self::Text => "text",
            Self::Date => "date",
            Self::Month => "month",
            Self::Code(_) => "code",
            Self::People => "people",
        }
    }
}

/// Most persons that one answer may list; the largest household book seen has 19.
const PEOPLE_MOST: usize = 32;

/// True of persons whose numbers are citizens' numbers in their one form, none of them nameless or there twice.
fn are_people(people: &[Named]) -> bool {
    let formed = |one: &Named| {
        !one.name.trim().is_empty()
            && identifier::citizen_id(&one.number).as_deref() == Ok(one.number.as_str())
    };
    let numbers: BTreeSet<&str> = people.iter().map(|one| one.number.as_str()).collect();
    people.len() <= PEOPLE_MOST && numbers.len() == people.len() && people.iter().all(formed)
}

fn has_shape(text: &str, shape: &[u8]) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape).all(|(byte, &place)| match place {
            b'd' => byte.is_ascii_digit(),
            _ => byte == place,
        })
}

/// A service item (事项): what it may ask for, for how long, and its rule.
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
    /// How far it can be done without a visit.
    pub channel: Channel,
    /// First day, `YYYY-MM-DD`, China time.
    pub effective_from: String,
    /// Day after the last, empty while open.
    pub effective_to: String,
    /// Facts it may ask for.
    pub facts: Vec<FactCode>,
    /// Codes of papers its answers replace, with their Chinese names.
    pub materials: BTreeMap<String, String>,
    /// What an application for it must show; `None` where none is written, and no case can be run.
    pub rule: Option<Arc<Written>>,
}

impl Item {
    /// True when this version holds on that day, `YYYY-MM-DD`; days order as text.
    pub fn holds_on(&self, day: &str) -> bool {
        self.effective_from.as_str() <= day
            && (self.effective_to.is_empty() || day < self.effective_to.as_str())
    }
}

/// How far an item can be done without a visit today.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// From end to end.
    Online,
    /// Applied for online, finished at the counter.
    PreApplication,
    /// At the counter only.
    Offline,
}

impl Channel {
    /// Stable name, as files write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::PreApplication => "pre-application",
            Self::Offline => "offline",
        }
    }
}
