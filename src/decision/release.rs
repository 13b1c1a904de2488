//! What may leave: assertions judged on an agency's record, and the values that the clause lets out.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::Permit;
use crate::query::Query;
use crate::query::name;
use crate::query::record::{Finding, Record};
use crate::query::value::{Assertion, Comparison, Value, Verdict};

/// What the caller gets to see, and nothing else of the record.
#[derive(Clone, PartialEq, Eq)]
pub struct Released {
    /// The whole.
    pub verdict: Verdict,
    /// Attribute, comparison and verdict of each assertion, in the caller's order.
    pub judgements: Vec<(String, Comparison, Verdict)>,
    /// Values that the clause discloses, whole or in part, and the caller asked for.
    pub disclosed: BTreeMap<String, Value>,
    /// Which of them are there in part only, ascending.
    pub masked: Vec<String>,
}

/// Judges the assertions on the record and takes out the values that may leave. `stale` says that the record is older
/// than may pass for fresh; the clause's cache terms have allowed it all the same.
///
/// The permit is held against every attribute again, so that nothing leaves by a mistake made before.
pub fn release(permit: &Permit, query: &Query, record: &Record, stale: bool) -> Released {
    let judgements: Vec<(String, Comparison, Verdict)> = query
        .assertions
        .iter()
        .map(|assertion| {
            let verdict = if permit.judges(&assertion.attribute) && within(permit, assertion) {
                dated(on_record(assertion, record), stale)
            } else {
                Verdict::Unavailable
            };
            (assertion.attribute.clone(), assertion.comparison, verdict)
        })
        .collect();
    let (disclosed, masked) = disclosed(permit, query, record);
    let verdict = judgements
        .iter()
        .map(|(_, _, verdict)| *verdict)
        .min_by_key(|verdict| rank(*verdict))
        .unwrap_or_else(|| dated(of_disclosure(permit, query, record, &disclosed), stale));
    Released { verdict, judgements, disclosed, masked }
}

/// Whether the assertion keeps the limit of its attribute.
fn within(permit: &Permit, assertion: &Assertion) -> bool {
    permit.clause().limit(&assertion.attribute).is_none_or(|limit| {
        let compares = &limit.comparisons;
        (compares.is_empty() || compares.contains(&assertion.comparison)) && limit.admits(assertion)
    })
}

/// The values that leave, and the names of those that leave in part. What its mask does not fit stays.
fn disclosed(
    permit: &Permit,
    query: &Query,
    record: &Record,
) -> (BTreeMap<String, Value>, Vec<String>) {
    let (mut disclosed, mut masked) = (BTreeMap::new(), BTreeSet::new());
    let Finding::Found(attributes) = &record.finding else { return (disclosed, Vec::new()) };
    for name in query.disclose.iter().filter(|name| permit.discloses(name)) {
        let Some(value) = attributes.get(name) else { continue };
        let left = match permit.mask(name) {
            None => Some(value.clone()),
            Some(mask) => {
                masked.insert(name.clone());
                mask.of(value)
            }
        };
        disclosed.extend(left.map(|left| (name.clone(), left)));
    }
    masked.retain(|name| disclosed.contains_key(name));
    (disclosed, masked.into_iter().collect())
}

/// Worst first: the whole is as bad as its worst part. A refutation stands even where another part stayed open.
fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Refuted => 0,
        Verdict::Unavailable => 1,
        Verdict::Conflict => 2,
        Verdict::NotFound => 3,
        Verdict::Stale => 4,
        Verdict::Confirmed => 5,
    }
}

/// Old knowledge is not called knowledge.
fn dated(verdict: Verdict, stale: bool) -> Verdict {
    match verdict {
        // That there was no record, or that records disagreed, may have changed just as well.
        Verdict::Confirmed | Verdict::Refuted | Verdict::NotFound | Verdict::Conflict if stale => {
            Verdict::Stale
        }
        other => other,
    }
}

