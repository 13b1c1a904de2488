//! What is judged, what is disclosed, and what leaves nothing.

use std::sync::Arc;

use super::*;
use crate::decision::agreements::AgreementSet;
use crate::decision::{Decision, decide, sample};
use crate::query::{Operator, Purpose};

fn permit() -> Permit {
    let mut agreement = sample::agreement();
    agreement.clauses[0].assert =
        sample::words(&["married", "months", "name", "on", "month", "code", "gone"]);
    agreement.clauses[0].disclose = sample::words(&["months", "gone"]);
    match decide(&sample::facts(), &AgreementSet::new([Arc::new(agreement)])) {
        Decision::Permit(permit) => permit,
        Decision::Deny(denial) => panic!("{}", denial.code()),
    }
}

fn found() -> Record {
    let attributes = [
        ("married", Value::Truth(true)),
        ("months", Value::Integer(7)),
        ("name", Value::Text("买买提・艾力".to_owned())),
        ("on", Value::Date("2018-06-01".to_owned())),
        ("month", Value::Date("2018-06".to_owned())),
        ("code", Value::Text("active".to_owned())),
        ("secret", Value::Integer(1)),
    ];
    record(Finding::Found(attributes.map(|(name, value)| (name.to_owned(), value)).into()))
}

fn record(finding: Finding) -> Record {
    Record { finding, as_of: sample::TUESDAY_TEN, subjects_checked: vec![0, 1] }
}

fn assertion(attribute: &str, comparison: Comparison, values: &[Value]) -> Assertion {
    Assertion { attribute: attribute.to_owned(), comparison, values: values.to_vec() }
}

