//! One decision, among few agreements and among many.

use std::sync::Arc;

use divan::{Bencher, black_box};
use heyan::decision::agreements::AgreementSet;
use heyan::decision::facts::Facts;
use heyan::decision::pool::Pool;
use heyan::decision::{Decision, decide};

use super::asked::{agreement, facts};

/// Questions that are decided in turn, to agreements all over the set.
const QUESTIONS: usize = 64;

const SIZES: [usize; 3] = [10, 1_000, 100_000];

#[divan::bench(args = SIZES)]
fn permit(bencher: Bencher<'_, '_>, agreements: usize) {
    measure(bencher, agreements, None, |_| {});
}

#[divan::bench(args = SIZES)]
fn deny_after_most_checks(bencher: Bencher<'_, '_>, agreements: usize) {
    measure(bencher, agreements, Some("DISCLOSURE_NOT_GRANTED"), |facts| {
        facts.disclose = vec!["registered_on".to_owned()];
    });
}

#[divan::bench(args = SIZES)]
fn deny_no_agreement(bencher: Bencher<'_, '_>, agreements: usize) {
    measure(bencher, agreements, Some("NO_AGREEMENT"), |facts| {
        facts.caller.organisation = "county-0000-nobody".into();
    });
}

fn measure(
    bencher: Bencher<'_, '_>,
    agreements: usize,
    expected: Option<&str>,
    vary: fn(&mut Facts),
) {
    let set = set(agreements);
    let questions: Vec<Facts> = (0..QUESTIONS)
        .map(|question| {
            let mut facts = facts(&agreement(question * agreements / QUESTIONS));
            vary(&mut facts);
            facts
        })
        .collect();
    for facts in &questions {
        let code = match decide(facts, &set) {
            Decision::Permit(_) => None,
            Decision::Deny(denial) => Some(denial.code()),
        };
        assert_eq!(code, expected);
    }
    let mut turn = questions.iter().cycle();
    bencher.bench_local(|| turn.next().map(|facts| decide(black_box(facts), black_box(&set))));
}

pub(crate) fn set(agreements: usize) -> AgreementSet {
    let mut pool = Pool::default();
    let all: Vec<_> =
        (0..agreements).map(|number| Arc::new(pool.share(agreement(number)))).collect();
    AgreementSet::new(all.iter().map(Arc::clone))
}
