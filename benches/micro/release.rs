//! What may leave of a record: one assertion judged and one value let out.

use divan::{Bencher, black_box};
use heyan::decision::release::release as let_out;
use heyan::decision::{Decision, Permit, decide};
use heyan::query::record::{Finding, Record};
use heyan::query::time::Timestamp;
use heyan::query::value::{Assertion, Comparison, Value, Verdict};
use heyan::query::{Operator, Purpose, Query};

use super::asked::{agreement, facts};
use super::decide::set;

#[divan::bench]
fn release_a_verdict(bencher: Bencher<'_, '_>) {
    measure(bencher, &[]);
}

#[divan::bench]
fn release_a_verdict_and_a_value(bencher: Bencher<'_, '_>) {
    measure(bencher, &["status"]);
}

fn measure(bencher: Bencher<'_, '_>, disclose: &[&str]) {
    let disclose: Vec<String> = disclose.iter().map(|name| (*name).to_owned()).collect();
    let (permit, record) = (permit(&disclose), record());
    let query = Query {
        request_id: [7; 16],
        fact: "M2".into(),
        subjects: Vec::new(),
        relations: Vec::new(),
        assertions: vec![Assertion {
            attribute: "married".to_owned(),
            comparison: Comparison::Eq,
            values: vec![Value::Truth(true)],
        }],
        disclose,
        purpose: Purpose::default(),
        operator: Operator { id: "0042".to_owned(), unit: "counter-3".to_owned() },
        max_age: None,
        want_receipt: false,
    };
    let released = let_out(&permit, &query, &record, false);
    assert!(released.verdict == Verdict::Confirmed);
    assert_eq!(released.disclosed.len(), query.disclose.len());
    bencher.bench_local(|| let_out(black_box(&permit), &query, &record, false));
}

/// Values can be let out with a permit only, and a permit can be had from a decision only.
fn permit(disclose: &[String]) -> Permit {
    let mut facts = facts(&agreement(0));
    facts.disclose = disclose.to_vec();
    match decide(&facts, &set(10)) {
        Decision::Permit(permit) => permit,
        Decision::Deny(denial) => unreachable!("denied: {}", denial.code()),
    }
}

fn record() -> Record {
    let values = [
        ("married", Value::Truth(true)),
        ("months", Value::Integer(42)),
        ("status", Value::Text("registered".to_owned())),
    ];
    let values = values.map(|(name, value)| (name.to_owned(), value));
    Record {
        finding: Finding::Found(values.into()),
        as_of: Timestamp::from_seconds(1_790_042_400),
        subjects_checked: vec![0],
    }
}
