//! `heyan adapter try`, through every manifest of the samples to the agency it names: all steps shown, no secret among them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use heyan::adapters::workbench::{Conclusion, Received, Sent, Step, Steps, Workbench};
use heyan::clock::now;
use heyan::query::record::Finding;
use heyan::query::subject::Subject;
use heyan::query::{FactCode, ItemCode, Operator, Purpose, Query};
use heyan::simulate::samples;

use crate::support::{Lab, PATIENCE};

/// One fact of every agency, its manifest, and a transport each.
const FACTS: [(&str, &str); 6] = [
    ("P1", "police"),
    ("M1", "civil-affairs"),
    ("S1", "social-security"),
    ("H2", "housing"),
    ("T1", "tax"),
    ("E1", "market-regulation"),
];

pub(crate) fn query(fact: &str, subjects: Vec<Subject>) -> Query {
    Query {
        request_id: [7; 16],
        fact: FactCode::new(fact),
        relations: vec![None; subjects.len()],
        subjects,
        assertions: Vec::new(),
        disclose: Vec::new(),
        purpose: Purpose {
            item: ItemCode::new("W3"),
            item_version: "2026.2".to_owned(),
            case_number: "GJJ-2026-000123".to_owned(),
            notice: "hn-gjj-sw-2026".to_owned(),
            consent: "SQ-2026-000123".to_owned(),
            ..Purpose::default()
        },
        operator: Operator { id: "operator".to_owned(), unit: "hall-1".to_owned() },
        max_age: None,
        want_receipt: false,
    }
}

async fn tried(lab: &Lab, fact: &str, agency: &str, granted: Option<&str>) -> Steps {
    let file = lab.path(format!("adapters/{agency}.toml"));
    let bench = Workbench::open(&file, &lab.catalogue).ok().unwrap();
    assert!(bench.is_at_home());
    let known = lab.catalogue.fact(&fact.into()).unwrap();
    let names = known.attributes.iter().map(|attribute| attribute.name.clone());
    let granted: BTreeSet<String> =
        names.filter(|name| granted.is_none_or(|only| only == name)).collect();
    let sample = samples::question(fact, lab.simulation.province());
    let question = query(fact, sample.subjects);
    bench.try_one(&question, &granted, now(), PATIENCE).await.ok().unwrap()
}

