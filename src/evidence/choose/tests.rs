//! Which entries are chosen, and that the same are chosen again from what was chosen.

use super::*;
use crate::audit::entry::{Commitments, Denied, RuleEvent};
use crate::audit::testing;

const CASE: u64 = 100;
const BEGUN: Timestamp = Timestamp::from_seconds(1_795_000_000);

/// One denial of civil affairs in entry 50, for a case in entry 100.
fn answers() -> BTreeMap<u64, Entry> {
    let facts = testing::facts("fund-centre/approval", 1, BEGUN);
    let denied =
        Denied { facts, code: "NO_AGREEMENT".to_owned(), commitments: Commitments::default() };
    BTreeMap::from([(50, Entry { at: BEGUN, kind: Kind::Denial(Box::new(denied)) })])
}

fn closed() -> CaseClosed {
    CaseClosed {
        case_id: [7; 16],
        caller: testing::facts("fund-centre/approval", 1, BEGUN).caller,
        item: "W3".to_owned(),
        item_version: "1".to_owned(),
        rule: sha256(b"rule"),
        case_number: "C-1".to_owned(),
        operator_unit: String::new(),
        course: "{}".to_owned(),
        outcome: "READY".to_owned(),
        needs: Vec::new(),
        abandoned: false,
        commitments: None,
    }
}

fn event(index: u64, seconds: i64, version: u32, what: What) -> Event {
    let at = BEGUN.seconds().checked_add_signed(seconds).unwrap();
    Event { index, at: Timestamp::from_seconds(at), id: "mz-1".to_owned(), version, what }
}

fn between(consumer: &str, platform: &str) -> Between {
    let parties = [consumer, "civil-affairs", platform].map(str::to_owned).into();
    Between { consumer: consumer.into(), parties, provider: "civil-affairs".into() }
}

fn party(index: u64, name: &str) -> (u64, String) {
    (index, name.to_owned())
}

fn chosen(in_log: &InLog) -> Vec<u64> {
    in_log.of((CASE, &closed()), &answers()).into_iter().collect()
}

#[test]
fn another_version_takes_nothing_away_from_an_older_case() {
    let mut in_log = InLog {
        parties: vec![party(1, "fund-centre"), party(2, "civil-affairs"), party(3, "platform-a")],
        agreements: vec![event(10, -900, 1, What::Adopted)],
        terms: [(10, between("fund-centre", "platform-a"))].into(),
        ..InLog::default()
    };
    let before = chosen(&in_log);
    assert_eq!(before, [1, 2, 3, 10, 50, 100]);
    // The next version is between others, before the case or after it.
    for index in [20, 120] {
        in_log.parties.push(party(index - 1, "platform-b"));
        in_log.agreements.push(event(index, -800, 2, What::Adopted));
        in_log.terms.insert(index, between("tax", "platform-b"));
        assert_eq!(chosen(&in_log), before, "entry {index}");
    }
}

#[test]
fn what_comes_after_the_case_changes_no_choice() {
    let hours = 3600;
    let mut in_log = InLog {
        parties: vec![party(1, "fund-centre"), party(3, "platform-a")],
        agreements: vec![
            event(10, -9 * hours, 1, What::Adopted),
            event(11, -8 * hours, 1, What::Withdrawn),
        ],
        terms: [(10, between("fund-centre", "platform-a"))].into(),
        ..InLog::default()
    };
    // Long gone, and nobody of it is concerned.
    assert_eq!(chosen(&in_log), [1, 50, 100]);
    in_log.agreements.push(event(130, hours, 1, What::Adopted));
    in_log.terms.insert(130, between("fund-centre", "platform-a"));
    assert_eq!(chosen(&in_log), [1, 50, 100]);
}

#[test]
fn the_rule_is_the_last_recorded_before_the_case() {
    let mut in_log = InLog::default();
    let rule = |item: &str, document: &[u8]| Entry {
        at: BEGUN,
        kind: Kind::Rule(RuleEvent {
            item: item.to_owned(),
            version: "1".to_owned(),
            document: document.to_vec(),
            effective_from: "2026-09-20".to_owned(),
            effective_to: String::new(),
        }),
    };
    for (index, item, document) in
        [(5, "W3", "rule"), (9, "W3", "rule"), (12, "W4", "rule"), (13, "W3", "other")]
    {
        in_log.entry(index, &rule(item, document.as_bytes()));
    }
    assert_eq!(chosen(&in_log), [9, 50, 100]);
    // The same file again, with the catalogue of the next day.
    in_log.entry(140, &rule("W3", b"rule"));
    assert_eq!(chosen(&in_log), [9, 50, 100]);
}

#[test]
fn disputes_are_followed_from_answer_to_answer() {
    let (one, two, other) = ([1; 16], [2; 16], [3; 16]);
    let in_log = InLog {
        disputes: vec![
            (110, other, About::Contested(51)),
            (111, one, About::Contested(50)),
            (112, one, About::Nothing),
            (113, other, About::Nothing),
            (115, one, About::Again(114)),
            (116, two, About::Contested(114)),
        ],
        ..InLog::default()
    };
    assert_eq!(chosen(&in_log), [50, 100, 111, 112, 115, 116]);
}
