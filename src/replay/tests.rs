//! A log that is in order replays clean; each single thing wrong with it is one finding under its own rule.

mod agreed;
mod case_days;
mod cases;
mod orders;

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::agreements::document::DocumentError;
use crate::audit::entry::{AgreementEvent, Denied, NodeEvent, encode};
use crate::audit::testing::{adapter, commitments, facts};
use crate::decision::agreement::{Agreement, CacheTerms, Clause, Details, Quota};
use crate::decision::facts::{QuotaUse, Standing};
use crate::decision::mask::Mask;
use crate::decision::sample;
use crate::query::record::Unavailable;
use crate::query::relation::Relation;

const SECOND: u64 = 1_000_000;
/// Noon in China.
const NOON: u64 = 20_000 * 86_400 * SECOND + 4 * 3600 * SECOND;

/// Documents of these tests are `id version`.
fn verify(document: &[u8], register: &Register, at: Timestamp) -> Result<Agreement, DocumentError> {
    let text = std::str::from_utf8(document).unwrap();
    match text.split_once(' ') {
        Some((id, version)) => Ok(agreement(id, version.parse().unwrap())),
        None => document::verify(document, register, at),
    }
}

fn agreement(id: &str, version: u32) -> Agreement {
    Agreement {
        id: id.to_owned(),
        version,
        digest: [0; 32],
        effective_from: Timestamp(0),
        effective_to: Timestamp(u64::MAX),
        quota: Quota { per_second: None, per_day: Some(100), per_month: None },
        clauses: vec![Clause {
            fact: "M1".into(),
            disclose: sample::words(&["marriage_date", "spouse_name"]),
            details: Arc::new(Details {
                mask: vec![("spouse_number".into(), Mask::Number)],
                relations: vec![("spouse".into(), vec![Relation::Verified])],
                ..Details::default()
            }),
            max_age: Duration::from_secs(3600),
            cache: Some(Arc::new(CacheTerms {
                found: Duration::from_secs(3600),
                not_found: Duration::from_secs(60),
                stale: Duration::ZERO,
            })),
            ..sample::clause()
        }],
        ..sample::agreement()
    }
}

fn question(sequence: u64, used: u64, at: u64) -> Facts {
    let mut facts = facts("fund-centre/approval", sequence, Timestamp(at));
    facts.assertions = vec![sample::assertion("married")];
    facts.disclose = vec!["marriage_date".into()];
    facts.quota = vec![QuotaUse { agreement: "mz-1".into(), day: used, second: 0, month: used }];
    facts
}

fn permit() -> PermitRef {
    PermitRef { agreement: "mz-1".into(), version: 1, clause: 1 }
}

fn intent(facts: Facts) -> Kind {
    let (permit, commitments, adapter) = (permit(), commitments(), adapter());
    Kind::Intent(Box::new(Intent { facts, permit, commitments, adapter }))
}

fn outcome(facts: Facts, intent: Option<u64>, source: Source) -> Kind {
    let (verdict, unavailable) = match intent {
        Some(_) => (Verdict::Confirmed, None),
        None => (Verdict::Unavailable, Some(Unavailable::NoAdapter)),
    };
    Kind::Outcome(Box::new(Outcome {
        as_of: Some(facts.received_at),
        permit: permit(),
        commitments: commitments(),
        intent,
        source,
        verdict,
        disclosed: facts.disclose.clone(),
        masked: Vec::new(),
        dropped: 0,
        unavailable,
        subjects_checked: vec![0],
        facts,
    }))
}

fn denied(mut facts: Facts) -> Kind {
    facts.item = "W9".into();
    let code = "PURPOSE_NOT_GRANTED".to_owned();
    Kind::Denial(Box::new(Denied { facts, code, commitments: commitments() }))
}

fn node(change: NodeChange) -> Kind {
    Kind::Node(NodeEvent { change, version: "0.1.0".into() })
}

fn adopted(id: &str, version: u32) -> Kind {
    let document = format!("{id} {version}").into_bytes();
    Kind::Agreement(AgreementEvent::Adopted { id: id.into(), version, document })
}

fn entry(at: u64, kind: Kind) -> Entry {
    Entry { at: Timestamp(at), kind }
}

/// Index: 0 created, 1 adopted, 2 started, 3-4 asked and answered, 5 from the cache, 6 denied, 7 intent of question 5
/// before 8 the answer to question 4, which followed the same flight, 9 its own answer, 10 no adapter, 11 stopped.
fn log() -> Vec<Entry> {
    let at = |number: u64| NOON + number * SECOND;
    let q = |sequence: u64, used: u64| question(sequence, used, at(sequence));
    vec![
        entry(NOON, node(NodeChange::Created)),
        entry(NOON, adopted("mz-1", 1)),
        entry(NOON, node(NodeChange::Started)),
        entry(at(1), intent(q(1, 0))),
        entry(at(1), outcome(q(1, 0), Some(3), Source::Agency)),
        entry(at(2), outcome(q(2, 1), Some(3), Source::Cache)),
        entry(at(3), denied(q(3, 2))),
        entry(at(5), intent(q(5, 3))),
        entry(at(4), outcome(q(4, 2), Some(7), Source::Agency)),
        entry(at(5), outcome(q(5, 3), Some(7), Source::Agency)),
        entry(at(6), outcome(q(6, 4), None, Source::Agency)),
        entry(at(7), node(NodeChange::Stopped)),
    ]
}

