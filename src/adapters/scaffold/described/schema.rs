//! The fields of a JSON Schema as OpenAPI embeds it, flattened to names with dots.

use serde_json::Value as Json;

use super::{DEPTH_MOST, FIELDS_MOST, Field, Place, Unread};

/// References followed from one to the next before it is called a circle.
const HOPS_MOST: usize = 8;

/// Notes every field below `schema`.
pub(super) fn fields(
    document: &Json,
    schema: &Json,
    place: Place,
    into: &mut Vec<Field>,
) -> Result<(), Unread> {
    inside(document, schema, place, "", 0, into)
}

fn inside(
    document: &Json,
    schema: &Json,
    place: Place,
    prefix: &str,
    depth: usize,
    into: &mut Vec<Field>,
) -> Result<(), Unread> {
    // Deeper, or more, helps nobody who begins; a schema may well contain itself.
    if depth > DEPTH_MOST || into.len() >= FIELDS_MOST {
        return Ok(());
    }
    let schema = resolved(document, schema)?;
    for part in schema.get("allOf").and_then(Json::as_array).into_iter().flatten() {
        inside(document, part, place, prefix, depth + 1, into)?;
    }
    if let Some(items) = schema.get("items") {
        return inside(document, items, place, &format!("{prefix}[]"), depth + 1, into);
    }
    let required = schema.get("required").and_then(Json::as_array);
    for (name, property) in schema.get("properties").and_then(Json::as_object).into_iter().flatten()
    {
        if into.len() >= FIELDS_MOST {
            return Ok(());
        }
        let is_required = required.is_some_and(|names| names.iter().any(|known| known == name));
        let property = resolved(document, property)?;
        let full = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        into.push(Field { place, name: full.clone(), remark: remark(property, is_required) });
        inside(document, property, place, &full, depth + 1, into)?;
    }
    Ok(())
}

/// What a `$ref` of this file points to; anything else as it is.
pub(super) fn resolved<'a>(document: &'a Json, mut value: &'a Json) -> Result<&'a Json, Unread> {
    for _ in 0..HOPS_MOST {
        let Some(reference) = value.get("$ref").and_then(Json::as_str) else { return Ok(value) };
        let Some(pointer) = reference.strip_prefix('#') else {
            return Err(Unread::Elsewhere(reference.to_owned()));
        };
        value = document.pointer(pointer).ok_or_else(|| Unread::Missing(reference.to_owned()))?;
    }
    Err(Unread::Missing("a reference to itself".to_owned()))
}

/// `string, required: what it is`.
pub(super) fn remark(schema: &Json, is_required: bool) -> String {
    let kind = match schema.get("type") {
        Some(Json::String(kind)) => kind.clone(),
        // 3.1 may list several, `null` among them.
        Some(Json::Array(kinds)) => {
            kinds.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(" or ")
        }
        _ => "any".to_owned(),
    };
    let codes = schema.get("enum").and_then(Json::as_array).map(|codes| {
        let codes: Vec<String> = codes.iter().take(12).map(ToString::to_string).collect();
        format!(" of {}", codes.join(", "))
    });
    let text = |key| schema.get(key).and_then(Json::as_str);
    let about = text("description").or_else(|| text("title")).map(|text| format!(": {text}"));
    let required = if is_required { ", required" } else { "" };
    format!("{kind}{}{required}{}", codes.unwrap_or_default(), about.unwrap_or_default())
}
