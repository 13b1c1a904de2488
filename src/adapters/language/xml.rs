//! XML to a document: elements by local name, attributes as `@name`, text-only elements as text.
//!
//! DTDs are refused, so there are no entities to expand and nothing outside the text is ever read.

use roxmltree::{Document, Node, ParsingOptions};
use serde_json::{Map, Value as Json};
use thiserror::Error;

/// Nodes in one text: a reply with more is not about one question.
const MAX_NODES: u32 = 100_000;
/// Elements inside elements.
const MAX_DEPTH: usize = 48;

/// Attributes of one element. The parser compares each with all others.
const MAX_ATTRIBUTES: usize = 256;

/// Why a text is not read as XML. Holds nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum XmlError {
    /// It is not well formed, has a DTD, or too many nodes.
    #[error("it is not well formed, has a DTD, or has more than {MAX_NODES} nodes")]
    Refused,
    /// An element has too many attributes.
    #[error("an element has more than {MAX_ATTRIBUTES} attributes")]
    TooWide,
    /// Elements are nested too deep.
    #[error("elements are nested more than {MAX_DEPTH} deep")]
    TooDeep,
}

/// The text as a map with one entry, the root element. `lists` names the elements that are always lists.
///
/// # Errors
/// See [`XmlError`].
pub(crate) fn read(text: &str, lists: &[String]) -> Result<Json, XmlError> {
    if has_crowded_tag(text) {
        return Err(XmlError::TooWide);
    }
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document =
        Document::parse_with_options(text.trim_start(), options).map_err(|_| XmlError::Refused)?;
    let root = document.root_element();
    let mut map = Map::new();
    insert(&mut map, root.tag_name().name(), element(root, lists, 1)?, lists);
    Ok(Json::Object(map))
}

/// True when a tag has too many `=` outside quotes.
fn has_crowded_tag(text: &str) -> bool {
    const SKIPPED: [(&str, &str); 3] = [("!--", "-->"), ("![CDATA[", "]]>"), ("?", "?>")];
    let mut rest = text;
    while let Some((_, tag)) = rest.split_once('<') {
        if let Some((_, end)) = SKIPPED.iter().find(|(start, _)| tag.starts_with(start)) {
            rest = tag.split_once(end).map_or("", |(_, rest)| rest);
            continue;
        }
        let (mut quote, mut count, mut length) = (None, 0, tag.len());
        for (at, byte) in tag.bytes().enumerate() {
            match (quote, byte) {
                (Some(open), _) if byte == open => quote = None,
                (None, b'"' | b'\'') => quote = Some(byte),
                (None, b'=') => count += 1,
                (None, b'>') => {
                    length = at;
                    break;
                }
                _ => {}
            }
        }
        if count > MAX_ATTRIBUTES {
            return true;
        }
        rest = tag.get(length..).unwrap_or_default();
    }
    false
}

fn element(node: Node<'_, '_>, lists: &[String], depth: usize) -> Result<Json, XmlError> {
    if depth > MAX_DEPTH {
        return Err(XmlError::TooDeep);
    }
    let mut map = Map::new();
    for attribute in node.attributes() {
        map.insert(format!("@{}", attribute.name()), Json::from(attribute.value()));
    }
    for child in node.children().filter(Node::is_element) {
        insert(&mut map, child.tag_name().name(), element(child, lists, depth + 1)?, lists);
    }
    let text: String =
        node.children().filter(Node::is_text).filter_map(|child| child.text()).collect();
    if map.is_empty() {
        return Ok(Json::String(text));
    }
    if !text.trim().is_empty() {
        map.insert("#text".to_owned(), Json::String(text));
    }
    Ok(Json::Object(map))
}

/// A name that comes again becomes a list.
fn insert(map: &mut Map<String, Json>, name: &str, value: Json, lists: &[String]) {
    let is_list = lists.iter().any(|list| list == name);
    match map.get_mut(name) {
        Some(Json::Array(items)) => items.push(value),
        Some(first) => *first = Json::Array(vec![first.take(), value]),
        None if is_list => {
            map.insert(name.to_owned(), Json::Array(vec![value]));
        }
        None => {
            map.insert(name.to_owned(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn elements_attributes_and_lists() {
        let text = r#"<?xml version="1.0" encoding="GBK"?>
            <p:PACKAGE xmlns:p="urn:x"><HEAD><FHDM>10</FHDM><EMPTY/></HEAD>
            <RECORD no="1"><XM>张三 &amp; 李四</XM></RECORD><NOTE lang="zh">注</NOTE></p:PACKAGE>"#;
        let lists = ["RECORD".to_owned()];
        assert_eq!(
            read(text, &lists),
            Ok(json!({ "PACKAGE": {
                "HEAD": { "FHDM": "10", "EMPTY": "" },
                "RECORD": [{ "@no": "1", "XM": "张三 & 李四" }],
                "NOTE": { "@lang": "zh", "#text": "注" },
            }}))
        );
        let twice = read("<a><b>1</b><b>2</b><b>3</b></a>", &[]);
        assert_eq!(twice, Ok(json!({ "a": { "b": ["1", "2", "3"] } })));
    }

    #[test]
    fn refuses_what_could_hurt() {
        let laughs = r#"<!DOCTYPE a [<!ENTITY l "ha">]><a>&l;</a>"#;
        let outside = r#"<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>"#;
        for text in [laughs, outside, "", "plain", "<a>", "<a></b>", "{}"] {
            assert_eq!(read(text, &[]), Err(XmlError::Refused), "{text}");
        }
        let deep = format!("{}{}", "<a>".repeat(100), "</a>".repeat(100));
        assert_eq!(read(&deep, &[]), Err(XmlError::TooDeep));
        let deeper = format!("{}{}", "<a>".repeat(200_000), "</a>".repeat(200_000));
        assert!(read(&deeper, &[]).is_err());
        let attributes: String = (0..300).map(|number| format!(" a{number}='>'")).collect();
        assert_eq!(read(&format!("<a{attributes}/>"), &[]), Err(XmlError::TooWide));
        let hidden = format!("<!-- =\" --><a{attributes}/>");
        assert_eq!(read(&hidden, &[]), Err(XmlError::TooWide));
        let plain = "<a><!-- ' = --><![CDATA[<b x=']]><c y='1'/></a>";
        assert!(read(plain, &[]).is_ok());
        let wide = format!("<a>{}</a>", "<b/>".repeat(120_000));
        assert_eq!(read(&wide, &[]), Err(XmlError::Refused));
    }
}
