//! `prove`, `check` and `export`: what they write can be checked by those who do not have the log.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::trial::{Trial, expect, heyan_audit};
use crate::audit::receipt::Receipt;

const ENTRIES: u64 = 310;

#[tokio::test]
async fn every_entry_can_be_proved_and_checked() {
    let trial = Trial::new().await;
    let (log, receipt, vkey) = (trial.path("log"), trial.path("r.tlog-proof"), trial.vkey());
    for index in [0, 3, 255, 256, ENTRIES - 1] {
        expect(0, &["prove", &log, &index.to_string(), "-o", &receipt]);
        expect(0, &["check", &receipt, "--vkey", &vkey]);
        assert_eq!(Receipt::parse(&trial.read("r.tlog-proof")).unwrap().index, index);
    }
    expect(0, &["prove", &log, "3", "--json", "-o", &trial.path("r.json")]);
    let json: serde_json::Value = serde_json::from_str(&trial.read("r.json")).unwrap();
    assert_eq!((json["index"].as_u64(), json["size"].as_u64()), (Some(3), Some(ENTRIES)));
    expect(0, &["prove", &log, "3", "--size", "9", "-o", &trial.path("bare")]);
    assert!(trial.read("bare").starts_with("index 3\nsize 9\nroot "));

    // Changed in one place, or under another key: no.
    let text = trial.read("r.tlog-proof").replacen("index 309", "index 308", 1);
    fs::write(&receipt, text).unwrap();
    expect(1, &["check", &receipt, "--vkey", &vkey]);
    expect(1, &["check", &receipt, "--vkey", &vkey, "--json"]);
    expect(0, &["prove", &log, "309", "-o", &receipt]);
    let other = Trial::new().await;
    expect(1, &["check", &receipt, "--vkey", &other.vkey()]);
    for (words, hint) in [
        (&["prove", &log, "310"][..], "entries 0 to 309"),
        (&["prove", &log, "3", "--size", "400"], "310 entries, not 400"),
        (&["check", &receipt, "--vkey", "nonsense"], "--vkey must be"),
        (&["prove", &trial.path("nowhere"), "0"], "name the folder that holds"),
    ] {
        let error = format!("{:#}", heyan_audit(words).unwrap_err());
        assert!(error.contains(hint), "{error}");
    }
}

#[tokio::test]
async fn a_log_in_use_proves_that_it_goes_on() {
    let trial = Trial::new().await;
    let (log, vkey) = (trial.path("log"), trial.vkey());
    fs::write(trial.path("earlier"), trial.read("log/checkpoint")).unwrap();
    let audit = trial.open();
    audit.append(super::trial::denied(400, super::trial::TEN, "EXPIRED")).await.unwrap();
    // The publisher's beat is a second; a proof against what is published is good before and after.
    expect(0, &["prove", &log, "5", "-o", &trial.path("while-open")]);
    audit.close().await;
    expect(0, &["check", &trial.path("while-open"), "--vkey", &vkey]);
    let (from, proof) = (trial.path("earlier"), trial.path("growth.proof"));
    expect(0, &["prove", &log, "--from", &from, "-o", &proof]);
    expect(0, &["check", &proof, "--vkey", &vkey]);
    expect(0, &["check", &proof, "--vkey", &vkey, "--json"]);
    expect(0, &["prove", &log, "5", "--checkpoint", &from, "-o", &trial.path("old")]);
    assert!(trial.read("old").contains("\n310\n"));
    // The checkpoint of another log is a finding.
    let other = Trial::new().await;
    expect(1, &["prove", &log, "--from", &other.path("log/checkpoint")]);
    fs::write(&proof, trial.read("growth.proof").replacen("\n310\n", "\n309\n", 1)).unwrap();
    expect(1, &["check", &proof, "--vkey", &vkey]);
}

fn check_py(folder: &str, vkey: Option<&str>) -> (Option<i32>, String) {
    let mut command = Command::new("python3");
    command.arg(Path::new(folder).join("check.py"));
    if let Some(vkey) = vkey {
        command.args(["--vkey", vkey]);
    }
    let output = command.output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&told).into_owned())
}