/// The verdict on a question that asserts nothing and only wants values.
fn of_disclosure(
    permit: &Permit,
    query: &Query,
    record: &Record,
    disclosed: &BTreeMap<String, Value>,
) -> Verdict {
    let attributes = match &record.finding {
        Finding::Found(attributes) => attributes,
        Finding::NotFound => return Verdict::NotFound,
        Finding::Conflict => return Verdict::Conflict,
    };
    let mut granted = query.disclose.iter().filter(|name| permit.discloses(name));
    if !disclosed.is_empty() {
        Verdict::Confirmed
    } else if granted.any(|name| attributes.contains_key(name)) {
        // It is there, and its mask does not fit it: that the agency has none would be untrue.
        Verdict::Unavailable
    } else {
        Verdict::NotFound
    }
}

fn on_record(assertion: &Assertion, record: &Record) -> Verdict {
    let attributes = match &record.finding {
        Finding::Found(attributes) => attributes,
        Finding::NotFound => return Verdict::NotFound,
        Finding::Conflict => return Verdict::Conflict,
    };
    match (attributes.get(&assertion.attribute), assertion.comparison) {
        (Some(_), Comparison::Exists) => Verdict::Confirmed,
        // The agency holds a record of the subject and the record has no such entry: that is knowledge.
        (None, Comparison::Exists) => Verdict::Refuted,
        (None, _) => Verdict::NotFound,
        (Some(found), comparison) => match holds(found, comparison, &assertion.values) {
            Some(true) => Verdict::Confirmed,
            Some(false) => Verdict::Refuted,
            None => Verdict::Unavailable,
        },
    }
}

/// Whether the predicate holds; `None` when the two sides cannot be compared, which is never a "no".
fn holds(found: &Value, comparison: Comparison, values: &[Value]) -> Option<bool> {
    if is_masked(found) || values.iter().any(is_masked) {
        return None;
    }
    if comparison == Comparison::In {
        let orders = values.iter().map(|value| order(found, value)).collect::<Option<Vec<_>>>()?;
        return (!orders.is_empty()).then(|| orders.contains(&Ordering::Equal));
    }
    let [value] = values else { return None };
    match comparison {
        Comparison::NameMatch => match (found, value) {
            (Value::Text(found), Value::Text(value)) => {
                Some(name::fold(found) == name::fold(value))
            }
            _ => None,
        },
        Comparison::Eq => order(found, value).map(Ordering::is_eq),
        Comparison::Ne => order(found, value).map(Ordering::is_ne),
        Comparison::Lt => size(found, value).map(Ordering::is_lt),
        Comparison::Le => size(found, value).map(Ordering::is_le),
        Comparison::Gt => size(found, value).map(Ordering::is_gt),
        Comparison::Ge => size(found, value).map(Ordering::is_ge),
        // Both were answered above; neither compares with one value.
        Comparison::In | Comparison::Exists => None,
    }
}

fn is_masked(value: &Value) -> bool {
    matches!(value, Value::Text(text) if name::is_masked(text))
}

/// How two values of one type compare; a date and a month are two types.
fn order(found: &Value, value: &Value) -> Option<Ordering> {
    match (found, value) {
        (Value::Truth(found), Value::Truth(value)) => Some(found.cmp(value)),
        (Value::Integer(found), Value::Integer(value)) => Some(found.cmp(value)),
        (Value::Text(found), Value::Text(value)) => Some(found.cmp(value)),
        (Value::Date(found), Value::Date(value)) if found.len() == value.len() => {
            Some(found.cmp(value))
        }
        _ => None,
    }
}

/// The same for types that have a "less" which means something.
fn size(found: &Value, value: &Value) -> Option<Ordering> {
    match found {
        Value::Integer(_) | Value::Date(_) => order(found, value),
        Value::Truth(_) | Value::Text(_) | Value::People(_) => None,
    }
}

#[cfg(test)]
mod tests;
