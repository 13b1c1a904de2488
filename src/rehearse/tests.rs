//! What a draft would have changed, one change at a time, in a log of few questions.

use super::*;
use crate::agreements::document::{self, DocumentError};
use crate::audit::entry::{AgreementEvent, Denied, Source};
use crate::audit::testing::{adapter, commitments, facts};
use crate::decision::agreement::Details;
use crate::decision::facts::QuotaUse;
use crate::decision::limit::Limit;
use crate::decision::mask::Mask;
use crate::decision::sample;
use crate::decision::set::Set;
use crate::parties::Register;
use crate::query::relation::Relation;
use crate::query::value::{Value, Verdict};

/// Noon in China.
const NOON: u64 = 20_000 * 86_400 + 4 * 3600;

fn base() -> Agreement {
    let mut agreement = sample::agreement();
    agreement.quota = Default::default();
    let clause = &mut agreement.clauses[0];
    clause.fact = "M1".into();
    clause.assert = sample::words(&["married", "months"]);
    clause.disclose = sample::words(&["marriage_date", "spouse_name"]);
    agreement
}

fn details(agreement: &mut Agreement) -> &mut Details {
    Arc::make_mut(&mut agreement.clauses[0].details)
}

fn limited(values: &[i64]) -> Limit {
    let values = values.iter().copied().map(Value::Integer).collect();
    Limit { attribute: "months".into(), comparisons: vec![], values, multiple_of: None }
}

/// Documents of these tests are names.
fn verify(document: &[u8], register: &Register, at: Timestamp) -> Result<Agreement, DocumentError> {
    let mut agreement = base();
    match document {
        b"base" => {}
        b"limited" => details(&mut agreement).limits = vec![limited(&[6, 12])],
        b"second" => {
            agreement.version = 2;
            agreement.clauses[0].items = ["W1".into()].into();
        }
        b"other" => agreement.id = "mz-2".to_owned(),
        _ => return document::verify(document, register, at),
    }
    Ok(agreement)
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_seconds(NOON + second)
}

fn adopted(id: &str, version: u32, document: &str, second: u64) -> Entry {
    let document = document.as_bytes().to_vec();
    let event = AgreementEvent::Adopted { id: id.to_owned(), version, document };
    Entry { at: at(second), kind: Kind::Agreement(event) }
}

fn question(number: u64) -> Facts {
    let mut facts = facts("fund-centre/approval", number, at(number));
    facts.assertions = vec![sample::assertion("married")];
    facts.disclose = vec!["marriage_date".into()];
    facts
}

fn by(version: u32) -> PermitRef {
    PermitRef { agreement: "mz-1".into(), version, clause: 1 }
}

fn intent(facts: &Facts) -> Entry {
    let (facts, at) = (facts.clone(), facts.received_at);
    let (permit, commitments, adapter) = (by(1), commitments(), adapter());
    Entry { at, kind: Kind::Intent(Box::new(Intent { facts, permit, commitments, adapter })) }
}

fn outcome(facts: &Facts) -> Entry {
    let outcome = Outcome {
        permit: by(1),
        commitments: commitments(),
        intent: Some(1),
        source: Source::Agency,
        verdict: Verdict::Confirmed,
        as_of: Some(facts.received_at),
        disclosed: facts.disclose.clone(),
        masked: Vec::new(),
        dropped: 0,
        unavailable: None,
        subjects_checked: vec![0],
        facts: facts.clone(),
    };
    Entry { at: facts.received_at, kind: Kind::Outcome(Box::new(outcome)) }
}

fn denied(facts: &Facts, code: &str) -> Entry {
    let (facts, at) = (facts.clone(), facts.received_at);
    let denied = Denied { facts, code: code.to_owned(), commitments: commitments() };
    Entry { at, kind: Kind::Denial(Box::new(denied)) }
}

/// 0 adopted, 1-2 asked and answered, 3 from the cache, 4 denied for its purpose.
fn log() -> Vec<Entry> {
    let wrong = Facts { item: "W9".into(), ..question(3) };
    vec![
        adopted("mz-1", 1, "base", 0),
        intent(&question(1)),
        outcome(&question(1)),
        outcome(&question(2)),
        denied(&wrong, "PURPOSE_NOT_GRANTED"),
    ]
}

fn plan(change: impl Fn(&mut Agreement)) -> Plan {
    let mut draft = base();
    change(&mut draft);
    Plan { draft, ignores_dates: false, from: None, until: None }
}

fn run(plan: Plan, log: &[Entry]) -> Report {
    let mut rehearsal = Rehearsal::with(plan, verify);
    for (index, entry) in (0..).zip(log) {
        rehearsal.entry(index, entry);
    }
    let report = rehearsal.finish();
    let told = report.still_permitted
        + report.still_denied.values().sum::<u64>()
        + total(&report.newly_permitted)
        + report.newly_denied()
        + report.untold_permitted()
        + total(&report.untold_denied);
    assert_eq!(told, report.questions, "each question is counted once: {report:?}");
    report
}

