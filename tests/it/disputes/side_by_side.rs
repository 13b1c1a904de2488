//! An agency that says nothing keeps no other from its disputes, and the gateway from nothing.

use std::fs;
use std::time::Duration;

use heyan::audit::entry::{DisputeStep, Kind};

use super::brought::by_call;
use super::{CIVIL, SERVICE, becomes, contest, prepared, wronged};
use crate::support::{Lab, ask, until};

/// Each delivery in the log: to whom, and whether it came.
fn deliveries(lab: &Lab) -> Vec<(String, bool)> {
    let mut agencies = std::collections::BTreeMap::new();
    let mut told = Vec::new();
    for entry in lab.entries() {
        let Kind::Dispute(dispute) = entry.kind else { continue };
        match dispute.step {
            DisputeStep::Opened(opened) => {
                agencies.insert(dispute.id, opened.provider);
            }
            DisputeStep::Delivery(delivery) => {
                told.push((agencies[&dispute.id].clone(), delivery.result.is_ok()));
            }
            _ => {}
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_agency_holds_up_only_itself() {
    let mut lab = prepared(false).await;
    lab.world.sign("police").unwrap();
    by_call(&lab, SERVICE);
    // As long as a call may take: whoever waits for it waits longer than this test has patience.
    let file = lab.path("adapters/civil-affairs.toml");
    let manifest = fs::read_to_string(&file).unwrap();
    fs::write(&file, manifest.replacen("timeout = \"8s\"", "timeout = \"60s\"", 1)).unwrap();
    let file = lab.path("adapters/police.toml");
    let manifest = fs::read_to_string(&file).unwrap();
    fs::write(&file, manifest + "\n[dispute]\nfolder = \"../queues/police\"\n").unwrap();
    fs::create_dir_all(lab.path("queues/police")).unwrap();

    let (client, question, first) = wronged(&mut lab).await;
    let asked = lab.question("P1");
    let answer = ask(&client, asked.clone()).await;
    lab.simulation.faults(CIVIL).set_delay(Duration::from_secs(3600), Duration::ZERO);
    let before = lab.simulation.asked(CIVIL);
    client.contest(contest(&question, first.log_index)).await.unwrap();
    until("the silent agency is called", || lab.simulation.asked(CIVIL) > before).await;

    let id = client.contest(contest(&asked, answer.log_index)).await.unwrap().dispute_id;
    becomes(&client, &id, "DELIVERED").await;
    assert_eq!(deliveries(&lab), [("police".to_owned(), true)]);
    // It stops without waiting for the call.
    lab.close().await;
}
