//! What the schema takes the reader takes, and the other way about, for thousands of changed samples.

use serde_json::{Value as Json, json};

use super::{FIXTURE, MANIFEST, Problems};
use super::{full, full_fixtures, parsed, problems, problems_of_fixtures, seen, validator};
use crate::finding::mutations;

/// Values put in the place of others: some fit some keys, and none fits all.
fn candidates() -> Vec<Json> {
    vec![
        json!("1"),
        json!("zz marker"),
        json!(""),
        json!(3),
        json!(-1),
        json!(0.5),
        json!(99_999_999_999_u64),
        json!(true),
        json!([]),
        json!(["1"]),
        json!({ "a": "1" }),
        json!({ "a b": 1 }),
    ]
}

/// The JSON with one value changed, left out or renamed, and what was done.
fn mutations(whole: &Json) -> Vec<(String, Json)> {
    let at =
        |place: String| mutations::at(&lean(whole, &place), &place, &candidates(), "zz marker");
    mutations::places(whole).into_iter().flat_map(at).collect()
}

/// What takes two keys to see, the catalogue, or one who reads expressions.
const OUT_OF_SIGHT: &[&str] = &[
    "an expression is missing",
    "declares no prefix",
    "has `",
    "has no attribute",
    "has no fact",
    "has no table",
    "is a fact of",
    "is at most `window`",
    "is in no",
    "is no Base64",
    "is not in `codes.",
    "is one SELECT",
    "is one of `file.columns`",
    "is one of `columns`",
    "is refused by its check",
    "it takes the place of the last reply there",
    "names no secret",
    "signature goes nowhere",
    "stands for",
    "there is no",
    "this is no expression",
    "unknown attribute",
    "unknown role",
    "which this request has not",
    "` of `M2` is missing",
];

/// The manifest without what has nothing to do with the place: compiling expressions is what takes long.
fn lean(whole: &Json, place: &str) -> Json {
    let mut lean = whole.clone();
    let part = place.split('/').nth(1).unwrap_or_default();
    let Some(table) = lean.as_object_mut().filter(|table| table.contains_key("operation")) else {
        return lean;
    };
    for key in ["sign", "session", "resilience", "maintenance", "dispute"] {
        if key != part {
            table.remove(key);
        }
    }
    // `/operation/0/KEY`
    let part = place.split('/').nth(3).filter(|_| part == "operation").unwrap_or_default();
    let operation = table["operation"][0].as_object_mut().unwrap();
    for key in ["document", "as_of", "checked", "paging", "resilience"] {
        if key != part {
            operation.remove(key);
        }
    }
    if part != "outcome" && operation.contains_key("outcome") {
        operation.insert("outcome".to_owned(), json!({ "found": "true" }));
    }
    lean
}

fn hold(schema: &str, samples: &[String], problems: Problems) {
    let folder = tempfile::tempdir().unwrap();
    let validator = validator(schema);
    let (mut taken, mut refused) = (0, 0);
    let mut wrong = Vec::new();
    for sample in samples {
        for (what, json) in mutations(&parsed(sample)) {
            let text = toml::to_string(&json).unwrap();
            let told = problems(folder.path(), &text);
            let is_valid = validator.is_valid(&json);
            if is_valid {
                taken += 1;
                let unseen = told
                    .iter()
                    .filter(|problem| !OUT_OF_SIGHT.iter().any(|known| problem.contains(known)));
                wrong.extend(unseen.map(|problem| format!("not seen: {what}: {problem}")));
            } else {
                refused += 1;
                // An empty path leads to the folder itself, which nobody means.
                let seen = seen(&validator, &json).join("; ");
                if told.is_empty() && !seen.contains("is shorter than 1 character") {
                    wrong.push(format!("too strict: {what}: {seen}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(taken > 50 && refused > 500, "{taken} taken, {refused} refused");
}

#[test]
fn changed_manifests_are_judged_alike() {
    hold(MANIFEST, &full()[..6], problems);
}

#[test]
fn changed_fixtures_are_judged_alike() {
    hold(FIXTURE, &[full_fixtures()], problems_of_fixtures);
}
