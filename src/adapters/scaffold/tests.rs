//! What is begun passes the checks as it stands, for every fact of the sample catalogue and every kind.

mod described;

use std::path::Path;

use super::*;
use crate::adapters::fixture;
use crate::adapters::{Depth, check};
use crate::catalogue::Catalogue;
use crate::finding::Finding;

const KINDS: [Kind; 5] = [Kind::Http, Kind::Soap, Kind::Sql, Kind::File, Kind::Grpc];

pub(super) fn catalogue() -> Catalogue {
    Catalogue::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("config-example/catalogue"))
        .unwrap()
}

pub(super) fn plan(kind: Kind, facts: Vec<Fact>, service: Option<Service>) -> Plan {
    let agency = facts[0].agency.clone();
    let at = Timestamp::from_seconds(1_790_000_000);
    Plan { name: "begun".to_owned(), agency, kind, facts, service, at }
}

/// Flaws of what was begun: of the manifest, and of its fixtures.
pub(super) fn flaws(plan: &Plan) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("begun.toml");
    let starter = begin(plan);
    std::fs::write(&file, &starter.manifest).unwrap();
    let catalogue = catalogue();
    let mut flaws = check(&file, &catalogue, Depth::ManifestOnly).findings;
    let find = |code: &crate::query::FactCode| catalogue.fact(code).cloned();
    for (name, text) in &starter.fixtures {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        flaws.extend(fixture::read(&file, &find).err().unwrap_or_default());
    }
    flaws.iter().map(Finding::to_string).collect()
}

#[tokio::test]
async fn every_fact_can_be_begun_over_every_kind() {
    for fact in catalogue().facts() {
        for kind in KINDS {
            let plan = plan(kind, vec![fact.clone()], None);
            let flaws = flaws(&plan);
            let manifest = begin(&plan).manifest;
            assert!(flaws.is_empty(), "{} {kind:?}: {flaws:#?}\n{manifest}", fact.code);
            assert!(!manifest.contains('@'), "{manifest}");
            for attribute in &fact.attributes {
                assert!(manifest.contains(&attribute.name), "{manifest}");
            }
        }
    }
}

#[tokio::test]
async fn all_facts_of_an_agency_go_into_one_manifest() {
    let catalogue = catalogue();
    let facts: Vec<Fact> =
        catalogue.facts().filter(|fact| fact.agency.as_str() == "civil-affairs").cloned().collect();
    assert!(facts.len() > 3);
    let plan = plan(Kind::Http, facts, None);
    assert!(flaws(&plan).is_empty(), "{:#?}", flaws(&plan));
    assert_eq!(begin(&plan).fixtures.len(), plan.facts.len());
}

#[test]
fn what_is_put_in_is_never_looked_at_again() {
    let text = filled("a @one@ @two@ b@c @one", &[("one", "@two@"), ("two", "2")]);
    assert_eq!(text, "a @two@ 2 b@c @one");
}
