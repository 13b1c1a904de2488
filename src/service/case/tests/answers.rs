//! What an answer says to a case: nothing of people in part, nothing of whoever was not checked, and by whom it was checked.

use std::collections::BTreeMap;

use super::super::run::{heard, unclosed};
use super::super::write::Told;
use crate::decision::PermitRef;
use crate::gateway::exchange::{Refusal, Reply, Source, Unclosed};
use crate::query::value::{Value, Verdict};

fn reply() -> Reply {
    let text = |text: &str| Value::Text(text.to_owned());
    Reply {
        request_id: [1; 16],
        verdict: Verdict::Confirmed,
        judgements: Vec::new(),
        disclosed: BTreeMap::from([
            ("spouse_name".to_owned(), text("韩梅梅")),
            ("spouse_number".to_owned(), text("1101**********002X")),
        ]),
        masked: vec!["spouse_number".to_owned()],
        keep_until: None,
        as_of: None,
        source: Source::Agency,
        agency: "police".into(),
        subjects_checked: vec![("member".to_owned(), 0), ("member".to_owned(), 2)],
        no_answer: None,
        grant: PermitRef { agreement: "a".into(), version: 1, clause: 1 },
        log_index: 7,
        receipt: None,
    }
}

#[test]
fn an_agency_that_checked_some_is_not_taken_for_whole() {
    assert!(heard(&reply(), 3).unchecked);
    assert!(
        !heard(
            &Reply {
                subjects_checked: (0..3).map(|at| ("member".to_owned(), at)).collect(),
                ..reply()
            },
            3
        )
        .unchecked
    );
    assert!(!heard(&reply(), 1).unchecked);
    assert!(heard(&Reply { subjects_checked: Vec::new(), ..reply() }, 1).unchecked);
}

#[test]
fn half_a_number_is_nobody() {
    let heard = heard(&reply(), 3);
    let told: Vec<&str> = heard.disclosed.keys().map(String::as_str).collect();
    assert_eq!(told, ["spouse_name"]);
}

#[test]
fn only_who_was_checked_is_told_as_checked() {
    assert_eq!(Told::by(&reply()).checked(), [0, 2]);
}

#[test]
fn a_case_that_is_too_large_is_no_log_that_has_stopped() {
    let reason = |why: &Unclosed| {
        use tonic_types::StatusExt;
        unclosed(why).get_error_details().error_info().unwrap().reason.clone()
    };
    assert_eq!(reason(&Unclosed::TooLarge(70_000)), "CASE_TOO_LARGE");
    assert_eq!(reason(&Unclosed::Refused(Refusal::Unrecorded)), "LOG_STOPPED");
}
