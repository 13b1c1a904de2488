//! Every way through every item, with every answer and every two answers missing: READY only when something else was
//! answered that shows the same.

use super::items::{Way, ways};
use super::*;
use crate::catalogue::rule::Across;

/// What can come instead of a good answer.
pub(super) fn failures() -> Vec<Heard> {
    vec![
        Heard { code: "purpose_not_covered".to_owned(), ..Heard::default() },
        answered(Verdict::NotFound),
        answered(Verdict::Stale),
        answered(Verdict::Conflict),
        Heard { code: "timeout".to_owned(), ..answered(Verdict::Unavailable) },
        Heard { unchecked: true, ..answered(Verdict::Confirmed) },
    ]
}

/// Questions of which the second shows what the first would have.
const INSTEAD: [(&str, &str); 3] =
    [("loss", "arrears"), ("arrears", "loss"), ("income_of_one", "income_of_both")];

/// Runs the way with the askings at these places going wrong; what was asked, and whether it went well.
fn outcome(way: &Way, wrong: &[(usize, usize)]) -> (Outcome, Vec<(String, bool)>) {
    let failures = failures();
    let mut asked: Vec<(String, bool)> = Vec::new();
    let conclusion = run(&mut way.open(), |asking| {
        let failure = wrong.iter().find(|(place, _)| *place == asked.len()).map(|(_, kind)| *kind);
        // A single person's marriage has no record: that is the good answer.
        let is_well = asking.question == "marriage" && way.is_single() && failure == Some(1);
        let failure = failure.filter(|_| !is_well);
        asked.push((asking.question.clone(), failure.is_none()));
        failure.map_or_else(|| way.well(asking), |kind| failures[kind].clone())
    });
    (conclusion.outcome, asked)
}

/// Whether something else shows what a question that went wrong was to show.
fn is_made_up_for(way: &Way, question: &str, asked: &[(String, bool)]) -> bool {
    let went_well = |name: &str| {
        let mut answers = asked.iter().filter(|(one, _)| one == name).peekable();
        answers.peek().is_some() && answers.all(|(_, is_well)| *is_well)
    };
    let written = way.rule();
    let across = written.rule.question(question).unwrap().across;
    let another = asked.iter().any(|(name, is_well)| name == question && *is_well);
    across == Across::Any && another
        || INSTEAD.iter().any(|(of, by)| *of == question && went_well(by))
}

fn check(way: &Way, wrong: &[(usize, usize)]) {
    let (outcome, asked) = outcome(way, wrong);
    let mut failed = asked.iter().filter(|(_, is_well)| !is_well).map(|(name, _)| name);
    // What is made up for may be READY; nothing else may, and silence never refutes.
    let may_be_ready = way.item != "W7" && failed.all(|name| is_made_up_for(way, name, &asked));
    let is_right = outcome == Outcome::NeedsCounter || may_be_ready && outcome == Outcome::Ready;
    assert!(is_right, "{} {} {wrong:?}: {outcome:?} after {asked:?}", way.item, way.name);
}

#[test]
fn no_one_and_no_two_missing_answers_are_ready() {
    let kinds = failures().len();
    for way in ways() {
        let (_, asked) = outcome(&way, &[]);
        for first in 0..asked.len() {
            for kind in 0..kinds {
                check(&way, &[(first, kind)]);
                for second in first + 1..asked.len() {
                    for other in 0..kinds {
                        check(&way, &[(first, kind), (second, other)]);
                    }
                }
            }
        }
    }
}

#[test]
fn when_nobody_answers_nothing_is_ready() {
    for way in ways() {
        let (_, asked) = outcome(&way, &[]);
        assert!(!asked.is_empty(), "{} {}", way.item, way.name);
        for kind in 0..failures().len() {
            let wrong: Vec<(usize, usize)> = (0..32).map(|place| (place, kind)).collect();
            check(&way, &wrong);
        }
    }
}

#[test]
fn evidence_left_out_or_of_another_day_is_not_ready() {
    for way in ways().iter().filter(|way| !way.application.evidence.is_empty()) {
        for name in way.application.evidence.keys() {
            let mut without = way.application.clone();
            without.evidence.remove(name);
            let mut old = way.application.clone();
            old.evidence.get_mut(name).unwrap().issued_on = jiff::civil::date(2019, 1, 1);
            for application in [without, old] {
                let mut case = Case::open(way.rule(), application).ok().unwrap();
                let conclusion = run(&mut case, |asking| way.well(asking));
                assert_eq!(conclusion.outcome, Outcome::NeedsCounter, "{} {name}", way.item);
            }
        }
    }
}

/// Only values that may be left out can be, and then nothing that needs them is READY or refuted.
#[test]
fn a_stated_value_left_out_never_helps() {
    for way in ways() {
        for name in way.application.given.keys() {
            let mut without = way.application.clone();
            without.given.remove(name);
            let Ok(mut case) = Case::open(way.rule(), without) else { continue };
            let outcome = run(&mut case, |asking| way.well(asking)).outcome;
            assert_ne!(outcome, Outcome::Refuted, "{} {name}", way.item);
            let needed = way.rule().rule.given(name).is_some_and(|given| !given.optional);
            assert!(!needed, "{} {name} was not missed", way.item);
        }
    }
}
