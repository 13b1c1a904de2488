//! What a liar could write of a dispute, one thing at a time.

use std::collections::BTreeMap;

use super::*;
use crate::audit::entry::{
    Commitments, DisputeAnswered, DisputeDelivery, Ground, Looked, Outcome as Whole, Source, Way,
};
use crate::audit::testing::{commitments, facts, permit};
use crate::decision::facts::Facts;
use crate::query::time::Timestamp;

type Log = BTreeMap<u64, Kind>;

/// Monday, 2026-11-23, in China.
const AT: Timestamp = Timestamp::from_seconds(1_795_400_000);

/// The agreement of the outcomes gives one working day.
fn workdays() -> Workdays {
    let PermitRef { agreement, version, .. } = permit();
    Workdays(BTreeMap::from([((agreement, version), Term { days: 1, was_gone: false })]))
}

fn asked(sequence: u64) -> Facts {
    facts("fund-centre/approval", sequence, Timestamp(1))
}

fn outcome(facts: Facts, verdict: Verdict) -> Kind {
    Kind::Outcome(Box::new(Whole {
        facts,
        permit: permit(),
        commitments: commitments(),
        intent: Some(1),
        source: Source::Agency,
        verdict,
        as_of: None,
        disclosed: Vec::new(),
        masked: Vec::new(),
        dropped: 0,
        unavailable: None,
        subjects_checked: vec![0],
    }))
}

fn step(step: DisputeStep) -> Kind {
    Kind::Dispute(Dispute { id: [7; 16], step })
}

fn opened() -> DisputeOpened {
    DisputeOpened {
        caller: asked(1).caller,
        contested: 5,
        verdict: Verdict::Refuted,
        provider: "civil-affairs".to_owned(),
        fact: "M1".to_owned(),
        request_id: asked(1).request_id,
        ground: Ground::WrongValue,
        evidence: 0,
        operator_unit: "hall-1".to_owned(),
        shown: true,
        due: jiff::civil::date(2026, 11, 24),
        commitments: Commitments::default(),
    }
}

fn delivered() -> Kind {
    step(DisputeStep::Delivery(DisputeDelivery { way: Way::Folder, result: Ok(String::new()) }))
}

fn answered(by: Option<&str>) -> Kind {
    step(DisputeStep::Answered(Box::new(DisputeAnswered {
        finding: Looked::Corrected,
        on: jiff::civil::date(2026, 11, 23),
        caller: by.map(|by| facts(by, 1, Timestamp(1)).caller),
        commitments: Commitments::default(),
    })))
}

fn rechecked() -> DisputeRechecked {
    DisputeRechecked {
        caller: asked(2).caller,
        contested: 5,
        outcome: 9,
        before: Verdict::Refuted,
        after: Verdict::Confirmed,
    }
}

/// A dispute from beginning to end, with nothing wrong in it.
fn honest() -> Log {
    BTreeMap::from([
        (5, outcome(asked(1), Verdict::Refuted)),
        (6, step(DisputeStep::Opened(Box::new(opened())))),
        (7, delivered()),
        (8, answered(None)),
        (9, outcome(asked(2), Verdict::Confirmed)),
        (10, step(DisputeStep::Rechecked(rechecked()))),
    ])
}

/// What is found in it, entry by entry.
fn found(log: &Log) -> Vec<(u64, String)> {
    let (mut disputes, mut report) = (Disputes::default(), Report::default());
    for (index, kind) in log {
        if let Kind::Dispute(dispute) = kind {
            disputes.step((*index, AT), dispute, &mut report);
        }
    }
    for index in disputes.wanted() {
        if let Some(kind) = log.get(&index) {
            disputes.shown(index, &Entry { at: Timestamp(1), kind: kind.clone() });
        }
    }
    disputes.close(&workdays(), false, &mut report);
    report.findings.into_iter().map(|finding| (finding.index, finding.text)).collect()
}

fn open_with(change: impl Fn(&mut DisputeOpened)) -> Kind {
    let mut opened = opened();
    change(&mut opened);
    step(DisputeStep::Opened(Box::new(opened)))
}

fn again_with(change: impl Fn(&mut DisputeRechecked)) -> Kind {
    let mut rechecked = rechecked();
    change(&mut rechecked);
    step(DisputeStep::Rechecked(rechecked))
}

/// The second question with something else in it.
fn other(change: impl Fn(&mut Facts)) -> Kind {
    let mut facts = asked(2);
    change(&mut facts);
    outcome(facts, Verdict::Confirmed)
}

#[test]
fn nothing_is_found_where_all_is_well() {
    assert_eq!(found(&honest()), []);
}

