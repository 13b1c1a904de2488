//! An attribute of the catalogue as a placeholder: how an agency might write it, and the expression that reads that.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use crate::catalogue::{Attribute, AttributeKind};

/// The expression that reads it from a field of its own name. `is_text` where everything is text, and nothing is empty.
pub(super) fn expression(attribute: &Attribute, is_text: bool) -> String {
    let name = &attribute.name;
    if is_text && attribute.optional {
        let needed = Attribute { optional: false, ..attribute.clone() };
        return format!("doc.{name} == \"\" ? null : {}", expression(&needed, is_text));
    }
    let field = match attribute.optional {
        true => format!("or_null(doc, \"{name}\")"),
        false => format!("doc.{name}"),
    };
    match (&attribute.kind, attribute.optional) {
        (AttributeKind::Truth | AttributeKind::Code(_), true) => {
            format!("{field} == null ? null : codes.{name}[doc.{name}]")
        }
        (AttributeKind::Truth | AttributeKind::Code(_), false) => format!("codes.{name}[{field}]"),
        (AttributeKind::Integer, true) => format!("{field} == null ? null : int(doc.{name})"),
        (AttributeKind::Integer, false) => format!("int({field})"),
        (AttributeKind::Text | AttributeKind::People, _) => field,
        (AttributeKind::Date, true) => format!("{field} == null ? null : date(doc.{name})"),
        (AttributeKind::Month, true) => format!("{field} == null ? null : month(doc.{name})"),
        (AttributeKind::Date, false) => format!("date({field})"),
        (AttributeKind::Month, false) => format!("month({field})"),
    }
}

/// The lines of `[operation.attributes]`, and the code tables that they need.
pub(super) fn section(attributes: &[Attribute], is_text: bool) -> String {
    let width = attributes.iter().map(|attribute| attribute.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for attribute in attributes {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:width$} = '{}'   # {}{}: {}",
            attribute.name,
            expression(attribute, is_text),
            attribute.kind.name(),
            if attribute.optional { ", or null" } else { "" },
            attribute.title_zh,
        );
    }
    for attribute in attributes {
        let codes = table(attribute);
        if codes.is_empty() {
            continue;
        }
        let _ = write!(
            text,
            "\n[operation.codes.{}]   # left: every code of the agency; one outside the table is a contract error\n",
            attribute.name
        );
        for (code, value) in codes {
            let _ = writeln!(text, "\"{code}\" = {value}");
        }
    }
    text.trim_end().to_owned()
}

fn table(attribute: &Attribute) -> Vec<(String, Json)> {
    match &attribute.kind {
        AttributeKind::Truth => {
            vec![("1".to_owned(), json!(true)), ("0".to_owned(), json!(false))]
        }
        AttributeKind::Code(codes) => {
            (1..).zip(codes).map(|(number, code)| (number.to_string(), json!(code))).collect()
        }
        _ => Vec::new(),
    }
}

/// What the made-up agency writes, and what that is.
pub(super) fn sample(attribute: &Attribute) -> (Json, Json) {
    match &attribute.kind {
        AttributeKind::Truth => (json!("1"), json!(true)),
        AttributeKind::Integer => (json!(3), json!(3)),
        AttributeKind::Text => (json!("某某"), json!("某某")),
        AttributeKind::Date => (json!("20260131"), json!("2026-01-31")),
        AttributeKind::Month => (json!("202601"), json!("2026-01")),
        AttributeKind::People => {
            // Invented: area 430000 is the province itself, for which no number is issued.
            let people = json!([{ "name": "某某", "number": "430000201805060029" }]);
            (people.clone(), people)
        }
        AttributeKind::Code(codes) => (json!("1"), json!(codes.first())),
    }
}
