//! `heyan adapter record`, of every fact of the samples from the agency that its manifest names: it plays, and nobody is in it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

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

/// A manifest over a folder into which an agency drops a table in GB 18030.
const DROPPED: &str = r#"
schema = 1
name = "assessments"
version = "1.0.0"
agency = "social-security"
[file]
folder = "exchange"
pattern = "assessed-*.csv"
as_of = "yyyyMMdd"
digest = "sha256"
charset = "gb18030"
key = "id"
max_age = "8760h"
[[operation]]
fact = "S4"
lookup = 'subject.person.document_number'
document = 'resp.rows.filter(r, fold(r.name) == fold(subject.person.name))'
[operation.outcome]
not_found = 'size(doc) == 0'
found = 'size(doc) == 1'
echo = 'doc[0].id == subject.person.document_number'
[operation.attributes]
grade = 'int(doc[0].grade)'
total_loss = 'int(doc[0].grade) <= 4'
assessed_on = 'date(doc[0].on)'
"#;

/// Invented people of the table; the remark of the second one holds the number that the standard of the numbers prints, and
/// that of the last one a picture.
const ASSESSED: &str = "id,name,grade,on,remark\n\
    430000188001010014,张三,02,20250131,长沙市\n\
    430000188203150023,李四,07,20250228,ID11010519491231002X\n\
    430000199001010026,王五,01,20250301,PICTURE\n";

/// The folder of that agency, with today's table in it.
fn dropped(folder: &Path) -> PathBuf {
    let exchange = folder.join("exchange");
    fs::create_dir(&exchange).unwrap();
    let day = jiff::Timestamp::now().strftime("%Y%m%d");
    let table = exchange.join(format!("assessed-{day}.csv"));
    let assessed = ASSESSED.replace("PICTURE", &"/9j/4AAQSkZJRgABAQEA".repeat(10));
    let bytes = encoding_rs::GB18030.encode(&assessed).0.into_owned();
    fs::write(&table, &bytes).unwrap();
    let digest = heyan::crypto::hex(&heyan::crypto::sha256(&bytes));
    fs::write(table.with_extension("csv.ok"), digest).unwrap();
    let manifest = folder.join("assessments.toml");
    fs::write(&manifest, DROPPED).unwrap();
    manifest
}

/// Exit code and what is printed.
fn typed(manifest: &Path, person: &str, name: &str, further: &[&str]) -> (Option<i32>, String) {
    let catalogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("config-example/catalogue");
    let output = Command::new(env!("CARGO_BIN_EXE_heyan"))
        .args(["adapter", "record"])
        .arg(manifest)
        .arg("--catalogue")
        .arg(catalogue)
        .args(["--fact", "S4", "--subject", person, "--name", name])
        .args(further)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn the_command_appends_replaces_and_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = dropped(folder.path());
    let file = folder.path().join("assessments/S4.toml");
    let (code, told) = typed(&manifest, "person:张三:430000188001010014", "total", &[]);
    assert!(code == Some(0) && told.contains("`total`, found, 1 exchanges"), "{told}");
    // What people write beside it stays, whatever is recorded next.
    let text = fs::read_to_string(&file).unwrap();
    let text = format!("# Ours.\n{}", text.replace("[[fixture]]", "# The first.\n[[fixture]]"));
    fs::write(&file, &text).unwrap();
    let (code, told) = typed(&manifest, "person:李四:430000188203150023", "partial", &[]);
    assert!(code == Some(0), "{told}");
    let appended = fs::read_to_string(&file).unwrap();
    assert!(appended.starts_with(text.trim_end()), "{appended}");

    // A name that is taken is taken, unless it is to be replaced: then this one alone is another.
    let (code, told) = typed(&manifest, "person:李四:430000188203150023", "total", &[]);
    assert!(code == Some(2) && told.contains("has a fixture `total`"), "{told}");
    assert_eq!(fs::read_to_string(&file).unwrap(), appended);
    let (code, told) = typed(&manifest, "person:李四:430000188203150023", "total", &["--replace"]);
    assert!(code == Some(0), "{told}");
    let replaced = fs::read_to_string(&file).unwrap();
    assert!(replaced.contains("# Ours.\n") && replaced.contains("# The first.\n[[fixture]]"));
    let (first, second) = replaced.rsplit_once("[[fixture]]").unwrap();
    assert!(first.contains("grade = 7") && !first.contains("grade = 2"), "{first}");
    assert_eq!(second.trim_end(), appended.rsplit_once("[[fixture]]").unwrap().1.trim_end());

    // Nobody of that number: an answer too.
    let (code, told) = typed(&manifest, "person:赵六:430000196001010022", "nobody", &[]);
    assert!(code == Some(0) && told.contains("not_found"), "{told}");
    // What nobody can look into ends it.
    let before = fs::read_to_string(&file).unwrap();
    let (code, told) = typed(&manifest, "person:王五:430000199001010026", "remark", &[]);
    assert!(code == Some(2) && told.contains("by hand"), "{told}");
    assert!(!told.contains("4AAQSkZJRg") && !told.contains("王五"), "{told}");
    assert_eq!(fs::read_to_string(&file).unwrap(), before);

    for real in [
        "张三",
        "李四",
        "赵六",
        "长沙",
        "430000188001010014",
        "430000188203150023",
        "11010519491231002",
    ] {
        assert!(!before.contains(real), "{real} is written");
    }
    let catalogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("config-example/catalogue");
    let catalogue = heyan::catalogue::Catalogue::load(&catalogue).unwrap();
    for rehearsal in rehearse(&manifest, &catalogue) {
        assert!(rehearsal.findings().is_empty(), "{:#?}", rehearsal.findings());
        assert_eq!(rehearsal.played.len(), 3);
    }
}
