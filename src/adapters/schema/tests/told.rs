//! Whatever a manifest can set is told of it, so that `diff` and `docs` see it.

use std::collections::BTreeSet;

use super::{MANIFEST, full, plain, tables};
use crate::adapters::portrait::tests::portrait;

/// Keys that are told otherwise than by a term of their own name, and where.
const ELSEWHERE: &[(&str, &str)] = &[
    ("agency", "a field of its own"),
    ("name", "a field of its own"),
    ("version", "a field of its own"),
    ("schema", "there is one only"),
    ("operation.fact", "a field of its own"),
    // What an agency documents bears on warnings; an answer depends on the tables.
    ("operation.lists", "warnings"),
    ("maintenance.days", "`maintenance`"),
    ("maintenance.from", "`maintenance`"),
    ("maintenance.to", "`maintenance`"),
    ("secrets.NAME.file", "`secrets.NAME`"),
];

/// Keys of the terms of every sample: of the whole, and of its operations.
fn told() -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut whole, mut single) = (BTreeSet::new(), BTreeSet::new());
    for text in full() {
        let portrait = portrait(&text);
        whole.extend(portrait.terms.into_iter().map(|term| term.key));
        let terms = portrait.operations.into_iter().flat_map(|operation| operation.terms);
        single.extend(terms.map(|term| term.key));
    }
    (whole, single)
}

#[test]
fn every_key_is_told_or_known_to_be_told_elsewhere() {
    let (whole, single) = told();
    let tables = tables(MANIFEST);
    let headings: Vec<&str> = tables.iter().map(|table| plain(&table.heading)).collect();
    let mut untold = Vec::new();
    for table in &tables {
        for key in &table.keys {
            let heading = plain(&table.heading);
            let path = if heading.is_empty() {
                key.name.clone()
            } else {
                format!("{heading}.{}", key.name)
            };
            let is_table = key.leads_to.is_some() || headings.contains(&path.as_str());
            let (terms, short) = match path.strip_prefix("operation.") {
                Some(short) => (&single, short),
                None => (&whole, path.as_str()),
            };
            let is_below = |term: &String| {
                term.strip_prefix(short)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            };
            let is_told = terms.iter().any(is_below);
            let is_elsewhere = ELSEWHERE.iter().any(|(known, _)| *known == path);
            assert!(!(is_told && is_elsewhere), "`{path}` is told: take it off the list");
            if !is_table && !is_told && !is_elsewhere {
                untold.push(path);
            }
        }
    }
    assert_eq!(untold, [""; 0], "tell these in src/adapters/portrait");
}
