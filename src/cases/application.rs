//! An application as it is handed in: who and what it names, what it states, what is attached.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::course::{Course, Shape};
use super::day;
use crate::catalogue::AttributeKind;
use crate::catalogue::rule::{By, Given, Operand, Registrar, Rule};
use crate::crypto::Digest;
use crate::query::subject::SubjectKind;
use crate::query::value::{Comparison, Value};

/// Most subjects of one party; more than any fact takes at once.
pub const PARTY_MOST: usize = 16;

/// An application. Holds personal data: no `Debug`.
#[derive(Clone)]
pub struct Application {
    /// The day it was submitted, China time: which version of the rule holds, and what "months ago" counts from.
    pub submitted_on: Date,
    /// The day on which the case runs: what is attached may be of this day, and how old it is counts from it.
    pub run_on: Date,
    /// Subjects by party.
    pub parties: BTreeMap<String, Vec<SubjectKind>>,
    /// Stated values by name.
    pub given: BTreeMap<String, Value>,
    /// Evidence by name.
    pub evidence: BTreeMap<String, Attached>,
}

/// Evidence from outside the agencies: provided, never verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// Who issued it, as the application says.
    pub issuer: String,
    /// SHA-256 of the file.
    pub digest: Digest,
    /// The day it was issued.
    #[serde(with = "day")]
    pub issued_on: Date,
}

/// What is wrong with an application: the field, and the stable code of the check it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Path such as `parties.applicant`.
    pub field: String,
    /// `missing`, `unknown`, `wrong_kind`, `repeated`, `too_many`, `value_type`, `too_small`, `too_large`, `issuer`, `date`.
    pub check: &'static str,
}

impl Application {
    /// Everything about it that the rule does not take.
    pub fn flaws(&self, rule: &Rule) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        let mut flaw = |field: String, check| flaws.push(Flaw { field, check });
        for party in &rule.parties {
            let field = format!("parties.{}", party.name);
            let named = self.parties.get(&party.name).map(Vec::as_slice).unwrap_or_default();
            match named.len() {
                0 if !party.optional => flaw(field, "missing"),
                0 => {}
                _ if named.iter().any(|subject| subject.name() != party.kind) => {
                    flaw(field, "wrong_kind")
                }
                count if count > 1 && !party.many => flaw(field, "repeated"),
                count if count > PARTY_MOST => flaw(field, "too_many"),
                _ => {}
            }
        }
        for name in self.parties.keys().filter(|name| rule.party(name).is_none()) {
            flaw(format!("parties.{name}"), "unknown");
        }
        for given in &rule.given {
            let field = format!("given.{}", given.name);
            match self.given.get(&given.name) {
                None if !given.optional => flaw(field, "missing"),
                Some(value) if !given.kind.admits(value) || !is_day(value) => {
                    flaw(field, "value_type");
                }
                Some(Value::Integer(number)) => {
                    if given.least.is_some_and(|least| *number < least) {
                        flaw(field, "too_small");
                    } else if given.most.is_some_and(|most| *number > most) {
                        flaw(field, "too_large");
                    }
                }
                _ => {}
            }
        }
        for name in self.given.keys().filter(|name| rule.given(name).is_none()) {
            flaw(format!("given.{name}"), "unknown");
        }
        for (name, attached) in &self.evidence {
            let field = format!("evidence.{name}");
            match rule.external(name) {
                None => flaw(field, "unknown"),
                Some(external) if external.issuer != attached.issuer => flaw(field, "issuer"),
                Some(_) if attached.issued_on > self.run_on => flaw(field, "date"),
                Some(_) => {}
            }
        }
        flaws
    }

    /// The course of a case that has just been opened.
    pub(super) fn course(&self, rule: &Rule) -> Course {
        let stated =
            rule.given.iter().filter(|given| is_told(given)).filter_map(|given| {
                Some((given.name.clone(), self.given.get(&given.name)?.clone()))
            });
        let left_out = rule.given.iter().filter(|given| !self.given.contains_key(&given.name));
        let checked = rule.needs.iter().filter_map(|need| match &need.by {
            By::Given { name, comparison, value } => {
                let left = self.given.get(name)?;
                let right = self.operand(value, rule, left)?;
                Some((need.name.clone(), holds(left, *comparison, &right)))
            }
            _ => None,
        });
        Course {
            submitted_on: self.submitted_on.to_string(),
            run_on: Some(self.run_on),
            parties: self
                .parties
                .iter()
                .filter(|(_, named)| !named.is_empty())
                .map(shape)
                .collect(),
            stated: stated.collect(),
            left_out: left_out.map(|given| given.name.clone()).collect(),
            checked: checked.collect(),
            evidence: self.evidence.clone(),
            ..Course::default()
        }
    }

    /// What an operand comes to; `like` is a value of the type it is held against. `None` when it is not stated.
    pub(super) fn operand(&self, operand: &Operand, rule: &Rule, like: &Value) -> Option<Value> {
        match operand {
            Operand::NumberOf(party) => self.number_of(party).map(Value::Text),
            _ => Stated { values: &self.given, submitted_on: self.submitted_on }
                .operand(operand, rule, like),
        }
    }

    /// The number of the one property or paper that is named as this party.
    fn number_of(&self, party: &str) -> Option<String> {
        let [subject] = self.parties.get(party)?.as_slice() else { return None };
        let number = match subject {
            SubjectKind::Property(property) => &property.unit_number,
            SubjectKind::Document(document) => &document.number,
            SubjectKind::Person(_) | SubjectKind::Employer(_) => return None,
        };
        (!number.is_empty()).then(|| number.clone())
    }
}