fn run(log: &[Entry]) -> Report {
    let mut replay = Replay::with(None, verify);
    for (index, entry) in (0..).zip(log) {
        replay.entry(index, entry);
    }
    replay.finish()
}

fn found(log: &[Entry]) -> Vec<(u64, &'static str)> {
    run(log).findings.into_iter().map(|finding| (finding.index, finding.rule)).collect()
}

fn facts_of(entry: &mut Entry) -> &mut Facts {
    match &mut entry.kind {
        Kind::Intent(intent) => &mut intent.facts,
        Kind::Outcome(outcome) => &mut outcome.facts,
        Kind::Denial(denied) => &mut denied.facts,
        _ => panic!("no question"),
    }
}

fn outcome_of(entry: &mut Entry) -> &mut Outcome {
    match &mut entry.kind {
        Kind::Outcome(outcome) => outcome,
        _ => panic!("no outcome"),
    }
}

#[test]
fn a_log_in_order_replays_clean() {
    let report = run(&log());
    assert_eq!(report.findings, []);
    assert_eq!((report.entries, report.intents, report.outcomes), (12, 2, 5));
    assert_eq!((report.cached, report.denials, report.unanswered, report.lost), (1, 1, 0, 0));
    assert_eq!(report.verdicts, BTreeMap::from([("CONFIRMED", 4), ("UNAVAILABLE", 1)]));
    assert_eq!(report.denied, BTreeMap::from([("PURPOSE_NOT_GRANTED".to_owned(), 1)]));
}

