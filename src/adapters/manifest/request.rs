//! What an operation, or a session, sends: the parts of a request with expressions at their ends.

use serde_json::Value as Json;

use super::section::{Leaf, Section, Source};
use crate::adapters::language::expression::{Expression, Names};
use crate::adapters::language::template::Template;

/// Methods an agency is asked with.
const METHODS: [&str; 3] = ["GET", "POST", "PUT"];

/// A request over HTTP.
pub(crate) struct Request {
    /// Method.
    pub(crate) method: String,
    /// Path below the base, with its leading slash.
    pub(crate) path: String,
    /// Header names and values.
    pub(crate) headers: Vec<(String, Tree)>,
    /// Names and values after the question mark.
    pub(crate) query: Vec<(String, Tree)>,
    /// What it carries.
    pub(crate) payload: Payload,
}

/// What a request carries.
pub(crate) enum Payload {
    /// Nothing.
    Nothing,
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, Tree)>),
    /// `application/json`.
    Json(Tree),
    /// Text as it is.
    Body(Tree),
}

/// A value of a request.
pub(crate) enum Tree {
    /// Worked out for each question.
    Expression(Expression),
    /// The same for every question.
    Constant(Json),
    /// A map.
    Table(Vec<(String, Tree)>),
    /// A list.
    List(Vec<Tree>),
}

/// A request in a SOAP envelope.
pub(crate) struct Envelope {
    /// Path below the base.
    pub(crate) path: String,
    /// `SOAPAction`.
    pub(crate) action: String,
    /// Further header names and values.
    pub(crate) headers: Vec<(String, Tree)>,
    /// Inside `soap:Header`.
    pub(crate) header: Option<Template>,
    /// Text that the body can hold as `{inner}`.
    pub(crate) inner: Option<Template>,
    /// The child of `soap:Body`.
    pub(crate) body: Template,
}

/// Reads `request` of an HTTP operation or session.
pub(super) fn request(source: &Source<'_>, section: Section<'_>, names: &Names) -> Option<Request> {
    let method = section.text("method").map_or_else(
        || Some("POST".to_owned()),
        |text| {
            let known = METHODS.contains(&text.value.as_str());
            if !known {
                source.flaw(text.at, format!("`{}` is one of {}", text.key, METHODS.join(", ")));
            }
            known.then_some(text.value)
        },
    );
    let path = path(source, &section);
    let headers = headers(source, &section, names);
    let query = entries(source, &section, "query", names);
    let payloads = ["form", "json", "body"].iter().filter(|key| section.has(key)).count();
    if payloads > 1 {
        source.flaw(section.at(), "a request has at most one of `form`, `json`, `body`");
    }
    let payload = if section.has("form") {
        Payload::Form(entries(source, &section, "form", names))
    } else if let Some(leaf) = section.leaf("json") {
        Payload::Json(tree(source, leaf, names)?)
    } else if let Some(leaf) = section.leaf("body") {
        Payload::Body(tree(source, leaf, names)?)
    } else {
        Payload::Nothing
    };
    section.finish();
    Some(Request { method: method?, path: path?, headers, query, payload })
}

/// Reads `request` of a SOAP operation.
pub(super) fn envelope(
    source: &Source<'_>,
    section: Section<'_>,
    names: &Names,
) -> Option<Envelope> {
    let path = path(source, &section);
    let action = section.text("action").map(|text| text.value).unwrap_or_default();
    let headers = headers(source, &section, names);
    let template = |key, names: &Names| {
        section
            .text(key)
            .map(|text| source.template(&text, names))
            .map_or(Some(None), |read| read.map(Some))
    };
    let inner = template("inner", names);
    let with_inner = if section.has("inner") {
        names.clone().with("inner", crate::adapters::language::expression::Members::Any)
    } else {
        names.clone()
    };
    let header = template("header", &with_inner);
    let body = section.required("body").and_then(|text| source.template(&text, &with_inner));
    section.finish();
    Some(Envelope { path: path?, action, headers, header: header?, inner: inner?, body: body? })
}

fn path(source: &Source<'_>, section: &Section<'_>) -> Option<String> {
    let path = section.required("path")?;
    let is_path = path.value.starts_with('/')
        && path.value.bytes().all(|byte| byte.is_ascii_graphic())
        && !path.value.contains(['?', '#']);
    if !is_path {
        source
            .flaw(path.at, format!("`{}` starts with `/` and has no `?`, `#` or space", path.key));
    }
    is_path.then_some(path.value)
}

fn headers(source: &Source<'_>, section: &Section<'_>, names: &Names) -> Vec<(String, Tree)> {
    let headers = entries(source, section, "headers", names);
    for (name, _) in &headers {
        if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
            source.flaw(section.at_key("headers"), format!("`{name}` is no header name"));
        }
    }
    headers
}

fn entries(
    source: &Source<'_>,
    section: &Section<'_>,
    key: &'static str,
    names: &Names,
) -> Vec<(String, Tree)> {
    match section.leaf(key) {
        None => Vec::new(),
        Some(Leaf::Table(entries)) => entries
            .into_iter()
            .filter_map(|(name, leaf)| Some((name, tree(source, leaf, names)?)))
            .collect(),
        Some(_) => {
            source.flaw(section.at_key(key), format!("`{key}` is a table of names and values"));
            Vec::new()
        }
    }
}

/// `None` when something in it has been noted as a flaw.
pub(super) fn tree(source: &Source<'_>, leaf: Leaf, names: &Names) -> Option<Tree> {
    Some(match leaf {
        Leaf::Text(text) => Tree::Expression(source.expression(&text, names)?),
        Leaf::Constant(constant) => Tree::Constant(constant),
        Leaf::Table(entries) => Tree::Table(
            entries
                .into_iter()
                .map(|(name, leaf)| (name, tree(source, leaf, names)))
                // Every branch is looked at before the first flaw decides.
                .collect::<Vec<_>>()
                .into_iter()
                .map(|(name, tree)| Some((name, tree?)))
                .collect::<Option<_>>()?,
        ),
        Leaf::List(items) => Tree::List(
            items
                .into_iter()
                .map(|leaf| tree(source, leaf, names))
                .collect::<Vec<_>>()
                .into_iter()
                .collect::<Option<_>>()?,
        ),
    })
}
