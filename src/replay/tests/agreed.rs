//! Masks, relations and months: what entries say of them, held against the agreements.

use super::*;
use crate::decision::facts::RoleFact;

/// The last second of 2024-10-31 in China.
const LAST_OF_OCTOBER: u64 = (20_000 + 28) * 86_400 * SECOND - 8 * 3600 * SECOND - SECOND;

fn asked_for(log: &mut [Entry], name: &str) {
    for at in [3, 4] {
        facts_of(&mut log[at]).disclose.push(name.to_owned());
    }
}

#[test]
fn a_value_leaves_whole_or_in_part_as_the_clause_says() {
    let number = || "spouse_number".to_owned();
    let cases: [(fn(&mut Outcome, String), &[(u64, &str)]); 4] = [
        (
            |outcome, number| {
                outcome.disclosed.push(number.clone());
                outcome.masked.push(number);
            },
            &[],
        ),
        (|outcome, number| outcome.disclosed.push(number), &[(4, "masked")]),
        (|outcome, _| outcome.masked.push("marriage_date".to_owned()), &[(4, "masked")]),
        (|outcome, number| outcome.masked.push(number), &[(4, "masked")]),
    ];
    for (at, (change, expected)) in cases.into_iter().enumerate() {
        let mut log = log();
        asked_for(&mut log, &number());
        change(outcome_of(&mut log[4]), number());
        assert_eq!(found(&log), expected, "case {at}");
    }
}

#[test]
fn a_relation_is_shown_by_an_entry_that_was_there() {
    let with = |relation, shown_by| {
        let mut log = log();
        for at in [3, 4] {
            let spouse = RoleFact { relation, shown_by, ..sample::role("spouse") };
            facts_of(&mut log[at]).roles.push(spouse);
        }
        found(&log)
    };
    assert_eq!(with(Some(Relation::Verified), 2), []);
    assert_eq!(with(Some(Relation::Verified), 3), [(3, "relation")]);
    assert_eq!(with(Some(Relation::Verified), u64::MAX), [(3, "relation")]);
    // Not proven at all: then it was not to be permitted.
    for (relation, shown_by) in
        [(None, 0), (Some(Relation::Declared), 0), (Some(Relation::Verified), 0)]
    {
        assert_eq!(with(relation, shown_by), [(3, "decision")]);
    }
}

/// Three more questions: the last second of a month, the first of the next, and one of the month before that took
/// longer to answer.
fn over_the_month(used: [u64; 3]) -> Vec<Entry> {
    let mut log = log();
    each_question(&mut log, |facts| facts.rules = 2);
    log.pop();
    let times = [LAST_OF_OCTOBER, LAST_OF_OCTOBER + SECOND, LAST_OF_OCTOBER];
    for (number, (at, month)) in (7..).zip(times.into_iter().zip(used)) {
        let mut facts = question(number, 0, at);
        (facts.rules, facts.quota[0].month) = (2, month);
        if number == 9 {
            (facts.quota[0].day, facts.quota[0].second) = (1, 1);
        }
        log.push(entry(at, outcome(facts, None, Source::Agency)));
    }
    log
}

#[test]
fn months_are_counted_again_each_for_itself() {
    // Five permits came before in that month.
    assert_eq!(found(&over_the_month([5, 0, 6])), []);
    assert_eq!(found(&over_the_month([4, 0, 6])), [(11, "quota")]);
    assert_eq!(found(&over_the_month([5, 0, 5])), [(13, "quota")]);
    assert_eq!(found(&over_the_month([6, 0, 5])), [], "in whatever order they were decided");
    assert_eq!(
        found(&over_the_month([5, 6, 6])),
        [],
        "more than was used is said to nobody's gain"
    );

    // Under rules 1 nobody counted months.
    let mut old = over_the_month([0, 0, 0]);
    assert_eq!(found(&old).len(), 1);
    each_question(&mut old, |facts| (facts.rules, facts.quota[0].month) = (1, 0));
    assert_eq!(found(&old), []);
}

fn each_question(log: &mut [Entry], change: impl Fn(&mut Facts)) {
    for entry in log.iter_mut().filter(|entry| entry.kind.facts().is_some()) {
        change(facts_of(entry));
    }
}
