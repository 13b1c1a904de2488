//! The three forms of a report, over a sample with fixtures, and over the same with a mistake in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Report, junit, people, programs};
use crate::adapters::scaffold::{self, Kind, Plan};
use crate::adapters::{self, Depth};
use crate::catalogue::Catalogue;
use crate::query::time::Timestamp;

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config-example");

fn report(path: &PathBuf) -> Report<'_> {
    let catalogue = Catalogue::load(&Path::new(SAMPLES).join("catalogue")).unwrap();
    Report {
        path,
        flaws: adapters::check(path, &catalogue, Depth::ManifestOnly).findings,
        cautions: Vec::new(),
        rehearsals: adapters::rehearse(path, &catalogue),
        faults: Vec::new(),
        live: Vec::new(),
    }
}

/// The sample of the police, with one text in its manifest and one in its fixtures of P1 changed.
fn changed(manifest: (&str, &str), fixtures: (&str, &str)) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let samples = Path::new(SAMPLES).join("adapters");
    let copy = |name: &str, (from, to): (&str, &str)| {
        let text = fs::read_to_string(samples.join(name)).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(folder.path().join(name), text.replacen(from, to, 1)).unwrap();
    };
    fs::create_dir(folder.path().join("police")).unwrap();
    copy("police.toml", manifest);
    copy("police/P1.toml", fixtures);
    let file = folder.path().join("police.toml");
    (folder, file)
}

#[test]
fn the_samples_have_nothing_to_mend() {
    let path = Path::new(SAMPLES).join("adapters");
    let report = report(&path);
    assert_eq!(report.findings(), []);
    assert_eq!(report.rehearsals.len(), 6);
    for rehearsal in &report.rehearsals {
        assert_eq!(rehearsal.coverage.as_ref().unwrap().missed, [], "{}", rehearsal.name);
    }
    assert_eq!(report.warnings(), Vec::<String>::new());
}

#[test]
fn people_see_what_differs_side_by_side() {
    let (_folder, path) = changed(("\"1\" = true", "\"1\" = false"), ("desk-7\"", "desk-8\""));
    let told = people::lines(&report(&path), false).join("\n");
    for expected in [
        "✗ P1  match",
        "✓ P1  slow",
        "exchange 1, body",
        "expected  …",
        "desk-7",
        "attribute identity_match",
        "expected  true\n        found     false\n        by        police.toml:",
        "`codes.flag[doc.DATA.RECORD[0].XM_PPDDM]`\n        of        {",
        "coverage ",
        "it was never evaluated",
        "`P2` has no fixtures",
        " to mend",
    ] {
        assert!(told.contains(expected), "{expected}\n{told}");
    }
    assert!(!told.contains('\u{1b}'));
    assert!(people::lines(&report(&path), true).concat().contains("\u{1b}[31m✗\u{1b}[0m"));
}

#[test]
fn programs_get_everything() {
    let (_folder, path) = changed(("\"1\" = true", "\"1\" = false"), ("", ""));
    let document = programs::document(&report(&path));
    assert_eq!(document["findings"].as_array().unwrap().len(), 4);
    let first = &document["manifests"][0]["fixtures"][0];
    assert_eq!((&first["passed"], &first["name"]), (&false.into(), &"match".into()));
    let difference = &first["differences"][0];
    assert_eq!(difference["what"], "attribute identity_match");
    assert_eq!((&difference["expected"], &difference["found"]), (&"true".into(), &"false".into()));
    assert!(difference["manifest_line"].is_number() && difference["document"].is_string());
    assert!(document["manifests"][0]["coverage"]["percentage"].as_u64().unwrap() < 100);
}

