//! From an agency's reply to a record. Whatever does not fit the manifest is a contract error, never a "no".

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use super::failed::Failed;
use super::language::expression::{Expression, Fault, Held, Scope};
use super::manifest::{Operation, Reading};
use crate::catalogue::AttributeKind;
use crate::query::record::{Finding, Record, Unavailable};
use crate::query::time::Timestamp;
use crate::query::value::{self, Value};

/// How far an agency's clock may be ahead of ours before its statement of time is nonsense.
const CLOCK_SKEW: Duration = Duration::from_secs(600);

/// A reply as a transport hands it over.
pub(crate) enum Reply {
    /// To be read by the manifest's expressions.
    Document(Document),
    /// Already named, by a program in front of the agency.
    Named(Named),
}

/// A reply to be read by expressions.
pub(crate) struct Document {
    /// What expressions see as `resp`.
    pub(crate) resp: Held,
    /// What the request saw.
    pub(crate) scope: Arc<Scope>,
    /// Why rows are missing: then nothing can have been found.
    pub(crate) incomplete: Option<Failed>,
    /// Why the body cannot be read: then the agency may be unavailable, and nothing else.
    pub(crate) unread: Option<Failed>,
}

/// A reply whose attributes are named as in the catalogue.
pub(crate) struct Named {
    /// `None` when the agency holds no record.
    pub(crate) attributes: Option<BTreeMap<String, Value>>,
    /// When the data was true.
    pub(crate) as_of: Option<Timestamp>,
    /// Positions of the subjects really checked; empty is all.
    pub(crate) checked: Vec<u32>,
}

/// A record, and what had to be left out of it.
pub(crate) struct Mapped {
    pub(crate) record: Record,
    pub(crate) dropped: u32,
}

/// What the record is held against.
pub(crate) struct Terms<'a> {
    pub(crate) operation: &'a Operation,
    /// Attributes that the permit grants.
    pub(crate) granted: &'a BTreeSet<String>,
    /// Number of subjects in the question.
    pub(crate) subjects: usize,
    /// The time of the call.
    pub(crate) now: Timestamp,
}

/// The record in a reply. Attributes that are not granted stay behind and are counted.
///
/// # Errors
/// The agency cannot answer, or its reply does not fit.
pub(crate) fn map(reply: Reply, terms: &Terms<'_>) -> Result<Mapped, Failed> {
    match reply {
        Reply::Named(named) => named_record(named, terms),
        Reply::Document(document) => match &terms.operation.reading {
            Some(reading) => document_record(document, reading, terms),
            None => Err(Failed::contract("the operation says nothing about replies")),
        },
    }
}

/// True when the manifest's rule says that the agency cannot answer.
pub(crate) fn is_unavailable(reading: &Reading, resp: &Held, scope: &Arc<Scope>) -> bool {
    let (scope, _) = hearing(reading, resp, scope);
    reading.unavailable.as_ref().is_some_and(|rule| rule.truth(&scope) == Ok(true))
}

/// A document's value as one of the attribute's type; `None` when it is of another.
pub(crate) fn typed(value: &Json, kind: &AttributeKind) -> Option<Value> {
    let value = match (kind, value) {
        (AttributeKind::Truth, Json::Bool(truth)) => Value::Truth(*truth),
        (AttributeKind::Integer, Json::Number(number)) => Value::Integer(number.as_i64()?),
        (AttributeKind::Text | AttributeKind::Code(_), Json::String(text)) => {
            Value::Text(text.clone())
        }
        (AttributeKind::Date | AttributeKind::Month, Json::String(text)) => {
            Value::Date(text.clone())
        }
        (AttributeKind::People, Json::Array(people)) => {
            Value::People(people.iter().map(person).collect::<Option<_>>()?)
        }
        _ => return None,
    };
    kind.admits(&value).then_some(value)
}

/// A person of a list: a name and a number, and nothing else.
fn person(value: &Json) -> Option<value::Named> {
    let fields = value.as_object().filter(|fields| fields.len() == 2)?;
    let text = |key| fields.get(key)?.as_str().map(str::to_owned);
    Some(value::Named { name: text("name")?, number: text("number")? })
}

/// The scope a reply is read in, and why `doc` is not in it when it is not.
fn hearing(reading: &Reading, resp: &Held, scope: &Arc<Scope>) -> (Scope, Option<Fault>) {
    let mut scope = Scope::inside(scope);
    scope.set("resp", resp);
    let Some(document) = &reading.document else {
        scope.set("doc", resp.get("body").unwrap_or(Held::from(Json::Null)));
        return (scope, None);
    };
    match document.held(&scope) {
        Ok(value) => {
            scope.set("doc", value);
            (scope, None)
        }
        Err(fault) => (scope, Some(fault)),
    }
}

const UNAVAILABLE: &str = "outcome.unavailable";

fn refused() -> Failed {
    let detail = "the agency said that it cannot answer (outcome.unavailable)";
    Failed::answered(Unavailable::Refused, detail)
}

