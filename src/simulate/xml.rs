//! Just enough XML for two agencies: write elements, read the text of the first element of a name.

use quick_xml::escape::escape;
use roxmltree::{Document, Node};

/// `<name>text</name>`, escaped.
pub(super) fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escape(text))
}

/// Elements one after the other.
pub(super) fn elements(fields: &[(&str, String)]) -> String {
    fields.iter().map(|(name, text)| element(name, text)).collect()
}

/// The first element of that local name, anywhere below.
pub(super) fn find<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.descendants().find(|node| node.is_element() && node.tag_name().name() == name)
}

/// The text of the first element of that local name; empty when there is none.
pub(super) fn text(node: Node<'_, '_>, name: &str) -> String {
    find(node, name).and_then(|node| node.text()).unwrap_or_default().trim().to_owned()
}

/// Parses; entities that a DTD would define are refused by the parser.
pub(super) fn parse(text: &str) -> Option<Document<'_>> {
    Document::parse(text).ok()
}
