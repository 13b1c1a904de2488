//! The schema and the form are two writings of one thing: whatever the one takes the other must.

use std::collections::BTreeSet;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use super::super::form::{
    Annex, CacheWords, ClauseTerms, Contact, Day, Disposal, EndingTerms, LegalBasis, LimitTerms,
    QualityTerms, QuotaTerms, Retention, ServingHours, Terms, Undertaking,
};
use super::super::tests::variants::{FULL, full, mutations};
use super::super::tests::{DRAFT, FLAWS};
use super::JSON_SCHEMA;
use crate::decision::mask::Mask;
use crate::query::relation::Relation;
use crate::query::value::Comparison;

fn schema() -> Json {
    serde_json::from_str(JSON_SCHEMA).unwrap()
}

fn validator() -> jsonschema::Validator {
    jsonschema::draft202012::new(&schema()).unwrap()
}

/// The names that serde says it expects.
fn expected<T: DeserializeOwned>(wrong: Json) -> BTreeSet<String> {
    let Err(error) = serde_json::from_value::<T>(wrong) else { panic!("it was taken") };
    let error = error.to_string();
    assert!(error.starts_with("unknown "), "{error}");
    error.split('`').skip(3).step_by(2).map(str::to_owned).collect()
}

fn keys(object: &Json) -> BTreeSet<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

fn fields<T: DeserializeOwned>() -> BTreeSet<String> {
    expected::<T>(json!({ "?": 0 }))
}

#[test]
fn every_key_of_the_form_is_in_the_schema_and_in_the_full_draft_and_no_other() {
    let (schema, full) = (schema(), full());
    for (definition, in_full, fields) in [
        ("", "", fields::<Terms>()),
        ("/$defs/legal_basis", "/legal_basis/0", fields::<LegalBasis>()),
        ("/$defs/retention", "/retention", fields::<Retention>()),
        ("/$defs/quality", "/quality", fields::<QualityTerms>()),
        ("/$defs/hours", "/hours", fields::<ServingHours>()),
        ("/$defs/quota", "/quota", fields::<QuotaTerms>()),
        ("/$defs/ending", "/suspension", fields::<EndingTerms>()),
        ("/$defs/undertaking", "/undertaking/0", fields::<Undertaking>()),
        ("/$defs/annex", "/annex/0", fields::<Annex>()),
        ("/$defs/contact", "/contact/0", fields::<Contact>()),
        ("/$defs/clause", "/clause/0", fields::<ClauseTerms>()),
        ("/$defs/limit", "/clause/0/limits/months", fields::<LimitTerms>()),
        ("/$defs/cache", "/clause/0/cache", fields::<CacheWords>()),
    ] {
        let object = schema.pointer(definition).unwrap();
        assert_eq!(keys(&object["properties"]), fields, "{definition}");
        assert_eq!(object["additionalProperties"], json!(false), "{definition}");
        assert_eq!(keys(full.pointer(in_full).unwrap()), fields, "{in_full}");
        for (key, property) in object["properties"].as_object().unwrap() {
            let words = property["description"].as_str().unwrap_or_default();
            let is_chinese = |character| ('\u{4e00}'..='\u{9fff}').contains(&character);
            assert!(words.contains(is_chinese) || key == "schema", "{definition} {key}: {words}");
        }
    }
    for (definition, names) in [
        ("day", expected::<Day>(json!("?"))),
        ("disposal", expected::<Disposal>(json!("?"))),
        ("mask", expected::<Mask>(json!("?"))),
        ("comparison", expected::<Comparison>(json!("?"))),
        ("relation", expected::<Relation>(json!("?"))),
    ] {
        let listed = schema["$defs"][definition]["enum"].as_array().unwrap();
        let listed: BTreeSet<String> =
            listed.iter().map(|name| name.as_str().unwrap().to_owned()).collect();
        assert_eq!(listed, names, "{definition}");
    }
}