fn total<K>(tallies: &std::collections::BTreeMap<K, Tally>) -> u64 {
    tallies.values().map(|tally| tally.count).sum()
}

fn rehearsed(log: &[Entry], change: impl Fn(&mut Agreement)) -> Report {
    run(plan(change), log)
}

fn tally(count: u64, examples: &[u64]) -> Tally {
    Tally { count, examples: examples.to_vec() }
}

#[test]
fn the_same_terms_change_nothing() {
    let report = rehearsed(&log(), |_| {});
    assert_eq!((report.questions, report.still_permitted, report.unconcerned), (3, 2, 0));
    assert_eq!(report.still_denied["PURPOSE_NOT_GRANTED"], 1);
    let left = Attribute { whole: 2, same: 2, ..Attribute::default() };
    assert_eq!(report.attributes["marriage_date"], left);
    assert_eq!((report.newly_denied(), total(&report.newly_permitted)), (0, 0));
    assert_eq!(report.peaks.day.unwrap().count, 2);
    let row = report.rows[&("M1".into(), "W3".into())];
    assert_eq!((row.questions, row.permitted_then, row.permitted), (2, 2, 2));
}

#[test]
fn what_a_draft_takes_away_is_denied_and_withheld() {
    let report = rehearsed(&log(), |draft| {
        draft.version = 2;
        draft.clauses[0].disclose = sample::words(&["spouse_name"]);
    });
    assert_eq!(report.newly_denied["DISCLOSURE_NOT_GRANTED"], tally(2, &[1, 3]));
    assert_eq!(report.attributes["marriage_date"].withheld, 2);
    let report = rehearsed(&log(), |draft| draft.clauses[0].fact = "M2".into());
    assert_eq!(report.newly_denied["FACT_NOT_GRANTED"].count, 2);

    let report = rehearsed(&log(), |draft| {
        draft.clauses[0].disclose = Set::default();
        details(draft).mask = vec![("marriage_date".into(), Mask::Year)];
    });
    assert_eq!((report.still_permitted, report.attributes["marriage_date"].masked), (2, 2));
}

#[test]
fn what_a_draft_adds_is_permitted_and_new() {
    let report = rehearsed(&log(), |draft| {
        draft.clauses[0].items = ["W3".into(), "W9".into()].into();
    });
    assert_eq!(report.newly_permitted["PURPOSE_NOT_GRANTED"], tally(1, &[4]));
    assert_eq!(report.attributes["marriage_date"].newly, 1);
    assert_eq!(report.newly_denied(), 0);
}

#[test]
fn other_parties_and_facts_are_left_alone() {
    let mut log = log();
    let police = Facts { provider: Some("police".into()), ..question(7) };
    let fact = Facts { fact: Some("M3".into()), ..question(8) };
    log.push(intent(&police));
    log.push(outcome(&police));
    log.push(denied(&fact, "FACT_NOT_GRANTED"));
    let report = rehearsed(&log, |_| {});
    assert_eq!((report.questions, report.unconcerned), (3, 2));
    let report = rehearsed(&log, |draft| draft.consumer = "audit-office".into());
    assert_eq!((report.questions, report.unconcerned), (0, 5));
}

#[test]
fn quotas_are_counted_anew() {
    // The log says that nothing was used; the draft counts for itself.
    let report = rehearsed(&log(), |draft| draft.quota.per_day = Some(1));
    assert_eq!(report.newly_denied["QUOTA_DAY"], tally(1, &[3]));
    assert_eq!((report.spent["QUOTA_DAY"], report.peaks.day.unwrap().count), (1, 2));
    let report = rehearsed(&log(), |draft| draft.quota.per_second = Some(1));
    assert_eq!((report.newly_denied(), report.peaks.second.unwrap().count), (0, 1));

    // Before the span they count, and are not reported.
    let mut plan = plan(|draft| draft.quota.per_month = Some(1));
    plan.from = Some(at(2));
    let report = run(plan, &log());
    assert_eq!((report.questions, report.newly_denied["QUOTA_MONTH"].count), (2, 1));
    assert_eq!(report.peaks.month.unwrap().count, 2);
}

#[test]
fn who_was_denied_for_a_quota_waits_for_who_was_not() {
    // The permit was reserved first and recorded last.
    let mut log = log();
    log.truncate(1);
    let used = QuotaUse { agreement: "mz-1".into(), day: 1, second: 0, month: 1 };
    let late = Facts { quota: vec![used], ..question(2) };
    log.push(denied(&late, "QUOTA_DAY"));
    log.push(intent(&question(1)));
    log.push(outcome(&question(1)));
    let report = rehearsed(&log, |draft| draft.quota.per_day = Some(1));
    assert_eq!((report.still_permitted, report.still_denied["QUOTA_DAY"]), (1, 1));
    let report = rehearsed(&log, |draft| draft.quota.per_day = Some(2));
    assert_eq!(report.newly_permitted["QUOTA_DAY"], tally(1, &[1]));
}

