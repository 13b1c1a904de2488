//! Code tables: that they have every code the agency documents, and that what they say fits the catalogue.

use serde_json::{Map, Value as Json};

use super::section::{Section, Source, Text};
use crate::adapters::mapping;
use crate::catalogue::{Attribute, AttributeKind};

/// Reads `codes`, and holds it against `lists`: every code that the agency documents.
pub(super) fn tables(source: &Source<'_>, section: &Section<'_>) -> Map<String, Json> {
    let tables = section.section("codes").map(|codes| codes.named_sections("a table of codes"));
    let tables: Map<String, Json> = tables
        .unwrap_or_default()
        .into_iter()
        .map(|(name, table)| (name, Json::Object(table.constants())))
        .collect();
    let lists = section.section("lists").map(Section::named_lists).unwrap_or_default();
    for (name, at, documented) in lists {
        let Some(Json::Object(table)) = tables.get(&name) else {
            source.flaw(at, format!("`codes` has no table `{name}`"));
            continue;
        };
        for code in &documented {
            if !table.contains_key(&code.value) {
                let problem = format!(
                    "the agency's code `{}` is not in `codes.{name}`: say there what it stands for",
                    code.value
                );
                source.flaw(code.at, problem);
            }
        }
        for code in table.keys() {
            if !documented.iter().any(|documented| documented.value == *code) {
                let problem = format!("`codes.{name}` has `{code}`, which is not listed here");
                source.warn(at, problem);
            }
        }
    }
    tables
}

/// Holds the table that an attribute is read from, where it is read from a table and nothing else, against the
/// attribute: every code of the table must be one of its values, and every value should have a code.
pub(super) fn judge(
    source: &Source<'_>,
    text: &Text,
    attribute: &Attribute,
    tables: &Map<String, Json>,
) {
    let Some((name, table)) = read_from(&text.value, tables) else { return };
    let unfit = table
        .iter()
        .find(|(_, value)| !value.is_null() && mapping::typed(value, &attribute.kind).is_none());
    if let Some((code, value)) = unfit {
        let attribute = &attribute.name;
        let problem = format!("code `{code}` stands for {value}, which `{attribute}` cannot be");
        source.flaw(text.at, format!("{}: {problem}", text.key));
        return;
    }
    let AttributeKind::Code(values) = &attribute.kind else { return };
    for value in values {
        if !table.values().any(|given| given.as_str() == Some(value)) {
            let problem = format!("no code of `codes.{name}` stands for `{value}`");
            source.warn(text.at, format!("{}: {problem}", text.key));
        }
    }
}

fn read_from<'t>(
    expression: &str,
    tables: &'t Map<String, Json>,
) -> Option<(String, &'t Map<String, Json>)> {
    let inside = expression.trim().strip_prefix("codes.")?.strip_suffix(']')?;
    let (name, key) = inside.split_once('[')?;
    // `codes.a[x] == codes.b[y]` is no look-up in one table.
    if key.contains(['[', ']']) && !key.starts_with("string(") {
        return None;
    }
    let Json::Object(table) = tables.get(name)? else { return None };
    Some((name.to_owned(), table))
}
