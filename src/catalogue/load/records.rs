//! The records as their authors write them, and what must be true of each by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;

use crate::catalogue::{Attribute, AttributeKind, Channel, Fact, Item, Role};
use crate::query::time::span;
use crate::query::value::{Assertion, Comparison, Value};
use crate::query::{FactCode, ItemCode, OrganisationId};

/// A file of records.
pub(super) trait Parse: DeserializeOwned {
    type Record;
    fn records(self) -> Vec<Spanned<Self::Record>>;
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FactFile {
    fact: Vec<Spanned<FactRecord>>,
}

impl Parse for FactFile {
    type Record = FactRecord;
    fn records(self) -> Vec<Spanned<FactRecord>> {
        self.fact
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ItemFile {
    item: Vec<Spanned<ItemRecord>>,
}

impl Parse for ItemFile {
    type Record = ItemRecord;
    fn records(self) -> Vec<Spanned<ItemRecord>> {
        self.item
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FactRecord {
    code: String,
    version: String,
    effective_from: String,
    agency: String,
    title: String,
    title_zh: String,
    #[serde(deserialize_with = "span::deserialize")]
    fresh_for: Duration,
    roles: Vec<RoleRecord>,
    attributes: Vec<AttributeRecord>,
    confirms: Option<AssertionRecord>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleRecord {
    name: String,
    kind: String,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    many: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AttributeRecord {
    name: String,
    r#type: String,
    title_zh: String,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    codes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AssertionRecord {
    attribute: String,
    comparison: String,
    values: Vec<Plain>,
}

/// A value as TOML has it; the attribute's type says whether text is a date.
#[derive(Deserialize)]
#[serde(untagged)]
enum Plain {
    Truth(bool),
    Integer(i64),
    Text(String),
}

impl FactRecord {
    /// The fact, and what is wrong with it.
    pub(super) fn check(self) -> (Fact, Vec<String>) {
        let mut problems = Vec::new();
        check_code(&self.code, &mut problems);
        check_date("effective_from", &self.effective_from, &mut problems);
        let roles: Vec<Role> =
            self.roles.into_iter().map(|role| role.check(&mut problems)).collect();
        let attributes: Vec<Attribute> =
            self.attributes.into_iter().map(|attribute| attribute.check(&mut problems)).collect();
        if roles.is_empty() {
            problems.push("`roles` is empty: nobody could be asked about".to_owned());
        }
        let mut fact = Fact {
            code: FactCode::new(self.code),
            version: self.version,
            title: self.title,
            title_zh: self.title_zh,
            agency: OrganisationId::new(self.agency),
            roles,
            attributes,
            confirms: None,
            fresh_for: self.fresh_for,
        };
        if let Some(confirms) = self.confirms {
            match confirms.assertion(&fact) {
                Ok(assertion) => fact.confirms = Some(assertion),
                Err(problem) => problems.push(problem),
            }
        }
        (fact, problems)
    }
}

impl RoleRecord {
    fn check(self, problems: &mut Vec<String>) -> Role {
        if !["person", "employer", "property", "document"].contains(&self.kind.as_str()) {
            problems.push(format!(
                "role `{}`: `kind` must be `person`, `employer`, `property` or `document`",
                self.name
            ));
        }
        Role { name: self.name, kind: self.kind, optional: self.optional, many: self.many }
    }
}

impl AttributeRecord {
    fn check(self, problems: &mut Vec<String>) -> Attribute {
        let kind = match self.r#type.as_str() {
            "truth" => AttributeKind::Truth,
            "integer" => AttributeKind::Integer,
            "text" => AttributeKind::Text,
            "date" => AttributeKind::Date,
            "month" => AttributeKind::Month,
            "code" => AttributeKind::Code(self.codes.clone()),
            _ => {
                problems.push(format!(
                    "attribute `{}`: `type` must be `truth`, `integer`, `text`, `date`, `month` or `code`",
                    self.name
                ));
                AttributeKind::Text
            }
        };
        if matches!(kind, AttributeKind::Code(_)) == self.codes.is_empty() {
            problems.push(format!("attribute `{}`: `codes` go with `type = \"code\"`", self.name));
        }
        Attribute { name: self.name, kind, title_zh: self.title_zh, optional: self.optional }
    }
}

impl AssertionRecord {
    fn assertion(self, fact: &Fact) -> Result<Assertion, String> {
        let comparison = Comparison::from_name(&self.comparison)
            .ok_or_else(|| format!("`confirms`: `{}` is no comparison", self.comparison))?;
        let dated = fact.attribute(&self.attribute).is_some_and(|attribute| {
            matches!(attribute.kind, AttributeKind::Date | AttributeKind::Month)
        });
        let values = self
            .values
            .into_iter()
            .map(|value| match value {
                Plain::Truth(truth) => Value::Truth(truth),
                Plain::Integer(integer) => Value::Integer(integer),
                Plain::Text(text) if dated => Value::Date(text),
                Plain::Text(text) => Value::Text(text),
            })
            .collect();
        let assertion = Assertion { attribute: self.attribute, comparison, values };
        match fact.check_assertion(&assertion) {
            Ok(()) => Ok(assertion),
            Err((field, check)) => {
                Err(format!("`confirms.{field}` does not fit the attribute: {check}"))
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ItemRecord {
    code: String,
    version: String,
    effective_from: String,
    #[serde(default)]
    effective_to: String,
    title: String,
    title_zh: String,
    channel: Channel,
    facts: Vec<String>,
    #[serde(default)]
    materials: BTreeMap<String, String>,
}

impl ItemRecord {
    /// The item, and what is wrong with it.
    pub(super) fn check(self) -> (Item, Vec<String>) {
        let mut problems = Vec::new();
        check_code(&self.code, &mut problems);
        check_date("effective_from", &self.effective_from, &mut problems);
        if !self.effective_to.is_empty() {
            check_date("effective_to", &self.effective_to, &mut problems);
            if self.effective_to <= self.effective_from {
                problems.push("`effective_to` must be after `effective_from`".to_owned());
            }
        }
        let item = Item {
            code: ItemCode::new(self.code),
            version: self.version,
            title: self.title,
            title_zh: self.title_zh,
            channel: self.channel,
            effective_from: self.effective_from,
            effective_to: self.effective_to,
            facts: self.facts.into_iter().map(FactCode::new).collect(),
            materials: self.materials,
        };
        (item, problems)
    }
}

/// Codes go into entries in clear and are what callers type.
fn check_code(code: &str, problems: &mut Vec<String>) {
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    if code.is_empty() || code.len() > 8 || !code.bytes().all(allowed) {
        problems.push(format!("`{code}` must be 1 to 8 capital letters and digits"));
    }
}

fn check_date(key: &str, text: &str, problems: &mut Vec<String>) {
    if text.len() != 10 || text.parse::<jiff::civil::Date>().is_err() {
        problems.push(format!("`{key}` must be a day such as \"2026-09-20\""));
    }
}