/// The four things a rule can say.
enum Outcome {
    NotFound,
    Conflict,
    Found,
}

fn document_record(
    document: Document,
    reading: &Reading,
    terms: &Terms<'_>,
) -> Result<Mapped, Failed> {
    let (scope, no_document) = hearing(reading, &document.resp, &document.scope);
    let reader = Reader { reading, scope, no_document };
    if let Some(unread) = document.unread {
        // An error page of whatever kind: what a rule says of its status still counts.
        return Err(match reader.holds(UNAVAILABLE, reading.unavailable.as_ref()) {
            Ok(true) => refused(),
            Ok(false) | Err(_) => unread,
        });
    }
    let has_fault = document.resp.get("fault").is_some_and(|fault| !fault.is_null());
    let outcome = match reader.outcome(has_fault) {
        Err(_) if has_fault => {
            return Err(Failed::answered(Unavailable::Refused, "the agency answered with a Fault"));
        }
        outcome => outcome?,
    };
    let checked = reader.checked(terms.subjects)?;
    // What the line itself knows of the age of its data.
    let stated = document.resp.get("as_of").and_then(|at| at.as_u64());
    let usual = stated.and_then(|ms| ms.checked_mul(1_000)).map_or(terms.now, Timestamp);
    let as_of = reader.as_of(terms.now, usual);
    let (finding, as_of, dropped) = match outcome {
        // Where there is no record, there is often no statement of time either.
        Outcome::NotFound | Outcome::Conflict => {
            reader.no_other_echo()?;
            let finding = match outcome {
                Outcome::Conflict => Finding::Conflict,
                Outcome::NotFound | Outcome::Found => Finding::NotFound,
            };
            (finding, as_of.unwrap_or(usual), 0)
        }
        Outcome::Found => {
            if let Some(incomplete) = document.incomplete {
                return Err(incomplete);
            }
            reader.echo()?;
            let (attributes, dropped) = reader.attributes(terms.granted)?;
            (Finding::Found(attributes), as_of?, dropped)
        }
    };
    Ok(Mapped { record: Record { finding, as_of, subjects_checked: checked }, dropped })
}

struct Reader<'a> {
    reading: &'a Reading,
    scope: Scope,
    no_document: Option<Fault>,
}

impl Reader<'_> {
    fn outcome(&self, has_fault: bool) -> Result<Outcome, Failed> {
        let rules = self.reading;
        if self.holds(UNAVAILABLE, rules.unavailable.as_ref())? {
            return Err(refused());
        }
        if self.holds("outcome.not_found", rules.not_found.as_ref())? {
            return Ok(Outcome::NotFound);
        }
        if self.holds("outcome.conflict", rules.conflict.as_ref())? {
            return Ok(Outcome::Conflict);
        }
        // A Fault holds no record, whatever `found` says: many manifests say `true`.
        if !has_fault && self.holds("outcome.found", Some(&rules.found))? {
            return Ok(Outcome::Found);
        }
        Err(Failed::contract("no rule of `outcome` is true of the reply"))
    }

    fn echo(&self) -> Result<(), Failed> {
        match &self.reading.echo {
            Some(echo) if !self.holds(ECHO, Some(echo))? => {
                Err(Failed::expression(ECHO, echo, SOMEBODY_ELSE))
            }
            _ => Ok(()),
        }
    }

    /// A reply without one record often repeats nobody's number. Where it does repeat one, it is the right one.
    fn no_other_echo(&self) -> Result<(), Failed> {
        match &self.reading.echo {
            Some(echo) if echo.truth(&self.scope) == Ok(false) => {
                Err(Failed::expression(ECHO, echo, SOMEBODY_ELSE))
            }
            _ => Ok(()),
        }
    }

    fn attributes(
        &self,
        granted: &BTreeSet<String>,
    ) -> Result<(BTreeMap<String, Value>, u32), Failed> {
        let mut kept = BTreeMap::new();
        let mut dropped = 0_u32;
        for (attribute, expression) in &self.reading.attributes {
            let key = || format!("attributes.{}", attribute.name);
            let value = expression
                .evaluate(&self.scope)
                .map_err(|fault| self.failed(&key(), expression, fault))?;
            if value.is_null() {
                if !attribute.optional {
                    let problem = "it is null, and the attribute is not optional";
                    return Err(Failed::expression(&key(), expression, problem));
                }
                continue;
            }
            let Some(value) = typed(&value, &attribute.kind) else {
                let problem = format!("it is no {}", attribute_kind(&attribute.kind));
                return Err(Failed::expression(&key(), expression, problem));
            };
            if holds_nul(&value) {
                return Err(Failed::expression(&key(), expression, NUL));
            }
            if granted.contains(&attribute.name) {
                kept.insert(attribute.name.clone(), value);
            } else {
                dropped = dropped.saturating_add(1);
            }
        }
        Ok((kept, dropped))
    }

    fn as_of(&self, now: Timestamp, usual: Timestamp) -> Result<Timestamp, Failed> {
        let Some(expression) = &self.reading.as_of else { return Ok(usual) };
        let value = expression
            .evaluate(&self.scope)
            .map_err(|fault| self.failed("as_of", expression, fault))?;
        let at = value.as_u64().and_then(|ms| ms.checked_mul(1_000)).map(Timestamp);
        at.filter(|at| *at <= now.plus(CLOCK_SKEW)).ok_or_else(|| {
            let problem = "it is no past time in milliseconds since 1970";
            Failed::expression("as_of", expression, problem)
        })
    }

    fn checked(&self, subjects: usize) -> Result<Vec<u32>, Failed> {
        let Some(expression) = &self.reading.checked else { return Ok(positions(subjects)) };
        let value = expression
            .evaluate(&self.scope)
            .map_err(|fault| self.failed("checked", expression, fault))?;
        let listed = value.as_array().and_then(|positions| {
            positions.iter().map(|position| u32::try_from(position.as_u64()?).ok()).collect()
        });
        listed.and_then(|listed| within(listed, subjects)).ok_or_else(|| {
            let problem = "it is no list of positions of subjects";
            Failed::expression("checked", expression, problem)
        })
    }

    fn holds(&self, key: &str, rule: Option<&Expression>) -> Result<bool, Failed> {
        let Some(rule) = rule else { return Ok(false) };
        rule.truth(&self.scope).map_err(|fault| self.failed(key, rule, fault))
    }

    /// Where `doc` is missing, the reason is in the expression that should have made it.
    fn failed(&self, key: &str, expression: &Expression, fault: Fault) -> Failed {
        match (&fault, &self.no_document, &self.reading.document) {
            (Fault::Unknown(name), Some(cause), Some(document)) if name == "doc" => {
                Failed::expression("document", document, cause)
            }
            _ => Failed::expression(key, expression, fault),
        }
    }
}

