//! JSON that differs from other JSON in one place: to hold a schema and the reader it describes against each other.

use serde_json::Value as Json;

/// A pointer to everything inside, tables and lists before what they hold.
pub(crate) fn places(whole: &Json) -> Vec<String> {
    within(whole, "")
}

fn within(json: &Json, at: &str) -> Vec<String> {
    let inner: Vec<(String, &Json)> = match json {
        Json::Object(keys) => keys.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Json::Array(list) => {
            list.iter().enumerate().map(|(place, value)| (place.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    let inner = inner.into_iter().map(|(key, value)| (format!("{at}/{key}"), value));
    inner.flat_map(|(at, value)| [vec![at.clone()], within(value, &at)].concat()).collect()
}

/// The whole with each candidate in that place, with its key called `marker`, and without it; and what was done.
pub(crate) fn at(
    whole: &Json,
    place: &str,
    candidates: &[Json],
    marker: &str,
) -> Vec<(String, Json)> {
    let mut mutated = Vec::new();
    for candidate in candidates {
        let mut other = whole.clone();
        let found = other.pointer_mut(place).unwrap();
        if found != candidate {
            found.clone_from(candidate);
            mutated.push((format!("{place} = {candidate}"), other));
        }
    }
    let (parent, key) = place.rsplit_once('/').unwrap();
    let mut without = whole.clone();
    match without.pointer_mut(parent).unwrap() {
        Json::Object(keys) => {
            let value = keys.remove(key).unwrap();
            let mut renamed = without.clone();
            let table = renamed.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            table.insert(marker.to_owned(), value);
            mutated.push((format!("{place} renamed"), renamed));
        }
        Json::Array(list) => drop(list.remove(key.parse().unwrap())),
        _ => {}
    }
    mutated.push((format!("{place} left out"), without));
    mutated
}
