//! Each rule at its bound: one below finds nothing, one above finds one.

use super::*;
use crate::audit::testing::facts;

const SECOND: u64 = 1_000_000;
/// Monday, 2026-11-23, 10:00 in China.
const TEN: u64 = 1_795_399_200 * SECOND;
const HOUR: u64 = 3600 * SECOND;

/// Unit, time, case, denied.
fn seen(questions: impl IntoIterator<Item = (&'static str, u64, String, bool)>) -> Vec<Unusual> {
    let mut watch = Watch::default();
    for (unit, at, case, is_denied) in questions {
        let mut facts = facts("fund-centre/approval", 1, Timestamp(at));
        facts.operator_unit = unit.to_owned();
        facts.case_number = case;
        watch.question(&Question { facts: &facts, is_denied, operator: None });
    }
    watch.finish().0
}

fn names(found: &[Unusual]) -> Vec<&'static str> {
    found.iter().map(|found| found.rule.name).collect()
}

fn many(
    unit: &'static str,
    count: u64,
    every: u64,
) -> impl Iterator<Item = (&'static str, u64, String, bool)> {
    (0..count)
        .map(move |number| (unit, TEN + number * every, format!("{unit}-{}", number / 3), false))
}

#[test]
fn a_unit_that_asks_far_more_than_its_peers() {
    let load = |busy: u64| many("a", busy, SECOND).chain(many("b", 30, 1)).chain(many("c", 20, 1));
    // Of b and c the median is the higher.
    assert!(seen(load(150)).is_empty());
    let found = seen(load(151));
    assert_eq!(names(&found), ["busy"]);
    assert_eq!((found[0].who.as_str(), found[0].count), ("fund-centre, a", 151));
    assert!(found[0].text.ends_with("is 30"), "{}", found[0].text);
    // Two units are no peers, and few questions are nothing.
    assert!(seen(many("a", 170, SECOND).chain(many("b", 1, 1))).is_empty());
    assert!(seen(many("a", 99, SECOND).chain(many("b", 1, 1)).chain(many("c", 1, 1))).is_empty());
}

#[test]
fn questions_out_of_office_hours() {
    let night = |count: u64| (0..count).map(|n| ("a", TEN + 11 * HOUR + n, format!("{n}"), false));
    assert!(seen(night(19)).is_empty());
    assert_eq!(names(&seen(night(20))), ["off-hours"]);
    let day = (0..80).map(|n| ("a", TEN + n, format!("{}", n / 2), false));
    assert!(seen(day.chain(night(20))).is_empty(), "a fifth is not more than a fifth");
    let is_off = |at: u64| is_off_hours(Timestamp(at));
    assert!(!is_off(TEN + 10 * HOUR - 1) && is_off(TEN + 10 * HOUR), "20:00");
    assert!(is_off(TEN - 3 * HOUR - 1) && !is_off(TEN - 3 * HOUR), "07:00");
    assert!(is_off(TEN + 5 * 24 * HOUR), "a Saturday");
}

#[test]
fn many_cases_in_one_hour() {
    let cases = |count: u64| (0..count).map(|n| ("a", TEN + n * SECOND, format!("{n}"), false));
    assert!(seen(cases(60)).is_empty());
    let found = seen(cases(61));
    assert_eq!(names(&found), ["many-cases"]);
    assert_eq!((found[0].count, found[0].when.as_str()), (61, "2026-11-23 10:00:00.000"));
    let spread = (0..100).map(|n| ("a", TEN + n * HOUR / 50, format!("{n}"), false));
    assert!(seen(spread).is_empty());
}

#[test]
fn one_case_again_and_again() {
    let same = |count: u64| (0..count).map(|n| ("a", TEN + n * SECOND, "7".to_owned(), false));
    assert!(seen(same(20)).is_empty());
    let found = seen(same(21));
    assert_eq!(names(&found), ["repeated-case"]);
    assert_eq!(
        (found[0].who.as_str(), found[0].when.as_str()),
        ("fund-centre, case 7", "2026-11-23")
    );
    let two_days =
        same(20).chain((0..20).map(|n| ("a", TEN + 24 * HOUR + n, "7".to_owned(), false)));
    assert!(seen(two_days).is_empty());
}

#[test]
fn counts_of_more_cases_than_are_kept_are_lower_bounds() {
    let mut cases = Cases::default();
    for number in 0..3 * MOST_CASES {
        cases.count(String::new(), &number.to_string());
        if number % 2 == 0 {
            cases.count(String::new(), "often");
        }
        assert!(cases.counts.len() <= MOST_CASES);
    }
    let counted = cases.counts[&(String::new(), "often".to_owned())];
    let really = 3 * MOST_CASES as u64 / 2;
    assert!((really - 6..=really).contains(&counted), "{counted} of {really}");
}

#[test]
fn denial_after_denial() {
    let denials = |count: u64, every: u64| {
        (0..count).map(move |n| ("a", TEN + n * every, String::new(), true))
    };
    assert!(seen(denials(19, SECOND)).is_empty());
    let found = seen(denials(25, SECOND));
    assert_eq!(names(&found), ["denials"]);
    assert_eq!((found[0].count, found[0].who.as_str()), (25, "fund-centre/approval"));
    assert!(seen(denials(100, 32 * SECOND)).is_empty(), "20 take more than 10 minutes");
    // Two bursts apart are two.
    let later = (0..20).map(|n| ("a", TEN + 5 * HOUR + n * SECOND, String::new(), true));
    assert_eq!(names(&seen(denials(20, SECOND).chain(later))), ["denials", "denials"]);
}