#[tokio::test]
async fn an_export_is_checked_by_its_own_script() {
    let trial = Trial::new().await;
    let (log, vkey) = (trial.path("log"), trial.vkey());
    for (name, words, entries) in [
        ("november", &["--from", "2026-11-01", "--to", "2026-11-30"][..], 10),
        ("agreement", &["--agreement", "hn-gjj-mz"], 307),
        ("one-file", &["--all", "--receipts", "one-file"], 310),
        ("bare", &["--to", "2026-11-23", "--receipts", "none", "--json"], 10),
    ] {
        let out = trial.path(name);
        expect(0, &[&["export", &log, &out][..], words].concat());
        let lines = trial.read(&format!("{name}/entries.jsonl"));
        assert_eq!(lines.lines().count(), entries, "{name}");
        let (code, told) = check_py(&out, Some(&vkey));
        assert_eq!(code, Some(0), "{name}: {told}");
        assert!(told.contains("all good") && told.contains("signature  "), "{told}");
        let page = trial.read(&format!("{name}/index.html"));
        let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
        let page = roxmltree::Document::parse_with_options(&page, options).unwrap();
        assert!(page.descendants().all(|node| !node.has_tag_name("script")));
    }
    let table = trial.read("november/entries.csv");
    assert_eq!(table.lines().count(), 1 + 7, "the questions: {table}");
    assert!(table.contains("'=GJJ<1>"), "no formula");
    assert!(Path::new(&trial.path("one-file/tiles/checkpoint")).exists());
    let readme = trial.read("november/README.txt");
    assert!(readme.contains("10 here, of 310 in the log"), "{readme}");
    expect(0, &["check", &trial.path("november/receipts/3.tlog-proof"), "--vkey", &vkey]);
    assert_eq!(fs::read_dir(trial.path("agreement/receipts")).unwrap().count(), 307);
}

#[tokio::test]
async fn the_script_sees_what_was_changed() {
    let trial = Trial::new().await;
    let out = trial.path("out");
    expect(0, &["export", &trial.path("log"), &out, "--from", "2026-11-01", "--to", "2026-11-30"]);
    let other = Trial::new().await;
    assert_eq!(check_py(&out, Some(&other.vkey())).0, Some(1), "another log's key");
    let change = |name: &str, change: &dyn Fn(&str) -> String| {
        let good = trial.read(&format!("out/{name}"));
        let bad = change(&good);
        assert_ne!(good, bad, "{name}");
        fs::write(trial.path(&format!("out/{name}")), bad).unwrap();
        let (code, told) = check_py(&out, Some(&trial.vkey()));
        assert_ne!(code, Some(0), "{name}: {told}");
        fs::write(trial.path(&format!("out/{name}")), good).unwrap();
    };
    let of_others = other.read("log/checkpoint");
    change("checkpoint", &|_| of_others.clone());
    change("checkpoint", &|text| {
        let (signed, signature) = text.split_at(text.rfind(' ').unwrap() + 20);
        let other = if signature.starts_with('A') { "B" } else { "A" };
        format!("{signed}{other}{}", &signature[1..])
    });
    change("entries.jsonl", &|text| text.replacen("\"stored\":\"C", "\"stored\":\"D", 1));
    change("entries.jsonl", &|text| text.lines().skip(1).map(|line| format!("{line}\n")).collect());
    change("receipts/3.tlog-proof", &|text| text.replacen("index 3", "index 4", 1));
    change("receipts/4.tlog-proof", &|_| "nothing".to_owned());
    assert_eq!(check_py(&out, None).0, Some(0), "all back as it was");
}

#[tokio::test]
async fn nothing_is_written_where_something_is_or_from_a_damaged_log() {
    let trial = Trial::new().await;
    let (log, out) = (trial.path("log"), trial.path("out"));
    let said = heyan_audit(&["export", &log, &out]).unwrap_err().to_string();
    assert!(said.contains("--all"), "{said}");
    fs::create_dir(&out).unwrap();
    fs::write(trial.path("out/mine"), "x").unwrap();
    let said = heyan_audit(&["export", &log, &out, "--all"]).unwrap_err().to_string();
    assert!(said.contains("not empty"), "{said}");
    let damaged = trial.copy("damaged");
    trial.damage(&damaged);
    let new = trial.path("new");
    expect(1, &["export", &damaged, &new, "--all"]);
    assert!(!Path::new(&new).exists());
    expect(1, &["prove", &damaged, "3"]);
}