/// What build servers read: `testsuites`, `testsuite`, `testcase`, `failure`, with the attributes their schema knows.
#[test]
fn build_servers_can_read_it() {
    let (_folder, path) = changed(
        ("\"1\" = true", "\"1\" = false"),
        ("name = \"match\"", "name = \"match <&\\u0001\\\">\""),
    );
    let report = report(&path);
    let xml = String::from_utf8(junit::xml(&report).unwrap()).unwrap();
    let document = roxmltree::Document::parse(&xml).unwrap();
    let schema = BTreeMap::from([
        ("testsuites", (vec!["failures", "name", "tests"], "testsuite")),
        ("testsuite", (vec!["errors", "failures", "name", "skipped", "tests", "time"], "testcase")),
        ("testcase", (vec!["classname", "name", "time"], "failure")),
        ("failure", (vec!["message", "type"], "")),
    ]);
    for node in document.root_element().descendants().filter(roxmltree::Node::is_element) {
        let (attributes, child) = &schema[node.tag_name().name()];
        let mut given: Vec<&str> = node.attributes().map(|attribute| attribute.name()).collect();
        given.sort_unstable();
        assert_eq!(given, *attributes);
        let children = || node.children().filter(roxmltree::Node::is_element);
        assert!(children().all(|inside| inside.tag_name().name() == *child));
        if node.tag_name().name() == "testsuite" {
            let count = |name: &str| node.attribute(name).unwrap().parse::<usize>().unwrap();
            assert_eq!(count("tests"), children().count());
            let failed = children().filter(|case| case.has_children()).count();
            assert_eq!(count("failures"), failed);
        }
    }
    let case = document
        .descendants()
        .find(|node| node.attribute("name").is_some_and(|name| name == "match <&\u{fffd}\">"));
    let text = case.unwrap().descendants().find_map(|node| node.text()).unwrap_or_default();
    assert_eq!(case.unwrap().attribute("classname"), Some("police.P1"));
    let failure = case.unwrap().first_element_child().unwrap();
    assert!(failure.attribute("message").unwrap().contains("attribute identity_match"), "{text}");
    assert!(failure.text().unwrap().contains("P1.toml:"));
}

#[test]
fn a_folder_without_manifests_is_no_all_clear() {
    let folder = tempfile::tempdir().unwrap();
    let refused = super::refuse_nothing(folder.path()).unwrap_err();
    assert!(refused.to_string().contains("there is no manifest in"), "{refused}");
    assert!(super::refuse_nothing(&folder.path().join("none")).is_err());
    fs::write(folder.path().join("a.toml"), "").unwrap();
    super::refuse_nothing(folder.path()).unwrap();
}

/// A manifest and its fixtures as `heyan adapter new` begins them.
fn begun(folder: &Path, catalogue: &Catalogue) -> PathBuf {
    let fact = catalogue.fact(&"S4".into()).unwrap().clone();
    let (name, agency) = ("begun".to_owned(), fact.agency.clone());
    let at = Timestamp::from_seconds(1_790_000_000);
    let plan = Plan { name, agency, kind: Kind::File, facts: vec![fact], service: None, at };
    let starter = scaffold::begin(&plan);
    let file = folder.join("begun.toml");
    fs::write(&file, starter.manifest).unwrap();
    fs::create_dir(folder.join("begun")).unwrap();
    for (name, text) in starter.fixtures {
        fs::write(folder.join("begun").join(name), text).unwrap();
    }
    file
}

#[tokio::test]
async fn faults_are_told_beside_the_levels_before() {
    let catalogue = Catalogue::load(&Path::new(SAMPLES).join("catalogue")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = begun(folder.path(), &catalogue);
    let mut report = report(&path);
    report.faults = super::faults::put(&path, &catalogue).await.unwrap();
    let document = programs::document(&report);
    assert_eq!(document["manifests"][0]["name"], "begun");
    let faults = &document["faults"][0];
    assert_eq!((&faults["name"], &faults["good"]), (&"begun".into(), &true.into()), "{faults:#}");
    let damaged = faults["damaged"].as_array().unwrap();
    let outcomes: Vec<&str> = damaged.iter().map(|one| one["outcome"].as_str().unwrap()).collect();
    assert!(outcomes.contains(&"not_found"), "{outcomes:?}");
    let cases = faults["cases"].as_array().unwrap();
    assert!(cases.len() > 10 && cases.iter().all(|case| case["ms"].is_number()), "{cases:#?}");
    let told = people::lines(&report, false).join("\n");
    for expected in
        ["✓ S4", "begun.toml  faults  (file, 1 operations)", "faults withstood", "nothing to mend"]
    {
        assert!(told.contains(expected), "{expected}\n{told}");
    }
    let xml = String::from_utf8(junit::xml(&report).unwrap()).unwrap();
    let suites = roxmltree::Document::parse(&xml).unwrap();
    let suite = suites.descendants().find(|node| {
        node.attribute("name").is_some_and(|name| name.ends_with("begun.toml faults"))
    });
    let suite = suite.unwrap();
    assert_eq!(suite.attribute("tests"), Some(cases.len().to_string().as_str()));
    assert_eq!(suite.attribute("failures"), Some("0"));
}
