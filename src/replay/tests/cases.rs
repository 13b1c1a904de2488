//! A case whose answers are in the log replays clean; each thing that its entry says and the log does not is a finding.

use super::*;
use crate::audit::entry::{CaseClosed, RuleEvent};
use crate::cases::{About, Answer, Course, Shape, Told, Unheard, conclude, question_id};
use crate::catalogue::rule::Written;
use crate::decision::facts::RoleFact;
use crate::query::relation::Related;
use crate::query::value::Comparison;

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
assert = [{ attribute = "married", comparison = "eq", values = [true] }]
disclose = ["spouse_name", "spouse_number"]
fresh_for = "3d"
material = "marriage_certificate"
[[need]]
name = "married"
title = "Married"
title_zh = "已婚"
question = "marriage"
"#;

/// Entry of the answer that the case names, and of the case.
const ANSWER: usize = 4;
const CASE: usize = 13;
const CASE_ID: [u8; 16] = [7; 16];

fn about() -> Vec<About> {
    vec![About { role: "person".to_owned(), who: "applicant".to_owned(), position: 0 }]
}

/// The question as the case puts it.
fn put(facts: &mut Facts) {
    let related = Related { relation: Relation::CaseParty, shown_by: 0 };
    facts.request_id =
        question_id(CASE_ID, "marriage", about().iter().map(|about| (about, Some(related))));
    facts.roles[0].relation = Some(related.relation);
    facts.disclose = vec!["spouse_name".into(), "spouse_number".into()];
    facts.max_age = Some(Duration::from_secs(3 * 86_400));
    facts.replaced_material = "marriage_certificate".into();
}

/// Changes the question of the answer and of its intent alike.
fn both(log: &mut [Entry], change: fn(&mut Facts)) {
    change(facts_of(&mut log[ANSWER - 1]));
    let outcome = outcome_of(&mut log[ANSWER]);
    change(&mut outcome.facts);
    outcome.disclosed.clone_from(&outcome.facts.disclose);
}

/// What a gateway would record that concludes so from the course.
fn concluded(log: &mut [Entry]) {
    let closed = closed(log);
    let course: Course = serde_json::from_str(&closed.course).unwrap();
    let conclusion = conclude(&Written::from_text(RULE).unwrap().rule, &course);
    closed.outcome = conclusion.outcome.name().to_owned();
    let needs = conclusion.needs.iter();
    closed.needs = needs.map(|need| (need.name.clone(), need.state.name().to_owned())).collect();
}

