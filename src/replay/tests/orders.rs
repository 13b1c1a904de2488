//! Orders and freezes: taken again as the log has them, and each thing wrong with them found under its own rule.

use super::*;
use crate::agreements::document::Signer;
use crate::agreements::order::{self, Act, Order, OrderError, Version};
use crate::audit::entry::{FreezeChange, FreezeEvent, OrderEffect};
use crate::decision::freeze::Scope;

/// Documents of these tests are the payloads alone.
fn verify_order(document: &[u8], _: &Register, _: Timestamp) -> Result<Order, OrderError> {
    serde_json::from_slice(document).map_err(OrderError::Json)
}

fn run(log: &[Entry]) -> Report {
    let mut replay = Replay::with(None, verify);
    replay.in_force.verify_order = verify_order;
    for (index, entry) in (0..).zip(log) {
        replay.entry(index, entry);
    }
    replay.finish()
}

fn found(log: &[Entry]) -> Vec<(u64, &'static str)> {
    run(log).findings.into_iter().map(|finding| (finding.index, finding.rule)).collect()
}

const PROVIDER: &str = "civil-affairs";
const NAME: &str = "provider:civil-affairs/fact:M1";

fn document(id: &str, by: &str, at: u64, act: &Act) -> Vec<u8> {
    serde_json::to_vec(&Order::new(id, &by.into(), Timestamp(at), "an incident", act)).unwrap()
}

fn version(version: u32) -> Version {
    Version { agreement: "mz-1".to_owned(), version }
}

fn ordered(id: &str, by: &str, at: u64, effect: OrderEffect) -> Entry {
    let act = match effect {
        OrderEffect::Suspended => Act::Suspend(version(1)),
        OrderEffect::Resumed => Act::Resume(version(1)),
        OrderEffect::Revoked => Act::Revoke(version(1)),
    };
    let document = document(id, by, at, &act);
    let id = "mz-1".to_owned();
    entry(at, Kind::Agreement(AgreementEvent::Ordered { id, version: 1, effect, document }))
}

fn freeze(id: &str, by: &str, at: u64) -> Entry {
    let scope = Scope { provider: by.into(), fact: Some("M1".into()), caller: None };
    let (change, name) = (FreezeChange::Frozen, scope.name());
    let document = document(id, by, at, &Act::Freeze(scope));
    entry(at, Kind::Freeze(FreezeEvent { change, name, document }))
}

fn lift(id: &str, by: &str, at: u64, freeze: &str) -> Entry {
    let (change, name) = (FreezeChange::Lifted, NAME.to_owned());
    let document = document(id, by, at, &Act::Unfreeze(freeze.to_owned()));
    entry(at, Kind::Freeze(FreezeEvent { change, name, document }))
}

fn denied_with(facts: Facts, code: &str) -> Kind {
    let code = code.to_owned();
    Kind::Denial(Box::new(Denied { facts, code, commitments: commitments() }))
}

/// 0 created, 1 adopted, 2 answered, 3 suspended, 4 denied, 5 resumed, 6 answered, 7 frozen, 8 denied, 9 lifted,
/// 10 answered, 11 revoked, 12 denied. A minute between each: nothing is a question under way.
fn log() -> Vec<Entry> {
    let at = |minute: u64| NOON + minute * 60 * SECOND;
    // Numbers of permits before each are generous: quotas are not looked at here.
    let answered = |sequence: u64, minute: u64| {
        entry(at(minute), outcome(question(sequence, sequence, at(minute)), None, Source::Agency))
    };
    let refused = |sequence: u64, minute: u64, code: &str, freezes: &[&str]| {
        let mut facts = question(sequence, sequence, at(minute));
        facts.freezes = freezes.iter().map(|name| (*name).to_owned()).collect();
        entry(at(minute), denied_with(facts, code))
    };
    vec![
        entry(NOON, node(NodeChange::Created)),
        entry(NOON, adopted("mz-1", 1)),
        answered(1, 2),
        ordered("one", PROVIDER, at(3), OrderEffect::Suspended),
        refused(2, 4, "AGREEMENT_SUSPENDED", &[]),
        ordered("two", PROVIDER, at(5), OrderEffect::Resumed),
        answered(3, 6),
        freeze("three", PROVIDER, at(7)),
        refused(4, 8, "FROZEN", &[NAME]),
        lift("four", PROVIDER, at(9), "three"),
        answered(5, 10),
        ordered("five", "fund-centre", at(11), OrderEffect::Revoked),
        refused(6, 12, "AGREEMENT_REVOKED", &[]),
    ]
}

