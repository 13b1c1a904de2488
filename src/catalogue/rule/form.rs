//! The keys of a rule's file, as people write them. Unknown keys are errors; what refers to something keeps its place.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::super::load::{Literal, SubjectName, TypeName};
use super::{Across, Registrar, Round, Whose};
use crate::query::time::span;
use crate::query::value::{Comparison, Verdict};

/// The file of one rule.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::catalogue) struct RuleRecord {
    pub item: Spanned<String>,
    pub version: String,
    pub legal_basis: Vec<String>,
    pub person_decides: Option<String>,
    #[serde(default)]
    pub parameters: BTreeMap<Spanned<String>, i64>,
    #[serde(default)]
    pub party: Vec<PartyRecord>,
    #[serde(default)]
    pub given: Vec<GivenRecord>,
    #[serde(default)]
    pub external: Vec<ExternalRecord>,
    #[serde(default)]
    pub group: Vec<GroupRecord>,
    #[serde(default)]
    pub question: Vec<QuestionRecord>,
    #[serde(default)]
    pub need: Vec<NeedRecord>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::catalogue) struct PartyRecord {
    pub name: Spanned<String>,
    pub title_zh: String,
    pub kind: SubjectName,
    #[serde(default)]
    pub optional: bool,
    #[serde(default)]
    pub many: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::catalogue) struct GivenRecord {
    pub name: Spanned<String>,
    pub title_zh: String,
    #[serde(rename = "type")]
    pub kind: TypeName,
    #[serde(default)]
    pub codes: Vec<String>,
    pub whose: Whose,
    #[serde(default)]
    pub optional: bool,
    pub least: Option<Spanned<i64>>,
    pub most: Option<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::catalogue) struct ExternalRecord {
    pub name: Spanned<String>,
    pub title_zh: String,
    pub issuer: String,
    #[serde(default, deserialize_with = "span::optional::deserialize")]
    pub fresh_for: Option<Duration>,
    #[serde(default)]
    pub suffices: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::catalogue) struct GroupRecord {
    pub name: Spanned<String>,
    pub title_zh: String,
    #[serde(default)]
    pub of: Vec<Spanned<String>>,
    pub found_by: Option<Spanned<String>>,
    pub person: Option<Spanned<PersonRecord>>,
    pub people: Option<Spanned<String>>,
    pub declared: Option<Spanned<String>>,
    pub shown_by: Option<Spanned<String>>,
    pub nobody_when: Option<Vec<Verdict>>,
    pub nobody_with: Option<Spanned<String>>,
    pub younger_than: Option<Spanned<Threshold>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::catalogue) struct PersonRecord {
    pub name: String,
    pub number: String,
}

/// A number, or the name of a parameter.
#[derive(Deserialize)]
#[serde(untagged)]
pub(in crate::catalogue) enum Threshold {
    Number(i64),
    Parameter(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::catalogue) struct QuestionRecord {
    pub name: Spanned<String>,
    pub fact: Spanned<String>,
    pub about: Spanned<BTreeMap<String, Spanned<String>>>,
    pub each: Option<Spanned<String>>,
    #[serde(default)]
    pub assert: Vec<Spanned<AssertedRecord>>,
    #[serde(default)]
    pub disclose: Vec<Spanned<String>>,
    #[serde(default)]
    pub across: Across,
    #[serde(default)]
    pub when: Vec<Spanned<ConditionRecord>>,
    #[serde(default, deserialize_with = "span::optional::deserialize")]
    pub fresh_for: Option<Duration>,
    pub material: Option<Spanned<String>>,
    #[serde(default = "yes")]
    pub authoritative: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::catalogue) struct AssertedRecord {
    pub attribute: String,
    pub comparison: Comparison,
    #[serde(default)]
    pub values: Vec<OperandRecord>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(in crate::catalogue) enum OperandRecord {
    Literal(Literal),
    Computed(ComputedRecord),
}

/// One of the first five; the others make another number of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::catalogue) struct ComputedRecord {
    pub parameter: Option<String>,
    pub given: Option<String>,
    pub number_of: Option<String>,
    pub months_ago: Option<Threshold>,
    pub days_ago: Option<Threshold>,
    pub times: Option<Threshold>,
    pub over: Option<Threshold>,
    pub step: Option<Threshold>,
    pub round: Option<Round>,
}

/// One of `question`, `given`, `party`, `external`, and what it must be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::catalogue) struct ConditionRecord {
    pub question: Option<String>,
    pub given: Option<String>,
    pub party: Option<String>,
    pub external: Option<String>,
    #[serde(default)]
    pub is: Vec<Literal>,
    #[serde(default)]
    pub document: Vec<String>,
    #[serde(default)]
    pub registrar: Vec<Registrar>,
    #[serde(default)]
    pub not: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::catalogue) struct NeedRecord {
    pub name: Spanned<String>,
    pub title: String,
    pub title_zh: String,
    pub question: Option<Spanned<String>>,
    pub given: Option<Spanned<String>>,
    pub comparison: Option<Comparison>,
    pub value: Option<OperandRecord>,
    pub external: Option<Spanned<String>>,
    pub complete: Option<Spanned<String>>,
    pub any: Option<Vec<Spanned<String>>>,
    pub all: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    pub when: Vec<Spanned<ConditionRecord>>,
    #[serde(default)]
    pub bring: Vec<Spanned<String>>,
}
