//! A short log with known contents: every figure is counted by hand.

use super::*;
use crate::audit::entry::{Denied, Intent, NodeEvent};
use crate::audit::testing::{adapter, commitments, facts};
use crate::decision::PermitRef;
use crate::decision::facts::QuotaUse;
use crate::query::record::Unavailable;
use crate::query::value::Verdict;

const SECOND: u64 = 1_000_000;
/// Monday, 2026-11-23, 10:00 in China.
const TEN: u64 = 1_795_399_200 * SECOND;

fn question(sequence: u64, at: u64) -> Facts {
    let mut facts = facts("fund-centre/approval", sequence, Timestamp(at));
    facts.quota = vec![QuotaUse { agreement: "mz".into(), day: 0, second: 0, month: 0 }];
    facts
}

fn permit() -> PermitRef {
    PermitRef { agreement: "mz".into(), version: 1, clause: 1 }
}

fn intent(sequence: u64, at: u64) -> Entry {
    let facts = question(sequence, at);
    let (permit, commitments, adapter) = (permit(), commitments(), adapter());
    let kind = Kind::Intent(Box::new(Intent { facts, permit, commitments, adapter }));
    Entry { at: Timestamp(at), kind }
}

fn outcome(sequence: u64, at: u64, verdict: Verdict, source: Source) -> Entry {
    let outcome = Outcome {
        facts: question(sequence, at),
        permit: permit(),
        commitments: commitments(),
        intent: Some(1),
        source,
        verdict,
        as_of: None,
        disclosed: vec!["marriage_date".into()],
        masked: Vec::new(),
        dropped: 2,
        unavailable: (verdict == Verdict::Unavailable).then_some(Unavailable::Timeout),
        subjects_checked: vec![0],
    };
    Entry { at: Timestamp(at), kind: Kind::Outcome(Box::new(outcome)) }
}

fn denial(sequence: u64, at: u64, code: &str, quota: bool) -> Entry {
    let mut facts = question(sequence, at);
    if !quota {
        facts.quota.clear();
    }
    let denied = Denied { facts, code: code.into(), commitments: commitments() };
    Entry { at: Timestamp(at), kind: Kind::Denial(Box::new(denied)) }
}

fn started(at: u64) -> Entry {
    let kind = Kind::Node(NodeEvent { change: NodeChange::Started, version: "1".into() });
    Entry { at: Timestamp(at), kind }
}

const DAY: u64 = 86_400 * SECOND;

/// Each entry with when it was written.
fn log() -> Vec<(u64, Entry)> {
    let next_month = TEN + 10 * DAY;
    vec![
        (TEN, started(TEN)),
        (TEN, intent(1, TEN)),
        (TEN + SECOND, outcome(1, TEN, Verdict::Confirmed, Source::Agency)),
        (TEN + DAY + 1000, outcome(2, TEN + DAY, Verdict::Refuted, Source::Cache)),
        (TEN + DAY, intent(3, TEN + DAY)),
        (TEN + DAY + 2 * SECOND, outcome(3, TEN + DAY, Verdict::Unavailable, Source::Agency)),
        (TEN + DAY, denial(4, TEN + DAY, "OUTSIDE_HOURS", true)),
        (TEN + DAY, denial(5, TEN + DAY, "NO_AGREEMENT", false)),
        // Never answered: the gateway ended.
        (TEN + DAY, intent(6, TEN + DAY)),
        (TEN + DAY + SECOND, started(TEN + DAY + SECOND)),
        (next_month, intent(7, next_month)),
    ]
}

fn report(scope: Scope) -> Report {
    let mut figures = Figures::new(scope);
    for (written_at, entry) in log() {
        figures.entry(Timestamp(written_at), &entry, None);
    }
    figures.finish()
}

#[test]
fn every_figure_is_as_counted_by_hand() {
    let report = report(Scope::default());
    let keys: Vec<(String, &str)> =
        report.rows.iter().map(|line| (line.month.to_string(), line.agreement.as_str())).collect();
    let expected = [("2026-11", ""), ("2026-11", "mz"), ("2026-12", "mz")];
    assert_eq!(keys, expected.map(|(month, agreement)| (month.to_owned(), agreement)));
    let nobody = &report.rows[0].row;
    assert_eq!((nobody.questions(), nobody.denials["NO_AGREEMENT"]), (1, 1));
    let row = &report.rows[1].row;
    assert_eq!((row.questions(), row.answered, row.denied(), row.unanswered), (5, 3, 1, 1));
    assert_eq!((row.cached, row.cache_thousandths(), row.dropped), (1, 333, 6));
    assert_eq!(
        row.verdicts,
        BTreeMap::from([("CONFIRMED", 1), ("REFUTED", 1), ("UNAVAILABLE", 1)])
    );
    assert_eq!(row.unavailable, BTreeMap::from([("timeout", 1)]));
    assert_eq!(row.disclosed, BTreeMap::from([("marriage_date".to_owned(), 3)]));
    assert_eq!((row.facts["M1"], row.items["W3"]), (5, 5));
    assert_eq!(row.latency.count(), 3);
    assert_eq!(row.latency.longest().unwrap().as_secs(), 2);
    assert_eq!(row.busiest(), Some((Timestamp(TEN + DAY).china_day(), 3)));
    assert_eq!(row.days.len(), 2);
    let december = &report.rows[2].row;
    assert_eq!((december.questions(), december.unanswered), (1, 1));
    assert_eq!(report.span, Some((Timestamp(TEN), Timestamp(TEN + 10 * DAY))));
    assert!(report.unusual.is_empty());
}

#[test]
fn a_scope_leaves_the_rest_out() {
    let month = "2026-12".parse().unwrap();
    let december = report(Scope { month: Some(month), agreement: None });
    assert_eq!(december.rows.len(), 1);
    assert_eq!(december.rows[0].row.questions(), 1);
    let other = report(Scope { month: None, agreement: Some("none-such".into()) });
    assert_eq!((other.rows.len(), other.span), (0, None));
}
