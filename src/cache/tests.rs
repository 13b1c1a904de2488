//! One flight for all who want the same, and who may not be answered by it.

use std::future::pending;

use tokio::sync::oneshot;

use super::*;
use crate::decision::agreement::{Agreement, Clause, Quota};
use crate::decision::agreements::AgreementSet;
use crate::decision::facts::Facts;
use crate::decision::{Decision, decide, sample};
use crate::query::{Operator, Purpose};

const OLDEST: Duration = Duration::from_secs(86_400);

fn wanted(since: u64) -> Wanted {
    Wanted { since, at: sample::TUESDAY_TEN, oldest: OLDEST }
}

fn permit() -> Permit {
    let mut agreement = sample::agreement();
    let hour = Duration::from_secs(3600);
    let terms = Arc::new(CacheTerms { found: hour, not_found: hour, stale: Duration::ZERO });
    agreement.clauses[0].cache = Some(terms);
    let set = crate::decision::agreements::AgreementSet::new([Arc::new(agreement)]);
    match crate::decision::decide(&sample::facts(), &set) {
        crate::decision::Decision::Permit(permit) => permit,
        crate::decision::Decision::Deny(denial) => panic!("{}", denial.code()),
    }
}

fn query() -> Query {
    Query {
        request_id: [7; 16],
        fact: "M2".into(),
        subjects: vec![],
        relations: Vec::new(),
        assertions: vec![],
        disclose: vec![],
        purpose: Purpose::default(),
        operator: Operator::default(),
        max_age: None,
        want_receipt: false,
    }
}

fn answered() -> Asked {
    let record = Record {
        finding: Finding::Found(Default::default()),
        as_of: sample::TUESDAY_TEN,
        subjects_checked: vec![],
    };
    Asked { result: Ok(Arc::new(record)), intent: Some(3), dropped: 0, out_of_time: false }
}

fn failed(out_of_time: bool) -> Asked {
    let result = Err(NoAnswer { reason: Unavailable::Timeout, retry_after: None });
    Asked { result, intent: Some(1), dropped: 0, out_of_time }
}

/// What a question that waits for another's flight gets when that flight ends so.
async fn waits_for(first: Asked) -> Found {
    let cache = AnswerCache::new(1 << 20).unwrap();
    let (permit, query) = (permit(), query());
    let (end, ends) = oneshot::channel();
    let leader = cache.get_or_ask(&permit, &query, wanted(0), async {
        ends.await.unwrap_or_else(|_| failed(false))
    });
    let follower = cache.get_or_ask(&permit, &query, wanted(0), async { answered() });
    let (_, found, ()) = tokio::join!(leader, follower, async {
        let _ = end.send(first);
    });
    found
}

#[tokio::test]
async fn who_waits_for_a_hurried_question_asks_itself() {
    assert!(matches!(waits_for(failed(true)).await, Found::Fresh(asked) if asked.result.is_ok()));
    // The agency's own silence is for everybody.
    assert!(matches!(waits_for(failed(false)).await, Found::Kept(asked) if asked.result.is_err()));
    assert!(matches!(waits_for(answered()).await, Found::Kept(asked) if asked.result.is_ok()));
}

#[tokio::test]
async fn a_dropped_flight_is_taken_over() {
    let cache = AnswerCache::new(1 << 20).unwrap();
    let (permit, query) = (permit(), query());
    let leader = cache.get_or_ask(&permit, &query, wanted(0), pending());
    let leader = tokio::time::timeout(Duration::from_millis(20), leader);
    let follower = cache.get_or_ask(&permit, &query, wanted(0), async { answered() });
    let (leader, found) = tokio::join!(leader, follower);
    assert!(leader.is_err() && matches!(found, Found::Fresh(_)));
}

#[tokio::test]
async fn an_answer_asked_for_before_a_change_is_not_served_after_it() {
    let cache = AnswerCache::new(1 << 20).unwrap();
    let (permit, query) = (permit(), query());
    let (end, ends) = oneshot::channel();
    let before = cache.get_or_ask(&permit, &query, wanted(0), async {
        ends.await.unwrap();
        answered()
    });
    let (before, ()) = tokio::join!(before, async {
        // The change comes while the agency is being asked, and finds nothing to drop.
        cache.drop_agreements([permit.agreement().id.clone()].into());
        end.send(()).unwrap();
    });
    assert!(matches!(before, Found::Fresh(_)));
    let after = cache.get_or_ask(&permit, &query, wanted(1), async { answered() }).await;
    assert!(matches!(after, Found::Fresh(_)), "asked anew");
    let again = cache.get_or_ask(&permit, &query, wanted(1), async { answered() }).await;
    assert!(matches!(again, Found::Kept(_)));
}

/// What is kept under one clause is not there for another, of the same agreement or of another one: each may let out
/// other attributes, or part of them.
#[tokio::test]
async fn a_record_is_kept_for_its_own_clause() {
    let cache = AnswerCache::new(1 << 20).unwrap();
    let hour = Duration::from_secs(3600);
    let terms = Arc::new(CacheTerms { found: hour, not_found: hour, stale: Duration::ZERO });
    let clause = |item: &str| Clause {
        items: [item.into()].into(),
        cache: Some(terms.clone()),
        ..sample::clause()
    };
    let two = Agreement { clauses: vec![clause("W3"), clause("W1")], ..sample::agreement() };
    let other = Agreement {
        id: "mz-2".to_owned(),
        digest: [9; 32],
        clauses: vec![clause("W7")],
        quota: Quota::default(),
        ..sample::agreement()
    };
    let set = AgreementSet::new([Arc::new(two), Arc::new(other)]);
    let permit = |item: &str| {
        let facts = Facts { item: item.into(), ..sample::facts() };
        match decide(&facts, &set) {
            Decision::Permit(permit) => permit,
            Decision::Deny(denial) => panic!("{}", denial.code()),
        }
    };
    for item in ["W3", "W1", "W7"] {
        for expected in ["fresh", "kept"] {
            let (permit, query) = (permit(item), query());
            let found = cache.get_or_ask(&permit, &query, wanted(0), async { answered() }).await;
            let came = match found {
                Found::Fresh(_) => "fresh",
                Found::Kept(_) | Found::Stale(_) => "kept",
            };
            assert_eq!(came, expected, "{item}");
        }
    }
}

/// A node of a map is as large with one value as with eleven, and the cache's own places count too.
#[tokio::test]
async fn an_answer_weighs_what_it_takes() {
    let weight = async |count: usize| {
        let cache = AnswerCache::new(1 << 20).unwrap();
        let values =
            (0..count).map(|number| (format!("attribute_{number:04}"), Value::Truth(true)));
        let record = Record {
            finding: Finding::Found(values.collect()),
            as_of: sample::TUESDAY_TEN,
            subjects_checked: vec![],
        };
        let asked =
            Asked { result: Ok(Arc::new(record)), intent: None, dropped: 0, out_of_time: false };
        cache.get_or_ask(&permit(), &query(), wanted(0), async { asked }).await;
        cache.kept.run_pending_tasks().await;
        cache.bytes()
    };
    let [none, one, most, more] =
        [weight(0).await, weight(1).await, weight(11).await, weight(12).await];
    assert_eq!(none, KEPT_BYTES as u64);
    assert_eq!(one - none, NODE_BYTES as u64 + 30);
    assert_eq!(most - one, 10 * 30, "in the same node");
    assert_eq!(more - most, NODE_BYTES as u64 + 30, "in another");
}
