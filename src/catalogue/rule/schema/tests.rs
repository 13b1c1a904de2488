//! The schema and the reader are two writings of one thing: whatever the one takes the other must.

use std::collections::BTreeSet;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use super::super::form::{
    AssertedRecord, ComputedRecord, ConditionRecord, ExternalRecord, GivenRecord, GroupRecord,
    NeedRecord, PartyRecord, PersonRecord, QuestionRecord, RuleRecord,
};
use super::super::{Across, Registrar, Round, Whose, Written};
use super::JSON_SCHEMA;
use crate::catalogue::load::{SubjectName, TypeName};
use crate::finding::{self, mutations};
use crate::query::value::{Comparison, Verdict};

const FULL: &str = include_str!("full.toml");
const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config-example/catalogue/rules");
const EXPLAINED: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cases.md"));

fn schema() -> Json {
    serde_json::from_str(JSON_SCHEMA).unwrap()
}

fn validator() -> jsonschema::Validator {
    jsonschema::draft7::new(&schema()).unwrap()
}

fn full() -> Json {
    toml::from_str(FULL).unwrap()
}

/// The names that serde says it expects.
fn expected<T: DeserializeOwned>(wrong: Json) -> BTreeSet<String> {
    let Err(error) = serde_json::from_value::<T>(wrong) else { panic!("it was taken") };
    let error = error.to_string();
    assert!(error.starts_with("unknown "), "{error}");
    error.split('`').skip(3).step_by(2).map(str::to_owned).collect()
}

fn fields<T: DeserializeOwned>() -> BTreeSet<String> {
    expected::<T>(json!({ "?": 0 }))
}

/// Every table at a path in which `*` stands for each of a list.
fn tables<'a>(json: &'a Json, path: &str) -> Vec<&'a Json> {
    let steps = path.split('/').filter(|step| !step.is_empty());
    steps.fold(vec![json], |found, step| {
        let inner = |one: &'a Json| match (one, step) {
            (Json::Array(list), "*") => list.iter().collect(),
            (one, step) => one.get(step).into_iter().collect::<Vec<_>>(),
        };
        found.into_iter().flat_map(inner).collect()
    })
}

fn keys(tables: &[&Json]) -> BTreeSet<String> {
    tables.iter().filter_map(|json| json.as_object()).flat_map(|map| map.keys().cloned()).collect()
}

#[test]
fn every_key_of_the_form_is_in_the_schema_and_in_the_full_rule_and_no_other() {
    let (schema, full) = (schema(), full());
    for (definition, in_full, fields) in [
        ("", vec![""], fields::<RuleRecord>()),
        ("/definitions/party", vec!["party/*"], fields::<PartyRecord>()),
        ("/definitions/given", vec!["given/*"], fields::<GivenRecord>()),
        ("/definitions/external", vec!["external/*"], fields::<ExternalRecord>()),
        ("/definitions/group", vec!["group/*"], fields::<GroupRecord>()),
        ("/definitions/person", vec!["group/*/person"], fields::<PersonRecord>()),
        ("/definitions/question", vec!["question/*"], fields::<QuestionRecord>()),
        ("/definitions/asserted", vec!["question/*/assert/*"], fields::<AssertedRecord>()),
        ("/definitions/computed", vec!["question/*/assert/*/values/*"], fields::<ComputedRecord>()),
        (
            "/definitions/condition",
            vec!["question/*/when/*", "need/*/when/*"],
            fields::<ConditionRecord>(),
        ),
        ("/definitions/need", vec!["need/*"], fields::<NeedRecord>()),
    ] {
        let object = schema.pointer(definition).unwrap();
        assert_eq!(keys(&[&object["properties"]]), fields, "{definition}");
        assert_eq!(object["additionalProperties"], json!(false), "{definition}");
        let in_full: Vec<&Json> = in_full.iter().flat_map(|path| tables(&full, path)).collect();
        assert_eq!(keys(&in_full), fields, "{definition} in the full rule");
        for (key, property) in object["properties"].as_object().unwrap() {
            let words = property["description"].as_str().unwrap_or_default();
            let is_chinese = |character| ('\u{4e00}'..='\u{9fff}').contains(&character);
            assert!(words.contains(is_chinese), "{definition} {key}: {words}");
        }
    }
    for (definition, names) in [
        ("kind", expected::<SubjectName>(json!("?"))),
        ("type", expected::<TypeName>(json!("?"))),
        ("whose", expected::<Whose>(json!("?"))),
        ("across", expected::<Across>(json!("?"))),
        ("round", expected::<Round>(json!("?"))),
        ("comparison", expected::<Comparison>(json!("?"))),
        ("registrar", expected::<Registrar>(json!("?"))),
    ] {
        let listed = schema["definitions"][definition]["enum"].as_array().unwrap();
        let listed: BTreeSet<String> =
            listed.iter().map(|name| name.as_str().unwrap().to_owned()).collect();
        assert_eq!(listed, names, "{definition}");
    }
    let verdicts = schema["definitions"]["verdict"]["enum"].as_array().unwrap();
    assert!(verdicts.iter().all(|name| Verdict::from_name(name.as_str().unwrap()).is_some()));
}