/// A change of a draft.
type Change = fn(&mut Agreement);

#[test]
fn what_nobody_had_to_send_cannot_be_told() {
    let demands: [(&str, Change); 3] = [
        ("NOTICE_MISSING", |draft| draft.notices = sample::words(&["notice-2026"])),
        ("CONSENT_MISSING", |draft| draft.clauses[0].consent = true),
        ("RELATION_NOT_PROVEN", |draft| {
            details(draft).relations = vec![("person".into(), vec![Relation::Verified])];
        }),
    ];
    for (code, demand) in demands {
        let report = rehearsed(&log(), demand);
        assert_eq!(report.untold_permitted[code], tally(2, &[1, 3]), "{code}");
        assert_eq!((report.newly_denied(), report.attributes["marriage_date"].untold), (0, 2));
        // What no sending along would cure is denied for that.
        let report = rehearsed(&log(), |draft| {
            demand(draft);
            draft.hours = Some(crate::decision::agreement::Hours {
                days: [0, 1, 2, 3, 4, 5, 6].into(),
                from_minute: 0,
                to_minute: 1,
            });
        });
        assert_eq!(report.newly_denied["OUTSIDE_HOURS"].count, 2, "{code}");
        // Who was denied for the same before is denied for it still.
        let mut log = log();
        log.push(denied(&question(4), code));
        let report = rehearsed(&log, demand);
        assert_eq!((report.still_denied[code], total(&report.untold_denied)), (1, 0), "{code}");
    }
    // A unit is always named: another one is denied.
    let report = rehearsed(&log(), |draft| draft.operator_units = sample::words(&["hall-9"]));
    assert_eq!(report.newly_denied["OPERATOR_UNIT_NOT_GRANTED"].count, 2);
}

#[test]
fn values_are_told_only_of_limits_that_were_there() {
    let about_months = |number, within: &[PermitRef]| {
        let mut facts = question(number);
        facts.assertions = vec![sample::assertion("months")];
        facts.assertions[0].within = within.to_vec();
        facts
    };
    let (kept, broken) = (about_months(1, &[by(1)]), about_months(2, &[]));
    let log =
        [adopted("mz-1", 1, "limited", 0), outcome(&kept), denied(&broken, "VALUE_NOT_GRANTED")];
    let limit = |values: &'static [i64], version| {
        rehearsed(&log, move |draft| {
            draft.version = version;
            details(draft).limits = vec![limited(values)];
        })
    };
    for version in [1, 2] {
        let same = limit(&[6, 12], version);
        assert_eq!((same.still_permitted, same.still_denied["VALUE_NOT_GRANTED"]), (1, 1));
        // Under other limits the name of the clause in the log says nothing.
        let other = limit(&[6], version);
        assert_eq!(other.untold_permitted["VALUE_NOT_GRANTED"], tally(1, &[1]));
    }
    let free = rehearsed(&log, |_| {});
    assert_eq!(free.newly_permitted["VALUE_NOT_GRANTED"].count, 1);
}

#[test]
fn dates_count_unless_they_are_set_aside() {
    let later = |draft: &mut Agreement| {
        draft.version = 2;
        draft.effective_from = at(2);
        draft.clauses[0].items = ["W1".into()].into();
    };
    // The first question comes before the draft begins, and the version before it is in force.
    let report = rehearsed(&log(), later);
    assert_eq!(report.newly_denied["SUPERSEDED"], tally(1, &[3]));
    let report = run(Plan { ignores_dates: true, ..plan(later) }, &log());
    assert_eq!(report.newly_denied["PURPOSE_NOT_GRANTED"], tally(2, &[1, 3]));
}

#[test]
fn a_question_of_the_moment_of_a_change_is_held_against_what_decided() {
    let mut log = log();
    // Version 2 takes W3 away; a question that came in before it is recorded after.
    log.push(adopted("mz-1", 2, "second", 10));
    log.push(intent(&question(9)));
    log.push(denied(&question(11), "PURPOSE_NOT_GRANTED"));
    let draft = |draft: &mut Agreement| {
        draft.id = "mz-9".to_owned();
        draft.clauses[0].items = ["W1".into()].into();
    };
    let report = rehearsed(&log, draft);
    assert_eq!((report.newly_denied(), report.still_permitted), (0, 3), "{report:?}");
}

#[test]
fn a_draft_beside_another_agreement_adds_to_it() {
    let mut log = log();
    log[0] = adopted("mz-2", 1, "other", 0);
    let report = rehearsed(&log, |draft| draft.quota.per_day = Some(1));
    // Whatever the draft's quota refuses, the other agreement still grants.
    assert_eq!(report.newly_denied(), 0);
}