/// Every secret of the installation.
pub(crate) fn secrets(lab: &Lab) -> Vec<String> {
    let files = std::fs::read_dir(lab.path("secrets")).unwrap();
    let read = |path: &Path| std::fs::read_to_string(path).unwrap().trim().to_owned();
    files.map(|file| read(&file.unwrap().path())).filter(|secret| !secret.is_empty()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_agency_is_shown_with_its_exchanges_its_expressions_and_its_record() {
    let lab = Lab::prepare(&[]).await;
    for (fact, agency) in FACTS {
        let steps = tried(&lab, fact, agency, None).await;
        let Conclusion::Found { attributes, dropped, .. } = &steps.conclusion else {
            panic!("{fact}: {:?}", steps.conclusion);
        };
        let Finding::Found(expected) = samples::question(fact, lab.simulation.province()).record
        else {
            panic!("{fact}: the sample has no record");
        };
        let told: BTreeSet<&str> = attributes.iter().map(|told| told.name.as_str()).collect();
        assert_eq!(told, expected.keys().map(String::as_str).collect(), "{fact}");
        assert!(dropped.is_empty(), "{fact}: {dropped:?}");
        let sent = steps.steps.iter().filter(|step| matches!(step, Step::Sent(_))).count();
        let received = steps.steps.iter().filter(|step| matches!(step, Step::Received(_))).count();
        assert!(sent == received && sent > 0, "{fact}: {sent} and {received}");
        let evaluated = steps.steps.iter().filter_map(|step| match step {
            Step::Evaluated(evaluated) => Some(evaluated),
            _ => None,
        });
        let keys: BTreeSet<&str> = evaluated.clone().map(|one| one.key.as_str()).collect();
        assert!(evaluated.clone().all(|one| one.line.is_some() && !one.key.is_empty()), "{fact}");
        if agency == "tax" {
            // A program's attributes come by name: there is nothing to evaluate.
            assert!(keys.is_empty() && steps.decided_by.is_none(), "{fact}: {keys:?}");
            continue;
        }
        for name in expected.keys() {
            assert!(keys.contains(format!("attributes.{name}").as_str()), "{fact}: {name}");
        }
        assert!(keys.contains("outcome.echo"), "{fact}: {keys:?}");
        assert_eq!(steps.decided_by.as_ref().unwrap().0, "outcome.found", "{fact}");
        // The line is the expression's own.
        let manifest =
            std::fs::read_to_string(lab.path(format!("adapters/{agency}.toml"))).unwrap();
        let lines: Vec<&str> = manifest.lines().collect();
        for one in evaluated {
            let line = lines[one.line.unwrap() as usize - 1];
            // A key may be written as the name of a secret alone.
            let is_there = line.contains(&one.expression) || one.key.ends_with("sign.key");
            assert!(is_there, "{fact} {}: {line}", one.key);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_session_or_signature_is_shown() {
    let lab = Lab::prepare(&[]).await;
    let secrets = secrets(&lab);
    assert!(secrets.len() >= 6);
    for (fact, agency) in FACTS {
        let steps = tried(&lab, fact, agency, None).await;
        let shown = serde_json::to_string(&steps).unwrap();
        for secret in &secrets {
            assert!(!shown.contains(secret.as_str()), "{fact}: a secret is shown");
        }
        if agency != "social-security" && agency != "tax" {
            assert!(shown.contains("•••"), "{fact}: nothing was hidden");
        }
        for step in &steps.steps {
            match step {
                Step::Evaluated(one)
                    if one.key.starts_with("session.values") || one.key.ends_with("sign") =>
                {
                    assert_eq!(one.yielded.as_ref().unwrap(), "•••", "{fact}: {}", one.key);
                }
                Step::Sent(Sent::Request { headers, .. }) => {
                    for (name, value) in headers.iter().filter(|(name, _)| name.ends_with("_sign"))
                    {
                        assert_eq!(value, "•••", "{fact}: {name}");
                    }
                }
                _ => {}
            }
        }
    }
    // The token itself, in the reply that hands it out.
    let steps = tried(&lab, "E1", "market-regulation", None).await;
    let handed = steps.steps.iter().find_map(|step| match step {
        Step::Received(Received::Reply { body, .. }) => Some(body),
        _ => None,
    });
    assert!(handed.unwrap().contains("\"accessToken\":\"(text)\""), "the session's token is shown");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_granted_is_named_as_dropped() {
    let lab = Lab::prepare(&[]).await;
    for (fact, agency, granted) in
        [("E1", "market-regulation", "kind"), ("P1", "police", "deceased")]
    {
        let steps = tried(&lab, fact, agency, Some(granted)).await;
        let Conclusion::Found { attributes, dropped, .. } = &steps.conclusion else {
            panic!("{fact}: {:?}", steps.conclusion);
        };
        assert_eq!(attributes.len(), 1);
        assert_eq!(attributes[0].name, granted);
        let entry = attributes[0].entry.as_deref();
        assert!(entry.is_some_and(|entry| entry.starts_with("codes.")), "{fact}: {entry:?}");
        assert!(!dropped.is_empty() && dropped.iter().all(|name| name != granted), "{fact}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agency_that_is_down_is_shown_as_no_answer() {
    let lab = Lab::prepare(&[]).await;
    lab.simulation.faults("police").apply("outage").unwrap();
    let steps = tried(&lab, "P1", "police", None).await;
    assert!(matches!(steps.conclusion, Conclusion::Unavailable { .. }), "{:?}", steps.conclusion);
    assert!(steps.steps.iter().any(|step| matches!(step, Step::Sent(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_asks_shows_and_refuses_strange_addresses() {
    let lab = Lab::prepare(&[]).await;
    let person = samples::question("P1", lab.simulation.province()).subjects.remove(0);
    let heyan::query::subject::SubjectKind::Person(person) = person.kind else { panic!("who?") };
    let manifest = lab.path("adapters/police.toml");
    let run = |manifest: &Path, subject: String| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_heyan"));
        command.args(["adapter", "try"]).arg(manifest);
        command.arg("--catalogue").arg(lab.path("catalogue"));
        command.args(["--fact", "P1", "--deadline", "30s", "--subject", &subject]);
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let subject = format!("person:{}:{}", person.name, person.document_number);
    let (code, shown, told) = run(&manifest, subject.clone());
    assert_eq!(code, Some(0), "{shown}{told}");
    for part in [
        "-> POST /services/GkService",
        "<- 200",
        "outcome.found:",
        "FOUND by",
        "identity_match = true",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    for secret in secrets(&lab) {
        assert!(!shown.contains(&secret));
    }
    let (code, _, told) = run(&manifest, format!("person:{}:430000199001010010", person.name));
    assert!(code == Some(2) && !told.contains(&person.name), "{told}");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let elsewhere = lab.path("adapters/elsewhere.toml");
    std::fs::write(&elsewhere, text.replace("https://127.0.0.1:", "https://192.0.2.1:")).unwrap();
    let (code, _, told) = run(&elsewhere, subject);
    assert!(code == Some(2) && told.contains("--yes-this-asks-a-real-agency"), "{told}");
}
