//! An agency that takes disputes by a call has each of them once, and its number of it is known.

use std::fs;

use heyan::audit::entry::{DisputeStep, Kind, Way};
use serde_json::json;

use super::{
    CIVIL, SERVICE, WORDS, becomes, contest, papers, prepared, replayed, shown, steps, wronged,
};
use crate::support::{Lab, OPERATOR, until};

/// Civil affairs takes disputes at the platform's service of that number.
pub(super) fn by_call(lab: &Lab, service: &str) {
    let file = lab.path("adapters/civil-affairs.toml");
    let manifest = fs::read_to_string(&file).unwrap();
    let manifest = manifest.replacen("\nM5 = ", &format!("\ndispute = \"{service}\"\nM5 = "), 1);
    let call = "\n[dispute]\naccepted = 'resp.body.code == 0'\nticket = 'resp.body.data.number'\n\
                [dispute.request]\npath = \"/gateway/dispute\"\njson = 'dispute'\n";
    fs::write(&file, manifest + call).unwrap();
}

/// How each delivery was tried, and what came of it.
fn deliveries(lab: &Lab) -> Vec<(Way, Result<String, String>)> {
    let entries = lab.entries().into_iter().filter_map(|entry| match entry.kind {
        Kind::Dispute(dispute) => Some(dispute.step),
        _ => None,
    });
    let deliveries = entries.filter_map(|step| match step {
        DisputeStep::Delivery(delivery) => Some((delivery.way, delivery.result)),
        _ => None,
    });
    deliveries.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_is_brought_and_has_the_agencys_number() {
    let mut lab = prepared(false).await;
    by_call(&lab, SERVICE);
    let (client, question, first) = wronged(&mut lab).await;
    let id = client.contest(contest(&question, first.log_index)).await.unwrap().dispute_id;
    let delivered = becomes(&client, &id, "DELIVERED").await;
    assert_eq!(delivered.ticket, "MZ-JB-000001");

    let taken = lab.simulation.disputes(CIVIL);
    assert_eq!(taken.len(), 1, "{taken:?}");
    let number = &question.subjects[0].kind;
    let Some(heyan::proto::gateway::v1::subject::Kind::Person(person)) = number else {
        panic!("no person")
    };
    let paper = &taken[0];
    assert_eq!((&paper["dispute"], &paper["fact"]), (&json!(id), &json!("M1")));
    assert_eq!(paper["subjects"][0]["person"]["document_number"], person.document_number.as_str());
    assert_eq!((&paper["ground"], &paper["text"]), (&json!("wrong_value"), &json!(WORDS)));
    assert_eq!(paper["evidence"][0]["sha256"], "ab".repeat(32));
    assert_eq!(paper["answer_by"], delivered.due.as_str());
    assert!(!paper.to_string().contains(OPERATOR), "the agency needs no name of an official");

    assert_eq!(deliveries(&lab), [(Way::Call, Ok("MZ-JB-000001".to_owned()))]);
    assert_eq!(papers(&lab).len(), 0);
    assert_eq!(replayed(&lab.entries()), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agency_that_is_down_is_brought_it_once_when_it_is_back() {
    let mut lab = prepared(false).await;
    by_call(&lab, SERVICE);
    let (client, question, first) = wronged(&mut lab).await;
    lab.simulation.faults(CIVIL).set_outage(true);
    let id = client.contest(contest(&question, first.log_index)).await.unwrap().dispute_id;
    until("the failed call is recorded", || !deliveries(&lab).is_empty()).await;
    let waiting = shown(&client, &id).await;
    assert_eq!(waiting.state, "WAITING");
    assert!(waiting.failure.starts_with("call_"), "{waiting:?}");
    lab.close().await;

    // What is still to be brought is in the log.
    lab.serve().await;
    let client = lab.client().await;
    assert_eq!(shown(&client, &id).await.state, "WAITING");
    lab.simulation.faults(CIVIL).set_outage(false);
    assert_eq!(becomes(&client, &id, "DELIVERED").await.ticket, "MZ-JB-000001");
    assert_eq!(lab.simulation.disputes(CIVIL).len(), 1);
    let entries = lab.entries();
    let delivered = steps(&entries).into_iter().filter(|step| *step == "delivered");
    assert_eq!(delivered.count(), 1);
    assert_eq!(replayed(&entries), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_agency_refuses_is_not_delivered() {
    let mut lab = prepared(false).await;
    by_call(&lab, "s_X01201000200000000_0000");
    let (client, question, first) = wronged(&mut lab).await;
    let id = client.contest(contest(&question, first.log_index)).await.unwrap().dispute_id;
    until("the refusal is recorded", || !deliveries(&lab).is_empty()).await;
    let waiting = shown(&client, &id).await;
    assert_eq!((waiting.state.as_str(), waiting.failure.as_str()), ("WAITING", "call_refused"));
    assert_eq!(lab.simulation.disputes(CIVIL).len(), 0);
    assert_eq!(deliveries(&lab), [(Way::Call, Err("call_refused".to_owned()))]);
}
