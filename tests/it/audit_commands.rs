//! The auditors' commands on a gateway's log, some while it is running: counts are what was asked.

use std::fs;
use std::path::Path;

use heyan::proto::gateway::v1 as wire;
use heyan::simulate::samples;
use serde_json::Value;

use crate::log::mixed_load;
use crate::support::{ALL, Lab, ask};

async fn audit(words: &[&str]) -> (i32, String) {
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_heyan"))
        .arg("audit")
        .args(words)
        .output()
        .await
        .unwrap();
    let text =
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), text)
}

async fn good(words: &[&str]) -> String {
    let (code, text) = audit(words).await;
    assert_eq!(code, 0, "{words:?}: {text}");
    text
}

async fn json(words: &[&str]) -> Value {
    let text = good(words).await;
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{words:?}: {error}: {text}"))
}

fn text(path: impl AsRef<Path>) -> String {
    path.as_ref().to_str().unwrap().to_owned()
}

/// True when the sample question of this fact is about the husband of the samples.
fn is_about_husband(lab: &Lab, fact: &str) -> bool {
    let husband = lab.simulation.province().person(samples::HUSBAND).unwrap().number();
    format!("{:?}", lab.question(fact).subjects).contains(&husband)
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_those_of_what_was_asked() {
    let lab = Lab::start(&ALL).await;
    mixed_load(&lab).await;
    let log = text(lab.path("log"));
    // A checkpoint over all of it is published within its beat; what reads the log needs no checkpoint for that.
    let report = json(&["report", &log, "--format", "json"]).await;
    let rows = report["rows"].as_array().unwrap();
    let sum = |name: &str| rows.iter().map(|row| row[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("answered"), sum("denied"), sum("unanswered")), (9, 2, 0), "{report}");
    assert_eq!(sum("cached"), 2, "{report}");
    let unavailable: u64 =
        rows.iter().filter_map(|row| row["verdicts"]["UNAVAILABLE"].as_u64()).sum();
    assert_eq!(unavailable, 1);
    for row in rows.iter().filter(|row| row["answered"].as_u64() > Some(0)) {
        assert!(row["latency_us"]["max"].as_u64() > Some(0), "{row}");
        assert_eq!(row["consumer"], "fund-centre", "{row}");
    }
    let page = lab.beside("report.html");
    good(&["report", &log, "--format", "html", "-o", &text(&page)]).await;
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("住房公积金"), "the parties by their Chinese names");

    let found = good(&["search", &log, "--fact", "M2", "--kind", "outcome", "--json"]).await;
    assert_eq!(found.lines().count(), 2, "{found}");
    let table = good(&["search", &log, "--kind", "denial"]).await;
    assert!(table.contains("\n2 of "), "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_citizen_learns_who_asked() {
    let lab = Lab::start(&ALL).await;
    mixed_load(&lab).await;
    let (log, keys) = (text(lab.path("log")), text(lab.path("vault")));
    let key = text(lab.path("keys/vault-subject.key"));
    let husband = lab.simulation.province().person(samples::HUSBAND).unwrap().number();
    let subject = format!("citizen_id:{husband}");
    let catalogue = text(lab.path("catalogue"));
    let base = ["report", &log, "--statement", "--subject", &subject, "--keys", &keys];
    let statement = [&base[..], &["--subject-key", &key, "--catalogue", &catalogue]].concat();
    let told = json(&[&statement[..], &["--format", "json"]].concat()).await;
    // Those of the load, with the two that were denied.
    let asked = ["P1", "M2", "S1", "H3", "T1", "E2", "M2", "P1", "M2", "P2", "E1"];
    let expected = asked.iter().filter(|fact| is_about_husband(&lab, fact)).count();
    assert!(expected > 2, "the samples are about him");
    let listed = told["asked"].as_array().unwrap();
    assert_eq!(listed.len(), expected, "{told}");
    assert!(listed.iter().any(|asked| asked["denied"].is_string()), "{told}");
    for form in ["table", "html", "csv"] {
        let words = good(&[&statement[..], &["--format", form]].concat()).await;
        assert!(words.contains("住房公积金") && !words.contains(&husband), "{form}: {words}");
    }
    let search = ["search", &log, "--json", "--kind", "outcome", "--subject", &subject];
    let found = good(&[&search[..], &["--keys", &keys, "--subject-key", &key]].concat()).await;
    let answered = listed.iter().filter(|asked| asked["verdict"].is_string()).count();
    assert_eq!(found.lines().count(), answered);

    // With the key that opens, operators are told apart; with none, nobody is.
    let open = text(lab.path("keys/vault.key"));
    good(&["report", &log, "--keys", &keys, "--key", &open]).await;
    let (code, told) = audit(&base).await;
    assert!(code == 2 && told.contains("--subject-key"), "{told}");
    let (code, told) = audit(&[&statement[..], &["--subject", "citizen_id:1"]].concat()).await;
    assert!(code == 2 && !told.contains("citizen_id:1\n"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_leaves_the_house_while_the_gateway_runs() {
    let mut lab = Lab::start(&ALL).await;
    let client = lab.client().await;
    let receipts = lab.beside("receipts");
    fs::create_dir(&receipts).unwrap();
    for fact in ["M2", "P1", "H3"] {
        let question = wire::VerifyRequest { want_receipt: true, ..lab.question(fact) };
        let reply = ask(&client, question).await;
        let name = format!("{}.tlog-proof", reply.log_index);
        fs::write(receipts.join(name), reply.receipt.unwrap().proof).unwrap();
    }
    let log = text(lab.path("log"));
    good(&["compare", &log, "--receipts", &text(&receipts), "--caller", "fund-centre"]).await;
    good(&["prove", &log, "0", "-o", &text(lab.beside("0.tlog-proof"))]).await;
    drop(client);
    lab.close().await;

    let out = lab.beside("out");
    good(&["export", &log, &text(&out), "--all"]).await;
    let check = tokio::process::Command::new("python3").arg(out.join("check.py")).output().await;
    let check = check.unwrap();
    let told = String::from_utf8_lossy(&check.stdout).into_owned();
    assert!(check.status.success() && told.contains("all good"), "{told}");
    let agreements = fs::read_dir(out.join("agreements")).unwrap().count();
    assert_eq!(agreements, ALL.len(), "the signed documents are there");
    assert!(out.join("parties/fund-centre.toml").exists());
    let vkey = fs::read_to_string(out.join("log.vkey")).unwrap();
    good(&["check", &text(lab.beside("0.tlog-proof")), "--vkey", vkey.trim()]).await;
    let one = out.join("one");
    good(&["export", &log, &text(&one), "--agreement", "none-such"]).await;
    assert_eq!(fs::read_to_string(one.join("entries.jsonl")).unwrap(), "");
    good(&["compare", &log, "--log", &log]).await;
}

#[test]
fn a_result_that_cannot_be_printed_is_no_result() {
    let folder = tempfile::tempdir().unwrap();
    let run = |words: &[&str], output: std::process::Stdio| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_heyan"));
        let command = command.current_dir(&folder).arg("audit").args(words).stdout(output);
        let done = command.output().unwrap();
        (done.status.code(), String::from_utf8(done.stderr).unwrap())
    };
    let init = ["init", "log", "--key", "log.key", "--new-key", "--origin", "heyan.test/full"];
    assert_eq!(run(&init, std::process::Stdio::null()).0, Some(0));
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let (code, said) = run(&["verify", "log"], full.into());
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.starts_with("heyan: cannot print the result") && !said.contains("panicked"),
        "{said}"
    );

    // Whoever asks wrongly learns that, and nothing about the log.
    let none = || std::process::Stdio::null();
    assert_eq!(run(&["verify", "log", "--vkey", "garbage"], none()).0, Some(2));
    assert_eq!(run(&["verify", "log", "--since", "log.key"], none()).0, Some(2));
    let (code, said) = run(&["export", "log", "log/inside", "--all"], none());
    assert_eq!(code, Some(2), "{said}");
    assert!(!folder.path().join("log/inside").exists());
    let turned = ["search", "log", "--from", "2026-11-30", "--to", "2026-11-01"];
    assert_eq!(run(&turned, none()).0, Some(2));
    let (code, said) = run(&["verify", "nowhere"], none());
    assert_eq!((code, said.contains("audit init")), (Some(2), false), "{said}");
}
