//! `search` and `report`: counts are those of a log with known contents.

use std::path::Path;

use super::trial::{Trial, expect, heyan_audit};

impl Trial {
    fn searched(&self, words: &[&str]) -> Vec<serde_json::Value> {
        let (log, out) = (self.path("log"), self.path("found.jsonl"));
        let line = [&["search", &log, "--json", "--limit", "0", "-o", &out][..], words].concat();
        expect(0, &line);
        let lines = self.read("found.jsonl");
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn indices(&self, words: &[&str]) -> Vec<u64> {
        self.searched(words).iter().map(|entry| entry["index"].as_u64().unwrap()).collect()
    }
}

#[tokio::test]
async fn search_finds_what_is_meant_and_nothing_else() {
    let trial = Trial::new().await;
    let november = ["--from", "2026-11-23", "--to", "2026-11-23"];
    assert_eq!(trial.indices(&["--kind", "intent"]), [2, 6, 8]);
    assert_eq!(trial.indices(&["--verdict", "refuted"]), [4]);
    assert_eq!(trial.indices(&["--denial", "OUTSIDE_HOURS"]), [5]);
    assert_eq!(trial.indices(&["--case", "=GJJ<4>"]), [6, 7]);
    assert_eq!(
        trial.indices(&[&["--caller", "fund-centre/approval"], &november[..]].concat()).len(),
        7
    );
    assert!(trial.indices(&["--caller", "fund-centre/other"]).is_empty());
    assert_eq!(trial.indices(&["--agreement", "other"]), [9]);
    let request = "00000000000000010000000000000000";
    assert_eq!(trial.indices(&["--request", request]), [2, 3]);
    assert_eq!(trial.indices(&["--from", "2026-12-01"]).len(), 300);
    assert_eq!(trial.indices(&[]), (0..310).collect::<Vec<_>>());
    let found = &trial.searched(&["--verdict", "unavailable"])[0];
    assert_eq!(
        (&found["verdict"], &found["unavailable"]),
        (&"UNAVAILABLE".into(), &"timeout".into())
    );
    assert_eq!(found["facts"]["caller"]["organisation"], "fund-centre");

    let (log, out) = (trial.path("log"), trial.path("found"));
    expect(0, &["search", &log, "--kind", "denial", "--limit", "5", "-o", &out]);
    let table = trial.read("found");
    assert_eq!(table.lines().count(), 1 + 5 + 1, "{table}");
    assert!(table.ends_with("301 of 310 entries\n"), "{table}");
    expect(0, &["search", &log, "--kind", "outcome", "--csv", "-o", &out]);
    assert_eq!(trial.read("found").lines().count(), 4);
    for words in
        [["--verdict", "maybe"], ["--from", "yesterday"], ["--request", "x"], ["--kind", "x"]]
    {
        assert!(heyan_audit(&[&["search", &log][..], &words].concat()).is_err(), "{words:?}");
    }
}

#[tokio::test]
async fn a_report_counts_what_was_asked() {
    let trial = Trial::new().await;
    let (log, out) = (trial.path("log"), trial.path("report"));
    let report = |words: &[&str]| {
        expect(0, &[&["report", &log, "-o", &out][..], words].concat());
        trial.read("report")
    };
    let json: serde_json::Value =
        serde_json::from_str(&report(&["--format", "json", "--month", "2026-11"])).unwrap();
    let rows = json["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{json}");
    let row = &rows[0];
    assert_eq!((&row["month"], &row["agreement"]), (&"2026-11".into(), &"hn-gjj-mz".into()));
    for (name, count) in
        [("questions", 5), ("answered", 3), ("cached", 1), ("denied", 1), ("unanswered", 1)]
    {
        assert_eq!(row[name].as_u64(), Some(count), "{name}: {row}");
    }
    assert_eq!(row["verdicts"]["REFUTED"], 1);
    assert!(json["unusual"].as_array().unwrap().is_empty());

    // The 300 denials of December are a burst, one a second; each has a case of its own, 300 within the hour.
    let json: serde_json::Value = serde_json::from_str(&report(&["--format", "json"])).unwrap();
    let rules: Vec<&str> = json["unusual"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| found["rule"].as_str().unwrap())
        .collect();
    assert_eq!(rules, ["many-cases", "denials"]);
    assert_eq!(json["unusual"][1]["count"], 300);
    let none = report(&["--month", "2026-10"]);
    assert!(none.starts_with("no questions\n"), "{none}");
    let table = report(&[]);
    assert!(table.contains("2026-12  hn-gjj-mz") && table.contains("EXPIRED 300"), "{table}");
    let csv = report(&["--format", "csv"]);
    assert_eq!(csv.lines().count(), 3, "{csv}");
    assert!(csv.lines().next().unwrap().contains("denied_EXPIRED"), "{csv}");
    let page = report(&["--format", "html"]);
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let page = roxmltree::Document::parse_with_options(&page, options).unwrap();
    let count = |name| page.descendants().filter(|node| node.has_tag_name(name)).count();
    assert_eq!(
        (count("script"), count("svg")),
        (0, 2 + 3),
        "days and shares; durations where answered"
    );
}

#[tokio::test]
async fn nothing_is_told_of_a_damaged_log() {
    let trial = Trial::new().await;
    let damaged = trial.copy("damaged");
    trial.damage(&damaged);
    let out = trial.path("out");
    for command in ["search", "report"] {
        expect(1, &[command, &damaged, "-o", &out]);
        assert!(!Path::new(&out).exists(), "{command}");
    }
    let log = trial.path("log");
    for words in [
        &["report", &log, "--statement"][..],
        &["report", &log, "--month", "11/2026"],
        &["report", &log, "--statement", "--subject", "citizen_id:1", "--keys", "x"],
    ] {
        assert!(heyan_audit(words).is_err(), "{words:?}");
    }
}
