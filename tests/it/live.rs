//! `heyan adapter check --level live`: every sample put to the agency it names; what goes wrong is told with what to try
//! next, and nothing about anybody is.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use heyan::query::subject::{Subject, SubjectKind};
use heyan::simulate::samples;
use serde_json::Value as Json;

use crate::support::Lab;
use crate::workbench::secrets;

const AGENCIES: [&str; 6] =
    ["police", "civil-affairs", "social-security", "housing", "tax", "market-regulation"];

fn facts(lab: &Lab, agency: &str) -> Vec<String> {
    let facts = lab.catalogue.facts().filter(|fact| fact.agency.as_str() == agency);
    facts.map(|fact| fact.code.as_str().to_owned()).collect()
}

fn subject(subject: &Subject) -> String {
    let fields: Vec<(&str, &str)> = match &subject.kind {
        SubjectKind::Person(person) => vec![
            ("document_type", person.document_type.name()),
            ("document_number", &person.document_number),
            ("name", &person.name),
        ],
        SubjectKind::Employer(employer) => {
            vec![("uscc", &employer.uscc), ("name", &employer.name)]
        }
        SubjectKind::Property(home) => vec![
            ("unit_number", &home.unit_number),
            ("certificate_number", &home.certificate_number),
            ("address", &home.address),
            ("division", &home.division),
        ],
        SubjectKind::Document(document) => vec![
            ("number", &document.number),
            ("code", &document.code),
            ("division", &document.division),
        ],
    };
    let fields = fields.into_iter().map(|(key, value)| format!("{key} = \"{value}\"\n"));
    format!("[[question.subject]]\nrole = \"{}\"\n{}", subject.role, fields.collect::<String>())
}

/// A file of questions about these facts, which only its owner can read, and everything in it that nobody may be told.
fn questions(lab: &Lab, facts: &[String]) -> (PathBuf, Vec<String>) {
    let (mut text, mut people) = (String::new(), Vec::new());
    for fact in facts {
        let subjects = samples::question(fact, lab.simulation.province()).subjects;
        text.push_str(&format!(
            "[[question]]\nfact = \"{fact}\"\npurpose = {{ item = \"W3\", item_version = \"2026.2\", case_number = \
             \"GJJ-2026-000123\", consent = \"SQ-2026-000123\" }}\noperator = {{ id = \"operator\", unit = \"hall-1\" }}\n"
        ));
        for one in &subjects {
            text.push_str(&subject(one));
            if let SubjectKind::Person(person) = &one.kind {
                people.extend([person.document_number.clone(), person.name.clone()]);
            }
        }
    }
    let file = lab.path("questions.toml");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    (file, people)
}

fn check(lab: &Lab, manifest: &Path, more: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heyan"));
    command.args(["adapter", "check", "--level", "live", "--deadline", "30s"]).arg(manifest);
    command.arg("--catalogue").arg(lab.path("catalogue")).args(more);
    let output = command.output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code(), out, err)
}

