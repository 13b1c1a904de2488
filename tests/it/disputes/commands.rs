//! `heyan dispute` as a person types it.

use std::process::{Output, Stdio};

use heyan::client::Client;
use heyan::simulate::samples;
use serde_json::{Value as Json, json};
use tokio::process::Command;

use super::{CIVIL, becomes, found, hold_wrongly, make_queue, prepared};
use crate::support::{Lab, OPERATOR, PATIENCE};

async fn run(lab: &Lab, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heyan"));
    command.args(arguments).args(["--gateway", &lab.endpoint()]);
    command.arg("--identity").arg(lab.path("pki/fund-centre/approval"));
    command.arg("--authority").arg(lab.path("pki/fund-centre/ca.pem"));
    command.stdin(Stdio::null()).kill_on_drop(true);
    tokio::time::timeout(4 * PATIENCE, command.output()).await.expect("it did not end").unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Runs it, and reads what it prints.
async fn printed(lab: &Lab, code: i32, arguments: &[&str]) -> Json {
    let output = run(lab, &[arguments, &["--json"]].concat()).await;
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", told(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn open_list_show_and_ask_again_as_they_are_typed() {
    let mut lab = prepared(true).await;
    make_queue(&lab);
    hold_wrongly(&lab);
    lab.serve().await;
    let province = lab.simulation.province();
    let number = province.person(samples::HUSBAND).unwrap().number();
    let person = format!("{}/{number}", province.name(samples::HUSBAND));
    let purpose = lab.question("M1").purpose.unwrap();
    let item = format!("{}@{}", purpose.item, purpose.item_version);
    let (request, operator) = (Client::request_id(), format!("{OPERATOR}/hall-1"));
    let question = [
        ["--request-id", &request],
        ["--person", &person],
        ["--item", &item],
        ["--case", "GJJ-2026-000123"],
        ["--operator", &operator],
    ]
    .concat();
    let receipt = lab.beside("receipt.json").display().to_string();
    let asked = [&["query", "M1"], &question[..], &["--receipt", &receipt]].concat();
    let answer = printed(&lab, 1, &asked).await;
    let entry = answer["log_index"].to_string();

    let scan = lab.beside("certificate.pdf");
    std::fs::write(&scan, "a scan").unwrap();
    let evidence = format!("{}=civil affairs, Yuelu", scan.display());
    let why = ["--ground", "wrong-value", "--text", "see the paper", "--evidence", &evidence];
    let open = |entry: &str, more: &[&str]| {
        let words = [&["dispute", "open", "M1", "--entry", entry], &question[..], &why, more];
        words.concat().into_iter().map(str::to_owned).collect::<Vec<String>>()
    };
    let words = open("0", &[]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let refused = run(&lab, &words).await;
    assert_eq!(refused.status.code(), Some(2), "{}", told(&refused));
    assert!(!told(&refused).contains(&number), "{}", told(&refused));
    let words = open(&entry, &["--receipt", &receipt]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let opened = printed(&lab, 0, &words).await;
    assert_eq!((&opened["agency"], &opened["shown"]), (&json!(CIVIL), &json!(true)));
    assert_eq!(opened["contested"].to_string(), entry);
    let id = opened["dispute_id"].as_str().unwrap().to_owned();
    becomes(&lab.client().await, &id, "DELIVERED").await;

    let listed = printed(&lab, 0, &["dispute", "list"]).await;
    assert_eq!(listed[0]["dispute_id"], opened["dispute_id"]);
    assert_eq!(printed(&lab, 0, &["dispute", "list", "--overdue"]).await, json!([]));
    let table = told(&run(&lab, &["dispute", "list"]).await);
    assert!(table.contains("DELIVERED") && table.contains(&id), "{table}");
    let none = run(&lab, &["dispute", "show", &Client::request_id()]).await;
    assert!(!none.status.success() && told(&none).contains("no dispute"), "{}", told(&none));

    lab.simulation.faults(CIVIL).set_erratum(None);
    super::answer(&lab, "a.json", &found(&id, "corrected"));
    becomes(&lab.client().await, &id, "ANSWERED").await;
    let shown = told(&run(&lab, &["dispute", "show", &id]).await);
    for part in ["ANSWERED", "corrected, 2026-11-23", "登记信息已更正", "wrong_value"] {
        assert!(shown.contains(part), "`{part}` is missing in: {shown}");
    }
    let again = run(&lab, &["dispute", "ask-again", &id]).await;
    assert_eq!(again.status.code(), Some(0), "{}", told(&again));
    assert!(told(&again).starts_with("CONFIRMED   (was REFUTED; entry "), "{}", told(&again));
    let shown = printed(&lab, 0, &["dispute", "show", &id]).await;
    assert_eq!(shown["asked_again"]["verdict"], "CONFIRMED");
}
