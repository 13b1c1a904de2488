//! A real log, explained entry by entry, and held against drafts that differ from what was in force in one thing each.

use std::path::Path;
use std::process::{Output, Stdio};

use heyan::agreements::terms::Terms;
use heyan::audit::entry::{Entry, Kind};
use heyan::decision::PermitRef;
use heyan::decision::examine::examine;
use heyan::proto::gateway::v1 as wire;
use heyan::rehearse::{Plan, Rehearsal, Report};
use heyan::replay::Following;
use serde_json::Value;
use tokio::process::Command;

use crate::support::draft::Draft;
use crate::support::entries::facts;
use crate::support::{Lab, PATIENCE, ask, refused};

/// Permits of the draft in force: the log uses them up.
const PER_DAY: u64 = 4;

/// Everything of M1 and M2 to assert about, and of M1 these values; `terms` are further keys of the agreement.
fn draft(lab: &Lab, disclose: &[&str], terms: &str) -> Draft {
    let mut draft = Draft::new("trial", "civil-affairs");
    draft.quota = terms.to_owned();
    ["M1", "M2"].iter().fold(draft, |draft, code| {
        let fact = lab.catalogue.fact(&(*code).into()).unwrap();
        let names: Vec<&str> = fact.attributes.iter().map(|known| known.name.as_str()).collect();
        draft.clause(fact, &lab.catalogue, &names, if *code == "M1" { disclose } else { &[] }, "")
    })
}

fn in_force(lab: &Lab) -> Draft {
    draft(lab, &["spouse_name", "spouse_number"], &format!("per_day = {PER_DAY}"))
}

/// An installation that has answered four questions and denied eight, and has stopped.
async fn asked() -> (Lab, Vec<Entry>) {
    let mut lab = Lab::prepare(&["police"]).await;
    in_force(&lab).place(&lab);
    lab.serve().await;
    let client = lab.client().await;
    let disclosing =
        |name: &str| wire::VerifyRequest { disclose: vec![name.to_owned()], ..lab.question("M1") };
    let mut unclear = lab.question("M2");
    unclear.subjects[1].kind = None;
    let unknown = wire::VerifyRequest { fact: "Q7".to_owned(), ..lab.question("M2") };
    let denials = [
        (disclosing("certificate_number"), "DISCLOSURE_NOT_GRANTED"),
        (lab.question("M5"), "FACT_NOT_GRANTED"),
        (lab.question("E1"), "NO_AGREEMENT"),
        (lab.request("P4", "W3"), "PURPOSE_NOT_GRANTED"),
        (unclear, "MALFORMED"),
        (unknown, "UNKNOWN_FACT"),
    ];
    for question in [lab.question("M2"), disclosing("spouse_name")] {
        ask(&client, question).await;
    }
    for (question, code) in denials {
        assert_eq!(refused(&client, question).await.reason, code);
    }
    for question in [lab.question("M1"), lab.question("M2")] {
        ask(&client, question).await;
    }
    for _ in 0..2 {
        assert_eq!(refused(&client, lab.question("M2")).await.reason, "QUOTA_DAY");
    }
    let entries = lab.entries();
    lab.close().await;
    (lab, entries)
}

