//! What holds for every question and every set of agreements, tried on many generated ones.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::agreement::{Agreement, Clause, Hours, Quota};
use super::agreements::AgreementSet;
use super::facts::{Facts, QuotaUse};
use super::halts::Halt;
use super::release::release;
use super::sample;
use super::set::{Set, Word};
use super::{Decision, decide};
use crate::query::record::{Finding, Record};
use crate::query::time::Timestamp;
use crate::query::value::{Assertion, Comparison, Value, Verdict};
use crate::query::{ItemCode, Operator, Purpose, Query, SystemId};

/// SplitMix64: the same cases on every run, and the seed of a failing one is printed.
struct Cases(u64);

impl Cases {
    fn number(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.number(100) < percent
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.number(of.len() as u64)).unwrap()]
    }

    fn some<'a>(&mut self, of: &[&'a str], percent: u64) -> Vec<&'a str> {
        of.iter().copied().filter(|_| self.chance(percent)).collect()
    }

    fn words(&mut self, of: &[&str], percent: u64) -> Set<Word> {
        self.some(of, percent).into_iter().map(Word::from).collect()
    }
}

const ATTRIBUTES: &[&str] = &["married", "registered_on", "status"];

fn clause(cases: &mut Cases) -> Clause {
    Clause {
        fact: cases.one(&["M1", "M2", "P1"]).into(),
        items: cases.some(&["W1", "W3"], 70).into_iter().map(ItemCode::from).collect(),
        roles: cases.words(&["person", "spouse"], 80),
        assert: cases.words(ATTRIBUTES, 60),
        disclose: cases.words(ATTRIBUTES, 40),
        max_age: Duration::from_secs(cases.number(1000)),
        ..sample::clause()
    }
}

fn agreement(cases: &mut Cases, number: u64) -> Agreement {
    let from = sample::TUESDAY_TEN.seconds() - 1000 + cases.number(1100);
    Agreement {
        id: format!("a-{}", number / 2),
        version: u32::try_from(number % 2).unwrap() + 1,
        consumer: cases.one(&["fund-centre", "fund-centre", "audit-office"]).into(),
        provider: cases.one(&["civil-affairs", "civil-affairs", "police"]).into(),
        systems: cases.some(&["approval", "other"], 80).into_iter().map(SystemId::from).collect(),
        effective_from: Timestamp::from_seconds(from),
        effective_to: Timestamp::from_seconds(from + cases.number(5000)),
        hours: cases.chance(20).then(|| Hours {
            days: [0, 1, 2, 3, 4].into(),
            from_minute: 480,
            to_minute: 540 + u32::try_from(cases.number(200)).unwrap(),
        }),
        quota: Quota {
            per_second: None,
            per_day: cases.chance(50).then(|| cases.number(4)),
            per_month: None,
        },
        clauses: (0..cases.number(4)).map(|_| clause(cases)).collect(),
        ..sample::agreement()
    }
}

fn facts(cases: &mut Cases) -> Facts {
    let used = cases.number(3);
    Facts {
        fact: Some(cases.one(&["M1", "M2"]).into()),
        item: cases.one(&["W1", "W3"]).into(),
        roles: cases.some(&["person", "spouse"], 80).into_iter().map(sample::role).collect(),
        assertions: cases.some(ATTRIBUTES, 40).into_iter().map(sample::assertion).collect(),
        disclose: cases.some(ATTRIBUTES, 30).into_iter().map(str::to_owned).collect(),
        quota: (0..3)
            .map(|id| QuotaUse { agreement: format!("a-{id}"), day: used, second: 0, month: used })
            .collect(),
        freezes: if cases.chance(10) {
            vec!["provider:civil-affairs/fact:M1".to_owned()]
        } else {
            vec![]
        },
        ..sample::facts()
    }
}

fn permits(facts: &Facts, agreements: &[Agreement]) -> bool {
    let set = AgreementSet::new(agreements.iter().cloned().map(Arc::new));
    matches!(decide(facts, &set), Decision::Permit(_))
}

#[test]
fn no_agreement_no_permit() {
    for seed in 0..2000 {
        let facts = facts(&mut Cases(seed));
        assert!(!permits(&facts, &[]), "seed {seed}");
    }
}

/// Taking a clause away never opens anything. Taking a whole agreement away is another matter: it may be the one that
/// superseded an older version.
#[test]
fn removing_a_clause_never_permits_more() {
    let (mut permitted, mut denied) = (0, 0);
    for seed in 0..4000 {
        let cases = &mut Cases(seed);
        let facts = facts(cases);
        let agreements: Vec<Agreement> = (0..5).map(|number| agreement(cases, number)).collect();
        if permits(&facts, &agreements) {
            permitted += 1;
            continue;
        }
        denied += 1;
        for at in 0..agreements.len() {
            for clause in 0..agreements[at].clauses.len() {
                let mut fewer = agreements.clone();
                fewer[at].clauses.remove(clause);
                assert!(!permits(&facts, &fewer), "seed {seed}, agreement {at}, clause {clause}");
            }
        }
    }
    assert!(permitted > 100 && denied > 100, "{permitted} permitted, {denied} denied");
}

