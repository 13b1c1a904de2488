//! The schemas and the readers are two writings of one thing: whatever the one takes the other must, key by key.

mod flaws;
mod mutations;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::node::Node;
use super::tables::{Reader, Table};
use super::{FIXTURE, MANIFEST, reference};
use crate::adapters::manifest::{self, Depth};
use crate::adapters::scaffold::{self, Kind, Plan};
use crate::adapters::{fixture, tests::facts};
use crate::catalogue::{Attribute, AttributeKind, Catalogue, Fact, Role};
use crate::finding::files_in;
use crate::query::FactCode;
use crate::query::time::Timestamp;

const HTTP: &str = include_str!("tests/http.toml");
const SOAP: &str = include_str!("tests/soap.toml");
const SQL: &str = include_str!("tests/sql.toml");
const FILE: &str = include_str!("tests/file.toml");
const REMOTE: &str = include_str!("tests/remote.toml");
const PROGRAM: &str = include_str!("tests/program.toml");

/// Manifests that use every key between them.
fn full() -> Vec<String> {
    let form = HTTP
        .replace("json = ", "form = ")
        .replace(", d = [\"1\", 2, true, { e = \"now\" }]", "")
        .replace("b = [\"subject.spouse.name\", 1]", "b = 1")
        .replace("algorithm = \"sha256\"", "algorithm = \"hmac-sha256\"\nkey = \"app\"");
    let body = HTTP.lines().filter(|line| *line != "json = { n = \"nonce\" }");
    let text = "body = \"request_id\"";
    let body = body.map(|line| if line.starts_with("json = ") { text } else { line });
    let body = body.collect::<Vec<_>>().join("\n");
    let rest = [HTTP, SOAP, SQL, FILE, REMOTE, PROGRAM].map(str::to_owned);
    rest.into_iter().chain([form, body]).collect()
}

/// Fixtures that use every key between them.
fn full_fixtures() -> String {
    concat!(include_str!("../fixture/tests/every_form.toml"), include_str!("tests/fixture.toml"))
        .to_owned()
}

/// A fact with a role of every kind, and an attribute that is no single value.
fn fact_of_all_kinds(code: &FactCode) -> Option<Fact> {
    let mut fact = facts(code)?;
    fact.attributes.push(Attribute {
        name: "people".to_owned(),
        kind: AttributeKind::People,
        title_zh: String::new(),
        optional: true,
    });
    for kind in ["employer", "property", "document"] {
        let (name, kind) = (kind.to_owned(), kind.to_owned());
        fact.roles.push(Role { name, kind, optional: true, many: false });
    }
    Some(fact)
}

fn parsed(toml: &str) -> Json {
    toml::from_str(toml).unwrap()
}

fn validator(schema: &str) -> jsonschema::Validator {
    let schema: Json = serde_json::from_str(schema).unwrap();
    jsonschema::draft7::meta::validate(&schema).unwrap();
    jsonschema::draft7::new(&schema).unwrap()
}

/// Problems that the schema sees.
fn seen(validator: &jsonschema::Validator, json: &Json) -> Vec<String> {
    validator.iter_errors(json).map(|flaw| format!("{}: {flaw}", flaw.instance_path())).collect()
}

/// Problems that the reader of manifests sees; no file that the manifest names is read.
fn problems(folder: &Path, text: &str) -> Vec<String> {
    let file = folder.join("m.toml");
    fs::write(&file, text).unwrap();
    let flaws = manifest::read(&file, Depth::ManifestOnly, &facts).err().unwrap_or_default();
    flaws.into_iter().map(|flaw| flaw.problem).collect()
}

/// Problems that the reader of fixtures sees.
fn problems_of_fixtures(folder: &Path, text: &str) -> Vec<String> {
    let file = folder.join("M2.toml");
    fs::write(&file, text).unwrap();
    let flaws = fixture::read(&file, &fact_of_all_kinds).err().unwrap_or_default();
    flaws.into_iter().map(|flaw| flaw.problem).collect()
}

type Problems = fn(&Path, &str) -> Vec<String>;

