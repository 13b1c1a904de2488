//! Orders one after the other, by table: what each does, or why it does nothing.

use super::super::tests::{freeze, order, version};
use super::*;
use crate::agreements::document::tests::NOW;
use crate::agreements::terms::Terms;
use crate::agreements::terms::tests::DRAFT;

fn agreement() -> Agreement {
    let terms = Terms::parse(std::path::Path::new("draft.toml"), DRAFT).unwrap();
    terms.agreement(&[]).unwrap()
}

/// Takes what is admitted; what each came to, in words.
fn run(orders: &[Order]) -> (Standing, Vec<String>) {
    let (mut standing, agreement) = (Standing::default(), agreement());
    let said = orders.iter().map(|order| match standing.admit(order, Some(&agreement), NOW) {
        Ok(effect) => {
            standing.take(order, [9; 32]);
            match effect {
                Effect::Suspended(_) => "suspended".to_owned(),
                Effect::Resumed(_) => "resumed".to_owned(),
                Effect::Revoked(_) => "revoked".to_owned(),
                Effect::Frozen(name) => format!("frozen {name}"),
                Effect::Lifted(name) => format!("lifted {name}"),
            }
        }
        Err(refused) => refused.to_string(),
    });
    let said = said.collect();
    (standing, said)
}

const FUND: &str = "fund-centre";
const CIVIL: &str = "civil-affairs";

fn suspend(id: &str, by: &str, before: u64) -> Order {
    order(id, by, before, &Act::Suspend(version(1)))
}

fn resume(id: &str, by: &str, before: u64) -> Order {
    order(id, by, before, &Act::Resume(version(1)))
}

fn revoke(id: &str, by: &str, before: u64) -> Order {
    order(id, by, before, &Act::Revoke(version(1)))
}

fn lift(id: &str, by: &str, freeze: &str) -> Order {
    order(id, by, 0, &Act::Unfreeze(freeze.to_owned()))
}

#[test]
fn each_party_resumes_what_it_suspended_and_revoking_is_final() {
    let suspended = |by: &str| Some(Halt::Suspended(by.into()));
    let cases: [(&[Order], &[&str], Option<Halt>); 9] = [
        (&[suspend("one", CIVIL, 9)], &["suspended"], suspended(CIVIL)),
        (&[suspend("one", CIVIL, 9), resume("two", CIVIL, 8)], &["suspended", "resumed"], None),
        (
            &[suspend("one", CIVIL, 9), resume("two", FUND, 8)],
            &["suspended", "`fund-centre` has not suspended"],
            suspended(CIVIL),
        ),
        (
            &[suspend("one", CIVIL, 9), suspend("two", FUND, 8), resume("three", CIVIL, 7)],
            &["suspended", "suspended", "resumed"],
            suspended(FUND),
        ),
        (
            &[
                suspend("one", CIVIL, 9),
                suspend("two", FUND, 8),
                resume("three", CIVIL, 7),
                resume("four", FUND, 6),
            ],
            &["suspended", "suspended", "resumed", "resumed"],
            None,
        ),
        (
            &[revoke("one", FUND, 9), resume("two", FUND, 8), revoke("three", CIVIL, 7)],
            &["revoked", "`fund-centre` has revoked", "`fund-centre` has revoked"],
            Some(Halt::Revoked(FUND.into())),
        ),
        // A resumption that was held back, and one that was used before.
        (
            &[
                suspend("one", CIVIL, 9),
                resume("two", CIVIL, 8),
                suspend("three", CIVIL, 6),
                resume("four", CIVIL, 7),
                resume("two", CIVIL, 8),
            ],
            &["suspended", "resumed", "suspended", "given a later order", "another order the id"],
            suspended(CIVIL),
        ),
        // Who suspends twice resumes once.
        (
            &[suspend("one", CIVIL, 9), suspend("two", CIVIL, 8), resume("three", CIVIL, 7)],
            &["suspended", "suspended", "resumed"],
            None,
        ),
        (
            &[
                suspend("one", "police", 9),
                order("two", CIVIL, 9, &Act::Suspend(version(2))),
                resume("three", CIVIL, 9),
            ],
            &["`police` is no party", "version 2 is not in force", "has not suspended"],
            None,
        ),
    ];
    for (number, (orders, expected, halt)) in cases.into_iter().enumerate() {
        let (standing, said) = run(orders);
        assert_eq!(said.len(), expected.len());
        for (said, expected) in said.iter().zip(expected) {
            assert!(said.contains(expected), "case {number}: {said}, not {expected}");
        }
        assert_eq!(standing.halt(&agreement()), halt, "case {number}");
        let other = Agreement { version: 7, ..agreement() };
        assert_eq!(standing.halt(&other), None, "of another version nothing was said");
    }
}

#[test]
fn a_freeze_lasts_until_its_own_agency_lifts_it() {
    let (standing, said) = run(&[
        freeze("one", "police", 9),
        freeze("two", "police", 8),
        freeze("one", CIVIL, 7),
        lift("three", CIVIL, "two"),
        lift("three", "police", "one"),
        lift("four", "police", "one"),
    ]);
    let expected = [
        "frozen provider:police",
        "frozen provider:police",
        "frozen provider:civil-affairs",
        "`civil-affairs` has no freeze `two` in force; only who froze can lift",
        "lifted provider:police",
        "`police` has no freeze `one` in force; only who froze can lift",
    ];
    assert_eq!(said, expected);
    let names = |standing: &Standing| {
        let over = |provider: &str| {
            standing.freezes().over(Some(&provider.into()), Some(&"P1".into()), &FUND.into())
        };
        [over("police"), over(CIVIL), over("tax")].concat()
    };
    assert_eq!(names(&standing), ["provider:police", "provider:civil-affairs"]);
    let mut standing = standing;
    standing.take(&lift("five", "police", "two"), [9; 32]);
    assert_eq!(names(&standing), ["provider:civil-affairs"]);
}

#[test]
fn orders_of_tomorrow_wait_and_need_their_agreement() {
    let (standing, agreement) = (Standing::default(), agreement());
    let ahead = Order::new(
        "one",
        &CIVIL.into(),
        NOW.plus(AHEAD + Duration::from_secs(1)),
        "an incident",
        &Act::Suspend(version(1)),
    );
    assert_eq!(standing.admit(&ahead, Some(&agreement), NOW), Err(OrderRefused::Ahead));
    let later = NOW.plus(Duration::from_secs(1));
    assert!(standing.admit(&ahead, Some(&agreement), later).is_ok());
    let refused = standing.admit(&suspend("one", CIVIL, 0), None, NOW);
    assert_eq!(refused, Err(OrderRefused::NoAgreement(version(1))));
}
