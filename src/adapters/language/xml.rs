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
/// Declarations of namespaces in force at one place. The parser compares each with all others, for each element that
/// adds one.
const MAX_DECLARED: usize = 32;
/// Declarations of namespaces in one text.
const MAX_DECLARATIONS: usize = 4_096;

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
    /// Namespaces are declared too often.
    #[error(
        "namespaces are declared more than {MAX_DECLARED} times around one element, or {MAX_DECLARATIONS} times in all"
    )]
    TooManyNamespaces,
    /// Two attributes of an element differ in nothing but an undeclared namespace.
    #[error("an element has two attributes of one name")]
    Ambiguous,
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
    refuse_outsized(text)?;
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

/// What the parser would take too long for is refused before it sees the text. Where the text is not well formed the
/// two may disagree about what follows, which the parser then no longer looks at.
fn refuse_outsized(text: &str) -> Result<(), XmlError> {
    const SKIPPED: [(&str, &str); 3] = [("!--", "-->"), ("![CDATA[", "]]>"), ("?", "?>")];
    // How many namespaces are declared by each element that is open, and by all of them.
    let mut open: Vec<usize> = Vec::new();
    let (mut declared, mut declarations) = (0_usize, 0_usize);
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('<') {
        if let Some((_, end)) = SKIPPED.iter().find(|(start, _)| after.starts_with(start)) {
            rest = after.split_once(end).map_or("", |(_, rest)| rest);
            continue;
        }
        let tag = Tag::read(after);
        rest = after.get(tag.length..).unwrap_or_default();
        if tag.attributes > MAX_ATTRIBUTES {
            return Err(XmlError::TooWide);
        }
        declarations += tag.declarations;
        if declared + tag.declarations > MAX_DECLARED || declarations > MAX_DECLARATIONS {
            return Err(XmlError::TooManyNamespaces);
        }
        match tag.kind {
            Kind::Start => {
                declared += tag.declarations;
                open.push(tag.declarations);
                if open.len() > MAX_DEPTH {
                    return Err(XmlError::TooDeep);
                }
            }
            Kind::End => declared -= open.pop().unwrap_or_default(),
            Kind::Empty => {}
        }
    }
    Ok(())
}

/// What can be seen of a tag without parsing it.
struct Tag {
    /// Bytes up to its `>`.
    length: usize,
    /// `=` outside quotes.
    attributes: usize,
    /// `xmlns` outside quotes.
    declarations: usize,
    kind: Kind,
}

enum Kind {
    Start,
    End,
    Empty,
}

impl Tag {
    /// The tag whose `<` stands before the text.
    fn read(text: &str) -> Self {
        let bytes = text.as_bytes();
        let (mut quote, mut attributes, mut declarations) = (None, 0, 0);
        let mut length = bytes.len();
        for (at, byte) in bytes.iter().enumerate() {
            match (quote, byte) {
                (Some(open), _) if byte == open => quote = None,
                (None, b'"' | b'\'') => quote = Some(byte),
                (None, b'=') => attributes += 1,
                (None, b'x') if bytes.get(at..).is_some_and(|rest| rest.starts_with(b"xmlns")) => {
                    declarations += 1;
                }
                (None, b'>') => {
                    length = at;
                    break;
                }
                _ => {}
            }
        }
        let kind = match bytes.get(..length) {
            Some([b'/', ..]) => Kind::End,
            Some([b'!', ..] | [.., b'/']) => Kind::Empty,
            _ => Kind::Start,
        };
        Self { length, attributes, declarations, kind }
    }
}

fn element_at(node: Node<'_, '_>, shape: &Shape, depth: usize) -> Result<Json, XmlError> {
    if depth > MAX_DEPTH {
        return Err(XmlError::TooDeep);
    }
    let mut map = Map::new();
    for attribute in node.attributes() {
        let name = shape.name(attribute.namespace(), attribute.name());
        if map.insert(format!("@{name}"), Json::from(attribute.value())).is_some() {
            return Err(XmlError::Ambiguous);
        }
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
        assert_eq!(read(&deeper, &Shape::default()), Err(XmlError::TooDeep));
        let wide = format!("<a>{}</a>", "<b/>".repeat(120_000));
        assert_eq!(read(&wide, &Shape::default()), Err(XmlError::Refused));
    }

    #[test]
    fn what_would_take_the_parser_long_is_refused_before_it_begins() {
        let nested: String = (0..20_000).map(|at| format!("<a xmlns:p{at}=\"u\">")).collect();
        assert_eq!(read(&nested, &Shape::default()), Err(XmlError::TooManyNamespaces));
        let defaults = "<a xmlns=\"u\">".repeat(20_000);
        assert_eq!(read(&defaults, &Shape::default()), Err(XmlError::TooManyNamespaces));
        let crowd: String = (0..200).map(|at| format!(" xmlns:p{at}='u'")).collect();
        assert_eq!(
            read(&format!("<a{crowd}/>"), &Shape::default()),
            Err(XmlError::TooManyNamespaces)
        );
        let beside = format!("<a>{}</a>", "<b xmlns=''/>".repeat(5_000));
        assert_eq!(read(&beside, &Shape::default()), Err(XmlError::TooManyNamespaces));
        let attributes: String = (0..300).map(|at| format!(" a{at}='>'")).collect();
        assert_eq!(read(&format!("<a{attributes}/>"), &Shape::default()), Err(XmlError::TooWide));
    }

    #[test]
    fn what_agencies_write_is_not_outsized() {
        // As Axis and .NET write rows: a declaration on each of them.
        let rows = "<row xmlns='' xmlns:i=\"urn:i\" note='a/>b'><c/></row >".repeat(1_000);
        let text = format!("<a xmlns='u'><!-- <b> --><![CDATA[<b>]]><?p <b> ?>{rows}</a>");
        let read = read(&text, &Shape::default()).unwrap();
        assert_eq!(read["a"]["row"].as_array().map(Vec::len), Some(1_000));
    }

    #[test]
    fn two_attributes_of_one_name_are_ambiguous() {
        let text = "<r xmlns:a='u1' xmlns:b='u2' a:no='1' b:no='2'/>";
        assert_eq!(read(text, &Shape::default()), Err(XmlError::Ambiguous));
        let shape = Shape { namespaces: vec![("b".into(), "u2".into())], ..Shape::default() };
        assert_eq!(read(text, &shape), Ok(json!({ "r": { "@no": "1", "@b:no": "2" } })));
    }
}