/// Both languages: schema, samples that use every key, reader.
fn languages() -> [(&'static str, Vec<String>, Problems); 2] {
    [(MANIFEST, full(), problems), (FIXTURE, vec![full_fixtures()], problems_of_fixtures)]
}

fn tables(schema: &str) -> Vec<Table> {
    let root: Node = serde_json::from_str(schema).unwrap();
    Reader::tables(&root)
}

fn plain(heading: &str) -> &str {
    heading.trim_matches(['[', ']'])
}

/// Where the JSON has a table that the schema describes: its pointer, and the keys that lead to it.
fn places(
    json: &Json,
    pointer: &str,
    path: &str,
    described: &[&str],
    found: &mut Vec<(String, String)>,
) {
    match json {
        Json::Object(entries) => {
            if described.contains(&path) {
                found.push((pointer.to_owned(), path.to_owned()));
            }
            for (key, inner) in entries {
                let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let any = if path.is_empty() { "NAME".to_owned() } else { format!("{path}.NAME") };
                let below = if described.contains(&any.as_str()) { any } else { below };
                places(inner, &format!("{pointer}/{key}"), &below, described, found);
            }
        }
        Json::Array(items) => {
            for (at, inner) in items.iter().enumerate() {
                places(inner, &format!("{pointer}/{at}"), path, described, found);
            }
        }
        _ => {}
    }
}

/// The keys that a reader says it expects beside an unknown one.
fn expected(problems: &[String]) -> BTreeSet<String> {
    let told = problems.iter().find(|problem| problem.starts_with("unknown key `?`"));
    let told = told.unwrap_or_else(|| panic!("`?` was taken: {problems:?}"));
    let (_, list) = told.split_once("expected one of ").unwrap();
    list.split(';').next().unwrap().split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Keys of the JSON Schema that say something of a table; all of them stand where the table is defined.
fn keys(table: &Table) -> BTreeSet<String> {
    table.keys.iter().map(|key| key.name.clone()).collect()
}

#[test]
fn every_key_of_the_readers_is_in_the_schemas_and_in_the_samples_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    for (schema, samples, problems) in languages() {
        let tables = tables(schema);
        let described: Vec<&str> = tables.iter().map(|table| plain(&table.heading)).collect();
        let mut read: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut used = read.clone();
        for sample in samples {
            assert_eq!(problems(folder.path(), &sample), Vec::<String>::new(), "{sample}");
            let sample = parsed(&sample);
            let mut found = Vec::new();
            places(&sample, "", "", &described, &mut found);
            for (pointer, path) in found {
                let mut with = sample.clone();
                let table = with.pointer_mut(&pointer).unwrap().as_object_mut().unwrap();
                used.entry(path.clone()).or_default().extend(table.keys().cloned());
                table.insert("?".to_owned(), json!(0));
                let text = toml::to_string(&with).unwrap();
                read.entry(path).or_default().extend(expected(&problems(folder.path(), &text)));
            }
        }
        for table in &tables {
            let path = plain(&table.heading);
            assert_eq!(Some(&keys(table)), read.get(path), "the reader of `{path}`");
            assert_eq!(Some(&keys(table)), used.get(path), "the samples of `{path}`");
        }
    }
}

#[test]
fn every_key_is_explained_and_every_table_closed() {
    for (schema, ..) in languages() {
        for table in tables(schema) {
            for key in table.keys {
                let ends_well = key.meaning.ends_with('.') || key.meaning.ends_with(".)");
                assert!(ends_well, "`{}` of `{}`: {}", key.name, table.heading, key.meaning);
            }
        }
        let schema: Json = serde_json::from_str(schema).unwrap();
        let definitions = schema["definitions"].as_object().unwrap();
        for (name, node) in definitions.iter().filter(|(name, _)| !name.starts_with("over_")) {
            let is_closed = node["additionalProperties"] == json!(false);
            assert!(node.get("properties").is_none() || is_closed, "{name}");
        }
    }
}

/// Samples of manifests, then of fixtures.
fn samples() -> (Vec<PathBuf>, Vec<PathBuf>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config-example/adapters");
    let manifests = files_in(&folder, "toml").unwrap();
    let fixtures = manifests.iter().map(|manifest| fixture::folder_of(manifest));
    let fixtures = fixtures.filter(|folder| folder.is_dir());
    let fixtures = fixtures.flat_map(|folder| files_in(&folder, "toml").unwrap()).collect();
    (manifests, fixtures)
}

#[test]
fn what_is_taken_passes() {
    let (manifests, fixtures) = samples();
    assert!(manifests.len() >= 6 && fixtures.len() >= 2, "{manifests:?} {fixtures:?}");
    for (schema, texts, files) in
        [(MANIFEST, full(), manifests), (FIXTURE, vec![full_fixtures()], fixtures)]
    {
        let validator = validator(schema);
        let files = files.iter().map(|file| fs::read_to_string(file).unwrap());
        for text in texts.into_iter().chain(files) {
            assert_eq!(seen(&validator, &parsed(&text)), Vec::<String>::new(), "{text}");
        }
    }
}

#[test]
fn what_is_begun_passes() {
    let (manifests, fixtures) = (validator(MANIFEST), validator(FIXTURE));
    let catalogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("config-example/catalogue");
    let catalogue = Catalogue::load(&catalogue).unwrap();
    for fact in catalogue.facts() {
        for kind in [Kind::Http, Kind::Soap, Kind::Sql, Kind::File, Kind::Grpc] {
            let (name, agency) = ("begun".to_owned(), fact.agency.clone());
            let at = Timestamp::from_seconds(1_790_000_000);
            let plan = Plan { name, agency, kind, facts: vec![fact.clone()], service: None, at };
            let begun = scaffold::begin(&plan);
            assert_eq!(seen(&manifests, &parsed(&begun.manifest)), [""; 0], "{}", begun.manifest);
            assert!(begun.manifest.starts_with("#:schema ./manifest.schema.json\n"));
            for (_, text) in begun.fixtures {
                assert_eq!(seen(&fixtures, &parsed(&text)), [""; 0], "{text}");
                assert!(text.starts_with("#:schema ../fixture.schema.json\n"));
            }
        }
    }
}

#[test]
fn the_reference_is_the_page_that_is_published() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/adapters-reference.md");
    let page = reference().unwrap();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&file, &page).unwrap();
    }
    let published = fs::read_to_string(&file).unwrap_or_default();
    let command = "UPDATE=1 cargo test --lib the_reference_is_the_page";
    assert!(page == published, "`{command}` writes it anew: {}", file.display());
}
