//! What an application states is evidence: committed to, shown, compared again; and what became of its answers since.

use std::fs;

use heyan::client::Client;
use heyan::client::receipt::{ReceiptError, Trust, check_case};
use heyan::evidence::zip;
use heyan::proto::gateway::v1 as wire;
use heyan::simulate::samples;
use serde_json::{Value, json};
use tokio::process::Command;
use wire::case_event::Kind;
use wire::question_answered::Result as Came;

use super::application::Renting;
use super::evidence::{Closed, first_key, python, relisted, text, told};
use super::{Ran, ran};
use crate::support::{ALL, Lab, OPERATOR, PATIENCE};

const WORDS: &str = "the home was sold in 2024";

/// `heyan audit …` over the log of that installation.
async fn audit(words: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heyan"));
    command.arg("audit").args(words).arg("--json").kill_on_drop(true);
    let output = tokio::time::timeout(4 * PATIENCE, command.output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stated_is_opened_and_compared_again_or_said_to_be_closed() {
    let closed = Closed::make(&ALL).await;
    let open = closed.export(closed.ready, "open.zip", &[]).await;
    let (code, seen) = closed.verify(&open, &[]).await;
    assert_eq!((code, &seen["retaken"], &seen["on_word"]), (0, &json!(3), &json!(0)), "{seen}");
    assert!(seen["seen_only_in_log"].as_str().unwrap().contains("freezes"), "{seen}");
    let (code, said) = python(&open, &closed.key.to_string()).await;
    assert!(code == 0 && said.contains("3 comparisons with what the application states"), "{said}");
    assert!(said.contains("not compared: case.json, index.html"), "{said}");

    let without = closed.export(closed.ready, "without.zip", &["--without-persons"]).await;
    let (code, seen) = closed.verify(&without, &[]).await;
    assert_eq!((code, &seen["retaken"], &seen["on_word"]), (0, &json!(1), &json!(2)), "{seen}");
    assert_eq!(python(&without, &closed.key.to_string()).await.0, 0);
    for (path, application, months) in
        [(&open, "opened", json!(12)), (&without, "closed", Value::Null)]
    {
        let (files, _) = zip::unpack(&fs::read(path).unwrap()).unwrap();
        let case: Value = serde_json::from_slice(&files["case.json"]).unwrap();
        assert_eq!(case["application"], application);
        let of_months = case["stated"].as_array().unwrap().iter();
        let of_months = of_months.clone().find(|one| one["name"] == "months_in_a_row").unwrap();
        assert_eq!(of_months["value"], months, "{case}");
    }

    // The whole log: with the vault's keys nothing of it rests on the gateway's word.
    let (log, keys) = (closed.lab.path("log"), closed.lab.path("vault"));
    let key = closed.lab.path("keys/vault.key");
    let bare = audit(&["replay", text(&log)]).await;
    assert_eq!((&bare["replay"]["cases"], &bare["replay"]["on_word"]), (&json!(2), &json!(4)));
    let vault = ["--keys", text(&keys), "--key", text(&key)];
    let opened = audit(&[&["replay", text(&log)][..], &vault].concat()).await;
    assert_eq!(
        (&opened["replay"]["retaken"], &opened["replay"]["on_word"]),
        (&json!(6), &json!(0))
    );
    assert_eq!(opened["findings"], json!([]));

    // An application that was erased is closed for ever, and nothing else is.
    let config = closed.lab.path("gateway.toml");
    let entry = closed.ready.to_string();
    let erase = ["erase", "--config", text(&config), "--entry", &entry, "--ground", "PIPL-47"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_heyan"));
    let output = command.arg("audit").args(erase).output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let left = audit(&[&["replay", text(&log)][..], &vault].concat()).await;
    assert_eq!((&left["replay"]["retaken"], &left["replay"]["on_word"]), (&json!(4), &json!(2)));
    assert_eq!(left["findings"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_was_cut_short_is_not_the_entrys() {
    let closed = Closed::make(&["police"]).await;
    let path = closed.export(closed.ready, "whole.zip", &[]).await;
    let (files, _) = zip::unpack(&fs::read(path).unwrap()).unwrap();
    let party = files.keys().find(|path| path.starts_with("parties/")).unwrap();
    for cut in [files[party][..files[party].len() - 1].to_vec(), files[party][5..9].to_vec()] {
        let mut changed = files.clone();
        changed.insert(party.clone(), cut);
        relisted(&mut changed);
        let path = closed.lab.beside("cut.zip");
        fs::write(&path, zip::pack(&changed).unwrap()).unwrap();
        let (code, said) = python(&path, &closed.key.to_string()).await;
        assert!(code == 1 && said.contains(party.as_str()), "{said}");
    }
    // A foreign key beside the log's own.
    let mut changed = files.clone();
    let stranger = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n";
    changed.get_mut("log.vkey").unwrap().extend(stranger.as_bytes());
    relisted(&mut changed);
    let path = closed.lab.beside("foreign.zip");
    fs::write(&path, zip::pack(&changed).unwrap()).unwrap();
    let (code, said) = python(&path, &closed.key.to_string()).await;
    assert!(code == 1 && said.contains("log.vkey"), "{said}");
    let (code, seen) = closed.verify(&path, &[]).await;
    assert_eq!((code, &seen["findings"][0]["file"]), (1, &json!("log.vkey")), "{seen}");
    // Nested deeper than any reader goes: nobody can tell.
    let mut changed = files;
    changed.insert("manifest.json".to_owned(), "[".repeat(100_000).into_bytes());
    let path = closed.lab.beside("deep.zip");
    fs::write(&path, zip::pack(&changed).unwrap()).unwrap();
    assert_eq!(python(&path, &closed.key.to_string()).await.0, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_has_a_receipt_that_opens_to_what_was_filed() {
    let lab = Lab::start(&ALL).await;
    let key = first_key(&lab);
    let client = lab.client().await.requiring_receipts(vec![key.clone()]);
    let filed = Renting::of(&lab, samples::TENANT).single().with_lease(&lab).request();
    let filed = wire::CheckCaseRequest { want_receipts: true, ..filed };
    let outcome = ran(&client, filed.clone()).await.outcome;
    let trust = Trust { keys: vec![key], certificate: None };
    let checked = check_case(&filed, &outcome, &trust).unwrap();
    assert_eq!((checked.index, checked.opened.len()), (outcome.log_index, 3));

    let differs = |change: &dyn Fn(&mut wire::CheckCaseRequest, &mut wire::CaseOutcome)| {
        let (mut filed, mut outcome) = (filed.clone(), outcome.clone());
        change(&mut filed, &mut outcome);
        check_case(&filed, &outcome, &trust).unwrap_err().to_string()
    };
    let months = |filed: &mut wire::CheckCaseRequest| {
        let less = wire::Value { kind: Some(wire::value::Kind::Integer(11)) };
        filed.given.insert("months_in_a_row".to_owned(), less);
    };
    assert!(differs(&|filed, _| months(filed)).contains("request"));
    assert!(differs(&|filed, _| filed.subjects.truncate(1)).contains("subject"));
    assert!(differs(&|filed, _| filed.case_id = Client::request_id()).contains("case_id"));
    assert!(
        differs(&|_, outcome| outcome.set_outcome(wire::case_outcome::Outcome::Refuted))
            .contains("outcome")
    );
    assert!(differs(&|_, outcome| drop(outcome.needs.pop())).contains("needs"));
    assert!(differs(&|_, outcome| outcome.log_index += 1).contains("one entry"));
    let bare = wire::CaseOutcome { receipt: None, ..outcome.clone() };
    assert!(matches!(check_case(&filed, &bare, &trust), Err(ReceiptError::Absent)));

    // Nobody who did not ask for it gets it.
    let filed = Renting::of(&lab, samples::TENANT).single().with_lease(&lab).request();
    assert!(ran(&lab.client().await, filed).await.outcome.receipt.is_none());
}

/// An answer that refutes, with the question as it was put.
fn refuting(ran: &Ran) -> (wire::VerifyRequest, u64) {
    let answered = ran.answered().into_iter().find_map(|answered| match &answered.result {
        Some(Came::Reply(reply)) if reply.verdict() == wire::Verdict::Refuted => {
            Some((answered.request_id.clone(), reply.log_index))
        }
        _ => None,
    });
    let (request_id, log_index) = answered.expect("nothing refutes");
    let put = ran.events.iter().find_map(|event| match &event.kind {
        Some(Kind::Asked(asked)) if asked.request_id == request_id => asked.put.clone(),
        _ => None,
    });
    (put.unwrap(), log_index)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_contested_is_in_the_evidence_and_what_came_of_it() {
    let mut closed = Closed::begin(&ALL).await;
    let client = closed.lab.client().await;
    let case = ran(&client, Renting::of(&closed.lab, samples::HUSBAND).request()).await;
    let (question, contested) = refuting(&case);
    let entry = case.outcome.log_index;
    drop(client);
    closed.lab.close().await;
    let before = closed.export(entry, "before.zip", &[]).await;
    let checkpoint = closed.lab.beside("checkpoint");
    fs::copy(closed.lab.path("log/checkpoint"), &checkpoint).unwrap();

    closed.lab.serve().await;
    let client = closed.lab.client().await;
    let opened = client
        .contest(wire::ContestRequest {
            dispute_id: Client::request_id(),
            log_index: contested,
            question: Some(question),
            ground: "out_of_date".to_owned(),
            text: WORDS.to_owned(),
            operator: Some(wire::Operator { id: OPERATOR.to_owned(), unit: "hall-1".to_owned() }),
            ..wire::ContestRequest::default()
        })
        .await
        .unwrap();
    let id = opened.dispute_id;
    let again = wire::RecheckRequest {
        dispute_id: id.clone(),
        request_id: Client::request_id(),
        ..wire::RecheckRequest::default()
    };
    let again = client.recheck(again, None, PATIENCE).await.unwrap().dispute.unwrap();
    drop(client);
    closed.lab.close().await;

    let path = closed.export(entry, "after.zip", &[]).await;
    let (code, seen) = closed.verify(&path, &[]).await;
    assert_eq!((code, &seen["findings"]), (0, &json!([])), "{seen}");
    let (code, said) = python(&path, &closed.key.to_string()).await;
    assert_eq!(code, 0, "{said}");
    let (files, _) = zip::unpack(&fs::read(&path).unwrap()).unwrap();
    let told: Value = serde_json::from_slice(&files["case.json"]).unwrap();
    let dispute = &told["disputes"][0];
    assert_eq!((&dispute["dispute"], &dispute["contested"]), (&json!(id), &json!(contested)));
    let steps: Vec<&Value> =
        dispute["steps"].as_array().unwrap().iter().map(|step| &step["step"]).collect();
    assert_eq!(steps, ["opened", "asked_again"]);
    assert_eq!(
        (&dispute["steps"][0]["code"], &dispute["steps"][0]["text"]),
        (&json!("out_of_date"), &json!(WORDS))
    );
    assert_eq!(dispute["steps"][1]["outcome"], json!(again.new_outcome));
    let mut answers = told["answers"].as_array().unwrap().iter();
    let answer = answers.find(|answer| answer["entry"] == json!(contested)).unwrap();
    assert_eq!(answer["contested_by"], json!([id]));
    let page = String::from_utf8(files["index.html"].clone()).unwrap();
    assert!(page.contains("异议与核查") && page.contains(WORDS) && page.contains(&id));

    // Nobody is named where persons are left out; and under the checkpoint of before it is the file of before.
    let without = closed.export(entry, "bare.zip", &["--without-persons"]).await;
    let (code, seen) = closed.verify(&without, &[]).await;
    assert_eq!(code, 0, "{seen}");
    let bytes = fs::read(&without).unwrap();
    assert!(bytes.windows(id.len()).any(|part| part == id.as_bytes()));
    assert!(!bytes.windows(WORDS.len()).any(|part| part == WORDS.as_bytes()));
    let earlier = ["--checkpoint", text(&checkpoint)];
    let earlier = closed.export(entry, "earlier.zip", &earlier).await;
    assert!(fs::read(earlier).unwrap() == fs::read(before).unwrap());
}
