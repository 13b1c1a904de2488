//! Agreements, questions and records by number: the same on every run, and the number of a failing one is printed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::decision::agreement::{Agreement, Clause, Details, Hours, Quota};
use crate::decision::agreements::AgreementSet;
use crate::decision::facts::{self, Facts, QuotaUse, RoleFact};
use crate::decision::limit::Limit;
use crate::decision::mask::Mask;
use crate::decision::sample;
use crate::decision::set::{Set, Word};
use crate::query::record::{Finding, Record};
use crate::query::relation::Relation;
use crate::query::time::Timestamp;
use crate::query::value::{Assertion, Comparison, Value};
use crate::query::{ItemCode, Operator, Purpose, Query, SystemId};

/// SplitMix64.
pub(super) struct Cases(pub(super) u64);

impl Cases {
    pub(super) fn number(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }

    pub(super) fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.number(count as u64)).unwrap()
    }

    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.number(100) < percent
    }

    pub(super) fn one<T: Clone>(&mut self, of: &[T]) -> T {
        let at = self.below(of.len());
        of[at].clone()
    }

    pub(super) fn some<T: Clone>(&mut self, of: &[T], percent: u64) -> Vec<T> {
        of.iter().filter(|_| self.chance(percent)).cloned().collect()
    }

    pub(super) fn words(&mut self, of: &[&str], percent: u64) -> Set<Word> {
        self.some(of, percent).into_iter().map(Word::from).collect()
    }
}

pub(super) const ATTRIBUTES: &[&str] = &["married", "registered_on", "months", "name"];
pub(super) const ROLES: &[&str] = &["person", "spouse"];
pub(super) const ITEMS: &[&str] = &["W1", "W3"];
pub(super) const PAPERS: &[&str] = &["marriage_certificate", "divorce_certificate"];
pub(super) const UNITS: &[&str] = &["counter-1", "counter-2"];
pub(super) const NOTICES: &[&str] = &["notice-1", "notice-2"];
pub(super) const COMPARISONS: &[Comparison] =
    &[Comparison::Eq, Comparison::Ge, Comparison::In, Comparison::Exists];

/// Values that the attribute may have or be compared with.
pub(super) fn values(attribute: &str) -> Vec<Value> {
    match attribute {
        "married" => [true, false].map(Value::Truth).into(),
        "months" => [6, 7, 12, 18].map(Value::Integer).into(),
        "registered_on" => {
            ["2018-06-01", "2019-02-28"].map(|date| Value::Date(date.to_owned())).into()
        }
        _ => ["张三丰", "李四"].map(|name| Value::Text(name.to_owned())).into(),
    }
}

fn limit(cases: &mut Cases, attribute: &str) -> Limit {
    Limit {
        attribute: attribute.into(),
        comparisons: if cases.chance(50) { cases.some(COMPARISONS, 70) } else { vec![] },
        values: if cases.chance(50) { cases.some(&values(attribute), 85) } else { vec![] },
        multiple_of: (attribute == "months" && cases.chance(50)).then(|| cases.one(&[1, 6])),
    }
}

pub(super) fn clause(cases: &mut Cases) -> Clause {
    let limited: Vec<&str> = cases.some(ATTRIBUTES, 30);
    let relations = cases.some(ROLES, 15);
    let masked: Vec<(&str, Mask)> =
        cases.some(&[("registered_on", Mask::Year), ("name", Mask::Name)], 30);
    let disclose = cases.words(ATTRIBUTES, 50);
    // Whole or in part: a draft that says both is refused.
    let masked = masked.into_iter().filter(|(name, _)| !disclose.contains(*name));
    Clause {
        fact: cases.one(&["M1", "M2", "M2", "M2"]).into(),
        items: cases.some(ITEMS, 75).into_iter().map(ItemCode::from).collect(),
        replaces: cases.words(PAPERS, 60),
        roles: cases.words(ROLES, 85),
        assert: cases.words(ATTRIBUTES, 75),
        disclose: disclose.clone(),
        details: Arc::new(Details {
            relations: relations
                .into_iter()
                .map(|role| (role.into(), cases.some(&Relation::ALL, 60)))
                .collect(),
            limits: limited.into_iter().map(|attribute| limit(cases, attribute)).collect(),
            mask: masked.map(|(name, mask)| (name.into(), mask)).collect(),
            never: cases.words(ATTRIBUTES, 4),
        }),
        consent: cases.chance(15),
        max_age: Duration::from_secs(cases.number(1000)),
        cache: None,
    }
}

fn quota(cases: &mut Cases) -> Quota {
    let mut one = |percent| cases.chance(percent).then(|| cases.number(5));
    Quota { per_second: one(15), per_day: one(25), per_month: one(15) }
}

