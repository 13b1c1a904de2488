//! Manifests with fixtures, put in force and reloaded.

use std::fs;

use super::agency::Office;
use crate::adapters::fixture::made_up;
use crate::crypto::Digest;

fn place(office: &Office, fixtures: &str) {
    let manifest = include_str!("../fixture/tests/agency.toml")
        .replace("\"nowhere\"", "\"../app_key\"")
        .replace("nowhere.pem", "../ca.pem");
    office.place("agency.toml", &manifest);
    let folder = office.path().join("adapters/agency");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("M2.toml"), fixtures).unwrap();
}

#[test]
fn a_manifest_whose_fixtures_fail_does_not_come_into_force() {
    let office = Office::new();
    let good = include_str!("../fixture/tests/M2.toml").replace("OTHER", &made_up("other"));
    let broken = good.replacen("married = true", "married = false", 1);
    place(&office, &broken);
    let (adapters, findings) = office.load(None);
    assert_eq!(adapters.all().len(), 0);
    let told = findings[0].to_string();
    assert!(told.contains("expected false, found true (agency.toml:39"), "{told}");
    // A file that cannot be read refuses the manifest as well.
    place(&office, &good.replacen("nonce", "nonsense", 1));
    let (adapters, findings) = office.load(None);
    assert_eq!((adapters.all().len(), findings.len()), (0, 1));
    assert!(findings[0].problem.contains("unknown key `nonsense`"), "{findings:?}");

    place(&office, &good);
    let (adapters, findings) = office.load(None);
    assert_eq!(findings, []);
    let digest = |adapters: &crate::adapters::Adapters| -> Digest { *adapters.all()[0].digest() };
    let in_force = digest(&adapters);

    // The last good version stays when a changed manifest, or its changed fixtures, disagree with each other.
    place(&office, &broken);
    let (kept, findings) = office.load(Some(&adapters));
    assert_eq!((kept.all().len(), findings.len()), (1, 1));
    place(&office, &good);
    let file = office.path().join("adapters/agency.toml");
    let manifest = fs::read_to_string(&file).unwrap();
    fs::write(&file, manifest.replace("\"0\" = false", "\"0\" = true")).unwrap();
    let (kept, findings) = office.load(Some(&kept));
    assert_eq!(digest(&kept), in_force);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].problem.starts_with("fixture `not married`: attribute married"));
}

/// A reload happens inside the gateway's runtime, a check outside any.
#[tokio::test]
async fn fixtures_are_played_inside_a_runtime_too() {
    let office = Office::new();
    let good = include_str!("../fixture/tests/M2.toml").replace("OTHER", &made_up("other"));
    place(&office, &good);
    assert_eq!(office.load(None).1, []);
}
