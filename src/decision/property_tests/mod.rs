//! What holds for every question and every set of agreements, tried on many generated ones.

mod leaving;
mod made;
mod narrowing;
mod plainly;

use std::sync::Arc;
use std::time::Duration;

use self::made::{Cases, Question, agreements, set};
use super::agreement::Agreement;
use super::agreements::AgreementSet;
use super::facts::Facts;
use super::halts::Halt;
use super::{Decision, PermitRef, decide, sample};

/// What was decided, to the last word.
fn said(decision: &Decision) -> Result<PermitRef, super::denial::Denial> {
    match decision {
        Decision::Permit(permit) => Ok(permit.reference()),
        Decision::Deny(denial) => Err(denial.clone()),
    }
}

fn permits(question: &Question, agreements: &[Agreement]) -> bool {
    let set = set(agreements);
    matches!(decide(&question.facts(&set), &set), Decision::Permit(_))
}

#[test]
fn no_agreement_no_permit() {
    for seed in 0..2000 {
        let question = Question::new(&mut Cases(seed));
        assert!(!permits(&question, &[]), "seed {seed}");
    }
}

/// Taking a clause away never opens anything. Taking a whole agreement away is another matter: it may be the one that
/// superseded an older version.
#[test]
fn removing_a_clause_never_permits_more() {
    let (mut permitted, mut denied) = (0, 0);
    for seed in 0..2000 {
        let cases = &mut Cases(seed);
        let question = Question::new(cases);
        let agreements = agreements(cases, 5);
        if permits(&question, &agreements) {
            permitted += 1;
            continue;
        }
        denied += 1;
        for at in 0..agreements.len() {
            for clause in 0..agreements[at].clauses.len() {
                // What a clause withholds goes with it, and that may open another one.
                if !agreements[at].clauses[clause].details.never.is_empty() {
                    continue;
                }
                let mut fewer = agreements.clone();
                fewer[at].clauses.remove(clause);
                assert!(
                    !permits(&question, &fewer),
                    "seed {seed}, agreement {at}, clause {clause}"
                );
            }
        }
    }
    assert!(permitted > 100 && denied > 100, "{permitted} permitted, {denied} denied");
}

/// An order never opens anything, and what it stops is as if it were not there.
#[test]
fn a_halted_agreement_permits_nothing_that_the_others_do_not() {
    let mut stopped = 0;
    for seed in 0..3000 {
        let cases = &mut Cases(seed);
        let question = Question::new(cases);
        let agreements: Vec<Arc<Agreement>> =
            agreements(cases, 5).into_iter().map(Arc::new).collect();
        let set = || AgreementSet::new(agreements.iter().map(Arc::clone));
        let by = "civil-affairs".into();
        let facts = question.facts(&set());
        // In one case of four it begins a moment too late.
        let begun = !cases.chance(25);
        let from = match begun {
            true => facts.received_at,
            false => facts.received_at.plus(Duration::from_micros(1)),
        };
        let halt = match cases.chance(50) {
            true => Halt::Suspended { by, from },
            false => Halt::Revoked { by, from },
        };
        let before = decide(&facts, &set());
        for halted in &agreements {
            let halts = [(halted.id.clone(), halted.version, halt.clone())].into_iter().collect();
            let after = decide(&facts, &set().halted_by(halts));
            match (&before, after) {
                (Decision::Deny(before), Decision::Deny(after)) if !begun => {
                    assert_eq!(before, &after, "seed {seed}: it acted before its time");
                }
                (Decision::Permit(before), Decision::Permit(after)) if !begun => {
                    assert_eq!(before.reference(), after.reference(), "seed {seed}");
                }
                _ if !begun => panic!("seed {seed}: it acted before its time"),
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

/// A version that is taken away grants nothing, and opens at the most what it had taken the place of.
#[test]
fn a_withdrawn_agreement_opens_nothing_but_its_own_older_versions() {
    let (mut closed, mut opened) = (0, 0);
    for seed in 0..3000 {
        let cases = &mut Cases(seed);
        let question = Question::new(cases);
        let agreements = agreements(cases, 5);
        let whole = set(&agreements);
        let facts = question.facts(&whole);
        let before = decide(&facts, &whole);
        for gone in &agreements {
            let rest = sample::without(&whole, &gone.id, gone.version);
            match (&before, decide(&facts, &rest)) {
                (before, Decision::Permit(after)) => {
                    assert_ne!(after.agreement(), gone, "seed {seed}");
                    let is_older =
                        after.agreement().id == gone.id && after.agreement().version < gone.version;
                    let is_new = matches!(before, Decision::Deny(_));
                    assert!(!is_new || is_older, "seed {seed}: it opened another agreement");
                    opened += usize::from(is_new);
                }
                (Decision::Permit(_), Decision::Deny(_)) => closed += 1,
                (Decision::Deny(_), Decision::Deny(_)) => {}
            }
        }
    }
    assert!(closed > 100 && opened > 10, "{closed} closed, {opened} opened");
}

/// Permit or denial, whichever clause and in whichever words.
#[test]
fn the_order_of_agreements_never_matters() {
    let (mut permitted, mut several) = (0, 0);
    for seed in 0..1500 {
        let cases = &mut Cases(seed);
        let question = Question::new(cases);
        let mut agreements = agreements(cases, 6);
        let first = set(&agreements);
        let expected = decide(&question.facts(&first), &first);
        permitted += usize::from(matches!(expected, Decision::Permit(_)));
        let facts = question.facts(&first);
        let fact = facts.fact.clone().unwrap();
        several += usize::from(first.clauses(&facts.caller.organisation, &fact).len() > 1);
        for _ in 0..4 {
            for at in (1..agreements.len()).rev() {
                agreements.swap(at, cases.below(at + 1));
            }
            let one_by_one = agreements.iter().cloned().map(Arc::new);
            let grown =
                one_by_one.fold(AgreementSet::default(), |set, one| sample::with(&set, one));
            for other in [set(&agreements), grown] {
                let again = decide(&question.facts(&other), &other);
                assert_eq!(said(&again), said(&expected), "seed {seed}");
            }
        }
    }
    assert!(permitted > 50 && several > 500, "{permitted} permitted, {several} with a choice");
}

/// A limit of values that nobody recorded as kept was not kept.
#[test]
fn without_a_record_of_the_limit_no_limited_clause_permits() {
    let mut missed = 0;
    for seed in 0..6000 {
        let cases = &mut Cases(seed);
        let question = Question::new(cases);
        let set = set(&agreements(cases, 3));
        let facts = question.facts(&set);
        let mut silent: Facts = facts.clone();
        for asked in &mut silent.assertions {
            asked.within.clear();
        }
        let is_limited = |permit: &super::Permit| {
            facts.assertions.iter().any(|asked| {
                let limit = permit.clause().limit(&asked.attribute);
                limit.is_some_and(|limit| !limit.values.is_empty() || limit.multiple_of.is_some())
            })
        };
        if let Decision::Permit(permit) = decide(&silent, &set) {
            assert!(!is_limited(&permit), "seed {seed}");
        }
        if let Decision::Permit(permit) = decide(&facts, &set) {
            missed += usize::from(is_limited(&permit));
        }
    }
    assert!(missed > 20, "{missed} permits hung on the record");
}
