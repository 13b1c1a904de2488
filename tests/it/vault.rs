//! The vault over real sockets: what a caller got, opened offline by an auditor, erased, and gone.

use std::path::Path;

use heyan::audit::commitment::Field;
use heyan::audit::entry::{Entry, Kind, decode};
use heyan::audit::records;
use heyan::audit::verify::{Expected, verify};
use heyan::cli::audit::examine;
use heyan::proto::gateway::v1 as wire;
use heyan::simulate::samples;
use heyan::vault::VaultError;
use heyan::vault::find::{Finder, Match};
use heyan::vault::master::{Master, Power};
use heyan::vault::open::Opener;
use heyan::vault::subject::Identifier;

use crate::support::{Lab, ask, refused};

fn opener(lab: &Lab) -> Opener {
    let master = Master::read(&lab.path("keys/vault.key"), Power::Open).unwrap();
    Opener::new(&lab.path("log"), &lab.path("vault"), master).unwrap()
}

fn entry(lab: &Lab, index: u64) -> (Entry, bytes::Bytes) {
    let (stored, private) = records::at(&lab.path("log"), index).unwrap().unwrap();
    (decode(&stored).unwrap(), private)
}

fn open(lab: &Lab, index: u64, field: Field) -> Result<Vec<u8>, VaultError> {
    let (entry, private) = entry(lab, index);
    opener(lab).unlock(index, &entry, &private)?.open(field).map(|opened| opened.value)
}

/// Entries about this citizen, for whoever holds the subject key.
fn about(lab: &Lab, number: &str) -> Vec<u64> {
    let master = Master::read(&lab.path("keys/vault-subject.key"), Power::Find).unwrap();
    let log = lab.path("log");
    let mut finder = Finder::new(&log, &lab.path("vault"), master).unwrap();
    let wanted = [Identifier::parse(&format!("citizen_id:{number}")).unwrap()];
    let mut found = Vec::new();
    records::each(&log, 0, &mut |index, stored, private| {
        let entry = decode(stored).unwrap();
        let is_about = finder.is_about(index, &entry, private, &wanted)?;
        found.extend((is_about == Match::Yes).then_some(index));
        Ok::<(), VaultError>(())
    })
    .unwrap()
    .unwrap();
    found
}

fn intent_of(lab: &Lab, index: u64) -> u64 {
    match entry(lab, index).0.kind {
        Kind::Outcome(outcome) => outcome.intent.unwrap(),
        _ => panic!("entry {index} is no outcome"),
    }
}

