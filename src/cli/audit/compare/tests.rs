//! A folder of receipts and a second log against a log: alike, cut, forked, incomplete.

use std::fs;
use std::path::Path;

use super::*;
use crate::audit::entry::{Entry, Kind, Source};
use crate::cli::audit::trial::{SECOND, TEN, Trial, answered, contents, denied, expect};
use crate::query::value::Verdict;

fn arguments(folder: &str, caller: Option<&str>) -> Compare {
    Compare {
        folder: folder.into(),
        receipts: None,
        log: None,
        caller: caller.map(str::to_owned),
        span: Span::default(),
        vkey: None,
        json: false,
    }
}

fn rules(compared: &Compared) -> Vec<(&'static str, Option<u64>)> {
    compared.findings.iter().map(|found| (found.rule, found.index)).collect()
}

fn answers() -> Vec<Entry> {
    let later = |number: u64| TEN + number * 86_400 * SECOND;
    let answer = |number| answered(400 + number, later(number), Verdict::Confirmed, Source::Cache);
    (1..4).map(answer).collect()
}

/// The trial's log with three more answers, of which a consumer kept two.
async fn with_receipts() -> (Trial, String) {
    let trial = Trial::new().await;
    let folder = trial.path("receipts");
    fs::create_dir(&folder).unwrap();
    let receipts = trial.append(answers()).await;
    for (number, receipt) in receipts.iter().enumerate().skip(1) {
        fs::write(Path::new(&folder).join(format!("{number}.tlog-proof")), receipt).unwrap();
    }
    (trial, folder)
}

#[tokio::test]
async fn receipts_that_the_log_holds_are_no_finding() {
    let (trial, folder) = with_receipts().await;
    let log = trial.path("log");
    let compared = receipts::compare(&arguments(&log, None), Path::new(&folder)).unwrap();
    assert_eq!(rules(&compared), []);
    assert!(compared.counts.contains(&("receipts", 2)), "{:?}", compared.counts);
    assert!(compared.counts.contains(&("without a receipt", 4)), "{:?}", compared.counts);
    expect(0, &["compare", &log, "--receipts", &folder]);
    // For this caller each answer without a receipt is told.
    let mine =
        receipts::compare(&arguments(&log, Some("fund-centre")), Path::new(&folder)).unwrap();
    let missing = [3, 4, 7, 310].map(|index| ("not-in-folder", Some(index)));
    assert_eq!(rules(&mine), missing);
    expect(0, &["compare", &log, "--receipts", &folder, "--caller", "audit-office"]);
    let later = ["compare", &log, "--receipts", &folder, "--caller", "fund-centre", "--from"];
    expect(0, &[&later[..], &["2026-11-25"]].concat());
    expect(1, &[&later[..], &["2026-11-24", "--json"]].concat());
}

