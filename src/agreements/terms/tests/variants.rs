//! Terms that differ from others in one key.

use serde_json::{Value as Json, json};

use super::super::Terms;
use crate::finding::mutations;

/// A draft that uses every key.
pub(in crate::agreements) const FULL: &str = include_str!("../full.toml");

/// Its JSON.
pub(in crate::agreements) fn full() -> Json {
    toml::from_str(FULL).unwrap()
}

/// Values put in the place of others: some fit some keys, and none fits all.
fn candidates() -> Vec<Json> {
    vec![
        json!("zz-marker"),
        json!("fund-centre"),
        json!("civil-affairs"),
        json!("2d 3h"),
        json!("777d"),
        json!("2027-03-04T05:06:07+08:00"),
        json!("2025-03-04T05:06:07+08:00"),
        json!("05:07"),
        json!("23:30"),
        json!("saturday"),
        json!("anonymise"),
        json!("year"),
        json!("number"),
        json!("gt"),
        json!("mandated"),
        json!("0".repeat(64)),
        json!(3),
        json!(18),
        json!(777_777),
        json!(true),
        json!(false),
        json!([]),
        json!(["zz-marker"]),
        json!({}),
        json!({ "zz-marker": "year" }),
        json!(-1),
    ]
}

/// The JSON with one leaf, list or table changed, added to or left out, and where.
pub(in crate::agreements) fn mutations(whole: &Json) -> Vec<(String, Json)> {
    let mut mutated = Vec::new();
    for place in mutations::places(whole) {
        mutated.extend(mutations::at(whole, &place, &candidates(), "zz-marker"));
        if let Some(Json::Array(list)) = whole.pointer(&place) {
            let mut longer = whole.clone();
            let added = if list.iter().all(Json::is_string) { candidates() } else { vec![] };
            for candidate in added.into_iter().filter(|one| !list.contains(one)) {
                longer.pointer_mut(&place).unwrap().as_array_mut().unwrap().push(candidate);
                mutated.push((format!("{place} longer"), longer.clone()));
                longer.clone_from(whole);
            }
        }
    }
    mutated
}

/// Mutations that are terms by their form and other terms than these.
pub(in crate::agreements) fn variants(terms: &Terms) -> Vec<(String, Terms)> {
    let mutated = mutations(&serde_json::to_value(terms).unwrap()).into_iter();
    mutated
        .filter_map(|(place, json)| Some((place, serde_json::from_value::<Terms>(json).ok()?)))
        .filter(|(_, variant)| variant != terms)
        .collect()
}
