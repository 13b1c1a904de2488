//! Every fault of the hostile back end against every transport: in time, and never "found" or "not found".
//!
//! What is damaged are replies that say "found", and "not found", when nothing is wrong with them: so a fault that is
//! overlooked is an answer, and fails the test.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use prost::Message;
use tokio::time::Instant;

use super::agency::NOW;
use super::facts;
use crate::adapters::trial::{Aim, Came, Trial};
use crate::hostile::{self, Column, Fault, Good, Hostile, Kind, Papers};
use crate::proto::adapter::v1::fetch_response::Outcome;
use crate::proto::adapter::v1::{FetchResponse, Found, NotFound};
use crate::proto::gateway::v1::Value;
use crate::proto::gateway::v1::value::Kind as Holds;
use crate::query::FactCode;

/// Enough for any reply that ends by itself, on any machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// For faults that never end.
const DEADLINE: Duration = Duration::from_millis(700);
/// What a busy machine may take beyond a deadline. It bounds nothing but "for ever".
const MARGIN: Duration = Duration::from_secs(30);
/// Faults tried at once.
const AT_ONCE: usize = 8;

const HTTP: &str = r#"
[http]
base = "https://police.example"
ca = "ca.pem"
[[operation]]
fact = "P1"
[operation.request]
path = "/"
json = { n = 'subject.person.document_number' }
[operation.outcome]
unavailable = 'resp.body.code == "99"'
not_found = 'resp.body.code == "404"'
found = 'resp.body.code == "200"'
[operation.attributes]
identity_match = 'resp.body.match'
deceased = 'false'
"#;

const SOAP: &str = r#"
[soap]
base = "https://police.example"
ca = "ca.pem"
version = "1.1"
[[operation]]
fact = "P1"
[operation.request]
path = "/"
action = "urn:query"
body = '<q:query xmlns:q="urn:q"><n>{subject.person.document_number}</n></q:query>'
[operation.outcome]
not_found = 'resp.body.answer.known == "0"'
found = 'true'
[operation.attributes]
identity_match = 'codes.flag[resp.body.answer.match]'
deceased = 'false'
[operation.codes.flag]
"1" = true
"0" = false
"#;

const SQL: &str = r#"
[secrets]
password = { file = "password" }
[sql]
host = "police.example"
database = "front"
user = "fund_centre"
password = "password"
ca = "ca.pem"
max_rows = 100
[[operation]]
fact = "P1"
statement = "SELECT n, same FROM people WHERE n = $1"
parameters = ['subject.person.document_number']
[operation.outcome]
not_found = 'size(resp.rows) == 0 || resp.rows[0].n == "nobody"'
found = 'true'
[operation.attributes]
identity_match = 'resp.rows[0].same'
deceased = 'false'
"#;

const FILE: &str = r#"
[file]
folder = "dropped"
pattern = "people-*.csv"
as_of = "yyyyMMdd"
digest = "sm3"
charset = "gb18030"
separator = "|"
key = "n"
[[operation]]
fact = "P1"
lookup = '"张三"'
[operation.outcome]
not_found = 'size(resp.rows) == 0 || resp.rows[0].same == "nobody"'
found = 'true'
[operation.attributes]
identity_match = 'resp.rows[0].same == "1"'
deceased = 'false'
"#;

const GRPC: &str = r#"
[grpc]
endpoint = "https://police.example:1"
ca = "ca.pem"
[[operation]]
fact = "P1"
"#;

fn trial(folder: &tempfile::TempDir, manifest: &str) -> Trial {
    let head = "schema = 1\nname = \"police\"\nversion = \"1.0.0\"\nagency = \"police\"\n";
    let file = folder.path().join("police.toml");
    fs::write(&file, format!("{head}{manifest}")).unwrap();
    Trial::with_facts(&file, vec![facts(&"P1".into()).unwrap()]).unwrap()
}