#[test]
fn drafts_that_heyan_takes_pass() {
    let validator = validator();
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/config-example/agreements");
    let samples = crate::finding::files_in(Path::new(samples), "toml").unwrap();
    assert_eq!(samples.len(), 6);
    let samples = samples.iter().map(|file| std::fs::read_to_string(file).unwrap());
    for draft in samples.chain([FULL.to_owned(), DRAFT.to_owned()]) {
        let terms = Terms::parse(Path::new("draft.toml"), &draft).unwrap();
        let written: Json = toml::from_str(&draft).unwrap();
        for json in [written, serde_json::to_value(terms).unwrap()] {
            let flaws: Vec<String> =
                validator.iter_errors(&json).map(|flaw| flaw.to_string()).collect();
            assert_eq!(flaws, Vec::<String>::new(), "{draft}");
        }
    }
}

/// What takes two keys to see, or a calendar.
const NOT_SEEN: &[&str] =
    &["the same organisation", "must be after", "which is no party", "longer than `max_age`"];

#[test]
fn flaws_of_form_are_seen() {
    let validator = validator();
    let mut seen = 0;
    for (good, bad, problem) in FLAWS {
        let draft: Json = toml::from_str(&DRAFT.replacen(good, bad, 1)).unwrap();
        let is_seen = !validator.is_valid(&draft);
        let is_out_of_sight = NOT_SEEN.iter().any(|known| problem.contains(known));
        assert_eq!(is_seen, !is_out_of_sight, "{bad}: {problem}");
        seen += usize::from(is_seen);
    }
    assert!(seen > 15, "{seen}");
    let without: Json = toml::from_str(DRAFT.split("[[clause]]").next().unwrap()).unwrap();
    assert!(!validator.is_valid(&without));
}

/// In an editor a draft is good; then it must be read. The other way about, the schema may be the stricter one.
#[test]
fn what_the_schema_takes_the_form_takes() {
    let validator = validator();
    let (mut taken, mut refused) = (0, 0);
    for (place, json) in mutations(&full()) {
        if validator.is_valid(&json) {
            taken += 1;
            let read = serde_json::from_value::<Terms>(json);
            assert!(read.is_ok(), "{place}: {}", read.unwrap_err());
        } else {
            refused += 1;
        }
    }
    assert!(taken > 200 && refused > 1000, "{taken} taken, {refused} refused");
}

#[test]
fn durations_are_those_that_are_read() {
    let (validator, mut draft) = (validator(), full());
    for (text, is_good) in [
        ("3d", true),
        ("1h 30m", true),
        ("2 weeks", true),
        ("1M", true),
        ("10 min", true),
        ("1y2d", true),
        ("d", false),
        ("3", false),
        ("-3d", false),
        ("3 days long", false),
        ("", false),
    ] {
        draft["overlap"] = json!(text);
        assert_eq!(validator.is_valid(&draft), is_good, "{text}");
        assert_eq!(humantime::parse_duration(text).is_ok(), is_good, "{text}");
    }
}

const EXPLAINED: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/agreements.md"));

#[test]
fn every_key_is_explained() {
    let schema = schema();
    let definitions = schema["$defs"].as_object().unwrap().values().chain([&schema]);
    let properties = definitions.filter_map(|definition| definition["properties"].as_object());
    for key in properties.flat_map(serde_json::Map::keys) {
        let is_named = [format!("`{key}`"), format!("`[[{key}]]`"), format!(".{key}`")];
        assert!(is_named.iter().any(|name| EXPLAINED.contains(name)), "`{key}`");
    }
    for list in ["day", "disposal", "mask", "comparison", "relation"] {
        for name in schema["$defs"][list]["enum"].as_array().unwrap() {
            let name = name.as_str().unwrap();
            assert!(EXPLAINED.contains(&format!("`{name}`")), "`{name}` of {list}");
        }
    }
}

#[test]
fn the_clause_that_is_shown_is_good() {
    let shown = EXPLAINED.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(shown.contains("[[clause]]"));
    let head = DRAFT.split("[[clause]]").next().unwrap();
    let draft = format!("{head}\n{shown}");
    Terms::parse(Path::new("docs"), &draft).unwrap();
    assert!(validator().is_valid(&toml::from_str(&draft).unwrap()));
}