fn named_record(named: Named, terms: &Terms<'_>) -> Result<Mapped, Failed> {
    let checked = if named.checked.is_empty() {
        positions(terms.subjects)
    } else {
        within(named.checked, terms.subjects).ok_or_else(|| {
            Failed::contract("`subjects_checked` holds positions that the question has not")
        })?
    };
    let as_of = named.as_of.unwrap_or(terms.now);
    if as_of > terms.now.plus(CLOCK_SKEW) {
        return Err(Failed::contract("`as_of` lies in the future"));
    }
    let record = |finding| Record { finding, as_of, subjects_checked: checked };
    let Some(mut given) = named.attributes else {
        return Ok(Mapped { record: record(Finding::NotFound), dropped: 0 });
    };
    let mut kept = BTreeMap::new();
    for attribute in &terms.operation.catalogue {
        if !terms.granted.contains(&attribute.name) {
            continue;
        }
        let name = &attribute.name;
        match given.remove(name) {
            Some(value) if holds_nul(&value) => {
                return Err(Failed::contract(format!("the attribute `{name}`: {NUL}")));
            }
            Some(value) if attribute.kind.admits(&value) => {
                kept.insert(name.clone(), value);
            }
            Some(_) => {
                let kind = attribute_kind(&attribute.kind);
                return Err(Failed::contract(format!("the attribute `{name}` is no {kind}")));
            }
            None if attribute.optional => {}
            None => return Err(Failed::contract(format!("the attribute `{name}` is missing"))),
        }
    }
    let dropped = u32::try_from(given.len()).unwrap_or(u32::MAX);
    Ok(Mapped { record: record(Finding::Found(kept)), dropped })
}

const ECHO: &str = "outcome.echo";
const SOMEBODY_ELSE: &str = "the answer is not about whom was asked about";
/// No name holds one, and much that a text is handed on to would end it there.
const NUL: &str = "the text holds U+0000";

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::Text(text) => text.contains('\0'),
        Value::People(people) => people.iter().any(|one| one.name.contains('\0')),
        _ => false,
    }
}

fn positions(subjects: usize) -> Vec<u32> {
    (0..u32::try_from(subjects).unwrap_or(u32::MAX)).collect()
}

fn within(mut positions: Vec<u32>, subjects: usize) -> Option<Vec<u32>> {
    positions.sort_unstable();
    positions.dedup();
    let is_inside = |position: &u32| usize::try_from(*position).is_ok_and(|at| at < subjects);
    positions.iter().all(is_inside).then_some(positions)
}

fn attribute_kind(kind: &AttributeKind) -> &'static str {
    match kind {
        AttributeKind::Truth => "truth",
        AttributeKind::Integer => "whole number",
        AttributeKind::Text => "text",
        AttributeKind::Date => "date (YYYY-MM-DD)",
        AttributeKind::Month => "month (YYYY-MM)",
        AttributeKind::Code(_) => "code of the attribute",
        AttributeKind::People => "list of persons, each with `name` and a citizen's `number`",
    }
}