/// The log of the other tests, with a rule before its last entry and a case after it.
fn with_case() -> Vec<Entry> {
    let mut log = log();
    let at = log[11].at;
    let rule = RuleEvent {
        item: "W3".into(),
        version: "2026.2".into(),
        document: RULE.as_bytes().to_vec(),
        effective_from: "2024-10-01".into(),
        effective_to: "2024-10-05".into(),
    };
    log.insert(12, Entry { at, kind: Kind::Rule(rule) });
    both(&mut log, put);
    // The number came in part, so nobody was told of.
    outcome_of(&mut log[ANSWER]).masked = vec!["spouse_number".to_owned()];
    let asked = facts_of(&mut log[ANSWER]).clone();
    let documents = vec!["citizen_id".to_owned()];
    let applicant = Shape { count: 1, documents, ..Shape::default() };
    let course = Course {
        submitted_on: "2024-10-04".to_owned(),
        run_on: Some(jiff::civil::date(2024, 10, 4)),
        parties: [("applicant".to_owned(), applicant)].into(),
        found: [("spouse".to_owned(), Told::default())].into(),
        answers: vec![Answer {
            question: "marriage".to_owned(),
            about: about(),
            verdict: Some(Verdict::Confirmed),
            code: String::new(),
            log_index: Some(ANSWER as u64),
            unchecked: false,
            told: BTreeMap::new(),
        }],
        ..Course::default()
    };
    let written = Written::from_text(RULE).unwrap();
    let conclusion = conclude(&written.rule, &course);
    let needs = conclusion.needs.iter();
    let closed = CaseClosed {
        case_id: CASE_ID,
        caller: asked.caller.clone(),
        item: asked.item.as_str().to_owned(),
        item_version: asked.item_version.clone(),
        rule: written.digest,
        case_number: asked.case_number.clone(),
        operator_unit: asked.operator_unit.clone(),
        course: serde_json::to_string(&course).unwrap(),
        outcome: conclusion.outcome.name().to_owned(),
        needs: needs.map(|need| (need.name.clone(), need.state.name().to_owned())).collect(),
        abandoned: false,
        commitments: None,
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
    let wrong: [fn(&mut Vec<Entry>); 24] = [
        |log| closed(log).rule = [0; 32],
        |log| closed(log).course = "{".to_owned(),
        |log| closed(log).outcome = "REFUTED".to_owned(),
        |log| closed(log).needs[0].1 = "OPEN".to_owned(),
        |log| closed(log).needs.clear(),
        |log| closed(log).case_number = "GJJ-OTHER".to_owned(),
        |log| closed(log).operator_unit = "hall-2".to_owned(),
        |log| closed(log).case_id = [8; 16],
        |log| closed(log).caller.certificate = [9; 32],
        // A rule of another item, or of another version.
        |log| closed(log).item = "L6".to_owned(),
        |log| closed(log).item_version = "2026.1".to_owned(),
        // A day that is none, one to come, and two on which the version did not hold.
        |log| course(log, |course| course.submitted_on = "some day".to_owned()),
        |log| course(log, |course| course.submitted_on = "2024-10-05".to_owned()),
        |log| course(log, |course| course.submitted_on = "2024-09-30".to_owned()),
        |log| {
            let Kind::Rule(rule) = &mut log[CASE - 1].kind else { panic!("no rule") };
            rule.effective_to = "2024-10-04".to_owned();
        },
        // Another entry, one that is no answer, none at all.
        |log| course(log, |course| course.answers[0].log_index = Some(10)),
        |log| course(log, |course| course.answers[0].log_index = Some(3)),
        |log| course(log, |course| course.answers[0].log_index = Some(99)),
        |log| course(log, |course| course.answers[0].code = "timeout".to_owned()),
        |log| {
            course(log, |course| {
                let more = course.answers[0].about[0].clone();
                course.answers[0].about.push(more);
            });
        },
        // A verdict without an entry: nobody was asked.
        |log| course(log, |course| course.answers[0].log_index = None),
        |log| course(log, |course| course.parties.clear()),
        // Whoever answered did not check everybody.
        |log| outcome_of(&mut log[ANSWER]).subjects_checked.clear(),
        // Nobody was told of: the spouse's number left in part only.
        |log| {
            course(log, |course| {
                course.answers[0].told.insert("spouse".to_owned(), 1);
                course.found.insert("spouse".to_owned(), Told { known: 1, differs: false });
            });
        },
    ];
    for (number, spoil) in wrong.into_iter().enumerate() {
        let mut log = with_case();
        spoil(&mut log);
        let found = found(&log);
        assert!(found.contains(&(CASE as u64, "case")), "number {number}: {found:?}");
        assert!(found.iter().all(|(index, _)| *index == CASE as u64), "number {number}: {found:?}");
    }
}

/// The same case number, the same caller; but not the question of the rule.
#[test]
fn an_answer_to_anything_else_than_the_rule_asks_is_none() {
    let wrong: [fn(&mut Facts); 12] = [
        |facts| facts.fact = Some("M2".into()),
        |facts| facts.item = "W9".into(),
        |facts| facts.item_version = "2026.1".into(),
        |facts| facts.operator_unit = "hall-2".into(),
        |facts| facts.assertions[0].attribute = "divorced".into(),
        |facts| facts.assertions[0].comparison = Comparison::Ne,
        |facts| facts.assertions.clear(),
        |facts| drop(facts.disclose.pop()),
        |facts| facts.max_age = Some(Duration::from_secs(3 * 86_400 + 1)),
        |facts| facts.max_age = None,
        |facts| facts.replaced_material = "household_register".into(),
        |facts| facts.request_id = [7; 16],
    ];
    for (number, change) in wrong.into_iter().enumerate() {
        let mut log = with_case();
        both(&mut log, change);
        let found = found(&log);
        assert!(found.contains(&(CASE as u64, "case")), "number {number}: {found:?}");
    }
    // Whoever is asked about, in which role, and how it belongs to the case.
    let wrong: [fn(&mut RoleFact); 4] = [
        |role| role.role = "spouse".into(),
        |role| role.kind = "employer".into(),
        |role| role.relation = None,
        |role| role.relation = Some(Relation::Declared),
    ];
    for (number, change) in wrong.into_iter().enumerate() {
        let mut log = with_case();
        change(&mut facts_of(&mut log[ANSWER - 1]).roles[0]);
        change(&mut facts_of(&mut log[ANSWER]).roles[0]);
        let found = found(&log);
        assert!(found.contains(&(CASE as u64, "case")), "number {number}: {found:?}");
    }
    let mut log = with_case();
    outcome_of(&mut log[ANSWER]).verdict = Verdict::Refuted;
    assert_eq!(found(&log), [(CASE as u64, "case")]);
}

/// A "no" that a case passes over, and one of two answers to the same question.
#[test]
fn an_answer_that_a_case_passes_over_is_found() {
    let mut log = with_case();
    course(&mut log, |course| course.answers.clear());
    concluded(&mut log);
    assert_eq!(found(&log), [(CASE as u64, "case")]);
    // It came after the case's time was over.
    course(&mut log, |course| {
        course.unheard.push(Unheard { question: "marriage".to_owned(), about: about() });
    });
    concluded(&mut log);
    assert_eq!(found(&log), []);
    // Asked twice, told once.
    let mut log = with_case();
    let second = outcome_of(&mut log[ANSWER]).facts.clone();
    let other = outcome_of(&mut log[9]);
    let (at, sequence, quota) =
        (other.facts.received_at, other.facts.caller_sequence, other.facts.quota.clone());
    other.facts = Facts { received_at: at, caller_sequence: sequence, quota, ..second };
    other.verdict = Verdict::Refuted;
    assert!(found(&log).contains(&(CASE as u64, "case")), "{:?}", found(&log));
}

/// A repeated case names the same answers; one that is repeated when they are forgotten has others.
#[test]
fn a_case_may_be_repeated() {
    let mut log = with_case();
    let again = Entry { at: log[CASE].at, kind: log[CASE].kind.clone() };
    log.push(again);
    assert_eq!(found(&log), []);
}

#[test]
fn a_rule_that_went_out_of_use_concludes_nothing_any_more() {
    let after = |hours: u64| {
        let mut replay = Replay::with(None, verify);
        for (index, entry) in (0..).zip(&with_case()) {
            if index == CASE as u64 {
                let gone = Timestamp(entry.at.0 - hours * 3600 * SECOND);
                replay.cases.catalogue(gone);
                replay.cases.catalogue(gone);
            }
            replay.entry(index, entry);
        }
        replay.finish().findings.len()
    };
    assert_eq!((after(0), after(1), after(2)), (0, 0, 1));
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
    let wrong: [fn(&mut RuleEvent); 4] = [
        |rule| rule.item = "L6".to_owned(),
        |rule| rule.version = "2026.1".to_owned(),
        |rule| rule.effective_from = "2024-10-1".to_owned(),
        |rule| rule.effective_to = "later".to_owned(),
    ];
    for change in wrong {
        let mut log = with_case();
        let Kind::Rule(event) = &mut log[12].kind else { panic!("no rule") };
        change(event);
        assert_eq!(found(&log), [(12, "rule"), (CASE as u64, "case")]);
    }
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
