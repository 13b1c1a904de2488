//! `heyan adapter record`, of every fact of the samples from the agency that its manifest names: it plays, and nobody is in it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use heyan::adapters::rehearse;
use heyan::adapters::workbench::{Conclusion, RecordError, Recorded, Target, Workbench};
use heyan::clock::now;
use heyan::query::subject::SubjectKind;
use heyan::simulate::samples;

use crate::support::{Lab, PATIENCE};
use crate::workbench::{query, secrets};

const AGENCIES: [&str; 6] =
    ["police", "civil-affairs", "social-security", "housing", "tax", "market-regulation"];

async fn recorded(
    lab: &Lab,
    manifest: &Path,
    fact: &str,
    into: &Path,
) -> Result<Recorded, RecordError> {
    let bench = Workbench::open(manifest, &lab.catalogue).ok().unwrap();
    let known = lab.catalogue.fact(&fact.into()).unwrap();
    let granted: BTreeSet<String> =
        known.attributes.iter().map(|attribute| attribute.name.clone()).collect();
    let sample = samples::question(fact, lab.simulation.province());
    let question = query(fact, sample.subjects);
    let target = Target { into: into.to_owned(), name: "recorded".to_owned(), replace: false };
    bench.record(&question, &granted, now(), PATIENCE, &target).await
}

/// The manifest under a name of its own, so that its folder of fixtures is empty.
fn copied(lab: &Lab, agency: &str) -> PathBuf {
    let text = std::fs::read_to_string(lab.path(format!("adapters/{agency}.toml"))).unwrap();
    let copy = lab.path(format!("adapters/{agency}-copy.toml"));
    std::fs::write(&copy, text).unwrap();
    copy
}

/// Everything about the people of a question that must not be written.
fn people(lab: &Lab, fact: &str) -> Vec<String> {
    let subjects = samples::question(fact, lab.simulation.province()).subjects;
    let values = subjects.into_iter().flat_map(|subject| match subject.kind {
        SubjectKind::Person(person) => vec![person.document_number, person.name],
        SubjectKind::Employer(employer) => vec![employer.uscc, employer.name],
        SubjectKind::Property(home) => {
            vec![home.unit_number, home.certificate_number, home.address]
        }
        SubjectKind::Document(document) => vec![document.number, document.code],
    });
    values.filter(|value| !value.is_empty()).collect()
}

fn written(text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let percent: String = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
    vec![text.to_owned(), hex, percent]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fact_is_recorded_plays_and_holds_nobody() {
    let lab = Lab::prepare(&[]).await;
    let secrets = secrets(&lab);
    let mut problems = Vec::new();
    for agency in AGENCIES {
        let manifest = copied(&lab, agency);
        let into = manifest.with_extension("");
        let bench = Workbench::open(&manifest, &lab.catalogue).ok().unwrap();
        let facts: Vec<String> = bench.facts().map(str::to_owned).collect();
        assert!(!facts.is_empty());
        for fact in &facts {
            match recorded(&lab, &manifest, fact, &into).await {
                Ok(recorded) if recorded.outcome != "found" => {
                    problems.push(format!("{fact}: {}", recorded.outcome));
                }
                Ok(recorded) => {
                    let text = std::fs::read_to_string(&recorded.file).unwrap();
                    for value in
                        people(&lab, fact).iter().chain(&secrets).flat_map(|one| written(one))
                    {
                        if text.contains(&value) {
                            problems.push(format!("{fact}: something real is written"));
                        }
                    }
                }
                Err(error) => problems.push(format!("{fact}: {error}")),
            }
        }
        for rehearsal in rehearse(&manifest, &lab.catalogue) {
            problems.extend(rehearsal.findings().iter().map(|flaw| format!("{agency}: {flaw}")));
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_can_be_tried_and_is_not_overwritten() {
    let lab = Lab::prepare(&[]).await;
    let manifest = copied(&lab, "police");
    let into = manifest.with_extension("");
    let done = recorded(&lab, &manifest, "P1", &into).await.unwrap();
    let bench = Workbench::open_without_files(&manifest, &lab.catalogue).ok().unwrap();
    let steps = bench.try_fixture(&done.file, Some("recorded"), PATIENCE).await.ok().unwrap();
    assert!(matches!(steps.conclusion, Conclusion::Found { .. }), "{:?}", steps.conclusion);
    let again = recorded(&lab, &manifest, "P1", &into).await;
    assert!(matches!(again, Err(RecordError::Taken(..))));
    lab.simulation.faults("police").apply("outage").unwrap();
    std::fs::remove_dir_all(&into).unwrap();
    let none = recorded(&lab, &manifest, "P1", &into).await;
    assert!(matches!(none, Err(RecordError::NoReply(1, _))));
    assert!(!into.exists());
}