#[test]
fn orders_are_followed_as_the_log_has_them() {
    let report = run(&log());
    assert_eq!(report.findings, []);
    let denied = ["AGREEMENT_REVOKED", "AGREEMENT_SUSPENDED", "FROZEN"];
    assert_eq!(report.denied.keys().map(String::as_str).collect::<Vec<_>>(), denied);
}

/// What is wrong, and what must come of it.
type Wrong = (fn(&mut Vec<Entry>), &'static [(u64, &'static str)]);

fn each_is_found(cases: &[Wrong]) {
    for (number, (spoil, expected)) in cases.iter().enumerate() {
        let mut log = log();
        spoil(&mut log);
        assert_eq!(found(&log), *expected, "case {number}");
    }
}

#[test]
fn each_wrong_freeze_or_answer_is_its_own_finding() {
    each_is_found(&[
        // Freezes that the facts do not name, or name without there being any.
        (|log| facts_of(&mut log[8]).freezes.clear(), &[(8, "denial")]),
        (
            |log| log[8].kind = outcome(question(4, 4, log[8].at.0), None, Source::Agency),
            &[(8, "freeze")],
        ),
        (|log| facts_of(&mut log[8]).freezes.push(NAME.to_owned()), &[(8, "freeze")]),
        (
            |log| facts_of(&mut log[8]).freezes[0] = "provider:civil-affairs".to_owned(),
            &[(8, "freeze")],
        ),
        (
            |log| facts_of(&mut log[10]).freezes.push("provider:police".to_owned()),
            &[(10, "freeze")],
        ),
        (|log| facts_of(&mut log[10]).freezes.push(NAME.to_owned()), &[(10, "decision")]),
        // Answered all the same.
        (
            |log| log[4].kind = outcome(question(2, 2, log[4].at.0), None, Source::Agency),
            &[(4, "decision")],
        ),
    ]);
}

#[test]
fn each_wrong_order_is_its_own_finding() {
    each_is_found(&[
        // Given by others than those who may.
        (
            |log| log[3] = ordered("one", "police", log[3].at.0, OrderEffect::Suspended),
            &[(3, "order"), (4, "denial"), (5, "order")],
        ),
        (
            |log| log[5] = ordered("two", "fund-centre", log[5].at.0, OrderEffect::Resumed),
            &[(5, "order"), (6, "decision"), (8, "denial"), (10, "decision")],
        ),
        (
            |log| log[9] = lift("four", "police", log[9].at.0, "three"),
            &[(9, "order"), (10, "freeze"), (12, "freeze")],
        ),
        // An entry that says something else than its order.
        (
            |log| {
                let Kind::Agreement(AgreementEvent::Ordered { effect, .. }) = &mut log[11].kind
                else {
                    panic!("no order")
                };
                *effect = OrderEffect::Suspended;
            },
            &[(11, "order"), (12, "denial")],
        ),
        (
            |log| {
                let Kind::Freeze(event) = &mut log[7].kind else { panic!("no freeze") };
                event.name = "provider:civil-affairs".to_owned();
            },
            &[(7, "order"), (8, "freeze"), (9, "order")],
        ),
        // An order used twice, one dated later than its entry, and one that is no order.
        (
            |log| {
                let again = log[5].clone();
                log[11] = again;
            },
            &[(11, "order"), (12, "denial")],
        ),
        (
            |log| {
                let later =
                    ordered("five", PROVIDER, log[11].at.0 + 90 * SECOND, OrderEffect::Revoked);
                log[11].kind = later.kind;
            },
            &[(11, "order"), (12, "denial")],
        ),
        (
            |log| {
                let Kind::Freeze(event) = &mut log[7].kind else { panic!("no freeze") };
                event.document.pop();
            },
            &[(7, "order"), (8, "freeze"), (9, "order")],
        ),
    ]);
}

