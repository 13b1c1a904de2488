//! Questions that are permitted: intent, outcome, cache, retries, disclosure, receipt.

use heyan::audit::commitment::{self, Field, Opening};
use heyan::audit::entry::{Source, decode};
use heyan::audit::file::Description;
use heyan::audit::receipt::Receipt;
use heyan::client::Client;
use heyan::crypto::Digest;
use heyan::proto::gateway::v1 as wire;
use heyan::query::value::Verdict;
use heyan::simulate::samples::{self, WIFE};
use tokio::task::JoinSet;
use wire::source::Kind as From;

use crate::support::draft::Draft;
use crate::support::entries::{denial, intent, intents, outcome, outcomes};
use crate::support::{Lab, ask, refused, until};

fn source(reply: &wire::VerifyResponse) -> (From, u64) {
    let source = reply.source.as_ref().unwrap();
    (source.kind(), source.original_index)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permitted_question_leaves_an_intent_and_then_its_outcome() {
    let lab = Lab::start(&["civil-affairs"]).await;
    let before = lab.size();
    let reply = ask(&lab.client().await, lab.question("M2")).await;

    assert_eq!(reply.verdict(), wire::Verdict::Confirmed);
    assert_eq!(reply.judgements.len(), 1);
    assert_eq!(source(&reply), (From::Agency, 0));
    assert_eq!(reply.source.as_ref().unwrap().agency, "civil-affairs");
    let grant = reply.grant.as_ref().unwrap();
    assert_eq!(
        (grant.agreement.as_str(), grant.version, grant.clause),
        ("hn-gjj-mz-2018-001", 1, 2)
    );
    let checked: Vec<&str> = reply.subjects_checked.iter().map(|one| one.role.as_str()).collect();
    assert_eq!(checked, ["person", "spouse"]);
    assert_eq!(lab.simulation.asked("civil-affairs"), 1);

    let entries = lab.entries();
    assert_eq!((reply.log_index, lab.size()), (before + 1, before + 2));
    let (intent, outcome) = (intent(&entries, before), outcome(&entries, before + 1));
    assert_eq!(intent.facts, outcome.facts);
    assert_eq!(intent.permit, outcome.permit);
    assert_eq!((outcome.intent, outcome.source), (Some(before), Source::Agency));
    assert_eq!((outcome.verdict, outcome.unavailable), (Verdict::Confirmed, None));
    assert_eq!((outcome.facts.caller_sequence, outcome.facts.quota[0].day), (1, 0));
    assert_eq!(outcome.facts.case_number, "GJJ-2026-000123");
    assert!(intent.commitments.answer.is_none() && outcome.commitments.answer.is_some());
    // One secret an entry: the same subject looks different in each.
    assert_ne!(intent.commitments.subject, outcome.commitments.subject);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_answer_is_decided_recorded_and_counted_without_asking_again() {
    let lab = Lab::start(&["civil-affairs"]).await;
    let client = lab.client().await;
    let first = ask(&client, lab.question("M2")).await;
    let again = ask(&client, lab.question("M2")).await;

    assert_eq!(lab.simulation.asked("civil-affairs"), 1);
    assert_eq!(again.verdict(), first.verdict());
    assert_eq!(again.as_of, first.as_of);
    assert_eq!(source(&again), (From::Cache, first.log_index - 1));
    assert_eq!(again.log_index, first.log_index + 1);
    let entries = lab.entries();
    let outcome = outcome(&entries, again.log_index);
    assert_eq!((outcome.source, outcome.intent), (Source::Cache, Some(first.log_index - 1)));
    assert_eq!((outcome.facts.caller_sequence, outcome.facts.quota[0].day), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_of_a_quota_is_not_saved_by_the_cache() {
    let lab = Lab::prepare(&[]).await;
    let fact = lab.catalogue.fact(&"M2".into()).unwrap();
    let mut draft = Draft::new("three-a-day", "civil-affairs").clause(
        fact,
        &lab.catalogue,
        &["married"],
        &[],
        "cache = { found = \"1d\", not_found = \"1h\" }",
    );
    draft.quota = "per_day = 3".to_owned();
    draft.place(&lab);
    let mut lab = lab;
    lab.serve().await;

    let client = lab.client().await;
    for _ in 0..3 {
        ask(&client, lab.question("M2")).await;
    }
    let denied = refused(&client, lab.question("M2")).await;
    assert_eq!(
        (denied.code, denied.reason.as_str()),
        (tonic::Code::ResourceExhausted, "QUOTA_DAY")
    );
    assert_eq!(lab.simulation.asked("civil-affairs"), 1);
    let entries = lab.entries();
    let denied = denial(&entries, denied.log_index.unwrap());
    assert_eq!((denied.code.as_str(), denied.facts.quota[0].day), ("QUOTA_DAY", 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_equal_questions_at_once_reach_the_agency_once() {
    let lab = Lab::start(&["civil-affairs"]).await;
    let client = lab.client().await;
    let mut asking = JoinSet::new();
    for _ in 0..20 {
        let (client, question) = (client.clone(), lab.question("M2"));
        asking.spawn(async move { ask(&client, question).await });
    }
    let replies = asking.join_all().await;

    assert_eq!(lab.simulation.asked("civil-affairs"), 1);
    let entries = lab.entries();
    let intents = intents(&entries);
    assert_eq!(intents.len(), 1);
    assert_eq!(outcomes(&entries).len(), 20);
    let mut numbers = Vec::new();
    for reply in &replies {
        assert_eq!(reply.verdict(), wire::Verdict::Confirmed);
        let outcome = outcome(&entries, reply.log_index);
        assert_eq!(outcome.intent, Some(intents[0].0));
        numbers.push(outcome.facts.caller_sequence);
    }
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(1..=20), "each question has a number of its own");
    assert_eq!(replies.iter().filter(|reply| source(reply).0 == From::Agency).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_cache_terms_nothing_is_kept() {
    let lab = Lab::start(&["police"]).await;
    let client = lab.client().await;
    for asked in 1..=2 {
        let reply = ask(&client, lab.question("P2")).await;
        assert_eq!((source(&reply), lab.simulation.asked("police")), ((From::Agency, 0), asked));
    }
    assert_eq!(intents(&lab.entries()).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caller_may_want_fresher_data_than_is_kept() {
    let lab = Lab::start(&["civil-affairs"]).await;
    let client = lab.client().await;
    ask(&client, lab.question("M2")).await;
    let mut fresh = lab.question("M2");
    fresh.max_age = Some(prost_types::Duration { seconds: 0, nanos: 1000 });
    let reply = ask(&client, fresh).await;
    assert_eq!(source(&reply).0, From::Agency);
    assert_eq!(lab.simulation.asked("civil-affairs"), 2);
    let entries = lab.entries();
    assert_eq!(outcome(&entries, reply.log_index).intent, Some(reply.log_index - 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_gets_the_recorded_answer() {
    let lab = Lab::start(&["police"]).await;
    let client = lab.client().await;
    let question = lab.question("P2");
    let first = ask(&client, question.clone()).await;
    let size = lab.size();
    let again = ask(&client, question.clone()).await;
    assert_eq!(again, first);
    assert_eq!((lab.simulation.asked("police"), lab.size()), (1, size));

    // Another question under the same id is an error, and says so.
    let mut other = question;
    other.purpose.as_mut().unwrap().case_number = "GJJ-2026-000124".to_owned();
    let denied = refused(&client, other).await;
    assert_eq!((denied.code, denied.reason.as_str()), (tonic::Code::InvalidArgument, "MALFORMED"));
    assert_eq!(denied.fields, [("request_id".to_owned(), "reused".to_owned())]);
    assert_eq!(lab.simulation.asked("police"), 1);
    let entries = lab.entries();
    let recorded = denial(&entries, denied.log_index.unwrap());
    assert_eq!(recorded.facts.defects[0].check, "reused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_while_the_first_is_under_way_waits_for_it() {
    let lab = Lab::start(&["police"]).await;
    let delay = std::time::Duration::from_millis(300);
    lab.simulation.faults("police").set_delay(delay, std::time::Duration::ZERO);
    let client = lab.client().await;
    let question = lab.question("P2");
    let mut asking = JoinSet::new();
    for _ in 0..5 {
        let (client, question) = (client.clone(), question.clone());
        asking.spawn(async move { ask(&client, question).await });
    }
    let replies = asking.join_all().await;
    assert!(replies.iter().all(|reply| *reply == replies[0]));
    assert_eq!(lab.simulation.asked("police"), 1);
    assert_eq!(outcomes(&lab.entries()).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_of_a_call_that_was_lost_finds_its_answer() {
    let lab = Lab::start(&["police"]).await;
    let delay = std::time::Duration::from_millis(200);
    lab.simulation.faults("police").set_delay(delay, std::time::Duration::ZERO);
    let client = lab.client().await;
    let question = lab.question("P2");
    let lost = client.verify(question.clone(), std::time::Duration::from_secs(10));
    let given_up =
        async { until("the police are asked", || lab.simulation.asked("police") == 1).await };
    tokio::select! {
        _ = lost => panic!("the answer was too quick to be lost"),
        () = given_up => {}
    }
    let reply = ask(&client, question).await;
    assert_eq!(reply.verdict(), wire::Verdict::Confirmed);
    assert_eq!(lab.simulation.asked("police"), 1);
    assert_eq!(outcomes(&lab.entries()).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_callers_equal_request_id_is_another_request() {
    let lab = Lab::start(&["police"]).await;
    let question = lab.question("P2");
    ask(&lab.client().await, question.clone()).await;
    let stranger = lab.client_as("audit-office", "replay").await;
    let denied = refused(&stranger, question).await;
    assert_eq!(denied.reason, "NO_QUERY_RIGHT");
    assert_eq!(denial(&lab.entries(), denied.log_index.unwrap()).code, "NO_QUERY_RIGHT");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_granted_values_leave() {
    let lab = Lab::start(&["civil-affairs"]).await;
    let client = lab.client().await;
    let mut question = lab.question("M1");
    question.disclose = vec!["spouse_name".to_owned()];
    let reply = ask(&client, question).await;

    let wife = lab.simulation.province().name(WIFE);
    let expected = wire::Value { kind: Some(wire::value::Kind::Text(wife)) };
    assert_eq!(reply.disclosed.len(), 1);
    assert_eq!(reply.disclosed["spouse_name"], expected);
    let entries = lab.entries();
    let outcome = outcome(&entries, reply.log_index);
    assert_eq!(outcome.disclosed, ["spouse_name"]);
    // The agency sends the certificate's number along, which the clause does not grant.
    assert!(outcome.dropped > 0, "nothing was dropped");

    let asked = lab.simulation.asked("civil-affairs");
    let mut more = lab.question("M1");
    more.disclose = vec!["spouse_name".to_owned(), "certificate_number".to_owned()];
    let denied = refused(&client, more).await;
    assert_eq!(
        (denied.code, denied.reason.as_str()),
        (tonic::Code::PermissionDenied, "DISCLOSURE_NOT_GRANTED")
    );
    assert_eq!(lab.simulation.asked("civil-affairs"), asked);
    let entries = lab.entries();
    assert_eq!(denial(&entries, denied.log_index.unwrap()).code, "DISCLOSURE_NOT_GRANTED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_proves_its_entry_with_the_logs_key_alone() {
    let lab = Lab::start(&["civil-affairs"]).await;
    let mut question = lab.question("M1");
    question.disclose = vec!["spouse_name".to_owned()];
    question.want_receipt = true;
    let client: Client = lab.client().await;
    let reply = ask(&client, question.clone()).await;

    let given = reply.receipt.as_ref().unwrap();
    let key = Description::read(&lab.path("log")).unwrap().unwrap().key().unwrap();
    let receipt = Receipt::parse(&given.proof).unwrap();
    assert_eq!((receipt.index, given.index), (reply.log_index, reply.log_index));
    assert_eq!(receipt.extra.as_deref(), Some(given.entry.as_slice()));
    assert_eq!(receipt.verify(&given.entry, &key).unwrap().size, reply.log_index + 1);
    let mut other = given.entry.clone();
    other[10] ^= 1;
    assert!(receipt.verify(&other, &key).is_err());

    let entry = decode(&given.entry).unwrap();
    assert_eq!(entry, lab.entries()[usize::try_from(reply.log_index).unwrap()]);
    let heyan::audit::entry::Kind::Outcome(outcome) = &entry.kind else { panic!("no outcome") };
    let commitments = &outcome.commitments;
    let opens = |field: Field, commitment: Option<Digest>| {
        let opening = given.openings.iter().find(|opening| opening.field == field.name()).unwrap();
        let key = Opening(opening.opening.as_slice().try_into().unwrap());
        assert!(commitment::check(&commitment.unwrap(), field, &opening.value, &key), "{field:?}");
        opening.value.clone()
    };
    let subject = String::from_utf8(opens(Field::Subject, commitments.subject)).unwrap();
    let operator = String::from_utf8(opens(Field::Operator, commitments.operator)).unwrap();
    let request = opens(Field::Request, commitments.request);
    let answer = String::from_utf8(opens(Field::Answer, commitments.answer)).unwrap();
    let husband = lab.simulation.province().person(samples::HUSBAND).unwrap().number();
    assert!(subject.contains(&husband));
    assert!(operator.contains(crate::support::OPERATOR) && operator.contains("hall-1"));
    assert_eq!(request, heyan::wire::request_text(&question));
    assert!(answer.contains(&lab.simulation.province().name(WIFE)));
    assert!(answer.contains("\"verdict\":\"CONFIRMED\""), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn assertions_are_judged_one_by_one() {
    let lab = Lab::start(&["social-security"]).await;
    let mut question = lab.question("S2");
    let six = |comparison: wire::Comparison| wire::Assertion {
        attribute: "months_last_12".to_owned(),
        comparison: comparison.into(),
        values: vec![wire::Value { kind: Some(wire::value::Kind::Integer(6)) }],
    };
    let (at_least, less) = (wire::Comparison::GreaterOrEqual, wire::Comparison::Less);
    question.assertions = vec![six(at_least), six(less)];
    let reply = ask(&lab.client().await, question).await;
    let judged: Vec<_> = reply.judgements.iter().map(wire::Judgement::verdict).collect();
    assert_eq!(judged, [wire::Verdict::Confirmed, wire::Verdict::Refuted]);
    assert_eq!(reply.verdict(), wire::Verdict::Refuted);
    assert!(reply.disclosed.is_empty(), "an assertion shows no value");
    let entries = lab.entries();
    let outcome = outcome(&entries, reply.log_index);
    assert_eq!(outcome.verdict, Verdict::Refuted);
    assert_eq!(outcome.facts.assertions.len(), 2);
}
