//! What is under way while what is in force changes: it ends as it began, and nothing of it is used afterwards.

use std::time::Duration;

use heyan::agreements::document::Signer;
use heyan::agreements::order::{self, Act, Order, Version};
use heyan::audit::entry::{AdapterEvent, Kind};
use heyan::clock::now;
use heyan::crypto::SigningKey;
use heyan::proto::gateway::v1 as wire;
use heyan::replay::replay;
use wire::source::Kind::{Agency, Cache};

use crate::support::draft::Draft;
use crate::support::entries::intents;
use crate::support::{Lab, ask, until};

const CIVIL: &str = "civil-affairs";

/// One fact of civil affairs, kept for a day.
async fn lab() -> Lab {
    let mut lab = Lab::prepare(&[]).await;
    let fact = lab.catalogue.fact(&"M2".into()).unwrap();
    let names: Vec<&str> = fact.attributes.iter().map(|known| known.name.as_str()).collect();
    let keep = "cache = { found = \"1d\", not_found = \"1h\" }";
    Draft::new("trial", CIVIL).clause(fact, &lab.catalogue, &names, &[], keep).place(&lab);
    lab.serve().await;
    lab
}

async fn order(lab: &Lab, id: &str, act: &Act) {
    let order = Order::new(id, &CIVIL.into(), now(), "an incident", act);
    let key = SigningKey::read(&lab.path(format!("pki/{CIVIL}/signing.key"))).unwrap();
    let document = order::sign(&order, Signer { kid: "civil-affairs-1", key: &key }).unwrap();
    std::fs::write(lab.path(format!("orders/{id}.order.json")), document).unwrap();
    let reloaded = lab.node().gateway().reload(now).await;
    assert_eq!((reloaded.changes.len(), reloaded.findings.len()), (1, 0), "{reloaded:?}");
}

fn replays_clean(lab: &Lab) {
    let stored = lab.node().gateway().audit().entries(0, usize::MAX).unwrap();
    assert_eq!(replay((0..).zip(stored), None).findings, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_under_way_outlives_no_order() {
    let lab = lab().await;
    let client = lab.client().await;
    let faults = lab.simulation.faults(CIVIL);
    faults.set_delay(Duration::from_secs(2), Duration::ZERO);
    let question = lab.question("M2");
    let (first, ()) = tokio::join!(ask(&client, question.clone()), async {
        let is_asked = || !intents(&lab.entries()).is_empty();
        until("the agency is asked", is_asked).await;
        let trial = || Version { agreement: "trial".to_owned(), version: 1 };
        order(&lab, "stop", &Act::Suspend(trial())).await;
        order(&lab, "resume", &Act::Resume(trial())).await;
    });
    faults.clear();
    assert_eq!(first.source.unwrap().kind(), Agency);

    // Neither the record nor the reply is used again.
    let fresh = ask(&client, lab.question("M2")).await;
    assert_eq!(fresh.source.unwrap().kind(), Agency);
    let retried = ask(&client, question.clone()).await;
    assert_ne!(retried.log_index, first.log_index);
    // What was decided since is.
    assert_eq!(retried.source.unwrap().kind(), Cache);
    assert_eq!(ask(&client, question).await.log_index, retried.log_index);
    replays_clean(&lab);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adapter_taken_away_is_an_entry_and_answers_no_more() {
    let lab = lab().await;
    let client = lab.client().await;
    assert_eq!(ask(&client, lab.question("M2")).await.source.unwrap().kind(), Agency);
    std::fs::remove_file(lab.path("adapters/civil-affairs.toml")).unwrap();
    let reloaded = lab.node().gateway().reload(now).await;
    assert_eq!(reloaded.changes, ["adapter `civil-affairs` removed"]);
    let entries = lab.entries();
    let removed = Kind::Adapter(AdapterEvent::Removed { name: CIVIL.to_owned() });
    assert_eq!(entries.last().unwrap().kind, removed);

    let reply = ask(&client, lab.question("M2")).await;
    assert_eq!(reply.unavailability.unwrap().reason, "no_adapter");
    // It was said once.
    assert!(lab.node().gateway().reload(now).await.changes.is_empty());
    replays_clean(&lab);
}