async fn heyan(words: &[&str]) -> (i32, String) {
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_heyan"))
        .args(words)
        .output()
        .await
        .unwrap();
    let text =
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), text)
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_reads_offline_what_the_caller_asked_and_got() {
    let mut lab = Lab::start(&["civil-affairs", "social-security"]).await;
    let client = lab.client().await;
    let mut question = lab.question("M1");
    question.disclose = vec!["spouse_name".to_owned()];
    question.want_receipt = true;
    let reply = ask(&client, question.clone()).await;
    let mut months = lab.question("S2");
    months.assertions = vec![wire::Assertion {
        attribute: "months_last_12".to_owned(),
        comparison: wire::Comparison::GreaterOrEqual.into(),
        values: vec![wire::Value { kind: Some(wire::value::Kind::Integer(12)) }],
    }];
    let counted = ask(&client, months.clone()).await;
    let mut masked = lab.question("S1");
    masked.disclose = vec!["employer_uscc".to_owned()];
    let masked = ask(&client, masked).await;
    let mut flawed = lab.question("M1");
    flawed.operator = None;
    let denied = refused(&client, flawed.clone()).await.log_index.unwrap();
    drop(client);
    lab.close().await;

    // What the receipt opens and what the vault opens is the same, byte for byte.
    for given in reply.receipt.unwrap().openings {
        let field = Field::from_name(&given.field).unwrap();
        assert_eq!(open(&lab, reply.log_index, field).unwrap(), given.value, "{field:?}");
    }
    let request = open(&lab, reply.log_index, Field::Request).unwrap();
    assert_eq!(request, heyan::wire::request_text(&question));
    let answer = open(&lab, reply.log_index, Field::Answer).unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["disclosed"]["spouse_name"], lab.simulation.province().name(samples::WIFE));
    // What left in part is kept in part: nobody can open more than the caller got.
    let part = String::from_utf8(open(&lab, masked.log_index, Field::Answer).unwrap()).unwrap();
    assert!(part.contains(&format!("\"employer_uscc\":\"{}", "*".repeat(14))), "{part}");
    // The value of an assertion is in no entry; here it is.
    let request =
        String::from_utf8(open(&lab, counted.log_index, Field::Request).unwrap()).unwrap();
    assert!(request.contains("{\"integer\":12}"), "{request}");
    // Intent and denial have their own records, without an answer.
    for index in [intent_of(&lab, reply.log_index), denied] {
        assert!(open(&lab, index, Field::Subject).is_ok());
        assert!(matches!(open(&lab, index, Field::Answer), Err(VaultError::NoField("answer"))));
    }
    assert_eq!(open(&lab, denied, Field::Request).unwrap(), heyan::wire::request_text(&flawed));

    let husband = lab.simulation.province().person(samples::HUSBAND).unwrap().number();
    let found = about(&lab, &husband);
    assert!(found.contains(&reply.log_index) && found.contains(&denied), "{found:?}");
    let stranger = lab.simulation.province().person(samples::HUSBAND + 977).unwrap().number();
    assert!(about(&lab, &stranger).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_question_is_gone_for_all_and_the_log_is_whole() {
    let mut lab = Lab::start(&["civil-affairs"]).await;
    let client = lab.client().await;
    let one = ask(&client, lab.question("M1")).await.log_index;
    let other = ask(&client, lab.question("M2")).await.log_index;
    drop(client);
    let (config, log) = (text(&lab.path("gateway.toml")), text(&lab.path("log")));
    let erase = ["audit", "erase", "--config", &config, "--ground", "PIPL-47"];
    let number = one.to_string();
    let (code, said) = heyan(&[&erase[..], &["--entry", &number]].concat()).await;
    assert_eq!(code, 2, "the gateway holds the log: {said}");
    lab.close().await;

    let (vault, key) = (text(&lab.path("vault")), text(&lab.path("keys/vault.key")));
    let open_one = ["audit", "open", &log, &number, "--keys", &vault, "--key", &key];
    let husband = lab.simulation.province().person(samples::HUSBAND).unwrap().number();
    let (code, said) = heyan(&open_one).await;
    assert!(code == 0 && said.contains(&husband), "{said}");
    let disclosed = text(&lab.beside("answer.json"));
    let options = ["--field", "answer", "--disclose", &disclosed];
    assert_eq!(heyan(&[&open_one[..], &options].concat()).await.0, 0);
    assert_eq!(heyan(&["audit", "check-opening", &disclosed, &log]).await.0, 0);
    let held = std::fs::read_to_string(&disclosed).unwrap();
    let moved = held.replace(&format!("\"index\": {one}"), &format!("\"index\": {other}"));
    std::fs::write(&disclosed, moved).unwrap();
    assert_eq!(heyan(&["audit", "check-opening", &disclosed, &log]).await.0, 1);

    let (code, said) = heyan(&[&erase[..], &["--entry", &number, "--json"]].concat()).await;
    assert_eq!(code, 0, "{said}");
    let intent = intent_of(&lab, one);
    assert!(said.contains(&format!("\"entries\":[{intent},{one}]")), "{said}");
    for index in [intent, one] {
        assert!(matches!(open(&lab, index, Field::Subject), Err(VaultError::Gone(_))));
        assert!(!about(&lab, &husband).contains(&index));
    }
    assert!(open(&lab, other, Field::Answer).is_ok());
    assert!(about(&lab, &husband).contains(&other));
    let (code, said) = heyan(&open_one).await;
    assert!(code == 1 && said.contains("erased for good, as entry"), "{code} {said}");
    let (code, said) = heyan(&[&erase[..], &["--entry", &number]].concat()).await;
    assert!(code == 2 && said.contains("erased before"), "{said}");

    // A copy of the destroyed key that comes back is noticed.
    let check = ["audit", "vault", "check", &log, "--keys", &vault, "--key", &key];
    let (code, said) = heyan(&check).await;
    assert!(code == 0 && said.contains("1 key in use, 1 destroyed"), "{said}");
    let day = heyan::vault::day::Day::of(entry(&lab, one).0.at);
    let (new, old) =
        (lab.path(format!("vault/{day}.2.key")), lab.path(format!("vault/{day}.1.key")));
    std::fs::copy(new, &old).unwrap();
    let (code, said) = heyan(&check).await;
    assert!(code == 1 && said.contains("destroyed according to the log"), "{said}");
    std::fs::remove_file(old).unwrap();

    // Questions go on under the new key; the whole log verifies and replays.
    lab.serve().await;
    let after = ask(&lab.client().await, lab.question("M1")).await.log_index;
    lab.close().await;
    assert!(open(&lab, after, Field::Answer).is_ok());
    verify(&lab.path("log"), Expected::default(), &mut |_, _| {}).unwrap();
    let examined = examine(&lab.path("log"), Some(&lab.path("pki/parties"))).unwrap();
    assert!(examined.findings.is_empty(), "{:?}", examined.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_key_the_gateway_does_not_answer() {
    let mut lab = Lab::start(&["civil-affairs"]).await;
    lab.close().await;
    for file in std::fs::read_dir(lab.path("vault")).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    let config = text(&lab.path("gateway.toml"));
    let (code, said) = heyan(&["serve", "--config", &config]).await;
    assert!(code == 2 && said.contains("is its medium mounted"), "{code} {said}");

    // The way out when the medium is lost: its loss is recorded, and the day gets another key.
    let day = heyan::vault::day::Day::of(heyan::clock::now()).to_string();
    let words = ["audit", "erase", "--config", &config, "--ground", "LOST", "--day", &day];
    let (code, said) = heyan(&words).await;
    assert_eq!(code, 0, "{said}");
    lab.serve().await;
    ask(&lab.client().await, lab.question("M1")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_too_large_to_keep_is_denied_and_recorded_by_its_digest() {
    let mut lab =
        Lab::start_with(&["civil-affairs"], "[limits]\nmessage_bytes = \"1 MiB\"\n").await;
    let client = lab.client().await;
    let mut question = lab.question("M1");
    question.operator.as_mut().unwrap().id = "\u{1}".repeat(300_000);
    let denied = refused(&client, question.clone()).await.log_index.unwrap();
    drop(client);
    lab.close().await;
    let request = String::from_utf8(open(&lab, denied, Field::Request).unwrap()).unwrap();
    let whole = heyan::wire::request_text(&question);
    let digest = heyan::crypto::hex(&heyan::crypto::sha256(&whole));
    assert_eq!(request, format!("{{\"bytes\":{},\"sha256\":\"{digest}\"}}", whole.len()));
}