/// One agency asked, as JSON.
fn live(lab: &Lab, agency: &str, facts: &[String]) -> (Option<i32>, Json) {
    let (file, people) = questions(lab, facts);
    let manifest = lab.path(format!("adapters/{agency}.toml"));
    let (code, out, err) =
        check(lab, &manifest, &["--json", "--questions", file.to_str().unwrap()]);
    for hidden in people.iter().chain(&secrets(lab)) {
        assert!(!out.contains(hidden.as_str()) && !err.contains(hidden.as_str()), "{agency}");
    }
    let document = serde_json::from_str::<Json>(&out);
    let mut document = document.unwrap_or_else(|error| panic!("{agency}: {error}: {out}{err}"));
    (code, document["live"][0].take())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_agency_is_asked_every_fact() {
    let lab = Lab::prepare(&[]).await;
    for agency in AGENCIES {
        let facts = facts(&lab, agency);
        let (code, told) = live(&lab, agency, &facts);
        assert_eq!(code, Some(0), "{told:#}");
        let answers = told["facts"].as_array().unwrap();
        assert_eq!(answers.len(), facts.len(), "{told:#}");
        for answer in answers {
            assert_eq!(answer["outcome"], "found", "{agency}: {answer:#}");
            assert!(!answer["attributes"].as_array().unwrap().is_empty(), "{answer:#}");
            assert!(!answer["steps"].as_array().unwrap().is_empty(), "{answer:#}");
            assert!(answer["next"].is_null() && answer["as_of"].is_string(), "{answer:#}");
        }
        let connection = &told["connection"];
        assert!(connection["certificate_expires"].is_string(), "{agency}: {connection:#}");
        assert!(!connection["certificate_names"].as_array().unwrap().is_empty(), "{connection:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_and_build_servers_are_told_too() {
    let lab = Lab::prepare(&[]).await;
    let manifest = lab.path("adapters/market-regulation.toml");
    let (file, people) = questions(&lab, &["E1".to_owned()]);
    let junit = lab.path("report.xml");
    let more = ["--questions", file.to_str().unwrap(), "--junit", junit.to_str().unwrap()];
    let (code, out, err) = check(&lab, &manifest, &more);
    assert_eq!(code, Some(0), "{out}{err}");
    for part in ["✓ E1  found", "log in: POST", "ask: ", "came: ", "certificate of ", "not asked: "]
    {
        assert!(out.contains(part), "{part}\n{out}");
    }
    let xml = fs::read_to_string(&junit).unwrap();
    assert!(xml.contains("classname=\"market-regulation.live\" name=\"E1\""), "{xml}");
    assert!(people.iter().all(|hidden| !out.contains(hidden) && !xml.contains(hidden)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agency_that_is_down_is_no_answer() {
    let lab = Lab::prepare(&[]).await;
    lab.simulation.faults("civil-affairs").set_outage(true);
    let (code, told) = live(&lab, "civil-affairs", &["M1".to_owned()]);
    let answer = &told["facts"][0];
    assert_eq!((code, &told["good"]), (Some(1), &false.into()), "{told:#}");
    assert_eq!(answer["answered"], false, "{answer:#}");
    assert!(answer["next"].as_str().is_some_and(|next| !next.is_empty()), "{answer:#}");
    // Nobody there at all: the same manifest at an address that was free a moment ago.
    let manifest = lab.path("adapters/civil-affairs.toml");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    rewrite(&manifest, |line| match line.starts_with("base ") {
        true => format!("base = \"https://{free}\""),
        false => line.to_owned(),
    });
    let (code, told) = live(&lab, "civil-affairs", &["M1".to_owned()]);
    let answer = &told["facts"][0];
    assert_eq!((code, &answer["outcome"]), (Some(1), &"unreachable".into()), "{told:#}");
    assert!(
        answer["next"].as_str().unwrap().starts_with("nobody answers at `127.0.0.1:"),
        "{answer:#}"
    );
}

fn rewrite(manifest: &Path, change: impl Fn(&str) -> String) {
    let text = fs::read_to_string(manifest).unwrap();
    let changed: String = text.lines().map(|line| change(line) + "\n").collect();
    assert_ne!(text, changed);
    fs::write(manifest, changed).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_name_is_told_apart() {
    let lab = Lab::prepare(&[]).await;
    let manifest = lab.path("adapters/tax.toml");
    rewrite(&manifest, |line| line.replace("\"localhost\"", "\"tax.example\""));
    let (code, told) = live(&lab, "tax", &["T1".to_owned()]);
    let answer = &told["facts"][0];
    assert_eq!((code, &answer["outcome"]), (Some(1), &"unreachable".into()), "{told:#}");
    assert!(answer["next"].as_str().unwrap().contains("another name's"), "{answer:#}");
    assert!(told["connection"]["problem"].as_str().unwrap().contains("tax.example"), "{told:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_told_apart() {
    let lab = Lab::prepare(&[]).await;
    for (secret, agency, fact) in
        [("police-app-key", "police", "P1"), ("social-security-password", "social-security", "S1")]
    {
        fs::write(lab.path(format!("secrets/{secret}")), "another-secret-0123456789").unwrap();
        let (code, told) = live(&lab, agency, &[fact.to_owned()]);
        let answer = &told["facts"][0];
        assert_eq!((code, &answer["outcome"]), (Some(1), &"refused".into()), "{told:#}");
        assert!(answer["next"].as_str().unwrap().contains("`[secrets]`"), "{answer:#}");
        assert!(told["connection"]["certificate_expires"].is_string(), "{told:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_without_being_told_whom_and_that_it_is_meant() {
    let lab = Lab::prepare(&[]).await;
    let manifest = lab.path("adapters/police.toml");
    let (code, out, err) = check(&lab, &manifest, &[]);
    assert_eq!(code, Some(2), "{out}{err}");
    for part in ["--questions", "[[question]]\nfact = \"P1\"", "role = \"person\"", "chmod 600"] {
        assert!(err.contains(part), "{part}\n{err}");
    }
    let (file, people) = questions(&lab, &["P1".to_owned()]);
    let named = ["--questions", file.to_str().unwrap()];
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let (code, out, err) = check(&lab, &manifest, &named);
    assert!(code == Some(2) && out.contains("chmod 600"), "{out}{err}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let wrong = fs::read_to_string(&file).unwrap().replace("name = ", "nam = ");
    fs::write(&file, wrong).unwrap();
    let (code, out, err) = check(&lab, &manifest, &named);
    assert!(code == Some(2) && out.contains("unknown key `nam`"), "{out}{err}");
    assert!(people.iter().all(|hidden| !out.contains(hidden) && !err.contains(hidden)));
    let (file, _) = questions(&lab, &["M1".to_owned()]);
    let (code, _, err) = check(&lab, &manifest, &["--questions", file.to_str().unwrap()]);
    assert!(code == Some(2) && err.contains("no manifest here answers `M1`"), "{err}");
    let (file, _) = questions(&lab, &["P1".to_owned()]);
    rewrite(&manifest, |line| line.replace("https://127.0.0.1:", "https://192.0.2.1:"));
    let asked = lab.simulation.asked("police");
    let (code, _, err) = check(&lab, &manifest, &["--questions", file.to_str().unwrap()]);
    assert!(code == Some(2) && err.contains("--yes-this-asks-a-real-agency"), "{err}");
    assert_eq!(lab.simulation.asked("police"), asked);
}
