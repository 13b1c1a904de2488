//! The day on which a case ran is that of its entry, and what is attached is of no later one.

use super::super::case_day::problem;
use crate::audit::entry::CaseClosed;
use crate::audit::testing;
use crate::cases::{Attached, Course};
use crate::crypto::Digest;
use crate::query::time::Timestamp;

/// 2026-11-23 00:00 in China.
const MIDNIGHT: Timestamp = Timestamp::from_seconds(1_795_363_200);

fn closed(run_on: Option<i8>, issued_on: i8) -> CaseClosed {
    let day = |day: i8| jiff::civil::date(2026, 11, day);
    let attached = Attached {
        issuer: "counter".to_owned(),
        digest: Digest::default(),
        issued_on: day(issued_on),
    };
    let course = Course {
        submitted_on: "2026-11-20".to_owned(),
        run_on: run_on.map(day),
        evidence: [("identity_seen".to_owned(), attached)].into(),
        ..Course::default()
    };
    CaseClosed {
        case_id: [7; 16],
        caller: testing::facts("fund-centre/approval", 1, MIDNIGHT).caller,
        item: "W3".to_owned(),
        item_version: "2026.2".to_owned(),
        rule: [0; 32],
        case_number: "GJJ-2026-1".to_owned(),
        operator_unit: String::new(),
        course: serde_json::to_string(&course).unwrap(),
        outcome: "READY".to_owned(),
        needs: Vec::new(),
        abandoned: false,
        commitments: None,
    }
}

#[test]
fn a_case_runs_on_the_day_of_its_entry_or_over_midnight() {
    let at = |seconds: u64| Timestamp::from_seconds(MIDNIGHT.seconds() + seconds);
    assert_eq!(problem(&closed(Some(23), 23), at(3600)), None);
    assert_eq!(problem(&closed(Some(22), 22), at(599)), None);
    assert!(problem(&closed(Some(22), 22), at(601)).is_some());
    assert!(problem(&closed(Some(24), 22), at(3600)).is_some());
    // Applied for on the 20th.
    let earlier = Timestamp::from_seconds(MIDNIGHT.seconds() - 4 * 86_400);
    assert_eq!(problem(&closed(Some(19), 19), earlier), Some("its application is of a later day"));
}

#[test]
fn evidence_of_a_later_day_is_found() {
    let at = Timestamp::from_seconds(MIDNIGHT.seconds() + 3600);
    assert_eq!(problem(&closed(Some(23), 24), at), Some("it has evidence of a later day"));
    // A day that is left out would be whichever suits.
    let left_out = Some("it does not say on which day it ran");
    assert_eq!(problem(&closed(None, 23), at), left_out);
}
