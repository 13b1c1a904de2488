//! Limits and maintenance of an agency, as callers and the log see them.

use std::fs;
use std::time::{Duration, Instant};

use heyan::client::Client;
use heyan::clock::now;
use heyan::proto::gateway::v1 as wire;
use heyan::query::value::Verdict;
use heyan::replay::replay;
use wire::source::Kind::{Agency, Cache};

use crate::support::entries::{intents, outcome};
use crate::support::{Lab, PATIENCE, ask};

const POLICE: &str = "police";

/// Puts something in the place of a part of the manifest as it was installed, and reloads it.
async fn change(lab: &Lab, installed: &str, from: &str, to: &str) {
    assert!(installed.contains(from), "{installed}");
    fs::write(lab.path("adapters/police.toml"), installed.replacen(from, to, 1)).unwrap();
    let reloaded = lab.node().gateway().reload_adapter(POLICE, now).await;
    assert!(reloaded.findings.is_empty(), "{:?}", reloaded.findings);
}

fn installed(lab: &Lab) -> String {
    fs::read_to_string(lab.path("adapters/police.toml")).unwrap()
}

fn reason(reply: &wire::VerifyResponse) -> &str {
    reply.unavailability.as_ref().map(|why| why.reason.as_str()).unwrap_or_default()
}

/// An answer that was kept before a window began, and the moment the window ends.
async fn kept_before_a_window(lab: &Lab, client: &Client) -> (wire::VerifyResponse, u64) {
    let manifest = installed(lab);
    let began = Instant::now();
    // On a slow machine the window may begin before the answer is there: then another, later one.
    for lead in [3, 6, 12, 24] {
        assert!(began.elapsed() < 2 * PATIENCE);
        let from = now().plus(Duration::from_secs(lead)).0 / 1_000_000;
        let to = from + 86_400;
        let said = |second: u64| {
            jiff::Timestamp::from_second(i64::try_from(second).unwrap()).unwrap().to_string()
        };
        let window =
            format!("[[maintenance]]\nfrom = {:?}\nto = {:?}\n[[operation]]", said(from), said(to));
        change(lab, &manifest, "[[operation]]", &window).await;
        let reply = ask(client, lab.question("P1")).await;
        if reply.unavailability.is_none() {
            while now().0 / 1_000_000 <= from {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            return (reply, to);
        }
        assert_eq!(reason(&reply), "maintenance");
    }
    panic!("no answer came before the window began");
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_answers_are_served_while_the_agency_is_in_maintenance() {
    let lab = Lab::start(&[POLICE]).await;
    let client = lab.client().await;
    let (first, ends) = kept_before_a_window(&lab, &client).await;
    assert_eq!((first.verdict(), first.source.unwrap().kind()), (wire::Verdict::Confirmed, Agency));
    let asked = intents(&lab.entries()).len();

    let kept = ask(&client, lab.question("P1")).await;
    assert_eq!(kept.verdict(), wire::Verdict::Confirmed, "{:?}", kept.unavailability);
    let source = kept.source.unwrap();
    assert_eq!((source.kind(), kept.as_of), (Cache, first.as_of));
    let recorded = lab.entries();
    assert_eq!(outcome(&recorded, kept.log_index).verdict, Verdict::Confirmed);
    assert!(intents(&recorded).iter().any(|(index, _)| *index == source.original_index));

    let other = ask(&client, lab.question("P2")).await;
    assert_eq!((other.verdict(), reason(&other)), (wire::Verdict::Unavailable, "maintenance"));
    let wait = other.unavailability.unwrap().retry_after.unwrap();
    let until = now().0 / 1_000_000 + u64::try_from(wait.seconds).unwrap();
    assert!(until >= ends - 1 && until <= ends + PATIENCE.as_secs(), "{until} and {ends}");
    let recorded = lab.entries();
    assert_eq!(outcome(&recorded, other.log_index).unavailable.unwrap().code(), "maintenance");
    assert_eq!(intents(&recorded).len(), asked, "nobody meant to ask");
    let stored = lab.node().gateway().audit().entries(0, usize::MAX).unwrap();
    assert_eq!(replay((0..).zip(stored), None).findings, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_question_too_many_is_no_answer_and_recorded_as_such() {
    let lab = Lab::start(&[POLICE]).await;
    let client = lab.client().await;
    change(&lab, &installed(&lab), "max_in_flight   = 16", "max_in_flight = 1").await;
    lab.simulation.faults(POLICE).set_delay(Duration::from_millis(2_500), Duration::ZERO);
    let (one, two) =
        tokio::join!(ask(&client, lab.question("P1")), ask(&client, lab.question("P2")),);
    let (answered, refused) = if reason(&one).is_empty() { (one, two) } else { (two, one) };
    assert_eq!((reason(&answered), reason(&refused)), ("", "overloaded"));
    assert_eq!(refused.verdict(), wire::Verdict::Unavailable);
    let recorded = lab.entries();
    assert_eq!(outcome(&recorded, refused.log_index).unavailable.unwrap().code(), "overloaded");
    // The place is free again.
    assert_eq!(reason(&ask(&client, lab.question("P1")).await), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agency_is_asked_no_faster_than_its_rate() {
    let lab = Lab::start(&[POLICE]).await;
    let client = lab.client().await;
    change(&lab, &installed(&lab), "rate_per_second = 20 ", "rate_per_second = 1 ").await;
    let began = Instant::now();
    let facts = ["P1", "P2", "P4"].map(|fact| ask(&client, lab.question(fact)));
    for reply in futures_util::future::join_all(facts).await {
        assert_eq!(reason(&reply), "");
    }
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(1_990), "three in {took:?}");
}