/// An order never opens anything, and what it stops is as if it were not there.
#[test]
fn a_halted_agreement_permits_nothing_that_the_others_do_not() {
    let mut stopped = 0;
    for seed in 0..4000 {
        let cases = &mut Cases(seed);
        let facts = facts(cases);
        let agreements: Vec<Arc<Agreement>> =
            (0..5).map(|number| Arc::new(agreement(cases, number))).collect();
        let set = || AgreementSet::new(agreements.iter().map(Arc::clone));
        // At once, since this very moment, or not yet.
        let begun = cases.chance(70);
        let from = match (begun, cases.chance(50)) {
            (true, true) => Timestamp::default(),
            (true, false) => facts.received_at,
            (false, _) => facts.received_at.plus(Duration::from_micros(1)),
        };
        let by = "civil-affairs".into();
        let halt = match cases.chance(50) {
            true => Halt::Suspended { by, from },
            false => Halt::Revoked { by, from },
        };
        let before = decide(&facts, &set());
        for halted in &agreements {
            let halts = [(halted.id.clone(), halted.version, halt.clone())].into_iter().collect();
            let after = decide(&facts, &set().halted_by(halts));
            if !begun {
                let same = match (&before, &after) {
                    (Decision::Deny(before), Decision::Deny(after)) => before == after,
                    (Decision::Permit(before), Decision::Permit(after)) => {
                        before.reference() == after.reference()
                    }
                    _ => false,
                };
                assert!(same, "seed {seed}: it acted before its time");
                continue;
            }
            match (&before, after) {
                (Decision::Deny(_), Decision::Permit(_)) => {
                    panic!("seed {seed}: it opened something")
                }
                (Decision::Permit(before), Decision::Permit(after)) => {
                    assert_ne!(after.agreement(), &**halted, "seed {seed}");
                    let other = before.agreement() != &**halted;
                    assert!(!other || before.reference() == after.reference(), "seed {seed}");
                }
                (Decision::Permit(before), Decision::Deny(_)) => {
                    assert_eq!(before.agreement(), &**halted, "seed {seed}");
                    stopped += 1;
                }
                (Decision::Deny(_), Decision::Deny(_)) => {}
            }
        }
    }
    assert!(stopped > 100, "{stopped} stopped");
}

/// Whatever is permitted is granted by the clause that the permit names, in an agreement of the two that is in force.
#[test]
fn a_permit_names_a_clause_that_grants_the_question() {
    let mut permitted = 0;
    for seed in 0..4000 {
        let cases = &mut Cases(seed);
        let facts = facts(cases);
        let agreements: Vec<Agreement> = (0..5).map(|number| agreement(cases, number)).collect();
        let set = AgreementSet::new(agreements.into_iter().map(Arc::new));
        let Decision::Permit(permit) = decide(&facts, &set) else { continue };
        permitted += 1;
        let (agreement, clause) = (permit.agreement(), permit.clause());
        assert_eq!(agreement.consumer, facts.caller.organisation, "seed {seed}");
        assert_eq!(Some(&agreement.provider), facts.provider.as_ref(), "seed {seed}");
        assert_eq!(Some(&clause.fact), facts.fact.as_ref(), "seed {seed}");
        assert!(agreement.effective_from <= facts.received_at, "seed {seed}");
        assert!(facts.received_at < agreement.effective_to, "seed {seed}");
        assert!(
            facts.disclose.iter().all(|name| clause.disclose.contains(name.as_str())),
            "seed {seed}"
        );
        assert!(
            facts.assertions.iter().all(|asked| permit.judges(&asked.attribute)),
            "seed {seed}"
        );
    }
    assert!(permitted > 100, "{permitted} permitted");
}

/// Even for a question wider than the permit, which cannot happen when the gateway asks `decide` first.
#[test]
fn nothing_leaves_that_the_permit_does_not_grant() {
    for seed in 0..4000 {
        let cases = &mut Cases(seed);
        let mut granted = sample::agreement();
        granted.clauses[0].assert = sample::words(&["married"]);
        granted.clauses[0].disclose = cases.words(ATTRIBUTES, 40);
        let set = AgreementSet::new([Arc::new(granted)]);
        let Decision::Permit(permit) = decide(&sample::facts(), &set) else {
            panic!("seed {seed}")
        };
        let assertions: Vec<Assertion> = cases
            .some(ATTRIBUTES, 60)
            .into_iter()
            .map(|attribute| Assertion {
                attribute: attribute.to_owned(),
                comparison: Comparison::Eq,
                values: vec![Value::Integer(1)],
            })
            .collect();
        let query =
            query(assertions, cases.some(ATTRIBUTES, 60).into_iter().map(str::to_owned).collect());
        let record = Record {
            finding: Finding::Found(
                cases
                    .some(ATTRIBUTES, 70)
                    .into_iter()
                    .map(|name| (name.to_owned(), Value::Integer(1)))
                    .collect::<BTreeMap<_, _>>(),
            ),
            as_of: sample::TUESDAY_TEN,
            subjects_checked: vec![0],
        };
        let released = release(&permit, &query, &record, cases.chance(20));
        for name in released.disclosed.keys() {
            assert!(permit.discloses(name), "seed {seed}: {name}");
            assert!(query.disclose.contains(name), "seed {seed}: {name}");
        }
        for (name, _, verdict) in &released.judgements {
            assert!(permit.judges(name) || *verdict == Verdict::Unavailable);
        }
    }
}

fn query(assertions: Vec<Assertion>, disclose: Vec<String>) -> Query {
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