#[test]
fn rules_that_heyan_takes_pass() {
    let validator = validator();
    let samples = finding::files_in(Path::new(SAMPLES), "toml").unwrap();
    assert_eq!(samples.len(), 22);
    let samples = samples.iter().map(|file| std::fs::read_to_string(file).unwrap());
    for text in samples.chain([FULL.to_owned()]) {
        Written::from_text(&text).unwrap_or_else(|findings| panic!("{findings:?}"));
        let json: Json = toml::from_str(&text).unwrap();
        let flaws: Vec<String> =
            validator.iter_errors(&json).map(|flaw| flaw.to_string()).collect();
        assert_eq!(flaws, Vec::<String>::new(), "{text}");
    }
}

#[test]
fn every_sample_names_its_schema() {
    for file in finding::files_in(Path::new(SAMPLES), "toml").unwrap() {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("#:schema ../rule.schema.json\n"), "{file:?}");
    }
}

/// Values put in the place of others: some fit some keys, and none fits all.
fn candidates() -> Vec<Json> {
    vec![
        json!("zz_marker"),
        json!("W9"),
        json!("2d 3h"),
        json!("month"),
        json!("document"),
        json!("applicant"),
        json!("any"),
        json!("down"),
        json!("ne"),
        json!("NOT_FOUND"),
        json!("CONFIRMED"),
        json!("other"),
        json!(7),
        json!(-1),
        json!(true),
        json!([]),
        json!(["zz_marker"]),
        json!({}),
        json!({ "given": "amount_fen" }),
        json!({ "zz_marker": 1 }),
    ]
}

/// The JSON with one leaf, list or table changed or left out, and where.
fn mutations(whole: &Json) -> Vec<(String, Json)> {
    let at = |place: String| mutations::at(whole, &place, &candidates(), "zz_marker");
    mutations::places(whole).into_iter().flat_map(at).collect()
}

/// In an editor a rule is good; then its form must be read. The other way about, the schema may be the stricter one.
#[test]
fn what_the_schema_takes_the_form_takes() {
    let validator = validator();
    let (mut taken, mut refused) = (0, 0);
    for (place, json) in mutations(&full()) {
        if validator.is_valid(&json) {
            taken += 1;
            let text = toml::to_string(&json).unwrap();
            let read = finding::parse_toml::<RuleRecord>(Path::new("rule.toml"), &text);
            assert!(read.is_ok(), "{place}: {}", read.err().unwrap());
        } else {
            refused += 1;
        }
    }
    assert!(taken > 200 && refused > 1000, "{taken} taken, {refused} refused");
}

#[test]
fn every_key_is_explained() {
    let schema = schema();
    let definitions = schema["definitions"].as_object().unwrap().values().chain([&schema]);
    let properties = definitions.filter_map(|definition| definition["properties"].as_object());
    for key in properties.flat_map(serde_json::Map::keys) {
        let is_named = [format!("`{key}`"), format!("`[[{key}]]`"), format!("`[{key}]`")];
        assert!(is_named.iter().any(|name| EXPLAINED.contains(name)), "`{key}`");
    }
    for list in ["kind", "type", "whose", "across", "round", "registrar", "document"] {
        for name in schema["definitions"][list]["enum"].as_array().unwrap() {
            let name = name.as_str().unwrap();
            assert!(EXPLAINED.contains(&format!("`{name}`")), "`{name}` of {list}");
        }
    }
}

#[test]
fn the_items_of_the_table_are_those_of_the_catalogue() {
    let rows: BTreeSet<&str> = EXPLAINED
        .lines()
        .filter_map(|line| line.strip_prefix("| **")?.split_once("**").map(|(code, _)| code))
        .collect();
    let files = finding::files_in(Path::new(SAMPLES), "toml").unwrap();
    let names: BTreeSet<String> = files
        .iter()
        .map(|file| {
            file.file_name().unwrap().to_str().unwrap().split('-').next().unwrap().to_owned()
        })
        .collect();
    assert_eq!(rows.len(), 21);
    assert_eq!(rows, names.iter().map(String::as_str).collect());
}