/// What is wrong, and the one finding that must come of it.
type Wrong = (fn(&mut Vec<Entry>), u64, &'static str);

#[test]
fn each_wrong_thing_is_its_own_finding() {
    let cases: [Wrong; 22] = [
        // Time.
        (|log| log[11].at = Timestamp(NOON - 700 * SECOND), 11, "time"),
        (|log| log[6].at = Timestamp(NOON), 6, "time"),
        // The creation.
        (|log| log[11].kind = node(NodeChange::Created), 11, "creation"),
        // Numbers.
        (|log| facts_of(&mut log[10]).caller_sequence = 5, 10, "sequence"),
        (|log| facts_of(&mut log[10]).caller_sequence = 8, 10, "sequence"),
        // Decisions.
        (|log| facts_of(&mut log[10]).item = "W9".into(), 10, "decision"),
        (|log| facts_of(&mut log[5]).roles[0].role = "owner".into(), 5, "decision"),
        (|log| facts_of(&mut log[6]).item = "W3".into(), 6, "denial"),
        (|log| facts_of(&mut log[6]).fact = Some("M9".into()), 6, "denial"),
        (|log| outcome_of(&mut log[10]).permit.clause = 2, 10, "permit"),
        (|log| outcome_of(&mut log[10]).permit.version = 2, 10, "permit"),
        (|log| facts_of(&mut log[10]).rules = 99, 10, "rules"),
        // Question and answer.
        (|log| facts_of(&mut log[4]).case_number = "X".into(), 4, "intent-differs"),
        (|log| outcome_of(&mut log[4]).permit.clause = 9, 4, "intent-differs"),
        (|log| outcome_of(&mut log[5]).intent = Some(6), 5, "intent-missing"),
        (|log| outcome_of(&mut log[5]).intent = Some(7), 5, "intent-missing"),
        (|log| outcome_of(&mut log[5]).intent = None, 5, "intent-missing"),
        // Disclosure.
        (|log| outcome_of(&mut log[4]).disclosed.push("address".into()), 4, "disclosed"),
        (|log| outcome_of(&mut log[4]).disclosed.push("spouse_name".into()), 4, "disclosed"),
        // Quota.
        (|log| facts_of(&mut log[10]).quota[0].day = 2, 10, "quota"),
        (|log| second_of_four(log), 10, "quota"),
        // Agreements.
        (
            |log| {
                let document = b"mz-2 1".to_vec();
                log[11].kind = Kind::Agreement(AgreementEvent::Adopted {
                    id: "mz-3".into(),
                    version: 1,
                    document,
                });
            },
            11,
            "agreement",
        ),
    ];
    for (number, (spoil, index, rule)) in cases.into_iter().enumerate() {
        let mut log = log();
        spoil(&mut log);
        assert_eq!(found(&log), [(index, rule)], "case {number}");
    }
}

/// Question 6 comes in the second of question 4 and says that nothing came before it in that second.
fn second_of_four(log: &mut [Entry]) {
    let at = log[8].at;
    log[10].at = at;
    facts_of(&mut log[10]).received_at = at;
}

#[test]
fn an_agreement_must_verify_and_be_in_force() {
    let mut bad = log();
    let (id, document) = ("mz-1".to_owned(), b"forged".to_vec());
    bad[1].kind = Kind::Agreement(AgreementEvent::Adopted { id, version: 1, document });
    let found_rules = found(&bad);
    assert_eq!(found_rules[0], (1, "agreement"));
    // Nothing that rested on it stands, intents and answers alike.
    assert_eq!(found_rules.iter().filter(|(_, rule)| *rule == "decision").count(), 5);

    let mut log = log();
    let withdrawn = |version| {
        let id = "mz-1".into();
        entry(NOON, Kind::Agreement(AgreementEvent::Withdrawn { id, version }))
    };
    log.insert(11, withdrawn(2));
    assert_eq!(found(&log), [(11, "agreement")]);
}

#[test]
fn an_old_version_does_not_come_back_unseen() {
    let withdrawn =
        |version| Kind::Agreement(AgreementEvent::Withdrawn { id: "mz-1".into(), version });
    let after = |changes: Vec<Kind>| {
        let mut log = log();
        log.splice(11..11, changes.into_iter().map(|kind| entry(NOON + 6 * SECOND, kind)));
        found(&log)
    };
    // The same again, and a higher one beside it, of which the lower one is adopted with other bytes.
    let again = || vec![withdrawn(1), adopted("mz-1", 1), adopted("mz-1", 2), adopted("mz-1", 1)];
    assert_eq!(after(again()), []);
    let back = [again(), vec![withdrawn(1), withdrawn(2), adopted("mz-1", 1)]].concat();
    assert_eq!(after(back), [(17, "agreement")]);
}

#[test]
fn a_question_under_way_is_judged_by_the_agreements_of_its_time() {
    let mut log = log();
    let withdrawn = Kind::Agreement(AgreementEvent::Withdrawn { id: "mz-1".into(), version: 1 });
    // Recorded after the withdrawal, but asked before it took hold.
    log.insert(10, entry(NOON + 6 * SECOND, withdrawn));
    assert_eq!(found(&log), []);

    let late = question(7, 5, NOON + 60 * SECOND);
    log.insert(12, entry(NOON + 60 * SECOND, outcome(late, None, Source::Agency)));
    assert_eq!(found(&log), [(12, "decision")]);
}

#[test]
fn what_a_crash_explains_is_no_finding() {
    let mut crashed = log();
    crashed.truncate(8);
    facts_of(&mut crashed[7]).caller_sequence = 7;
    assert_eq!(found(&crashed), [(7, "sequence")], "4 to 6 are missing");

    // The intent of question 7 was never answered, questions 4 to 6 never recorded: the gateway started anew.
    crashed.push(entry(NOON + 8 * SECOND, node(NodeChange::Started)));
    let report = run(&crashed);
    assert_eq!((report.findings.len(), report.lost, report.unanswered), (0, 3, 1));

    // In good order it stops with nothing in flight.
    crashed.insert(8, entry(NOON + 8 * SECOND, node(NodeChange::Stopped)));
    assert_eq!(found(&crashed), [(7, "sequence")]);
}

#[test]
fn the_denials_of_who_only_claims_a_name_are_counted_apart() {
    let mut log = log();
    // As many questions under the name as its bearer has put, each numbered from 1 again.
    for number in 1..=2 {
        let mut facts = question(number, 0, NOON + 6 * SECOND);
        facts.caller.standing = Standing::ForeignAuthority;
        facts.caller.certificate = [9; 32];
        let code = "FOREIGN_AUTHORITY".to_owned();
        let denied = Denied { facts, code, commitments: commitments() };
        log.insert(11, entry(NOON + 6 * SECOND, Kind::Denial(Box::new(denied))));
    }
    assert_eq!(found(&log), []);
    facts_of(&mut log[11]).caller.certificate = [8; 32];
    assert_eq!(found(&log), [(11, "sequence")], "the second of a certificate without a first");
}

#[test]
fn a_kept_answer_is_not_older_than_any_agreement_allows() {
    let mut log = log();
    let at = NOON + 3 * 3600 * SECOND;
    log.insert(11, entry(at, intent(question(7, 5, at))));
    log.insert(12, entry(at, outcome(question(7, 5, at), Some(11), Source::Agency)));
    let mut second = question(8, 6, at);
    second.quota[0].second = 1;
    log.insert(13, entry(at, outcome(second, Some(3), Source::Cache)));
    log[14].at = Timestamp(at);
    assert_eq!(found(&log), [(13, "intent-missing")]);
}

#[test]
fn reads_stored_bytes_and_reports_those_that_are_none() {
    let bytes: Vec<(u64, Vec<u8>)> = (0..)
        .zip([entry(NOON, node(NodeChange::Created)), entry(NOON, node(NodeChange::Started))])
        .map(|(index, entry)| (index, encode(&entry).unwrap()))
        .collect();
    assert!(replay(bytes.clone(), None).is_clean());
    let mut cut = bytes;
    cut[1].1.pop();
    let report = replay(cut, None);
    assert_eq!(report.findings[0].rule, "entry");
}