/// Runs `heyan agreement` with these arguments, of which `@` begins a path of the installation.
async fn heyan(lab: &Lab, line: &str) -> (Option<i32>, String) {
    let path = |word: &str| match word.strip_prefix('@') {
        Some(name) => lab.path(name).display().to_string(),
        None => word.to_owned(),
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_heyan"));
    command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .arg("agreement")
        .args(line.split(' ').map(path));
    let ended = tokio::time::timeout(4 * PATIENCE, command.output()).await;
    let Output { status, stdout, stderr } = ended.expect("it did not end").unwrap();
    let text = String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap();
    (status.code(), text)
}

/// What the entry says was decided.
fn recorded(entry: &Entry) -> Option<Result<PermitRef, String>> {
    match &entry.kind {
        Kind::Intent(intent) => Some(Ok(intent.permit.clone())),
        Kind::Outcome(outcome) => Some(Ok(outcome.permit.clone())),
        Kind::Denial(denied) => Some(Err(denied.code.clone())),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_decision_of_a_log_is_explained_as_it_was_taken() {
    let (lab, entries) = asked().await;
    let mut following = Following::default();
    let (mut codes, mut permits) = (Vec::new(), 0);
    for (index, entry) in (0..).zip(&entries) {
        following.entry(index, entry);
        let (Some(facts), Some(recorded)) = (facts(entry), recorded(entry)) else { continue };
        let explained = examine(facts, following.agreements()).conclusion;
        assert_eq!(explained.map_err(|denial| denial.code().to_owned()), recorded, "entry {index}");

        // The same from the command line, with nothing but the log.
        let (code, told) = heyan(&lab, &format!("explain --log @log --entry {index} --json")).await;
        let told: Value = serde_json::from_str(&told).unwrap_or_else(|_| panic!("{told}"));
        assert_eq!(told["entry"]["same"], true, "{told}");
        assert_eq!(told["decision"]["permitted"], recorded.is_ok());
        assert_eq!(code, Some(i32::from(recorded.is_err())));
        match recorded {
            Ok(_) => permits += 1,
            Err(code) => {
                assert_eq!(told["decision"]["code"], *code);
                let line = format!("explain --log @log --entry {index}");
                let (_, page) = heyan(&lab, &line).await;
                assert!(page.contains(&format!("No: {code}. ")), "{page}");
                // Where no agreement could grant it there is no check to show.
                let is_shown = page.contains(&format!("[{code}]"))
                    || page.contains("Not looked at")
                    || code == "NO_AGREEMENT";
                assert!(is_shown, "{page}");
                codes.push(code);
            }
        }
    }
    codes.sort_unstable();
    codes.dedup();
    assert_eq!((permits, codes.len()), (8, 7), "{codes:?}");
    let (code, told) = heyan(&lab, "explain --log @log --entry 0").await;
    assert!(code == Some(2) && told.contains("records no question"), "{told}");
    let (code, told) = heyan(&lab, "explain --log @log --entry 4711").await;
    assert!(code == Some(2) && told.contains("and none 4711"), "{told}");
}

/// What the gateway answered to real questions, files say of questions that were not asked.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_gateway_would_answer_is_told_without_one() {
    let lab = Lab::prepare(&["police"]).await;
    in_force(&lab).place(&lab);
    let short = "explain --config @gateway.toml --caller fund-centre/approval";
    let system = "explain --config @gateway.toml --caller fund-centre/gateway";
    let item = lab.question("M2").purpose.unwrap().item;
    for (line, code) in [
        (format!("{short} --fact M2 --item {item}"), ""),
        (format!("{short} --fact M1 --item {item} --disclose spouse_name"), ""),
        (
            format!("{short} --fact M1 --item {item} --disclose certificate_number"),
            "DISCLOSURE_NOT_GRANTED",
        ),
        (format!("{short} --fact M2 --item {item} --used day={PER_DAY}"), "QUOTA_DAY"),
        (format!("{short} --fact M2 --item {item} --at 2017-01-01T10:00:00+08:00"), "MALFORMED"),
        (format!("{short} --fact M5 --item W3"), "FACT_NOT_GRANTED"),
        (format!("{short} --fact P4 --item W3"), "PURPOSE_NOT_GRANTED"),
        (format!("{short} --fact E1 --item W1"), "NO_AGREEMENT"),
        (format!("{short} --fact M2 --item Z9"), "MALFORMED"),
        (format!("{short} --fact Q7 --item {item}"), "UNKNOWN_FACT"),
        (format!("{system} --fact M2 --item {item}"), "NO_QUERY_RIGHT"),
    ] {
        let (status, told) = heyan(&lab, &line).await;
        let begins = if code.is_empty() { "\nYes: ".to_owned() } else { format!("\nNo: {code}. ") };
        assert!(told.contains(&begins), "{line}\n{told}");
        assert_eq!(status, Some(i32::from(!code.is_empty())), "{line}");
    }
    let (status, told) = heyan(&lab, &format!("{short} --fact M2")).await;
    assert!(status == Some(2) && told.contains("--item"), "{told}");
}

fn rehearsed(entries: &[Entry], text: &str) -> Report {
    let terms = Terms::parse(Path::new("draft.toml"), text).unwrap();
    let draft = terms.agreement(&terms.payload().unwrap()).unwrap();
    let plan = Plan { draft, ignores_dates: false, from: None, until: None };
    let mut rehearsal = Rehearsal::new(plan);
    for (index, entry) in (0..).zip(entries) {
        rehearsal.entry(index, entry);
    }
    let report = rehearsal.finish();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    report
}

fn newly_permitted(report: &Report) -> u64 {
    report.newly_permitted.values().map(|tally| tally.count).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_held_against_a_real_log() {
    let (lab, entries) = asked().await;

    // The same terms: what is rehearsed is what happened.
    let same = rehearsed(&entries, &in_force(&lab).text());
    assert_eq!((same.still_permitted, same.newly_denied(), newly_permitted(&same)), (4, 0, 0));
    assert_eq!(same.untold_permitted() + same.untold_denied.len() as u64, 0);
    assert_eq!((same.still_denied["QUOTA_DAY"], same.spent["QUOTA_DAY"]), (2, 2));
    assert_eq!(same.peaks.day.unwrap().count, PER_DAY + 2);
    assert_eq!(same.attributes["spouse_name"].same, 1);

    let narrower = draft(&lab, &[], &format!("per_day = {PER_DAY}"));
    let narrower = rehearsed(&entries, &narrower.text());
    assert_eq!(narrower.newly_denied["DISCLOSURE_NOT_GRANTED"].count, 1);
    assert_eq!(narrower.attributes["spouse_name"].withheld, 1);
    // What it no longer permits leaves a permit for one that came too late.
    assert_eq!(narrower.newly_permitted["QUOTA_DAY"].count, 1);

    let wider = draft(&lab, &["spouse_name", "spouse_number", "certificate_number"], "");
    let wider = rehearsed(&entries, &wider.text());
    assert_eq!((wider.newly_denied(), wider.still_permitted), (0, 4));
    assert_eq!(wider.newly_permitted["DISCLOSURE_NOT_GRANTED"].count, 1);
    assert_eq!(wider.newly_permitted["QUOTA_DAY"].count, 2);
    assert_eq!(wider.attributes["certificate_number"].newly, 1);

    let one = draft(&lab, &["spouse_name", "spouse_number"], "per_day = 1");
    let one = rehearsed(&entries, &one.text());
    assert_eq!((one.still_permitted, one.newly_denied["QUOTA_DAY"].count), (1, 3));

    // The draft serves only on days on which nothing was asked: not the days around today.
    let today = heyan::clock::now().china_weekday();
    let names = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let day = names[((today + 3) % 7) as usize];
    let hours = format!(
        "per_day = {PER_DAY} }}\nhours = {{ days = [\"{day}\"], from = \"00:00\", to = \"24:00\""
    );
    let closed = draft(&lab, &["spouse_name", "spouse_number"], &hours);
    let closed = rehearsed(&entries, &closed.text());
    assert_eq!((closed.still_permitted, closed.newly_denied["OUTSIDE_HOURS"].count), (0, 4));

    let mut other = in_force(&lab);
    (other.id, other.provider) = ("trial-tax".to_owned(), "tax".to_owned());
    let other = rehearsed(&entries, &other.text());
    assert_eq!((other.questions, other.newly_denied()), (0, 0));
    assert_eq!(other.unconcerned, same.questions + same.unconcerned);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_no_and_cannot_tell_with_its_exit_code() {
    let (lab, _) = asked().await;
    let place = |name: &str, draft: &str| std::fs::write(lab.path(name), draft).unwrap();
    let same = in_force(&lab).text();
    place("same.toml", &same);
    place("narrow.toml", &draft(&lab, &[], "").text());
    place(
        "notice.toml",
        &same.replacen("[[legal_basis]]", "notices = [\"notice-2026\"]\n[[legal_basis]]", 1),
    );

    let (code, told) = heyan(&lab, "dry-run @same.toml --log @log").await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("Nothing that was permitted would be denied."), "{told}");
    let (code, told) = heyan(&lab, "dry-run @agreements/trial.json --log @log --json").await;
    assert_eq!(code, Some(0), "{told}");
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&told["still_permitted"], &told["load"]["day"]["count"]), (&4.into(), &6.into()));

    let (code, told) = heyan(&lab, "dry-run @narrow.toml --log @log").await;
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("DISCLOSURE_NOT_GRANTED 1: entries "), "{told}");
    let (code, told) = heyan(&lab, "dry-run @notice.toml --log @log").await;
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("permitted then; maybe NOTICE_MISSING 4"), "{told}");
    let (code, told) = heyan(&lab, "dry-run @narrow.toml --log @log --to 2020-01-01 --csv").await;
    assert_eq!((code, told.lines().count()), (Some(0), 1), "{told}");
    let (code, told) = heyan(&lab, "dry-run @same.toml --log @agreements").await;
    assert_eq!(code, Some(2), "{told}");
}
