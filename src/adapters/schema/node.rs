//! A JSON Schema, as far as the reference reads it: keys stay in the order they are written in.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Number, Value as Json};

/// A schema: rules, or "anything" (`true`) and "nothing" (`false`).
#[derive(serde::Deserialize)]
#[serde(untagged)]
pub(super) enum Schema {
    Bool(bool),
    Rules(Box<Node>),
}

/// Rules.
#[derive(Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Node {
    #[serde(rename = "$ref")]
    pub(super) reference: Option<String>,
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Option<Json>,
    #[serde(rename = "enum")]
    pub(super) values: Vec<Json>,
    #[serde(rename = "default")]
    pub(super) usual: Option<Json>,
    pub(super) minimum: Option<Number>,
    pub(super) maximum: Option<Number>,
    pub(super) exclusive_minimum: Option<Number>,
    pub(super) properties: Entries,
    pub(super) items: Option<Schema>,
    pub(super) additional_properties: Option<Schema>,
    pub(super) required: Vec<String>,
    pub(super) all_of: Vec<Schema>,
    pub(super) definitions: Entries,
}

/// Schemas by name, in the order of the text.
#[derive(Default)]
pub(super) struct Entries(pub(super) Vec<(String, Schema)>);

impl Schema {
    /// Its rules, where it has any.
    pub(super) fn rules(&self) -> Option<&Node> {
        match self {
            Self::Bool(_) => None,
            Self::Rules(node) => Some(node),
        }
    }
}

impl Node {
    /// The definition that it stands for, by name.
    pub(super) fn definition(&self) -> Option<&str> {
        self.reference.as_deref()?.strip_prefix("#/definitions/")
    }

    /// True of a table whose keys are given.
    pub(super) fn is_table(&self) -> bool {
        !self.properties.0.is_empty()
    }
}

impl Entries {
    /// The schema of that name.
    pub(super) fn get(&self, name: &str) -> Option<&Schema> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, schema)| schema)
    }
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("schemas by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}
