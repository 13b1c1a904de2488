//! What is explained is what is decided, for every question and every set of agreements; and nothing is left out of it.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::decision::agreement::Hours;
use crate::decision::facts::{Defect, QuotaUse, Standing};
use crate::decision::halts::Halt;
use crate::decision::set::Word;
use crate::decision::{Decision, decide, sample};
use crate::query::time::Timestamp;

/// SplitMix64: the same cases on every run.
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

    fn one(&mut self, of: &[&'static str]) -> &'static str {
        of[usize::try_from(self.number(of.len() as u64)).unwrap()]
    }

    fn some(&mut self, of: &[&'static str], percent: u64) -> Vec<&'static str> {
        of.iter().copied().filter(|_| self.chance(percent)).collect()
    }
}

const ATTRIBUTES: &[&str] = &["married", "registered_on", "status"];

fn agreement(cases: &mut Cases, number: u64) -> Agreement {
    let from = sample::TUESDAY_TEN.seconds() - 1000 + cases.number(1050);
    let clauses = (0..cases.number(4)).map(|_| Clause {
        fact: cases.one(&["M1", "M2", "P1"]).into(),
        items: cases.some(&["W1", "W3"], 85).into_iter().map(Into::into).collect(),
        roles: cases.some(&["person", "spouse"], 90).into_iter().map(Word::from).collect(),
        assert: cases.some(ATTRIBUTES, 80).into_iter().map(Word::from).collect(),
        disclose: cases.some(ATTRIBUTES, 60).into_iter().map(Word::from).collect(),
        consent: cases.chance(10),
        ..sample::clause()
    });
    Agreement {
        clauses: clauses.collect(),
        id: format!("a-{}", number / 2),
        version: u32::try_from(number % 2).unwrap() + 1,
        consumer: cases.one(&["fund-centre", "fund-centre", "audit-office"]).into(),
        provider: cases.one(&["civil-affairs", "civil-affairs", "police"]).into(),
        systems: cases.some(&["approval"], 90).into_iter().map(Into::into).collect(),
        effective_from: Timestamp::from_seconds(from),
        effective_to: Timestamp::from_seconds(from + 300 + cases.number(5000)),
        hours: cases.chance(20).then(|| Hours {
            days: [0, 1, 2, 3, 4].into(),
            from_minute: 480,
            to_minute: 540 + u32::try_from(cases.number(200)).unwrap(),
        }),
        ..sample::agreement()
    }
}

fn facts(cases: &mut Cases) -> Facts {
    let used = if cases.chance(10) { 1000 } else { 1 };
    let mut facts = Facts {
        fact: Some(cases.one(&["M1", "M2", "E4"]).into()),
        item: cases.one(&["W1", "W3"]).into(),
        roles: cases.some(&["person", "spouse"], 90).into_iter().map(sample::role).collect(),
        assertions: cases.some(ATTRIBUTES, 40).into_iter().map(sample::assertion).collect(),
        disclose: cases.some(ATTRIBUTES, 30).into_iter().map(str::to_owned).collect(),
        quota: (0..3)
            .map(|id| QuotaUse { agreement: format!("a-{id}"), day: used, second: 0, month: used })
            .collect(),
        ..sample::facts()
    };
    match cases.number(12) {
        0 => facts.fact = None,
        1 => facts.caller.standing = Standing::NoQueryRight,
        2 => facts.defects = vec![Defect { field: "purpose".into(), check: "missing".into() }],
        3 => facts.deadline = Some(Duration::ZERO),
        4 => facts.freezes = vec!["provider:civil-affairs".to_owned()],
        _ => {}
    }
    facts
}

fn set(cases: &mut Cases) -> AgreementSet {
    let agreements: Vec<_> = (0..5).map(|number| Arc::new(agreement(cases, number))).collect();
    let halted = cases.chance(20).then(|| format!("a-{}", cases.number(3)));
    let halts = halted.into_iter().flat_map(|id| {
        let halt = Halt::Suspended { by: "civil-affairs".into(), from: Timestamp(0) };
        [1, 2].map(|version| (id.clone(), version, halt.clone()))
    });
    AgreementSet::new(agreements).halted_by(halts.collect())
}

#[test]
fn what_is_explained_is_what_is_decided() {
    let (mut permitted, mut codes) = (0, std::collections::BTreeSet::new());
    for seed in 0..6000 {
        let cases = &mut Cases(seed);
        let (facts, set) = (facts(cases), set(cases));
        let examined = examine(&facts, &set);
        match (decide(&facts, &set), &examined.conclusion) {
            (Decision::Permit(permit), Ok(reference)) => {
                permitted += 1;
                assert_eq!(permit.reference(), *reference, "seed {seed}");
                let first = examined.candidates.iter().find(|one| one.permits()).unwrap();
                assert_eq!(first.reference(), *reference, "seed {seed}");
            }
            (Decision::Deny(denial), Err(explained)) => {
                codes.insert(denial.code());
                assert_eq!(denial, *explained, "seed {seed}");
                let is_good = examined.question.iter().all(|step| step.outcome == Outcome::Passed);
                assert!(!is_good || !examined.candidates.iter().any(Examined::permits));
            }
            (decided, explained) => panic!("seed {seed}: {decided:?}, explained as {explained:?}"),
        }
        // Every agreement is accounted for once.
        let mut looked_at: Vec<_> =
            examined.candidates.iter().map(|one| Arc::as_ptr(&one.agreement)).collect();
        looked_at.dedup();
        let accounted = looked_at.len() + examined.passed_over.len() + examined.others;
        assert_eq!(accounted, set.all().len(), "seed {seed}");
    }
    assert!(permitted > 200 && codes.len() > 12, "{permitted} permitted, {codes:?}");
}

#[test]
fn steps_run_up_to_the_first_that_fails() {
    let mut facts = sample::facts();
    facts.item = "W9".into();
    let set = AgreementSet::new([Arc::new(sample::agreement())]);
    let examined = examine(&facts, &set);
    assert!(examined.question.iter().all(|step| step.outcome == Outcome::Passed));
    let [candidate] = examined.candidates.as_slice() else { panic!("{examined:?}") };
    assert_eq!(candidate.steps[0].outcome, Outcome::Passed);
    let failed = Outcome::Failed(Denial::PurposeNotGranted("W9".into()));
    assert_eq!(
        (candidate.steps[1].check, &candidate.steps[1].outcome),
        ("purpose_granted", &failed)
    );
    assert!(candidate.steps[2..].iter().all(|step| step.outcome == Outcome::NotReached));
    assert_eq!(candidate.clause().unwrap().fact, "M2".into());

    facts.roles.clear();
    let examined = examine(&facts, &set);
    assert_eq!(examined.conclusion, Err(Denial::SubjectMissing));
    let unreached = |step: &Step| step.outcome == Outcome::NotReached;
    assert!(examined.candidates.iter().all(|one| one.steps.iter().all(unreached)));
}

#[test]
fn what_is_not_looked_at_is_named_with_the_reason() {
    let with = |consumer: &str, provider: &str, fact: &str| {
        let mut agreement = sample::agreement();
        agreement.id = format!("{consumer}-{provider}-{fact}");
        agreement.consumer = consumer.into();
        agreement.provider = provider.into();
        agreement.clauses[0].fact = fact.into();
        Arc::new(agreement)
    };
    let set = AgreementSet::new([
        with("audit-office", "civil-affairs", "M2"),
        with("audit-office", "police", "P1"),
        with("fund-centre", "police", "M2"),
        with("fund-centre", "civil-affairs", "M1"),
    ]);
    let examined = examine(&sample::facts(), &set);
    assert!(examined.candidates.is_empty());
    let why: Vec<_> = examined.passed_over.iter().map(|one| one.why).collect();
    assert_eq!(why, [Aside::OtherFacts, Aside::OtherProvider, Aside::OtherConsumer]);
    assert_eq!(examined.others, 1);
    assert_eq!(examined.conclusion, Err(Denial::FactNotGranted("M2".into())));
}
