//! Reading the catalogue's files, strictly: every flaw with its file and line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::rule::{self, Around, RuleRecord, Written};
use super::{Attribute, AttributeKind, Catalogue, Channel, Fact, Item, Role};
use crate::crypto::{Digest, sha256_parts};
use crate::finding::{self, Finding};
use crate::query::time::span;
use crate::query::value::{Assertion, Comparison, Value, Verdict};
use crate::query::{FactCode, ItemCode, OrganisationId};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FactFile {
    #[serde(default)]
    fact: Vec<FactRecord>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FactRecord {
    code: Spanned<String>,
    version: String,
    effective_from: Spanned<String>,
    agency: String,
    title: String,
    title_zh: String,
    #[serde(deserialize_with = "span::deserialize")]
    fresh_for: Duration,
    roles: Spanned<Vec<RoleRecord>>,
    attributes: Spanned<Vec<AttributeRecord>>,
    confirms: Option<Spanned<AssertionRecord>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleRecord {
    name: String,
    kind: SubjectName,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    many: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SubjectName {
    Person,
    Employer,
    Property,
    Document,
}

impl SubjectName {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Employer => "employer",
            Self::Property => "property",
            Self::Document => "document",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AttributeRecord {
    name: Spanned<String>,
    #[serde(rename = "type")]
    kind: TypeName,
    title_zh: String,
    #[serde(default)]
    optional: bool,
    codes: Option<Vec<String>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TypeName {
    Truth,
    Integer,
    Text,
    Date,
    Month,
    Code,
    People,
}

/// The type of that name; `codes` belong to codes only.
pub(super) fn kind_of(name: TypeName, codes: &[String]) -> AttributeKind {
    match name {
        TypeName::Truth => AttributeKind::Truth,
        TypeName::Integer => AttributeKind::Integer,
        TypeName::Text => AttributeKind::Text,
        TypeName::Date => AttributeKind::Date,
        TypeName::Month => AttributeKind::Month,
        TypeName::Code => AttributeKind::Code(codes.to_vec()),
        TypeName::People => AttributeKind::People,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AssertionRecord {
    attribute: String,
    comparison: Comparison,
    #[serde(default)]
    values: Vec<Literal>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Literal {
    Truth(bool),
    Integer(i64),
    Text(String),
}

impl Literal {
    /// As a value of that type where it can be read so; else as it stands, to be refused.
    pub(super) fn value(&self, kind: Option<&AttributeKind>) -> Value {
        match self {
            Self::Truth(truth) => Value::Truth(*truth),
            Self::Integer(integer) => Value::Integer(*integer),
            Self::Text(text) => match kind {
                Some(AttributeKind::Date | AttributeKind::Month) => Value::Date(text.clone()),
                _ => Value::Text(text.clone()),
            },
        }
    }

    /// As a verdict by its stable name.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        match self {
            Self::Text(text) => Verdict::from_name(text),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemFile {
    #[serde(default)]
    item: Vec<ItemRecord>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemRecord {
    code: Spanned<String>,
    version: String,
    effective_from: Spanned<String>,
    effective_to: Option<Spanned<String>>,
    title: String,
    title_zh: String,
    channel: Channel,
    facts: Vec<Spanned<String>>,
    #[serde(default)]
    materials: BTreeMap<String, String>,
}

/// One file being read: where its flaws are noted.
pub(super) struct Page<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
    pub(super) findings: &'a mut Vec<Finding>,
}

impl Page<'_> {
    pub(super) fn flaw<T>(&mut self, at: &Spanned<T>, problem: String) {
        self.findings.push(Finding::at(self.file, self.text, at.span().start, problem));
    }

    /// A day of the calendar as `YYYY-MM-DD`.
    fn day(&mut self, text: &Spanned<String>) -> String {
        let day = text.get_ref();
        if !AttributeKind::Date.admits(&Value::Date(day.clone()))
            || day.parse::<jiff::civil::Date>().is_err()
        {
            self.flaw(text, format!("`{day}` is no day such as \"2026-09-20\""));
        }
        day.clone()
    }

    fn code(&mut self, code: &Spanned<String>) {
        let text = code.get_ref();
        let formed = (1..=16).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if !formed {
            self.flaw(
                code,
                format!("the code `{text}` must be 1 to 16 capital letters and digits"),
            );
        }
    }
}

/// Reads `facts` and `items`, and `rules` where there are any.
pub(super) fn load(folder: &Path) -> Result<Catalogue, Vec<Finding>> {
    let mut findings = Vec::new();
    let facts = texts(&folder.join("facts"), &mut findings);
    let items = texts(&folder.join("items"), &mut findings);
    let rules = folder.join("rules");
    let rules = if rules.is_dir() { texts(&rules, &mut findings) } else { Vec::new() };
    let mut catalogue =
        Catalogue { digest: digest(folder, &[&facts, &items, &rules]), ..Catalogue::default() };
    for (file, text) in &facts {
        match finding::parse_toml::<FactFile>(file, text) {
            Ok(records) => {
                let mut page = Page { file, text, findings: &mut findings };
                for record in records.fact {
                    enter_fact(record, &mut catalogue, &mut page);
                }
            }
            Err(finding) => findings.push(finding),
        }
    }
    // When facts are missing, items that name them are not to blame.
    let facts_complete = findings.is_empty();
    for (file, text) in &items {
        match finding::parse_toml::<ItemFile>(file, text) {
            Ok(records) => {
                let mut page = Page { file, text, findings: &mut findings };
                for record in records.item {
                    enter_item(record, &mut catalogue, facts_complete, &mut page);
                }
            }
            Err(finding) => findings.push(finding),
        }
    }
    if findings.is_empty() {
        enter_rules(&rules, &mut catalogue, &mut findings);
    }
    if findings.is_empty() && catalogue.facts.is_empty() {
        findings.push(Finding::new(folder, "the catalogue has no fact: nothing could be asked"));
    }
    if findings.is_empty() { Ok(catalogue) } else { Err(findings) }
}

fn texts(folder: &Path, findings: &mut Vec<Finding>) -> Vec<(PathBuf, String)> {
    let files = match finding::files_in(folder, "toml") {
        Ok(files) => files,
        Err(finding) => {
            findings.push(finding);
            return Vec::new();
        }
    };
    let mut texts = Vec::with_capacity(files.len());
    for file in files {
        match finding::read_text(&file) {
            Ok(text) => texts.push((file, text)),
            Err(finding) => findings.push(finding),
        }
    }
    texts
}

/// Over name, length and bytes of each file, facts first: no two catalogues give the same sequence.
fn digest(folder: &Path, files: &[&[(PathBuf, String)]]) -> Digest {
    let mut parts: Vec<Vec<u8>> = Vec::new();
    for (file, text) in files.iter().copied().flatten() {
        let name = file.strip_prefix(folder).unwrap_or(file).to_string_lossy();
        parts.push(name.as_bytes().to_vec());
        parts.push(vec![0]);
        parts.push(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes().to_vec());
        parts.push(text.as_bytes().to_vec());
    }
    sha256_parts(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn enter_fact(record: FactRecord, catalogue: &mut Catalogue, page: &mut Page<'_>) {
    page.code(&record.code);
    page.day(&record.effective_from);
    let roles = roles(&record.roles, page);
    let attributes = attributes(&record.attributes, page);
    let mut fact = Fact {
        code: FactCode::new(record.code.get_ref().as_str()),
        version: record.version,
        title: record.title,
        title_zh: record.title_zh,
        agency: OrganisationId::new(record.agency),
        roles,
        attributes,
        confirms: None,
        fresh_for: record.fresh_for,
    };
    if let Some(confirms) = &record.confirms {
        let assertion = assertion(confirms.get_ref(), &fact);
        if let Err((field, check)) = fact.check_assertion(&assertion) {
            page.flaw(confirms, format!("`confirms.{field}` does not fit the attribute ({check})"));
        }
        fact.confirms = Some(assertion);
    }
    if catalogue.facts.contains_key(&fact.code) {
        page.flaw(&record.code, format!("the fact `{}` is there already", fact.code));
    }
    catalogue.facts.insert(fact.code.clone(), fact);
}

fn roles(records: &Spanned<Vec<RoleRecord>>, page: &mut Page<'_>) -> Vec<Role> {
    let mut names = BTreeSet::new();
    for role in records.get_ref() {
        if !names.insert(role.name.as_str()) {
            page.flaw(records, format!("the role `{}` is listed twice", role.name));
        }
    }
    if names.is_empty() {
        page.flaw(records, "`roles` is empty: the fact would be about nobody".to_owned());
    }
    let role = |role: &RoleRecord| Role {
        name: role.name.clone(),
        kind: role.kind.name().to_owned(),
        optional: role.optional,
        many: role.many,
    };
    records.get_ref().iter().map(role).collect()
}

fn attributes(records: &Spanned<Vec<AttributeRecord>>, page: &mut Page<'_>) -> Vec<Attribute> {
    let mut names = BTreeSet::new();
    let mut attributes = Vec::with_capacity(records.get_ref().len());
    for record in records.get_ref() {
        let name = record.name.get_ref();
        if !names.insert(name.as_str()) {
            page.flaw(&record.name, format!("the attribute `{name}` is listed twice"));
        }
        let codes = record.codes.clone().unwrap_or_default();
        if matches!(record.kind, TypeName::Code) != !codes.is_empty() {
            page.flaw(
                &record.name,
                format!("`{name}`: `codes` belongs to the type `code`, and is not empty there"),
            );
        }
        attributes.push(Attribute {
            name: name.clone(),
            kind: kind_of(record.kind, &codes),
            title_zh: record.title_zh.clone(),
            optional: record.optional,
        });
    }
    if attributes.is_empty() {
        page.flaw(records, "`attributes` is empty: nothing could be asked".to_owned());
    }
    attributes
}

/// The assertion with values of the attribute's type where they can be read so; else as they stand, to be refused.
fn assertion(record: &AssertionRecord, fact: &Fact) -> Assertion {
    let kind = fact.attribute(&record.attribute).map(|attribute| &attribute.kind);
    Assertion {
        attribute: record.attribute.clone(),
        comparison: record.comparison,
        values: record.values.iter().map(|literal| literal.value(kind)).collect(),
    }
}

fn enter_item(
    record: ItemRecord,
    catalogue: &mut Catalogue,
    facts_complete: bool,
    page: &mut Page<'_>,
) {
    page.code(&record.code);
    let code = ItemCode::new(record.code.get_ref().as_str());
    let effective_from = page.day(&record.effective_from);
    let effective_to =
        record.effective_to.as_ref().map(|day| (page.day(day), day)).map(|(day, place)| {
            if day <= effective_from {
                page.flaw(place, "`effective_to` must be after `effective_from`".to_owned());
            }
            day
        });
    let mut facts: Vec<FactCode> = Vec::with_capacity(record.facts.len());
    for fact in &record.facts {
        let named = FactCode::new(fact.get_ref().as_str());
        if facts_complete && !catalogue.facts.contains_key(&named) {
            page.flaw(
                fact,
                format!("the item `{code}` names the fact `{named}`, which no file has"),
            );
        }
        if facts.contains(&named) {
            page.flaw(fact, format!("the item `{code}` names the fact `{named}` twice"));
        }
        facts.push(named);
    }
    let item = Item {
        code: code.clone(),
        version: record.version,
        title: record.title,
        title_zh: record.title_zh,
        channel: record.channel,
        effective_from,
        effective_to: effective_to.unwrap_or_default(),
        facts,
        materials: record.materials,
        rule: None,
    };
    let versions = catalogue.items.entry(code.clone()).or_default();
    if versions.iter().any(|known| known.version == item.version) {
        page.flaw(&record.code, format!("`{code}` version `{}` is there already", item.version));
    } else if let Some(other) = versions.iter().find(|known| overlap(known, &item)) {
        let problem = format!(
            "`{code}` version `{}` overlaps version `{}`: end one on the day the other begins",
            item.version, other.version
        );
        page.flaw(&record.effective_from, problem);
    }
    versions.push(item);
    versions.sort_by(|one, other| one.effective_from.cmp(&other.effective_from));
}

/// Each rule belongs to the version of an item that it names.
fn enter_rules(
    rules: &[(PathBuf, String)],
    catalogue: &mut Catalogue,
    findings: &mut Vec<Finding>,
) {
    for (file, text) in rules {
        match finding::parse_toml::<RuleRecord>(file, text) {
            Ok(record) => {
                let mut page = Page { file, text, findings };
                enter_rule(&record, text, catalogue, &mut page);
            }
            Err(finding) => findings.push(finding),
        }
    }
}

fn enter_rule(record: &RuleRecord, text: &str, catalogue: &mut Catalogue, page: &mut Page<'_>) {
    let Catalogue { facts, items, .. } = catalogue;
    let code = record.item.get_ref().as_str();
    let item = items
        .get_mut(code)
        .and_then(|versions| versions.iter_mut().find(|item| item.version == record.version));
    let Some(item) = item else {
        let version = &record.version;
        page.flaw(&record.item, format!("there is no version `{version}` of an item `{code}`"));
        return;
    };
    if item.rule.is_some() {
        page.flaw(&record.item, format!("`{code}` version `{}` has a rule already", item.version));
    }
    let rule = rule::read(record, Some(Around { facts, item }), page);
    item.rule = Some(Arc::new(Written::new(rule, text)));
}

/// An empty end is open; days order as text.
fn overlap(one: &Item, other: &Item) -> bool {
    let ends_before = |first: &Item, second: &Item| {
        !first.effective_to.is_empty() && first.effective_to <= second.effective_from
    };
    !ends_before(one, other) && !ends_before(other, one)
}

#[cfg(test)]
mod tests;