/// The numbers 0 and 1 are two versions of one agreement, and so on.
pub(super) fn agreement(cases: &mut Cases, number: u64) -> Agreement {
    let from = sample::TUESDAY_TEN.seconds() - 1000 + cases.number(1100);
    Agreement {
        id: format!("a-{}", number / 2),
        version: u32::try_from(number % 2).unwrap() + 1,
        consumer: cases.one(&["fund-centre", "fund-centre", "fund-centre", "audit-office"]).into(),
        provider: cases.one(&["civil-affairs", "civil-affairs", "civil-affairs", "police"]).into(),
        systems: cases.some(&["approval", "other"], 85).into_iter().map(SystemId::from).collect(),
        effective_from: Timestamp::from_seconds(from),
        effective_to: Timestamp::from_seconds(from + cases.number(9000)),
        overlap: Duration::from_secs(cases.number(3) * 400),
        hours: cases.chance(20).then(|| Hours {
            days: cases.some(&[0, 1, 1, 1, 2], 60).into_iter().collect(),
            from_minute: 480,
            to_minute: 540 + u32::try_from(cases.number(200)).unwrap(),
        }),
        quota: quota(cases),
        operator_units: if cases.chance(20) { cases.words(UNITS, 60) } else { Set::default() },
        notices: if cases.chance(20) { cases.words(NOTICES, 60) } else { Set::default() },
        clauses: (0..=cases.number(3)).map(|_| clause(cases)).collect(),
        ..sample::agreement()
    }
}

pub(super) fn agreements(cases: &mut Cases, count: u64) -> Vec<Agreement> {
    (0..count).map(|number| agreement(cases, number)).collect()
}

pub(super) fn set(agreements: &[Agreement]) -> AgreementSet {
    AgreementSet::new(agreements.iter().cloned().map(Arc::new))
}

/// A question, and everything about it that agreements have no say in.
#[derive(Clone)]
pub(super) struct Question {
    pub(super) query: Query,
    facts: Facts,
}

impl Question {
    pub(super) fn new(cases: &mut Cases) -> Self {
        let used = cases.number(3);
        let of = |id| QuotaUse {
            agreement: format!("a-{id}"),
            day: used,
            second: used / 2,
            month: used + 1,
        };
        let roles = |cases: &mut Cases| {
            let role = |role: &str, relation, shown_by| RoleFact {
                relation,
                shown_by,
                ..sample::role(role)
            };
            let relation = cases.chance(60).then(|| cases.one(&Relation::ALL));
            cases
                .some(ROLES, 80)
                .into_iter()
                .map(|name| role(name, relation, cases.number(2)))
                .collect()
        };
        let assertions: Vec<Assertion> =
            cases.some(ATTRIBUTES, 35).into_iter().map(|name| assertion(cases, name)).collect();
        let disclose: Vec<String> =
            cases.some(ATTRIBUTES, 25).into_iter().map(str::to_owned).collect();
        let facts = Facts {
            fact: Some(cases.one(&["M1", "M2", "M2", "M2"]).into()),
            item: cases.one(ITEMS).into(),
            replaced_material: cases.one(&["", "", PAPERS[0]]).to_owned(),
            operator_unit: cases.one(UNITS).to_owned(),
            notice: cases.one(&["", NOTICES[0], NOTICES[1]]).to_owned(),
            consent: cases.one(&["", "form-81"]).to_owned(),
            roles: roles(cases),
            disclose: disclose.clone(),
            quota: (0..3).map(of).collect(),
            freezes: if cases.chance(5) {
                vec!["provider:civil-affairs/fact:M1".to_owned()]
            } else {
                vec![]
            },
            ..sample::facts()
        };
        Self { query: query(assertions, disclose), facts }
    }

    /// The facts as the gateway gathers them beside this set.
    pub(super) fn facts(&self, set: &AgreementSet) -> Facts {
        let fact = self.facts.fact.clone().unwrap();
        let clauses = set.clauses(&self.facts.caller.organisation, &fact);
        Facts { assertions: facts::assertions(&self.query, clauses), ..self.facts.clone() }
    }
}

fn assertion(cases: &mut Cases, attribute: &str) -> Assertion {
    let comparison = cases.one(COMPARISONS);
    let values = match comparison {
        Comparison::Exists => vec![],
        Comparison::In => values(attribute),
        _ => vec![cases.one(&values(attribute))],
    };
    Assertion { attribute: attribute.to_owned(), comparison, values }
}

pub(super) fn query(assertions: Vec<Assertion>, disclose: Vec<String>) -> Query {
    Query {
        request_id: [7; 16],
        fact: "M2".into(),
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

/// A question about everything, with any comparison.
pub(super) fn wide_query(cases: &mut Cases) -> Query {
    let assertions = ATTRIBUTES.iter().map(|name| assertion(cases, name)).collect();
    query(assertions, ATTRIBUTES.iter().map(|name| (*name).to_owned()).collect())
}

pub(super) fn record(cases: &mut Cases) -> Record {
    let found: BTreeMap<String, Value> = cases
        .some(ATTRIBUTES, 85)
        .into_iter()
        .map(|name| (name.to_owned(), cases.one(&values(name))))
        .collect();
    Record { finding: Finding::Found(found), as_of: sample::TUESDAY_TEN, subjects_checked: vec![0] }
}
