//! Readiness says what the gateway then does: over sockets, from the folders, and question by question.

use std::collections::BTreeMap;
use std::process::Command;

use heyan::client::ClientError;
use heyan::proto::gateway::v1 as wire;
use serde_json::Value as Json;

use crate::support::{ALL, Lab, PATIENCE};

/// One question for each fact of each item, and the code of what is missing; empty when it is covered.
fn asked(told: &wire::GetReadinessResponse) -> BTreeMap<(String, String), String> {
    let mut asked = BTreeMap::new();
    for item in &told.items {
        for question in &item.questions {
            let of = (question.fact.clone(), item.item.clone());
            let known = asked.entry(of).or_insert_with(|| question.missing.clone());
            assert_eq!(*known, question.missing, "{} {}", item.item, question.name);
        }
    }
    asked
}

/// Puts the sample question of each, and holds the gateway against what readiness said.
async fn hold(lab: &Lab, told: &wire::GetReadinessResponse) -> [usize; 2] {
    let client = lab.client().await;
    let mut counted = [0; 2];
    for ((fact, item), missing) in asked(told) {
        let mut question = lab.request(&fact, &item);
        let known = lab.catalogue.fact(&fact.as_str().into()).unwrap();
        if known.confirms.is_none() {
            question.disclose = vec![known.attributes[0].name.clone()];
        }
        match (client.verify(question, PATIENCE).await, missing.as_str()) {
            (Ok(_), "") => counted[0] += 1,
            (Err(ClientError::Refused(refused)), code) if refused.reason == code => counted[1] += 1,
            (Ok(_), code) => panic!("{fact} for {item}: permitted, though {code}"),
            (Err(error), code) => panic!("{fact} for {item}: {error}, though `{code}`"),
        }
    }
    counted
}

/// `heyan readiness` with these words: exit code and standard output.
fn run(lab: &Lab, words: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_heyan"))
        .arg("readiness")
        .args(words)
        .current_dir(lab.path(""))
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap() + &error)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_covered_is_permitted_and_what_is_not_is_denied_with_that_code() {
    let lab = Lab::start(&["police", "civil-affairs"]).await;
    let size = lab.size();
    let told = lab.client().await.readiness(wire::GetReadinessRequest::default()).await.unwrap();
    assert_eq!(lab.size(), size, "nobody was asked about, and nothing recorded");
    assert_eq!((told.organisation.as_str(), told.system.as_str()), ("fund-centre", "approval"));
    assert_eq!(told.items.len(), 21);
    let serving = told.items.iter().flat_map(|item| &item.questions);
    assert!(serving.into_iter().all(|question| question.health == "serving"));
    let [permitted, denied] = hold(&lab, &told).await;
    assert!(permitted > 20 && denied > 20, "{permitted} permitted, {denied} denied");
    // A system that the register does not have would be denied everything.
    let other = wire::GetReadinessRequest { system: "nobody".to_owned(), ..Default::default() };
    let other = lab.client().await.readiness(other).await.unwrap();
    let codes: Vec<String> = asked(&other).into_values().collect();
    assert!(codes.iter().all(|code| code == "UNKNOWN_SYSTEM"), "{codes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_and_gateway_say_the_same() {
    let lab = Lab::start(&ALL).await;
    let told = lab.client().await.readiness(wire::GetReadinessRequest::default()).await.unwrap();
    assert!(asked(&told).values().all(String::is_empty));

    let (code, offline) =
        run(&lab, &["--config", "gateway.toml", "--html", "ready.html", "--json"]);
    assert_eq!(code, 0, "{offline}");
    let offline: Json = serde_json::from_str(&offline).unwrap();
    let endpoint = lab.endpoint();
    let online = [
        "--gateway",
        &endpoint,
        "--identity",
        "pki/fund-centre/approval",
        "--authority",
        "pki/fund-centre/ca.pem",
        "--timeout",
        "30s",
    ];
    let (code, live) = run(&lab, &[&online[..], &["--json"]].concat());
    assert_eq!(code, 0, "{live}");
    let mut live: Json = serde_json::from_str(&live).unwrap();
    // The moment differs; from the folders nobody knows how the agencies do.
    live["at"] = offline["at"].clone();
    for item in live["items"].as_array_mut().unwrap() {
        for question in item["questions"].as_array_mut().unwrap() {
            let health = &mut question["adapter"]["health"];
            assert_eq!(*health, "serving");
            *health = "untried".into();
        }
    }
    assert_eq!(live, offline);
    assert_eq!(offline["explanation"][0]["en"].as_str().unwrap().split(' ').nth(2), Some("21"));

    let page = std::fs::read_to_string(lab.path("ready.html")).unwrap();
    assert!(page.contains("<svg") && !page.contains("<script"), "{page}");
    let (code, table) = run(&lab, &online);
    assert!(code == 0 && table.contains("ITEM") && !table.contains('\u{1b}'), "{table}");
    let (code, detail) = run(&lab, &["--config", "gateway.toml", "--item", "W3"]);
    assert!(code == 0 && detail.contains("hn-gjj-zj-2026-001 version 1 clause 3"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_two_agreements_of_2018_leave_items_wanting_and_say_so() {
    let lab = Lab::prepare(&["police", "civil-affairs"]).await;
    let (code, table) = run(&lab, &["--config", "gateway.toml"]);
    assert_eq!(code, 1, "{table}");
    assert!(table.contains("Today 9 items are done online"), "{table}");
    assert!(table.contains("One more agreement, with housing"), "{table}");
    let (code, table) = run(&lab, &["--config", "gateway.toml", "--as", "fund-centre"]);
    assert!(code == 2 && table.contains("ORGANISATION/SYSTEM"), "{table}");
}
