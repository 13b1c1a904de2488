//! Agencies in trouble: down, slow, or answering nonsense. None of it is ever a "no".

use std::time::Duration;

use heyan::proto::gateway::v1 as wire;
use heyan::query::value::Verdict;
use heyan::simulate::faults::Nonsense;
use tokio::task::JoinSet;

use crate::support::draft::Draft;
use crate::support::entries::outcome;
use crate::support::{ALL, Lab, PATIENCE, ask, until};

/// One fact of each agency whose record names the subject, in the order of [`ALL`].
const TOUR: [&str; 6] = ["P1", "M1", "S1", "H2", "T1", "E1"];

/// Holds the reply and its entry against "no answer, for this reason".
fn unavailable(lab: &Lab, what: &str, reply: &wire::VerifyResponse, reasons: &[&str]) {
    assert_eq!(reply.verdict(), wire::Verdict::Unavailable, "{what}");
    for judgement in &reply.judgements {
        assert_eq!(judgement.verdict(), wire::Verdict::Unavailable, "{what}");
    }
    let reason = reply.unavailability.as_ref().unwrap().reason.as_str();
    assert!(reasons.contains(&reason), "{what}: {reason} is none of {reasons:?}");
    assert!(reply.disclosed.is_empty() && reply.as_of.is_none(), "{what}");
    let entries = lab.entries();
    let outcome = outcome(&entries, reply.log_index);
    assert_eq!(outcome.verdict, Verdict::Unavailable, "{what}");
    assert_eq!(outcome.unavailable.unwrap().code(), reason, "{what}");
    assert!(outcome.as_of.is_none() && outcome.disclosed.is_empty(), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agency_that_is_down_gives_no_answer_and_no_no() {
    let lab = Lab::start(&ALL).await;
    let client = lab.client().await;
    for (agency, fact) in ALL.into_iter().zip(TOUR) {
        lab.simulation.faults(agency).set_outage(true);
        let reply = ask(&client, lab.question(fact)).await;
        unavailable(&lab, agency, &reply, &["unreachable", "refused"]);
        lab.simulation.faults(agency).clear();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agency_that_comes_back_is_asked_again() {
    let lab = Lab::start(&["police"]).await;
    let client = lab.client().await;
    let question = lab.question("P1");
    lab.simulation.faults("police").set_outage(true);
    let down = ask(&client, question.clone()).await;
    unavailable(&lab, "outage", &down, &["unreachable", "refused"]);
    lab.simulation.faults("police").set_outage(false);
    // The same request id, and a clause with cache terms: a non-answer is kept by neither window nor cache.
    let up = ask(&client, question).await;
    assert_eq!(up.verdict(), wire::Verdict::Confirmed, "{:?}", up.unavailability);
    assert!(up.log_index > down.log_index);
    assert_eq!(outcome(&lab.entries(), up.log_index).verdict, Verdict::Confirmed);
}

#[tokio::test(flavor = "multi_thread")]
async fn server_errors_are_no_answers() {
    let lab = Lab::start(&ALL).await;
    let client = lab.client().await;
    for (agency, fact) in ALL.into_iter().zip(TOUR) {
        lab.simulation.faults(agency).set_error_rate(1000);
        let reply = ask(&client, lab.question(fact)).await;
        let reasons = ["refused", "unreachable", "contract_error"];
        unavailable(&lab, agency, &reply, &reasons);
        lab.simulation.faults(agency).clear();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_with_status_200_breaks_the_contract_and_is_never_a_no() {
    let kinds =
        [Nonsense::Html, Nonsense::Truncated, Nonsense::WrongPerson, Nonsense::MissingFields];
    for kind in kinds {
        // A fresh installation for each kind: an agency that broke its contract often is not asked for a while.
        let lab = Lab::start(&ALL).await;
        let client = lab.client().await;
        for (agency, fact) in ALL.into_iter().zip(TOUR) {
            lab.simulation.faults(agency).set_nonsense(kind);
            let reply = ask(&client, lab.question(fact)).await;
            let what = format!("{agency} {fact} {kind:?}");
            // PostgreSQL's wire has no pages of HTML and no halves: there the database breaks off.
            let breaks_off =
                agency == "social-security" && matches!(kind, Nonsense::Html | Nonsense::Truncated);
            let reason = if breaks_off { "refused" } else { "contract_error" };
            unavailable(&lab, &what, &reply, &[reason]);
            // Where the login itself is nonsense, the question is never put.
            let asked = lab.simulation.asked(agency) > 0;
            assert!(asked || kind == Nonsense::Html, "{what}: not asked");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_slow_agency_does_not_hold_up_another() {
    let lab = Lab::start(&["police", "civil-affairs"]).await;
    lab.simulation.faults("police").set_delay(PATIENCE, Duration::ZERO);
    let client = lab.client().await;
    let mut slow = JoinSet::new();
    for _ in 0..60 {
        let (client, question) = (client.clone(), lab.question("P2"));
        slow.spawn(async move { client.verify(question, Duration::from_secs(4)).await });
    }
    until("the police are asked", || lab.simulation.asked("police") > 0).await;

    // Questions to the others overtake every one of them.
    let mut waited_for = Vec::new();
    while let Some(done) = slow.try_join_next() {
        waited_for.push(done.unwrap());
    }
    let overloaded = waited_for.len();
    for _ in 0..10 {
        let reply = ask(&client, lab.question("M2")).await;
        assert_eq!(reply.verdict(), wire::Verdict::Confirmed);
    }
    while let Some(done) = slow.try_join_next() {
        waited_for.push(done.unwrap());
    }
    assert!(waited_for.len() < 60, "all slow questions were done first: {overloaded} at once");
    waited_for.extend(slow.join_all().await);
    for reply in waited_for.iter().flatten() {
        let reasons = ["timeout", "deadline", "overloaded", "breaker_open"];
        unavailable(&lab, "slow", reply, &reasons);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_agency_is_waited_for_within_the_callers_deadline_only() {
    let lab = Lab::start(&["police"]).await;
    lab.simulation.faults("police").set_delay(PATIENCE, Duration::ZERO);
    let client = lab.client().await;
    let began = std::time::Instant::now();
    let reply = client.verify(lab.question("P2"), Duration::from_secs(1)).await.unwrap();
    assert!(began.elapsed() < PATIENCE, "it waited for the agency");
    unavailable(&lab, "slow", &reply, &["timeout", "deadline"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_who_try_again_while_a_session_cannot_be_had_do_not_open_the_breaker() {
    let lab = Lab::start(&["civil-affairs"]).await;
    let client = lab.client().await;
    lab.simulation.faults("civil-affairs").set_outage(true);
    for _ in 0..8 {
        let reply = ask(&client, lab.question("M2")).await;
        // After the first, the agency is left alone for a second: that says nothing new about it.
        unavailable(&lab, "outage", &reply, &["unreachable", "refused"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_answer_stands_in_for_an_agency_that_is_down_only_where_signed_and_says_so() {
    let mut lab = Lab::prepare(&[]).await;
    let granted = |stale: &str, fact: &str, agency: &str| {
        let fact = lab.catalogue.fact(&fact.into()).unwrap();
        let keep = format!("cache = {{ found = \"1ms\", not_found = \"1ms\"{stale} }}");
        let assert = fact.confirms.as_ref().unwrap().attribute.clone();
        Draft::new(&format!("with-{agency}"), agency)
            .clause(fact, &lab.catalogue, &[assert.as_str()], &[], &keep)
            .place(&lab);
    };
    granted(", stale = \"1h\"", "M2", "civil-affairs");
    granted("", "P1", "police");
    lab.serve().await;
    let client = lab.client().await;
    let first = ask(&client, lab.question("M2")).await;
    ask(&client, lab.question("P1")).await;
    for agency in ["civil-affairs", "police"] {
        lab.simulation.faults(agency).set_outage(true);
    }

    let stale = ask(&client, lab.question("M2")).await;
    assert_eq!(stale.verdict(), wire::Verdict::Stale);
    assert_eq!(stale.as_of, first.as_of);
    assert_eq!(stale.source.unwrap().kind(), wire::source::Kind::Cache);
    let entries = lab.entries();
    let recorded = outcome(&entries, stale.log_index);
    assert_eq!((recorded.verdict, recorded.intent), (Verdict::Stale, Some(first.log_index - 1)));
    assert_eq!(recorded.source, heyan::audit::entry::Source::Cache);

    let reply = ask(&client, lab.question("P1")).await;
    unavailable(&lab, "not signed", &reply, &["unreachable", "refused"]);
}