#[test]
fn every_lie_is_found_where_it_stands() {
    let police = facts("police/agency", 1, Timestamp(1)).caller;
    let another = "its question is another than the one that was contested";
    // The entry that is put in the place of an honest one, where the finding stands, and what it says.
    let lies: Vec<(u64, Kind, u64, &str)> = vec![
        (4, answered(None), 4, "never opened"),
        (4, delivered(), 4, "never opened"),
        (11, step(DisputeStep::Opened(Box::new(opened()))), 11, "opened before"),
        (11, delivered(), 11, "delivered before"),
        (11, answered(None), 11, "answered before"),
        (11, again_with(|_| {}), 11, "asked again before"),
        (8, answered(Some("police/agency")), 8, "another organisation than the one it went to"),
        (6, open_with(|one| one.contested = 6), 6, "did not exist yet"),
        (6, open_with(|one| one.contested = 3), 6, "not looked at again"),
        (5, delivered(), 6, "it is no outcome"),
        (
            11,
            Kind::Dispute(Dispute { id: [8; 16], step: DisputeStep::Opened(Box::new(opened())) }),
            11,
            "contested before, in entry 6",
        ),
        (
            6,
            open_with(|one| one.due = jiff::civil::date(2026, 11, 25)),
            6,
            "gives the agency another day",
        ),
        (6, open_with(|one| one.verdict = Verdict::Confirmed), 6, "its verdict is another"),
        (6, open_with(|one| one.fact = "M2".to_owned()), 6, "its question is another"),
        (6, open_with(|one| one.provider = "police".to_owned()), 6, "its question is another"),
        (6, open_with(|one| one.request_id = [9; 16]), 6, "its question is another"),
        (6, open_with(|one| one.caller = police.clone()), 6, "another organisation asked"),
        (5, outcome(asked(1), Verdict::Unavailable), 6, "its verdict is another"),
        (10, again_with(|one| one.caller = police.clone()), 10, "another organisation asked again"),
        (10, again_with(|one| one.contested = 9), 10, "other outcomes than it can be about"),
        (10, again_with(|one| one.outcome = 10), 10, "other outcomes than it can be about"),
        (
            10,
            again_with(|one| one.outcome = one.contested),
            10,
            "other outcomes than it can be about",
        ),
        (10, again_with(|one| one.before = Verdict::Confirmed), 10, "entry 5: its verdict"),
        (10, again_with(|one| one.after = Verdict::Refuted), 10, "entry 9: its verdict"),
        (9, other(|facts| facts.fact = Some("M2".into())), 10, another),
        (9, other(|facts| facts.case_number.push('9')), 10, another),
        (9, other(|facts| facts.roles.clear()), 10, another),
        (9, other(|facts| facts.disclose = vec!["status".to_owned()]), 10, another),
        (9, other(|facts| facts.provider = Some("police".into())), 10, another),
    ];
    for (place, kind, index, says) in lies {
        let mut log = honest();
        if place == 4 {
            log.retain(|index, _| *index < 6);
        }
        log.insert(place, kind);
        let found = found(&log);
        let is_told = found.iter().any(|(at, text)| *at == index && text.contains(says));
        assert!(is_told, "{place}: `{says}` is not among {found:?}");
    }
}

#[test]
fn an_answer_that_says_nothing_cannot_have_been_contested() {
    let mut log = honest();
    log.insert(5, outcome(asked(1), Verdict::Unavailable));
    log.insert(6, open_with(|one| one.verdict = Verdict::Unavailable));
    let found = found(&log);
    assert!(found.iter().any(|(at, text)| *at == 6 && text.contains("says nothing")), "{found:?}");
}

#[test]
fn what_is_out_of_force_gives_the_days_of_the_regulation() {
    let due = |days| (AT.day_in_china(), last_day(AT.day_in_china(), days));
    let mut workdays = workdays();
    assert!(workdays.admit(&permit(), due(1), false));
    assert!(!workdays.admit(&permit(), due(WORKDAYS), false));
    // Of an excerpt nobody knows what was withdrawn.
    assert!(workdays.admit(&permit(), due(WORKDAYS), true));
    let PermitRef { agreement, version, .. } = permit();
    workdays.withdrawn(&agreement, version);
    assert!(workdays.admit(&permit(), due(1), false));
    assert!(workdays.admit(&permit(), due(WORKDAYS), false));
    assert!(!workdays.admit(&permit(), due(2), false));
    assert!(Workdays::default().admit(&permit(), due(WORKDAYS), false));
}

#[test]
fn an_excerpt_is_not_asked_for_outcomes_that_it_has_not() {
    let mut report = Report::default();
    let mut disputes = Disputes::default();
    let log = honest();
    for (index, kind) in &log {
        if let Kind::Dispute(dispute) = kind {
            disputes.step((*index, AT), dispute, &mut report);
        }
    }
    disputes.shown(5, &Entry { at: AT, kind: log[&5].clone() });
    disputes.close(&workdays(), true, &mut report);
    assert_eq!(report.findings, []);
    disputes.close(&workdays(), false, &mut report);
    assert!(!report.findings.is_empty());
}
