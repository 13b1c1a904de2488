//! Marks held against decisions: thousands of questions are put under the old terms and under the new.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::super::tests::variants::variants;
use super::*;
use crate::decision::agreement::{Agreement, Clause};
use crate::decision::agreements::AgreementSet;
use crate::decision::facts::{self, Facts, QuotaUse, RoleFact};
use crate::decision::release::{Released, release};
use crate::decision::{Decision, decide, sample};
use crate::query::record::{Finding, Record};
use crate::query::relation::Relation;
use crate::query::time::Timestamp;
use crate::query::value::{Assertion, Comparison, Value, Verdict};
use crate::query::{ItemCode, Operator, Purpose, Query};

/// Put to each clause of each pair of terms.
const QUESTIONS: usize = 8;

/// SplitMix64: the same cases on every run.
struct Cases(u64);

impl Cases {
    fn number(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % below as u64).unwrap()
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        (!of.is_empty()).then(|| of[self.number(of.len())].clone())
    }

    fn some<T: Clone>(&mut self, of: &[T]) -> Vec<T> {
        of.iter().filter(|_| self.number(3) == 0).cloned().collect()
    }
}

/// A question that one clause of one agreement grants, or nearly.
fn question(cases: &mut Cases, agreement: &Agreement, clause: &Clause) -> (Facts, Query) {
    let words = |set: &[&str]| set.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let asserted: Vec<String> = clause.assert.iter().map(ToString::to_string).collect();
    let masked = clause.details.mask.iter().map(|(name, _)| name);
    let leaving: Vec<String> =
        clause.disclose.iter().chain(masked).map(ToString::to_string).collect();
    let others = words(&["zz-marker", "photo", "status", "spouse_name"]);
    let mut asked = cases.some(&asserted);
    let mut wanted = cases.some(&leaving);
    match cases.number(12) {
        0 => asked.extend(cases.one(&others)),
        1 => wanted.extend(cases.one(&others)),
        _ => {}
    }
    if asked.is_empty() && wanted.is_empty() {
        asked.extend(cases.one(&asserted));
        wanted.extend(cases.one(&leaving));
    }
    let assertions = asked.into_iter().map(|name| assertion(cases, clause, name)).collect();
    let roles: Vec<String> = clause.roles.iter().map(ToString::to_string).collect();
    let mut roles = cases.some(&roles);
    if roles.is_empty() || cases.number(15) == 0 {
        roles.extend(cases.one(&words(&["person", "spouse", "zz-marker"])));
    }
    let related = |cases: &mut Cases, role: String| {
        let known = clause.relations(&role).unwrap_or_default();
        let any = cases.number(8) == 0;
        let relation = if any { cases.one(&Relation::ALL) } else { cases.one(known) };
        RoleFact { role, kind: "person".to_owned(), relation, shown_by: 5 }
    };
    let units: Vec<String> = agreement.operator_units.iter().map(ToString::to_string).collect();
    let notices: Vec<String> = agreement.notices.iter().map(ToString::to_string).collect();
    let papers: Vec<String> = clause.replaces.iter().map(ToString::to_string).collect();
    let items: Vec<ItemCode> = clause.items.iter().cloned().collect();
    let systems: Vec<_> = agreement.systems.iter().cloned().collect();
    let often = |cases: &mut Cases, of: &[String], other: &str| {
        let other = Some(other.to_owned());
        if cases.number(10) == 0 { other } else { cases.one(of).or(other) }.unwrap_or_default()
    };
    let mut facts = Facts {
        fact: Some(clause.fact.clone()),
        provider: Some(agreement.provider.clone()),
        item: cases.one(&items).unwrap_or_default(),
        received_at: moment(cases),
        operator_unit: often(cases, &units, "zz-marker"),
        notice: often(cases, &notices, ""),
        consent: if cases.number(4) == 0 { String::new() } else { "c-1".to_owned() },
        replaced_material: if cases.number(2) == 0 {
            String::new()
        } else {
            often(cases, &papers, "zz-marker")
        },
        roles: roles.into_iter().map(|role| related(cases, role)).collect(),
        disclose: wanted.clone(),
        quota: vec![QuotaUse {
            agreement: agreement.id.clone(),
            second: cases.one(&[0, 0, 2, 9, 10, 17]).unwrap(),
            day: cases.one(&[0, 0, 0, 19_999, 20_000, 100_000]).unwrap(),
            month: cases.one(&[0, 0, 0, 20_000, 299_999, 300_000, 600_000]).unwrap(),
        }],
        ..sample::facts()
    };
    facts.caller.system = cases.one(&systems).unwrap_or_default();
    let query = query(clause, assertions, wanted);
    (facts, query)
}

fn query(clause: &Clause, assertions: Vec<Assertion>, disclose: Vec<String>) -> Query {
    Query {
        request_id: [7; 16],
        fact: clause.fact.clone(),
        subjects: vec![],
        relations: vec![],
        assertions,
        disclose,
        purpose: Purpose::default(),
        operator: Operator::default(),
        max_age: None,
        want_receipt: false,
    }
}

