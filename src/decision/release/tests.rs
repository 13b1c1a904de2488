//! What is judged, what is disclosed, and what leaves nothing.

use std::sync::Arc;

use super::*;
use crate::decision::agreement::{Agreement, Clause, Details};
use crate::decision::agreements::AgreementSet;
use crate::decision::limit::Limit;
use crate::decision::mask::Mask;
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

/// A permit by a clause changed like this.
fn permit_by(change: impl FnOnce(&mut Agreement)) -> Permit {
    let mut agreement = sample::agreement();
    agreement.clauses[0].assert = sample::words(&["married", "months", "code", "on"]);
    agreement.clauses[0].disclose = sample::words(&["months"]);
    let words = [("name", Mask::Name), ("on", Mask::Year), ("code", Mask::Month)];
    let mask = words.map(|(name, mask)| (name.into(), mask)).into();
    agreement.clauses[0].details = Arc::new(Details { mask, ..Details::default() });
    change(&mut agreement);
    match decide(&sample::facts(), &AgreementSet::new([Arc::new(agreement)])) {
        Decision::Permit(permit) => permit,
        Decision::Deny(denial) => panic!("{}", denial.code()),
    }
}

#[test]
fn what_a_mask_leaves_is_all_that_leaves() {
    let wanted = query(&[], &["name", "on", "code", "months", "secret", "married"]);
    let released = release(&permit_by(|_| ()), &wanted, &found(), false);
    // `code` is no date: what its mask does not fit stays behind, and is not called masked.
    let expected = [("months", Value::Integer(7)), ("name", text("买*****")), ("on", date("2018"))];
    assert_eq!(released.disclosed, expected.map(|(name, value)| (name.to_owned(), value)).into());
    assert_eq!(released.masked, ["name", "on"]);
    assert_eq!(released.verdict, Verdict::Confirmed);
    let nothing = release(&permit_by(|_| ()), &query(&[], &["code"]), &found(), false);
    // The agency has it: that it may not leave like this is no news about the person.
    assert_eq!((nothing.verdict, nothing.disclosed.len()), (Verdict::Unavailable, 0));
    assert!(nothing.masked.is_empty());
}

#[test]
fn a_masked_value_is_judged_whole_and_leaves_in_part() {
    let on = assertion("on", Comparison::Eq, &[date("2018-06-01")]);
    let released = release(&permit_by(|_| ()), &query(&[on], &["on"]), &found(), false);
    assert_eq!(released.verdict, Verdict::Confirmed);
    assert_eq!(released.disclosed, [("on".to_owned(), date("2018"))].into());
}

#[test]
fn one_record_leaves_by_each_clause_as_that_clause_says() {
    let record = found();
    let wanted = query(&[], &["name"]);
    let in_part = release(&permit_by(|_| ()), &wanted, &record, false);
    let whole = permit_by(|agreement| {
        agreement.clauses[0].details = Arc::default();
        agreement.clauses[0].disclose = sample::words(&["name"]);
    });
    let whole = release(&whole, &wanted, &record, false);
    assert_eq!((&whole.disclosed["name"], whole.masked.len()), (&text("买买提・艾力"), 0));
    assert_eq!(in_part.disclosed["name"], text("买*****"));
    let neither = permit_by(|agreement| agreement.clauses[0].details = Arc::default());
    let neither = release(&neither, &wanted, &record, false);
    assert!(neither.disclosed.is_empty());
}

#[test]
fn what_may_never_leave_does_not_though_the_clause_grants_it() {
    let withheld = permit_by(|agreement| {
        // Another clause about the same fact says so; an agreement is read as a whole.
        let never = sample::words(&["months", "name", "on"]);
        let details = Arc::new(Details { never, ..Details::default() });
        agreement.clauses.push(Clause { details, ..sample::clause() });
    });
    assert!(!withheld.grants("months") && !withheld.grants("name") && withheld.grants("married"));
    let at_least = assertion("months", Comparison::Ge, &[Value::Integer(6)]);
    let wanted = query(&[at_least], &["months", "name", "on"]);
    let released = release(&withheld, &wanted, &found(), false);
    assert_eq!((released.verdict, released.disclosed.len()), (Verdict::Unavailable, 0));
    assert!(released.masked.is_empty());
}

#[test]
fn an_assertion_beyond_its_limit_is_not_judged_though_it_was_let_through() {
    let limited = |limit: Limit| {
        permit_by(|agreement| {
            Arc::make_mut(&mut agreement.clauses[0].details).limits = vec![limit];
        })
    };
    let months = |comparisons: &[Comparison], values: &[i64], multiple_of| Limit {
        attribute: "months".into(),
        comparisons: comparisons.to_vec(),
        values: values.iter().copied().map(Value::Integer).collect(),
        multiple_of,
    };
    let texts = |attribute: &str, values: Vec<Value>| Limit {
        attribute: attribute.into(),
        comparisons: vec![],
        values,
        multiple_of: None,
    };
    let six = || vec![Value::Integer(6)];
    use Comparison::{Eq, Exists, Ge, In};
    let judged = Verdict::Confirmed;
    for (limit, asked, expected) in [
        (months(&[Ge], &[6, 12], None), assertion("months", Ge, &six()), judged),
        (months(&[Ge], &[6, 12], None), assertion("months", Eq, &six()), Verdict::Unavailable),
        (
            months(&[Ge], &[6, 12], None),
            assertion("months", Ge, &[Value::Integer(7)]),
            Verdict::Unavailable,
        ),
        (
            months(&[], &[6, 7], None),
            assertion("months", In, &[Value::Integer(6), Value::Integer(7)]),
            judged,
        ),
        (
            months(&[], &[7], None),
            assertion("months", In, &[Value::Integer(7), Value::Integer(8)]),
            Verdict::Unavailable,
        ),
        (months(&[], &[], Some(3)), assertion("months", Ge, &six()), judged),
        (
            months(&[], &[], Some(3)),
            assertion("months", Ge, &[Value::Integer(7)]),
            Verdict::Unavailable,
        ),
        // With no value nothing can be tried out: whether one is there is a matter of `comparisons`.
        (months(&[], &[6], None), assertion("months", Exists, &[]), judged),
        (months(&[Ge], &[6], None), assertion("months", Exists, &[]), Verdict::Unavailable),
        (texts("code", vec![text("active")]), assertion("code", Eq, &[text("active")]), judged),
        (
            texts("code", vec![text("active")]),
            assertion("code", Comparison::Ne, &[text("ended")]),
            Verdict::Unavailable,
        ),
        (texts("on", vec![date("2018-01-01")]), assertion("on", Ge, &[date("2018-01-01")]), judged),
        (
            texts("on", vec![text("2018-06-01")]),
            assertion("on", Eq, &[date("2018-06-01")]),
            Verdict::Unavailable,
        ),
    ] {
        let what = format!("{limit:?} {}", asked.comparison.name());
        let released = release(&limited(limit), &query(&[asked], &[]), &found(), false);
        assert_eq!(released.verdict, expected, "{what}");
    }
}