/// What came of one fault, and how long it took.
async fn tried(trial: &Trial, papers: &Papers, kind: Kind, fault: &Fault, good: &Good) -> Came {
    let fact = FactCode::from("P1");
    let facts = ["P1".to_owned()];
    let hostile = Hostile::open(papers, kind, fault, &facts, good).await.unwrap();
    let aim = Aim {
        address: hostile.address(),
        folder: hostile.folder(),
        authority: papers.authority().to_owned(),
        timeout: PATIENCE,
        with_session: true,
    };
    let budget = if fault.is_endless { DEADLINE } else { PATIENCE };
    let began = Instant::now();
    let came = trial.ask(&aim, &fact, NOW, budget).await.unwrap();
    assert!(began.elapsed() < budget + MARGIN, "{}: {:?}", fault.name, began.elapsed());
    assert!(hostile.reached() > 0, "{}: nobody was asked", fault.name);
    assert_eq!(hostile.betrayed(), 0, "{}", fault.name);
    came
}

async fn all(manifest: &str, kind: Kind, cases: [(Came, Good); 2]) {
    let folder = tempfile::tempdir().unwrap();
    let (trial, papers) = (trial(&folder, manifest), Papers::new().unwrap());
    let mut wrong = BTreeSet::new();
    for (undamaged, good) in cases {
        let none = hostile::none(kind, &good);
        assert_eq!(tried(&trial, &papers, kind, &none, &good).await, undamaged);
        let faults = hostile::faults(kind, &good);
        let came: Vec<(&Fault, Came)> = stream::iter(&faults)
            .map(async |fault| (fault, tried(&trial, &papers, kind, fault, &good).await))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        for (fault, came) in came {
            match came {
                Came::Failed(failure) if fault.must.allows(failure.reason) => {
                    assert!(!failure.detail.contains("430000"), "{}", failure.detail);
                }
                other => {
                    wrong.insert(format!(
                        "{} ({undamaged:?}): {other:?}, wanted {}",
                        fault.name,
                        fault.must.wanted()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn body(text: &str) -> Good {
    Good { body: text.as_bytes().to_vec(), ..Good::default() }
}

#[tokio::test]
async fn nothing_wrong_over_http_is_an_answer() {
    let found = body(r#"{"code":"200","match":true,"note":"所有的人"}"#);
    let not_found = body(r#"{"code":"404","note":"没有这个人"}"#);
    all(HTTP, Kind::Http, [(Came::Found, found), (Came::NotFound, not_found)]).await;
}

/// Where "no record" is an empty list, nothing else that is empty is one.
#[tokio::test]
async fn no_list_of_rows_is_no_empty_list() {
    let manifest = HTTP
        .replace("\nfact =", "\ndocument = 'resp.body.data.rows'\nfact =")
        .replace("'resp.body.code == \"99\"'", "'resp.body.code != \"0\"'")
        .replace("'resp.body.code == \"404\"'", "'count(doc) == 0'")
        .replace("'resp.body.code == \"200\"'", "'count(doc) == 1'")
        .replace("'resp.body.match'", "'doc[0].match'");
    let found = body(r#"{"code":"0","data":{"rows":[{"match":true,"note":"所有的人"}]}}"#);
    let not_found = body(r#"{"code":"0","data":{"rows":[],"note":"没有这个人"}}"#);
    all(&manifest, Kind::Http, [(Came::Found, found), (Came::NotFound, not_found)]).await;
}

#[tokio::test]
async fn nothing_wrong_over_soap_is_an_answer() {
    let envelope = |known: &str| {
        body(&format!(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><answer><known>{known}</known><match>1</match><note>所有的人</note></answer></s:Body></s:Envelope>"
        ))
    };
    let cases = [(Came::Found, envelope("1")), (Came::NotFound, envelope("0"))];
    all(SOAP, Kind::Http, cases).await;
}

#[tokio::test]
async fn nothing_wrong_with_a_database_is_an_answer() {
    let row = |number: &str| Good {
        row: vec![Column::text("n", number), Column::truth("same", true)],
        ..Good::default()
    };
    let cases = [(Came::Found, row("4")), (Came::NotFound, row("nobody"))];
    all(SQL, Kind::Postgres, cases).await;
}

#[tokio::test]
async fn nothing_wrong_with_a_database_of_mysql_is_an_answer() {
    let manifest = SQL.replace("[sql]", "[sql]\ndialect = \"mysql\"");
    let row = |number: &str| Good {
        row: vec![Column::text("n", number), Column::truth("same", true)],
        ..Good::default()
    };
    let cases = [(Came::Found, row("4")), (Came::NotFound, row("nobody"))];
    all(&manifest, Kind::Mysql, cases).await;
}

#[tokio::test]
async fn nothing_wrong_with_a_dropped_table_is_an_answer() {
    let unnamed = FILE.replace("key =", "columns = [\"same\", \"n\"]\nkey =");
    for manifest in [FILE, &unnamed] {
        let folder = tempfile::tempdir().unwrap();
        let trial = trial(&folder, manifest);
        let table = |key: &str, same: &str| {
            let row = [("n".to_owned(), key.to_owned()), ("same".to_owned(), same.to_owned())];
            let table = trial.table(NOW, &row);
            Good { table, ..Good::default() }
        };
        let cases = [(Came::Found, table("张三", "1")), (Came::NotFound, table("张三", "nobody"))];
        all(manifest, Kind::Folder, cases).await;
    }
}

#[tokio::test]
async fn nothing_wrong_with_a_program_is_an_answer() {
    let truth = |truth| Value { kind: Some(Holds::Truth(truth)) };
    let attributes = [("identity_match", true), ("deceased", false)];
    let found = Found {
        attributes: attributes.map(|(name, is)| (name.to_owned(), truth(is))).into(),
        ..Found::default()
    };
    let says = |outcome| Good {
        message: FetchResponse { outcome: Some(outcome) }.encode_to_vec(),
        ..Good::default()
    };
    let cases = [
        (Came::Found, says(Outcome::Found(found))),
        (Came::NotFound, says(Outcome::NotFound(NotFound::default()))),
    ];
    all(GRPC, Kind::Grpc, cases).await;
}

#[tokio::test]
async fn a_maintenance_window_hides_no_fault() {
    let folder = tempfile::tempdir().unwrap();
    let days = "days = [\"Monday\", \"Tuesday\", \"Wednesday\", \"Thursday\", \"Friday\", \"Saturday\", \"Sunday\"]";
    let window = format!("[[maintenance]]\n{days}\nfrom = \"00:00\"\nto = \"24:00\"\n");
    let (trial, papers) = (trial(&folder, &format!("{HTTP}{window}")), Papers::new().unwrap());
    let good = body(r#"{"code":"200","match":true}"#);
    let none = hostile::none(Kind::Http, &good);
    assert_eq!(tried(&trial, &papers, Kind::Http, &none, &good).await, Came::Found);
}

/// What `heyan adapter check --level faults` damages is an answer, for every fact of the samples.
#[tokio::test]
async fn the_fixtures_of_the_samples_hold_answers_to_be_damaged() {
    let samples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config-example");
    let catalogue = crate::catalogue::Catalogue::load(&samples.join("catalogue")).unwrap();
    let papers = Papers::new().unwrap();
    let mut unproved = BTreeSet::new();
    for file in crate::finding::files_in(&samples.join("adapters"), "toml").unwrap() {
        let trial = Trial::read(&file, &catalogue).unwrap();
        for fact in trial.facts() {
            let mut came = BTreeSet::new();
            for sample in trial.samples(fact) {
                let none = hostile::none(trial.plays(), &sample.good);
                let facts: Vec<String> = trial.facts().iter().map(ToString::to_string).collect();
                let hostile = Hostile::open(&papers, trial.plays(), &none, &facts, &sample.good)
                    .await
                    .unwrap();
                let aim = Aim {
                    address: hostile.address(),
                    folder: hostile.folder(),
                    authority: papers.authority().to_owned(),
                    timeout: PATIENCE,
                    with_session: false,
                };
                match trial.ask_for(&aim, &sample, PATIENCE).await.unwrap() {
                    Came::Found => came.insert("found".to_owned()),
                    Came::NotFound => came.insert("not_found".to_owned()),
                    other => came.insert(format!("{other:?}")),
                };
            }
            if !came.contains("found") {
                unproved.insert(fact.to_string());
            }
        }
    }
    // Numbers, nulls and several rows are what the hostile databases cannot say.
    assert_eq!(unproved.into_iter().collect::<Vec<_>>(), ["S1", "S2", "S3", "S6"]);
}
