//! A case whose answers are in the log replays clean; each thing that its entry says and the log does not is a finding.

use super::*;
use crate::audit::entry::{CaseClosed, RuleEvent};
use crate::cases::{About, Answer, Course, Shape, conclude};
use crate::catalogue::rule::Written;
use crate::query::relation::Related;

const RULE: &str = r#"
item = "W3"
version = "2026.2"
legal_basis = ["条例第二十四条"]
[[party]]
name = "applicant"
title_zh = "申请人"
kind = "person"
[[group]]
name = "spouse"
title_zh = "配偶"
found_by = "marriage"
person = { name = "spouse_name", number = "spouse_number" }
[[question]]
name = "marriage"
fact = "M1"
about = { person = "applicant" }
disclose = ["spouse_name", "spouse_number"]
fresh_for = "3d"
[[need]]
name = "married"
title = "Married"
title_zh = "已婚"
question = "marriage"
"#;

/// Entry of the answer that the case names, and of the case.
const ANSWER: usize = 4;
const CASE: usize = 13;

/// The log of the other tests, with a rule before its last entry and a case after it.
fn with_case() -> Vec<Entry> {
    let mut log = log();
    let at = log[11].at;
    let rule = RuleEvent {
        item: "W3".into(),
        version: "2026.2".into(),
        document: RULE.as_bytes().to_vec(),
    };
    log.insert(12, Entry { at, kind: Kind::Rule(rule) });
    let asked = facts_of(&mut log[ANSWER]).clone();
    let about = asked.roles.iter().zip(0..).map(|(role, position)| About {
        role: role.role.clone(),
        who: "applicant".to_owned(),
        position,
    });
    let course = Course {
        submitted_on: "2026-10-12".to_owned(),
        parties: [("applicant".to_owned(), Shape { count: 1, ..Shape::default() })].into(),
        answers: vec![Answer {
            question: "marriage".to_owned(),
            about: about.collect(),
            verdict: Some(Verdict::Confirmed),
            code: String::new(),
            log_index: Some(ANSWER as u64),
            unchecked: false,
            told: false,
        }],
        ..Course::default()
    };
    let written = Written::from_text(RULE).unwrap();
    let conclusion = conclude(&written.rule, &course);
    let needs = conclusion.needs.iter();
    let closed = CaseClosed {
        case_id: [7; 16],
        caller: asked.caller.clone(),
        item: asked.item.as_str().to_owned(),
        item_version: asked.item_version.clone(),
        rule: written.digest,
        case_number: asked.case_number.clone(),
        operator_unit: "hall-1".to_owned(),
        course: serde_json::to_string(&course).unwrap(),
        outcome: conclusion.outcome.name().to_owned(),
        needs: needs.map(|need| (need.name.clone(), need.state.name().to_owned())).collect(),
        abandoned: false,
    };
    log.push(Entry { at, kind: Kind::Case(Box::new(closed)) });
    log
}

fn closed(log: &mut [Entry]) -> &mut CaseClosed {
    match &mut log[CASE].kind {
        Kind::Case(closed) => closed,
        _ => panic!("no case"),
    }
}

/// The same with its course changed.
fn course(log: &mut [Entry], change: impl Fn(&mut Course)) {
    let closed = closed(log);
    let mut course: Course = serde_json::from_str(&closed.course).unwrap();
    change(&mut course);
    closed.course = serde_json::to_string(&course).unwrap();
}

#[test]
fn a_case_in_order_replays_clean() {
    let log = with_case();
    assert_eq!(run(&log).findings, []);
    let mut abandoned = with_case();
    closed(&mut abandoned).abandoned = true;
    assert_eq!(found(&abandoned), []);
}

#[test]
fn each_thing_that_a_case_says_and_the_log_does_not_is_a_finding() {
    let wrong: [fn(&mut Vec<Entry>); 15] = [
        |log| closed(log).rule = [0; 32],
        |log| closed(log).course = "{".to_owned(),
        |log| closed(log).outcome = "REFUTED".to_owned(),
        |log| closed(log).needs[0].1 = "OPEN".to_owned(),
        |log| closed(log).needs.clear(),
        |log| closed(log).case_number = "GJJ-OTHER".to_owned(),
        |log| closed(log).item_version = "2026.1".to_owned(),
        |log| closed(log).caller.certificate = [9; 32],
        // Another entry, one that is no answer, none at all, and one twice.
        |log| course(log, |course| course.answers[0].log_index = Some(10)),
        |log| course(log, |course| course.answers[0].log_index = Some(3)),
        |log| course(log, |course| course.answers[0].log_index = Some(99)),
        |log| course(log, |course| course.answers[0].code = "timeout".to_owned()),
        // Nobody was told of: the spouse's number left in part only.
        |log| course(log, |course| course.answers[0].told = true),
        |log| {
            course(log, |course| {
                let more = course.answers[0].about[0].clone();
                course.answers[0].about.push(more);
            });
        },
        // Whoever answered did not check everybody.
        |log| outcome_of(&mut log[ANSWER]).subjects_checked.clear(),
    ];
    for (number, spoil) in wrong.into_iter().enumerate() {
        let mut log = with_case();
        spoil(&mut log);
        assert_eq!(found(&log), [(CASE as u64, "case")], "number {number}");
    }
}

#[test]
fn two_questions_of_a_case_have_two_answers() {
    let mut log = with_case();
    course(&mut log, |course| {
        let again = course.answers[0].clone();
        course.answers.push(again);
    });
    assert!(found(&log).contains(&(CASE as u64, "case")));
}

#[test]
fn answers_of_long_ago_belong_to_no_case() {
    let mut log = with_case();
    let late = Timestamp(NOON + 2 * 3600 * SECOND);
    log[CASE].at = late;
    // Entries are in the order of time, so the whole hour passes between them.
    assert_eq!(found(&log), [(CASE as u64, "case")]);
}

#[test]
fn a_rule_that_cannot_be_read_is_a_finding() {
    let mut log = with_case();
    let Kind::Rule(event) = &mut log[12].kind else { panic!("no rule") };
    event.document = b"item = ".to_vec();
    assert_eq!(found(&log), [(12, "rule"), (CASE as u64, "case")]);
}

/// Relations are the caller's word; of a case they are what earlier answers have shown.
#[test]
fn a_case_may_name_an_answer_that_another_has_shown_the_way_to() {
    let mut log = with_case();
    let asked = &mut facts_of(&mut log[6]).roles[0];
    let shown = Related { relation: Relation::Verified, shown_by: ANSWER as u64 };
    (asked.relation, asked.shown_by) = (Some(shown.relation), shown.shown_by);
    assert_eq!(found(&log), []);
}