fn assertion(cases: &mut Cases, clause: &Clause, attribute: String) -> Assertion {
    let all = [Comparison::Eq, Comparison::Ge, Comparison::Le, Comparison::Gt, Comparison::In];
    let limit = clause.limit(&attribute);
    let known = limit.map_or(&[][..], |limit| limit.comparisons.as_slice());
    let any = known.is_empty() || cases.number(8) == 0;
    let comparison = if any { cases.one(&all) } else { cases.one(known) }.unwrap();
    let values = limit.map_or(&[][..], |limit| limit.values.as_slice());
    let any = [6, 9, 12, 18, 24, 36, 777_777].map(Value::Integer);
    let some = if values.is_empty() || cases.number(5) == 0 { &any[..] } else { values };
    Assertion { attribute, comparison, values: cases.one(some).into_iter().collect() }
}

/// Within the validity of the drafts and without, at every hour of the week.
fn moment(cases: &mut Cases) -> Timestamp {
    let from = 1_735_689_600 + 86_400 * u64::try_from(cases.number(7 * 365)).unwrap();
    let day = if cases.number(3) == 0 { from } else { 1_785_600_000 + from % (28 * 86_400) };
    Timestamp::from_seconds(day + 900 * u64::try_from(cases.number(96)).unwrap())
}

fn answered(set: &AgreementSet, facts: &Facts, query: &Query) -> Option<Released> {
    let clauses = set.clauses(&facts.caller.organisation, &query.fact);
    let facts = Facts { assertions: facts::assertions(query, clauses), ..facts.clone() };
    let Decision::Permit(permit) = decide(&facts, set) else { return None };
    let names = query.disclose.iter().chain(query.assertions.iter().map(|one| &one.attribute));
    let value = |name: &String| {
        if name.ends_with("_on") {
            Value::Date("2018-05-20".to_owned())
        } else {
            Value::Text("430102199003070017".to_owned())
        }
    };
    let record = Record {
        finding: Finding::Found(
            names.map(|name| (name.clone(), value(name))).collect::<BTreeMap<_, _>>(),
        ),
        as_of: facts.received_at,
        subjects_checked: vec![0],
    };
    Some(release(&permit, query, &record, false))
}

/// Whether the second answer tells nothing that the first does not.
fn tells_no_more(before: &Released, after: &Released) -> bool {
    let shown = |value: &Value| match value {
        Value::Text(text) | Value::Date(text) => text.trim_matches('*').to_owned(),
        other => format!("{other:?}"),
    };
    let values = after.disclosed.iter().all(|(name, value)| {
        before.disclosed.get(name).is_some_and(|before| shown(before).contains(&shown(value)))
    });
    let judged = before.judgements.iter().zip(&after.judgements);
    let mut judged = judged.map(|(before, after)| (before.2, after.2));
    values && judged.all(|(before, after)| after == Verdict::Unavailable || before == after)
}

#[test]
fn what_is_marked_narrower_never_permits_more_nor_wider_less() {
    let full = terms(FULL);
    let mut pairs: Vec<(String, Terms, Terms)> = Vec::new();
    for (place, variant) in variants(&full) {
        if variant.agreement(&[]).is_ok() {
            pairs.push((format!("{place}, undone"), variant.clone(), full.clone()));
            pairs.push((place, full.clone(), variant));
        }
    }
    let (mut lost, mut won) = (BTreeSet::new(), BTreeSet::new());
    for (seed, (place, old, new)) in pairs.iter().enumerate() {
        let cases = &mut Cases(seed as u64);
        let places = between(old, new, &Voice::of(Language::English)).unwrap();
        let effects: BTreeSet<Effect> =
            places.iter().flat_map(|place| &place.changes).map(|change| change.effect).collect();
        let is_open = effects.contains(&Effect::Either);
        let (may_grow, may_shrink) = (
            is_open || effects.contains(&Effect::Wider),
            is_open || effects.contains(&Effect::Narrower),
        );
        let (before, after) = (old.agreement(&[]).unwrap(), new.agreement(&[]).unwrap());
        let set = |agreement: &Agreement| AgreementSet::new([Arc::new(agreement.clone())]);
        let sets = (set(&before), set(&after));
        for agreement in [&before, &after] {
            for clause in &agreement.clauses {
                for _ in 0..QUESTIONS {
                    let (facts, query) = question(cases, agreement, clause);
                    let (first, second) =
                        (answered(&sets.0, &facts, &query), answered(&sets.1, &facts, &query));
                    let no_more =
                        |before: &Option<Released>, after: &Option<Released>| match (before, after)
                        {
                            (_, None) => true,
                            (None, Some(_)) => false,
                            (Some(before), Some(after)) => tells_no_more(before, after),
                        };
                    if !no_more(&first, &second) {
                        assert!(may_grow, "{place} permits more: {places:#?}");
                        won.insert(place);
                    }
                    if !no_more(&second, &first) {
                        assert!(may_shrink, "{place} permits less: {places:#?}");
                        lost.insert(place);
                    }
                }
            }
        }
    }
    // The questions are near enough to what is granted for changes to be felt.
    assert!(won.len() > 50 && lost.len() > 50, "{} won, {} lost", won.len(), lost.len());
}