#[test]
fn a_question_under_way_is_judged_by_the_orders_of_its_time() {
    let mut log = log();
    let seconds = |entry: &Entry, after: u64| entry.at.0 + after * SECOND;
    // Received nine seconds after the suspension's entry: the gateway may not have turned over yet.
    let at = seconds(&log[3], 9);
    log[4] = entry(at, outcome(question(2, 2, at), None, Source::Agency));
    assert_eq!(found(&log), []);
    let at = seconds(&log[3], 11);
    log[4] = entry(at, outcome(question(2, 2, at), None, Source::Agency));
    assert_eq!(found(&log), [(4, "decision")]);
    // The same of a freeze.
    let mut log = self::log();
    let at = seconds(&log[7], 9);
    log[8] = entry(at, outcome(question(4, 4, at), None, Source::Agency));
    assert_eq!(found(&log), []);
    let at = seconds(&log[7], 11);
    log[8] = entry(at, outcome(question(4, 4, at), None, Source::Agency));
    assert_eq!(found(&log), [(8, "freeze")]);
}

#[test]
fn an_order_to_come_is_held_against_the_time_of_the_question() {
    let at = |minute: u64| NOON + minute * 60 * SECOND;
    let suspend = Act::Suspend(version(1));
    let order = Order::new("one", &PROVIDER.into(), Timestamp(at(2)), "an incident", &suspend);
    let order = order.acting_from(Timestamp(at(5)));
    let (id, effect) = ("mz-1".to_owned(), OrderEffect::Suspended);
    let document = serde_json::to_vec(&order).unwrap();
    let ordered = AgreementEvent::Ordered { id, version: 1, effect, document };
    let log = |question: Kind, received_at: u64| {
        vec![
            entry(NOON, node(NodeChange::Created)),
            entry(NOON, adopted("mz-1", 1)),
            entry(at(2), Kind::Agreement(ordered.clone())),
            entry(received_at, question),
        ]
    };
    let answered = |received_at: u64| outcome(question(1, 1, received_at), None, Source::Agency);
    let denied = |received_at: u64| denied_with(question(1, 1, received_at), "AGREEMENT_SUSPENDED");
    for (received_at, is_suspended) in
        [(at(3), false), (at(5) - 1, false), (at(5), true), (at(9), true)]
    {
        let [if_answered, if_denied]: [&[_]; 2] = match is_suspended {
            true => [&[(3, "decision")], &[]],
            false => [&[], &[(3, "denial")]],
        };
        assert_eq!(found(&log(answered(received_at), received_at)), if_answered);
        assert_eq!(found(&log(denied(received_at), received_at)), if_denied);
    }
}

#[test]
fn an_order_must_be_signed() {
    let mut replay = Replay::with(None, verify);
    for (index, entry) in (0..).zip(&log()) {
        replay.entry(index, entry);
    }
    let found: Vec<_> = replay.finish().findings.iter().map(|found| found.rule).collect();
    assert_eq!(found.iter().filter(|rule| **rule == "order").count(), 5, "none of them is a JWS");
}

#[test]
fn an_order_must_be_signed_by_a_key_that_the_log_knows() {
    let mut log = log();
    let key = crate::audit::testing::key();
    for entry in &mut log {
        let (Kind::Agreement(AgreementEvent::Ordered { document, .. })
        | Kind::Freeze(FreezeEvent { document, .. })) = &mut entry.kind
        else {
            continue;
        };
        // A document in form, that says what its entry says; but anybody can sign.
        let order: Order = serde_json::from_slice(document).unwrap();
        *document = order::sign(&order, Signer { kid: "civil-1", key: &key }).unwrap();
        order::peek(document).unwrap();
    }
    let mut replay = Replay::with(None, verify);
    for (index, entry) in (0..).zip(&log) {
        replay.entry(index, entry);
    }
    let found: Vec<_> = replay.finish().findings.iter().map(|found| found.rule).collect();
    assert_eq!(found.iter().filter(|rule| **rule == "order").count(), 5, "{found:?}");
}
