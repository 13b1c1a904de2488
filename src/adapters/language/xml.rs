//! XML to a document: elements by local name, or by `prefix:name` where their namespace is declared, attributes as
//! `@name`, text-only elements as text.
//!
//! DTDs are refused, so there are no entities to expand and nothing outside the text is ever read.

use roxmltree::{Document, Node, ParsingOptions};
use serde_json::{Map, Value as Json};
use thiserror::Error;

/// Nodes in one text: a reply with more is not about one question.
const MAX_NODES: u32 = 100_000;
/// Elements inside elements.
const MAX_DEPTH: usize = 48;

/// How the XML of one agency is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Elements that are lists even when there is one, as they are named in the document.
    pub(crate) lists: Vec<String>,
    /// Prefixes and the namespaces they stand for, whatever prefixes the agency itself uses.
    pub(crate) namespaces: Vec<(String, String)>,
}

impl Shape {
    fn name(&self, namespace: Option<&str>, local: &str) -> String {
        let declared = self.namespaces.iter().find(|(_, uri)| Some(uri.as_str()) == namespace);
        match declared {
            Some((prefix, _)) => format!("{prefix}:{local}"),
            None => local.to_owned(),
        }
    }
}

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

/// The text as a map with one entry, the root element.
///
/// # Errors
/// See [`XmlError`].
pub(crate) fn read(text: &str, shape: &Shape) -> Result<Json, XmlError> {
    let document = parse(text)?;
    let root = document.root_element();
    let mut map = Map::new();
    insert(&mut map, name(root, shape), element(root, shape)?, shape);
    Ok(Json::Object(map))
}

/// The text as a tree of nodes, for those who must see namespaces.
///
/// # Errors
/// See [`XmlError`].
pub(super) fn parse(text: &str) -> Result<Document<'_>, XmlError> {
    if has_crowded_tag(text) {
        return Err(XmlError::TooWide);
    }
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text.trim_start(), options).map_err(|_| XmlError::Refused)
}

/// What is in one element.
///
/// # Errors
/// See [`XmlError`].
pub(super) fn element(node: Node<'_, '_>, shape: &Shape) -> Result<Json, XmlError> {
    element_at(node, shape, 1)
}

fn name(node: Node<'_, '_>, shape: &Shape) -> String {
    shape.name(node.tag_name().namespace(), node.tag_name().name())
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

fn element_at(node: Node<'_, '_>, shape: &Shape, depth: usize) -> Result<Json, XmlError> {
    if depth > MAX_DEPTH {
        return Err(XmlError::TooDeep);
    }
    let mut map = Map::new();
    for attribute in node.attributes() {
        let name = shape.name(attribute.namespace(), attribute.name());
        map.insert(format!("@{name}"), Json::from(attribute.value()));
    }
    for child in node.children().filter(Node::is_element) {
        insert(&mut map, name(child, shape), element_at(child, shape, depth + 1)?, shape);
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
fn insert(map: &mut Map<String, Json>, name: String, value: Json, shape: &Shape) {
    match map.get_mut(&name) {
        Some(Json::Array(items)) => items.push(value),
        Some(first) => *first = Json::Array(vec![first.take(), value]),
        None => {
            let is_list = shape.lists.contains(&name);
            map.insert(name, if is_list { Json::Array(vec![value]) } else { value });
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
        let shape = Shape { lists: vec!["RECORD".to_owned()], ..Shape::default() };
        assert_eq!(
            read(text, &shape),
            Ok(json!({ "PACKAGE": {
                "HEAD": { "FHDM": "10", "EMPTY": "" },
                "RECORD": [{ "@no": "1", "XM": "张三 & 李四" }],
                "NOTE": { "@lang": "zh", "#text": "注" },
            }}))
        );
        let twice = read("<a><b>1</b><b>2</b><b>3</b></a>", &Shape::default());
        assert_eq!(twice, Ok(json!({ "a": { "b": ["1", "2", "3"] } })));
    }

    #[test]
    fn names_in_a_declared_namespace_carry_its_prefix_whatever_the_agency_writes() {
        let shape = Shape {
            lists: vec!["gk:row".to_owned()],
            namespaces: vec![("gk".into(), "urn:gk".into()), ("u".into(), "urn:u".into())],
        };
        for text in [
            r#"<p:a xmlns:p="urn:gk" xmlns:q="urn:u"><p:id>1</p:id><q:id q:by="x" no="7">2</q:id><id>3</id><p:row/></p:a>"#,
            r#"<a xmlns="urn:gk" xmlns:z="urn:u"><id>1</id><id xmlns="urn:u" z:by="x" no="7">2</id><id xmlns="">3</id><row/></a>"#,
        ] {
            let expected = json!({ "gk:a": {
                "gk:id": "1",
                "u:id": { "@u:by": "x", "@no": "7", "#text": "2" },
                "id": "3",
                "gk:row": [""],
            }});
            assert_eq!(read(text, &shape), Ok(expected));
        }
        let other = read(r#"<gk:a xmlns:gk="urn:other"/>"#, &shape);
        assert_eq!(other, Ok(json!({ "a": "" })), "a prefix alone says nothing");
    }

    #[test]
    fn refuses_what_could_hurt() {
        let laughs = r#"<!DOCTYPE a [<!ENTITY l "ha">]><a>&l;</a>"#;
        let outside = r#"<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>"#;
        for text in [laughs, outside, "", "plain", "<a>", "<a></b>", "{}"] {
            assert_eq!(read(text, &Shape::default()), Err(XmlError::Refused), "{text}");
        }
        let deep = format!("{}{}", "<a>".repeat(100), "</a>".repeat(100));
        assert_eq!(read(&deep, &Shape::default()), Err(XmlError::TooDeep));
        let deeper = format!("{}{}", "<a>".repeat(200_000), "</a>".repeat(200_000));
        assert!(read(&deeper, &Shape::default()).is_err());
        let wide = format!("<a>{}</a>", "<b/>".repeat(120_000));
        assert_eq!(read(&wide, &Shape::default()), Err(XmlError::Refused));
    }
}