fn query(assertions: &[Assertion], disclose: &[&str]) -> Query {
    Query {
        request_id: [7; 16],
        fact: "M2".into(),
        subjects: vec![],
        relations: vec![],
        assertions: assertions.to_vec(),
        disclose: disclose.iter().map(|name| (*name).to_owned()).collect(),
        purpose: Purpose::default(),
        operator: Operator::default(),
        max_age: None,
        want_receipt: false,
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn date(text: &str) -> Value {
    Value::Date(text.to_owned())
}

#[test]
fn assertions_are_judged() {
    use Comparison::{Eq, Exists, Ge, Gt, In, Le, Lt, NameMatch, Ne};
    use Verdict::{Confirmed, NotFound, Refuted, Unavailable};
    let yes = Value::Truth(true);
    let seven = Value::Integer(7);
    let cases: &[(&str, Comparison, &[Value], Verdict)] = &[
        ("married", Eq, std::slice::from_ref(&yes), Confirmed),
        ("married", Ne, std::slice::from_ref(&yes), Refuted),
        ("months", Ge, std::slice::from_ref(&seven), Confirmed),
        ("months", Gt, std::slice::from_ref(&seven), Refuted),
        ("months", Le, std::slice::from_ref(&seven), Confirmed),
        ("months", Lt, std::slice::from_ref(&seven), Refuted),
        ("months", In, &[Value::Integer(1), Value::Integer(7)], Confirmed),
        ("months", In, &[Value::Integer(1)], Refuted),
        ("on", Le, &[date("2018-06-01")], Confirmed),
        ("on", Lt, &[date("2018-06-01")], Refuted),
        ("month", Ge, &[date("2018-07")], Refuted),
        ("code", Eq, &[text("active")], Confirmed),
        ("code", In, &[text("revoked"), text("moved_away")], Refuted),
        ("name", NameMatch, &[text("买买提·艾力")], Confirmed),
        ("name", Eq, &[text("买买提·艾力")], Refuted),
        ("name", NameMatch, &[text("张三")], Refuted),
        ("name", Exists, &[], Confirmed),
        ("gone", Exists, &[], Refuted),
        ("gone", Eq, std::slice::from_ref(&seven), NotFound),
        // What cannot be compared is not a "no".
        ("married", Eq, std::slice::from_ref(&seven), Unavailable),
        ("months", Eq, &[text("7")], Unavailable),
        ("months", In, &[seven.clone(), text("7")], Unavailable),
        ("months", In, &[], Unavailable),
        ("months", Eq, &[], Unavailable),
        ("married", Lt, std::slice::from_ref(&yes), Unavailable),
        ("code", Lt, &[text("b")], Unavailable),
        ("on", Ge, &[date("2018-06")], Unavailable),
        ("months", NameMatch, &[text("7")], Unavailable),
        ("name", NameMatch, &[text("买*")], Unavailable),
        // Held by the record, granted by nobody.
        ("secret", Exists, &[], Unavailable),
    ];
    for (attribute, comparison, values, expected) in cases {
        let query = query(&[assertion(attribute, *comparison, values)], &[]);
        let released = release(&permit(), &query, &found(), false);
        assert_eq!(released.verdict, *expected, "{attribute} {}", comparison.name());
        assert_eq!(released.judgements, [((*attribute).to_owned(), *comparison, *expected)]);
    }
}

#[test]
fn a_blotted_name_neither_confirms_nor_refutes() {
    let record = record(Finding::Found([("name".to_owned(), text("买**"))].into()));
    let query = query(&[assertion("name", Comparison::NameMatch, &[text("张三")])], &[]);
    assert_eq!(release(&permit(), &query, &record, false).verdict, Verdict::Unavailable);
}

#[test]
fn no_record_and_conflicting_records_are_no_answer() {
    let query = query(&[assertion("married", Comparison::Exists, &[])], &["months"]);
    for (finding, expected) in
        [(Finding::NotFound, Verdict::NotFound), (Finding::Conflict, Verdict::Conflict)]
    {
        for (stale, expected) in [(false, expected), (true, Verdict::Stale)] {
            let released = release(&permit(), &query, &record(finding.clone()), stale);
            assert_eq!((released.verdict, released.disclosed.len()), (expected, 0));
        }
    }
}

#[test]
fn old_knowledge_is_stale() {
    for value in [true, false] {
        let query = query(&[assertion("married", Comparison::Eq, &[Value::Truth(value)])], &[]);
        assert_eq!(release(&permit(), &query, &found(), true).verdict, Verdict::Stale);
    }
    let wanted = query(&[], &["months"]);
    assert_eq!(release(&permit(), &wanted, &found(), true).verdict, Verdict::Stale);
}

#[test]
fn the_whole_is_as_bad_as_its_worst_part() {
    let no = assertion("married", Comparison::Eq, &[Value::Truth(false)]);
    let yes = assertion("married", Comparison::Eq, &[Value::Truth(true)]);
    let absent = assertion("gone", Comparison::Eq, &[Value::Integer(1)]);
    let odd = assertion("months", Comparison::Eq, &[text("7")]);
    for (assertions, expected) in [
        (vec![yes.clone(), absent.clone(), odd.clone(), no], Verdict::Refuted),
        (vec![yes.clone(), absent.clone(), odd], Verdict::Unavailable),
        (vec![yes.clone(), absent], Verdict::NotFound),
        (vec![yes.clone(), yes], Verdict::Confirmed),
    ] {
        assert_eq!(release(&permit(), &query(&assertions, &[]), &found(), false).verdict, expected);
    }
}

#[test]
fn only_values_asked_for_and_granted_leave() {
    let released =
        release(&permit(), &query(&[], &["months", "married", "secret", "gone"]), &found(), false);
    assert_eq!(released.disclosed, [("months".to_owned(), Value::Integer(7))].into());
    assert_eq!(released.verdict, Verdict::Confirmed);
    let nothing = release(&permit(), &query(&[], &["gone"]), &found(), false);
    assert_eq!((nothing.verdict, nothing.disclosed.len()), (Verdict::NotFound, 0));
}
