//! The schemas of facts and items and what reads them are two writings of one thing.

use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use super::*;
use crate::catalogue::schema;

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config-example/catalogue");
const EXPLAINED: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cases.md"));

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

fn agree(schema: &Json, definition: &str, fields: &BTreeSet<String>) {
    let object = schema.pointer(definition).unwrap();
    let properties = object["properties"].as_object().unwrap();
    let keys: BTreeSet<String> = properties.keys().cloned().collect();
    assert_eq!(keys, *fields, "{definition}");
    assert_eq!(object["additionalProperties"], json!(false), "{definition}");
    for key in keys {
        let is_named = [format!("`{key}`"), format!("`[[{key}]]`")];
        assert!(is_named.iter().any(|name| EXPLAINED.contains(name)), "`{key}` is not explained");
    }
}

fn names(schema: &Json, definition: &str) -> BTreeSet<String> {
    let listed = schema["definitions"][definition]["enum"].as_array().unwrap();
    listed.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_key_of_facts_and_items_is_in_its_schema_and_no_other() {
    let facts: Json = serde_json::from_str(schema::FACTS).unwrap();
    agree(&facts, "", &fields::<FactFile>());
    agree(&facts, "/definitions/fact", &fields::<FactRecord>());
    agree(&facts, "/definitions/role", &fields::<RoleRecord>());
    agree(&facts, "/definitions/attribute", &fields::<AttributeRecord>());
    agree(&facts, "/definitions/assertion", &fields::<AssertionRecord>());
    assert_eq!(names(&facts, "kind"), expected::<SubjectName>(json!("?")));
    assert_eq!(names(&facts, "type"), expected::<TypeName>(json!("?")));
    assert_eq!(names(&facts, "comparison"), expected::<Comparison>(json!("?")));
    let items: Json = serde_json::from_str(schema::ITEMS).unwrap();
    agree(&items, "", &fields::<ItemFile>());
    agree(&items, "/definitions/item", &fields::<ItemRecord>());
    assert_eq!(names(&items, "channel"), expected::<Channel>(json!("?")));
}

#[test]
fn the_samples_name_their_schemas_and_pass() {
    for (part, text, wrong) in [
        ("facts", schema::FACTS, "kind = \"perso\""),
        ("items", schema::ITEMS, "channel = \"on-line\""),
    ] {
        let validator = jsonschema::draft7::new(&serde_json::from_str(text).unwrap()).unwrap();
        for file in finding::files_in(&Path::new(SAMPLES).join(part), "toml").unwrap() {
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.starts_with(&format!("#:schema ../{part}.schema.json\n")), "{file:?}");
            let json: Json = toml::from_str(&text).unwrap();
            let flaws: Vec<String> =
                validator.iter_errors(&json).map(|flaw| flaw.to_string()).collect();
            assert_eq!(flaws, Vec::<String>::new(), "{file:?}");
        }
        let (good, table) = if part == "facts" {
            ("kind = \"person\"", FACTS)
        } else {
            ("channel = \"online\"", ITEMS)
        };
        let broken: Json = toml::from_str(&table.replacen(good, wrong, 1)).unwrap();
        assert!(!validator.is_valid(&broken), "{part}");
    }
}