/// What is known of an application's values: all of them to who takes it, some to who reads its course.
pub(super) struct Stated<'a> {
    pub(super) values: &'a BTreeMap<String, Value>,
    pub(super) submitted_on: Date,
}

impl Stated<'_> {
    /// What an operand comes to; `like` is a value of the type it is held against. `None` when it is not known.
    pub(super) fn operand(&self, operand: &Operand, rule: &Rule, like: &Value) -> Option<Value> {
        Some(match operand {
            Operand::Literal(value) => value.clone(),
            Operand::Parameter(name) => Value::Integer(*rule.parameters.get(name)?),
            Operand::Given(name) => self.values.get(name)?.clone(),
            Operand::NumberOf(_) => return None,
            Operand::Scaled(operand, scale) => match self.operand(operand, rule, like)? {
                Value::Integer(number) => Value::Integer(scale.of(number)?),
                _ => return None,
            },
            Operand::DaysAgo(days) => {
                let day =
                    self.submitted_on.checked_sub(jiff::Span::new().try_days(*days).ok()?).ok()?;
                Value::Date(day.to_string())
            }
            Operand::MonthsAgo(months) => {
                let day = self
                    .submitted_on
                    .checked_sub(jiff::Span::new().try_months(*months).ok()?)
                    .ok()?;
                let text = day.to_string();
                let is_month = matches!(like, Value::Date(date) if date.len() == "2026-09".len());
                Value::Date(if is_month { text.get(..7)?.to_owned() } else { text })
            }
        })
    }
}

/// Whether a stated value stands in the course: conditions look at codes and truths, and they name nobody.
pub(super) fn is_told(given: &Given) -> bool {
    matches!(given.kind, AttributeKind::Truth | AttributeKind::Code(_))
}

/// False of a date or month that no calendar has.
fn is_day(value: &Value) -> bool {
    match value {
        Value::Date(text) if text.len() == "2026-09".len() => {
            day::read(&format!("{text}-01")).is_some()
        }
        Value::Date(text) => day::read(text).is_some(),
        _ => true,
    }
}

fn shape((name, named): (&String, &Vec<SubjectKind>)) -> (String, Shape) {
    let documents: BTreeSet<&str> = named
        .iter()
        .filter_map(|subject| match subject {
            SubjectKind::Person(person) => Some(person.document_type.name()),
            _ => None,
        })
        .collect();
    let registrars: BTreeSet<Registrar> = named
        .iter()
        .filter_map(|subject| match subject {
            SubjectKind::Employer(employer) => Some(Registrar::of(&employer.uscc)),
            _ => None,
        })
        .collect();
    let shape = Shape {
        count: u32::try_from(named.len()).unwrap_or(u32::MAX),
        documents: documents.into_iter().map(str::to_owned).collect(),
        registrars: registrars.into_iter().collect(),
    };
    (name.clone(), shape)
}

/// Stated values are compared as they stand; what cannot be compared does not hold.
pub(super) fn holds(left: &Value, comparison: Comparison, right: &Value) -> bool {
    let order = match (left, right) {
        (Value::Truth(left), Value::Truth(right)) => left.cmp(right),
        (Value::Integer(left), Value::Integer(right)) => left.cmp(right),
        (Value::Text(left), Value::Text(right)) | (Value::Date(left), Value::Date(right)) => {
            left.cmp(right)
        }
        _ => return false,
    };
    match comparison {
        Comparison::Eq | Comparison::In => order.is_eq(),
        Comparison::Ne => order.is_ne(),
        Comparison::Lt => order.is_lt(),
        Comparison::Le => order.is_le(),
        Comparison::Gt => order.is_gt(),
        Comparison::Ge => order.is_ge(),
        Comparison::Exists => true,
        Comparison::NameMatch => false,
    }
}