#[tokio::test]
async fn a_log_that_was_cut_or_forked_is_found() {
    let (trial, folder) = with_receipts().await;
    // The same key and name, other entries: what an operator could make who rewrites history.
    let forge = |entries| async {
        let forged = Trial::new().await;
        fs::remove_dir_all(forged.path("log")).unwrap();
        fs::copy(trial.path("log.key"), forged.path("log.key")).unwrap();
        forged.create();
        forged.append(entries).await;
        forged
    };
    let cut = forge(contents()).await;
    expect(0, &["verify", &cut.path("log")]);
    let compared =
        receipts::compare(&arguments(&cut.path("log"), None), Path::new(&folder)).unwrap();
    assert_eq!(rules(&compared), [("cut", Some(311)), ("cut", Some(312))]);

    let mut entries = contents();
    entries.extend((1..9).map(|number| denied(500 + number, TEN, "EXPIRED")));
    let forked = forge(entries).await;
    let compared =
        receipts::compare(&arguments(&forked.path("log"), None), Path::new(&folder)).unwrap();
    assert_eq!(rules(&compared), [("forked", Some(311)), ("forked", Some(312))]);
    let said = |compared: &Compared| compared.findings[0].text.clone();
    assert!(said(&compared).starts_with("the log has another entry at this place"));
    expect(1, &["compare", &forked.path("log"), "--receipts", &folder]);

    // The entries of the receipts are there, byte for byte; one long before them is another.
    let mut entries = contents();
    *entries.last_mut().unwrap() = denied(305, TEN, "FROZEN");
    entries.extend(answers());
    let behind = forge(entries).await;
    let compared =
        receipts::compare(&arguments(&behind.path("log"), None), Path::new(&folder)).unwrap();
    assert_eq!(rules(&compared), [("forked", Some(311)), ("forked", Some(312))]);
    assert!(said(&compared).starts_with("the log's first "), "{}", said(&compared));

    // A receipt of another log, and one that was changed, are named.
    let other = Trial::new().await;
    let receipt = other.append(vec![denied(9, TEN, "EXPIRED")]).await.remove(0);
    fs::write(Path::new(&folder).join("foreign.tlog-proof"), receipt).unwrap();
    fs::write(Path::new(&folder).join("broken.tlog-proof"), "nothing").unwrap();
    let compared =
        receipts::compare(&arguments(&trial.path("log"), None), Path::new(&folder)).unwrap();
    assert_eq!(rules(&compared), [("receipt", None), ("receipt", Some(310))]);
    assert!(in_words(&compared).contains("foreign.tlog-proof: "), "{}", in_words(&compared));
    fs::remove_dir_all(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    let empty = receipts::compare(&arguments(&trial.path("log"), None), Path::new(&folder));
    assert!(empty.unwrap_err().to_string().contains("no receipt"));
}

#[tokio::test]
async fn two_logs_are_matched_by_caller_and_request() {
    let (here, there) = (Trial::new().await, Trial::new().await);
    let other = there.path("log");
    let compared = logs::compare(&arguments(&here.path("log"), None), Path::new(&other)).unwrap();
    assert_eq!(rules(&compared), []);
    assert_eq!(
        compared.counts,
        [("questions here", 304), ("questions there", 304), ("in both", 304)]
    );

    here.append(vec![
        denied(900, TEN, "EXPIRED"),
        answered(901, TEN, Verdict::Confirmed, Source::Agency),
    ])
    .await;
    let mut differing = answered(901, TEN + SECOND, Verdict::Refuted, Source::Cache);
    if let Kind::Outcome(outcome) = &mut differing.kind {
        outcome.disclosed.clear();
    }
    there.append(vec![differing, denied(902, TEN, "EXPIRED")]).await;
    let compared = logs::compare(&arguments(&here.path("log"), None), Path::new(&other)).unwrap();
    let expected = [("differs", Some(311)), ("only-there", None), ("only-here", Some(310))];
    assert_eq!(rules(&compared), expected);
    assert!(compared.findings[0].text.ends_with("result, disclosed"), "{:?}", compared.findings);
    assert_eq!(as_json(&compared)["findings"].as_array().unwrap().len(), 3);
    expect(1, &["compare", &here.path("log"), "--log", &other, "--json"]);
    expect(0, &["compare", &here.path("log"), "--log", &other, "--caller", "audit-office"]);
    let damaged = there.copy("damaged");
    there.damage(&damaged);
    expect(1, &["compare", &here.path("log"), "--log", &damaged]);
}

#[tokio::test]
async fn a_request_id_used_again_is_matched_in_order() {
    let (here, there) = (Trial::new().await, Trial::new().await);
    let again = |verdict| answered(2, TEN + 9 * SECOND, verdict, Source::Agency);
    here.append(vec![again(Verdict::Confirmed), again(Verdict::Refuted)]).await;
    there.append(vec![again(Verdict::Confirmed), again(Verdict::Refuted)]).await;
    let other = there.path("log");
    let compared = logs::compare(&arguments(&here.path("log"), None), Path::new(&other)).unwrap();
    assert_eq!((rules(&compared), compared.counts[2]), (vec![], ("in both", 306)));
    here.append(vec![again(Verdict::Confirmed)]).await;
    let compared = logs::compare(&arguments(&here.path("log"), None), Path::new(&other)).unwrap();
    assert_eq!(rules(&compared), [("only-here", Some(312))]);
}
